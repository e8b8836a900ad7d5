"""Numbers with their unit and their source, as tables of a file tell them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from types import MappingProxyType
from typing import Any

import numpy as np

from agents.ions.constants import ELEMENTARY_CHARGE

__all__ = [
    "CHARGE",
    "CONDUCTIVITY",
    "DENSITY",
    "DIFFUSIVITY",
    "ENERGY",
    "FREQUENCY",
    "HEAT_CONDUCTIVITY",
    "LENGTH",
    "SHARE",
    "TEMPERATURE",
    "Dimension",
    "Source",
    "Table",
    "Told",
    "as_source",
    "coordinates",
    "parse",
]

_REQUIRED: Any = object()
_MOLE = 6.02214076e23
_LARGEST = 1e40  # in SI and eV: beyond anything of a crystal, and products of a few such numbers are still numbers
_FARTHEST = 1000.0  # edges of a cell: no site of a cell lies so far from it


@dataclass(frozen=True)
class Dimension:
    """What kind of number is expected: the units it may have, how much each is, and an example.

    >>> ENERGY.units["meV"]
    0.001
    """

    name: str
    units: Mapping[str, float]
    example: str


LENGTH = Dimension("a length", {"angstrom": 1e-10, "Å": 1e-10, "pm": 1e-12, "nm": 1e-9, "m": 1.0}, "12.97 angstrom")
ENERGY = Dimension(
    "an energy",
    {"eV": 1.0, "meV": 1e-3, "J": 1 / ELEMENTARY_CHARGE, "kJ/mol": 1e3 / (_MOLE * ELEMENTARY_CHARGE)},
    "0.34 eV",
)
FREQUENCY = Dimension("a frequency", {"Hz": 1.0, "1/s": 1.0, "GHz": 1e9, "THz": 1e12}, "1e13 Hz")
TEMPERATURE = Dimension("a temperature", {"K": 1.0}, "300 K")
CHARGE = Dimension("a charge", {"e": 1.0, "C": 1 / ELEMENTARY_CHARGE}, "1 e")
CONDUCTIVITY = Dimension("a conductivity", {"S/cm": 100.0, "S/m": 1.0, "mS/cm": 0.1}, "2e-4 S/cm")
HEAT_CONDUCTIVITY = Dimension("a thermal conductivity", {"W/(m K)": 1.0, "W/m/K": 1.0}, "1.5 W/(m K)")
DENSITY = Dimension("a number density", {"1/cm3": 1e6, "1/m3": 1.0, "1/nm3": 1e27}, "3.17e21 1/cm3")
DIFFUSIVITY = Dimension("a diffusion coefficient", {"cm2/s": 1e-4, "m2/s": 1.0}, "1.33e-8 cm2/s")
SHARE = Dimension("a share", {"": 1.0, "%": 0.01}, "56/72")

_NUMBER = re.compile(r"([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?(?:/\d+\.?\d*)?)\s*(\S.*)?")


@dataclass(frozen=True)
class Source:
    """Where a number is from.

    Parameters
    ----------
    status
        ``"read"`` where the number was read in the paper itself or in a table that quotes it, ``"assumed"`` where it
        was not: chosen, idealised, or recalled.
    doi
        Of the paper; a number that was read has one.
    note
        What else one must know.

    Raises
    ------
    ValueError
        For another status, a doi that is none, or a number that was read nowhere.

    Examples
    --------
    >>> Source("read", "10.1039/c4ra15972a").status
    'read'
    """

    status: str
    doi: str = ""
    note: str = ""

    def __post_init__(self) -> None:
        if self.status not in ("read", "assumed"):
            raise ValueError(f"`status` of a source must be 'read' or 'assumed': got {self.status!r}.")
        if (self.doi or self.status == "read") and not re.fullmatch(r"10\.\d{4,}/\S+", self.doi):
            raise ValueError(
                f"`doi` of a source must be as 10.1039/c4ra15972a, and there must be one where a number was read: got "
                f"{self.doi!r}. Give it, or say 'assumed'."
            )


@dataclass(frozen=True)
class Told:
    """A number of a file as it stands there, and where it is from.

    >>> Told("ions.concentration", 7 / 9, "", "assumed", "", "7 Li a formula unit of at most 9").status
    'assumed'
    """

    quantity: str
    value: float
    unit: str
    status: str
    doi: str
    note: str


def parse(given: Any, dimension: Dimension, where: str) -> tuple[float, float, str]:
    """A number with its unit: in SI and eV, as given, and the unit.

    Raises
    ------
    ValueError
        If there is no number, no unit, or one of another dimension; says where, and gives an example.

    Examples
    --------
    >>> parse("12.5 angstrom", LENGTH, "edge")
    (1.25e-09, 12.5, 'angstrom')
    """
    said = (
        str(given) if dimension is SHARE and isinstance(given, int | float) and not isinstance(given, bool) else given
    )
    match = _NUMBER.fullmatch(said.strip()) if isinstance(said, str) else None
    unit = " ".join((match[2] or "").split()) if match else ""
    if match is None or unit not in dimension.units:
        units = ", ".join(name for name in dimension.units if name)
        raise ValueError(
            f'{where} must be {dimension.name} with its unit ({units}), as "{dimension.example}": got {given!r}.'
        )
    above, _, below = match[1].partition("/")
    value = float(above) / float(below) if below and float(below) else float(above) if not below else np.inf
    ours = value * dimension.units[unit]
    if not np.isfinite(value):
        raise ValueError(f"{where} must be finite: got {given!r}.")
    if ours and not 1 / _LARGEST < abs(ours) < _LARGEST:
        raise ValueError(f"{where} must be 0, or of a size that such numbers have: got {given!r}.")
    return ours, value, unit


@dataclass(frozen=True, eq=False)
class Table:
    """A table of a file, which knows its name, the named sources, and keeps what it told.

    Parameters
    ----------
    file, name
        What errors speak of.
    entries
        Its keys and values; ``source`` says where the numbers of the table are from: the name of a source, a source,
        or one of these for each key.
    sources
        The named sources.
    told
        Where the numbers are kept.

    Examples
    --------
    >>> told = []
    >>> hop = Table("salt.toml", "hops.jump", {"barrier": "0.3 eV", "source": {"status": "assumed"}}, told=told)
    >>> hop.number("barrier", ENERGY), told[0].quantity, told[0].status
    (0.3, 'hops.jump.barrier', 'assumed')
    """

    file: str
    name: str
    entries: Mapping[str, Any]
    sources: Mapping[str, Source] = field(default_factory=lambda: MappingProxyType({}))
    told: list[Told] = field(default_factory=list)

    def where(self, key: str) -> str:
        """How errors speak of a key."""
        return f"`{key}` in [{self.name}] of {self.file}" if self.name else f"`{key}` of {self.file}"

    def only(self, *keys: str) -> Table:
        """Itself, if it has no other keys (and ``source``).

        Raises
        ------
        ValueError
            Otherwise; names the nearest key that is known.
        """
        for key in self.entries:
            if key not in keys and key != "source":
                near = get_close_matches(key, keys, 1, 0.5)
                hint = f"Did you mean `{near[0]}`?" if near else f"Known are {', '.join(keys)}."
                raise ValueError(f"Every key must be a known one: got {self.where(key)}. {hint}")
        return self

    def get(self, key: str, kind: type | tuple[type, ...], what: str, default: Any = _REQUIRED) -> Any:
        """The value of a key that has no unit.

        Raises
        ------
        ValueError
            If it is not there and there is no default, or it is of another type.
        """
        if key not in self.entries:
            if default is _REQUIRED:
                raise ValueError(f"{self.where(key)} must be {what}: got nothing. Add it.")
            return default
        if not isinstance(self.entries[key], kind) or isinstance(self.entries[key], bool):
            raise ValueError(f"{self.where(key)} must be {what}: got {self.entries[key]!r}.")
        return self.entries[key]

    def number(self, key: str, dimension: Dimension, default: Any = _REQUIRED) -> Any:
        """A number with a unit, in SI and eV; its source is kept."""
        if key not in self.entries and default is not _REQUIRED:
            return default
        given = self.get(key, (str, int, float), f'{dimension.name} with its unit, as "{dimension.example}"')
        value, as_given, unit = parse(given, dimension, self.where(key))
        self.keep(key, key, as_given, unit)
        return value

    def numbers(self, key: str, dimension: Dimension) -> Any:
        """Rows of numbers with units, nested as they are in the file."""
        given = self.get(key, list, f'a list, each {dimension.name} with its unit, as "{dimension.example}"')

        def read(entry: Any, quantity: str) -> Any:
            if isinstance(entry, list):
                return [read(one, f"{quantity}[{i}]") for i, one in enumerate(entry)]
            value, as_given, unit = parse(entry, dimension, self.where(quantity))
            self.keep(quantity, key, as_given, unit)
            return value

        return read(given, key)

    def tables(self, key: str, what: str, default: Any = _REQUIRED) -> dict[str, Table]:
        """The tables of a table, by name; a list of tables is by number."""
        given = self.get(key, (dict, list), what, default)
        named = given.items() if isinstance(given, Mapping) else ((str(i), one) for i, one in enumerate(given))
        found = {}
        for name, entries in named:
            inner = f"{self.name}.{key}.{name}".lstrip(".")
            if not isinstance(entries, Mapping):
                raise ValueError(f"[{inner}] of {self.file} must be a table: got {entries!r}.")
            found[name] = Table(self.file, inner, entries, self.sources, self.told)
        return found

    def table(self, key: str, what: str) -> Table:
        """A table of a table."""
        return Table(self.file, f"{self.name}.{key}".lstrip("."), self.get(key, dict, what), self.sources, self.told)

    def keep(self, quantity: str, key: str, value: float, unit: str) -> Source:
        """Note a number that was told, with its source."""
        source = self.source(key)
        name = f"{self.name}.{quantity}".lstrip(".")
        self.told.append(Told(name, value, unit, source.status, source.doi, source.note))
        return source

    def source(self, key: str) -> Source:
        """Where the number of a key is from.

        Raises
        ------
        ValueError
            If that is not told, or told by a name that no source has.
        """
        given = self.entries.get("source")
        if isinstance(given, Mapping) and "status" not in given:
            given = given.get(key)
        if isinstance(given, str) and given in self.sources:
            return self.sources[given]
        if isinstance(given, Mapping):
            return as_source(given, f"source of {self.where(key)}")
        known = f" ({', '.join(self.sources)})" if self.sources else ""
        got = "none" if given is None else repr(given)
        raise ValueError(
            f"Every number must have a source, one of [sources]{known} or status and doi: got {got} for "
            f'{self.where(key)}. Add source = {{status = "assumed"}}, say.'
        )


def as_source(entries: Any, where: str) -> Source:
    """A source from its entries.

    >>> as_source({"status": "assumed"}, "source of `barrier`").doi
    ''
    """
    if not isinstance(entries, Mapping) or not _all_words(entries.values()) or "status" not in entries:
        raise ValueError(f'{where} must be as {{status = "read", doi = "10.1039/c4ra15972a"}}: got {entries!r}.')
    if unknown := set(entries) - {"status", "doi", "note"}:
        raise ValueError(f"{where} must have status, doi and note only: got {sorted(unknown)[0]!r}.")
    try:
        return Source(**entries)
    except ValueError as error:
        raise ValueError(f"{where}: {error}") from None


def _all_words(values: Iterable[Any]) -> bool:
    return all(isinstance(value, str) for value in values)


def coordinates(rows: Sequence[Any], axes: int, where: str) -> list[list[float]]:
    """Shares of the edges of a cell, a row for each site.

    >>> coordinates([[0, 0.5]], 2, "positions")
    [[0.0, 0.5]]
    """
    for row in rows:
        numbers = isinstance(row, list) and all(isinstance(x, int | float) and not isinstance(x, bool) for x in row)
        if not numbers or len(row) != axes or not all(abs(x) <= _FARTHEST for x in row):
            raise ValueError(f"{where} must be rows of {axes} shares of the edges, as [0.0, 0.5]: got {row!r}.")
    if not rows:
        raise ValueError(f"{where} must be at least one row: got none.")
    return [[float(x) for x in row] for row in rows]
