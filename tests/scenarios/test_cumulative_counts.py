"""The cumulative-count construction, against a queue that is stepped through time and a tail that is integrated."""

from __future__ import annotations

from dataclasses import replace
from math import inf

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.integrate import quad, solve_ivp

from scenarios.traffic.cumulative_counts import CumulativeCounts, Rush

Array = NDArray[np.float64]

RUSH = Rush(0.3, 0.5, 600.0, 4200.0)
COUNTS = CumulativeCounts(
    RUSH,
    place=6000.0,
    free_speed=30.0,
    backward_speed=5.0,
    jam_density=0.15,
    capacity=0.4,
    capacity_drop=0.1,
)


STEP = 0.5  # s


def stepped(counts: CumulativeCounts, until: float) -> tuple[Array, Array, NDArray[np.bool_]]:
    """Times, departures, and whether a queue without length stands: who is there passes, as far as he may."""
    times = np.arange(0.0, until, STEP) + STEP
    arrived = np.cumsum(counts.rush.rate(times - STEP / 2 - counts.travel) * STEP) - counts.rush.low * counts.travel
    passed, stands = np.empty_like(arrived), np.zeros(len(times), dtype=bool)
    now = arrived[0] - counts.rush.low * STEP
    for place, here in enumerate(arrived):
        waiting = bool(place) and stands[place - 1]
        most = (1 - counts.capacity_drop * waiting) * counts.capacity * STEP
        stands[place] = here - now > most
        now = passed[place] = min(here, now + (1 - counts.capacity_drop * stands[place]) * counts.capacity * STEP)
    return times, passed, stands


def test_arrivals_are_the_integral_of_their_rate() -> None:
    for until in (300.0, 2000.0, 6000.0):
        expected, _ = quad(lambda time: float(RUSH.rate(time)), 0.0, until, points=[600.0, 4200.0], limit=200)
        assert float(RUSH.count(until)) == pytest.approx(expected, rel=1e-9)
    assert float(RUSH.count(-100.0)) == pytest.approx(-30.0)
    assert float(RUSH.rate(RUSH.reaches(0.43))) == pytest.approx(0.43)
    assert RUSH.reaches(0.43) < 2400.0  # on the way up


@pytest.mark.parametrize("drop", [0.0, 0.1])
def test_departures_are_those_of_a_queue_stepped_through_time(drop: float) -> None:
    counts = replace(COUNTS, capacity_drop=drop)
    times, passed, stands = stepped(counts, 9000.0)
    assert np.abs(counts.departures(times) - passed).max() < 2 * STEP * counts.capacity
    begin, end = counts.queueing or (inf, inf)
    assert times[stands].min() == pytest.approx(begin, abs=2 * STEP)
    assert times[stands].max() == pytest.approx(end, abs=2 * STEP * counts.capacity / (counts.discharge - 0.3))


@pytest.mark.parametrize("drop", [0.0, 0.1])
def test_the_queue_ends_where_rankine_and_hugoniot_put_it(drop: float) -> None:
    """dL/dt = Δq/Δρ between who arrives there and the queue, integrated from a queue of no length."""
    counts = replace(COUNTS, capacity_drop=drop)
    queued = counts.jam_density - counts.discharge / counts.backward_speed

    def speed(time: float, length: Array) -> Array:
        flow = counts.rush.rate(time - (counts.place - length) / counts.free_speed)
        return np.asarray((flow - counts.discharge) / (queued - flow / counts.free_speed))

    begin, end = counts.queueing or (inf, inf)
    times = np.linspace(begin, end, 50)
    tail = solve_ivp(speed, (begin, end), [0.0], t_eval=times, rtol=1e-9, atol=1e-6)
    assert counts.length(times) == pytest.approx(tail.y[0], abs=1e-2)
    assert tail.y[0].max() > 1000.0


def test_no_queue_forms_where_all_can_pass() -> None:
    counts = replace(COUNTS, capacity=0.5)
    times = np.linspace(0.0, 6000.0, 100)
    assert counts.queueing is None
    assert (counts.length(times) == 0).all()
    assert (counts.departures(times) == counts.arrivals(times)).all()


def test_a_queue_that_arrivals_keep_alive_is_never_gone() -> None:
    counts = replace(COUNTS, capacity=0.32, capacity_drop=0.1)  # discharges 0.288 a second, and 0.3 arrive
    assert counts.queueing is not None
    assert counts.queueing[1] == inf


@pytest.mark.parametrize(
    ("rush", "words"),
    [
        ((-0.1, 0.5, 0.0, 1.0), "low=-0.1"),
        ((0.5, 0.3, 0.0, 1.0), "peak=0.3"),
        ((0.3, 0.5, 1.0, 1.0), "begin=1 s, end=1 s"),
        ((0.3, 0.5, -1.0, 1.0), "begin=-1 s"),
        ((0.3, inf, 0.0, 1.0), "peak=inf"),
    ],
)
def test_a_rush_that_is_none_is_refused(rush: tuple[float, float, float, float], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Rush(*rush)
