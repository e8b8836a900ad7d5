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
from threading import get_ident
from time import perf_counter
from typing import Any, NamedTuple, TypeAlias
from warnings import warn

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
    size_of,
    tabulate,
    take,
)
from eqfree.journal.sources import changed_sources, digest_sources

__all__ = ["Compute", "Journal", "Progress", "current"]

Tell: TypeAlias = Callable[[str], object]
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
    tell
        What is told a sentence that the user must know.
    """

    def __init__(self, folder: Path, about: Mapping[str, Any], interval: float, tell: Tell = warn) -> None:
        if not (isinstance(interval, (int, float)) and 0 < interval < float("inf")):
            raise ValueError(f"`interval` must be a time in seconds, more than 0 and finite: got {interval!r}.")
        self.folder, self.about, self.interval, self.tell = folder, about, interval, tell
        self.spared = 0.0  # seconds of computing that were read from the disk
        self._asleep = False  # whether an answer is being computed: what it asks is part of it
        self._thread = get_ident()
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
        self._soonest = perf_counter()

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
        journal = cls(folder, about, interval)
        journal._clear()
        return journal

    @classmethod
    def resume(cls, folder: Path, *, interval: float = 30.0, tell: Tell = warn) -> Journal:
        """The journal of a run that was interrupted. What is damaged is left out, and told.

        Raises
        ------
        ValueError
            If none is kept there, another process goes on with it, or another version began it.
        """
        if not cls.is_in(folder):
            raise ValueError(f"No interrupted run is kept in '{folder}'. Begin one.")
        _, about = read_checkpoint(folder / ABOUT)
        if (found := about.pop("versions", None)) != _versions():
            raise ValueError(
                f"The run in '{folder}' was begun with {_told(found)}: this is {_told(_versions())}, whose bits may "
                "differ. Install those again, or begin anew."
            )
        journal = cls(folder, about, interval, tell)
        try:
            sweep_temporaries(folder)
            journal._segments = journal._index()
        except BaseException:
            journal.close()
            raise
        return journal

    def changed_sources(self) -> list[str]:
        """The files of the program that are not as they were when it was begun; a ValueError if that is damaged."""
        sources = self.about.get("sources", {})
        if not (isinstance(sources, dict) and all(isinstance(digest, str) for digest in sources.values())):
            raise ValueError(f"The checkpoint in '{self.folder}' is damaged. Begin anew.")
        return changed_sources(sources)

    @property
    def is_open(self) -> bool:
        """Whether this thread may write to it now."""
        return not self._asleep and self._thread == get_ident()

    @contextmanager
    def recording(self) -> Iterator[None]:
        """What is asked in the block is recorded and, however it ends, saved.

        Bad input is the exception, unless something is saved already: a run of it would only come to the same error.
        """
        token = current.set(self)
        self._thread = get_ident()  # other threads may inherit the context, and come in any order
        self._due = perf_counter() + self.interval
        try:
            yield
            self.save()
        except BaseException as error:
            self._save_after(error)
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
        for record in self._records:
            if not record.is_worth_keeping:
                record.rows, record.seconds = [], 0.0
        self._records = [record for record in self._records if record.rows]
        if not (self._records or self._open or self._done):
            self._noted, self._due = 0, began + self.interval
            return
        try:
            self._prepare()
            self._write_segment()
            for call, (mark, began_at, state) in self._open.items():
                arrays = state()
                if arrays is not None and size_of(arrays) < LARGEST // 2:
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
        self._soonest = now + _PATIENCE * (now - began)
        self._due = max(now + self.interval, self._soonest)

    def discard(self) -> None:
        """Remove the folder: the run is done."""
        self._clear()
        self.close()
        with suppress(OSError):  # somebody has put something there
            self.folder.rmdir()

    def _clear(self) -> None:
        if self.is_in(self.folder):
            for path in self.folder.glob("*"):
                if is_journal_file(path):
                    path.unlink(missing_ok=True)

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
        record = Record(call, mark)
        since = perf_counter()

        def arrived(place: int, answer: Any) -> None:
            nonlocal since
            now = perf_counter()
            record.seconds += now - since
            since = now
            self._note(record, open_[place], encode(answer))

        fresh = compute(open_, arrived)
        for number in range(count):
            if number in found.answers:
                self.spared += found.seconds[number]
                yield decode(number, found.answers[number])
                continue
            since = perf_counter()
            self._asleep = True
            try:
                answer = next(fresh)
            finally:
                self._asleep = False
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
        self._asleep = True
        try:
            yield progress
        except BaseException as error:
            self._save_after(error)
            raise
        finally:
            self._asleep = False
            self._open.pop(call, None)
        if progress._result is not None:
            self._done.append(path)
            self._note(Record(call, mark, self._clock() - began), 0, progress._result)

    def _clock(self) -> float:
        return perf_counter() + self.spared

    def _next(self) -> int:
        self._save_if_due()
        call = self._calls
        self._calls += 1
        return call

    def _note(self, record: Record, number: int, arrays: Arrays | None) -> None:
        """Add an answer to the record of its call, unless too much waits to be saved already."""
        size = 0 if arrays is None else size_of(arrays)
        if arrays is not None and self._noted + size <= _FULL:
            if not record.rows:
                if self._records and not self._records[-1].is_worth_keeping:
                    self._noted -= self._records.pop().size
                self._records.append(record)
            record.rows.append((number, arrays))
            self._noted += size
        self._save_if_due()

    def _save_if_due(self) -> None:
        now = perf_counter()
        if now >= self._due or (self._noted > _FULL // 2 and now >= self._soonest):
            self.save()

    def _save_after(self, error: BaseException) -> None:
        if not isinstance(error, ValueError) or self.is_in(self.folder):
            with suppress(OSError, ValueError):  # the error that passes tells more
                self.save()

    # --- segments ----------------------------------------------------------------------------------------------------

    def _prepare(self) -> None:
        """Make the folder, the first time, and say in it which run it keeps."""
        if self._lock is None:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._lock = _lock(self.folder)
        if not self.is_in(self.folder):
            about = {"versions": _versions(), "sources": digest_sources(), **self.about}
            write_checkpoint(self.folder / ABOUT, {}, about)

    def _write_segment(self) -> None:
        if self._records:
            table, layouts = tabulate(self._records)
            write_checkpoint(self.folder / f"{self._written + 1:08d}.npz", table, {"layouts": layouts})
            self._written += 1
        for record in self._records:
            record.rows, record.seconds = [], 0.0  # a call that is not done yet begins another
        self._records, self._noted = [], 0

    def _index(self) -> deque[_Segment]:
        """The segments that can be read, by the first call that they tell of."""
        index = []
        for path in sorted(path for path in self.folder.glob("0*.npz") if is_answer(path)):
            self._written = int(path.stem)
            try:
                calls = read_segment(path)[0]["calls"]
                index.append(_Segment(int(calls.min()), int(calls.max()), path))
            except ValueError:
                self._tell_of(path)
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
                        "it reads has changed since it was begun. Put it back, or remove the folder to begin anew."
                    )
                take(found, table, layouts, row)
        return found

    def _tell_of(self, path: Path) -> None:
        self.tell(f"'{path}' is damaged: what it kept is computed again.")

    def _state_of(self, call: int) -> Path:
        return self.folder / f"state-{call}.npz"

    def _read_state(self, path: Path, mark: bytes) -> Arrays | None:
        if not path.is_file():
            return None
        try:
            arrays, about = read_checkpoint(path)
        except ValueError:
            self._tell_of(path)
            return None
        if about.get("mark") != mark.hex():
            return None
        self.spared += float(about["seconds"])
        return arrays


def _versions() -> dict[str, str]:
    python = ".".join(map(str, sys.version_info[:2]))
    return {"python": python, **{name: version(name) for name in ("eqfree", "mesa", "numba", "numpy", "scipy")}}


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
