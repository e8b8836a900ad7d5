"""What passes from cell to cell."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from eqfree.hmm.finite_volume import minmod
from eqfree.hmm.flux import Flux

__all__ = ["Joint", "first_share", "share_of"]

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
    >>> joint.flows(road, road, road, np.ones(3))
    array([[0.16]])
    """

    faces: Indices
    left: Indices
    right: Indices
    upstream: Flux
    downstream: Flux
    smooth: bool
    capacity_drop: float

    def flows(self, means: Array, before: Array, after: Array, spacing: Array) -> Array:
        """The flow through the faces, and of it each share, (1 + share, face).

        ``means``, ``before`` and ``after`` are densities and shares, (1 + share, cell), of the cells and at their
        left and right sides; ``spacing`` is that of the centres around each face of the road. What the gradient
        adds to the flow comes from a cell as a whole, and keeps the cell's bounds as such.
        """
        behind = after[:, self.left]
        share = first_share(behind[1:], slice(None))
        ahead = self.downstream.matched(before[0, self.right], first_share(before[1:], self.right), share)
        if not self.smooth:
            return _of_each(self._handed_on(behind[0], ahead, share), behind)
        flow = self.upstream.curves(share).godunov(behind[0], ahead)
        net = self._with_gradient(flow, share, means, spacing)
        forward = np.clip(net, 0.0, flow)
        whole = np.where(net > 0, means[:, self.left], means[:, self.right])
        return _of_each(forward, behind) + _of_each(net - forward, whole)

    def _handed_on(self, left: Array, ahead: Array, share: Array) -> Array:
        """Where the flux changes: what wants to leave, what can enter, and what is lost while a queue stands."""
        demand = self.upstream.curves(share).demand(left)
        entry = self.downstream.curves(share)
        queueing = demand > (1 + _ROUND_OFF) * entry.capacity
        discharge = np.where(queueing, (1 - self.capacity_drop) * entry.capacity, entry.capacity)
        return np.minimum(np.minimum(demand, entry.supply(ahead)), discharge)

    def _with_gradient(self, flow: Array, moving: Array, means: Array, spacing: Array) -> Array:
        """The flow less D ∂ρ/∂x; where the share jumps nobody is driven back into others, whose order they keep.

        The jump is that to the density at which those behind would move as fast as those ahead do, or that from the
        density at which those ahead would move as fast as those behind, whichever takes less of the road: with
        either alone, a cell on one side can become fuller than full.
        """
        behind, ahead = (first_share(means[1:], side) for side in (self.left, self.right))
        flux, left, right = self.upstream, means[0, self.left], means[0, self.right]
        if (gradients := flux.gradients(behind)) is None:
            return flow
        full, least = flux.jam_density(behind), np.minimum(flux.jam_density(behind), flux.jam_density(moving))
        seen = flux.matched(right, ahead, behind)
        filling = minmod(seen - left, (right - flux.matched(left, behind, ahead)) * (full / flux.jam_density(ahead)))
        coefficient = (gradients(left) + 4 * gradients((left + seen) / 2) + gradients(seen)) / 6
        net = flow - coefficient * filling * (least / full) / spacing[self.faces]
        return np.where(behind != ahead, np.maximum(net, 0.0), net)


def _of_each(flow: Array, values: Array) -> Array:
    """A flow, and of it each share of those who move, (1 + share, face)."""
    return np.vstack([flow, flow * values[1:]])


def first_share(shares: Array, places: Indices | NDArray[np.bool_] | slice) -> Array:
    """The share that the flow may depend on, at some cells; zero where there is none.

    >>> first_share(np.array([[0.1, 0.2], [0.5, 0.6]]), np.array([1])), first_share(np.empty((0, 2)), np.array([1]))
    (array([0.2]), array([0.]))
    """
    return np.asarray(shares[0, places] if len(shares) else np.zeros(shares.shape[1])[places])


def share_of(mass: Array) -> Array:
    """The shares (share, ...) of what is there of each, (1 + share, ...); zero where nobody is.

    >>> share_of(np.array([[0.4, 0.0], [0.1, 0.0]]))
    array([[0.25, 0.  ]])
    """
    share = np.zeros_like(mass[1:])
    return np.asarray(np.clip(np.divide(mass[1:], mass[0], out=share, where=mass[0] > 0), 0.0, 1.0))
