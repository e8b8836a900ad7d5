"""How reaction networks are written: one reaction a line, with units that are checked."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from agents.molecules.units import Unit, Units

__all__ = ["Reaction", "Sheet", "read_sheet", "write_side"]

_NAME = re.compile(r"[^\W\d]\w*")
_WHOLE = re.compile(r"\d+(?![\d.])")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_ARROW = re.compile(r"<->|->")
_LABEL = re.compile(r"([^\W\d]\w*)\s*:")
_ASSIGNMENT = re.compile(r"[^\W\d]\w*\s*=(?!>)")
_BLANK = re.compile(r"\s*")
_LINE_END = re.compile(r"\r\n|\r|\n")
_MANY = 2000  # reactions, and species: tables of a network grow with their product
_MOST = 99  # molecules of a species on one side, and the power of a unit
_MARK = "\ufeff"  # with which some editors begin a file


@dataclass(frozen=True)
class Reaction:
    """One direction of a reaction: molecules of each species that go in and come out, and its constant.

    Examples
    --------
    >>> read_sheet("2X -> X2, k=1").reactions[0].reactants
    {'X': 2}
    """

    name: str
    reactants: Mapping[str, int]
    products: Mapping[str, int]
    rate: float


@dataclass
class Sheet:
    """What a text says: units, reactions and concentrations at the start, in the order in which they come.

    Examples
    --------
    >>> read_sheet("X = 2; X -> 0, k=1".replace("; ", chr(10))).concentrations
    {'X': 2.0}
    """

    units: Units = field(default_factory=Units)
    reactions: list[Reaction] = field(default_factory=list)
    concentrations: dict[str, float] = field(default_factory=dict)
    names: set[str] = field(default_factory=set)
    """Of the reactions."""
    species: dict[str, int] = field(default_factory=dict)
    """Their places, in the order in which they react."""


def read_sheet(text: str) -> Sheet:
    """Read a network; the notation is that of `Network.parse`.

    Raises
    ------
    ValueError
        Where the text cannot be read: the line and column (from 1), what was expected and what is there.

    Examples
    --------
    >>> [reaction.name for reaction in read_sheet("bind: E + S <-> C, k=1, k_back=2").reactions]
    ['bind', 'bind_back']
    """
    sheet = Sheet()
    given: dict[str, ValueError] = {}
    for number, line in enumerate(_LINE_END.split(text.removeprefix(_MARK)), start=1):
        cursor = _Cursor(line.split("#", 1)[0].rstrip(), number)
        if cursor.at_end():
            continue
        start = cursor.place
        if cursor.word("unit"):
            _read_unit_line(cursor, sheet, start)
        elif cursor.sees(_ASSIGNMENT):
            unknown = cursor.wrong("expected the concentration of a species that reacts", cursor.place)
            given[_read_concentration(cursor, sheet)] = unknown
        else:
            _read_reaction(cursor, sheet)
        if len(sheet.reactions) > _MANY or len(sheet.species) > _MANY:
            raise ValueError(f"Line {number}: a network has at most {_MANY} reactions and {_MANY} species, got more.")
    for name, unknown in given.items():
        if name not in sheet.species:
            raise ValueError(f"{unknown}, got {name}.")
    return sheet


def write_side(side: Mapping[str, int]) -> str:
    """One side of a reaction as one writes it.

    >>> write_side({"X": 2, "Y": 1})
    '2 X + Y'
    """
    return " + ".join(name if count == 1 else f"{count} {name}" for name, count in side.items()) or "0"


class _Cursor:
    """A place in a line."""

    def __init__(self, line: str, number: int) -> None:
        self.line, self.number, self.place = line, number, 0

    def _skip(self) -> None:
        blank = _BLANK.match(self.line, self.place)
        self.place = blank.end() if blank else self.place

    def at_end(self) -> bool:
        self._skip()
        return self.place == len(self.line)

    def sees(self, pattern: re.Pattern[str]) -> bool:
        self._skip()
        return pattern.match(self.line, self.place) is not None

    def take(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        self._skip()
        match = pattern.match(self.line, self.place)
        if match:
            self.place = match.end()
        return match

    def skip(self, literal: str) -> bool:
        self._skip()
        if not self.line.startswith(literal, self.place):
            return False
        self.place += len(literal)
        return True

    def word(self, word: str) -> bool:
        return self.take(re.compile(rf"{word}\b(?!\s*[:=+\-<,])")) is not None

    def need(self, pattern: re.Pattern[str], expected: str) -> str:
        match = self.take(pattern)
        if match is None:
            raise self.error(expected)
        return match.group()

    def need_literal(self, literal: str) -> None:
        if not self.skip(literal):
            raise self.error(f"`{literal}`")

    def error(self, expected: str) -> ValueError:
        self._skip()
        rest = self.line[self.place :]
        got = f"`{rest.split()[0]}`" if rest else "the end of the line"
        return self.wrong(f"expected {expected}, got {got}.", self.place)

    def wrong(self, what: str, place: int) -> ValueError:
        return ValueError(f"Line {self.number}, column {place + 1}: {what}")


def _read_unit_line(cursor: _Cursor, sheet: Sheet, start: int) -> None:
    if sheet.reactions or sheet.concentrations:
        raise cursor.wrong("units must come before the first reaction and the first concentration.", start)
    kind = cursor.need(re.compile(r"concentration\b|time\b"), "`concentration` or `time`")
    cursor.need_literal("=")
    cursor.at_end()
    place = cursor.place
    name = cursor.need(_NAME, "the name of a unit")
    if getattr(sheet.units, kind):
        raise cursor.wrong(f"the unit of {kind} was given before.", start)
    if Units.kind(name) not in (None, kind):
        raise cursor.wrong(f"`{name}` is a unit of {Units.kind(name)}, not of {kind}.", place)
    if not cursor.at_end():
        raise cursor.error("the end of the line")
    concentration, time = sheet.units.concentration, sheet.units.time
    sheet.units = Units(name, time) if kind == "concentration" else Units(concentration, name)


def _read_concentration(cursor: _Cursor, sheet: Sheet) -> str:
    place = cursor.place
    name = cursor.need(_NAME, "a species")
    if name in sheet.concentrations:
        raise cursor.wrong(f"the concentration of {name} was given before.", place)
    cursor.need_literal("=")
    wanted = Unit(1.0, int(bool(sheet.units.concentration)), 0)
    sheet.concentrations[name] = _read_quantity(cursor, sheet.units, wanted, f"the concentration of {name}")
    if not cursor.at_end():
        raise cursor.error("the end of the line")
    return name


def _read_reaction(cursor: _Cursor, sheet: Sheet) -> None:
    place = cursor.place
    label = cursor.take(_LABEL)
    reactants = _read_side(cursor, "`+`, `->` or `<->`")
    arrow = cursor.need(_ARROW, "`+`, `->` or `<->`")
    products = _read_side(cursor, "`+` or `, k=...`")
    for species in (*reactants, *products):
        sheet.species.setdefault(species, len(sheet.species))
    reactants, products = (
        {species: side[species] for species in sorted(side, key=sheet.species.__getitem__)}
        for side in (reactants, products)
    )
    if not reactants and not products:
        raise cursor.wrong("a reaction needs a species on one side at least.", place)
    ways = [("k", reactants, products, "")]
    if arrow == "<->":
        ways.append(("k_back", products, reactants, "_back"))
    for key, before, after, suffix in ways:
        rate = _read_rate(cursor, sheet.units, key, sum(before.values()))
        name = f"{label.group(1)}{suffix}" if label else f"{write_side(before)} -> {write_side(after)}"
        if name in sheet.names:
            raise cursor.wrong(f"the reaction `{name}` was given before. Add up the constants, or name it.", place)
        sheet.reactions.append(Reaction(name, before, after, rate))
        sheet.names.add(name)
    if not cursor.at_end():
        hint = " (`k_back` belongs to `<->`)" if arrow == "->" else ""
        raise cursor.error(f"the end of the line{hint}")


def _read_side(cursor: _Cursor, after: str) -> dict[str, int]:
    if cursor.skip("∅") or cursor.take(re.compile(r"0(?![\d.\w])(?!\s*[^\W\d])")):
        if cursor.sees(re.compile(r"\+")):
            raise cursor.wrong("a side without species is `0` alone, without `+`.", cursor.place)
        return {}
    side: dict[str, int] = {}
    while True:
        place = cursor.place
        count = cursor.take(_WHOLE)
        digits = count.group().lstrip("0") if count else "1"
        if not digits:
            raise cursor.wrong("a species that takes part does so at least once: got 0.", place)
        if len(digits) > 2:
            raise cursor.wrong(f"at most {_MOST} molecules of a species react at once: got {digits[:20]}.", place)
        name = cursor.need(_NAME, "a species" if count else "a species, a whole number or `0`")
        side[name] = side.get(name, 0) + int(digits)
        if not cursor.skip("+"):
            if not (cursor.at_end() or cursor.sees(_ARROW) or cursor.sees(re.compile(","))):
                raise cursor.error(after)
            return side


def _read_rate(cursor: _Cursor, units: Units, key: str, order: int) -> float:
    if not cursor.skip(","):
        raise cursor.error(f"`, {key}=...`")
    if not cursor.take(re.compile(rf"{key}\b")):
        raise cursor.error(f"`{key}=...`")
    cursor.need_literal("=")
    return _read_quantity(cursor, units, units.rate(order), f"{key} of a reaction of order {order}")


def _read_quantity(cursor: _Cursor, units: Units, wanted: Unit, what: str) -> float:
    """A number that is not negative, with its unit, in the units of the network."""
    cursor.at_end()
    place = cursor.place
    value = float(cursor.need(_NUMBER, "a number"))
    if not 0 <= value < float("inf"):
        raise cursor.wrong(f"{what} must be finite and not negative: got {value:g}.", place)
    cursor.at_end()
    place = cursor.place
    written = cursor.line[place:].split(",")[0].strip()
    if not written and (units.concentration or units.time) and wanted != Unit():
        raise cursor.wrong(f"{what} needs its unit, {units.write(wanted)}: got none.", place)
    if written.count("(") > _MOST:
        raise cursor.wrong(f"expected a unit such as {units.write(wanted)}, got more than {_MOST} parentheses.", place)
    unit = _read_unit(cursor, units) if written else Unit()
    if not unit.same_kind(wanted):
        raise cursor.wrong(f"{what} must be in {units.write(wanted)}: got {written}.", place)
    converted = value * unit.scale
    if not (unit.scale > 0 and converted < float("inf")):
        raise cursor.wrong(f"{what} must be finite in {units.write(wanted)}: got {value:g} {written}.", place)
    return converted


def _read_unit(cursor: _Cursor, units: Units) -> Unit:
    unit = _read_unit_factor(cursor, units)
    while not (cursor.at_end() or cursor.sees(re.compile(r"[,)]"))):
        if cursor.skip("/"):
            unit = unit / _read_unit_factor(cursor, units)
        else:
            cursor.skip("*")
            unit = unit * _read_unit_factor(cursor, units)
    return unit


def _read_unit_factor(cursor: _Cursor, units: Units) -> Unit:
    cursor.at_end()
    place = cursor.place
    if cursor.skip("("):
        unit = _read_unit(cursor, units)
        cursor.need_literal(")")
    elif cursor.take(re.compile(r"1(?![\d.\w])")):
        unit = Unit()
    else:
        name = cursor.need(_NAME, "a unit")
        known = units.named(name)
        if known is None:
            declared = ", ".join(own for own in (units.concentration, units.time) if own)
            hint = f"the units of this network are {declared}" if declared else "add `unit time = s`, for example"
            raise cursor.wrong(f"`{name}` is no unit here: {hint}.", place)
        unit = known
    if cursor.skip("^"):
        place = cursor.place
        exponent = cursor.need(re.compile(r"[+-]?\d{1,2}(?!\d)"), f"a whole exponent, {_MOST} at most")
        try:
            unit = unit.power(int(exponent))
        except (OverflowError, ZeroDivisionError):
            raise cursor.wrong("expected a power of a unit that is a number, got one beyond them.", place) from None
    return unit
