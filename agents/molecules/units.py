"""Units of rate constants: powers of a concentration and of a time."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Unit", "Units"]

# Micro is a sign of its own, U+00B5, or the Greek letter, U+03BC.
_CONCENTRATIONS = {"M": 1.0, "mM": 1e-3, "uM": 1e-6, "\u00b5M": 1e-6, "\u03bcM": 1e-6, "nM": 1e-9, "pM": 1e-12}
_TIMES = {"d": 86400.0, "h": 3600.0, "min": 60.0, "s": 1.0, "ms": 1e-3, "us": 1e-6, "\u00b5s": 1e-6, "\u03bcs": 1e-6}


@dataclass(frozen=True)
class Unit:
    """``scale`` × concentration^``concentration`` × time^``time``, in the units of a network.

    Examples
    --------
    >>> (Unit(concentration=1) / Unit(time=1)).power(2)
    Unit(scale=1.0, concentration=2, time=-2)
    """

    scale: float = 1.0
    concentration: int = 0
    time: int = 0

    def __mul__(self, other: Unit) -> Unit:
        return Unit(self.scale * other.scale, self.concentration + other.concentration, self.time + other.time)

    def __truediv__(self, other: Unit) -> Unit:
        return self * other.power(-1)

    def power(self, exponent: int) -> Unit:
        """The unit to an integer power."""
        return Unit(self.scale**exponent, self.concentration * exponent, self.time * exponent)

    def same_kind(self, other: Unit) -> bool:
        """Whether only the scale differs."""
        return (self.concentration, self.time) == (other.concentration, other.time)


@dataclass(frozen=True)
class Units:
    """The units in which a network counts; an empty name is a pure number.

    M, mM, uM, nM, pM and d, h, min, s, ms, us are converted into each other; any other word, such as
    ``monolayer``, is known where it is the network's own unit.

    Parameters
    ----------
    concentration, time
        Names of the units.

    Examples
    --------
    >>> Units("nM", "s").of_rate(order=2)
    '1/(nM s)'
    """

    concentration: str = ""
    time: str = ""

    @staticmethod
    def kind(name: str) -> str | None:
        """What a unit that is known everywhere measures, None if it is not known.

        >>> Units.kind("nM")
        'concentration'
        """
        return "concentration" if name in _CONCENTRATIONS else "time" if name in _TIMES else None

    def named(self, name: str) -> Unit | None:
        """The unit of that name, None if it is not known.

        >>> Units("nM", "s").named("uM").concentration
        1
        """
        for own, table, kind in (
            (self.concentration, _CONCENTRATIONS, Unit(concentration=1)),
            (self.time, _TIMES, Unit(time=1)),
        ):
            if own and name == own:
                return kind
            if own in table and name in table:
                return Unit(table[name] / table[own]) * kind
        return None

    def rate(self, order: int) -> Unit:
        """The unit of the constant of a reaction of this order: concentration^(1 - order) / time.

        >>> Units("nM", "s").rate(2)
        Unit(scale=1.0, concentration=-1, time=-1)
        """
        return Unit(1.0, (1 - order) * bool(self.concentration), -1 * bool(self.time))

    def of_rate(self, order: int) -> str:
        """That unit as one writes it."""
        return self.write(self.rate(order))

    def write(self, unit: Unit) -> str:
        """A unit as one writes it, without its scale.

        >>> Units("nM", "s").write(Unit(1.0, 1, -1))
        'nM/s'
        """
        powers = ((self.concentration, unit.concentration), (self.time, unit.time))
        above, below = ([_raised(name, sign * power) for name, power in powers if sign * power > 0] for sign in (1, -1))
        over = " ".join(above) or "1"
        if not below:
            return over
        return f"{over}/{below[0]}" if len(below) == 1 else f"{over}/({' '.join(below)})"


def _raised(name: str, power: int) -> str:
    return name if power == 1 else f"{name}^{power}"
