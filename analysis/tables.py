"""What a picture asks of the tables it is drawn from."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["check_names", "check_table"]


def check_table(table: pd.DataFrame, called: str, columns: Sequence[str], finite: Sequence[str] = ()) -> None:
    """Refuse a table that has no rows, lacks a column, or has something else than a number where a place is needed.

    Parameters
    ----------
    table
        The table.
    called
        Its name, for the message.
    columns
        What it must have.
    finite
        Columns whose every value must be a finite number.

    Raises
    ------
    ValueError
        If it is not as it should be.

    Examples
    --------
    >>> import pandas as pd
    >>> check_table(pd.DataFrame({"time": [0.0]}), "paths", ["time", "speed"])
    Traceback (most recent call last):
    ValueError: `paths` must have the columns time, speed: got time. Add speed.
    """
    missing = [column for column in columns if column not in table]
    if missing:
        given = ", ".join(map(str, table.columns)) or "none"
        raise ValueError(
            f"`{called}` must have the columns {', '.join(columns)}: got {given}. Add {', '.join(missing)}."
        )
    if table.empty:
        raise ValueError(f"`{called}` must have at least one row: got none. Compute a point before you draw.")
    for column in finite:
        lost = np.flatnonzero(~np.isfinite(table[column].to_numpy(np.float64)))
        if len(lost):
            raise ValueError(
                f"`{called}` must have a finite {column} in every row: got {table[column].iloc[lost[0]]} "
                f"in row {lost[0]}. Leave out the rows where nothing was found."
            )


def check_names(table: pd.DataFrame, called: str, column: str, known: Collection[str]) -> None:
    """Refuse names in a column that a picture has no sign for.

    Parameters
    ----------
    table, called
        The table, and its name for the message.
    column
        Where the names are.
    known
        The names that there may be.

    Raises
    ------
    ValueError
        If there is another one.

    Examples
    --------
    >>> import pandas as pd
    >>> check_names(pd.DataFrame({"direction": ["left"]}), "sweep", "direction", ["up", "down"])
    Traceback (most recent call last):
    ValueError: `sweep` must say up or down in its column direction: got 'left'. Rename it.
    """
    for name in dict.fromkeys(table[column]):
        if name not in known:
            raise ValueError(
                f"`{called}` must say {' or '.join(known)} in its column {column}: got {name!r}. Rename it."
            )
