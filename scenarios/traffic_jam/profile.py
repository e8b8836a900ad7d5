"""All headways in the frame of the wave, with its period as an unknown: the jam followed down to uniform flow."""

from __future__ import annotations

from math import pi

import numpy as np
from numpy.typing import NDArray

import eqfree as ef
from eqfree.scenario import Context
from scenarios.progress import counting
from scenarios.traffic_jam.ring import Ring, spread
from scenarios.traffic_jam.settings import Settings

__all__ = ["follow_profile", "method_of", "wave_speed"]

Array = NDArray[np.float64]

_ARC = 0.225  # of the whole branch, in natural units
_UNIT = 0.4  # of v0 in them
_SPAN = 0.97, 1.02  # of v0, in parts of the onset
_SMALLEST = 8e-3  # amplitude of the first mode of the headways, in parts of their mean: less is uniform flow


def follow_profile(ring: Ring, context: Context) -> tuple[ef.Branch, ef.Cost]:
    """The branch of jams from a large one through its fold to uniform flow, and what the first jam cost to simulate."""
    start, cost = ring.jam()
    with counting(context, ring.settings.points, "points of the branch") as count:
        branch = ef.continue_branch(
            ring.of_headways, start, ring.begin, method_of(ring.settings, start), directions=(-1,), progress=count
        )
    return branch, cost


def method_of(settings: Settings, start: Array) -> ef.continuation.PseudoArclength:
    """How the branch of jams is followed from one of them.

    roll(M(healing + T), k cars) = M(healing) with the period T of k cars, the headways adding up to the ring, held in
    place along the way that the wave moves. It ends where the first mode of the headways, which the jam consists of in
    the end, dies: beyond, it would be the same branch again, turned by half a ring.
    """
    mean = settings.length / settings.cars
    wave = np.exp(-2j * pi * np.arange(settings.cars) / settings.cars)
    phase = (start @ wave) / abs(start @ wave)

    def amplitude(headways: Array, _: float) -> float:
        return float(2 * (headways @ wave / phase).real / settings.cars - _SMALLEST * mean)

    speed = wave_speed(settings)
    places = max(1, round(settings.lasts * speed))
    step = _ARC / settings.points
    return ef.continuation.PseudoArclength(
        duration=places / speed,
        span=(_SPAN[0] * settings.onset_v0, _SPAN[1] * settings.onset_v0),
        steps=ef.continuation.Steps(first=step, smallest=step / 8, unit=_UNIT, points=4 * settings.points),
        measure=spread,
        domain=amplitude,
        symmetry=ef.Rotation(places),
    )


def wave_speed(settings: Settings) -> float:
    """Cars per time that the first wave of uniform flow passes at its onset: ω/θ.

    >>> round(wave_speed(Settings()), 4)
    0.8508
    """
    return settings.onset_frequency * settings.cars / (2 * pi)
