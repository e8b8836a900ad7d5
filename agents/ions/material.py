"""A material from a file: its crystal, what hops cost, how many ions there are, and where every number is from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from os.path import isfile as is_file  # never raises, however long the name
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agents.documents import one_line, parse_toml, read_text
from agents.ions.crystal import Crystal
from agents.ions.crystal_tables import read_crystal
from agents.ions.exact import nernst_einstein
from agents.ions.landscape import Disorder, Hopping, Rule, Species, exponential, normal, uniform
from agents.ions.quantities import (
    CHARGE,
    CONDUCTIVITY,
    DENSITY,
    DIFFUSIVITY,
    ENERGY,
    FREQUENCY,
    HEAT_CONDUCTIVITY,
    SHARE,
    TEMPERATURE,
    Dimension,
    Table,
    Told,
    as_source,
)

__all__ = ["MATERIALS", "Material", "Measured", "read_material"]

_FOLDER = Path(__file__).parent / "materials"
_LARGEST = 2**20  # bytes of a file
_MOST_SPECIES = 16
_SPREADS = {"normal": normal, "uniform": uniform, "exponential": exponential}

MATERIALS: tuple[str, ...] = tuple(sorted(path.stem for path in _FOLDER.glob("*.toml")))
"""The materials that come with the population."""


@dataclass(frozen=True)
class Measured:
    """A conductivity that was published.

    Parameters
    ----------
    conductivity
        In S/m.
    temperature
        In K.
    doi
        Of the measurement.
    composition
        What was measured.

    Examples
    --------
    >>> [f"{one.conductivity:.4f} S/m" for one in read_material("llzo_like").measured]
    ['0.0511 S/m', '0.0210 S/m', '0.0263 S/m']
    """

    conductivity: float
    temperature: float
    doi: str
    composition: str = ""


@dataclass(frozen=True, eq=False)
class Material:
    """A conductor of ions.

    Parameters
    ----------
    name
        What it is called.
    crystal
        Sites and hops.
    hopping
        Barriers and energies.
    concentration
        Share of the sites that is occupied.
    species
        The ions.
    shares
        Share of the ions that each species is.
    measured
        Published conductivities, to stand beside the computed.
    thermal_conductivity
        In W/(m K); None where the file tells none.
    sources
        Every number of the file with the place it is from.

    Raises
    ------
    ValueError
        If no site is occupied, or all are.

    Examples
    --------
    >>> garnet = read_material("llzo_like")
    >>> round(garnet.concentration, 4), f"{garnet.density:.3g}"
    (0.7778, '2.57e+28')
    """

    name: str
    crystal: Crystal
    hopping: Hopping
    concentration: float
    species: tuple[Species, ...]
    shares: tuple[float, ...] = (1.0,)
    measured: tuple[Measured, ...] = ()
    thermal_conductivity: float | None = None
    sources: tuple[Told, ...] = ()

    def __post_init__(self) -> None:
        if not 0 < self.concentration < 1:
            raise ValueError(
                f"`concentration`, the occupied share of the sites, must be above 0 and below 1, so that something can "
                f"hop and has where to: got {self.concentration:g} for {self.name}."
            )

    @property
    def density(self) -> float:
        """Ions in a unit of volume (1/m to the power of the axes)."""
        return self.concentration * len(self.crystal.kinds) / self.crystal.volume


def read_material(material: str | Path) -> Material:
    """A material by name, or from a file in TOML.

    Parameters
    ----------
    material
        One of `MATERIALS`, or the path of a file that ends in ``.toml``.

    Raises
    ------
    ValueError
        If there is none such; for a number without unit or source, an unknown key, barriers that break detailed
        balance, and whatever `Crystal` and `Hopping` refuse. One line, which names file, table and key.

    Examples
    --------
    >>> read_material("lgps_like").hopping.barriers["channel"]
    0.17
    """
    path = Path(material)
    if str(material) in MATERIALS:
        path = _FOLDER / f"{material}.toml"
    elif path.suffix != ".toml" or not is_file(path):
        near = get_close_matches(str(material), MATERIALS, 1)
        hint = f"Did you mean {near[0]}?" if near else "Correct the name or the path."
        raise ValueError(
            f"A material must be one of {', '.join(MATERIALS)}, or a file that ends in .toml: got "
            f"{one_line(repr(str(material)), 120)}. {hint}"
        )
    try:
        entries = parse_toml(read_text(path, _LARGEST))
    except ValueError as error:
        raise ValueError(f"{one_line(path.name, 80)} must be a file in TOML: {error}.") from None
    try:
        return _read(entries, path)
    except ValueError as error:
        raise ValueError(one_line(str(error))) from error


def _read(entries: Mapping[str, Any], path: Path) -> Material:
    named = entries.get("sources", {})
    if not isinstance(named, Mapping):
        raise ValueError(f"[sources] of {path.name} must be a table of sources by name: got {named!r}.")
    sources = {name: as_source(source, f"`{name}` in [sources] of {path.name}") for name, source in named.items()}
    top = Table(path.name, "", entries, sources)
    top.only("title", "sources", "cell", "sites", "hops", "hopping", "disorder", "ions", "thermal", "measured")
    top.get("title", str, "a line in words", "")
    crystal, barriers, energies = read_crystal(top)
    concentration, species, shares, interaction = _ions(top.table("ions", "a table with the ions"))
    thermal = (
        top.table("thermal", "a table with the thermal conductivity").only("conductivity")
        if "thermal" in entries
        else None
    )
    return Material(
        path.stem,
        crystal,
        _hopping(top, barriers, energies, interaction),
        concentration,
        species,
        shares,
        tuple(_measured(one, species[0]) for one in top.tables("measured", "tables of what was measured", []).values()),
        _positive(thermal, "conductivity", HEAT_CONDUCTIVITY) if thermal else None,
        tuple(top.told),
    )


def _hopping(
    top: Table, barriers: Mapping[str, float], energies: Mapping[str, float], interaction: float | NDArray[np.float64]
) -> Hopping:
    table = top.table("hopping", "a table with the attempt frequency")
    table.only("attempt_frequency", "reference_temperature", "rule")
    rules = [rule.value for rule in Rule]
    rule = table.get("rule", str, f"one of {', '.join(rules)}", Rule.MIDPOINT.value)
    if rule not in rules:
        raise ValueError(f"{table.where('rule')} must be one of {', '.join(rules)}: got {rule!r}.")
    spreads = Table(top.file, "disorder", top.get("disorder", dict, "tables of disorder", {}), top.sources, top.told)
    spreads.only("barriers", "energies")
    disorder = {key: _disorder(spreads.table(key, "a table")) for key in spreads.entries}
    return Hopping(
        barriers,
        _positive(table, "attempt_frequency", FREQUENCY),
        energies,
        _positive(table, "reference_temperature", TEMPERATURE) if "reference_temperature" in table.entries else None,
        interaction,
        disorder.get("barriers"),
        disorder.get("energies"),
        Rule(rule),
    )


def _disorder(table: Table) -> Disorder:
    given = [key for key in table.only(*_SPREADS).entries if key in _SPREADS]
    if len(given) != 1:
        raise ValueError(
            f"[{table.name}] of {table.file} must have one of normal (standard deviation), uniform (full width) and "
            f'exponential (mean), as normal = "0.02 eV": got {" and ".join(given) or "none"}.'
        )
    spread = table.number(given[0], ENERGY)
    if spread < 0:
        raise ValueError(f"{table.where(given[0])} must not be negative: got {spread:g} eV.")
    return _SPREADS[given[0]](spread)


def _positive(table: Table, key: str, dimension: Dimension) -> float:
    number: float = table.number(key, dimension)
    if not number > 0:
        raise ValueError(f"{table.where(key)} must be positive: got {table.entries[key]!r}.")
    return number


def _ions(table: Table) -> tuple[float, tuple[Species, ...], tuple[float, ...], float | NDArray[np.float64]]:
    table.only("concentration", "interaction", "species")
    concentration = table.number("concentration", SHARE)
    if not 0 < concentration < 1:
        raise ValueError(
            f"{table.where('concentration')} must be above 0 and below 1: got {concentration:g}, where nothing can "
            "hop. Leave some sites free and some occupied."
        )
    species, shares = [], []
    told = table.tables("species", "tables of species by name")
    if len(told) > _MOST_SPECIES:
        raise ValueError(f"{table.where('species')} must be at most {_MOST_SPECIES} species: got {len(told)}.")
    for name, one in told.items():
        one.only("charge", "extra_barrier", "share")
        species.append(Species(name, one.number("charge", CHARGE), one.number("extra_barrier", ENERGY, 0.0)))
        shares.append(one.number("share", SHARE, 1.0))
        if species[-1].charge == 0:
            raise ValueError(f"{one.where('charge')} must not be 0, where nothing is conducted: got 0 e.")
    if not species or min(shares) < 0 or abs(sum(shares) - 1) > 1e-9:
        raise ValueError(
            f"`share` of the species in [{table.name}.species] of {table.file} must not be negative and add up to 1: "
            f"got {', '.join(f'{share:g}' for share in shares) or 'no species'}."
        )
    if isinstance(table.entries.get("interaction"), list):
        rows = table.numbers("interaction", ENERGY)
        if [len(row) if isinstance(row, list) else 0 for row in rows] != [len(species)] * len(species):
            raise ValueError(
                f"{table.where('interaction')} must be one energy, or {len(species)} rows of as many: got "
                f"{table.entries['interaction']}."
            )
        return concentration, tuple(species), tuple(shares), np.array(rows)
    return concentration, tuple(species), tuple(shares), table.number("interaction", ENERGY, 0.0)


def _measured(table: Table, species: Species) -> Measured:
    """As it is told; or sigma = n q^2 D / kT (Nernst and Einstein), of the density of ions that move."""
    table.only("conductivity", "density", "diffusion", "temperature", "composition")
    temperature = _positive(table, "temperature", TEMPERATURE)
    if "conductivity" in table.entries:
        key, conductivity = "conductivity", table.number("conductivity", CONDUCTIVITY)
    else:
        key, density = "diffusion", table.number("density", DENSITY)
        diffusion = table.number("diffusion", DIFFUSIVITY)
        conductivity = nernst_einstein(density, diffusion, temperature, species.charge)
    doi = table.source(key).doi
    if not doi or conductivity <= 0:
        raise ValueError(
            f"[{table.name}] of {table.file} must tell a positive conductivity, and its source a doi: got "
            f"{conductivity:g} S/m and doi {doi!r}."
        )
    return Measured(conductivity, temperature, doi, table.get("composition", str, "a formula", ""))
