"""Results read back from the disk: whatever is there was perhaps damaged, or written by somebody else."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from hashlib import sha256
from io import BytesIO, StringIO
from math import nan
from pathlib import Path, PurePosixPath
from typing import Any

from eqfree.documents import one_line, read_bytes, read_text
from eqfree.fields import short
from eqfree.results import Check, Cost, Relation, Study, Value

__all__ = ["digest_of", "load_study", "read_document"]

_DOCUMENT, _TABLES, _FIELDS = 2**23, 2**26, 2**28  # bytes: of run.json, of all tables, of fields.nc
_MANY = 10_000  # values, checks, tables, columns of a table
_TEXTS = ("unit", "quantity", "source")


def load_study(folder: Path) -> Study:
    """The study that `save_study` wrote into a folder.

    Raises
    ------
    ValueError
        If ``folder`` holds no result of eqfree, or a damaged one; nothing that is larger than it can be is read.

    Examples
    --------
    >>> load_study(Path("nowhere"))
    Traceback (most recent call last):
    ValueError: A result is a folder that `eqfree run` wrote, with a run.json in it: got 'nowhere'. ...
    """
    if not _is_file(folder / "run.json"):
        raise ValueError(
            f"A result is a folder that `eqfree run` wrote, with a run.json in it: got {short(str(folder))}. "
            "Give the folder that `eqfree run` named, or run the scenario again."
        )
    try:
        document = read_document(folder)
        files = _names(document["files"])
        return Study(
            scenario=_text(document["scenario"]),
            settings=_of(dict, document["settings"]),
            values={_text(name): Value(**_entries(entry)) for name, entry in _some(dict, document["values"]).items()},
            checks=tuple(_check(entry) for entry in _some(list, document["checks"])),
            tables=_read_tables(folder, files),
            fields=_read_fields(folder, document) if "fields.nc" in files else None,
            notes=tuple(_text(note) for note in _some(list, document["notes"])),
            failures=tuple(_text(failure) for failure in _some(list, document["failures"])),
            cost=Cost(**_entries(document["cost"])),
        )
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise ValueError(
            f"The result in {short(str(folder))} is damaged ({type(error).__name__}: {one_line(str(error), 200)}). "
            "Run the scenario again."
        ) from error


def read_document(folder: Path) -> dict[str, Any]:
    """What run.json says.

    Raises
    ------
    ValueError
        If it cannot be read, is larger than 8 MiB or holds no JSON object.

    Examples
    --------
    >>> read_document(Path("nowhere"))
    Traceback (most recent call last):
    ValueError: No such file or directory
    """
    try:
        document: dict[str, Any] = _of(dict, json.loads(read_text(folder / "run.json", _DOCUMENT)))
    except RecursionError:
        raise ValueError("run.json: its lists lie too deep in each other") from None
    return document


def digest_of(content: bytes) -> str:
    """By which a file that is not text is known to be as it was written: SHA-256.

    >>> digest_of(b"")[:8]
    'e3b0c442'
    """
    return sha256(content).hexdigest()


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # a name that is too long, a folder that must not be entered
        return False


# --- values of JSON --------------------------------------------------------------------------------------------------


def _of(kind: type, value: Any) -> Any:
    if not isinstance(value, kind):
        raise ValueError(f"{short(value)} should be a {kind.__name__}")
    return value


def _some(kind: type, value: Any) -> Any:
    if len(_of(kind, value)) > _MANY:
        raise ValueError(f"{len(value)} entries, where {_MANY} are the most")
    return value


def _text(value: Any) -> str:
    """A text that does nothing to the terminal on which it is shown."""
    if not all(sign.isprintable() or sign in "\n\t" for sign in _of(str, value)):
        raise ValueError(f"{short(value)} has signs that do not print")
    return str(value)


def _number(value: Any) -> float:
    """A number; one that was not finite is null."""
    if value is None:
        return nan
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ValueError(f"{short(value)} should be a number")
    float(value)  # an integer that is beyond them is an OverflowError
    return value


def _entries(entry: Any) -> dict[str, Any]:
    return {key: _text(value) if key in _TEXTS else _number(value) for key, value in _of(dict, entry).items()}


def _check(entry: Any) -> Check:
    given = {key: value for key, value in _of(dict, entry).items() if key not in ("ok", "relation")}
    return Check(relation=Relation(entry["relation"]), **_entries(given))


# --- files -----------------------------------------------------------------------------------------------------------


def _names(files: Any) -> list[str]:
    """The files of a result, which lie in its folder."""
    for name in _some(list, files):
        if PurePosixPath(_text(name)).is_absolute() or ".." in PurePosixPath(name).parts:
            raise ValueError(f"{short(name)} is no file in its folder")
    return list(files)


def _read_tables(folder: Path, files: Sequence[str]) -> dict[str, Any]:
    import pandas as pd

    tables, room = {}, _TABLES
    for name in files:
        if not name.startswith("tables/"):
            continue
        text = _read(folder, name, room)
        room -= len(text)
        if text.partition("\n")[0].count(",") > _MANY:
            raise ValueError(f"{name} has more than {_MANY} columns")
        try:
            tables[Path(name).stem] = pd.read_csv(StringIO(text), keep_default_na=False, na_values=[""])
        except Exception as error:  # whatever pandas makes of a damaged table
            raise ValueError(f"{name}: {error}") from error
    return tables


def _read(folder: Path, name: str, most: int) -> str:
    try:
        return read_text(folder / name, most)
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from error


def _read_fields(folder: Path, document: Mapping[str, Any]) -> Any:
    """The fields, if they are as they were written: what reads them does not doubt them."""
    import h5py  # type: ignore[import-untyped]
    import xarray as xr

    content = read_bytes(folder / "fields.nc", _FIELDS)
    if _of(dict, document["digests"])["fields.nc"] != digest_of(content):
        raise ValueError("fields.nc is not as it was written")
    try:
        with h5py.File(BytesIO(content), "r") as file:
            file.visititems_links(_refuse_elsewhere)
            file.visititems(lambda _, item: _refuse_inflated(item, len(content)))
        return xr.load_dataset(BytesIO(content), engine="h5netcdf")
    except Exception as error:  # whatever the libraries make of what only looks like one
        raise ValueError(f"fields.nc: {error}") from error


def _refuse_elsewhere(name: str, link: Any) -> None:
    import h5py

    if not isinstance(link, h5py.HardLink):
        raise ValueError(f"{short(name)} is a link to somewhere else")


def _refuse_inflated(item: Any, size: int) -> None:
    """Arrays lie in the file as they are: nothing is taken from another file, and nothing grows when it is read."""
    import h5py

    if not isinstance(item, h5py.Dataset):
        return
    kept = item.id.get_create_plist()
    plain = kept.get_layout() in (h5py.h5d.CONTIGUOUS, h5py.h5d.COMPACT)
    if not plain or kept.get_external_count() or kept.get_nfilters() or item.nbytes > size:
        raise ValueError(f"{short(item.name)} is not kept as eqfree keeps it")
