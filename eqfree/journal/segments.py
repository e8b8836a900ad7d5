"""What a journal holds: answers of a call as records, and records in the columns of a segment."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import prod
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from eqfree.checkpoint import TEMPORARY, read_checkpoint
from eqfree.fields import short

__all__ = [
    "ABOUT",
    "Arrays",
    "Found",
    "Record",
    "is_answer",
    "is_journal_file",
    "read_segment",
    "size_of",
    "tabulate",
    "take",
]

Arrays: TypeAlias = Mapping[str, NDArray[Any]]

ABOUT = "about.npz"  #: which run a journal is of
_DTYPE = re.compile(r"[<>|][biufcUS]\d{1,6}")
_MOST = 10_000_000  # answers of a record
_SHORTEST = 1e-3  # s: what is answered sooner is made again as fast as it is looked up
_BYTES_PER_SECOND = 4e7  # of computing: more is made again as fast as it is read


@dataclass
class Record:
    """Answers to questions of one call."""

    call: int
    mark: bytes
    seconds: float = 0.0
    rows: list[tuple[int, Arrays]] = field(default_factory=list)
    """The number of a question, and its answer."""

    @property
    def size(self) -> int:
        """In bytes, if the answers are alike."""
        return len(self.rows) * size_of(self.rows[0][1]) if self.rows else 0

    @property
    def is_worth_keeping(self) -> bool:
        """Whether it takes much longer to make it again than to read it."""
        return bool(self.rows) and self.seconds >= _SHORTEST and self.size <= _BYTES_PER_SECOND * self.seconds

    def groups(self) -> Iterator[tuple[list[int], list[list[Any]], list[NDArray[Any]]]]:
        """Answers that are alike: their numbers, their layout (name, dtype and shape of each array), and the arrays,
        stacked."""
        alike: dict[tuple[Any, ...], list[tuple[int, Arrays]]] = {}
        for number, arrays in self.rows:
            layout = tuple((name, array.dtype.str, array.shape) for name, array in arrays.items())
            alike.setdefault(layout, []).append((number, arrays))
        for layout, rows in alike.items():
            stacks = [
                np.stack([arrays[name] for _, arrays in rows]).astype(dtype, order="C", copy=False)  # in its byte order
                for name, dtype, _ in layout
            ]
            yield [number for number, _ in rows], [[name, kind, list(shape)] for name, kind, shape in layout], stacks


def size_of(arrays: Arrays) -> int:
    """Bytes of all of them.

    >>> size_of({"x": np.zeros(3)})
    24
    """
    return sum(array.nbytes for array in arrays.values())


@dataclass
class Found:
    """What a journal has of a call."""

    answers: dict[int, Arrays] = field(default_factory=dict)
    seconds: dict[int, float] = field(default_factory=dict)


def tabulate(records: Sequence[Record]) -> tuple[dict[str, NDArray[Any]], list[Any]]:
    """Records as columns, with the content of all arrays one after the other; and the layouts that one numbers."""
    groups = [(record, *group) for record in records for group in record.groups()]
    layouts: list[Any] = []
    for _, _, layout, _ in groups:
        if layout not in layouts:
            layouts.append(layout)
    content = [stack.reshape(-1).view(np.uint8) for *_, stacks in groups for stack in stacks]
    counts = np.array([len(numbers) for _, numbers, _, _ in groups])
    table = {
        "calls": np.array([record.call for record, *_ in groups]),
        "numbers": np.concatenate([numbers for _, numbers, _, _ in groups]),
        "counts": counts,
        "marks": np.array([list(record.mark) for record, *_ in groups], dtype=np.uint8),
        "seconds": np.array([record.seconds for record, *_ in groups])
        * counts
        / [len(record.rows) for record, *_ in groups],
        "layouts": np.array([layouts.index(layout) for _, _, layout, _ in groups]),
        "ends": np.cumsum([sum(stack.nbytes for stack in stacks) for *_, stacks in groups]),
        "content": np.concatenate(content),
    }
    return table, layouts


def read_segment(path: Path) -> tuple[dict[str, NDArray[Any]], list[Any]]:
    """Columns, and the layouts that one of them numbers; a ValueError if the file is no segment, as it was written."""
    table, about = read_checkpoint(path)
    layouts = about.get("layouts")
    if not (isinstance(layouts, list) and all(map(_is_layout, layouts)) and _fits(table, layouts)):
        raise ValueError(f"A segment of a journal must be one that eqfree wrote: got {short(str(path))}. Begin anew.")
    return table, layouts


def _is_layout(layout: Any) -> bool:
    return isinstance(layout, list) and all(
        isinstance(entry, list)
        and [type(part) for part in entry] == [str, str, list]
        and _DTYPE.fullmatch(entry[1]) is not None
        and all(type(side) is int and side >= 0 for side in entry[2])
        for entry in layout
    )


def _fits(table: Arrays, layouts: Sequence[Any]) -> bool:
    """Whether the columns are of one length, and number and measure what there is."""
    whole = ("calls", "counts", "layouts", "ends")
    if not set(table) >= {*whole, "numbers", "marks", "seconds", "content"}:
        return False
    rows = (len(table["marks"]),) if table["marks"].ndim == 2 else (-1,)
    columns = [table[name] for name in whole]
    if (
        not all(column.shape == rows and column.dtype == np.int64 and (column >= 0).all() for column in columns)
        or table["seconds"].shape != rows
        or table["seconds"].dtype != np.float64
        or not ((table["seconds"] >= 0) & (table["seconds"] < np.inf)).all()
        or not table["content"].dtype == table["marks"].dtype == np.uint8
        or table["content"].ndim != 1
        or not ((table["counts"] > 0) & (table["counts"] < _MOST)).all()
        or not (table["layouts"] < len(layouts)).all()
        or table["numbers"].shape != (table["counts"].sum(),)
        or table["numbers"].dtype != np.int64
        or not (table["numbers"] >= 0).all()
    ):
        return False
    sizes = [sum(prod(shape) * np.dtype(kind).itemsize for _, kind, shape in layout) for layout in layouts]
    place = 0
    for count, layout, end in zip(*(table[name].tolist() for name in ("counts", "layouts", "ends")), strict=True):
        place += count * sizes[layout]
        if place != end:
            return False
    return place == len(table["content"])


def take(found: Found, table: Arrays, layouts: Sequence[Any], row: int) -> None:
    """Add the answers of a record to what was found."""
    count = int(table["counts"][row])
    before = int(table["counts"][:row].sum())
    numbers = table["numbers"][before : before + count].tolist()
    place = int(table["ends"][row - 1]) if row else 0
    answers: list[dict[str, NDArray[Any]]] = [{} for _ in range(count)]
    for name, kind, shape in layouts[table["layouts"][row]]:
        dtype = np.dtype(kind)
        size = count * int(np.prod(shape)) * dtype.itemsize
        stack = table["content"][place : place + size].view(dtype).reshape(count, *shape)
        place += size
        for arrays, content in zip(answers, stack, strict=True):
            arrays[name] = np.array(content)
    for number, arrays in zip(numbers, answers, strict=True):
        found.answers[number] = arrays
        found.seconds[number] = float(table["seconds"][row]) / count


def is_journal_file(path: Path) -> bool:
    """Whether a file of such a name is a journal's.

    >>> is_journal_file(Path("checkpoint/00000001.npz")), is_journal_file(Path("checkpoint/2024_measured.npz"))
    (True, False)
    """
    return path.name == ABOUT or is_answer(path) or re.fullmatch(rf"{TEMPORARY}[0-9a-f]{{12}}", path.name) is not None


def is_answer(path: Path) -> bool:
    """Whether a file of such a name holds answers, or a state to go on from.

    >>> is_answer(Path("state-12.npz")), is_answer(Path("state-of-the-art.npz"))
    (True, False)
    """
    return re.fullmatch(r"\d{8}\.npz|state-\d+\.npz", path.name) is not None
