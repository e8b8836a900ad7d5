"""Where a burst is lifted for the slope of a stage: a burst moves time, and its slope is a later one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from eqfree.projective.estimators import Estimate

__all__ = ["Corrected", "Early", "Look", "Plain", "Slopes", "corrected"]

Array: TypeAlias = NDArray[np.float64]


class Look(Protocol):
    """Bursts from macro states (group, ...), lifted at a time; ``part`` 1 are those that correct others."""

    def __call__(self, macro: Array, time: float, part: int = 0) -> Estimate:
        """What they say."""
        ...


class Slopes(Protocol):
    """How the slope of a stage is had from bursts.

    The first burst of a step is made in any case: it heals, and a leap starts from its end.
    """

    @property
    def bursts(self) -> int:
        """How many bursts a stage takes."""
        ...

    def at_base(self, look: Look, first: Estimate, time: float) -> Estimate:
        """The slope at the end of the ``first`` burst, which was lifted at ``time``."""
        ...

    def at_stage(self, look: Look, stage: Array, time: float, before: Estimate) -> Estimate:
        """The slope at a stage; ``before`` is what gave the slope of the stage before it."""
        ...


@dataclass(frozen=True)
class Plain:
    """A burst lifted at the stage, whose slope is used as it is: late by about a burst.

    One burst a stage. A scheme of any order errs by O(burst) more.

    Examples
    --------
    >>> Plain().bursts
    1
    """

    bursts = 1

    def at_base(self, look: Look, first: Estimate, time: float) -> Estimate:
        """That of the first burst."""
        return first

    def at_stage(self, look: Look, stage: Array, time: float, before: Estimate) -> Estimate:
        """A burst from the stage."""
        return look(stage, time)


@dataclass(frozen=True)
class Early:
    """A burst lifted before the stage, so that its slope is the stage's.

    Earlier by the middle ``m`` of its slope, along the slope ``k`` of the stage before: from ``Y - m k``. One burst a
    stage. The slope at the end of the first burst is taken to be that of the burst itself, so that only schemes
    that give it no weight, as `Midpoint`, keep second order for bursts of any length; others err by O(burst) more.
    With `Heun` and `RungeKutta4` and the slope called that at the end of its burst, ``Chord(at=1.0)``, these are PIRK2
    and PIRK4 of the Equation-Free Toolbox.

    References
    ----------
    J. Maclean, J. E. Bunder and A. J. Roberts, Numer. Algorithms 87 (2021) 1729, doi:10.1007/s11075-020-01027-z.

    Examples
    --------
    >>> Early().bursts
    1
    """

    bursts = 1

    def at_base(self, look: Look, first: Estimate, time: float) -> Estimate:
        """That of the first burst."""
        return first

    def at_stage(self, look: Look, stage: Array, time: float, before: Estimate) -> Estimate:
        """A burst from before the stage."""
        return look(stage - before.middle * before.slope, time - before.middle)


@dataclass(frozen=True)
class Corrected:
    """Two bursts: the first heals, the second is lifted before the stage, on the way that the first one showed.

    A burst of length b from the stage ends in E with slope F, the path's at m after lifting; the second is lifted
    from ``E - (b + m) F``, m before the stage, and its slope is the stage's with an error O(b²): what a straight way
    back misses of the slow manifold. Two bursts a stage; the declared order holds down to an error O(b²).

    References
    ----------
    C. W. Gear, T. J. Kaper, I. G. Kevrekidis and A. Zagaris, SIAM J. Appl. Dyn. Syst. 4 (2005) 711,
    doi:10.1137/040608295: projecting to a slow manifold.

    Examples
    --------
    >>> Corrected().bursts
    2
    """

    bursts = 2

    def at_base(self, look: Look, first: Estimate, time: float) -> Estimate:
        """A burst from before the end of the first one."""
        later = time + first.duration - first.middle
        return look(first.end - first.middle * first.slope, later, part=1)

    def at_stage(self, look: Look, stage: Array, time: float, before: Estimate) -> Estimate:
        """A burst from the stage, and one from before it."""
        return corrected(look, stage, time)


def corrected(look: Look, macro: Array, time: float) -> Estimate:
    """The slope at a macro state by two bursts: see `Corrected`."""
    healed = look(macro, time)
    back = healed.duration + healed.middle
    return look(healed.end - back * healed.slope, time - healed.middle, part=1)
