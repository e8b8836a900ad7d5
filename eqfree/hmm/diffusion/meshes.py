"""Rectangles in triangles, with named sides."""

from __future__ import annotations

from math import inf
from typing import Any

import numpy as np

__all__ = ["rectangle"]


def rectangle(width: float, height: float, cells: tuple[int, int]) -> Any:
    """The rectangle [0, width] x [0, height] in triangles; its sides are ``left``, ``right``, ``bottom``, ``top``.

    Any other ``skfem.MeshTri`` with named boundaries will do as well: `skfem.Mesh.with_boundaries` names them.

    Parameters
    ----------
    width, height
        Of the rectangle (m).
    cells
        How many along x and y, each of two triangles.

    Returns
    -------
    skfem.MeshTri

    Raises
    ------
    ValueError
        For sides or numbers that are not positive.

    Examples
    --------
    >>> mesh = rectangle(2.0, 1.0, (4, 2))
    >>> mesh.nelements, sorted(mesh.boundaries)
    (16, ['bottom', 'left', 'right', 'top'])
    """
    import skfem

    if not (0 < width < inf and 0 < height < inf):
        raise ValueError(f"`width` and `height` must be finite and positive: got {width:g} and {height:g} m.")
    if np.shape(cells) != (2,) or not all(isinstance(count, int | np.integer) and count >= 1 for count in cells):
        raise ValueError(f"`cells` must be two whole numbers of at least 1: got {cells!r}.")
    across, along = cells
    mesh = skfem.MeshTri.init_tensor(np.linspace(0, width, across + 1), np.linspace(0, height, along + 1))
    slack = 1e-9 * min(width / across, height / along)
    return mesh.with_boundaries(
        {
            "left": lambda place: place[0] < slack,
            "right": lambda place: place[0] > width - slack,
            "bottom": lambda place: place[1] < slack,
            "top": lambda place: place[1] > height - slack,
        }
    )
