"""What a computation answers: trajectories, steady states, branches, studies, checks, costs, and how it ended."""

from eqfree.results.branch import Branch, BranchEvent, BranchPoint
from eqfree.results.curve import EventCurve, EventPoint
from eqfree.results.periodic import PeriodicOrbit, TravellingWave
from eqfree.results.status import Cost, Status
from eqfree.results.steady import FixedPoint, Spectrum, Stability
from eqfree.results.study import Check, Relation, Study, Value
from eqfree.results.trajectory import Crossing, Trajectory

__all__ = [
    "Branch",
    "BranchEvent",
    "BranchPoint",
    "Check",
    "Cost",
    "Crossing",
    "EventCurve",
    "EventPoint",
    "FixedPoint",
    "PeriodicOrbit",
    "Relation",
    "Spectrum",
    "Stability",
    "Status",
    "Study",
    "Trajectory",
    "TravellingWave",
    "Value",
]
