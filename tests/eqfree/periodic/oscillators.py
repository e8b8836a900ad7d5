"""Oscillators whose cycles are known exactly, with and without noise."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

import eqfree as ef

Array: TypeAlias = NDArray[np.float64]

OMEGA = 2.0


@dataclass(frozen=True)
class NormalForm:
    """(x + iy)' = (p + iω)(x + iy) - |z|²(x + iy): cycles of radius √p and period 2π/ω; Floquet exp(-4πp/ω).

    Exactly without noise; with it, Strang's splitting in steps of 0.05 between kicks, of weak order two.
    """

    p: float
    noise: float = 0.0
    time_step: float | None = None

    @property
    def deterministic(self) -> bool:
        return self.noise == 0

    def lift(self, macro: Array, rng: Generator) -> complex:
        return complex(macro[0], macro[1])

    def evolve(self, micro: complex, duration: float, rng: Generator) -> complex:
        if self.noise == 0:
            return self._flow(micro, duration)
        steps = max(1, round(duration / 0.05))
        kicks = rng.standard_normal((steps, 2, 2)) * self.noise * np.sqrt(duration / steps / 2)
        for before, after in kicks:
            micro = self._flow(micro + complex(*before), duration / steps) + complex(*after)
        return micro

    def restrict(self, micro: complex) -> Array:
        return np.array([micro.real, micro.imag])

    def _flow(self, z: complex, t: float) -> complex:
        """r² = p r0²/(r0² + (p - r0²) exp(-2pt)), and for p = 0 r0²/(1 + 2 r0² t)."""
        square = abs(z) ** 2
        died = np.exp(-2 * self.p * t)
        grown = (1 - died) / self.p if self.p else 2 * t
        return complex(z * np.sqrt(1 / (died + square * grown)) * np.exp(1j * OMEGA * t))


def normal_form(noise: float = 0.0, replicas: int = 16, seed: int = 0) -> Callable[[float], ef.CoarseTimeStepper]:
    """Over p."""
    return lambda p: ef.CoarseTimeStepper(NormalForm(p, noise), replicas=replicas, seed=seed)


@dataclass(frozen=True)
class FoldOfCycles:
    """r' = r (p + r² - r⁴), angle' = 2: stable and unstable cycles r² = (1 ± √(1 + 4p))/2 meet at p = -1/4."""

    p: float

    deterministic = True

    def lift(self, macro: Array, rng: Generator) -> Array:
        return np.array(macro)

    def evolve(self, micro: Array, duration: float, rng: Generator) -> Array:
        from scipy.integrate import solve_ivp

        def slope(_: float, u: Array) -> list[float]:
            square = u[0] ** 2 + u[1] ** 2
            growth = self.p + square - square**2
            return [growth * u[0] - OMEGA * u[1], growth * u[1] + OMEGA * u[0]]

        if duration == 0:
            return micro
        return np.asarray(solve_ivp(slope, (0.0, duration), micro, rtol=1e-11, atol=1e-12).y[:, -1])

    def restrict(self, micro: Array) -> Array:
        return micro
