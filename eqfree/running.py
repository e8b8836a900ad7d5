"""A scenario run into a folder, or gone on with: computed under a journal, drawn, and written whole."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from os.path import isfile as is_file  # never raises, whatever the text
from pathlib import Path
from typing import Any
from warnings import warn

from eqfree.documents import read_bytes
from eqfree.fields import short
from eqfree.journal import Journal
from eqfree.results import Study
from eqfree.scenario import Context, Scenario, load_scenario
from eqfree.settings import ScenarioSettings, build_settings
from eqfree.store import CHECKPOINT, check_destination, recover, save_study

__all__ = ["Run", "begin_run", "resume_run"]

_LARGEST = 2**28  # bytes of a file that settings name: no reader takes so many


@dataclass(frozen=True, eq=False)
class Run:
    """A scenario, its settings, and where its result goes.

    Attributes
    ----------
    folder
        For the result; its folder ``checkpoint`` keeps what was computed until the result is there.
    movie
        The format of the movies, or None.
    journal
        What was computed so far.
    """

    folder: Path
    scenario: Scenario[Any]
    settings: ScenarioSettings
    movie: str | None
    journal: Journal

    def complete(self, context: Context) -> tuple[Study, list[str]]:
        """Compute what is missing, draw it, write it: the study and the names of the files.

        Raises
        ------
        OSError
            If the disk fails; what was computed before stays.
        """
        try:
            with self.journal.recording():
                study = self.scenario.run(self.settings, context)
            movies = self.scenario.film(study) if self.movie and self.scenario.film else {}
            named = {f"{title}.{self.movie}": made for title, made in movies.items()}
            return study, save_study(study, self.folder, self.scenario.draw(study), named)
        except OSError as error:
            if error.strerror is None:  # it says what it is about
                raise
            raise OSError(f"'{self.folder}' cannot be written: {error.strerror}.") from error
        finally:
            self.journal.close()

    @property
    def is_kept(self) -> bool:
        """Whether `resume_run` has something to go on from."""
        return Journal.has_answers(self.folder / CHECKPOINT)


def begin_run(
    folder: Path,
    scenario: Scenario[Any],
    settings: ScenarioSettings,
    *,
    movie: str | None = None,
    interval: float = 30.0,
    fresh: bool = False,
) -> Run:
    """A run that starts from nothing.

    Parameters
    ----------
    folder
        For the result.
    interval
        Seconds between checkpoints.
    fresh
        Whether an interrupted run that the folder keeps is given up.

    Raises
    ------
    ValueError
        If the folder cannot be written, holds what eqfree did not write, another process is at work in it, or it keeps
        an interrupted run.
    """
    recover(folder)
    check_destination(folder)
    place = folder / CHECKPOINT
    if Journal.has_answers(place) and not fresh:
        raise ValueError(
            f"'{folder}' keeps a run that was interrupted, and a new one would replace it. `eqfree resume {folder}` "
            "goes on with it; `--fresh` gives it up; `--out DIR` takes another folder."
        )
    about = {
        "scenario": scenario.name,
        "settings": settings.model_dump(mode="json"),
        "files": dict(_digests(settings.model_dump())),
        "from": str(Path.cwd()),
        "movie": movie,
    }
    return Run(folder, scenario, settings, movie, Journal.begin(place, about, interval=interval))


def resume_run(folder: Path, *, interval: float = 30.0, tell: Callable[[str], object] = warn) -> Run:
    """The run that was interrupted in a folder.

    Raises
    ------
    ValueError
        If there is none, it was begun with another version or damaged, a file that it reads has changed, or another
        process goes on with it.

    Examples
    --------
    >>> resume_run(Path("nowhere"))
    Traceback (most recent call last):
    ValueError: No interrupted run is kept in 'nowhere'. ...
    """
    recover(folder)
    if folder.exists() and Path.cwd().is_relative_to(folder.resolve()):
        raise ValueError(
            f"A run is resumed from outside its folder, which its result replaces: got '{folder}'. Leave it."
        )
    if not Journal.is_in(folder / CHECKPOINT):
        finished = (folder / "run.json").is_file()
        raise ValueError(
            f"No interrupted run is kept in '{folder}'. "
            + (f"`eqfree show {folder}` prints the finished one." if finished else "`eqfree run NAME` begins one.")
        )
    journal = Journal.resume(folder / CHECKPOINT, interval=interval, tell=tell)
    try:
        check_destination(folder)
        about = journal.about
        scenario = load_scenario(str(about["scenario"]))
        if sources := journal.changed_sources():
            raise ValueError(
                f"The program of the run in '{folder}' must be as it was: '{sources[0]}' has changed, and answers of "
                "before and after would be mixed. Put it back, or begin anew with `--fresh`."
            )
        settings = build_settings(scenario.settings, _given(about["settings"]), scenario=scenario.name)
        if changed := sorted(set(dict(_digests(settings.model_dump())).items()) ^ set(about["files"].items())):
            file = changed[0][0]
            what = "has changed" if is_file(file) else f"is not there, seen from here; it was from '{about['from']}'"
            raise ValueError(
                f"The files that the run in '{folder}' reads must be as they were: '{file}' {what}. Put it back, or "
                "begin anew with `--fresh`."
            )
        return Run(folder, scenario, settings, about["movie"], journal)
    except (KeyError, AttributeError, TypeError) as error:
        journal.close()
        raise ValueError(f"The checkpoint in '{folder}' is damaged ({error!r}). Begin anew with `--fresh`.") from error
    except BaseException:
        journal.close()
        raise


def _given(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Settings as a user gives them: those that are null are left out."""
    return {
        name: _given(value) if isinstance(value, Mapping) else value
        for name, value in settings.items()
        if value is not None
    }


def _digests(settings: Any) -> Iterator[tuple[str, str]]:
    """The files that settings name, each with the SHA-256 of its content."""
    if isinstance(settings, (str, Path)):
        if is_file(settings):
            try:
                content = read_bytes(Path(settings), _LARGEST)
            except ValueError as error:
                raise ValueError(
                    f"A file that settings name must be read: got {short(str(settings))}, {error}."
                ) from error
            yield str(settings), hashlib.sha256(content).hexdigest()
    elif isinstance(settings, Mapping):
        for value in settings.values():
            yield from _digests(value)
    elif isinstance(settings, (list, tuple)):
        for value in settings:
            yield from _digests(value)
