"""Questions that go through the journal, if there is one."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter
from typing import Any
from warnings import warn

from eqfree.fields import short
from eqfree.journal.journal import Compute, Journal, Progress, current
from eqfree.journal.segments import Arrays

__all__ = ["answered", "checkpoints", "clock", "in_progress"]


@contextmanager
def checkpoints(
    folder: str | os.PathLike[str], settings: Mapping[str, Any] | None = None, *, interval: float = 30.0
) -> Iterator[None]:
    """Keep what is computed in the block, so that a run that was killed goes on where it was.

    Run the same program again: what its bursts had answered is read from ``folder``, and all that follows comes out
    bit for bit as if nothing had happened. When the block ends well, the folder is removed: write your results in
    the block. Bursts that are made again about as soon as they are read are not kept. The program must be the same:
    where a source file of it has changed since, that is warned of, and it is you who knows whether the answers have.

    *How to choose.* ``interval``: as much time as you are ready to lose. Writing takes less than a hundredth of
    the time, however short it is.

    Parameters
    ----------
    folder
        Where to; made if it is not there. It belongs to one run.
    settings
        JSON values that the results depend on; a run with others does not go on with this one's answers.
    interval
        Between saves, in seconds. A block that is left by an error or an interruption is saved as well.

    Raises
    ------
    ValueError
        If ``folder`` holds the answers of other settings, of another version, or of a program that asks otherwise.
    OSError
        If it cannot be written; what was saved before stays.

    Examples
    --------
    >>> import eqfree as ef, numpy as np
    >>> from tempfile import TemporaryDirectory
    >>> decay = ef.micro_model(lambda u, rng: u, lambda u, t, rng: u * np.exp(-t), lambda u: u, deterministic=True)
    >>> with TemporaryDirectory() as place, checkpoints(f"{place}/run"):
    ...     ef.CoarseTimeStepper(decay)([1.0], duration=0.5).round(3)
    array([0.607])
    """
    place = Path(folder)
    about = {"settings": _as_json(settings or {})}
    if Journal.is_in(place):
        journal = Journal.resume(place, interval=interval)
        for path in journal.changed_sources():
            warn(
                f"'{path}' has changed since the run in '{place}' was begun, whose answers are kept. If the change is "
                f"in what bursts do, remove '{place}' and begin anew.",
                stacklevel=3,
            )
        if journal.about.get("settings") != about["settings"]:
            journal.close()
            raise ValueError(
                f"`settings` must be those of the run that '{place}' keeps: got {short(about['settings'])} instead of "
                f"{short(journal.about.get('settings'))}. Give those, another folder, or remove it to begin anew."
            )
    else:
        journal = Journal.begin(place, about, interval=interval)
    with journal.recording():
        yield
    journal.discard()


def _as_json(settings: Mapping[str, Any]) -> Any:
    try:
        return json.loads(json.dumps(settings))
    except (TypeError, ValueError) as error:
        raise ValueError(f"`settings` must be JSON values: got {short(settings)} ({error}).") from error


def answered(
    mark: Callable[[], bytes],
    count: int,
    compute: Compute,
    encode: Callable[[Any], Arrays | None],
    decode: Callable[[int, Arrays], Any],
) -> Iterator[Any]:
    """Answers to ``count`` questions in their order: from the journal where it has them, else from ``compute``.

    Parameters
    ----------
    mark
        Of the questions: what must be the same when a run asks them again.
    compute
        ``compute(numbers, arrived)`` takes the questions that are open and yields their answers in that order; it calls
        ``arrived(place among them, answer)`` as soon as an answer is there.
    encode, decode
        From an answer to named arrays, or None where it is none, and back, given the number of the question.
    """
    journal = current.get()
    if journal is None or not journal.is_open:
        return compute(range(count), lambda place, answer: None)
    return journal.answer(mark(), count, compute, encode, decode)


@contextmanager
def in_progress(mark: Callable[[], bytes]) -> Iterator[Progress]:
    """A calculation that keeps its own state; what its bursts answer is not kept."""
    journal = current.get()
    if journal is None or not journal.is_open:
        yield Progress()
        return
    with journal.progress(mark()) as progress:
        yield progress


def clock() -> float:
    """Seconds of computing from some moment on: those of a run that was interrupted count as well.

    >>> clock() <= clock()
    True
    """
    journal = current.get()
    return perf_counter() + (0.0 if journal is None else journal.spared)
