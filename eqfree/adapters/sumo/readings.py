"""Flow, density and speed of SUMO's vehicles by Edie's definitions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from eqfree.adapters.sumo.population import Population

__all__ = ["Profile", "edie", "flow", "split_paths"]

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Profile:
    """Edie's flow (1/s), density (1/m) and speed (m/s, NaN where nobody was) in each cell, (cells,)."""

    flow: Array
    density: Array
    speed: Array


def edie(before: Population, after: Population, edges: ArrayLike) -> Profile:
    """Flow, density and speed in the cells of the road, in the time between two populations of one simulation.

    In a cell of width w and a time T, flow is the distance that all vehicles drove in it over w T, density the time
    they spent in it over w T, speed the quotient. SUMO's vehicles drive at constant speed through a step, and each
    step was counted: this is exact for what SUMO simulated.

    Parameters
    ----------
    before, after
        Populations of a model with ``cells``, the first before the second.
    edges : (cells + 1,)
        Those ``cells``, in m.

    Raises
    ------
    ValueError
        If no time has passed in between, or the populations were counted in other cells.

    References
    ----------
    L. C. Edie, Proc. 2nd Int. Symp. Theory of Traffic Flow (1963) 139.
    """
    width = np.diff(np.asarray(edges, dtype=np.float64))
    duration = after.time - before.time
    if not duration > 0:
        raise ValueError(f"`before` must be before `after`: got {before.time:g} s and {after.time:g} s.")
    if not width.shape == after.driven.shape == before.driven.shape:
        raise ValueError(
            f"The populations must be counted in these {len(width)} cells: got {len(after.driven)}. "
            "Give the model the same `cells`."
        )
    driven, spent = after.driven - before.driven, after.spent - before.spent
    speed = np.divide(driven, spent, out=np.full(len(width), np.nan), where=spent > 0)
    return Profile(driven / (width * duration), spent / (width * duration), speed)


def flow(before: Population, after: Population, duration: float) -> float:
    """Flow on a whole ring in between, in vehicles per second: distance driven / (length × duration).

    Raises
    ------
    ValueError
        If the road is open: vehicles come and go there.
    """
    if not before.ring:
        raise ValueError("The flow of a whole road is that of a ring: got an open road. Use `edie`.")
    return float((after.position - before.position).sum() / (before.length * duration))


def split_paths(start: Array, end: Array, duration: Array, edges: Array, length: float) -> tuple[Array, Array]:
    """Distance and time in each cell, (cells,) both, of vehicles that drive from start to end at constant speed.

    ``length`` is that of a ring, on which places go on counting; inf on an open road.

    >>> split_paths(np.array([90.0]), np.array([120.0]), np.array([3.0]), np.array([0.0, 50.0, 100.0]), 100.0)
    (array([20., 10.]), array([2., 1.]))
    """
    width = np.diff(edges)

    def passed(place: Array) -> Array:
        laps = np.floor(place / length)[:, None] if np.isfinite(length) else np.zeros((len(place), 1))
        rest = place[:, None] - (laps * length if np.isfinite(length) else 0.0)
        return laps * width + np.clip(rest - edges[:-1], 0.0, width)

    distance, whole = passed(end) - passed(start), (end - start)[:, None]
    inside = (start % length if np.isfinite(length) else start)[:, None]
    standing = ((inside >= edges[:-1]) & (inside < edges[1:])).astype(np.float64)
    share = np.divide(distance, whole, out=standing, where=whole > 0)
    return distance.sum(axis=0), (share * duration[:, None]).sum(axis=0)
