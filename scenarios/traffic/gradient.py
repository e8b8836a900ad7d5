"""Flow and its gradient correction, q = Q(ρ) - D(ρ) ∂ρ/∂x, both asked from one ring of drivers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property, reduce
from operator import add
from typing import Any

import numpy as np
from numpy.random import Generator
from numpy.typing import ArrayLike, NDArray

import eqfree as ef
from agents.cars import Cars, Fleet, Law, RingAtDensity, RingOfHeadways, Vehicle, flow, headways
from agents.cars.law import FirstOrder, SecondOrder
from eqfree.ensemble import Key
from eqfree.hmm.closure import Answer, Closure, as_inputs

__all__ = ["APART", "READINGS", "FlowAndGradient", "flow_and_gradient", "read_waves", "waves"]

Array = NDArray[np.float64]

_WAVES = 3  # the longest ones that the ring holds
_HEIGHT = 1e-5  # of each, in headways: linear to that, and far above round-off
READINGS = 4
APART = 1.0
"""s from one reading to the next."""
_LINEAR = 1e-4  # of a coefficient: by that the waves feel each other
_FLAT = 5e-9  # growth in 1/s that is round-off of places on a ring of kilometres
_SILENT = 1e-5  # of the strongest motion of a wave: below, it is round-off and no motion of its own


@dataclass(frozen=True)
class FlowAndGradient(Closure):
    """A closure: density in 1/m, (point, 1) -> flow Q in 1/s and gradient coefficient D in m²/s, (point, 2).

    Drivers follow the headway ahead, so the flow of a density that changes along the road is Q(ρ) - D(ρ) ∂ρ/∂x, and
    a wave exp(ikx) in uniform flow decays at the rate D k² in the limit of long waves: D < 0 is the string
    instability. On a ring in steady flow the three longest waves are put on the headways, each so small that they do
    not feel each other, with all drivers at one speed, so that speeds have to find their place too. The Fourier
    modes (headway, speed) of a wave at four times, 1 s apart, give the matrix that takes one reading to the next by
    least squares (dynamic mode decomposition, Schmid 2010); its larger eigenvalue is the slow motion, and no time is
    spent on waiting for the fast one to die. -Re λ/k² of the three waves, a power series in k², is extrapolated to
    k = 0.

    The error of D is what the shortest wave changes in that, and a floor for round-off and the waves' height, 1e-4 of
    D and a growth of 5e-9/s; the flow has none, drivers being deterministic and the ring steady to the square of the
    waves' height.

    *How to choose.* ``cars``: a wave must be long. 60 are right to 1 % for string-stable drivers and cost
    240 vehicle-seconds a density; near and beyond the string instability it takes hundreds, and the error says so
    only roughly.

    Parameters
    ----------
    law
        How they drive: smooth, of first or second order, without random numbers.
    vehicle
        The vehicle that all are.
    cars
        On the ring.

    Raises
    ------
    ValueError
        If the law is none of these, or the ring too small for its waves.

    References
    ----------
    P. J. Schmid, J. Fluid Mech. 656 (2010) 5, doi:10.1017/S0022112010001217.

    Examples
    --------
    >>> from agents.cars import CAR, SafeDistance
    >>> closure = FlowAndGradient(SafeDistance(), CAR)
    >>> closure([[0.05]]).value.round(3)  # (1 - 7 ρ)/τ and 1/(2 τ ρ²)
    array([[  0.406, 125.   ]])
    """

    law: Law
    vehicle: Vehicle
    cars: int = 60

    def __post_init__(self) -> None:
        if not (isinstance(self.law, (FirstOrder, SecondOrder)) and self.law.deterministic):
            raise ValueError(
                f"Waves are read from laws of first or second order without random numbers or delay: got {self.law}."
            )
        if self.cars < 4 * _WAVES:
            raise ValueError(f"A ring of {4 * _WAVES} cars or more holds {_WAVES} long waves: got {self.cars}.")

    def __call__(self, inputs: ArrayLike, state: Any = None, key: Key = ()) -> Answer:
        """Q and D at ``inputs`` in 1/m, (point, 1), with the errors of both."""
        points = as_inputs(inputs)
        times = APART * np.arange(READINGS + 1)
        bursts = self._stepper.bursts(list(points), times, [key] * len(points), read_waves)
        readings = [burst.observed.mean for burst in bursts if burst.observed is not None]
        answers = [
            flow_and_gradient(density, self.cars, reading)
            for density, reading in zip(points[:, 0], readings, strict=True)
        ]
        value, stderr = np.array(answers).swapaxes(0, 1)
        return Answer(value, stderr, cost=reduce(add, (burst.cost for burst in bursts), ef.Cost()))

    @cached_property
    def _stepper(self) -> ef.CoarseTimeStepper:
        ring = RingAtDensity(self.law, Fleet.of(self.vehicle), self.cars)
        wave = waves(self.cars)

        def lift(macro: Array, rng: Generator) -> Cars:
            headway = 1 / float(macro[0])
            model = RingOfHeadways(self.law, self.vehicle, self.cars, self.cars * headway)
            cars = model.lift(headway * (1 + wave), rng)
            steady = self.law.steady_speed(np.full(self.cars, headway - self.vehicle.length), cars.drivers)
            return self.law.prepare(replace(cars, speed=steady))

        return ef.CoarseTimeStepper(
            ef.micro_model(
                lift,
                ring.evolve,
                ring.restrict,
                deterministic=True,
                fields=ring.fields,
                agent_updates=ring.agent_updates,
                warm=ring.warm,
            )
        )


def waves(cars: int) -> Array:
    """What is put on the headways of a ring, as shares of them, (cars,): the longest waves that it holds."""
    phases = 2 * np.pi * np.outer(np.arange(1, _WAVES + 1), np.arange(cars)) / cars
    wave: Array = _HEIGHT * np.cos(phases).sum(axis=0)
    return wave


def flow_and_gradient(density: float, cars: int, readings: Array) -> tuple[tuple[float, float], tuple[float, float]]:
    """Flow and coefficient, and their errors, of what `read_waves` read on a ring four times, 1 s apart."""
    modes = readings[:, 1:].reshape(READINGS, _WAVES, 2, 2) @ np.array([1, 1j])
    squares = np.square(2 * np.pi * density / cars * np.arange(1.0, _WAVES + 1))
    coefficients = [-_growth(modes[:, i].T) / square for i, square in enumerate(squares)]
    coefficient, fewer = _at_zero(squares, coefficients), _at_zero(squares[:-1], coefficients[:-1])
    error = abs(coefficient - fewer) + _LINEAR * abs(coefficient) + _FLAT / squares[0]
    return (float(readings[:, 0].mean()), coefficient), (0.0, error)


def read_waves(before: Cars, after: Cars, duration: float) -> Array:
    """The flow in between; then the headways' and the speeds' mode of each wave, real and imaginary part."""
    modes = np.stack([np.fft.rfft(values)[1 : _WAVES + 1] for values in (headways(after), after.speed)], axis=-1)
    return np.concatenate(([flow(before, after, duration)], np.stack([modes.real, modes.imag], axis=-1).ravel()))


def _growth(path: NDArray[np.complex128]) -> float:
    """Growth rate in 1/s of the slowest motion in readings (2, time) of a linear system, equally far apart."""
    forward = path[:, 1:] @ np.linalg.pinv(path[:, :-1], rcond=_SILENT)
    return float(np.log(np.abs(np.linalg.eigvals(forward)).max()) / APART)


def _at_zero(inputs: Array, values: Sequence[float]) -> float:
    """The polynomial through the values, at 0 (Lagrange)."""
    weights = [np.prod([other / (other - own) for other in inputs if other != own]) for own in inputs]
    return float(np.dot(weights, values))
