"""Leading multipliers of the coarse map: by what disturbances of a steady state grow, with standard errors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.random import PCG64, Generator
from numpy.typing import ArrayLike, NDArray

from eqfree.coarse_map import Chart, CoarseMap, Products, Symmetry, check_map
from eqfree.ensemble import Key
from eqfree.results import Cost, Spectrum
from eqfree.stepper import CoarseTimeStepper

__all__ = ["Pencil", "coarse_multipliers"]

Array: TypeAlias = NDArray[np.float64]

_DENSE = 100  # coordinates up to which all products are asked
_EXTRA = 12  # directions beyond twice the count
_DIED = 1e-5  # of the largest: a disturbance of which healing leaves less is not seen again
_ERRORS = 2.0
_DIFFERENCES = (
    5e-7  # standard error of a multiplier by differences without noise, whose round-off is 1e-7 of the scales
)
_SEED = 20140101  # of the first direction, which any would do for


def coarse_multipliers(
    stepper: CoarseTimeStepper,
    macro: ArrayLike,
    duration: float,
    count: int = 6,
    key: Key = (),
    *,
    symmetry: Symmetry | None = None,
    difference: float | None = None,
) -> Spectrum:
    """The leading multipliers of the coarse map at a steady state.

    They solve DM(healing + duration) v = μ DM(healing) v, from differences under one key. Up to 100 numbers all
    directions are asked; beyond, Arnoldi's: each is the later product of the one before, made orthogonal. What healing
    has erased, below 1e-5 or two standard errors of the derivative, is left out: it decays. Standard errors are those
    of w*(δA - μ δB)v / (w*Bv) for left and right vectors w and v, over replicas, and 5e-7 for the round-off of
    differences without noise; near a double multiplier they are too small.

    *How to choose.* ``duration``: so that the third multiplier is below 0.1, and below π over the largest frequency:
    beyond, an oscillation is taken for a slower one. ``count``: those that may be near the unit circle, and two more.

    Parameters
    ----------
    stepper
        With its healing, implicit on both sides.
    macro
        The steady state as it is lifted, (...).
    duration
        Between the two readings; of a wave, its period.
    count
        How many besides the trivial ones: one for every conserved total, one for the symmetry. No pair is torn apart.
    key
        Which noise.
    symmetry
        Of a wave, as `find_fixed_point` was given it.
    difference
        As in `CoarseMap`.

    Raises
    ------
    ValueError
        For a duration that is not positive, fewer than one multiplier, or a noisy model with fewer than 8 replicas.
    OutOfBoundsError, NotFiniteError
        If the state, or one beside it, is none that a population has, or none comes back.

    References
    ----------
    Marschler, Sieber, Berkemer, Kawamoto & Starke, SIAM J. Appl. Dyn. Syst. 13 (2014) 1202.

    Examples
    --------
    >>> import eqfree as ef
    >>> decay = ef.micro_model(
    ...     lambda u, rng: u, lambda u, t, rng: u * np.exp(-t * np.array([1, 2])), lambda u: u, deterministic=True
    ... )
    >>> ef.coarse_multipliers(ef.CoarseTimeStepper(decay), [0.0, 0.0], duration=1.0).rates.real.round(6)
    array([-1., -2.])
    """
    check_map(stepper, duration)
    if count < 1:
        raise ValueError(f"`count` of multipliers must be at least 1: got {count}.")
    state = np.array(macro, dtype=np.float64)
    coarse, chart = CoarseMap(stepper, duration, difference), Chart.of(stepper, state)
    origin = np.zeros(chart.size)
    (look,) = coarse.looks([state], [key])
    if chart.size <= _DENSE:
        products = coarse.differentiate(chart, origin, np.eye(chart.size), look, key)
        pencil = Pencil.of(chart, products, symmetry)
    else:
        pencil = _arnoldi(coarse, chart, symmetry, key, min(2 * count + _EXTRA, chart.size))
    drift = None
    if symmetry is not None:
        drift = chart.project(symmetry.generator(look.healed.mean(axis=0).reshape(state.shape)).ravel())
    return pencil.spectrum(chart, duration, count, drift, pencil.cost + look.cost)


@dataclass(frozen=True, eq=False)
class Pencil:
    """Products of the derivative in the coordinates of a chart, replica by replica.

    Attributes
    ----------
    directions : (direction, coordinate)
        Along which the derivative is known.
    healed, later : (replica, coordinate, direction)
        Of the healed reading, and of the later one, turned by the symmetry.
    cost
        What they took.
    """

    directions: Array
    healed: Array
    later: Array
    cost: Cost

    @classmethod
    def of(cls, chart: Chart, products: Products, symmetry: Symmetry | None) -> Pencil:
        """Along all coordinates of the chart."""
        return cls(
            np.eye(chart.size),
            _project(chart, products.healed),
            _project(chart, turn(symmetry, products.later, chart)),
            products.cost,
        )

    def spectrum(self, chart: Chart, duration: float, count: int, drift: Array | None, cost: Cost) -> Spectrum:
        """The leading multipliers, the trivial ones labelled; ``drift`` is how a wave changes as it moves, healed.

        A disturbance that moves the wave comes back as it was: its multiplier is 1, whatever the noise of the
        derivative says, and it is taken out of the pencil, on both sides, before the others are computed.
        """
        start, later = self.healed.mean(axis=0), self.later.mean(axis=0)
        left, right = np.eye(len(start)), np.eye(len(self.directions))
        if drift is not None:
            moving = np.linalg.lstsq(start, drift, rcond=_DIED)[0]
            left, right = _without(drift), _without(moving)
        u, sizes, v = np.linalg.svd(left @ start @ right.T, full_matrices=False)
        kept = sizes > max(_DIED * sizes.max(initial=0.0), self._doubt)
        left, right = u.T[kept] @ left, v[kept] @ right
        values, lefts, rights = _eigen(left @ later @ right.T, left @ start @ right.T)
        order = _leading(values, count)
        made = [self._multiplier(values[i], lefts[:, i].conj() @ left, rights[:, i] @ right) for i in order]
        vectors = [rights[:, i] @ right @ self.directions for i in order]
        labels = ["conservation"] * chart.conserved + ["symmetry"] * (drift is not None)
        if drift is not None:
            vectors = [moving @ self.directions, *vectors]
        shown = [_unit(chart.change(one)).reshape(chart.origin.shape) for one in vectors]
        nothing = np.zeros(chart.origin.shape)
        return Spectrum(
            multipliers=np.array([1.0] * len(labels) + [values[i] for i in order], dtype=np.complex128),
            covariance=np.array([np.zeros((2, 2))] * len(labels) + made).reshape(-1, 2, 2),
            vectors=np.array([nothing] * chart.conserved + shown, dtype=np.complex128),
            labels=tuple(labels + [""] * len(order)),
            duration=duration,
            cost=cost,
        )

    @property
    def _doubt(self) -> float:
        """Two standard errors of the healed derivative, as a matrix norm."""
        if len(self.healed) < 2:
            return 0.0
        stderr = self.healed.std(axis=0, ddof=1) / np.sqrt(len(self.healed))
        return float(_ERRORS * np.sqrt((stderr**2).sum() / stderr.shape[0]))

    def _multiplier(self, value: complex, left: NDArray[np.complex128], right: NDArray[np.complex128]) -> Array:
        """The covariance of real and imaginary part of a multiplier."""
        if len(self.healed) < 2:
            return np.asarray(_DIFFERENCES**2 * np.eye(2))
        told = np.einsum("i,rij,j->r", left, self.later - value * self.healed, right)
        told = told / (left @ self.healed.mean(axis=0) @ right)
        return np.asarray(np.cov(np.array([told.real, told.imag])) / len(told))


def turn(symmetry: Symmetry | None, products: Array, chart: Chart) -> Array:
    """Flattened macro states (replica, number, ...) turned by the symmetry.

    >>> turn(None, np.zeros((1, 2)), Chart(np.zeros(2), np.ones(2), np.eye(2))).shape
    (1, 2)
    """
    if symmetry is None:
        return products
    shape = chart.origin.shape
    columns = np.moveaxis(products, 1, -1)
    turned = [symmetry.turn(one.reshape(shape)).ravel() for one in columns.reshape(-1, columns.shape[-1])]
    return np.moveaxis(np.array(turned).reshape(columns.shape), -1, 1)


def _project(chart: Chart, products: Array) -> Array:
    return np.moveaxis(chart.project(np.moveaxis(products, 1, -1)), -1, 1)


def _arnoldi(coarse: CoarseMap, chart: Chart, symmetry: Symmetry | None, key: Key, size: int) -> Pencil:
    """Products along a Krylov basis of the later one."""
    origin, direction = np.zeros(chart.size), Generator(PCG64(_SEED)).standard_normal(chart.size)
    (look,) = coarse.looks([chart.macro(origin)], [key])
    basis = np.empty((0, chart.size))
    healed, later, cost = [], [], look.cost
    for _ in range(size):
        direction = direction - basis.T @ (basis @ direction)
        direction = direction - basis.T @ (basis @ direction)
        length = float(np.linalg.norm(direction))
        if length < _DIED**2:
            break
        basis = np.vstack((basis, direction / length))
        products = coarse.differentiate(chart, origin, basis[-1:], look, key)
        healed.append(_project(chart, products.healed)[..., 0])
        later.append(_project(chart, turn(symmetry, products.later, chart))[..., 0])
        cost = cost + products.cost
        direction = later[-1].mean(axis=0)
    return Pencil(basis, np.stack(healed, axis=-1), np.stack(later, axis=-1), cost)


def _leading(values: NDArray[np.complex128], count: int) -> NDArray[np.int64]:
    """Places of the largest, no complex pair torn apart."""
    order = np.argsort(-np.abs(values), kind="stable")
    torn = (
        0 < count < len(order)
        and values[order[count - 1]].imag
        and np.isclose(values[order[count]], values[order[count - 1]].conj(), rtol=1e-9)
        and not (count > 1 and np.isclose(values[order[count - 2]], values[order[count - 1]].conj(), rtol=1e-9))
    )
    return order[: count + bool(torn)]


def _eigen(later: Array, start: Array) -> Any:
    """Multipliers, left and right vectors of a pencil."""
    from scipy.linalg import eig

    if not later.size:
        empty = np.zeros((0, 0), dtype=np.complex128)
        return np.zeros(0, dtype=np.complex128), empty, empty
    solved: Any = eig(later, start, left=True, right=True)
    return solved


def _without(vector: Array) -> Array:
    """Orthonormal rows that a vector has no part in."""
    return np.asarray(np.linalg.svd(vector[np.newaxis])[2][1:])


def _unit(vector: NDArray[Any]) -> NDArray[Any]:
    """The vector with its largest entry positive, of unit size."""
    largest = vector[np.argmax(np.abs(vector))]
    return np.asarray(vector / (largest / abs(largest)) / np.linalg.norm(vector)) if largest else vector
