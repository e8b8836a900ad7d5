"""Equations for the density of cells across a scratch: Fisher-KPP, and what cells of a rule do on average if nothing
but the density matters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from math import ceil, comb
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

__all__ = ["FISHER", "Law", "solve_profiles"]

Array = NDArray[np.float64]

_WIDEST = 25.0  # µm, of the volumes
_STABLE = 0.5  # of D step / width²; the classical Runge-Kutta method is stable up to 0.69
_EVENTFUL = 0.2  # of proliferation × step


@dataclass(frozen=True)
class Law:
    """How growth of density depends on crowding, and whether it waits.

    Parameters
    ----------
    delayed
        Whether no cell divides before the parameter ``delay``.
    inhibition
        Of cells on a square lattice, as in `agents.cells.rules.CellType`; None is the logistic law.

    References
    ----------
    Delay after scratching: W. Jin, E. T. Shah, C. J. Penington, S. W. McCue, P. K. Maini, M. J. Simpson, Bull. Math.
    Biol. 79 (2017) 1028.

    Examples
    --------
    >>> Law(delayed=True, inhibition=1.0).parameters
    ('diffusivity', 'proliferation', 'capacity', 'delay')
    """

    delayed: bool
    inhibition: float | None = None

    @property
    def parameters(self) -> tuple[str, ...]:
        """Of diffusion (µm²/h), division (1/h), capacity (cells/µm²), and of when division begins (h)."""
        return ("diffusivity", "proliferation", "capacity", *(("delay",) if self.delayed else ()))

    @property
    def words(self) -> str:
        """What it is called.

        >>> Law(delayed=False, inhibition=0.0).words
        'divide at once, inhibition 0'
        """
        began = "after a delay" if self.delayed else "at once"
        return f"logistic {began}" if self.inhibition is None else f"divide {began}, inhibition {self.inhibition:g}"

    @cached_property
    def crowding(self) -> Array:
        """Coefficients of the growth per cell and rate in powers of the occupancy c, the constant first.

        Logistic: 1 - c. Cells with F of 4 independent neighbours free: E[F / 4 × (F / 4)^inhibition].

        >>> Law(delayed=False, inhibition=0.0).crowding.round(12)  # which is logistic
        array([ 1., -1.,  0.,  0.,  0.])
        """
        if self.inhibition is None:
            return np.array([1.0, -1.0])
        free, taken = np.polynomial.Polynomial([1.0, -1.0]), np.polynomial.Polynomial([0.0, 1.0])
        terms = [comb(4, f) * (f / 4) ** (1 + self.inhibition) * free**f * taken ** (4 - f) for f in range(1, 5)]
        coefficients = np.zeros(5)
        total = sum(terms, np.polynomial.Polynomial([0.0])).coef
        coefficients[: len(total)] = total
        return coefficients


FISHER = Law(delayed=False)


def solve_profiles(law: Law, parameters: Mapping[str, float], start: Array, strip: float, durations: Array) -> Array:
    """Densities in strips, (time, strip), after each of the durations (h) from `start` (cells/µm²), nothing leaving.

    ∂u/∂t = D ∂²u/∂x² + λ u g(u / K), with g the law's crowding, by the method of lines: finite volumes, of second
    order in width, and the classical Runge-Kutta method.

    Examples
    --------
    >>> grown = solve_profiles(
    ...     FISHER,
    ...     {"diffusivity": 500.0, "proliferation": 0.05, "capacity": 2e-3},
    ...     np.full(4, 1e-3),
    ...     50.0,
    ...     np.array([24.0]),
    ... )
    >>> bool(np.allclose(grown, 2e-3 / (1 + np.exp(-0.05 * 24))))  # logistic growth, where nothing varies in space
    True
    """
    diffusivity, rate, capacity = (parameters[name] for name in ("diffusivity", "proliferation", "capacity"))
    delay = parameters["delay"] if law.delayed else 0.0
    parts = ceil(strip / _WIDEST - 1e-9)
    width = strip / parts
    state, now, rows = np.repeat(start, parts) / capacity, 0.0, []
    longest = min(_STABLE * width**2 / diffusivity, _EVENTFUL / rate)
    for end in durations:
        for until, growth in ((min(end, max(delay, now)), 0.0), (end, rate)):
            if until > now:
                steps = ceil((until - now) / longest)
                step = (until - now) / steps
                state = _march(state, diffusivity / width**2, growth, law.crowding, step, steps)
                now = until
        rows.append(capacity * state.reshape(len(start), parts).mean(axis=1))
    return np.array(rows)


@njit(cache=True, nogil=True)
def _slope(state: Any, hop: float, growth: float, crowding: Any, out: Any) -> None:
    last = state.size - 1
    for i in range(last + 1):
        u = state[i]
        per_cell = 0.0
        for k in range(crowding.size - 1, -1, -1):
            per_cell = per_cell * u + crowding[k]
        left = state[i - 1] if i > 0 else u
        right = state[i + 1] if i < last else u
        out[i] = hop * (left - 2.0 * u + right) + growth * u * per_cell


@njit(cache=True, nogil=True)
def _march(state: Any, hop: float, growth: float, crowding: Any, step: float, steps: int) -> Any:
    size = state.size
    u, k, total, at = state.copy(), np.empty(size), np.empty(size), np.empty(size)
    for _ in range(steps):
        _slope(u, hop, growth, crowding, k)
        for i in range(size):
            total[i] = k[i]
            at[i] = u[i] + 0.5 * step * k[i]
        for stage in range(2):
            _slope(at, hop, growth, crowding, k)
            for i in range(size):
                total[i] += 2.0 * k[i]
                at[i] = u[i] + (0.5 + 0.5 * stage) * step * k[i]
        _slope(at, hop, growth, crowding, k)
        for i in range(size):
            u[i] += step / 6.0 * (total[i] + k[i])
    return u
