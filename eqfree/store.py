"""Results on disk: a folder holds a whole study or is not there.

::

    FOLDER/run.json        scenario, settings, values, checks, notes, failures, cost, and the names of the files; the
                           digest of fields.nc
    FOLDER/settings.toml   the settings again, to be edited and given to ``eqfree run --config``
    FOLDER/tables/*.csv    the tables
    FOLDER/fields.nc       the fields, where the study has some
    FOLDER/figures/*.png   the pictures
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from glob import escape
from pathlib import Path
from typing import Any, Protocol
from uuid import uuid4

from eqfree.checkpoint import TEMPORARY, hold, sync
from eqfree.journal import is_journal_file
from eqfree.loading import digest_of, load_study, read_document
from eqfree.results import Study

__all__ = ["CHECKPOINT", "Figure", "check_destination", "load_study", "recover", "save_study", "staged"]

CHECKPOINT = "checkpoint"  #: the folder within a result's in which an unfinished run is kept


class Figure(Protocol):
    """A picture that can be written: a Matplotlib figure is one."""

    def savefig(self, path: Path, /) -> object:
        """Write the picture in the format that the path's suffix names."""
        ...


def save_study(
    study: Study, folder: Path, figures: Mapping[str, Figure], movies: Mapping[str, Figure] | None = None
) -> list[str]:
    """Write a study, its figures and its movies into a folder, whole or not at all; the names of the files.

    Figures are named without suffix and become PNG files; the names of ``movies`` have theirs.

    An earlier result in ``folder`` is replaced. Of the tables, the columns are kept and the index is not; a number
    that is not finite comes back as NaN.

    Raises
    ------
    ValueError
        If ``folder`` cannot be written, or holds anything that eqfree did not write.
    OSError
        If the disk fails; ``folder`` is then as it was.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> study = Study("decay", settings={"seed": 0}, values={})
    >>> with TemporaryDirectory() as place:
    ...     files = save_study(study, Path(place, "decay"), figures={})
    ...     files, load_study(Path(place, "decay")).scenario
    (['run.json', 'settings.toml'], 'decay')
    """
    with staged(folder) as staging:
        _write_settings(study.settings, staging / "settings.toml")
        if study.tables:
            (staging / "tables").mkdir()
        for name, table in study.tables.items():
            table.to_csv(staging / "tables" / f"{name}.csv", index=False)
        if study.fields is not None:
            study.fields.to_netcdf(staging / "fields.nc", engine="h5netcdf")
        pictures = {f"{name}.png": figure for name, figure in figures.items()} | dict(movies or {})
        if pictures:
            (staging / "figures").mkdir()
        for name, picture in pictures.items():
            picture.savefig(staging / "figures" / name)
        files = sorted([*_files(staging), "run.json"])
        document = {key: value for key, value in study.to_json().items() if key != "tables"} | {"files": files}
        if study.fields is not None:
            document["digests"] = {"fields.nc": digest_of((staging / "fields.nc").read_bytes())}
        (staging / "run.json").write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n", "utf-8")
    return files


def check_destination(folder: Path) -> None:
    """Refuse a folder that a result cannot be written to, before minutes are spent on computing one.

    Raises
    ------
    ValueError
        If ``folder`` cannot be made or replaced here, or holds anything that eqfree did not write.

    Examples
    --------
    >>> from tempfile import NamedTemporaryFile
    >>> with NamedTemporaryFile() as file:
    ...     check_destination(Path(file.name, "results"))
    Traceback (most recent call last):
    ValueError: The folder for results must be one that can be written: got '...results' ...
    """
    place = _resolved(folder)
    try:
        _refuse_foreign(place)
        standing = next(parent for parent in place.parents if parent.exists())
        probe = _beside(standing / place.name, "probe")
        probe.mkdir()
        probe.rmdir()
    except OSError as error:
        raise ValueError(
            f"The folder for results must be one that can be written: got '{folder}' "
            f"({error.strerror or error}). Choose another folder."
        ) from error


@contextmanager
def staged(folder: Path) -> Iterator[Path]:
    """A hidden folder beside ``folder`` that takes its place at the end, or vanishes if anything is raised.

    What was in ``folder`` before stays until the new one is complete and on the disk. Parents that are
    missing are made, and removed again on failure.

    Raises
    ------
    ValueError
        As `check_destination`.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as place:
    ...     with staged(Path(place, "result")) as staging:
    ...         _ = (staging / "answer.txt").write_text("42")
    ...     Path(place, "result", "answer.txt").read_text()
    '42'
    """
    check_destination(folder)
    recover(folder)
    place = _resolved(folder)
    made = [parent for parent in place.parents if not parent.exists()]
    staging = _beside(place, "new")
    held: list[int] = []
    try:
        staging.mkdir(parents=True)
        held += _held(staging)
        yield staging
        for path in (*staging.rglob("*"), staging):
            sync(path)
        if place.exists():
            held += _held(place)
        _swap(staging, place)
        sync(place.parent)
    except BaseException:
        shutil.rmtree(staging, ignore_errors=True)
        for parent in made:
            with suppress(OSError):  # never made, or somebody else has put something there
                parent.rmdir()
        raise
    finally:
        for descriptor in held:
            os.close(descriptor)


def recover(folder: Path) -> None:
    """Put right what a process that was killed while it wrote has left beside a folder.

    What was in the folder before comes back if nothing had taken its place; the rest goes.

    >>> recover(Path("nowhere"))
    """
    place = _resolved(folder)
    for former in (True, False):
        for path in place.parent.glob(f".{escape(place.name)}{TEMPORARY}*-[nf]*"):
            with suppress(OSError):  # it has vanished meanwhile, or is somebody else's
                for descriptor in _held(path):  # nobody else holds it
                    if former and path.name.endswith("former") and not place.exists():
                        path.rename(place)
                    elif not former:
                        shutil.rmtree(path)
                    os.close(descriptor)


def _held(path: Path) -> list[int]:
    descriptor = hold(path)
    return [] if descriptor is None else [descriptor]


def _swap(staging: Path, place: Path) -> None:
    former = _beside(place, "former")
    try:
        if place.exists():
            place.rename(former)
        staging.rename(place)
    except BaseException:
        if former.exists() and not place.exists():
            former.rename(place)
        raise
    if former.exists():
        shutil.rmtree(former)


def _resolved(folder: Path) -> Path:
    return Path(os.path.realpath(folder))  # Path.resolve raises on a loop of links


def _beside(place: Path, what: str) -> Path:
    return place.with_name(f".{place.name}{TEMPORARY}{uuid4().hex[:12]}-{what}")


def _files(folder: Path) -> list[str]:
    return [path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_symlink() or not path.is_dir()]


def _refuse_foreign(place: Path) -> None:
    try:
        place.lstat()
    except FileNotFoundError:
        return
    if not place.is_dir():
        raise NotADirectoryError(f"'{place.name}' is no folder")
    if Path.cwd().is_relative_to(place) or place.is_mount():
        raise ValueError(
            f"A result replaces its whole folder, so it must have one of its own: got '{place}'. "
            "Name a folder inside it."
        )
    kept = {f"{CHECKPOINT}/{path.name}" for path in (place / CHECKPOINT).glob("*") if is_journal_file(path)}
    foreign = sorted(set(_files(place)) - _written_before(place) - kept)
    if foreign:
        raise ValueError(
            f"A folder for results must be new, empty or an earlier result: '{place}' holds '{foreign[0]}', "
            "which eqfree did not write. Choose another folder, or move the file."
        )


def _written_before(place: Path) -> set[str]:
    try:
        return set(read_document(place)["files"])
    except (ValueError, KeyError, TypeError):
        return set()


def _write_settings(settings: Mapping[str, Any], path: Path) -> None:
    import tomli_w

    path.write_text(tomli_w.dumps(_without_none(settings)), "utf-8")


def _without_none(settings: Mapping[str, Any]) -> dict[str, Any]:
    """TOML has no null: a setting that is None is one that is left out."""
    return {
        key: _without_none(value) if isinstance(value, Mapping) else value
        for key, value in settings.items()
        if value is not None
    }
