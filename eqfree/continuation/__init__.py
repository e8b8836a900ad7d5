"""Branches of steady states over a parameter: the walk along them, and the events on them."""

from eqfree.continuation.curve import Across, CurveSteps, continue_event, trace_events
from eqfree.continuation.driver import continue_branch, iter_branch, locate_event, switch_branch
from eqfree.continuation.events import EventOptions
from eqfree.continuation.hopf import find_hopf_point
from eqfree.continuation.problem import PseudoArclength, Steps
from eqfree.continuation.state import BranchState
from eqfree.continuation.sweep import Sweep, sweep
from eqfree.continuation.walk import BranchWalk

__all__ = [
    "Across",
    "BranchState",
    "BranchWalk",
    "CurveSteps",
    "EventOptions",
    "PseudoArclength",
    "Steps",
    "Sweep",
    "continue_branch",
    "continue_event",
    "find_hopf_point",
    "iter_branch",
    "locate_event",
    "sweep",
    "switch_branch",
    "trace_events",
]
