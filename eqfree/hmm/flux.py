"""The flow of a conservation law as a function of density, asked from a closure."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.interpolate import PPoly

from eqfree.ensemble import Key
from eqfree.fields import short
from eqfree.hmm.closure import Answer, Closure, as_answer
from eqfree.hmm.riemann import Curves
from eqfree.hmm.smoothing import smoothed
from eqfree.hmm.tabulated import Interpolation, Tabulated, monotone
from eqfree.results import Cost

__all__ = ["Flux", "FluxCurve", "flow_alone"]

Array: TypeAlias = NDArray[np.float64]

_SIGNIFICANT = 5.0  # standard errors beyond which a wrong sign is not the noise of one of a hundred nodes
_ROUND_OFF = 1e-9  # of the largest flow


class Flux(Protocol):
    """What a conservation law asks of its flow. `FluxCurve` and `FluxSurface` keep it."""

    @property
    def cost(self) -> Cost:
        """What it took to know the flow."""

    @property
    def largest_density(self) -> float:
        """The largest density, whatever the share."""

    @abstractmethod
    def jam_density(self, share: Array) -> Array:
        """The largest density at each share, or one for all."""

    @property
    def fastest(self) -> float:
        """The largest size of the characteristic speed, whatever the density and the share."""

    @abstractmethod
    def curves(self, share: Array) -> Curves:
        """The flow as a function of density, a column for each share, or one for all."""

    @abstractmethod
    def gradients(self, share: Array) -> Curves | None:
        """The gradient coefficient as a function of density, likewise."""

    @abstractmethod
    def matched(self, density: Array, share: Array, entering: Array) -> Array:
        """Densities of share ``entering`` that move as fast as ``density`` of ``share`` does."""


@dataclass(frozen=True, eq=False)
class FluxCurve:
    """A flow that depends on density alone, concave or not, from zero density to jam density.

    The flow is q = Q(ρ) - D(ρ) ∂ρ/∂x where a gradient coefficient D is known, and Q(ρ) where not.

    Parameters
    ----------
    flow
        Q as a piecewise polynomial of degree three or less, of one column.
    gradient
        D likewise, on [0, jam] too.
    cost
        What it took to know them.
    error
        Largest error bound of the table that the flow comes from, with what smoothing has moved it by; larger than
        the tolerance then, or if the budget was spent.

    Raises
    ------
    ValueError
        With the densities: for a flow that does not begin at zero density with none, jumps, is negative, zero
        everywhere or not finite; for a gradient coefficient that is negative.

    Examples
    --------
    >>> parabola = FluxCurve(PPoly([[-1.0], [1.0], [0.0]], [0.0, 1.0]))
    >>> parabola.capacity, parabola.godunov(0.2, 0.7), parabola.demand(0.8), parabola.supply(0.8)
    (0.25, array(0.16), array(0.25), array(0.16))
    """

    flow: PPoly
    gradient: PPoly | None = None
    cost: Cost = field(default_factory=Cost)
    error: float = 0.0

    def __post_init__(self) -> None:
        points, flows = self._checked(self.flow, "flow")
        if points[0] != 0:
            raise ValueError(f"A flow must be known from density 0 on: got one from {points[0]:g}.")
        if not flows.max() > 0:
            raise ValueError(f"A flow must be positive somewhere: got zero from density 0 to {self.jam:g}.")
        before, after = _around_breaks(self.flow)
        if (jumps := np.abs(after - before) > _ROUND_OFF * flows.max()).any():
            place = int(np.argmax(jumps))
            raise ValueError(
                f"A flow must be continuous: got {before[place]:.4g} and {after[place]:.4g} at density "
                f"{self.flow.x[1 + place]:.4g}. What a queue loses of capacity is a bottleneck's `capacity_drop`."
            )
        if abs(flows[0]) > _ROUND_OFF * flows.max():
            raise ValueError(f"Nobody flows where nobody is: got a flow of {flows[0]:g} at density 0.")
        _refuse_negative(flows, _ROUND_OFF * flows.max(), points, "A flow", "")
        if self.gradient is not None:
            points, values = self._checked(self.gradient, "gradient coefficient")
            if (points[0], points[-1]) != (0, self.jam):
                raise ValueError(
                    f"The gradient coefficient must be known on [0, {self.jam:g}], as the flow is: "
                    f"got [{points[0]:g}, {points[-1]:g}]."
                )
            _refuse_negative(values, _ROUND_OFF * np.abs(values).max(), points, "The gradient coefficient", _UNSTABLE)

    @classmethod
    def from_closure(
        cls,
        closure: Closure,
        jam: float,
        rtol: float,
        *,
        atol: float = 0.0,
        interpolation: Interpolation = monotone,
        chi_square: float = 1.0,
        max_solves: int = 10_000,
        key: Key = (),
    ) -> FluxCurve:
        """Ask a closure for its flow, and for the gradient coefficient where it answers two components.

        Nodes are asked by a `Tabulated` until all of it is within the tolerance, and never again: what a macro
        solver computes depends on the curve, not on the order of its own questions. Where the answers are
        noisy they are smoothed below their standard errors, since every wiggle that is left makes a wave of its own.

        *How to choose.* ``rtol``: begin with 1e-3 and see what a third of it changes, since waves move at Q', which
        is known less well than Q. ``interpolation``: `monotone` where the flow has kinks, `smooth` where it has none.

        Parameters
        ----------
        closure
            Density (point, 1) -> flow, or flow and gradient coefficient, (point, 1 or 2).
        jam
            The largest density.
        rtol, atol, max_solves, key
            Of the `Tabulated` that asks.
        interpolation
            Between the nodes: `monotone`, `smooth`, or a function that makes a piecewise cubic.
        chi_square
            Squared miss of a node in squared standard errors that smoothing is allowed; 0 leaves the noise in.

        Raises
        ------
        ValueError
            For what `FluxCurve` and `Tabulated` refuse, where it is more than five standard errors wrong.

        Examples
        --------
        >>> class Drivers(Closure):
        ...     def __call__(self, inputs, state=None, key=()):
        ...         density = np.asarray(inputs)
        ...         return Answer(density * (1 - density), np.zeros_like(density))
        >>> round(FluxCurve.from_closure(Drivers(), jam=1.0, rtol=1e-3).capacity, 3)
        0.25
        """
        if not (np.isfinite(jam) and jam > 0):
            raise ValueError(f"`jam` must be a density, finite and positive: got {jam:g}.")
        if not (np.isfinite(chi_square) and chi_square >= 0):
            raise ValueError(f"`chi_square` must be finite and not negative: got {chi_square:g}.")
        table = Tabulated(
            _Finite(closure), (0.0, jam), rtol, atol=atol, interpolation=interpolation, max_solves=max_solves, key=key
        )
        points, values, stderr = _filled(table, jam)
        slack = _SIGNIFICANT * stderr[:, 0] + _ROUND_OFF * np.abs(values[:, 0]).max()
        _refuse_negative(values[:, 0], slack, points, "A flow", "")
        for end in (0, -1):  # nobody, or nobody who can move
            if abs(values[end, 0]) <= slack[end]:
                values[end, 0] = stderr[end, 0] = 0.0
        flow = np.maximum(smoothed(points, values[:, 0], stderr[:, 0], chi_square), 0.0)
        gradient = None
        if values.shape[1] == 2:
            slack = _SIGNIFICANT * stderr[:, 1] + _ROUND_OFF * np.abs(values[:, 1]).max()
            _refuse_negative(values[:, 1], slack, points, "The gradient coefficient", _UNSTABLE)
            gradient = monotone(points, np.maximum(smoothed(points, values[:, 1], stderr[:, 1], chi_square), 0.0))
        moved = np.abs(flow - values[:, 0])
        bound = table.error((points[:-1, np.newaxis] + points[1:, np.newaxis]) / 2)[:, 0]
        error = float((bound + np.maximum(moved[:-1], moved[1:])).max())
        return cls(_not_negative(points, flow, interpolation), gradient, table.cost, error)

    @property
    def jam(self) -> float:
        """The largest density."""
        return float(self.flow.x[-1])

    @property
    def largest_density(self) -> float:
        """Jam density."""
        return self.jam

    @property
    def capacity(self) -> float:
        """The largest flow."""
        return float(self._curves.capacity[0])

    @property
    def fastest(self) -> float:
        """The largest size of the characteristic speed."""
        return self._curves.fastest

    @property
    def extrema(self) -> Array:
        """Densities of the local extrema between empty and jammed."""
        return self._curves.extrema[0][:, 0]

    def without_gradient(self) -> FluxCurve:
        """The same flow, its gradient coefficient left out.

        >>> FluxCurve(PPoly([[-1.0], [1.0], [0.0]], [0.0, 1.0])).without_gradient().gradient is None
        True
        """
        return replace(self, gradient=None)

    def __call__(self, density: ArrayLike) -> Array:
        """The flow Q in uniform conditions."""
        return _everywhere(self._curves, density)

    def speed(self, density: ArrayLike) -> Array:
        """The characteristic speed Q'; from the right at a kink."""
        return _everywhere(self._curves.speed, density)

    def demand(self, density: ArrayLike) -> Array:
        """The largest flow that can leave a place: the running maximum of Q from the empty side."""
        return _everywhere(self._curves.demand, density)

    def supply(self, density: ArrayLike) -> Array:
        """The largest flow that can enter a place: the running maximum of Q from the full side."""
        return _everywhere(self._curves.supply, density)

    def godunov(self, left: ArrayLike, right: ArrayLike) -> Array:
        """The flow through a face: the smallest Q between the densities where they rise, else the largest."""
        left, right = np.broadcast_arrays(np.asarray(left, dtype=float), np.asarray(right, dtype=float))
        return self._curves.godunov(left.ravel(), right.ravel()).reshape(left.shape)

    def jam_density(self, share: Array) -> Array:
        """Jam density, the same for every share."""
        return self._curves.largest_density

    def curves(self, share: Array) -> Curves:
        """The flow, the same for every share."""
        return self._curves

    def gradients(self, share: Array) -> Curves | None:
        """The gradient coefficient, the same for every share."""
        return self._gradients

    def matched(self, density: Array, share: Array, entering: Array) -> Array:
        """The densities themselves: without a share in the flow, nobody who enters waits for those ahead to pass."""
        return density

    @cached_property
    def _curves(self) -> Curves:
        return Curves.of(self.flow)

    @cached_property
    def _gradients(self) -> Curves | None:
        return None if self.gradient is None else Curves.of(self.gradient)

    @staticmethod
    def _checked(polynomial: PPoly, name: str) -> tuple[Array, Array]:
        """Ends, nodes and extrema with the values there."""
        if not (np.diff(polynomial.x) > 0).all():
            raise ValueError(
                f"A {name} must be given over densities that increase: got breakpoints from {polynomial.x[0]:g} "
                f"to {polynomial.x[-1]:g}."
            )
        if polynomial.c.ndim > 2 and polynomial.c[0, 0].size != 1:
            raise ValueError(f"A {name} must be a single curve: got coefficients of shape {polynomial.c.shape}.")
        if (wrong := ~np.isfinite(polynomial.c).reshape(*polynomial.c.shape[:2]).all(axis=0)).any():
            place = int(np.argmax(wrong))
            raise ValueError(
                f"A {name} must be finite: got a NaN or an infinity at densities from {polynomial.x[place]:g} "
                f"to {polynomial.x[place + 1]:g}."
            )
        curve = Curves.of(polynomial)
        points = np.unique(np.concatenate([curve.nodes, curve.extrema[0][:, 0]]))
        return points, curve(points)


def flow_alone(closure: Closure) -> Closure:
    """A closure's flow without its gradient coefficient, for closures that answer both.

    >>> class Drivers(Closure):
    ...     def __call__(self, inputs, state=None, key=()):
    ...         density = np.asarray(inputs)
    ...         return Answer(np.hstack([density, -density]), np.zeros((len(density), 2)))
    >>> flow_alone(Drivers())([[0.5]]).value
    array([[0.5]])
    """
    return _FlowAlone(closure)


@dataclass(frozen=True)
class _FlowAlone(Closure):
    closure: Closure

    def __call__(self, inputs: ArrayLike, state: Any = None, key: Key = ()) -> Answer:
        answer = as_answer(self.closure(inputs, state, key), len(np.asarray(inputs)))
        jacobian = None if answer.jacobian is None else answer.jacobian[:, :1]
        return replace(answer, value=answer.value[:, :1], stderr=answer.stderr[:, :1], jacobian=jacobian)


@dataclass(frozen=True)
class _Finite(Closure):
    """A closure of density that says at which densities it fails."""

    closure: Closure

    def __call__(self, inputs: ArrayLike, state: Any = None, key: Key = ()) -> Answer:
        answer = as_answer(self.closure(inputs, state, key), len(np.asarray(inputs)))
        if not 1 <= answer.value.shape[1] <= 2:
            raise ValueError(
                "A flux closure answers flow, or flow and gradient coefficient: "
                f"got {answer.value.shape[1]} components."
            )
        if (wrong := ~np.isfinite(answer.value).all(axis=1)).any():
            raise ValueError(
                "A flux closure must answer finite values: "
                f"got a NaN or an infinity at densities {short(np.asarray(inputs)[wrong, 0])}."
            )
        return answer


_UNSTABLE = (
    " Below zero small waves grow the faster the shorter they are (string instability), and no scheme can promise "
    "agreement: leave the term out with `flow_alone`."
)


def _refuse_negative(values: Array, slack: ArrayLike, points: Array, name: str, why: str) -> None:
    if (below := values < -np.asarray(slack)).any():
        listed = ", ".join(
            f"{value:.4g} at density {point:.4g}"
            for value, point in zip(values[below][:3], points[below], strict=False)
        )
        raise ValueError(f"{name} must not be negative: got {listed}.{why}")


def _around_breaks(flow: PPoly) -> tuple[Array, Array]:
    """The values on the left and on the right of the inner breakpoints, (breakpoint,)."""
    pieces = flow.c.reshape(*flow.c.shape[:2])
    width = np.diff(flow.x)[:-1]
    before = np.zeros_like(width)
    for row in pieces[:, :-1]:
        before = before * width + row
    return before, pieces[-1, 1:]


def _filled(table: Tabulated, jam: float) -> tuple[Array, Array, Array]:
    """The nodes of a table that has been asked in every interval."""
    table([[0.0], [jam]])
    while True:
        nodes = table.nodes()
        table((nodes[0][:-1] + nodes[0][1:])[:, np.newaxis] / 2)
        if len(table.nodes()[0]) == len(nodes[0]):
            return table.nodes()


def _not_negative(points: Array, flow: Array, interpolation: Interpolation) -> PPoly:
    """The interpolant asked for, or the monotone one where that one dips below zero."""
    curve = Curves.of(interpolation(points, flow[:, np.newaxis]))
    fine = curve.extrema[1].min(initial=0.0) >= -_ROUND_OFF * flow.max()
    return PPoly(curve.coefficients[:, :, 0], points) if fine else monotone(points, flow)


def _everywhere(function: Callable[[Array], Array], density: ArrayLike) -> Array:
    points = np.asarray(density, dtype=np.float64)
    return function(points.ravel()).reshape(points.shape)
