"""Tables that are a regular grid of places."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from analysis.tables import check_table

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

__all__ = ["as_grid"]


def as_grid(table: pd.DataFrame, called: str, names: Sequence[str]) -> tuple[NDArray[np.float64], ...]:
    """Places along both axes, and of each name its values (x, y).

    Parameters
    ----------
    table
        A row a place of a rectangular grid, in any order: columns x, y and those named.
    called
        Its name, for the message.
    names
        The columns to lay out; their values may be missing.

    Raises
    ------
    ValueError
        If the table has no row, lacks a column, has a place that is not finite, or is no grid.

    Examples
    --------
    >>> import pandas as pd
    >>> table = pd.DataFrame({"x": [0, 0, 1, 1], "y": [0, 2, 0, 2], "height": [1.0, 2.0, 3.0, 4.0]})
    >>> as_grid(table, "map", ["height"])[2].tolist()
    [[1.0, 2.0], [3.0, 4.0]]
    """
    check_table(table, called, ["x", "y", *names], finite=["x", "y"])
    rows = table.sort_values(["x", "y"])
    x, y = (np.unique(rows[axis].to_numpy(np.float64)) for axis in ("x", "y"))
    if len(x) * len(y) != len(rows) or len(x) < 2 or len(y) < 2:
        raise ValueError(
            f"`{called}` must be a grid of two places or more along x and y, with a row for each of them: got "
            f"{len(rows)} rows for {len(x)} x {len(y)} places. Round the places, or fill the grid."
        )
    shape = (len(x), len(y))
    return x, y, *(rows[name].to_numpy(np.float64).reshape(shape) for name in names)
