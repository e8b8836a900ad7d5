"""Files that anybody may have written: read whole, once they are known to be small enough and of the right kind.

As in `eqfree.documents`, which populations must not import.
"""

from __future__ import annotations

import re
import stat
import tomllib
from pathlib import Path
from typing import Any

__all__ = ["one_line", "parse_toml", "read_text"]

_SEPARATORS = re.compile(r"[,=\[\]{}\n]")
_DEEPEST = 64  # dots between two signs: of a key, so many tables in tables; tomllib takes the square of that


def read_text(path: Path, most: int) -> str:
    """The text of a regular file in UTF-8 of at most so many bytes, a mark at its beginning left out.

    Raises
    ------
    ValueError
        If it cannot be read, is no regular file, is larger, or no such text; a phrase that says why.

    Examples
    --------
    >>> read_text(Path("."), 10)
    Traceback (most recent call last):
    ValueError: it is a folder
    """
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):  # opening a pipe would wait for whoever writes to it
            raise ValueError("it is a folder" if stat.S_ISDIR(status.st_mode) else "it is no regular file")
        if status.st_size > most:
            raise ValueError(f"it has {status.st_size} bytes, where {most} are the most")
        with path.open("rb") as file:
            content = file.read(most + 1)
    except OSError as error:
        raise ValueError(error.strerror or type(error).__name__) from error
    if len(content) > most:  # it grew meanwhile, or does not tell its size
        raise ValueError(f"it has more than {most} bytes, which are the most")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError("it is no text in UTF-8") from error
    if "\0" in text:
        raise ValueError("it is no text: it has a character 0")
    return text


def parse_toml(text: str) -> dict[str, Any]:
    """What a text in TOML says.

    Raises
    ------
    ValueError
        If it is no TOML, or tables lie too deep in tables.

    Examples
    --------
    >>> parse_toml("[road]\\ncars = 60")
    {'road': {'cars': 60}}
    """
    if any(part.count(".") > _DEEPEST for part in _SEPARATORS.split(text)):
        raise ValueError(f"more than {_DEEPEST} dots follow each other")
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise ValueError("its lists or tables lie too deep in each other") from None
    except ValueError as error:
        raise ValueError(one_line(str(error), 200)) from None


def one_line(text: str, most: int = 400) -> str:
    """A text on one line, without signs that do not print, cut at so many characters.

    >>> one_line("a\\nb\\x1b[31m" + 9 * "c", 10)
    'a b[31mcc…'
    """
    line = "".join(sign for sign in " ".join(text.split()) if sign.isprintable())
    return line if len(line) <= most else line[: most - 1] + "…"
