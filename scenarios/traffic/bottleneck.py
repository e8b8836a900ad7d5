"""A rush hour before a bottleneck: the queue of a conservation law beside that of the cumulative counts."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import ceil, inf, isfinite
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.integrate import cumulative_trapezoid
from scipy.interpolate import CubicSpline, PPoly

import eqfree as ef
from agents.cars import CAR, Cars, Fleet, RingAtDensity, SafeDistance, Vehicle, flow
from eqfree.ensemble import Key
from eqfree.hmm import (
    Answer,
    Bottleneck,
    Closure,
    ConservationLaw,
    FirstOrder,
    FluxCurve,
    Open,
    solve_conservation_law,
)
from eqfree.hmm.closure import as_inputs
from eqfree.scenario import Context
from scenarios.part import Part
from scenarios.traffic.cumulative_counts import CumulativeCounts, Rush
from scenarios.traffic.diagram import VEH_H
from scenarios.traffic.settings import BottleneckSettings, Settings

__all__ = ["count_queue", "run_bottleneck"]

Array = NDArray[np.float64]

_CARS = 8  # on a ring that is asked: equal drivers in uniform flow are steady
_RTOL = 1e-4  # of the flow that they answer
_EMPTIEST = 1e-3  # of jam density: below, drivers are as fast as there
_READING = 30.0  # s from one reading to the next
_CELLS = 2  # width of a front


@dataclass(frozen=True)
class _SpeedTimesDensity(Closure):
    """The flow of drivers of whom the speed is asked, also where hardly anybody is."""

    speed: Closure
    emptiest: float

    def __call__(self, inputs: ArrayLike, state: Any = None, key: Key = ()) -> Answer:
        points = as_inputs(inputs)
        answer = self.speed(np.maximum(points, self.emptiest), state, key)
        return replace(answer, value=points * answer.value, stderr=points * answer.stderr)


def run_bottleneck(settings: Settings, context: Context) -> Part:
    """A queue grows before a bottleneck in the rush hour, and dissolves after it.

    Safe-distance drivers keep a longer time headway on a part of an open road, and while a queue stands before it, a
    share of its capacity is lost. The drivers answer the flow of either rule; the conservation law moves densities
    with it. Since their flow is triangular, Newell's cumulative counts are exact for what it solves: they are drawn
    from the demand, the drivers' parameters and nothing of the law. The law's queue ends where the density
    falls halfway from that of the queue to the largest of free flow. Table: ``bottleneck`` (queue in m, vehicles that
    wait, delay in veh h, and the counts at the bottleneck).

    The capacity drop is a macroscopic rule, and so is a place where drivers change: safe-distance drivers pass a
    bottleneck at its capacity whether a queue stands or not, and the agents have one headway wherever they are. So no
    cars are simulated beside.

    *How to choose.* In cells of 500, 200, 100 and 50 m the largest queue of 3280 m misses the counts by 22, 31, 0.4 and
    1.5 m, and the delay of 85.7 veh h by 0.34, 0.03, 0.04 and 0.003 %. A second-order scheme does no better in four
    times the time: a triangular flow has only shocks and straight waves, which steps at Courant number 1 carry from
    cell to cell. What is left of the delay is when the drop begins: a second is 0.05 %.

    Parameters
    ----------
    settings
        ``bottleneck`` says which road, which bottleneck and which rush.
    context
        Shows progress.

    Raises
    ------
    ValueError
        For what `count_queue` refuses, a bottleneck that is not on the road, or cells that do not fit.

    References
    ----------
    C. F. Daganzo, Transp. Res. B 29 (1995) 79, doi:10.1016/0191-2615(94)00022-R; on counts as `CumulativeCounts`.
    """
    road = settings.bottleneck
    edges, counts = road.edges(), count_queue(road)
    drivers = [CAR, replace(CAR, time_headway=road.time_headway)]
    usual, slower = [_ask_drivers(vehicle) for vehicle in context.track(drivers, "drivers before and in a bottleneck")]
    law = ConservationLaw(
        usual,
        edges,
        Open(lambda time: float(counts.rush.rate(time))),
        [Bottleneck(slower, road.begin, road.end, road.capacity_drop)],
        density_unit="1/m",
        length_unit="m",
    )
    times = _readings(road)
    start = np.full(len(edges) - 1, counts.rush.low / counts.free_speed)
    result = solve_conservation_law(law, (0.0, road.duration), start, scheme=FirstOrder(), t_eval=times, courant=1.0)
    densities, passed = (result.to_xarray()[name].to_numpy() for name in ("density", "passed"))
    table = _beside(road, counts, densities, passed)
    inside = densities @ np.diff(edges)
    cars = ef.Check(
        "vehicles on the road with the bottleneck at the end",
        float(inside[-1]),
        float(inside[0] + passed[-1, 0] - passed[-1, -1]),
        1e-10 * float(inside[0] + passed[-1, 0]),
        "those of the beginning, and who entered, less who left",
    )
    values, notes = _findings(counts, table)
    return Part({"bottleneck": table}, values, [cars, *_checks(road, counts, table)], notes, cost=result.cost)


def count_queue(road: BottleneckSettings) -> CumulativeCounts:
    """The queue by cumulative counts, from the demand and the drivers' parameters alone.

    Raises
    ------
    ValueError
        For a rush that is none, more arrivals than the road takes, a queue without the rush or beyond the road.

    Examples
    --------
    >>> [round(time) for time in count_queue(BottleneckSettings()).queueing]
    [1876, 5501]
    """
    if not road.rush_begin < road.rush_end:
        raise ValueError(
            f"The rush must begin before it ends: got bottleneck.rush_begin={road.rush_begin:g} s and "
            f"bottleneck.rush_end={road.rush_end:g} s. Exchange the two, or end it later."
        )
    if not road.demand <= road.peak:
        raise ValueError(
            f"More must arrive at the peak of the rush than without it: got bottleneck.peak={road.peak:g} veh/h and "
            f"bottleneck.demand={road.demand:g} veh/h. Raise the one, or lower the other."
        )
    here, inside = (_capacity(headway) for headway in (CAR.time_headway, road.time_headway))
    if not road.peak <= here * VEH_H:
        raise ValueError(
            f"The road must take all who arrive at the peak, at most {here * VEH_H:.4g} veh/h: got bottleneck.peak="
            f"{road.peak:g} veh/h. Lower it."
        )
    if not road.demand <= inside * VEH_H:
        raise ValueError(
            f"The bottleneck must pass those who arrive without the rush, at most {inside * VEH_H:.4g} veh/h at "
            f"bottleneck.time_headway={road.time_headway:g} s: got bottleneck.demand={road.demand:g} veh/h. Lower it, "
            "or shorten the time headway."
        )
    rush = Rush(road.demand / VEH_H, road.peak / VEH_H, road.rush_begin, road.rush_end)
    space = CAR.length + CAR.minimum_gap
    counts = CumulativeCounts(
        rush, road.begin, CAR.desired_speed, space / CAR.time_headway, 1 / space, inside, road.capacity_drop
    )
    if (full := counts.length(times := _readings(road)) > (1 - 1e-9) * road.begin).any():
        raise ValueError(
            f"The queue must have room on the road before the bottleneck: got {road.begin:g} m (bottleneck.begin), "
            f"which it fills after {times[np.argmax(full)]:g} s. Lengthen the road, or lower bottleneck.peak."
        )
    return counts


def _capacity(time_headway: float) -> float:
    """Of safe-distance drivers in 1/s: all at the desired speed v0, v0 / (v0 τ + l)."""
    return CAR.desired_speed / (CAR.desired_speed * time_headway + CAR.length + CAR.minimum_gap)


def _readings(road: BottleneckSettings) -> Array:
    """Times of whole steps, in which the fastest cross a cell, and the end."""
    step = road.cell / CAR.desired_speed
    return np.append(np.arange(0.0, road.duration * (1 - 1e-9), step * ceil(_READING / step)), road.duration)


def _ask_drivers(vehicle: Vehicle) -> FluxCurve:
    jam = 1 / (vehicle.length + vehicle.minimum_gap)
    stepper = ef.CoarseTimeStepper(RingAtDensity(SafeDistance(), Fleet.of(vehicle), _CARS))

    def speed(before: Cars, after: Cars, duration: float) -> Array:
        return np.array([flow(before, after, duration) * before.length / len(before)])

    asked = Closure.from_stepper(stepper, lambda density: density, speed, healing=0.0, window=1.0)
    return FluxCurve.from_closure(_SpeedTimesDensity(asked, _EMPTIEST * jam), jam, _RTOL, interpolation=_straight)


def _straight(densities: Array, flows: Array) -> PPoly:
    """Between two answers a straight line: what the flow of these drivers is, left and right of its kink."""
    return PPoly(np.stack([np.diff(flows, axis=0) / np.diff(densities)[:, np.newaxis], flows[:-1]]), densities)


def _beside(road: BottleneckSettings, counts: CumulativeCounts, densities: Array, passed: Array) -> pd.DataFrame:
    """What waits before the bottleneck, by the law and by the counts, a row for each reading."""
    times, before = _readings(road), round(road.begin / road.cell)
    ahead = counts.rush.low * counts.travel  # on the road before the bottleneck at the beginning
    late = times - counts.travel
    entered = CubicSpline(times, passed[:, 0])(np.maximum(late, 0.0)) + counts.rush.low * np.minimum(late, 0.0) + ahead
    arrivals, departures = counts.arrivals(times) + ahead, counts.departures(times) + ahead
    waiting, waiting_by_counts = entered - passed[:, before], arrivals - departures
    fullest = counts.jam_density - counts.discharge / counts.backward_speed
    critical = counts.jam_density * counts.backward_speed / (counts.free_speed + counts.backward_speed)
    return pd.DataFrame(
        {
            "time": times,
            "queue": [_length(row[:before][::-1], road.cell, (fullest + critical) / 2) for row in densities],
            "queue_by_counts": counts.length(times),
            "waiting": waiting,
            "waiting_by_counts": waiting_by_counts,
            "delay": cumulative_trapezoid(waiting, times, initial=0) / 3600,
            "delay_by_counts": cumulative_trapezoid(waiting_by_counts, times, initial=0) / 3600,
            "arrivals": entered,
            "arrivals_by_counts": arrivals,
            "departures": passed[:, before],
            "departures_by_counts": departures,
        }
    )


def _length(density: Array, cell: float, level: float) -> float:
    """How far the density is above a level, from the first cell on; linear between centres."""
    full = int(np.argmin(np.append(density, -inf) > level))
    if full == 0 or full == len(density):
        return full * cell
    share = (density[full - 1] - level) / (density[full - 1] - density[full])
    return float((full - 0.5 + share) * cell)


def _gone(times: Array, queue: Array) -> float:
    """The first reading without a queue after the longest; NaN where there is none."""
    longest = int(np.argmax(queue))
    return float(next((times[place] for place in range(longest, len(times)) if queue[place] <= 0), np.nan))


def _findings(counts: CumulativeCounts, table: pd.DataFrame) -> tuple[dict[str, ef.Value], list[str]]:
    largest, delay = float(table["queue"].max()), float(table["delay"].iloc[-1])
    values = {
        "bottleneck_largest_queue": ef.Value(largest, unit="m"),
        "bottleneck_delay": ef.Value(delay, unit="veh h"),
    }
    if counts.queueing is None:
        return values, [f"Bottleneck: no queue, since it passes {counts.capacity * VEH_H:.4g} veh/h."]
    if not largest > 0:
        begin = counts.queueing[0] / 60
        return values, [f"Bottleneck: no queue in this time; one would begin after {begin:.3g} min."]
    gone = _gone(table["time"].to_numpy(), table["queue"].to_numpy())
    until = f"still {table['queue'].iloc[-1]:.4g} m at the end"
    if isfinite(gone):
        until = f"gone after {gone / 60:.3g} min ({counts.queueing[1] / 60:.3g} min)"
        values["bottleneck_queue_gone"] = ef.Value(gone, unit="s")
    note = (
        f"Bottleneck: a queue of up to {largest:.4g} m ({table['queue_by_counts'].max():.4g} m by the cumulative "
        f"counts), {until}; {delay:.4g} veh h of delay ({table['delay_by_counts'].iloc[-1]:.4g} veh h)."
    )
    return values, [note]


def _checks(road: BottleneckSettings, counts: CumulativeCounts, table: pd.DataFrame) -> list[ef.Check]:
    """Largest queue, when it is gone, and delay, as far as there are any.

    What is not known: where fronts are, to two cells; how late all happens, to the time in which these are crossed;
    when the drop begins, to that and the time in which arrivals outgrow the error of the drivers' flow; and so, to
    ``lost``, how many the bottleneck has passed. A queue that is no longer than a front has no more to say.
    """
    source = "cumulative counts, Newell 1993"
    largest, expected = (float(table[column].max()) for column in ("queue", "queue_by_counts"))
    front = _CELLS * road.cell
    if counts.queueing is None or expected <= front:
        return [ef.Check("largest queue before the bottleneck", largest, expected, front, source, unit="m")]
    rush, capacity, (begin, end) = counts.rush, counts.capacity, counts.queueing
    late, stands = front / counts.free_speed, min(end, road.duration) - begin
    outgrown = rush.reaches(min((1 + _RTOL) * capacity, rush.peak)) - rush.reaches(capacity)
    lost = capacity * (counts.capacity_drop * (late + outgrown) + _RTOL * stands)
    at_end = lost * stands + late * float(table["waiting_by_counts"].iloc[-1])
    queued = counts.jam_density - counts.discharge / counts.backward_speed
    delay, by_counts = (float(table[column].iloc[-1]) for column in ("delay", "delay_by_counts"))
    checks = [
        ef.Check(
            "largest queue before the bottleneck",
            largest,
            expected,
            front + lost / (queued - rush.peak / counts.free_speed),
            source,
            unit="m",
        ),
        ef.Check("delay by the bottleneck", delay, by_counts, at_end / 3600, source, unit="veh h"),
    ]
    if end < road.duration - _READING:
        arriving = float(rush.rate(end - counts.travel))
        thinner = queued - arriving / counts.free_speed
        tolerance = (front * thinner + lost) / (counts.discharge - arriving) + _READING
        gone = _gone(table["time"].to_numpy(), table["queue"].to_numpy())
        checks.append(ef.Check("time at which the queue is gone", gone, end, tolerance, source, unit="s"))
    return checks
