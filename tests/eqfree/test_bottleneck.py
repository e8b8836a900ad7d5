"""Ends of a road and what is narrow on it, against Rankine and Hugoniot and against cumulative counts."""

from __future__ import annotations

from math import sqrt
from typing import Any

import numpy as np
import pytest
from scipy.interpolate import PPoly

from eqfree.hmm import (
    Bottleneck,
    ConservationLaw,
    FirstOrder,
    FluxCurve,
    Muscl,
    Open,
    Ring,
    Scheme,
    solve_conservation_law,
)
from tests.eqfree.roads import JAM, Array, parabola, readings, triangle

SCHEMES = [FirstOrder(), pytest.param(Muscl(), marks=pytest.mark.slow)]
LANE_LESS = parabola(jam=JAM / 2)  # half as many find room, at the same speeds
CAPACITY = LANE_LESS.capacity  # 0.5625
INFLOW, ARRIVING = 0.72, 0.03  # of the whole road
EDGES = np.linspace(0.0, 4000.0, 101)
NARROW = 3000.0


def congested(flow: float) -> float:
    """The density above the maximum of `parabola` at which it passes a flow."""
    return JAM / 2 * (1 + sqrt(1 - flow / parabola().capacity))


COARSE = np.linspace(0.0, 4000.0, 41)  # few steps of few cells: enough where a flow is read, and no front


def narrow_road(
    drop: float = 0.0, inflow: float = INFLOW, end: float = np.inf, edges: Array = EDGES
) -> ConservationLaw:
    return ConservationLaw(parabola(), edges, Open(inflow), [Bottleneck(LANE_LESS, NARROW, end, drop)])


def queue_tail(law: ConservationLaw, density: Array, level: float) -> float:
    place = int(np.argmax(density > level))
    share = (level - density[place - 1]) / (density[place] - density[place - 1])
    return float(law.centres[place - 1] + share * (law.centres[place] - law.centres[place - 1]))


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("drop", [0.0, 0.1])
def test_a_queue_has_the_density_and_the_growth_of_rankine_and_hugoniot(drop: float, scheme: Scheme) -> None:
    """The queue passes what is left of capacity, at the congested density of that flow, and grows at Δq/Δρ."""
    law = narrow_road(drop)
    flow = (1 - drop) * CAPACITY
    queue = congested(flow)
    density = np.where(law.centres < NARROW, ARRIVING, 0.02)
    times = [200.0, 400.0]
    early, late = readings(law, solve_conservation_law(law, (0.0, 400.0), density, scheme=scheme, t_eval=times))
    middle = (queue + ARRIVING) / 2
    speed = (queue_tail(law, late["density"], middle) - queue_tail(law, early["density"], middle)) / 200.0
    assert speed == pytest.approx((flow - INFLOW) / (queue - ARRIVING), abs=0.005 * 30)
    standing = (law.centres > 2600) & (law.centres < NARROW)
    assert late["density"][standing] == pytest.approx(queue, rel=1e-6)
    narrow = int(np.argmax(law.centres > NARROW))  # also the face where it begins
    assert (late["passed"][narrow] - early["passed"][narrow]) / 200.0 == pytest.approx(flow, rel=1e-6)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_the_length_of_a_queue_is_that_of_the_cumulative_counts(scheme: Scheme) -> None:
    """Arrivals less departures, less those who would be there anyway, each taking 1/(queue - arriving) of road."""
    law = narrow_road(0.1)
    queue = congested(0.9 * CAPACITY)
    narrow = int(np.argmax(law.centres > NARROW))
    density = np.where(law.centres < NARROW, ARRIVING, 0.02)
    result = solve_conservation_law(law, (0.0, 400.0), density, scheme=scheme, t_eval=[200.0, 300.0, 400.0])
    for row in readings(law, result):
        counted = (row["passed"][0] - row["passed"][narrow]) / (queue - ARRIVING)
        length = NARROW - queue_tail(law, row["density"], (queue + ARRIVING) / 2)
        assert length == pytest.approx(counted, abs=20.0)  # half a cell


@pytest.mark.slow
def test_the_flow_behind_a_lane_that_ends_and_begins_again() -> None:
    """What the bottleneck passes goes on freely, at the density below the maximum."""
    law = narrow_road(end=3500.0, edges=COARSE)
    result = solve_conservation_law(law, (0.0, 600.0), np.full(len(law.centres), 0.02), t_eval=[600.0])
    (row,) = readings(law, result)
    behind = (law.centres > 3600) & (law.centres < 3900)
    assert row["density"][behind] == pytest.approx(JAM - congested(CAPACITY), rel=5e-3)
    inside = (law.centres > 3050) & (law.centres < 3200)
    assert row["density"][inside] == pytest.approx(JAM / 4, rel=0.1)  # near the maximum, where all waves stand


@pytest.mark.slow
def test_capacity_drops_only_once_a_queue_stands_and_until_it_is_gone() -> None:
    """An inflow between discharge and capacity: passed from free flow, not from a queue, until arrivals ebb."""
    between, drop = 0.95 * CAPACITY, 0.1
    narrow = int(np.argmax(COARSE >= NARROW))
    free = JAM - congested(between)
    start = np.where(COARSE[:-1] < NARROW, free, JAM / 4 * (1 - sqrt(1 - 0.95)))

    def flow_after(density: Array, inflow: float, begin: float) -> float:
        law = narrow_road(drop, inflow, edges=COARSE)
        times = [begin, begin + 100.0]
        rows = readings(law, solve_conservation_law(law, (0.0, times[1]), density, t_eval=times))
        return float((rows[1]["passed"][narrow] - rows[0]["passed"][narrow]) / 100.0)

    assert flow_after(start, between, 300.0) == pytest.approx(between, rel=1e-6)
    queue = np.where((COARSE[:-1] < NARROW) & (COARSE[:-1] >= 2500), congested((1 - drop) * CAPACITY), start)
    assert flow_after(queue, between, 300.0) == pytest.approx((1 - drop) * CAPACITY, rel=1e-6)
    assert flow_after(queue, 0.3, 700.0) == pytest.approx(0.3, rel=1e-2)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_counts_at_a_bottleneck_are_those_of_newell(scheme: Scheme) -> None:
    """Triangular: N = the smallest over start times of arrivals, one free travel time late, plus capacity since.

    G. F. Newell, Transp. Res. B 27 (1993) 281, doi:10.1016/0191-2615(93)90038-C.
    """
    half = FluxCurve(PPoly([[30.0, -6.0], [0.0, 0.375]], [0.0, 0.0125, 0.075]))

    def inflow(time: float) -> float:
        return 0.6 if time < 300 else 0.2

    edges = np.linspace(0.0, 4000.0, 65)
    law = ConservationLaw(triangle(), edges, Open(inflow), [Bottleneck(half, NARROW)])
    times = np.arange(50.0, 901.0, 50.0)
    rows = readings(law, solve_conservation_law(law, (0.0, 900.0), np.zeros(64), scheme=scheme, t_eval=times))
    late = np.maximum(times - NARROW / 30.0, 0.0)
    arrivals = 0.6 * np.minimum(late, 300) + 0.2 * np.maximum(late - 300, 0)
    exact = np.minimum(arrivals, 0.375 * late)
    narrow = int(np.argmax(edges >= NARROW))
    assert np.allclose([row["passed"][narrow] for row in rows], exact, atol=0.005 * exact[-1])


@pytest.mark.parametrize("scheme", SCHEMES)
def test_who_finds_no_room_waits_outside(scheme: Scheme) -> None:
    """A road from a jam: the outflow limits the inflow in the end, and nobody is lost."""
    law = ConservationLaw(parabola(), np.linspace(0, 1000, 26), Open(0.8, 0.4))
    result = solve_conservation_law(law, (0.0, 600.0), np.zeros(25), scheme=scheme, t_eval=[500.0, 600.0])
    early, late = readings(law, result)
    assert (late["waiting"] - early["waiting"]).item() == pytest.approx(100 * (0.8 - 0.4), rel=1e-6)
    assert (late["passed"][0] - early["passed"][0]) == pytest.approx(40.0, rel=1e-6)
    assert late["density"] == pytest.approx(congested(0.4), rel=1e-6)
    assert late["passed"][0] + late["waiting"].item() == pytest.approx(0.8 * 600, rel=1e-10)
    assert late["passed"][0] - late["passed"][-1] == pytest.approx(late["density"].sum() * 40, rel=1e-10)


@pytest.mark.slow
def test_the_queue_outside_enters_at_capacity_once_there_is_room() -> None:
    law = ConservationLaw(parabola(), np.linspace(0, 1000, 26), Open(lambda time: 2.0 if time < 100 else 0.0))
    rows = readings(law, solve_conservation_law(law, (0.0, 300.0), np.zeros(25), t_eval=[50.0, 150.0, 300.0]))
    capacity = parabola().capacity
    assert [row["passed"][0] for row in rows] == pytest.approx([50 * capacity, 150 * capacity, 200.0], rel=0.01)
    assert rows[-1]["waiting"] == pytest.approx(0.0, abs=1e-9)


def test_a_road_between_ends_holds_a_stationary_flow() -> None:
    law = ConservationLaw(parabola(), np.linspace(0, 1000, 51), Open(INFLOW))
    result = solve_conservation_law(law, (0.0, 100.0), np.full(50, ARRIVING), t_eval=[100.0])
    assert readings(law, result)[0]["density"] == pytest.approx(ARRIVING, rel=1e-12)


@pytest.mark.slow
def test_a_bottleneck_on_a_ring_makes_a_jam_that_stands() -> None:
    """As many as can flow through it, jam before it and free behind it; the counts say where the jam ends."""
    law = ConservationLaw(parabola(), COARSE, Ring(), [Bottleneck(LANE_LESS, 3000.0, 3500.0)])
    result = solve_conservation_law(law, (0.0, 2000.0), np.full(len(law.centres), 0.05), t_eval=[1500.0, 2000.0])
    early, late = readings(law, result)
    assert (late["passed"] - early["passed"]) / 500 == pytest.approx(CAPACITY, rel=1e-3)
    assert late["density"].sum() * 100 == pytest.approx(0.05 * 4000, rel=1e-12)
    jam, free = congested(CAPACITY), JAM - congested(CAPACITY)
    length = (0.05 * 4000 - 500 * JAM / 4 - 3500 * free) / (jam - free)
    tail = queue_tail(law, late["density"], (jam + free) / 2)
    assert 3000.0 - tail == pytest.approx(length, abs=100.0)


# Refusals


@pytest.mark.parametrize(
    ("begin", "end", "words"),
    [
        (4500.0, np.inf, "must lie on the road, from 0 to 4000: got one from 4500 to inf"),
        (-10.0, 100.0, "must lie on the road"),
        (3900.0, 4100.0, "must lie on the road"),
        (1001.0, 1002.0, "must hold the centre of a cell"),
    ],
)
def test_a_bottleneck_outside_the_road_is_refused(begin: float, end: float, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        ConservationLaw(parabola(), EDGES, bottlenecks=[Bottleneck(LANE_LESS, begin, end)])


def test_bottlenecks_that_make_no_sense_are_refused() -> None:
    with pytest.raises(ValueError, match=r"begin before it ends: got begin=2, end=1.*On a ring"):
        Bottleneck(LANE_LESS, 2.0, 1.0)
    bare: Any = Bottleneck(LANE_LESS, 2.0)
    with pytest.raises(ValueError, match=r"`bottlenecks` must be a list: got one Bottleneck"):
        ConservationLaw(parabola(), EDGES, bottlenecks=bare)
    with pytest.raises(ValueError, match=r"`capacity_drop`.*got 1"):
        Bottleneck(LANE_LESS, 2.0, capacity_drop=1.0)
    twice = [Bottleneck(LANE_LESS, 1000.0, 2000.0), Bottleneck(LANE_LESS, 1500.0)]
    with pytest.raises(ValueError, match="must not overlap: got two at 1500"):
        ConservationLaw(parabola(), EDGES, bottlenecks=twice)


def test_densities_above_the_jam_of_the_bottleneck_are_refused_with_their_places() -> None:
    """Half as many find room there as before it."""
    law = ConservationLaw(parabola(), np.linspace(0.0, 4000.0, 5), bottlenecks=[Bottleneck(LANE_LESS, 2000.0)])
    with pytest.raises(ValueError, match=r"jam density, 0.075 there: got \[0.1 0.1\] at \[2500. 3500.\]"):
        solve_conservation_law(law, (0.0, 1.0), np.full(4, 0.1))


def test_a_road_that_could_fill_beyond_jam_density_is_refused() -> None:
    moving = FluxCurve(PPoly([[1.0], [0.0]], [0.0, 1.0]))
    words = r"the flow at jam density must be zero: got 1 at density 1"
    with pytest.raises(ValueError, match=words):
        ConservationLaw(moving, EDGES, bottlenecks=[Bottleneck(LANE_LESS, 1000.0)])
    with pytest.raises(ValueError, match=words):
        ConservationLaw(moving, EDGES, Open(1.0, 0.5))
    assert ConservationLaw(moving, EDGES, Open(1.0, 1.5)).boundary == Open(1.0, 1.5)


def test_ends_that_make_no_sense_are_refused() -> None:
    word: Any = "a"
    number: Any = 0.3
    with pytest.raises(ValueError, match="`inflow` must be a number or a function of time: got 'a'"):
        Open(word)
    with pytest.raises(ValueError, match=r"`shares` must be a list, of a number or a function each: got 0.3"):
        Open(1.0, shares=number)
    with pytest.raises(ValueError, match="`inflow` must be finite and not negative: got -1"):
        Open(-1.0)
    with pytest.raises(ValueError, match="`inflow` must be finite and not negative: got inf"):
        Open(np.inf)
    with pytest.raises(ValueError, match="`outflow` must not be negative: got -1"):
        Open(1.0, -1.0)
    with pytest.raises(ValueError, match=r"`shares` of those who arrive must lie in \[0, 1\]: got 2"):
        Open(1.0, shares=[2.0])
    for boundary, words in (
        (Open(lambda time: -time), "`inflow`.*got -.* at time"),
        (Open(1.0, lambda time: -time), "`outflow`.*got -.* at time"),
        (Open(1.0, shares=[lambda time: 1 + time]), "`shares`.*got .* at time"),
    ):
        law = ConservationLaw(parabola(), EDGES, boundary, shares=["truck"] * len(boundary.shares))
        with pytest.raises(ValueError, match=words):
            solve_conservation_law(law, (0.0, 10.0), np.zeros(100), np.zeros((len(law.shares), 100)))
