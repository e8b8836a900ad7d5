"""The journal of a run: its folder, what is saved there and when, and what is found again."""

from __future__ import annotations

import os
import sys
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import version
from itertools import takewhile
from pathlib import Path
from time import perf_counter
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from eqfree.checkpoint import LARGEST, hold, read_checkpoint, sweep_temporaries, write_checkpoint
from eqfree.fields import short
from eqfree.journal.segments import (
    ABOUT,
    Arrays,
    Found,
    Record,
    is_answer,
    is_journal_file,
    read_segment,
    tabulate,
    take,
)

__all__ = ["Compute", "Journal", "Progress", "current"]

Compute: TypeAlias = Callable[[Sequence[int], Callable[[int, Any], None]], Iterator[Any]]

_FULL = 2**26  # bytes that are kept in memory between saves
_PATIENCE = 100.0  # the next save waits so many times as long as the last one took

current: ContextVar[Journal | None] = ContextVar("journal", default=None)  #: that this thread writes to


class _Segment(NamedTuple):
    """The first and the last call that a file tells of."""

    first: int
    last: int
    path: Path


_Unfinished: TypeAlias = tuple[bytes, float, Callable[[], Arrays | None]]  # mark, when it began, its state


@dataclass(eq=False)
class Progress:
    """A calculation that goes on from a state of its own, and not from what its bursts answered.

    Attributes
    ----------
    state
        Named arrays to go on from; None at the beginning.
    """

    state: Arrays | None = None
    _save: Callable[[Callable[[], Arrays | None]], None] | None = None
    _result: Arrays | None = None

    def offer(self, state: Callable[[], Arrays | None]) -> None:
        """Have come so far: ``state()`` is asked for when it is time to save; None if it cannot be told in arrays."""
        if self._save is not None:
            self._save(state)

    def finish(self, state: Arrays | None) -> None:
        """Be done: the state to which nothing will be added."""
        self._result = state


class Journal:
    """The answers of a run in a folder: segments that are added at an interval, each whole or not there.

    Parameters
    ----------
    folder
        It belongs to the journal, and to one process at a time.
    about
        JSON values: which run it is.
    interval
        Seconds between saves.
    """

    def __init__(self, folder: Path, about: Mapping[str, Any], interval: float) -> None:
        self.folder, self.about, self.interval = folder, about, interval
        self.asleep = False  # whether an answer is being computed: what it asks is part of it
        self.spared = 0.0  # seconds of computing that were read from the disk
        self.damaged: list[str] = []
        self._lock = _lock(folder) if folder.exists() else None
        self._segments: deque[_Segment] = deque()
        self._written = 0
        self._records: list[Record] = []
        self._noted = 0  # bytes since the last save
        self._open: dict[int, _Unfinished] = {}  # what is in progress, by call
        self._done: list[Path] = []  # states that nobody needs once what came out is saved
        self._calls = 0
        self._read = lru_cache(maxsize=4)(read_segment)
        self._due = perf_counter() + interval

    # --- the folder --------------------------------------------------------------------------------------------------

    @staticmethod
    def is_in(folder: Path) -> bool:
        """Whether a run is kept in a folder.

        >>> Journal.is_in(Path("nowhere"))
        False
        """
        return (folder / ABOUT).is_file()

    @staticmethod
    def has_answers(folder: Path) -> bool:
        """Whether anything would be lost with it.

        >>> Journal.has_answers(Path("nowhere"))
        False
        """
        return Journal.is_in(folder) and any(is_answer(path) for path in folder.iterdir())

    @classmethod
    def begin(cls, folder: Path, about: Mapping[str, Any], *, interval: float = 30.0) -> Journal:
        """A new journal; what ``folder`` kept of an earlier run goes. It is made when there is something to save.

        Raises
        ------
        ValueError
            If another process keeps a run there, or ``interval`` is no time.
        """
        _check_interval(interval)
        journal = cls(folder, about, interval)
        for path in journal.files():
            path.unlink()
        return journal

    @classmethod
    def resume(cls, folder: Path, *, interval: float = 30.0) -> Journal:
        """The journal of a run that was interrupted. Damaged segments are left out, and named in ``damaged``.

        Raises
        ------
        ValueError
            If none is kept there, another process goes on with it, or another version began it.
        """
        _check_interval(interval)
        if not cls.is_in(folder):
            raise ValueError(f"No interrupted run is kept in '{folder}'. Begin one.")
        _, about = read_checkpoint(folder / ABOUT)
        if (found := about.pop("versions", None)) != _versions():
            raise ValueError(
                f"The run in '{folder}' was begun with {_told(found)}: this is {_told(_versions())}, whose bits may "
                "differ. Install those again, or begin anew."
            )
        journal = cls(folder, about, interval)
        try:
            sweep_temporaries(folder)
            journal._segments = journal._index()
        except BaseException:
            journal.close()
            raise
        journal._written = max((int(path.stem) for path in folder.glob("[0-9]*.npz")), default=0)
        return journal

    def files(self) -> list[Path]:
        """What of the folder is the journal's."""
        return [path for path in self.folder.glob("*") if is_journal_file(path)]

    @contextmanager
    def recording(self) -> Iterator[None]:
        """What is asked in the block is recorded; however it ends, it is saved."""
        token = current.set(self)
        self._due = perf_counter() + self.interval
        try:
            yield
            self.save()
        except BaseException:
            with suppress(OSError):  # the error that passes tells more
                self.save()
            self.close()
            raise
        finally:
            current.reset(token)

    def save(self) -> None:
        """Write what is new.

        Raises
        ------
        OSError
            If the disk fails; what was saved before stays as it was.
        """
        began = perf_counter()
        self._noted = 0
        self._records = [record for record in self._records if record.is_worth_keeping]
        if not (self._records or self._open or self._done):
            self._due = began + self.interval
            return
        try:
            self._prepare()
            self._write_segment()
            for call, (mark, began_at, state) in self._open.items():
                arrays = state()
                if arrays is not None and sum(array.nbytes for array in arrays.values()) < LARGEST // 2:
                    about = {"mark": mark.hex(), "seconds": self._clock() - began_at}
                    write_checkpoint(self._state_of(call), arrays, about)
            while self._done:
                self._done.pop().unlink(missing_ok=True)
        except OSError as error:
            raise OSError(
                f"The checkpoint in '{self.folder}' cannot be written: {error.strerror or error}. What was saved "
                "before is good: make room, and resume."
            ) from error
        now = perf_counter()
        self._due = now + max(self.interval, _PATIENCE * (now - began))

    def discard(self) -> None:
        """Remove the folder: the run is done."""
        for path in self.files():
            path.unlink(missing_ok=True)
        self.close()
        with suppress(OSError):  # somebody has put something there
            self.folder.rmdir()

    def close(self) -> None:
        """Let another process have the folder."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    # --- what is asked -----------------------------------------------------------------------------------------------

    def answer(
        self,
        mark: bytes,
        count: int,
        compute: Compute,
        encode: Callable[[Any], Arrays | None],
        decode: Callable[[int, Arrays], Any],
    ) -> Iterator[Any]:
        """See `answered`."""
        call = self._next()
        found = self._find(call, mark)
        return self._answers(call, mark, count, found, compute, encode, decode)

    def _answers(
        self,
        call: int,
        mark: bytes,
        count: int,
        found: Found,
        compute: Compute,
        encode: Callable[[Any], Arrays | None],
        decode: Callable[[int, Arrays], Any],
    ) -> Iterator[Any]:
        open_ = [number for number in range(count) if number not in found.answers]
        since = perf_counter()

        def arrived(place: int, answer: Any) -> None:
            nonlocal since
            now = perf_counter()
            self._note(call, open_[place], mark, encode(answer), now - since)
            since = now

        fresh = compute(open_, arrived)
        for number in range(count):
            if number in found.answers:
                self.spared += found.seconds[number]
                yield decode(number, found.answers[number])
                continue
            since = perf_counter()
            with self._sleeping():
                answer = next(fresh)
            yield answer

    @contextmanager
    def progress(self, mark: bytes) -> Iterator[Progress]:
        """See `in_progress`."""
        call = self._next()
        found = self._find(call, mark)
        if found.answers:
            self.spared += found.seconds[0]
            yield Progress(found.answers[0])
            return
        path = self._state_of(call)
        began = self._clock()

        def offer(state: Callable[[], Arrays | None]) -> None:
            self._open[call] = (mark, began, state)
            self._save_if_due()

        progress = Progress(self._read_state(path, mark), offer)
        try:
            with self._sleeping():
                yield progress
        except BaseException:
            self._save_quietly()
            raise
        finally:
            self._open.pop(call, None)
        if progress._result is not None:
            self._done.append(path)
            self._note(call, 0, mark, progress._result, self._clock() - began)

    def keep(self, mark: bytes, compute: Callable[[], Arrays]) -> Arrays:
        """See `kept`."""
        call = self._next()
        found = self._find(call, mark)
        if found.answers:
            self.spared += found.seconds[0]
            return found.answers[0]
        began = self._clock()
        with self._sleeping():
            arrays = compute()
        self._note(call, 0, mark, arrays, self._clock() - began)
        return arrays

    def _clock(self) -> float:
        return perf_counter() + self.spared

    def _next(self) -> int:
        self._save_if_due()
        call = self._calls
        self._calls += 1
        return call

    @contextmanager
    def _sleeping(self) -> Iterator[None]:
        self.asleep = True
        try:
            yield
        finally:
            self.asleep = False

    def _note(self, call: int, number: int, mark: bytes, arrays: Arrays | None, seconds: float) -> None:
        size = 0 if arrays is None else sum(array.nbytes for array in arrays.values())
        if arrays is None or size > _FULL:
            return
        self._noted += size
        last = self._records[-1] if self._records else None
        if last is not None and last.call == call and last.is_like(arrays):
            last.numbers.append(number)
            last.rows.append(arrays)
            last.seconds += seconds
        else:
            if last is not None and not last.is_worth_keeping:
                self._records.pop()
            self._records.append(Record(call, mark, [number], [arrays], seconds))
        self._save_if_due()

    def _save_if_due(self) -> None:
        if perf_counter() >= self._due or self._noted > _FULL:
            self.save()

    def _save_quietly(self) -> None:
        with suppress(OSError):
            self.save()

    # --- segments ----------------------------------------------------------------------------------------------------

    def _prepare(self) -> None:
        """Make the folder, the first time, and say in it which run it keeps."""
        if self._lock is None:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._lock = _lock(self.folder)
        if not self.is_in(self.folder):
            write_checkpoint(self.folder / ABOUT, {}, {"versions": _versions(), **self.about})

    def _write_segment(self) -> None:
        if records := self._records:
            layouts: list[list[Any]] = []
            for record in records:
                if (layout := record.layout()) not in layouts:
                    layouts.append(layout)
            path = self.folder / f"{self._written + 1:08d}.npz"
            write_checkpoint(path, tabulate(records, layouts), {"layouts": layouts})
            self._written += 1
        self._records = []

    def _index(self) -> deque[_Segment]:
        """The segments that can be read, by the first call that they tell of."""
        index = []
        for path in sorted(self.folder.glob("[0-9]*.npz")):
            try:
                calls = read_segment(path)[0]["calls"]
                index.append(_Segment(int(calls.min()), int(calls.max()), path))
            except (ValueError, KeyError):
                self.damaged.append(path.name)
        return deque(sorted(index))

    def _find(self, call: int, mark: bytes) -> Found:
        found = Found()
        while self._segments and self._segments[0].last < call:  # calls only go up
            self._segments.popleft()
        for segment in takewhile(lambda segment: segment.first <= call, self._segments):
            table, layouts = self._read(segment.path)
            for row in np.flatnonzero(table["calls"] == call).tolist():
                if bytes(table["marks"][row]) != mark:
                    raise ValueError(
                        f"The run in '{self.folder}' asked otherwise than this one does: the program or a file that "
                        "it reads has changed since it was begun. Begin anew."
                    )
                take(found, table, layouts, row)
        return found

    def _state_of(self, call: int) -> Path:
        return self.folder / f"state-{call}.npz"

    def _read_state(self, path: Path, mark: bytes) -> Arrays | None:
        if not path.is_file():
            return None
        try:
            arrays, about = read_checkpoint(path)
        except ValueError:
            self.damaged.append(path.name)
            return None
        if about.get("mark") != mark.hex():
            return None
        self.spared += float(about["seconds"])
        return arrays


def _check_interval(interval: float) -> None:
    if not 0 < interval < float("inf"):
        raise ValueError(f"`interval` must be a time in seconds: got {interval!r}.")


def _versions() -> dict[str, str]:
    python = ".".join(map(str, sys.version_info[:2]))
    return {"python": python, **{name: version(name) for name in ("eqfree", "numpy", "numba", "scipy")}}


def _told(versions: Any) -> str:
    if not isinstance(versions, dict):
        return "an unknown version"
    return ", ".join(f"{short(name)[1:-1]} {short(number)[1:-1]}" for name, number in versions.items())


def _lock(folder: Path) -> int:
    descriptor = hold(folder)
    if descriptor is None:
        raise ValueError(
            f"A folder keeps one run at a time: another process is at work in '{folder}'. Wait for it, or give another."
        )
    return descriptor
