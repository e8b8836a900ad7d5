"""The multipliers of uniform states of a ring, wave by wave, from one disturbed place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from eqfree.coarse_map import Chart, CoarseMap, check_map
from eqfree.ensemble import Key
from eqfree.results import Cost, Spectrum
from eqfree.stability.pencil import DIFFERENCES, leading, solve, unit
from eqfree.stepper import CoarseTimeStepper

__all__ = ["ring_multipliers"]

Array: TypeAlias = NDArray[np.float64]
Waves: TypeAlias = NDArray[np.complex128]

_STEP = 1e-5  # of central differences without noise, in units of the scales
_NOISY = (1e-3, 0.1)  # smallest and largest with noise
_UNIFORM = 1e-9  # of the scales
_DIED = 1e-6  # of a disturbance: what healing leaves less of is not seen again


def ring_multipliers(
    stepper: CoarseTimeStepper,
    macro: ArrayLike,
    duration: float,
    count: int = 6,
    key: Key = (),
    *,
    difference: float | None = None,
) -> Spectrum:
    """The leading multipliers of the coarse map at a uniform state of a ring, in the lab frame.

    All places of the ring are alike: a wave exp(2πi k n/N) stays a wave. One place is disturbed, to either side, and
    the Fourier transform of what becomes of it holds the multipliers of all waves at once, those of wave k from a
    pencil as large as there are numbers at a place. It costs two bursts for each of these numbers, however many places
    there are, where `coarse_multipliers` takes one for every place.

    *How to choose.* ``duration``: below π over the largest frequency in the lab frame, that of the first waves;
    ``healing``: enough for what `lift` got wrong at a place, but short of the time in which the waves that matter die.

    Parameters
    ----------
    stepper
        With its healing. Moving every population on by a place must move all that becomes of it.
    macro
        The uniform state, (place, ...).
    duration
        Between the two readings.
    count
        How many besides those of conserved totals. No pair is torn apart.
    key
        Which noise.
    difference
        By how much the place is disturbed, in units of the scale of its field; by default 1e-5 for a deterministic
        model, and (9 s²/n)^(1/6) within 0.001 and 0.1 for a noisy one.

    Raises
    ------
    ValueError
        For a state that is not uniform, fewer than one multiplier, or as `coarse_multipliers`.
    OutOfBoundsError, NotFiniteError
        If a disturbed state is none that a population has, or none comes back.

    References
    ----------
    Marschler, Sieber, Berkemer, Kawamoto & Starke, SIAM J. Appl. Dyn. Syst. 13 (2014) 1202, for the pencil.

    Examples
    --------
    >>> import eqfree as ef
    >>> ring = ef.micro_model(
    ...     lambda u, rng: u, lambda u, t, rng: u + t * (np.roll(u, -1) - u), lambda u: u, deterministic=True
    ... )
    >>> ring_multipliers(ef.CoarseTimeStepper(ring), np.ones(4), duration=0.5, count=3).multipliers.round(6)
    array([1. +0.j , 0.5+0.5j, 0.5-0.5j])
    """
    check_map(stepper, duration)
    if count < 1:
        raise ValueError(f"`count` of multipliers must be at least 1: got {count}.")
    state = np.array(macro, dtype=np.float64)
    chart = Chart.of(stepper, state)
    scale = (chart.scale / np.sqrt(state.size)).reshape(state.shape)
    _check_uniform(state, scale)
    coarse = CoarseMap(stepper, duration, difference)
    step, cost = _step(coarse, state, scale, key)
    places, size = len(state), state[0].size
    alone = np.zeros((size, places, size))
    alone[np.arange(size), 0, np.arange(size)] = scale.reshape(places, size)[0]
    ways = chart.change(chart.project(alone.reshape(size, -1)))  # keeps the totals
    sides = [state + sign * step * way.reshape(state.shape) for way in ways for sign in (1.0, -1.0)]
    looks = coarse.looks(sides, [key] * len(sides))
    cost = sum((look.cost for look in looks), cost)
    waves = _Waves(
        begun=_transform(ways[np.newaxis], places)[0],
        healed=_quotient([look.healed for look in looks], step, places),
        later=_quotient([look.later for look in looks], step, places),
    )
    return waves.spectrum(chart, duration, count, cost)


@dataclass(frozen=True, eq=False)
class _Waves:
    """Fourier transforms over the places of what becomes of a disturbed place.

    Attributes
    ----------
    begun : (wave, number, disturbed)
        Of the disturbances themselves.
    healed, later : (replica, wave, number, disturbed)
    """

    begun: Waves
    healed: Waves
    later: Waves

    def spectrum(self, chart: Chart, duration: float, count: int, cost: Cost) -> Spectrum:
        """The largest of all waves."""
        shape = chart.origin.shape
        made = [one for wave in range(shape[0] // 2 + 1) for one in self._multipliers(wave, shape)]
        order = leading(np.array([value for value, *_ in made]), count)
        trivial = chart.conserved
        nothing = [np.zeros(shape)] * trivial
        return Spectrum(
            multipliers=np.array([1.0] * trivial + [made[i][0] for i in order], dtype=np.complex128),
            covariance=np.array([np.zeros((2, 2))] * trivial + [made[i][1] for i in order]).reshape(-1, 2, 2),
            vectors=np.array(nothing + [made[i][2] for i in order], dtype=np.complex128),
            labels=("conservation",) * trivial + ("",) * len(order),
            duration=duration,
            cost=cost,
        )

    def _multipliers(self, wave: int, shape: tuple[int, ...]) -> list[tuple[complex, Array, Waves]]:
        """Multipliers of a wave, their covariances and vectors, and those of the wave that runs the other way."""
        start, later = self.healed[:, wave], self.later[:, wave]
        u, sizes, v = np.linalg.svd(start.mean(axis=0))
        kept = sizes > _DIED * np.abs(self.begun).max()
        left, right = u.conj().T[kept], v[kept]
        inside = left @ later.mean(axis=0) @ right.conj().T, left @ start.mean(axis=0) @ right.conj().T
        values, lefts, rights = solve(*inside)
        turns = np.exp(2j * np.pi * wave * np.arange(shape[0]) / shape[0])
        made = []
        for number, value in enumerate(values):
            row, column = lefts[:, number].conj() @ left, right.conj().T @ rights[:, number]
            covariance = _covariance(complex(value), row, start, later, column)
            vector = unit(np.outer(turns, self.begun[wave] @ column).ravel()).reshape(shape)
            made.append((complex(value), covariance, vector))
            if 0 < 2 * wave < shape[0]:
                made.append((complex(value.conjugate()), covariance * _MIRRORED, vector.conj()))
        return made


_MIRRORED = np.array([[1.0, -1.0], [-1.0, 1.0]])  # of the covariance with the imaginary part


def _covariance(value: complex, row: Waves, start: Waves, later: Waves, column: Waves) -> Array:
    """Of real and imaginary part, over replicas."""
    if len(start) < 2:
        return np.asarray(DIFFERENCES**2 * np.eye(2))
    told = np.einsum("i,rij,j->r", row, later - value * start, column) / (row @ start.mean(axis=0) @ column)
    return np.asarray(np.cov(np.array([told.real, told.imag])) / len(told))


def _check_uniform(state: Array, scale: Array) -> None:
    if state.ndim < 1 or len(state) < 2:
        raise ValueError(f"A ring has two places or more along the first axis: got shape {state.shape}.")
    if (np.abs(state - state.mean(axis=0)) > _UNIFORM * scale).any():
        raise ValueError(
            f"The state must be the same at all places of the ring: got places that differ by "
            f"{np.abs(state - state.mean(axis=0)).max():g}. Use `coarse_multipliers` for other states."
        )


def _step(coarse: CoarseMap, state: Array, scale: Array, key: Key) -> tuple[float, Cost]:
    """By how much a place is disturbed, in units of its scale, and what it took to know the noise."""
    if coarse.difference is not None:
        return coarse.difference, Cost()
    if coarse.stepper.deterministic:
        return _STEP, Cost()
    (look,) = coarse.looks([state], [key])
    variance = float((look.later / scale.ravel()).var(axis=0, ddof=1).mean())
    return float(np.clip((9 * variance / len(look.later)) ** (1 / 6), *_NOISY)), look.cost


def _quotient(sides: list[Array], step: float, places: int) -> Waves:
    """Central differences of readings (replica, number), as waves (replica, wave, number, disturbed)."""
    slopes = [(right - left) / (2 * step) for right, left in zip(sides[::2], sides[1::2], strict=True)]
    return _transform(np.stack(slopes, axis=1), places)


def _transform(rows: NDArray[Any], places: int) -> Waves:
    """Waves (..., wave, number, disturbed) of flattened macro states (..., disturbed, number)."""
    apart = rows.reshape(*rows.shape[:-1], places, -1)
    return np.moveaxis(np.fft.fft(apart, axis=-2), -3, -1)
