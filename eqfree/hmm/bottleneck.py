"""What is narrow on a road."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf

from eqfree.hmm.flux import Flux

__all__ = ["Bottleneck"]


@dataclass(frozen=True, eq=False)
class Bottleneck:
    """Another flux on a part of the road: a changed rule, a lane less.

    Parameters
    ----------
    flux
        The flux there.
    begin, end
        Where it is in force, by default to the end of the road; cells belong to it whose centres lie there.
    capacity_drop
        Share of the bottleneck's capacity that is lost while more wants to enter than it can pass: the queue
        discharges at (1 - ``capacity_drop``) times capacity until it is gone. Nothing is lost where the capacity is
        not below that of the road before it: no more than capacity ever wants to enter, and no queue stands.

    Raises
    ------
    ValueError
        For an end before the beginning, or a drop outside [0, 1).

    Examples
    --------
    >>> from scipy.interpolate import PPoly
    >>> from eqfree.hmm import FluxCurve
    >>> Bottleneck(FluxCurve(PPoly([[-1.0], [1.0], [0.0]], [0.0, 1.0])), begin=800.0, capacity_drop=0.1).end
    inf
    """

    flux: Flux
    begin: float
    end: float = inf
    capacity_drop: float = 0.0

    def __post_init__(self) -> None:
        if not self.begin < self.end:
            raise ValueError(
                f"A bottleneck must begin before it ends: got begin={self.begin:g}, end={self.end:g}. "
                "On a ring, one across the joint is two."
            )
        if not 0 <= self.capacity_drop < 1:
            raise ValueError(f"`capacity_drop` is a share of capacity, in [0, 1): got {self.capacity_drop:g}.")
