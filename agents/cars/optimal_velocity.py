"""The optimal-velocity model: relax towards the speed that the gap suggests."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import isfinite, tanh

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from agents.cars import runge_kutta
from agents.cars.fleet import Drivers
from agents.cars.law import Crowd, check_step, equal_steps
from agents.cars.road import Cars

__all__ = ["OptimalVelocity", "Velocity", "tanh_gap", "tanh_rows", "tanh_velocity"]

Velocity = Callable[[NDArray[np.float64], Drivers], NDArray[np.float64]]
"""(gap in m, drivers) -> the speed in m/s that the gap suggests; rises with the gap."""


def tanh_velocity(gap: NDArray[np.float64], drivers: Drivers, inflection: float = 2.0) -> NDArray[np.float64]:
    """The speed in m/s that a gap suggests: V(s) = v0 (tanh(h/d - β) + tanh β)/(1 + tanh β), h = max(0, s - s0).

    d = v0 T/(1 + tanh β) makes 1/T the largest slope, with the driver's desired speed v0, time headway T and
    minimum gap s0; ``inflection`` is β, where the slope is largest, in units of d. Vehicles without length and minimum
    gap, T = 1, v0 = 1 + tanh 2 and β = 2 have the function tanh(b - 2) + tanh 2 of Bando et al.,
    Phys. Rev. E 51 (1995) 1035, doi:10.1103/PhysRevE.51.1035.

    >>> from agents.cars.fleet import CAR
    >>> tanh_velocity(np.array([2.0, 30.0, np.inf]), Drivers.of([CAR], [0, 0, 0])).round(3)
    array([ 0.   ,  3.663, 33.333])
    """
    offset = tanh(inflection)
    width = drivers.desired_speed * drivers.time_headway / (1 + offset)
    reach = np.maximum(0.0, gap - drivers.minimum_gap) / width
    return drivers.desired_speed * (np.tanh(reach - inflection) + offset) / (1 + offset)


def tanh_gap(speed: NDArray[np.float64] | float, drivers: Drivers, inflection: float = 2.0) -> NDArray[np.float64]:
    """The smallest gap in m that suggests a speed: the inverse of `tanh_velocity`, inf from v0 on.

    >>> from agents.cars.fleet import CAR
    >>> tanh_gap(tanh_velocity(np.array([30.0]), Drivers.of([CAR], [0])), Drivers.of([CAR], [0])).round(9)
    array([30.])
    """
    offset = tanh(inflection)
    width = drivers.desired_speed * drivers.time_headway / (1 + offset)
    level = np.asarray(speed) / drivers.desired_speed * (1 + offset) - offset
    reach = np.full_like(level, np.inf)
    np.arctanh(level, out=reach, where=level < 1)
    return drivers.minimum_gap + np.maximum(0.0, reach + inflection) * width


@dataclass(frozen=True)
class OptimalVelocity:
    """The optimal-velocity model, second order in time, by the classical Runge-Kutta scheme.

    dv = a (V(gap) - v) dt + s dW; on a ring of N equal cars uniform flow is unstable where V' > a/(1 + cos(2π/N)).

    The noise, independent from car to car, is Strang's splitting: each Runge-Kutta step lies between two kicks
    s sqrt(step/2) ξ of every speed, ξ normal; no speed falls below zero. The weak order is 2 and the strong order 1
    (Alamo & Sanz-Serna 2016): in uniform flow the variance s²/(2a) of free cars is wrong by the part (a step)²/3, at
    the default step by 0.5 %. The random numbers that a burst takes depend on its steps and cars alone, so that
    two bursts with the same generator have the same noise.

    The law does not keep cars apart: where drivers are slow to react (a small), jams may collide, which ends
    in `Collision`.

    Parameters
    ----------
    sensitivity
        a in 1/s.
    velocity
        V as a function ``(gap, drivers) -> speed`` of arrays; by default `tanh_velocity`, which is compiled,
        any other runs in NumPy. It rises with the gap.
    step
        Longest time step in s; by default an eighth of the shorter of 1/a and the shortest time headway.
    inflection
        β of `tanh_velocity`. Vehicles without length and minimum gap, with v0 = w (1 + tanh h) and T = 1/w, and β = h
        have V(s) = w (tanh(s - h) + tanh h), as in Marschler et al. 2014, where a = 1.7 and h = 1.2.
    noise
        s in m/s per square root of a second; a noisy population runs on one core.

    Raises
    ------
    ValueError
        If the sensitivity or the step is not positive, the inflection or the noise negative, or an inflection is
        given to a V that is not `tanh_velocity`.

    References
    ----------
    Bando, Hasebe, Nakayama, Shibata & Sugiyama, Phys. Rev. E 51 (1995) 1035, doi:10.1103/PhysRevE.51.1035;
    Marschler, Sieber, Berkemer, Kawamoto & Starke, SIAM J. Appl. Dyn. Syst. 13 (2014) 1202;
    Alamo & Sanz-Serna, SIAM J. Numer. Anal. 54 (2016) 3239, doi:10.1137/16M1058765.

    Examples
    --------
    >>> from agents.cars.fleet import CAR
    >>> OptimalVelocity().steady_speed(np.array([30.0]), Drivers.of([CAR], [0])).round(3)
    array([3.663])
    """

    sensitivity: float = 1.0
    velocity: Velocity | None = None
    step: float | None = None
    inflection: float = 2.0
    noise: float = 0.0

    time_step = None
    cell = None

    def __post_init__(self) -> None:
        if not (isfinite(self.sensitivity) and self.sensitivity > 0):
            raise ValueError(f"`sensitivity` must be positive, in 1/s: got {self.sensitivity}.")
        check_step(self.step)
        if not (isfinite(self.inflection) and self.inflection >= 0):
            raise ValueError(
                f"`inflection` must be finite and not negative: got {self.inflection}. Bando et al. take 2."
            )
        if self.velocity is not None and self.inflection != 2.0:
            raise ValueError(
                f"`inflection` belongs to `tanh_velocity`: got {self.inflection} beside another `velocity`. "
                "Give one of the two."
            )
        if not (isfinite(self.noise) and self.noise >= 0):
            raise ValueError(f"`noise` must be finite and not negative, in m/s per sqrt(s): got {self.noise}.")

    @property
    def deterministic(self) -> bool:
        """Whether there is no noise."""
        return self.noise == 0

    def acceleration(
        self,
        gap: NDArray[np.float64],
        speed: NDArray[np.float64],
        _leader_speed: NDArray[np.float64],
        drivers: Drivers,
    ) -> NDArray[np.float64]:
        """dv/dt in m/s² at these gaps (bumper to bumper) and speeds; the leader's speed has no effect."""
        return self.sensitivity * (self.steady_speed(gap, drivers) - speed)

    def steady_speed(self, gap: NDArray[np.float64], drivers: Drivers) -> NDArray[np.float64]:
        """V(gap) in m/s."""
        return self.velocity(gap, drivers) if self.velocity else tanh_velocity(gap, drivers, self.inflection)

    def steady_gap(self, speed: NDArray[np.float64] | float, drivers: Drivers) -> NDArray[np.float64]:
        """The smallest gap in m with V(gap) >= speed, to 1e-15 of it, inf where there is none."""
        if self.velocity is None:
            return tanh_gap(speed, drivers, self.inflection)
        return _inverse(self.velocity, np.broadcast_to(speed, drivers.length.shape), drivers)

    def prepare(self, cars: Cars) -> Cars:
        """The cars as they are."""
        return cars

    def steps(self, drivers: Drivers, duration: float) -> int:
        """Runge-Kutta steps in ``duration``."""
        quickest = drivers.time_headway.min(initial=1 / self.sensitivity)
        return equal_steps(duration, self.step or quickest / 8)

    def advance(self, cars: Cars, duration: float, rng: Generator) -> Cars:
        """The cars after ``duration`` seconds."""
        if self.velocity is None and self.noise:
            return runge_kutta.advance_noisily(*self._arguments([cars], duration), self.noise, [rng])[0]
        if self.velocity is None:
            return runge_kutta.advance(*self._arguments([cars], duration))[0]
        return runge_kutta.advance_by_formula(
            cars,
            lambda gap, speed, leader_speed: self.acceleration(gap, speed, leader_speed, cars.drivers),
            self.steps(cars.drivers, duration),
            duration,
            self.noise,
            rng if self.noise else None,
        )

    def advance_all(self, populations: Sequence[Cars], duration: float, rngs: Sequence[Generator]) -> list[Cars]:
        """Every population after ``duration`` seconds; in parallel where V is compiled and there is no noise."""
        if self.velocity is None and not self.noise:
            return runge_kutta.advance_all(*self._arguments(populations, duration))
        return [self.advance(cars, duration, rng) for cars, rng in zip(populations, rngs, strict=True)]

    def _arguments(
        self, populations: Sequence[Cars], duration: float
    ) -> tuple[Crowd, int, NDArray[np.float64], NDArray[np.float64], list[int], float]:
        crowd = Crowd.join(populations)
        options = np.array([self.sensitivity, 0.0, self.inflection, tanh(self.inflection)])
        steps = [self.steps(cars.drivers, duration) for cars in populations]
        return crowd, runge_kutta.OPTIMAL_VELOCITY, tanh_rows(crowd, 1.0, self.inflection), options, steps, duration


def tanh_rows(crowd: Crowd, closest: float | NDArray[np.float64], inflection: float = 2.0) -> NDArray[np.float64]:
    """The parameters of `tanh_velocity` as the Runge-Kutta kernel takes them, (5, cars).

    ``closest`` is the gap in m below which the attraction to the leader grows no more.

    >>> from agents.cars.fleet import CAR
    >>> ring = Cars(np.array([0.0]), np.zeros(1), Drivers.of([CAR], [0]), length=100.0)
    >>> tanh_rows(Crowd.join([ring]), 0.5).round(3)
    array([[ 5.   ], [ 2.   ], [33.333], [ 0.037], [ 0.25 ]])
    """
    who = crowd.drivers
    width = who.desired_speed * who.time_headway / (1 + tanh(inflection))
    cap = np.broadcast_to(np.square(closest), width.shape)
    return np.stack([crowd.leader_length, who.minimum_gap, who.desired_speed, 1 / width, cap])


def _inverse(velocity: Velocity, value: NDArray[np.float64], drivers: Drivers) -> NDArray[np.float64]:
    low, high = np.zeros(value.shape), np.ones(value.shape)
    for _ in range(60):
        short = velocity(high, drivers) < value
        low, high = np.where(short, high, low), np.where(short, 2 * high, high)
    reached = velocity(high, drivers) >= value
    for _ in range(120):
        middle = (low + high) / 2
        short = velocity(middle, drivers) < value
        low, high = np.where(short, middle, low), np.where(short, high, middle)
    return np.where(reached, high, np.inf)
