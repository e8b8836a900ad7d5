"""Leading multipliers of the coarse map: by what disturbances of a steady state grow, with standard errors."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.random import PCG64, Generator
from numpy.typing import ArrayLike, NDArray

from eqfree.coarse_map import Chart, CoarseMap, Symmetry, check_map
from eqfree.ensemble import Key
from eqfree.results import Spectrum
from eqfree.stability.pencil import Pencil, project, turn
from eqfree.stepper import CoarseTimeStepper

__all__ = ["coarse_multipliers"]

Array: TypeAlias = NDArray[np.float64]

_DENSE = 100  # coordinates up to which all products are asked
_EXTRA = 12  # directions beyond twice the count
_SHORT = 1e-10  # of a direction of unit length: what is left of it is round-off
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
        healed = look.healed.mean(axis=0).reshape(state.shape)
        drift = chart.project(symmetry.drift(state, healed, stepper).ravel())
    return pencil.spectrum(chart, duration, count, drift, pencil.cost + look.cost)


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
        if length < _SHORT:
            break
        basis = np.vstack((basis, direction / length))
        products = coarse.differentiate(chart, origin, basis[-1:], look, key)
        healed.append(project(chart, products.healed)[..., 0])
        later.append(project(chart, turn(symmetry, products.later, chart))[..., 0])
        cost = cost + products.cost
        direction = later[-1].mean(axis=0)
    return Pencil(basis, np.stack(healed, axis=-1), np.stack(later, axis=-1), cost)
