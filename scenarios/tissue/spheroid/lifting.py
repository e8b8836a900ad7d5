"""A spheroid from its radial profiles: cells in shells, without bad overlaps."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from math import pi

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from scipy.interpolate import PchipInterpolator

from agents.cells.mechanics import Mechanics
from agents.cells.region import Region
from agents.cells.spheres import ARRESTED, NECROTIC, PROLIFERATING, Spheres

__all__ = ["place_spheroid", "settle"]

Array = NDArray[np.float64]

_BALL = 4 * pi / 3
_MEAN_VOLUME = 1 / np.log(2)  # of a cell whose phase is that of a population in steady growth, in newborns
_GOLDEN = (np.sqrt(5) - 1) / 2
_FINE = 40  # points of a shell at which its cumulative volumes are looked up
_STATES = np.array([PROLIFERATING, ARRESTED, NECROTIC])


def place_spheroid(edges: Array, fractions: Array, newborn: float, rng: Generator) -> Spheres:
    """Cells that fill shells as the fractions say, around the origin.

    The cumulative volumes of the groups, monotone cubics between the edges, say how far from the centre the cells are
    and in which group; phases are those of steady growth, evenly spread; so the volumes of all groups in all shells are
    met but for about a cell. Cells of one layer, as thick as they are apart, lie on a spiral of Fibonacci, turned
    at random.

    Parameters
    ----------
    edges : (shell + 1,)
        Of the shells, from 0 on (µm).
    fractions : (group, shell)
        Which share of each shell the growing, the inhibited and the necrotic cells fill.
    newborn
        Diameter of a newborn cell (µm).
    rng
        Draws where the sequences begin.

    Raises
    ------
    ValueError
        If a fraction is negative or not finite, or there is not room for one cell.

    Examples
    --------
    >>> cells = place_spheroid(np.array([0.0, 100.0]), np.array([[0.6], [0.0], [0.0]]), 16.0, np.random.default_rng(0))
    >>> 790 < len(cells) < 820
    True
    """
    if not (np.isfinite(fractions).all() and (fractions >= 0).all()):
        raise ValueError("Shares of shells must be finite and not negative: got one that is not.")
    volumes = fractions * _BALL * np.diff(edges**3)
    small = _BALL * (newborn / 2) ** 3
    count = round(float(volumes.sum()) / (small * _MEAN_VOLUME))
    if count < 1:
        raise ValueError(f"A spheroid must have room for a cell: got shells filled by {volumes.sum():.4g} µm³.")
    radii, shares = _along_radius(edges, volumes, count)
    group = _deal(shares, rng)
    phase = _even_phases(group, rng)
    position = radii[:, None] * _on_layers(radii, rng)
    return Spheres.at(position, newborn, phase=phase, state=_STATES[group], rng=rng)


def settle(cells: Spheres, mechanics: Mechanics, time_step: float, rounds: int, steps: int) -> Spheres:
    """The same cells after they have pushed each other out of the way, as far from the origin as they were.

    After every few steps of mechanics their distances are dealt out again in the order in which they now are: the
    profile stays, while contacts become those of a packing.

    Parameters
    ----------
    cells
        Around the origin.
    mechanics, time_step
        How they push each other, and in which steps (h).
    rounds, steps
        How often distances are dealt out, each time after so many steps.

    Examples
    --------
    >>> pair = Spheres.at([[-4.0, 0.0, 0.0], [0.0, 6.0, 0.0]], diameter=10.0)
    >>> settled = settle(pair, Mechanics(repulsion=1.0), 0.2, rounds=5, steps=2)
    >>> np.linalg.norm(settled.position, axis=1).round(9)
    array([4., 6.])
    """
    position, radius, region = np.array(cells.position), cells.radius, Region.unbounded(3)
    distance, wanted = np.sort(np.linalg.norm(position, axis=1)), np.empty(len(position))
    for _ in range(rounds):
        position, _, _ = mechanics.move(position, radius, region, time_step, steps)
        now = np.linalg.norm(position, axis=1)
        wanted[np.argsort(now, kind="stable")] = distance
        position *= (wanted / np.maximum(now, 1e-9))[:, None]
    return replace(cells, position=position)


def _along_radius(edges: Array, volumes: Array, count: int) -> tuple[Array, Array]:
    """Distances of cells from the centre, (cell,), and the volume of each group up to their ends, (cell + 1, group)."""
    balls = edges**3
    fine = np.concatenate([np.linspace(a, b, _FINE, endpoint=False) for a, b in pairwise(balls)])
    fine = np.append(fine, balls[-1])
    cumulative = np.concatenate((np.zeros((len(volumes), 1)), np.cumsum(volumes, axis=1)), axis=1)
    filled = PchipInterpolator(balls, cumulative, axis=1)(fine)
    total = filled.sum(axis=0)
    wanted = np.linspace(0.0, total[-1], 2 * count + 1)
    middles = np.interp(wanted[1::2], total, fine)
    ends = np.stack([np.interp(wanted[::2], total, one) for one in filled], axis=1)
    return np.cbrt(middles), ends * (count / total[-1])


def _deal(shares: Array, rng: Generator) -> NDArray[np.int64]:
    """A group for each cell: within any radius as many of each as its cumulative share says, but for one or two."""
    points = np.mod(rng.random() + _GOLDEN * np.arange(len(shares) - 1), 1.0)
    ends = np.diff(np.cumsum(shares, axis=1), axis=0)  # of the groups' pieces of the line from 0 to 1, for each cell
    return np.asarray((points[:, None] >= ends[:, :-1]).sum(axis=1))


def _even_phases(group: NDArray[np.int64], rng: Generator) -> Array:
    """Phases of steady growth, spread as evenly as can be over the cells of each group, from the centre outwards."""
    phases = np.empty(len(group))
    for number in np.unique(group):
        own = group == number
        uniform = np.mod(rng.random() + _GOLDEN * np.arange(own.sum()), 1.0)
        phases[own] = -np.log2(1 - uniform / 2)
    return phases


def _on_layers(radii: Array, rng: Generator) -> Array:
    """Unit vectors (cell, axis): those of a layer as evenly spread as can be."""
    density = len(radii) / (_BALL * radii[-1] ** 3)
    thickness = density ** (-1 / 3)
    layer = np.floor(radii / thickness).astype(np.int64)
    vectors = np.empty((len(radii), 3))
    for number in np.unique(layer):
        own = np.flatnonzero(layer == number)
        vectors[rng.permutation(own)] = _spiral(len(own)) @ _turn(rng)
    return vectors


def _spiral(count: int) -> Array:
    """Points on the unit sphere along a spiral of Fibonacci, (count, axis)."""
    height = 1 - (2 * np.arange(count) + 1) / count
    angle = 2 * pi * _GOLDEN * np.arange(count)
    wide = np.sqrt(1 - height**2)
    return np.stack((wide * np.cos(angle), wide * np.sin(angle), height), axis=1)


def _turn(rng: Generator) -> Array:
    """A rotation, all equally likely."""
    axes, signs = np.linalg.qr(rng.standard_normal((3, 3)))
    return np.asarray(axes * np.sign(np.diag(signs)))
