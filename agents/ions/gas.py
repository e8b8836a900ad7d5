"""Ions that hop through a crystal and keep out of each other's way: a lattice gas in physical time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.random import PCG64, Generator
from numpy.typing import NDArray

from agents.ions.constants import BOLTZMANN
from agents.ions.hops import Rates
from agents.ions.landscape import Landscape, Rule, Species
from agents.ions.lifting import Places, Sampler, by_column
from agents.ions.population import Ions, Windows
from agents.ions.selection import NullEvent, RejectionFree, Selection, choose
from agents.systematic import ROUNDING

__all__ = ["LatticeGas"]

_IONS = (Species(),)


@dataclass(frozen=True, eq=False)
class LatticeGas:
    """Ions that hop over barriers to vacant sites: the macro state is the concentration, (species, column).

    A concentration is the share of a column's sites that the ions of a species hold. From a site to a vacant one next
    to it an ion hops at the rate that `Hopping` tells: attempt frequency, barrier, rise of energy by sites,
    interactions and field, temperature. Forward and backward rates obey detailed balance with that energy. Hops are
    drawn one by one, exactly (kinetic Monte Carlo), in physical time.

    *How to choose* the columns: with N sites in a column the standard deviation of a concentration c is about
    sqrt(c (1 - c) / N) for one replica; replicas and width trade one for one.

    Parameters
    ----------
    landscape
        The box and its energies.
    temperature
        K.
    field
        V/m, of each axis; empty is none.
    species
        The ions.
    sampler
        How `lift` places them: `by_column`, `gibbs` where they interact or prefer sites, or `independent`.
    selection
        `RejectionFree`, `NullEvent`, or None for the faster of them.
    columns
        Of the macro state; as many as there are cells along the first axis by default, or a number that divides it.

    Raises
    ------
    ValueError
        For a temperature that is not positive, a field of other axes, or columns that do not divide the box.

    References
    ----------
    Kinetic Monte Carlo of ions: A. B. Bortz, M. H. Kalos, J. L. Lebowitz, J. Comput. Phys. 17 (1975) 10,
    doi:10.1016/0021-9991(75)90060-1.

    Examples
    --------
    >>> from agents.ions import Box, Hopping
    >>> from agents.ions.lattices import square
    >>> gas = LatticeGas(Landscape(Box(square(3e-10), (3, 40)), Hopping({"hop": 0.3})), temperature=300.0)
    >>> ions = gas.lift(np.array([[0.5, 0.25, 0.1]]), np.random.default_rng(0))
    >>> gas.restrict(gas.evolve(ions, 1e-6, np.random.default_rng(1))).sum()
    np.float64(0.85)
    """

    landscape: Landscape
    temperature: float
    field: tuple[float, ...] = ()
    species: tuple[Species, ...] = _IONS
    sampler: Sampler = by_column
    selection: Selection | None = None
    columns: int | None = None

    thread_safe = True
    deterministic = False

    def __post_init__(self) -> None:
        box = self.landscape.box
        if not 0 < self.temperature < np.inf:
            raise ValueError(f"`temperature` must be positive and finite (K): got {self.temperature}.")
        if len(self.field) not in (0, box.axes) or not np.isfinite(self.field).all():
            raise ValueError(f"`field` must have {box.axes} finite components (V/m), or none: got {self.field}.")
        if not self.species:
            raise ValueError("There must be a species of ions at least: got none.")
        if self.columns is not None and (self.columns < 1 or box.columns % self.columns):
            raise ValueError(
                f"`columns` must divide the {box.columns} cells along the first axis: got {self.columns}. Take one of "
                f"{', '.join(str(number) for number in range(1, box.columns + 1) if box.columns % number == 0)}."
            )

    @property
    def fields(self) -> tuple[dict[str, Any], ...]:
        """The concentrations, where their columns are, and that they lie between 0 and 1."""
        box, shape = self.landscape.box, self._shape
        x = box.x.reshape(shape[1], -1).mean(axis=1)
        return tuple(
            {"name": one.name, "unit": "1", "coordinates": {"x": x}, "bounds": (0.0, 1.0)} for one in self.species
        )

    @property
    def _shape(self) -> tuple[int, int]:
        return (len(self.species), self.columns or self.landscape.box.columns)

    @cached_property
    def rates(self) -> Rates:
        """How fast ions hop, as the kernels read it.

        Raises
        ------
        ValueError
            If rates are too large for numbers: the barriers are no barriers.
        """
        land, thermal = self.landscape, BOLTZMANN * self.temperature
        field = np.array(self.field or (0.0,) * land.box.axes)
        coupling = land.hopping.couplings(len(self.species)) / thermal
        heat_bath, interacting = land.hopping.rule is Rule.HEAT_BATH, bool(coupling.any())
        base, tilts = [], []
        with np.errstate(over="ignore"):
            for one in self.species:
                tilt, bare = land.rises(one, field) / thermal, land.bare_rates(one, self.temperature)
                if heat_bath:
                    base.append(bare if interacting else bare * 2 / (1 + np.exp(tilt)))
                else:
                    base.append(bare * np.exp(-0.5 * tilt))
                tilts.append(tilt)
        rates = np.array(base)
        if not np.isfinite(rates).all():
            raise ValueError(
                f"Rates of hops must be finite: got barriers down to {land.barriers.min():.3g} eV at "
                f"{self.temperature:g} K. Are energies in eV?"
            )
        kept = np.array(tilts) if heat_bath and interacting else np.zeros((len(self.species), 0, 0))
        return Rates(land.box, rates, kept, coupling, heat_bath)

    def lift(self, macro: NDArray[np.float64], rng: Generator) -> Ions:
        """Whole ions at these concentrations.

        Raises
        ------
        ValueError
            If there is not one concentration per species and column, or there are more ions than sites.
        """
        shares = self._check_shares(macro)
        occupied = self.sampler(shares, self._places, rng)
        return Ions.of(occupied, self.landscape.box.axes, len(self.species))

    def fill(self, share: float, rng: Generator) -> Ions:
        """Ions that are evenly spread over the box and hold this share of its sites, species in equal parts.

        Raises
        ------
        ValueError
            If the share is not between 0 and 1, or nothing can hop: the box would be full or empty.
        """
        sites = len(self.landscape.box)
        if not 0 < share < 1 or not 0 < round(share * sites) < sites:
            raise ValueError(
                f"Ions can hop where there are ions and vacancies: got a share of {share:g} in a box of {sites} sites. "
                f"Take one from {1 / sites:.3g} to {1 - 1 / sites:.6g}, or a larger box."
            )
        counts = np.full((len(self.species), 1), round(share * sites) / len(self.species) / sites)
        places = Places(self.rates.box.neighbours, sites, self._places.energies, self.rates.coupling)
        occupied = self.sampler(counts, places, rng)
        return Ions.of(occupied, self.landscape.box.axes, len(self.species))

    def evolve(self, micro: Ions, duration: float, rng: Generator) -> Ions:
        """The ions after ``duration`` (s).

        Raises
        ------
        ValueError
            If the ions are of another box or other species, or the duration is negative.
        """
        self._check(micro, duration)
        chosen = self.selection or choose(self.rates, micro)
        return chosen.advance(self.rates, micro, 1, duration, rng, record=False)[0]

    def watch(self, micro: Ions, windows: int, duration: float, rng: Generator) -> tuple[Ions, Windows]:
        """The ions after so many windows of ``duration`` (s) each, and what was read in each of them.

        Raises
        ------
        ValueError
            As `evolve`, or if there is no window.
        """
        self._check(micro, duration)
        if not windows >= 1 or windows != int(windows):
            raise ValueError(f"`windows` must be a whole number, 1 or more: got {windows}.")
        chosen = self.selection or choose(self.rates, micro)
        after, read = chosen.advance(self.rates, micro, int(windows), duration, rng, record=True)
        assert read is not None  # since it was to be recorded
        return after, read

    def restrict(self, micro: Ions) -> NDArray[np.float64]:
        """Concentrations, (species, column)."""
        columns = micro.occupied.reshape(self._shape[1], -1)
        return np.array([(columns == kind).mean(axis=1) for kind in range(1, len(self.species) + 1)])

    def conserved(self, macro: NDArray[np.float64]) -> NDArray[np.float64]:
        """Ions of each species, (species,): none comes or goes. (Lifted by `independent` they vary.)"""
        return np.asarray(np.rint(np.asarray(macro).sum(axis=1) * self._places.width))

    def pack(self, micro: Ions) -> dict[str, NDArray[Any]]:
        """The ions as named arrays."""
        return micro.pack()

    def unpack(self, packed: Mapping[str, NDArray[Any]]) -> Ions:
        """The ions that were packed."""
        return Ions.unpack(packed)

    def agent_updates(self, macro: NDArray[np.float64], duration: float) -> float:
        """Hops while the macro state is evolved, if ions were independent but for exclusion."""
        shares = np.asarray(macro)
        vacant = 1 - shares.sum(axis=0)
        leaving = self.rates.base.sum(axis=2).reshape(*self._shape, -1).sum(axis=2)
        return float((leaving * shares * vacant).sum() * duration)

    def warm(self) -> None:
        """Compile what `lift` and `evolve` need."""
        rng = Generator(PCG64(0))
        nobody = self.lift(np.zeros(self._shape), rng)
        for chosen in (RejectionFree(), NullEvent()):
            chosen.advance(self.rates, nobody, 1, 0.0, rng, record=True)

    @cached_property
    def _places(self) -> Places:
        energies = np.tile(self.landscape.energies, (len(self.species), 1)) / (BOLTZMANN * self.temperature)
        box = self.landscape.box
        return Places(box.neighbours, len(box) // self._shape[1], energies, self.rates.coupling)

    def _check_shares(self, macro: NDArray[np.float64]) -> NDArray[np.float64]:
        given = np.asarray(macro, dtype=np.float64)
        if given.shape != self._shape:
            raise ValueError(f"There must be a share for each species and column, {self._shape}: got {given.shape}.")
        total = given.sum(axis=0)
        if not (np.isfinite(given) & (given >= -ROUNDING)).all() or not (total <= 1 + ROUNDING).all():
            raise ValueError(
                "Concentrations are shares of sites, from 0 to 1 for all species together: got "
                f"{given.min():.6g} to {total.max():.6g}. Where there is one ion a site no other finds a place."
            )
        return np.clip(given, 0.0, 1.0)

    def _check(self, micro: Ions, duration: float) -> None:
        if micro.who.shape != (len(self.landscape.box),) or len(micro.hops) != len(self.species):
            raise ValueError(
                f"The ions must be on {len(self.landscape.box)} sites and of {len(self.species)} species: got "
                f"{micro.who.size} sites and {len(micro.hops)} species. Lift them with this model."
            )
        if not 0 <= duration < np.inf:
            raise ValueError(f"`duration` must be finite and not negative (s): got {duration}.")
