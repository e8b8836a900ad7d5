"""What passes from cell to cell."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from eqfree.hmm.flux import Flux

__all__ = ["Joint", "first_share"]

Array: TypeAlias = NDArray[np.float64]
Indices: TypeAlias = NDArray[np.intp]

_ROUND_OFF = 1e-9  # of the largest flow


@dataclass(frozen=True)
class Joint:
    """Faces with the same flux to their left, and the same to their right.

    Parameters
    ----------
    faces, left, right : (face,)
        Which faces, and the cells on both sides of each.
    upstream, downstream
        The fluxes there.
    smooth
        Whether they are one.
    capacity_drop
        Share of the downstream capacity that is lost while a queue stands.

    Examples
    --------
    >>> from scipy.interpolate import PPoly
    >>> from eqfree.hmm import FluxCurve
    >>> curve = FluxCurve(PPoly([[-1.0], [1.0], [0.0]], [0.0, 1.0]))
    >>> joint = Joint(np.array([1]), np.array([0]), np.array([1]), curve, curve, smooth=True, capacity_drop=0.0)
    >>> road = np.array([[0.2, 0.7]])
    >>> joint.flow(road, road, road, np.ones(3))
    array([0.16])
    """

    faces: Indices
    left: Indices
    right: Indices
    upstream: Flux
    downstream: Flux
    smooth: bool
    capacity_drop: float

    def flow(self, means: Array, before: Array, after: Array, spacing: Array) -> Array:
        """The flow through the faces, (face,).

        ``means``, ``before`` and ``after`` are densities and shares, (1 + share, cell), of the cells and at their
        left and right sides; ``spacing`` is that of the centres around each face of the road.
        """
        left, right = after[0, self.left], before[0, self.right]
        share = first_share(after[1:], self.left)
        ahead = self.downstream.matched(right, first_share(before[1:], self.right), share)
        if not self.smooth:
            return self._handed_on(left, ahead, share)
        return self.upstream.curves(share).godunov(left, ahead) - self._gradient_flow(means, spacing)

    def _handed_on(self, left: Array, ahead: Array, share: Array) -> Array:
        """Where the flux changes: what wants to leave, what can enter, and what is lost while a queue stands."""
        demand = self.upstream.curves(share).demand(left)
        entry = self.downstream.curves(share)
        queueing = demand > (1 + _ROUND_OFF) * entry.capacity
        discharge = np.where(queueing, (1 - self.capacity_drop) * entry.capacity, entry.capacity)
        return np.minimum(np.minimum(demand, entry.supply(ahead)), discharge)

    def _gradient_flow(self, means: Array, spacing: Array) -> Array | float:
        """D ∂ρ/∂x at the faces."""
        share = (first_share(means[1:], self.left) + first_share(means[1:], self.right)) / 2
        if (gradients := self.upstream.gradients(share)) is None:
            return 0.0
        left, right = means[0, self.left], means[0, self.right]
        coefficient = (gradients(left) + 4 * gradients((left + right) / 2) + gradients(right)) / 6
        return np.asarray(coefficient * (right - left) / spacing[self.faces])


def first_share(shares: Array, places: Indices | NDArray[np.bool_] | slice) -> Array:
    """The share that the flow may depend on, at some cells; zero where there is none.

    >>> first_share(np.array([[0.1, 0.2], [0.5, 0.6]]), np.array([1])), first_share(np.empty((0, 2)), np.array([1]))
    (array([0.2]), array([0.]))
    """
    return np.asarray(shares[0, places] if len(shares) else np.zeros(shares.shape[1])[places])
