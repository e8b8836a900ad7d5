"""What one measures on a road: flow, density and speed by Edie's definitions, headways, waves.

Edie (1963): in a region of space and time of area A, flow is the distance that all vehicles travel in it
divided by A, density the time that they spend in it divided by A, speed the quotient.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from agents.cars.road import Cars, headways

__all__ = [
    "CellReadings",
    "crossings",
    "density_profile",
    "edie",
    "flow",
    "headway_deviation",
    "mean_headway",
    "speed_profile",
    "wave_speed",
]


def flow(before: Cars, after: Cars, duration: float) -> float:
    """Flow on the whole road over a burst, in cars per second: distance travelled / (length × duration).

    Exact, whatever happened in between, since it is density times space-mean speed over the burst.

    >>> from agents.cars import CAR, Drivers
    >>> before = Cars(np.array([0.0]), np.full(1, 20.0), Drivers.of([CAR], [0]), 100.0)
    >>> after = Cars(np.array([40.0]), np.full(1, 20.0), Drivers.of([CAR], [0]), 100.0)
    >>> flow(before, after, 2.0)
    0.2
    """
    start, end, _ = _paths(before, after, duration)
    return float((end - start).sum() / (before.length * duration))


def crossings(before: Cars, after: Cars, at: float) -> int:
    """How many cars passed the place ``at`` (in m), as an induction loop counts them, on any number of laps.

    >>> from agents.cars import CAR, Drivers
    >>> before = Cars(np.array([0.0]), np.zeros(1), Drivers.of([CAR], [0]), 100.0)
    >>> after = Cars(np.array([250.0]), np.zeros(1), Drivers.of([CAR], [0]), 100.0)
    >>> crossings(before, after, 50.0)
    3
    """
    if before.ring:
        laps = np.floor((after.position - at) / before.length) - np.floor((before.position - at) / before.length)
        return int(laps.sum())
    upstream = [int(np.searchsorted(cars.position, at)) for cars in (before, after)]
    return upstream[0] + after.entered - before.entered - upstream[1]


def density_profile(cars: Cars, edges: ArrayLike) -> NDArray[np.float64]:
    """Cars per metre in each cell, (cells,): a car counts where its front bumper is, and nowhere if that is no cell.

    A car on the edge between two cells is in the second one, a car at the very end of the road in the last one.

    >>> from agents.cars import CAR, Drivers
    >>> cars = Cars(np.array([10.0, 60.0, 110.0]), np.zeros(3), Drivers.of([CAR], [0, 0, 0]), 100.0)
    >>> density_profile(cars, [0.0, 50.0, 100.0])
    array([0.04, 0.02])
    """
    places = np.asarray(edges, dtype=np.float64)
    density: NDArray[np.float64] = _per_cell(cars, places) / np.diff(places)
    return density


def speed_profile(cars: Cars, edges: ArrayLike) -> NDArray[np.float64]:
    """Mean speed in m/s of the cars in each cell, (cells,); NaN where there is none.

    >>> from agents.cars import CAR, Drivers
    >>> cars = Cars(np.array([10.0, 20.0]), np.array([4.0, 8.0]), Drivers.of([CAR], [0, 0]), 100.0)
    >>> speed_profile(cars, [0.0, 50.0, 100.0])
    array([ 6., nan])
    """
    places = np.asarray(edges, dtype=np.float64)
    count, total = _per_cell(cars, places), _per_cell(cars, places, cars.speed)
    mean = np.full(len(count), np.nan)
    np.divide(total, count, out=mean, where=count > 0)
    return mean


@dataclass(frozen=True)
class CellReadings:
    """Edie's flow (1/s), density (1/m) and speed (m/s, NaN where nobody was) in each cell, (cells,)."""

    flow: NDArray[np.float64]
    density: NDArray[np.float64]
    speed: NDArray[np.float64]


def edie(before: Cars, after: Cars, duration: float, edges: ArrayLike) -> CellReadings:
    """Flow, density and speed in the cells of the road during ``duration``, between two snapshots.

    Between the snapshots every car is taken to drive at constant speed: the totals over the road are
    exact, their division among cells is right to the acceleration times duration². Who enters or leaves an open
    road in between is taken to do so at its speed in the one snapshot that shows it; nobody should do both.

    Examples
    --------
    >>> from agents.cars import CAR, Drivers
    >>> before = Cars(np.array([0.0]), np.full(1, 20.0), Drivers.of([CAR], [0]), 100.0)
    >>> after = Cars(np.array([75.0]), np.full(1, 20.0), Drivers.of([CAR], [0]), 100.0)
    >>> edie(before, after, 5.0, [0.0, 50.0, 100.0]).flow
    array([0.2, 0.1])
    """
    places = np.asarray(edges, dtype=np.float64)
    width = np.diff(places)
    start, end, spent = _paths(before, after, duration)

    def travelled(position: NDArray[np.float64]) -> NDArray[np.float64]:
        laps, rest = np.divmod(position[:, None], before.length) if before.ring else (0.0, position[:, None])
        return laps * width + np.clip(rest - places[:-1], 0.0, width)

    distance = travelled(end) - travelled(start)
    whole = (end - start)[:, None]
    inside = _on_the_road(start, before)[:, None]
    standing = (inside >= places[:-1]) & (inside < places[1:])
    share = np.divide(distance, whole, out=standing.astype(np.float64), where=whole > 0)
    driven, time = distance.sum(axis=0), (share * spent[:, None]).sum(axis=0)
    speed = np.divide(driven, time, out=np.full(len(width), np.nan), where=time > 0)
    return CellReadings(driven / (width * duration), time / (width * duration), speed)


def mean_headway(cars: Cars) -> float:
    """Mean distance in m from front bumper to front bumper, over the cars that follow one.

    >>> from agents.cars import CAR, Drivers
    >>> mean_headway(Cars(np.array([0.0, 30.0]), np.zeros(2), Drivers.of([CAR], [0, 0]), 100.0))
    50.0
    """
    return float(np.mean(_followers(cars)))


def headway_deviation(cars: Cars) -> float:
    """Standard deviation in m of the headways, over the cars that follow one: how strong a jam is.

    >>> from agents.cars import CAR, Drivers
    >>> headway_deviation(Cars(np.array([0.0, 30.0]), np.zeros(2), Drivers.of([CAR], [0, 0]), 100.0))
    20.0
    """
    return float(np.std(_followers(cars)))


def wave_speed(snapshots: Sequence[Cars]) -> float:
    """Speed in m/s of the jam on a ring, relative to the road, negative if it moves backwards.

    The least-squares slope of the phase of Σ exp(2πi m x/length) over the snapshots, for the mode m that is
    strongest on the mean over all modes below half the number of cars. NaN where no mode exceeds 1e-6 of the cars:
    uniform flow has no wave.

    Parameters
    ----------
    snapshots
        At least 3 of the same ring, in the order of their times, so close that the wave moves by less than half a
        wavelength in between; over many wave periods per car the individual cars average out.

    Raises
    ------
    ValueError
        If there are fewer than 3 snapshots, or the road is open.

    Examples
    --------
    >>> from agents.cars import CAR, Drivers
    >>> who = Drivers.of([CAR], [0, 0, 0])
    >>> jam = [Cars(np.array([0.0, 9.0, 18.0]) - 4.0 * t, np.zeros(3), who, 100.0, time=t) for t in range(4)]
    >>> round(wave_speed(jam), 9)
    -4.0
    """
    if len(snapshots) < 3 or not snapshots[0].ring:
        raise ValueError(f"The speed of a wave needs at least 3 snapshots of a ring: got {len(snapshots)}.")
    length = snapshots[0].length
    position = np.array([cars.position for cars in snapshots])
    modes = np.arange(1, max(2, position.shape[1] // 2))
    waves = np.stack([np.exp(2j * np.pi * m * position / length).mean(axis=1) for m in modes])
    strength = np.abs(waves).mean(axis=1)
    strongest = int(strength.argmax())
    if strength[strongest] < 1e-6:
        return float("nan")
    time = np.array([cars.time for cars in snapshots])
    phase = np.unwrap(np.angle(waves[strongest]))
    slope = np.polynomial.polynomial.polyfit(time - time.mean(), phase, 1)[1]
    return float(slope * length / (2 * np.pi * modes[strongest]))


def _on_the_road(position: NDArray[np.float64], cars: Cars) -> NDArray[np.float64]:
    """Where the cars are, on the first lap; a car at the very end of the road is just before it."""
    place = np.mod(position, cars.length) if cars.ring else position
    return np.where(place == cars.length, np.nextafter(cars.length, 0.0), place)


def _per_cell(
    cars: Cars, edges: NDArray[np.float64], weights: NDArray[np.float64] | None = None
) -> NDArray[np.float64]:
    cell = np.searchsorted(edges, _on_the_road(cars.position, cars), side="right")
    return np.bincount(cell, weights, minlength=len(edges) + 1)[1:-1].astype(np.float64)


def _followers(cars: Cars) -> NDArray[np.float64]:
    return headways(cars) if cars.ring else headways(cars)[:-1]


def _paths(
    before: Cars, after: Cars, duration: float
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Where each car was first and last on the road, and for how long it was there."""
    entered, left = after.entered - before.entered, after.left - before.left
    if not entered and not left:
        return before.position, after.position, np.full(len(before), duration)
    # In order: who entered, who was there before and after, who left; some may have done both.
    start = np.concatenate((np.zeros(entered), before.position))
    end = np.concatenate((after.position, np.full(left, before.length)))
    spent = np.full(len(start), duration)
    came = slice(0, min(entered, len(after)))
    spent[came] = np.minimum(duration, end[came] / np.maximum(after.speed[came], 1e-9))
    went = slice(max(entered, len(after)), len(start))
    pace = np.maximum(before.speed[len(before) - (len(start) - went.start) :], 1e-9)
    spent[went] = np.minimum(duration, (before.length - start[went]) / pace)
    return start, end, spent
