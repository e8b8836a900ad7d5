"""Fluxes with known Riemann problems, closures that answer them, and readings of a solved road."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.random import SeedSequence, default_rng
from numpy.typing import ArrayLike, NDArray
from scipy.interpolate import PPoly

import eqfree as ef
from eqfree.ensemble import Key
from eqfree.fields import split
from eqfree.hmm import Answer, Closure, ConservationLaw, FluxCurve

Array = NDArray[np.float64]

FREE_SPEED, JAM, BACKWARD = 30.0, 0.15, 6.0  # of references/cars.json, lwr_greenshields and lwr_triangular


def parabola(speed: float = FREE_SPEED, jam: float = JAM, gradient: float | None = None) -> FluxCurve:
    """Greenshields: speed ρ (1 - ρ/jam), exactly."""
    coefficient = None if gradient is None else PPoly([[gradient]], [0.0, jam])
    return FluxCurve(PPoly([[-speed / jam], [speed], [0.0]], [0.0, jam]), coefficient)


def triangle() -> FluxCurve:
    """min(speed ρ, backward (jam - ρ)), exactly."""
    top = BACKWARD * JAM / (FREE_SPEED + BACKWARD)
    return FluxCurve(PPoly([[FREE_SPEED, -BACKWARD], [0.0, FREE_SPEED * top]], [0.0, top, JAM]))


def reaction(speed: float, length: float, reaction_time: float, gradient: float | None = None) -> FluxCurve:
    """min(speed ρ, (1 - length ρ)/reaction time), exactly: a space headway of length and reaction time times speed."""
    top, jam = 1 / (length + speed * reaction_time), 1 / length
    coefficient = None if gradient is None else PPoly([[gradient]], [0.0, jam])
    return FluxCurve(PPoly([[speed, -length / reaction_time], [0.0, speed * top]], [0.0, top, jam]), coefficient)


class Formula(Closure):
    """A function of the inputs, with Gaussian noise of a known standard error."""

    def __init__(self, function: Callable[..., Array], stderr: float = 0.0) -> None:
        self.function, self.stderr = function, stderr

    def __call__(self, inputs: ArrayLike, state: Any = None, key: Key = ()) -> Answer:
        points = np.asarray(inputs, dtype=np.float64)
        exact = np.reshape(self.function(*points.T), (len(points), -1))
        noise = [default_rng(SeedSequence(3, spawn_key=(*key, *point.view(np.uint32)))).normal() for point in points]
        value = exact + self.stderr * np.array(noise)[:, np.newaxis]
        return Answer(value, np.full_like(exact, self.stderr), cost=ef.Cost(bursts=len(points)))


def greenshields(density: Array) -> Array:
    return FREE_SPEED * density * (1 - density / JAM)


def triangular(density: Array) -> Array:
    return np.minimum(FREE_SPEED * density, BACKWARD * (JAM - density))


def readings(law: ConservationLaw, result: ef.Trajectory) -> list[dict[str, Array]]:
    """Of each time told, the fields by name."""
    return [split(law.fields, row) for row in result.macro]


def fitted_order(cells: list[int], errors: list[float]) -> float:
    return float(-np.polyfit(np.log(cells), np.log(errors), 1)[0])
