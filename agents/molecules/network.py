"""Reaction networks with mass-action kinetics."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from os import PathLike
from os.path import isfile as is_file  # never raises, however long the name
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from agents.documents import one_line, read_text
from agents.molecules.conservation import conservation_laws
from agents.molecules.notation import read_sheet, write_side
from agents.molecules.units import Units

__all__ = ["CARRIED", "Network", "read_network"]

_FOLDER = Path(__file__).with_name("networks")
_LARGEST = 2**20  # bytes of a file
CARRIED = tuple(sorted(path.stem for path in _FOLDER.glob("*.txt")))
"""Names of the networks that come with this package."""


@dataclass(frozen=True, eq=False)
class Network:
    """Reactions among species, each with the rate of mass action.

    A reaction with the constant k that takes m_i molecules of species i happens at the rate k Π c_i^m_i per
    volume and time, c being concentrations. Among n_i molecules in a volume Ω its propensity is

        a = k Ω Π n_i (n_i - 1) ... (n_i - m_i + 1) / Ω^m_i

    which becomes Ω times the rate as Ω grows. There is no factor 1/m_i!: the constant is that of the rate
    equations, so that 2X -> X2 takes X away at 2k c². Ω is the number of molecules at which a concentration
    is 1: for concentrations in nM and a volume of v litres, Ω = 6.022e14 v.

    Parameters
    ----------
    species
        Names.
    reactants, products
        Molecules of each species that go into a reaction and come out of it, (reaction, species).
    rates
        The constants k, (reaction,), in concentration^(1 - order) / time.
    names
        Of the reactions.
    initial
        Concentrations at the start, (species,); 0 where it is empty.
    units
        Of concentration and time.

    Raises
    ------
    ValueError
        If the shapes do not fit, a name comes twice, or a number is negative or not finite.

    Examples
    --------
    >>> network = Network.parse("X -> Y, k=3")
    >>> network.propensities([5, 0], volume=1.0)
    array([15.])
    """

    species: Sequence[str]
    reactants: NDArray[np.int64]
    products: NDArray[np.int64]
    rates: NDArray[np.float64]
    names: Sequence[str]
    initial: NDArray[np.float64] = field(default_factory=lambda: np.empty(0))
    units: Units = field(default_factory=Units)

    def __post_init__(self) -> None:
        initial = self.initial if len(self.initial) else np.zeros(len(self.species))
        arrays: dict[str, NDArray[Any]] = {
            "reactants": np.array(self.reactants, dtype=np.int64),
            "products": np.array(self.products, dtype=np.int64),
            "rates": np.array(self.rates, dtype=np.float64),
            "initial": np.array(initial, dtype=np.float64),
        }
        shape = (len(self.names), len(self.species))
        wanted = {"reactants": shape, "products": shape, "rates": shape[:1], "initial": shape[1:]}
        for name in ("reactants", "products"):
            if not np.array_equal(arrays[name], np.asarray(getattr(self, name))):
                raise ValueError(f"`{name}` must be whole numbers of molecules: got {getattr(self, name)}.")
        for name, array in arrays.items():
            if array.shape != wanted[name] or 0 in shape:
                raise ValueError(
                    f"`{name}` of {shape[0]} reactions among {shape[1]} species must have the shape {wanted[name]}, "
                    f"and there must be one of each at least: got {array.shape}."
                )
            if not ((array >= 0) & np.isfinite(array)).all():
                raise ValueError(f"`{name}` must be finite and not negative: got {array}.")
            array.setflags(write=False)
            object.__setattr__(self, name, array)
        for name in ("species", "names"):
            given = tuple(getattr(self, name))
            if len(set(given)) < len(given):
                raise ValueError(f"`{name}` must differ from each other: got {', '.join(given)}.")
            object.__setattr__(self, name, given)

    @classmethod
    def parse(cls, text: str) -> Network:
        """The network that a text describes, one reaction a line.

        ``2X + Y -> 3X, k=1`` is a reaction, ``E + S <-> C, k=1, k_back=2`` two; ``0`` or ``∅`` is a side
        without species; ``bind: E + S -> C, k=1`` names a reaction (its way back is ``bind_back``), otherwise its
        name is what it does. ``X = 0.5`` is a concentration at the start; what follows ``#`` is a remark.
        Without units all numbers are dimensionless. After ``unit concentration = nM`` or ``unit time = s``, or
        both, every number carries its unit, which is checked against the order of its reaction and converted:
        ``k=0.5 1/(uM s)``.

        Raises
        ------
        ValueError
            Where the text cannot be read: the line and column (from 1), what was expected and what is there.

        Examples
        --------
        >>> network = Network.parse("unit time = s" + chr(10) + "E + S <-> C, k=1 1/s, k_back=120 1/min")
        >>> network.names, network.rates
        (('E + S -> C', 'C -> E + S'), array([1., 2.]))
        >>> Network.parse("2X + Y > 3X, k=1")
        Traceback (most recent call last):
        ValueError: Line 1, column 8: expected `+`, `->` or `<->`, got `>`.
        """
        sheet = read_sheet(text)
        if not sheet.reactions:
            raise ValueError("A network must have a reaction, such as `2X + Y -> 3X, k=1`: got none.")
        sides = [side for reaction in sheet.reactions for side in (reaction.reactants, reaction.products)]
        species = tuple(dict.fromkeys(name for side in sides for name in side))
        table = np.array([[side.get(name, 0) for name in species] for side in sides])
        return cls(
            species=species,
            reactants=table[::2],
            products=table[1::2],
            rates=np.array([reaction.rate for reaction in sheet.reactions]),
            names=tuple(reaction.name for reaction in sheet.reactions),
            initial=np.array([sheet.concentrations.get(name, 0.0) for name in species]),
            units=sheet.units,
        )

    def __str__(self) -> str:
        """The network in the notation of `parse`."""
        units = [
            f"unit {kind} = {name}"
            for kind, name in (("concentration", self.units.concentration), ("time", self.units.time))
            if name
        ]
        molar = f" {self.units.concentration}".rstrip()
        start = [
            f"{name} = {value!r}{molar}"
            for name, value in zip(self.species, self.initial.tolist(), strict=True)
            if value
        ]
        return "\n".join((*units, *start, *(self._line(r) for r in range(len(self.names)))))

    @property
    def change(self) -> NDArray[np.int64]:
        """Molecules of each species that a reaction makes, (reaction, species)."""
        return self.products - self.reactants

    @property
    def orders(self) -> NDArray[np.int64]:
        """How many molecules go into each reaction, (reaction,)."""
        return np.asarray(self.reactants.sum(axis=1))

    @cached_property
    def conserved(self) -> NDArray[np.int64]:
        """Integer weights of the species whose sums no reaction changes, (laws, species)."""
        return conservation_laws(self.change)

    def propensities(self, counts: ArrayLike, volume: float) -> NDArray[np.float64]:
        """How often each reaction happens per time among so many molecules, (..., species) -> (..., reaction).

        >>> Network.parse("2X -> X2, k=1").propensities([[3, 0], [1, 0]], volume=10.0)
        array([[0.6],
               [0. ]])
        """
        numbers = np.asarray(counts, dtype=np.float64)[..., None, :]
        result = np.broadcast_to(volume * self.rates, (*numbers.shape[:-2], len(self.rates))).copy()
        for taken in range(int(self.reactants.max(initial=0))):
            result *= np.where(self.reactants > taken, np.maximum(numbers - taken, 0.0) / volume, 1.0).prod(axis=-1)
        return result

    def index(self, species: str) -> int:
        """The place of a species.

        Raises
        ------
        ValueError
            If there is none of that name.

        Examples
        --------
        >>> Network.parse("X -> Y, k=1").index("Y")
        1
        """
        return _place(species, self.species, "species")

    def with_rates(self, rates: Mapping[str, float]) -> Network:
        """The same network with other constants, by the names of their reactions.

        Raises
        ------
        ValueError
            If there is no reaction of that name.

        Examples
        --------
        >>> Network.parse("decay: X -> 0, k=1").with_rates({"decay": 2.0}).rates
        array([2.])
        """
        changed = self.rates.copy()
        for name, rate in rates.items():
            changed[_place(name, self.names, "reactions")] = rate
        return replace(self, rates=changed)

    def _line(self, reaction: int) -> str:
        before, after = (
            write_side({name: int(count) for name, count in zip(self.species, side[reaction], strict=True) if count})
            for side in (self.reactants, self.products)
        )
        plain = f"{before} -> {after}"
        label = "" if self.names[reaction] == plain else f"{self.names[reaction]}: "
        unit = self.units.of_rate(int(self.orders[reaction]))
        return f"{label}{plain}, k={float(self.rates[reaction])!r}{'' if unit == '1' else ' ' + unit}"


def read_network(source: str | PathLike[str]) -> Network:
    """The network in a file, or the one of that name among those that come with this package, `CARRIED`.

    Raises
    ------
    ValueError
        If the text cannot be read; the message begins with the name of the file.

    Examples
    --------
    >>> read_network("brusselator").species
    ('X', 'Y')
    """
    path = _FOLDER / f"{source}.txt" if source in CARRIED else Path(source)
    name = one_line(path.name, 80)
    if not is_file(path):
        raise ValueError(f"A network is a file, or one of {', '.join(CARRIED)}: got {one_line(str(source), 120)}.")
    try:
        text = read_text(path, _LARGEST)
    except ValueError as error:
        raise ValueError(f"{name}: a network must be a text file, but {error}.") from error
    try:
        return Network.parse(text)
    except ValueError as error:
        raise ValueError(f"{name}: {one_line(str(error))}") from error


def _place(name: str, names: Sequence[str], what: str) -> int:
    if name not in names:
        raise ValueError(f"The {what} of this network are {', '.join(names)}: got {name}.")
    return list(names).index(name)
