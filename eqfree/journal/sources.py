"""The program that asks: the source files that are no library's, and whether they are as they were."""

from __future__ import annotations

import hashlib
import sys
import sysconfig
from collections.abc import Mapping
from pathlib import Path

__all__ = ["changed_sources", "digest_sources"]


def digest_sources() -> dict[str, str]:
    """The files of the modules that are loaded, but those of Python and of what is installed: path -> SHA-256.

    >>> all(path.endswith(".py") for path in digest_sources())
    True
    """
    libraries = {Path(sysconfig.get_path(name)) for name in ("stdlib", "platstdlib", "purelib", "platlib")}
    files = {getattr(module, "__file__", None) for module in list(sys.modules.values())}
    paths = {Path(file) for file in files if isinstance(file, str) and file.endswith(".py")}
    return {
        str(path): digest
        for path in sorted(paths)
        if libraries.isdisjoint(path.parents) and (digest := _digest(path)) is not None
    }


def changed_sources(sources: Mapping[str, str]) -> list[str]:
    """Which of the files are there and are not as they were.

    >>> changed_sources({"nowhere.py": "0"})
    []
    """
    return [path for path, digest in sources.items() if _digest(Path(path)) not in (None, digest)]


def _digest(path: Path) -> str | None:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return None
