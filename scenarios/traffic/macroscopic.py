"""The ring road as one sees it from above: a conservation law whose flow its drivers answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

import eqfree as ef
from agents.cars import Law, Vehicle
from eqfree.ensemble import Key
from eqfree.fields import split
from eqfree.hmm import (
    Answer,
    Closure,
    ConservationLaw,
    FluxCurve,
    Muscl,
    flow_alone,
    monotonized_central,
    solve_conservation_law,
)
from eqfree.hmm.closure import as_inputs
from scenarios.traffic.gradient import FlowAndGradient
from scenarios.traffic.roads import Profile

__all__ = ["ASKED_CARS", "Advanced", "WholeRange", "advance_road", "ask_closure", "ask_drivers"]

ASKED_CARS = 60
"""On a ring that is asked."""
_GRADIENTS = 48 / 70  # rings asked for the gradient, which jumps where traffic becomes dense, for each for the flow
_FINER = 2  # cells of the law in a cell of the comparison
_EMPTIEST, _DENSEST = 0.005, 0.995  # of jam density: between them rings are asked


@dataclass(frozen=True)
class WholeRange(Closure):
    """Flow and gradient also where no ring is asked: linear to nothing on the empty road and in the jam.

    Parameters
    ----------
    closure
        Of density in 1/m, between 0.005 and 0.995 of jam density.
    jam
        Jam density in 1/m.

    Examples
    --------
    >>> from agents.cars import CAR, SafeDistance
    >>> WholeRange(FlowAndGradient(SafeDistance(), CAR), jam=1 / 7)([[0.0], [1 / 7]]).value[:, 0]
    array([0., 0.])
    """

    closure: Closure
    jam: float

    def __call__(self, inputs: ArrayLike, state: Any = None, key: Key = ()) -> Answer:
        """The answer at densities (point, 1)."""
        points = as_inputs(inputs)
        asked = np.clip(points, _EMPTIEST * self.jam, _DENSEST * self.jam)
        answer = self.closure(asked, key=key)
        room = np.where(points < asked, points / asked, (self.jam - points) / (self.jam - asked))
        share = np.where(points == asked, 1.0, room)
        flow = answer.value[:, :1] * share
        return Answer(np.hstack([flow, answer.value[:, 1:]]), answer.stderr, cost=answer.cost)


class _Remembered(Closure):
    """A closure of density that is asked once at each: both tables halve the same intervals."""

    def __init__(self, closure: Closure) -> None:
        self._closure = closure
        self._answers: dict[float, tuple[NDArray[np.float64], NDArray[np.float64]]] = {}

    def __call__(self, inputs: ArrayLike, state: Any = None, key: Key = ()) -> Answer:
        densities = as_inputs(inputs)[:, 0].tolist()
        cost = ef.Cost()
        if new := sorted(set(densities) - self._answers.keys()):
            answer = self._closure(np.array(new)[:, np.newaxis], key=key)
            self._answers |= zip(new, zip(answer.value, answer.stderr, strict=True), strict=True)
            cost = answer.cost
        value, stderr = zip(*(self._answers[density] for density in densities), strict=True)
        return Answer(np.array(value), np.array(stderr), cost=cost)


def ask_drivers(law: Law, vehicle: Vehicle, rings: int = 70) -> FluxCurve:
    """The flow of equal drivers with its gradient coefficient, 1/s and m²/s over 1/m, from rings of 60.

    Either table ends at a number of rings, above which the road changes no more, and before its bound, pessimistic
    for answers without noise, has come down to the tolerance.

    >>> from agents.cars import CAR, SafeDistance
    >>> flux = ask_drivers(SafeDistance(), CAR)
    >>> round(flux.capacity, 3)  # 1/(τ + (length + gap)/v), Newell 2002
    0.552
    """
    return ask_closure(FlowAndGradient(law, vehicle, ASKED_CARS), vehicle, rings)


def ask_closure(flow_and_gradient: Closure, vehicle: Vehicle, rings: int) -> FluxCurve:
    """The same from a closure of density that answers both, 1/s and m²/s over 1/m."""
    jam = 1 / (vehicle.length + vehicle.minimum_gap)
    closure = _Remembered(WholeRange(flow_and_gradient, jam))
    flow = FluxCurve.from_closure(flow_alone(closure), jam, 1e-3, max_solves=rings)
    both = FluxCurve.from_closure(closure, jam, 1e-3, max_solves=round(_GRADIENTS * rings))
    return FluxCurve(flow.flow, both.gradient, flow.cost + both.cost, flow.error)


@dataclass(frozen=True, eq=False)
class Advanced:
    """A ring road advanced by a conservation law.

    Attributes
    ----------
    densities : (time, cells)
        In 1/m.
    counts : (time, cells + 1)
        The cumulative count at the edges; the last is the first and all cars.
    wall
        Seconds on the clock, the asking left out.
    """

    densities: NDArray[np.float64]
    counts: NDArray[np.float64]
    wall: float


def advance_road(flux: FluxCurve, profile: Profile, edges: NDArray[np.float64], times: NDArray[np.float64]) -> Advanced:
    """The road at ``times`` (s, from 0 on), in cells between ``edges`` (m).

    The law is solved in cells half as wide: the limiter would cut the top of a jam that is a few cells wide.

    >>> from agents.cars import CAR, SafeDistance
    >>> edges = np.linspace(0.0, 4000.0, 21)
    >>> road = advance_road(ask_drivers(SafeDistance(), CAR), Profile(4000.0), edges, np.array([0.0, 60.0]))
    >>> (road.counts[:, -1] - road.counts[:, 0]).round(9)
    array([96., 96.])
    """
    cells = len(edges) - 1
    faces = np.linspace(edges[0], edges[-1], _FINER * cells + 1)
    law = ConservationLaw(flux, faces, density_unit="1/m", length_unit="m")
    begun = profile.count(faces)
    scheme = Muscl(limiter=monotonized_central)
    result = solve_conservation_law(
        law, (0.0, float(times[-1])), np.diff(begun) / np.diff(faces), scheme=scheme, t_eval=times
    )
    readings = [split(law.fields, row) for row in result.macro]
    fine = np.array([reading["density"] for reading in readings])
    passed = np.array([reading["passed"] for reading in readings])
    return Advanced(
        densities=fine.reshape(len(times), cells, _FINER).mean(axis=2),
        counts=(begun - passed)[:, ::_FINER],
        wall=result.cost.wall,
    )
