"""A flow of density and of a share that moves with it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, reduce
from math import factorial
from operator import add
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.interpolate import PPoly

from eqfree.ensemble import Key
from eqfree.hmm.closure import Answer, Closure, as_inputs
from eqfree.hmm.flux import FluxCurve
from eqfree.hmm.riemann import Curves
from eqfree.results import Cost

__all__ = ["FluxSurface"]

Array: TypeAlias = NDArray[np.float64]

_ROUND_OFF = 1e-12  # of jam density
_SPEEDING_UP = 1e-2  # of the largest velocity: what a velocity may grow by with density, as noise does
_STEPS = 60  # of a search, more than halving takes


@dataclass(frozen=True, eq=False)
class FluxSurface:
    """A flow that depends on density and on a share that moves with it: curves at some shares, and between them.

    Densities are scaled by jam density, of which the inverse (the space that one takes) is linear between two shares,
    as it is for a mixture; so are, at equal scaled density, the gradient coefficient and the velocity, so that no
    mixture is faster than those in it. This keeps whatever monotonicity and concavity the tables have. Individuals
    keep their order, so that a jump in the share moves with them, at equal velocity on both sides (J.-P. Lebacque,
    S. Mammar & H. Haj-Salem, ISTTT 17 (2007) 755); this needs a velocity Q/ρ that nowhere grows with density.

    Parameters
    ----------
    shares : (node,)
        Increasing, from 0 to 1 for all that a share can be.
    tables
        The flux at each; all with a gradient coefficient, or none.

    Raises
    ------
    ValueError
        For shares that do not fit, or a velocity that grows with density.

    Examples
    --------
    >>> cars, trucks = (FluxCurve(PPoly([[-v], [v], [0.0]], [0.0, 1.0])) for v in (2.0, 1.0))
    >>> FluxSurface([0.0, 1.0], [cars, trucks])([0.5, 0.5], [0.0, 0.5])
    array([0.5  , 0.375])
    """

    shares: Sequence[float]
    tables: Sequence[FluxCurve]

    def __post_init__(self) -> None:
        shares = np.asarray(self.shares, dtype=np.float64)
        if not (len(shares) == len(self.tables) >= 2 and shares[0] == 0 and shares[-1] == 1):
            raise ValueError(
                f"A flux surface needs a table at each share, from 0 to 1: got {len(self.tables)} tables "
                f"for shares {shares.tolist()}."
            )
        if not (np.diff(shares) > 0).all():
            raise ValueError(f"`shares` must increase: got {shares.tolist()}.")
        if len({table.gradient is None for table in self.tables}) > 1:
            raise ValueError("All tables of a flux surface must have a gradient coefficient, or none of them.")
        for share, table in zip(shares, self.tables, strict=True):
            points = _where_velocity_turns(table.flow)
            velocity = np.append(table.speed(0.0), table(points) / points)
            excess = velocity - np.minimum.accumulate(velocity)
            if (excess > _SPEEDING_UP * velocity.max()).any():
                raise ValueError(
                    "Where the flow depends on a share, the velocity must not grow with density, or no order of "
                    f"individuals can be kept: at share {share:g} it does at density {points[excess.argmax() - 1]:.4g}."
                )

    @classmethod
    def from_closure(
        cls,
        closure: Closure,
        jam: float | Callable[[float], float],
        shares: Sequence[float],
        rtol: float,
        **options: Any,
    ) -> FluxSurface:
        """Ask a closure of density and share for a table of density at each of some shares.

        *How to choose.* ``shares``: five from 0 to 1 for a flow that changes smoothly with the share; ask at one
        more in between, and see what changes.

        Parameters
        ----------
        closure
            Density and share (point, 2) -> flow, or flow and gradient coefficient.
        jam
            The largest density, or a function share -> largest density.
        shares
            Where tables are made, increasing from 0 to 1.
        rtol, options
            As in `FluxCurve.from_closure`.

        Raises
        ------
        ValueError
            For what `FluxCurve.from_closure` refuses, with the share, and for what `FluxSurface` refuses.

        Examples
        --------
        >>> class Drivers(Closure):
        ...     def __call__(self, inputs, state=None, key=()):
        ...         density, share = np.transpose(inputs)[:, :, np.newaxis]
        ...         return Answer((2 - share) * density * (1 - density), np.zeros_like(density))
        >>> FluxSurface.from_closure(Drivers(), 1.0, [0.0, 1.0], rtol=1e-2)([0.5], [0.5]).round(3)
        array([0.375])
        """
        tables = []
        for share in shares:
            largest = jam(share) if callable(jam) else jam
            try:
                tables.append(FluxCurve.from_closure(_AtShare(closure, share), largest, rtol, **options))
            except ValueError as error:
                raise ValueError(f"At share {share:g}: {error}") from error
        return cls(shares, tables)

    @property
    def cost(self) -> Cost:
        """What all the tables took, each once."""
        return reduce(add, (table.cost for table in {id(table): table for table in self.tables}.values()), Cost())

    @property
    def largest_density(self) -> float:
        """The largest of the jam densities."""
        return max(table.jam for table in self.tables)

    @property
    def fastest(self) -> float:
        """The largest size of the characteristic speed: in between, it is a mean of those of the tables."""
        return max(table.fastest for table in self.tables)

    def without_gradient(self) -> FluxSurface:
        """The same flow, its gradient coefficient left out.

        >>> curve = FluxCurve(PPoly([[-1.0], [1.0], [0.0]], [0.0, 1.0]))
        >>> FluxSurface([0.0, 1.0], [curve, curve]).without_gradient().gradients(np.zeros(1)) is None
        True
        """
        return replace(self, tables=[table.without_gradient() for table in self.tables])

    def __call__(self, density: ArrayLike, share: ArrayLike) -> Array:
        """The flow Q in uniform conditions."""
        density, share = np.broadcast_arrays(np.asarray(density, dtype=float), np.asarray(share, dtype=float))
        return self.curves(share.ravel())(density.ravel()).reshape(density.shape)

    def jam_density(self, share: ArrayLike) -> Array:
        """The largest density at a share.

        >>> curves = [FluxCurve(PPoly([[-1.0], [jam], [0.0]], [0.0, jam])) for jam in (1.0, 0.5)]
        >>> FluxSurface([0.0, 1.0], curves).jam_density(0.5)
        np.float64(0.6666666666666666)
        """
        return 1 / np.interp(np.asarray(share, dtype=np.float64), *self._spaces)

    def curves(self, share: Array) -> Curves:
        """The flow as a function of density, a column for each share."""
        return self._columns(self._velocities, share, self.jam_density(share))

    def gradients(self, share: Array) -> Curves | None:
        """The gradient coefficient as a function of density, a column for each share."""
        return None if self._coefficients is None else self._columns(self._coefficients, share, 1.0)

    def matched(self, density: Array, share: Array, entering: Array) -> Array:
        """Densities of share ``entering`` that move as fast as ``density`` of ``share`` does.

        Zero where even the first to enter would be slower than those ahead.
        """
        ahead = np.array(density, dtype=np.float64)
        if (differs := share != entering).any():
            ahead[differs] = self._as_fast(self._velocity(density[differs], share[differs]), entering[differs])
        return ahead

    def _velocity(self, density: Array, share: Array) -> Array:
        curves, there = self.curves(share), density > 0
        return np.where(there, curves(density) / np.where(there, density, 1.0), curves.speed(np.zeros_like(density)))

    def _as_fast(self, velocity: Array, share: Array) -> Array:
        """Where the velocity has fallen to a given one; zero where it never exceeds it."""
        curves = self.curves(share)
        slope, nodes, (_, _, c, d) = velocity * curves.scale, curves.nodes, curves.coefficients
        fallen = d[1:] <= slope * nodes[1:-1, np.newaxis]
        place = np.vstack([fallen, np.ones_like(slope)]).argmax(axis=0)
        cubic = curves.coefficients[:, place, np.arange(len(slope))]
        cubic[2:] -= slope * [np.ones(len(slope)), nodes[place]]
        density = (nodes[place] + _falls_to_zero(cubic, np.diff(nodes)[place])) * curves.scale
        return np.where(c[0] <= slope, 0.0, density)

    def _columns(self, tables: Array, share: Array, factor: ArrayLike) -> Curves:
        share = np.clip(share, 0.0, 1.0)
        place = np.clip(np.searchsorted(self.shares, share, side="right") - 1, 0, len(self.shares) - 2)
        nodes = np.asarray(self.shares)
        weight = (share - nodes[place]) / (nodes[place + 1] - nodes[place])
        columns = (1 - weight) * tables[..., place] + weight * tables[..., place + 1]
        return Curves(self._nodes, factor * columns, self.jam_density(share))

    @cached_property
    def _spaces(self) -> tuple[Array, Array]:
        """The shares, and the space that one takes at each."""
        return np.asarray(self.shares, dtype=np.float64), np.array([1 / table.jam for table in self.tables])

    @cached_property
    def _nodes(self) -> Array:
        """Scaled densities where any table has a node; those that differ by round-off are one."""
        curves = [curve for table in self.tables for curve in (table.flow, table.gradient) if curve is not None]
        nodes = np.unique(np.concatenate([curve.x / curve.x[-1] for curve in curves]))
        return np.append(nodes[:-1][np.diff(nodes) > _ROUND_OFF], 1.0)

    @cached_property
    def _velocities(self) -> Array:
        """Of flows over jam density: velocities times scaled density."""
        return np.stack([_rescaled(table.flow, self._nodes) / table.jam for table in self.tables], axis=-1)

    @cached_property
    def _coefficients(self) -> Array | None:
        known = [_rescaled(table.gradient, self._nodes) for table in self.tables if table.gradient is not None]
        return np.stack(known, axis=-1) if known else None


@dataclass(frozen=True)
class _AtShare(Closure):
    """A closure of density and share, at one share."""

    closure: Closure
    share: float

    def __call__(self, inputs: ArrayLike, state: Any = None, key: Key = ()) -> Answer:
        points = as_inputs(inputs)
        return self.closure(np.column_stack([points, np.full(len(points), self.share)]), state, key)


def _where_velocity_turns(flow: PPoly) -> Array:
    """Positive densities at which Q/ρ can be largest or smallest, increasing: breakpoints, and where Q' = Q/ρ."""
    a, b, c, d = np.pad(flow.c.reshape(*flow.c.shape[:2]), ((4 - len(flow.c), 0), (0, 0)))
    start = flow.x[:-1]
    turning = PPoly([2 * a, b + 3 * a * start, 2 * b * start, c * start - d], flow.x)  # of ρ Q' - Q
    roots = turning.roots(discontinuity=False, extrapolate=False)
    return np.unique(np.concatenate([flow.x[1:], roots[roots > 0]]))  # NaN: a piece of constant velocity


def _falls_to_zero(cubic: Array, width: Array) -> Array:
    """Where cubics (4, cubic), positive at zero, fall to zero within a width: Newton's steps, or halves."""
    found, open_ = np.empty_like(width), np.arange(len(width))
    low, high, root = np.zeros_like(width), width, width / 2
    for _ in range(_STEPS):
        a, b, c, d = cubic[:, open_]
        value, slope = ((a * root + b) * root + c) * root + d, (3 * a * root + 2 * b) * root + c
        low, high = np.where(value > 0, root, low), np.where(value > 0, high, root)
        newton = root - np.divide(value, slope, out=np.full_like(root, np.inf), where=slope < 0)
        before, root = root, np.where((newton >= low) & (newton <= high), newton, (low + high) / 2)
        found[open_] = root
        on = np.abs(root - before) > _ROUND_OFF * width[open_]
        if not on.any():
            break
        open_, low, high, root = open_[on], low[on], high[on], root[on]
    return found


def _rescaled(curve: PPoly, nodes: Array) -> Array:
    """Coefficients (4, node - 1) of a curve between scaled densities, highest power first.

    Expanded about the middles, where round-off cannot reach over a kink, and shifted to the left ends.
    """
    half, jam = np.diff(nodes) / 2, curve.x[-1]
    middle = (nodes[:-1] + half) * jam
    value, slope, second, third = (curve(middle, nu) * jam**nu / factorial(nu) for nu in range(4))
    return np.array(
        [
            third,
            second - 3 * third * half,
            slope - (2 * second - 3 * third * half) * half,
            value - (slope - (second - third * half) * half) * half,
        ]
    )
