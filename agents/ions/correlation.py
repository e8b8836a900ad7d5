"""Tracer correlation factors: how much of a hop the next hops take back, exactly for one vacancy."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from agents.ions.box import Box
from agents.ions.crystal import Crystal

__all__ = ["box_correlation", "factor_of_cosines", "lattice_correlation", "nakazato_kitahara"]

Sites: TypeAlias = NDArray[np.int32] | int


def box_correlation(box: Box) -> float:
    """The tracer correlation factor of one vacancy in a periodic box, all rates equal: exact for that box.

    f is the mean-square displacement of an ion over that of a random walk with as many hops, averaged over the axes.
    Between two hops of the tracer the vacancy walks: with L the Laplacian of the hops, and G its pseudo-inverse by
    Fourier transform over the cells, the tracer at 0 and the vacancy at x, the next hop goes to the neighbour y with

    P(x, y) = G(x, y) - G(x, 0) - G(0, y) + G(0, 0).

    The hops of the tracer are then a Markov chain over where it is in the cell and where the vacancy is; the sum of
    its correlations is a linear system. Where the axis of a hop is one of symmetry this is (1 + c) / (1 - c), c the
    mean cosine of the next hop. A finite box is A/sites above the infinite lattice.

    Parameters
    ----------
    box
        Periodic along all axes.

    Raises
    ------
    ValueError
        If the box has walls.

    References
    ----------
    G. L. Montet, Phys. Rev. B 7 (1973) 650, doi:10.1103/PhysRevB.7.650 (the walk of the vacancy by Fourier integrals).

    Examples
    --------
    >>> from agents.ions.lattices import simple_cubic
    >>> round(box_correlation(Box(simple_cubic(1e-10), (6, 6, 6))), 10)
    0.6580985834
    """
    if not np.all(box.periodic):
        raise ValueError(f"The box must be periodic along every axis: got {box.periodic}. Walls have no exact value.")
    green = _green(box)
    ways = box.crystal.ways
    states = [(b, way) for b in range(box.basis) for way in range(ways) if box.neighbours[b, way] >= 0]
    number = {b * ways + way: index for index, (b, way) in enumerate(states)}
    passed = np.zeros((len(states), len(states)))
    for b in range(box.basis):
        here = [index for index, state in enumerate(states) if state[0] == b]
        beside = np.array([box.neighbours[states[index]] for index in here])
        between = green(beside[:, None], beside[None, :])
        chance = between - green(beside, b)[:, None] - green(b, beside)[None, :] + green(b, b)
        then = [number[int(box.reverse[b * ways + states[index][1]])] for index in here]
        passed[np.ix_(here, then)] = chance
    made = -np.array([box.displacements[state] for state in states])  # the last hop: the vacancy is where it began
    kept = np.eye(len(states)) - passed + 1 / len(states)  # the mean hop is 0: the added part changes nothing
    later = np.linalg.solve(kept, passed @ made)
    return float(1 + 2 * (made * later).sum() / (made**2).sum())


def lattice_correlation(crystal: Crystal, *, sites: int = 8192) -> float:
    """The tracer correlation factor of one vacancy in the infinite lattice, all rates equal.

    Three boxes are solved exactly, and what they have in common is taken: f + A/N + B/N^(1 + 2/d) with N sites in d
    dimensions. Simple, body- and face-centred cubic, square and triangular lattices come out to 1e-6 and better.

    Parameters
    ----------
    crystal
        Its unit cell.
    sites
        About as many are in the largest box; the error falls faster than their number grows.

    Raises
    ------
    ValueError
        If there are so few that the boxes are not three.

    Examples
    --------
    >>> from agents.ions.lattices import square
    >>> round(lattice_correlation(square(1e-10)), 6) == round(1 / (np.pi - 1), 6)
    True
    """
    axes, basis = crystal.axes, len(crystal.positions)
    largest = round((sites / basis) ** (1 / axes))
    edges = sorted({largest, round(largest * 0.75), round(largest / 2)})
    if len(edges) < 3 or edges[0] < 3:
        raise ValueError(f"`sites` must be enough for three boxes of 3 or more cells an edge: got {sites}. Take more.")
    counts = np.array([basis * float(edge) ** axes for edge in edges])
    exact = [box_correlation(Box(crystal, (edge,) * axes)) for edge in edges]
    terms = np.stack([np.ones(3), 1 / counts, counts ** -(1 + 2 / axes)], axis=1)
    return float(np.linalg.solve(terms, exact)[0])


def factor_of_cosines(sums: NDArray[np.float64]) -> float:
    """The tracer correlation factor (1 + c)/(1 - c) of the mean cosine c, from (sum of cosines, how many), (2,).

    >>> factor_of_cosines(np.array([-20.0, 100.0])).round(6)
    np.float64(0.666667)
    """
    cosines, turns = sums
    factor: float = (turns + cosines) / (turns - cosines)
    return factor


def nakazato_kitahara(filling: float, vacancy_limit: float) -> float:
    """The tracer correlation factor of a lattice gas with exclusion: an interpolation that is right at both ends.

    1/f = 1 + c/(2 - c) (1 - f0)/f0: within 0.005 of simulations on square and cubic lattices.

    Parameters
    ----------
    filling
        Share of sites that are occupied, c.
    vacancy_limit
        The factor of one vacancy, f0: `lattice_correlation`.

    Raises
    ------
    ValueError
        If they are not shares.

    References
    ----------
    T. Nakazato, K. Kitahara, Prog. Theor. Phys. 64 (1980) 2261, doi:10.1143/PTP.64.2261.

    Examples
    --------
    >>> round(nakazato_kitahara(0.5, 0.6531088), 6)
    0.849584
    """
    if not 0 <= filling <= 1 or not 0 < vacancy_limit <= 1:
        raise ValueError(f"`filling` and `vacancy_limit` must be shares, 0 to 1: got {filling} and {vacancy_limit}.")
    return 1 / (1 + filling / (2 - filling) * (1 - vacancy_limit) / vacancy_limit)


def _green(box: Box) -> Callable[[Sites, Sites], NDArray[np.float64]]:
    """The pseudo-inverse of the Laplacian between sites, up to a constant that no difference sees."""
    cells, basis = int(np.prod(box.cells)), box.basis
    laplacian = np.zeros((cells, basis, basis))
    for b in range(basis):
        beside = box.neighbours[b][box.neighbours[b] >= 0]
        laplacian[0, b, b] += len(beside)
        np.add.at(laplacian, (beside // basis, beside % basis, b), -1.0)
    axes = tuple(range(box.axes))
    waves = np.fft.fftn(laplacian.reshape(*box.cells, basis, basis), axes=axes).reshape(cells, basis, basis)
    waves[0] += 1.0  # the constant: without it there is no inverse
    inverse = np.linalg.inv(waves).reshape(*box.cells, basis, basis)
    table = np.fft.ifftn(inverse, axes=axes).real

    def between(site: Sites, source: Sites) -> NDArray[np.float64]:
        here, there = (np.unravel_index(np.asarray(one) // basis, box.cells) for one in (site, source))
        apart = tuple((here[axis] - there[axis]) % box.cells[axis] for axis in axes)
        return np.asarray(table[(*apart, np.asarray(site) % basis, np.asarray(source) % basis)])

    return between
