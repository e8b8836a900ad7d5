"""An activator and an inhibitor that hop, collide and react: FitzHugh-Nagumo as a lattice Boltzmann method."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from math import isfinite, log, sqrt
from typing import Any, TypeAlias

import numpy as np
from numba import njit, prange
from numpy.random import Generator, SeedSequence
from numpy.typing import NDArray

from agents.lattice_boltzmann.lattice import Lattice
from agents.lattice_boltzmann.particles import Lifting, Particles, with_gradient

__all__ = ["FitzHughNagumo"]

Array: TypeAlias = NDArray[Any]

_SPECIES = "activator", "inhibitor"
_ROOT = 1.0  # of u = u³, where an excited region and one at rest lie on either side of zero
_TURN = 2 / (3 * sqrt(3))  # of u - u³, the inhibitor at which one of the two is no more


@dataclass(frozen=True, eq=False)
class FitzHughNagumo:
    """Particles of an activator u and an inhibitor v on a line between walls: the macro state is densities, (2, cells).

    In a time step the particles of a species in a cell relax towards equilibrium at its rate ω, react, and hop
    (D1Q3; rest, right, left with weights 1 - 2 w, w, w): f_i <- f_i + ω (w_i ρ - f_i) + w_i dt R. On the whole that is,
    with an error of second order in the spacing as long as the time step is proportional to its square,

        u_t = u_xx + u - u³ - v,    v_t = δ v_xx + ε (u - a1 v - a0),

    with no flux through the walls. restrict adds up the particles of a cell.

    *How to choose.* ``lifting``: densities do not say how many particles move which way; `with_gradient` has it right
    but for the second order in the spacing, and what is wrong heals within a few collisions, see `relaxation`.

    Parameters
    ----------
    epsilon
        ε, the rate of the inhibitor over that of the activator.
    lattice
        The line of cells.
    diffusivity
        δ of the inhibitor; that of the activator is 1.
    decay
        a1.
    threshold
        a0.
    lifting
        How particles are made of densities: `with_gradient` or `in_equilibrium`.

    Raises
    ------
    ValueError
        If ε is negative, the diffusivity is not positive, or one is not finite.

    References
    ----------
    C. Theodoropoulos, Y.-H. Qian and I. G. Kevrekidis, Proc. Natl. Acad. Sci. USA 97 (2000) 9840, of which these are
    the equations; Y.-H. Qian and S. A. Orszag, J. Sci. Comput. 10 (1995) 237, doi:10.1007/BF02091776.

    Examples
    --------
    >>> model = FitzHughNagumo(epsilon=0.1, lattice=Lattice(cells=4))
    >>> macro = np.array([[-1.0, -0.5, 0.5, 1.0], [0.1, 0.1, 0.1, 0.2]])
    >>> model.restrict(model.lift(macro, np.random.default_rng(0))).round(12)
    array([[-1. , -0.5,  0.5,  1. ],
           [ 0.1,  0.1,  0.1,  0.2]])
    """

    epsilon: float
    lattice: Lattice = field(default_factory=Lattice)
    diffusivity: float = 4.0
    decay: float = 2.0
    threshold: float = -0.03
    lifting: Lifting = with_gradient

    deterministic = True
    thread_safe = True

    def __post_init__(self) -> None:
        if not (isfinite(self.epsilon) and self.epsilon >= 0):
            raise ValueError(f"`epsilon` must be finite and not negative: got {self.epsilon}.")
        if not (isfinite(self.diffusivity) and self.diffusivity > 0):
            raise ValueError(f"`diffusivity` of the inhibitor must be positive: got {self.diffusivity}.")
        for name in ("decay", "threshold"):
            if not isfinite(getattr(self, name)):
                raise ValueError(f"`{name}` must be finite: got {getattr(self, name)}.")

    @property
    def fields(self) -> tuple[dict[str, Any], ...]:
        """Activator and inhibitor over the line, measured in what makes or unmakes a front.

        A change of u by 1 is that between a region at rest, or an excited one, and the border of the two; v at
        2/(3 sqrt 3) leaves but one of them.
        """
        place = {"coordinates": {"x": self.lattice.places}, "unit": "1"}
        return tuple(
            {"name": name, "scale": scale, **place} for name, scale in zip(_SPECIES, (_ROOT, _TURN), strict=True)
        )

    @property
    def time_step(self) -> float:
        """A duration must be a multiple of it."""
        return self.lattice.time_step

    @property
    def diffusivities(self) -> tuple[float, float]:
        """Of activator and inhibitor."""
        return 1.0, self.diffusivity

    @property
    def relaxation(self) -> float:
        """The time in which the slower species loses all but 1/e of its distance to equilibrium in a cell.

        >>> round(FitzHughNagumo(0.1, Lattice(cells=100)).relaxation / 0.004, 2)
        1.13
        """
        kept = max(abs(1 - self.lattice.collision_rate(one)) for one in self.diffusivities)
        return -self.time_step / log(kept) if kept > 0 else 0.0

    def lift(self, macro: NDArray[np.float64], rng: Generator) -> Particles:
        """Particles of these densities; the random numbers are not used.

        Raises
        ------
        ValueError
            If there are not two finite densities for every cell.
        """
        densities = np.asarray(macro, dtype=np.float64)
        if densities.shape != (2, self.lattice.cells):
            raise ValueError(
                f"The macro state must be u and v in {self.lattice.cells} cells, (2, {self.lattice.cells}): got shape "
                f"{densities.shape}."
            )
        if not np.isfinite(densities).all():
            raise ValueError("Densities must be finite: got one that is not.")
        made = [
            self.lifting(density, self.lattice, diffusivity)
            for density, diffusivity in zip(densities, self.diffusivities, strict=True)
        ]
        return Particles(np.array(made))

    def evolve(self, micro: Particles, duration: float, rng: Generator) -> Particles:
        """The particles after ``duration``; the random numbers are not used.

        Raises
        ------
        ValueError
            If that is no multiple of the time step.
        """
        return Particles(self._evolved(_advance, micro.numbers, duration))

    def restrict(self, micro: Particles) -> NDArray[np.float64]:
        """Densities of u and v, (2, cells)."""
        return micro.density

    def pack(self, micro: Particles) -> dict[str, NDArray[Any]]:
        """The particles as named arrays."""
        return micro.pack()

    def unpack(self, packed: Mapping[str, NDArray[Any]]) -> Particles:
        """The particles that were packed."""
        return Particles.unpack(packed)

    def agent_updates(self, macro: NDArray[np.float64], duration: float) -> float:
        """Updates of a cell, with both species in it."""
        return float(self.lattice.cells * round(duration / self.time_step))  # a mean return is no whole number of steps

    def burst_batch(
        self,
        macros: NDArray[np.float64],
        times: NDArray[np.float64],
        streams: Sequence[tuple[SeedSequence, SeedSequence]],
    ) -> NDArray[np.float64]:
        """Readings (replica, time, ...), bit for bit those of the loop; a population is one core's."""
        nobody = np.random.default_rng(0)  # asked for nothing
        numbers = np.array([self.lift(macro, nobody).numbers for macro in macros])
        readings = []
        for duration in np.diff(times, prepend=0.0).tolist():
            if len(numbers) > 1:
                numbers = self._evolved(_advance_all, numbers, duration)
            else:  # no other thread is woken
                numbers = self._evolved(_advance, numbers[0], duration)[np.newaxis]
            readings.append(numbers.sum(axis=2))
        return np.array(readings).swapaxes(0, 1)

    def warm(self) -> None:
        """Compile what `evolve` needs."""
        self._evolved(_advance, np.zeros((2, 3, self.lattice.cells)), 0.0)

    def _evolved(self, kernel: Callable[..., None], numbers: Array, duration: float) -> Array:
        evolved = np.array(numbers, dtype=np.float64, order="C")
        rates = np.array([self.lattice.collision_rate(one) for one in self.diffusivities])
        reaction = np.array([self.epsilon, self.decay, self.threshold])
        lattice = self.lattice
        kernel(evolved, lattice.steps(duration), lattice.weight, rates, lattice.time_step, reaction)
        return evolved


@njit(cache=True, nogil=True, error_model="numpy")
def _collide(
    u0: Array,
    u1: Array,
    u2: Array,
    v0: Array,
    v1: Array,
    v2: Array,
    weight: float,
    rates: Array,
    step: float,
    reaction: Array,
) -> None:
    rest, rate_u, rate_v = 1.0 - 2.0 * weight, rates[0], rates[1]
    keep_u, keep_v = 1.0 - rate_u, 1.0 - rate_v
    epsilon, decay, threshold = step * reaction[0], reaction[1], reaction[2]
    for i in range(u0.size):
        u = u0[i] + u1[i] + u2[i]
        v = v0[i] + v1[i] + v2[i]
        gain_u = rate_u * u + step * (u - u * u * u - v)
        gain_v = rate_v * v + epsilon * (u - decay * v - threshold)
        u0[i] = keep_u * u0[i] + rest * gain_u
        u1[i] = keep_u * u1[i] + weight * gain_u
        u2[i] = keep_u * u2[i] + weight * gain_u
        v0[i] = keep_v * v0[i] + rest * gain_v
        v1[i] = keep_v * v1[i] + weight * gain_v
        v2[i] = keep_v * v2[i] + weight * gain_v


@njit(cache=True, nogil=True, error_model="numpy")
def _copy(source: Array, target: Array) -> None:
    for i in range(source.size):  # not by assigning slices, which takes numba many times as long to compile
        target[i] = source[i]


@njit(cache=True, nogil=True, error_model="numpy")
def _advance(numbers: Array, steps: int, weight: float, rates: Array, step: float, reaction: Array) -> None:
    # Nobody is moved: the windows through which movers are seen slide over tracks twice as long as the line, against
    # their direction, and back once they are at the end. That is 1.5 times as fast as to write them into the next cell.
    n = numbers.shape[2]
    right, left = np.empty((2, 2 * n)), np.empty((2, 2 * n))
    for species in range(2):
        _copy(numbers[species, 1], right[species, n:])
        _copy(numbers[species, 2], left[species, :n])
    a, b = n, 0  # where the windows begin
    for _ in range(steps):
        if a == 0:
            for species in range(2):
                _copy(right[species, :n], right[species, n:])
                _copy(left[species, n:], left[species, :n])
            a, b = n, 0
        _collide(
            numbers[0, 0],
            right[0, a : a + n],
            left[0, b : b + n],
            numbers[1, 0],
            right[1, a : a + n],
            left[1, b : b + n],
            weight,
            rates,
            step,
            reaction,
        )
        for species in range(2):  # who hops into a wall is back in the cell that he left
            right[species, a - 1] = left[species, b]
            left[species, b + n] = right[species, a + n - 1]
        a, b = a - 1, b + 1
    for species in range(2):
        _copy(right[species, a : a + n], numbers[species, 1])
        _copy(left[species, b : b + n], numbers[species, 2])


@njit(cache=True, nogil=True, error_model="numpy", parallel=True)
def _advance_all(numbers: Array, steps: int, weight: float, rates: Array, step: float, reaction: Array) -> None:
    for r in prange(len(numbers)):
        _advance(numbers[r], steps, weight, rates, step, reaction)
