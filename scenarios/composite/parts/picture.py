"""A microstructure and the temperature in it, as tables that can be drawn."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.interpolate import LinearNDInterpolator

from scenarios.composite.cell import CellProblem, LocalField, local_field
from scenarios.composite.cell.cell import rotation
from scenarios.composite.microstructures import Checkerboard, Image, Laminate, Microstructure

__all__ = ["picture_of"]

_PICTURE = 61  # points along an axis
_FINE = 16  # elements along a period
_MARGIN = 0.2  # of a period, from which nodes of the copies around are taken


def picture_of(medium: Microstructure, conductivities: tuple[float, float]) -> dict[str, pd.DataFrame]:
    """Tables of the microstructure, and of the temperature in it under a unit gradient along x.

    ``composite_pixels`` of an image, ``composite_outline`` of anything else, and ``composite_corrector``.
    """
    tables = {}
    if isinstance(medium, Image):
        rows, columns = np.indices(medium.pixels.shape)
        tables["composite_pixels"] = pd.DataFrame(
            {"row": rows.ravel(), "column": columns.ravel(), "phase": medium.pixels.ravel().astype(int)}
        )
    else:
        polygons = medium.outline()
        tables["composite_outline"] = pd.DataFrame(
            {
                "polygon": np.repeat(np.arange(len(polygons)), [len(polygon) for polygon in polygons]),
                "x": np.concatenate([polygon[:, 0] for polygon in polygons]),
                "y": np.concatenate([polygon[:, 1] for polygon in polygons]),
            }
        )
    return tables | {"composite_corrector": _corrector(medium, conductivities)}


def _corrector(medium: Microstructure, conductivities: tuple[float, float]) -> pd.DataFrame:
    """The temperature under a unit gradient along x, at the nodes of a picture, or on a regular grid of a period."""
    even = Checkerboard(1.0) if isinstance(medium, Checkerboard) else medium  # fine rings cannot be seen
    cell = even.cell(1 if isinstance(medium, Image) else _FINE)
    problem = CellProblem(cell, degree=1)
    field = local_field(problem, problem(conductivities), conductivities, (1.0, 0.0))
    if isinstance(medium, Image):
        return _thinned(field, medium.size)
    own = field.places @ rotation(cell.angle)  # in the axes of the cell
    deviation = field.temperature - field.places[:, 0]
    # eight copies around, so that every place of the unit square lies within the nodes
    steps = np.stack(np.meshgrid((-1, 0, 1), (-1, 0, 1)), axis=-1).reshape(-1, 2)
    around = np.vstack([own + step for step in steps])
    near = ((around > -_MARGIN) & (around < 1 + _MARGIN)).all(axis=1)
    line = np.linspace(0.0, 1.0, _PICTURE)
    x, y = (axis.ravel() for axis in np.meshgrid(line, line))
    middle = np.array([1 - medium.volume_fraction / 2, 0.5]) if isinstance(medium, Laminate) else np.full(2, 0.5)
    places = np.mod((np.column_stack([x, y]) - 0.5) @ rotation(cell.angle) + middle, 1.0)
    told = LinearNDInterpolator(around[near], np.tile(deviation, len(steps))[near])(places)
    return pd.DataFrame({"x": x, "y": y, "temperature": x + told})


def _thinned(field: LocalField, size: tuple[int, int]) -> pd.DataFrame:
    """The nodes of a picture, but no more than a picture of a picture needs."""
    table = pd.DataFrame({"x": field.places[:, 0], "y": field.places[:, 1], "temperature": field.temperature})
    lines = [np.unique(np.linspace(0, count, min(count + 1, _PICTURE)).round()) for count in size]
    kept = [np.isin((table[axis] * size[0]).round(), line) for axis, line in zip("xy", lines, strict=True)]
    return table[kept[0] & kept[1]].sort_values(["y", "x"], ignore_index=True)
