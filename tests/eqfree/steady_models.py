"""Micro-models whose steady states, waves and multipliers are known exactly."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeAlias

import numpy as np
from numpy.random import PCG64, Generator, SeedSequence
from numpy.typing import NDArray

Array: TypeAlias = NDArray[np.float64]
Flow: TypeAlias = Callable[[Array, float], Array]


@dataclass(frozen=True, eq=False)
class Shaken:
    """A macro state that moves by a flow, and is shaken: by ``noise`` √duration times a normal number in each number.

    After one interval the mean is exactly what the flow makes. The flow takes states (..., number). A ``deaf`` model
    does not listen to the generator that it is given: it has its own, and its noise is another one in every burst.
    """

    flow: Flow
    noise: float = 0.0
    fields: tuple[Any, ...] = ()
    deaf: Generator | None = None

    @property
    def deterministic(self) -> bool:
        return self.noise == 0

    def lift(self, macro: Array, rng: Generator) -> Array:
        return macro

    def evolve(self, micro: Array, duration: float, rng: Generator) -> Array:
        moved = self.flow(micro, duration)
        if self.deterministic:
            return moved
        normal = (rng if self.deaf is None else self.deaf).standard_normal(micro.shape)
        return np.asarray(moved + self.noise * np.sqrt(duration) * normal)

    def restrict(self, micro: Array) -> Array:
        return micro

    def burst_batch(self, macros: Array, times: Array, streams: Sequence[tuple[SeedSequence, SeedSequence]]) -> Array:
        """The same, for all replicas at once."""
        shaken = not self.deterministic
        rngs = [Generator(PCG64(stream)) for _, stream in streams] if self.deaf is None and shaken else []
        paths = np.empty((len(macros), len(times), *macros.shape[1:]))
        micro = macros
        for index, duration in enumerate(np.diff(times, prepend=0.0)):
            if duration > 0:
                micro = self.flow(micro, float(duration))
                if self.deaf is not None and shaken:
                    micro = micro + self.noise * np.sqrt(duration) * self.deaf.standard_normal(micro.shape)
                elif shaken:
                    normal = np.array([rng.standard_normal(micro.shape[1:]) for rng in rngs])
                    micro = micro + self.noise * np.sqrt(duration) * normal
            paths[:, index] = micro
        return paths


@dataclass(frozen=True, eq=False)
class WrongLift:
    """A slow p and a fast q, each relaxing to 1, of which the macro state is p + coupling q; q is lifted as ``lifted``.

    p' = -slow (p - 1), q' = -fast (q - 1), shaken as `Shaken` is. The macro state of the steady state is
    1 + coupling. Where it is read after healing h, it is wrong by a multiple of exp(-fast h).
    """

    slow: float = 1.0
    fast: float = 10.0
    coupling: float = 0.5
    lifted: float = 3.0
    noise: float = 0.0

    @property
    def deterministic(self) -> bool:
        return self.noise == 0

    def lift(self, macro: Array, rng: Generator) -> Array:
        return np.array([macro[0] - self.coupling, self.lifted * macro[0]])

    def evolve(self, micro: Array, duration: float, rng: Generator) -> Array:
        rates = np.array([self.slow, self.fast])
        spread = self.noise * np.sqrt(-np.expm1(-2 * rates * duration) / (2 * rates))
        return np.asarray(1 + (micro - 1) * np.exp(-rates * duration) + spread * rng.standard_normal(2))

    def restrict(self, micro: Array) -> Array:
        return np.array([micro[0] + self.coupling * micro[1]])


@dataclass(frozen=True, eq=False)
class RandomMatrices:
    """u becomes (map + noise G) u with a matrix G of normal numbers for each replica; after any duration.

    The mean is the map, whose eigenvalues are the multipliers; its derivative is as noisy as it is itself.
    """

    matrix: Array
    noise: float

    def lift(self, macro: Array, rng: Generator) -> Array:
        return macro

    def evolve(self, micro: Array, duration: float, rng: Generator) -> Array:
        return np.asarray((self.matrix + self.noise * rng.standard_normal(self.matrix.shape)) @ micro)

    def restrict(self, micro: Array) -> Array:
        return micro


def linear(matrix: Any, centre: Any = 0.0) -> Flow:
    """u' = matrix (u - centre), exactly."""
    from scipy.linalg import expm

    rates = np.array(matrix, dtype=np.float64)
    propagator: Callable[[float], Array] = cache(lambda duration: expm(rates * duration))
    return lambda state, duration: centre + (state - centre) @ propagator(duration).T


def runge_kutta(slope: Callable[[Array], Array], step: float) -> Flow:
    """u' = slope(u), by the classical method with steps no longer than ``step``: its steady states are exact."""

    def flow(state: Array, duration: float) -> Array:
        steps = int(np.ceil(duration / step))
        width = duration / max(steps, 1)
        for _ in range(steps):
            first = slope(state)
            second = slope(state + width / 2 * first)
            third = slope(state + width / 2 * second)
            state = state + width / 6 * (first + 2 * second + 2 * third + slope(state + width * third))
        return state

    return flow


def brusselator(feed: float = 1.0, ratio: float = 1.8) -> Flow:
    """x' = A + x²y - (B + 1) x, y' = B x - x²y: steady at (A, B/A), unstable for B > 1 + A²."""

    def slope(state: Array) -> Array:
        x, y = state[..., 0], state[..., 1]
        meet = x * x * y
        return np.stack((feed + meet - (ratio + 1) * x, ratio * x - meet), axis=-1)

    return runge_kutta(slope, 0.05)


def bratu(points: int, strength: float) -> Flow:
    """u' = u'' + strength exp(u) between walls where u is zero, on inner points a distance 1/(points + 1) apart."""
    square = (points + 1.0) ** 2

    def slope(state: Array) -> Array:
        walled = np.concatenate((np.zeros_like(state[..., :1]), state, np.zeros_like(state[..., :1])), axis=-1)
        return square * np.diff(walled, 2, axis=-1) + strength * np.exp(state)

    return runge_kutta(slope, 0.6 / square)


def diffusion_on_a_ring(places: int, rate: float) -> Array:
    """The matrix of u_i' = rate (u_{i-1} - 2 u_i + u_{i+1}): it conserves the sum."""
    one = np.eye(places)
    return rate * (np.roll(one, 1, axis=0) - 2 * one + np.roll(one, -1, axis=0))


@dataclass(frozen=True)
class PlaneWave:
    """The discrete complex Ginzburg-Landau equation on a ring, and its wave that winds ``winding`` times around it.

    z_j' = z_j - (1 + i shear)|z_j|² z_j + coupling (1 + i dispersion)(z_{j+1} - 2 z_j + z_{j-1}) has the waves
    z_j = R exp(i(k j - ω t)), R² = 1 - 4 coupling sin²(k/2), ω = shear R² + 4 coupling dispersion sin²(k/2). Their
    disturbances R exp(i(k j - ω t)) (A exp(i q j) + B* exp(-i q j)) grow at the rates that are the eigenvalues of a
    2 x 2 matrix for each q; a wave that has moved one place forward and is turned back multiplies them by exp(i q).
    """

    places: int = 8
    winding: int = 1
    coupling: float = 0.5
    shear: float = 0.6
    dispersion: float = 0.4

    @property
    def number(self) -> float:
        """k."""
        return 2 * np.pi * self.winding / self.places

    @property
    def size(self) -> float:
        """R."""
        return float(np.sqrt(1 - 4 * self.coupling * np.sin(self.number / 2) ** 2))

    @property
    def frequency(self) -> float:
        """ω."""
        return self.shear * self.size**2 + 4 * self.coupling * self.dispersion * float(np.sin(self.number / 2) ** 2)

    @property
    def period(self) -> float:
        """In which the wave moves one place forward."""
        return self.number / self.frequency

    @property
    def state(self) -> Array:
        """The wave, (place, 2)."""
        wave = self.size * np.exp(1j * self.number * np.arange(self.places))
        return np.stack((wave.real, wave.imag), axis=-1)

    def slope(self, state: Array) -> Array:
        z = state[..., 0] + 1j * state[..., 1]
        spread = np.roll(z, 1, axis=-1) - 2 * z + np.roll(z, -1, axis=-1)
        slope = z - (1 + 1j * self.shear) * np.abs(z) ** 2 * z + self.coupling * (1 + 1j * self.dispersion) * spread
        return np.stack((slope.real, slope.imag), axis=-1)

    @property
    def flow(self) -> Flow:
        return runge_kutta(self.slope, 0.05)

    @property
    def multipliers(self) -> NDArray[np.complex128]:
        """Of the turned wave after its period, the largest first; the first is that of the symmetry, 1."""
        own = (1 + 1j * self.shear) * self.size**2
        made = []
        for mode in range(self.places):
            q = 2 * np.pi * mode / self.places
            ahead, behind = (
                1
                + 1j * self.frequency
                - 2 * own
                + self.coupling * (1 + 1j * self.dispersion) * (2 * np.cos(self.number + sign * q) - 2)
                for sign in (1, -1)
            )
            rates = np.linalg.eigvals(np.array([[ahead, -own], [-own.conjugate(), behind.conjugate()]]))
            made += list(np.exp(rates * self.period + 1j * q))
        return np.array(sorted(made, key=lambda one: -abs(one)))
