"""What a hop costs: barriers, energies of sites, their disorder, and interactions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property, partial
from math import inf
from typing import TypeAlias

import numpy as np
from numpy.random import PCG64, Generator, SeedSequence
from numpy.typing import NDArray

from agents.ions.box import Box
from agents.ions.constants import BOLTZMANN

__all__ = ["Disorder", "Hopping", "Landscape", "Rule", "Species", "exponential", "normal", "uniform"]

Disorder: TypeAlias = Callable[[Generator, int], NDArray[np.float64]]
"""(rng, count) -> so many energies (eV) that are added to those of bonds or sites."""


class Rule(Enum):
    """How the change of energy enters the rate of a hop; both keep detailed balance.

    With the barrier B of the bond and the change dE of the energy: ``MIDPOINT`` is exp(-(B + dE/2)/kT), the kinetically
    resolved barrier; ``HEAT_BATH`` is 2 exp(-B/kT) / (1 + exp(dE/kT)), which never exceeds twice the bare rate.
    """

    MIDPOINT = "midpoint"
    HEAT_BATH = "heat_bath"


@dataclass(frozen=True)
class Species:
    """Ions of one kind.

    Parameters
    ----------
    name
        What they are called.
    charge
        In elementary charges.
    extra_barrier
        Added to every barrier when they hop (eV).

    Raises
    ------
    ValueError
        If a number is not finite.

    Examples
    --------
    >>> Species("Na", extra_barrier=0.1).charge
    1.0
    """

    name: str = "ions"
    charge: float = 1.0
    extra_barrier: float = 0.0

    def __post_init__(self) -> None:
        if not np.isfinite([self.charge, self.extra_barrier]).all():
            raise ValueError(
                f"Charge and extra barrier of {self.name} must be finite: got {self.charge} and {self.extra_barrier}."
            )


@dataclass(frozen=True, eq=False)
class Hopping:
    """Barriers and energies of a crystal.

    Parameters
    ----------
    barriers
        Of each kind of hop, the mean of forward and backward (eV).
    attempt_frequency
        How often an ion tries (Hz).
    site_energies
        Of kinds of sites (eV); 0 where none is given.
    reference_temperature
        None: the attempt frequency is constant. Otherwise it is as given at this temperature (K) and grows in
        proportion to it, as kT/h in transition-state theory does; then the conductivity itself, not its product with
        the temperature, obeys Arrhenius' law.
    interaction
        Energy of two ions on sites that a hop joins (eV), positive where they repel: a number, or (species, species).
    barrier_disorder, energy_disorder
        What is added to each barrier and to the energy of each site, drawn once: `normal`, `uniform`, `exponential`,
        or a function (rng, count) -> eV.
    rule
        How the change of energy enters.

    Raises
    ------
    ValueError
        For an attempt frequency or a reference temperature that is not positive, or energies that are not finite.

    References
    ----------
    Midpoint rule: A. Van der Ven et al., Phys. Rev. B 64 (2001) 184307, doi:10.1103/PhysRevB.64.184307. Heat bath: as
    in the gas of S. Katz, J. L. Lebowitz, H. Spohn, J. Stat. Phys. 34 (1984) 497, doi:10.1007/BF01018556.

    Examples
    --------
    >>> round(Hopping({"hop": 0.35}, 1e13).frequency(300.0), 3)
    10000000000000.0
    """

    barriers: Mapping[str, float]
    attempt_frequency: float = 1e13
    site_energies: Mapping[str, float] = field(default_factory=dict)
    reference_temperature: float | None = None
    interaction: float | NDArray[np.float64] = 0.0
    barrier_disorder: Disorder | None = None
    energy_disorder: Disorder | None = None
    rule: Rule = Rule.MIDPOINT

    def __post_init__(self) -> None:
        if not 0 < self.attempt_frequency < inf:
            raise ValueError(f"The attempt frequency must be positive and finite (Hz): got {self.attempt_frequency}.")
        if self.reference_temperature is not None and not 0 < self.reference_temperature < inf:
            raise ValueError(f"The reference temperature must be positive (K): got {self.reference_temperature}.")
        for what, energies in (("barriers", self.barriers), ("site energies", self.site_energies)):
            if wrong := [name for name, energy in energies.items() if not np.isfinite(energy)]:
                raise ValueError(f"The {what} must be finite (eV): got {energies[wrong[0]]} for {wrong[0]}.")
        matrix = np.asarray(self.interaction, dtype=np.float64)
        if not np.isfinite(matrix).all() or (matrix.ndim and not np.array_equal(matrix, matrix.T)):
            raise ValueError(
                "The interaction must be a finite number, or the same for a pair of species either way: got "
                f"{matrix.tolist()}."
            )

    def frequency(self, temperature: float) -> float:
        """How often an ion tries at this temperature (Hz)."""
        if self.reference_temperature is None:
            return self.attempt_frequency
        return self.attempt_frequency * temperature / self.reference_temperature

    def couplings(self, species: int) -> NDArray[np.float64]:
        """Interactions of the species in pairs, (species, species) in eV.

        Raises
        ------
        ValueError
            If the interaction is told for another number of them.
        """
        matrix = np.asarray(self.interaction, dtype=np.float64)
        if matrix.ndim == 0:
            return np.full((species, species), float(matrix))
        if matrix.shape != (species, species):
            raise ValueError(f"The interaction must be told for {species} species in pairs: got shape {matrix.shape}.")
        return matrix


@dataclass(frozen=True, eq=False)
class Landscape:
    """The energies of a box: one sample of the disorder.

    Parameters
    ----------
    box
        Where ions can be.
    hopping
        What it costs.
    seed
        Of the disorder.

    Raises
    ------
    ValueError
        If a kind of hop of the crystal has no barrier, or a kind that is told does not exist.

    Examples
    --------
    >>> from agents.ions.lattices import chain
    >>> land = Landscape(Box(chain(1e-10), (5,)), Hopping({"hop": 0.3}, barrier_disorder=uniform(0.1)))
    >>> bool((abs(land.barriers - 0.3) <= 0.05).all())
    True
    """

    box: Box
    hopping: Hopping
    seed: int = 0

    def __post_init__(self) -> None:
        _check_kinds("hops", "barrier", self.box.hop_names, self.hopping.barriers, complete=True)
        _check_kinds("sites", "energy", self.box.kind_names, self.hopping.site_energies, complete=False)

    @cached_property
    def barriers(self) -> NDArray[np.float64]:
        """Of each bond, the mean of forward and backward without interactions and field, (bond,) in eV."""
        of_kind = np.array([self.hopping.barriers[name] for name in self.box.hop_names])
        return of_kind[self.box.bond_kinds] + self._drawn(self.hopping.barrier_disorder, len(self.box.bond_kinds), 0)

    @cached_property
    def energies(self) -> NDArray[np.float64]:
        """Of each site, (site,) in eV."""
        of_kind = np.array([self.hopping.site_energies.get(name, 0.0) for name in self.box.kind_names])
        return of_kind[self.box.site_kinds] + self._drawn(self.hopping.energy_disorder, len(self.box), 1)

    def _drawn(self, disorder: Disorder | None, count: int, stream: int) -> NDArray[np.float64]:
        if disorder is None:
            return np.zeros(count)
        return disorder(Generator(PCG64(SeedSequence(self.seed, spawn_key=(stream,)))), count)

    def rises(self, species: Species, field: NDArray[np.float64]) -> NDArray[np.float64]:
        """By how much the energy of a lone ion changes with a hop in a field (V/m), (site, way) in eV."""
        box = self.box
        rises = self.energies[box.neighbours] - self.energies[:, np.newaxis]
        downhill = species.charge * np.tile(box.displacements @ field, (len(box) // box.basis, 1))
        return np.where(box.neighbours >= 0, rises - downhill, 0.0)

    def bare_rates(self, species: Species, temperature: float) -> NDArray[np.float64]:
        """Of hops that do not change the energy, (site, way) in 1/s; 0 where there is no way."""
        barriers = self.barriers[self.box.bonds] + species.extra_barrier
        rates = self.hopping.frequency(temperature) * np.exp(-barriers / (BOLTZMANN * temperature))
        return np.where(self.box.bonds >= 0, rates, 0.0)


def normal(spread: float) -> Disorder:
    """Energies with a normal distribution about 0, of this standard deviation (eV).

    >>> normal(0.1)(np.random.default_rng(0), 3).shape
    (3,)
    """
    return partial(_spread, "normal", (0.0, spread))


def uniform(width: float) -> Disorder:
    """Energies evenly between minus and plus half the width (eV).

    >>> bool(abs(uniform(0.1)(np.random.default_rng(0), 9)).max() <= 0.05)
    True
    """
    return partial(_spread, "uniform", (-width / 2, width / 2))


def exponential(mean: float) -> Disorder:
    """Energies above 0 that decay exponentially, of this mean (eV).

    >>> bool(exponential(0.1)(np.random.default_rng(0), 9).min() >= 0)
    True
    """
    return partial(_spread, "exponential", (mean,))


def _spread(law: str, parameters: tuple[float, ...], rng: Generator, count: int) -> NDArray[np.float64]:
    drawn: NDArray[np.float64] = getattr(rng, law)(*parameters, count)
    return drawn


def _check_kinds(what: str, told: str, kinds: tuple[str, ...], given: Mapping[str, float], *, complete: bool) -> None:
    if unknown := sorted(set(given) - set(kinds)):
        raise ValueError(
            f"The {what} of the crystal are of the kinds {', '.join(kinds)}: got the {told} of {unknown[0]}. Correct "
            "the name."
        )
    if complete and (missing := sorted(set(kinds) - set(given))):
        raise ValueError(f"Every kind of {what} must have a {told}: got none for {missing[0]}. Give it in eV.")
