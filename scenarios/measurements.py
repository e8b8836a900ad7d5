"""Tables of measurements in files that anybody may have written."""

from __future__ import annotations

import warnings
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from eqfree.documents import one_line, read_text

__all__ = ["numbers", "read_table"]

_LARGEST = 2**24  # bytes
_COLUMNS = 1000
_BEYOND = 1e100  # in any unit: larger numbers, multiplied, would be none


def read_table(path: str | Path, **options: Any) -> pd.DataFrame:
    """The table in a CSV file of at most 16 MiB.

    Parameters
    ----------
    path
        The file.
    options
        Of `pandas.read_csv`.

    Raises
    ------
    ValueError
        If the file cannot be read, or is no table; a phrase that says why.

    Examples
    --------
    >>> read_table("nowhere.csv")
    Traceback (most recent call last):
    ValueError: No such file or directory
    """
    text = read_text(Path(path), _LARGEST)
    if not text.strip():
        raise ValueError("it is empty")
    if any(line.count(",") >= _COLUMNS for line in text.split("\n")):
        raise ValueError(f"it has more than {_COLUMNS} columns")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", pd.errors.ParserWarning)  # rows with more fields than the header
            warnings.simplefilter("ignore", pd.errors.DtypeWarning)  # words among numbers, which are found later
            table: pd.DataFrame = pd.read_csv(StringIO(text), skipinitialspace=True, **options)
    except (ValueError, OverflowError, pd.errors.ParserWarning) as error:
        raise ValueError(f"it is no table of columns separated by commas: {one_line(str(error), 120)}") from error
    return table


def numbers(column: pd.Series[Any]) -> pd.Series[Any]:
    """A column as numbers; NaN where there is none, or none that anybody has measured.

    >>> numbers(pd.Series(["1.5", "many"])).tolist()
    [1.5, nan]
    """
    try:
        found = pd.to_numeric(column, errors="coerce").astype(np.float64)
    except OverflowError:  # a whole number beyond all that are known
        return pd.Series(np.nan, index=column.index)
    return found.where(found.abs() <= _BEYOND)
