"""How a computation ended, and what it cost."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

__all__ = ["Cost", "Status"]


class Status(Enum):
    """How a computation ended; the value is the sentence to show."""

    SUCCESS = "The end of the time span was reached."
    NOT_FINITE = "The micro-model returned a value that is not finite; what was computed before is kept."
    INFEASIBLE = (
        "The projected state is one that no population has; what was computed before is kept. "
        "Shorten `step`, or lengthen `burst`."
    )
    EVENT = "A terminal event ended the run."
    BUDGET = "The budget is spent; what was computed with it is kept. Raise `budget`, or ask for less."
    STEADY = "A steady state was found."
    NO_STEADY_STATE = (
        "No steady state was found from this start. Start nearer, let the population settle first, or lengthen "
        "`duration`."
    )
    NO_WAVE = "What was found is no wave: moving it leaves it as it is, and any period would do. Start nearer."
    OUTSIDE = (
        "The solver was led to macro states that no population has. Start nearer to the steady state, or lengthen "
        "`duration`."
    )
    DROWNED = (
        "The derivative of the coarse map drowns in its noise, so that no step of Newton's method means anything. "
        "Raise `replicas`, or take a larger `difference`."
    )
    NO_BALANCE = (
        "Newton's method found no values at which flows balance; the last attempt is kept. Start nearer, take shorter "
        "steps, or answer a smoother flux."
    )
    NOISE = "The noise is too large for the steady state to be told from its surroundings. Raise `replicas`."
    CYCLE = "A cycle was found."
    NO_CYCLE = (
        "What was found is no cycle but a steady state, which comes back after any time. Start nearer to the cycle, "
        "such as from a simulation that has settled on it."
    )
    NO_RETURN = "The population does not come back to the section, so that there is no cycle to be read there."
    WAVE = "A travelling wave was found."
    FOLLOWED = "The branch was followed as far as was asked."
    BORDER = "The branch ended at the border of its domain."
    STUCK = "The branch could not be followed any further, however short the step; what was computed is kept."

    @property
    def success(self) -> bool:
        """Whether the computation reached its end, or what was to end it."""
        return self in _SUCCESSES


_SUCCESSES = (
    Status.SUCCESS,
    Status.EVENT,
    Status.STEADY,
    Status.CYCLE,
    Status.WAVE,
    Status.FOLLOWED,
    Status.BORDER,
)


@dataclass(frozen=True)
class Cost:
    """What a result cost; costs add up.

    >>> Cost(bursts=2, micro_time=3.0) + Cost(bursts=1, micro_time=0.5)
    Cost(bursts=3, micro_time=3.5, agent_updates=0.0, wall=0.0)
    """

    bursts: int = 0  #: simulations of one replica
    micro_time: float = 0.0  #: simulated time, in the model's unit, summed over replicas
    agent_updates: float = 0.0  #: where the model counts them, else 0
    wall: float = field(default=0.0, compare=False)  #: seconds on the clock

    def __add__(self, other: Cost) -> Cost:
        return Cost(
            self.bursts + other.bursts,
            self.micro_time + other.micro_time,
            self.agent_updates + other.agent_updates,
            self.wall + other.wall,
        )
