"""The user's files: looked at before SUMO, whose parser ends the process where XML is broken."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any, BinaryIO, cast
from xml.etree import ElementTree
from xml.parsers import expat

__all__ = ["check_additional", "check_network", "without_departures"]

_LARGEST = 1 << 30  # bytes, uncompressed
_CHUNK = 1 << 20
_DEPARTURES = ("flow", "vehicle", "trip", "person", "personFlow", "container", "containerFlow")


class _Found:
    """What a pass over a file found: its root, and the names of its edges."""

    def __init__(self) -> None:
        self.root = ""
        self.edges: set[str] = set()
        self.departures = False

    def begin(self, name: str, attributes: dict[str, str]) -> None:
        self.root = self.root or name
        self.departures = self.departures or name in _DEPARTURES
        if name == "edge" and "id" in attributes:
            self.edges.add(attributes["id"])


def check_network(file: str | Path, route: tuple[str, ...]) -> None:
    """Refuse what is no SUMO network with these edges.

    Raises
    ------
    ValueError
        If the file does not exist, is broken, larger than 1 GiB or no network, or lacks an edge.
    """
    found = _scan(Path(file))
    if found.root != "net":
        raise ValueError(f"A network is a file of SUMO's whose root is <net>: got <{found.root}> in {file}.")
    if unknown := [edge for edge in route if edge not in found.edges]:
        raise ValueError(f"The route must be of edges of the network: {file} has no {', '.join(unknown)}.")


def check_additional(file: str | Path) -> None:
    """Refuse what is no file of SUMO's to load besides a network.

    Raises
    ------
    ValueError
        If the file does not exist, is broken, larger than 1 GiB, or neither <additional> nor <routes>.
    """
    root = _scan(Path(file)).root
    if root not in ("additional", "routes"):
        raise ValueError(f"A file besides the network has the root <additional> or <routes>: got <{root}> in {file}.")


def without_departures(file: str | Path, copy: Path) -> Path:
    """The file itself, or a copy without vehicles and flows if it has some: a saved state has its own."""
    if not _scan(Path(file)).departures:
        return Path(file).resolve()
    with _open(Path(file)) as opened:
        tree = ElementTree.parse(opened)
    root = tree.getroot()
    for element in [one for one in root if one.tag in _DEPARTURES]:
        root.remove(element)
    tree.write(copy, "utf-8", xml_declaration=True)
    return copy


def _open(file: Path) -> BinaryIO:
    return cast(BinaryIO, gzip.open(file)) if file.suffix == ".gz" else file.open("rb")


def _scan(file: Path) -> _Found:
    if not file.is_file():
        raise ValueError(f"SUMO's files must exist: there is no {file}.")
    found, read = _Found(), 0
    parser = expat.ParserCreate()
    parser.StartElementHandler = found.begin
    parser.StartDoctypeDeclHandler = _refuse_doctype
    try:
        with _open(file) as opened:
            while chunk := opened.read(_CHUNK):
                read += len(chunk)
                if read > _LARGEST:
                    raise ValueError(f"SUMO's files must not be larger than {_LARGEST >> 30} GiB: {file} is.")
                parser.Parse(chunk, False)
            parser.Parse(b"", True)
    except (expat.ExpatError, EOFError, OSError) as error:
        raise ValueError(f"SUMO's files must be whole XML: {file} is broken, {error}.") from error
    return found


def _refuse_doctype(*_: Any) -> None:
    raise ValueError("SUMO's files need no document type, which may define entities without end: remove <!DOCTYPE>.")
