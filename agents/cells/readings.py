"""What is read of cells beside their density."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from agents.cells.sites import Sites

__all__ = ["pair_factor", "pair_probability"]


def pair_probability(occupied: NDArray[np.int8], sites: Sites) -> float:
    """How often two neighbouring sites are both occupied, over all pairs of neighbours.

    >>> pair_probability(np.array([1, 1, 0, 0], dtype=np.int8), Sites((4,)))
    0.25
    """
    neighbours = sites.neighbours
    there = neighbours >= 0
    both = (occupied[:, None] > 0) & (occupied[np.where(there, neighbours, 0)] > 0) & there
    return float(both.sum() / max(there.sum(), 1))


def pair_factor(occupied: NDArray[np.int8], sites: Sites) -> float:
    """The pair probability over that of independent sites, the density squared; nan where there is no cell.

    Simpson & Baker, Phys. Rev. E 83 (2011) 051922, doi:10.1103/PhysRevE.83.051922, eq. 2.

    >>> pair_factor(np.array([1, 1, 0, 0], dtype=np.int8), Sites((4,)))
    1.0
    """
    density = float((occupied > 0).mean())
    return pair_probability(occupied, sites) / density**2 if density else float("nan")
