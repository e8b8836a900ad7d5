"""Conductivity over temperature, from hops over barriers; and what is exact for ideal lattices."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd

import eqfree as ef
from agents.ions.conductor import Conductor
from agents.ions.constants import BOLTZMANN
from agents.ions.correlation import nakazato_kitahara
from agents.ions.exact import nernst_einstein
from agents.ions.material import Material
from eqfree.scenario import Context
from scenarios.battery.conductivity.ideal import Ideal
from scenarios.battery.conductivity.settings import ConductivitySettings, LatticeName
from scenarios.battery.conductivity.watch import ROOM, Watched, watch
from scenarios.part import Part

__all__ = ["published", "run_conductivity", "window_check"]

_DIRECTED = 1.5  # times as much along one axis as along another
_COLD = 240.0  # K, below which the memory of disorder is longer than a window
_TRACER_WINDOW = 200.0  # hops of an ion
_MATERIAL, _IDEAL, _SITES = (1,), (2,), (3,)
_GARNET_DENSITY, _GARNET_DIFFUSION, _GARNET_TEMPERATURE = 3.17e27, 1.33e-12, 298.15  # 1/m³, m²/s, K
_GARNET = 2.629e-4  # S/cm
_WINDOW_NEAR = 0.01
_NOT_STRAIGHT = 3.0  # chi² over degrees of freedom from which on a line is none


def run_conductivity(
    material: Material,
    temperatures: Sequence[float],
    concentration: float | None,
    lattice: LatticeName,
    options: ConductivitySettings,
    context: Context,
    seed: int,
) -> Part:
    """The conductivity of a material over temperature (K), with the Arrhenius law through it; and ideal lattices.

    Where barriers are disordered, each box has a sample of its own, and errors include that. Tables: ``conductivity``
    (a row a temperature, 300 K among them), ``conductivity_fit``, ``conductivity_published``, ``conductivity_sources``
    (of every number of the material, whether it was read or assumed), ``correlation`` and ``correlation_curves``,
    ``exclusion``, ``ions`` and ``ion_hops`` (where the ions of a box are).

    Raises
    ------
    ValueError
        For a concentration at which the box is full or empty, or too few temperatures.
    """
    share = material.concentration if concentration is None else concentration
    model = Conductor.of(material, tracer_window=_TRACER_WINDOW, cells=options.cells, seed=seed)
    kelvin = sorted({*temperatures, ROOM})
    model.check(share)
    for _ in context.track([material.name], "conductivity"):
        seen = watch(model, share, kelvin, options.duration, options.replicas, context.executor, seed, _MATERIAL)
    ideal = Ideal(lattice, options, context, seed, _IDEAL)
    factor, in_box, infinite, spent = ideal.vacancy()
    tracers, tracer_cost = ideal.tracers(infinite)
    charge, charge_cost = ideal.charge()
    room = int(np.flatnonzero(seen.temperatures == ROOM)[0])
    sigma, haven, energy = seen.conductivity(room), seen.haven(room), seen.fit.energy
    shares = np.linspace(0.0, 1.0, 101)
    ions, hops = _lattice_tables(model, share, seed)
    return Part(
        tables={
            "conductivity": seen.table(),
            "conductivity_fit": _fit_table(seen),
            "conductivity_published": published(material),
            "conductivity_sources": pd.DataFrame([vars(one) for one in material.sources]),
            "correlation": tracers,
            "correlation_curves": pd.DataFrame(
                {
                    "name": "Nakazato & Kitahara",
                    "concentration": shares,
                    "factor": [nakazato_kitahara(one, infinite) for one in shares],
                }
            ),
            "exclusion": charge,
            "ions": ions,
            "ion_hops": hops,
        },
        values={
            "correlation_factor": ef.Value(float(factor), float(factor.stderr)),
            "conductivity": ef.Value(float(sigma), float(sigma.stderr), "S/m"),
            "activation_energy": ef.Value(float(energy), float(energy.stderr), "eV"),
            "haven_ratio": ef.Value(float(haven), float(haven.stderr)),
        },
        checks=[
            *ideal.checks(factor, in_box, infinite, tracers, charge),
            window_check(seen),
            *_garnet_check(material),
        ],
        notes=list(_notes(material, seen, share)),
        cost=seen.cost + spent + tracer_cost + charge_cost,
    )


def published(material: Material) -> pd.DataFrame:
    """What was measured of it: columns name, temperature (K), conductivity (S/m), doi.

    >>> from agents.ions.material import read_material
    >>> published(read_material("llzo_like"))["doi"].iloc[0]
    '10.1002/anie.200701144'
    """
    rows = [(one.composition or material.name, one.temperature, one.conductivity, one.doi) for one in material.measured]
    return pd.DataFrame(rows, columns=["name", "temperature", "conductivity", "doi"])


def _fit_table(seen: Watched) -> pd.DataFrame:
    kelvin = 1 / np.linspace(float(1 / seen.temperatures[0]), float(1 / seen.temperatures[-1]), 41)
    low, high = seen.fit.band(kelvin)
    return pd.DataFrame(
        {"temperature": kelvin, "conductivity": seen.fit.conductivity(kelvin), "low": low, "high": high}
    )


def _lattice_tables(model: Conductor, share: float, seed: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Where the ions of a box are, in equilibrium at 300 K, and the hops between its sites (nm)."""
    box = model.landscape.box
    lifted = ef.CoarseTimeStepper(model, 1, seed=seed).lift([1 / (BOLTZMANN * ROOM), share], _SITES)[0]
    axes = ["x", "y", "z"][: box.axes]
    names = ["vacant", *(one.name for one in model.species)]
    sites = pd.DataFrame(1e9 * box.positions, columns=axes)
    sites["kind"] = [box.kind_names[kind] for kind in box.site_kinds]
    sites["ion"] = [names[kind] for kind in lifted.ions.occupied]
    start, way = np.nonzero(box.neighbours > np.arange(len(box))[:, np.newaxis])
    vectors = box.positions[box.neighbours[start, way]] - box.positions[start]
    inside = np.linalg.norm(vectors - box.displacements[start % box.basis, way], axis=1) < 1e-14  # not through a face
    begin, end = start[inside], box.neighbours[start, way][inside]
    ends = [f"to_{axis}" for axis in axes]
    lines = np.hstack([1e9 * box.positions[begin], 1e9 * box.positions[end]])
    return sites, pd.DataFrame(lines, columns=[*axes, *ends])


def window_check(seen: Watched) -> ef.Check:
    """Of the conductivity, that windows are long enough, at the temperature where what they cut off stands out most.

    >>> from agents.ions.material import read_material
    >>> model = Conductor.of(read_material("lgps_like"))
    >>> window_check(watch(model, 5 / 7, [250.0, 300.0, 400.0], 30.0, 30)).ok
    True
    """
    change = seen.doubling()
    allowed = _WINDOW_NEAR + 4 * change.stderr
    worst = int((np.abs(change.value) / allowed).argmax())
    return ef.Check(
        f"conductivity: change by windows twice as long as {seen.model.window:g} hops of an ion, at "
        f"{seen.temperatures[worst]:g} K, where it stands out most",
        float(change.value[worst]),
        0.0,
        float(allowed[worst]),
        "charge forgets within a window; 1 % and four standard errors",
        stderr=float(change.stderr[worst]),
    )


def _garnet_check(material: Material) -> Iterator[ef.Check]:
    if material.name == "llzo_like":
        yield ef.Check(
            "LLZO by Nernst and Einstein, 3.17e21 ions/cm³ with D = 1.33e-8 cm²/s at 298.15 K",
            nernst_einstein(_GARNET_DENSITY, _GARNET_DIFFUSION, _GARNET_TEMPERATURE) / 100,
            _GARNET,
            5e-8,
            "n q² D/kT; Ahmad 2015, doi:10.1039/c4ra15972a",
            unit="S/cm",
        )


def _notes(material: Material, seen: Watched, share: float) -> Iterator[str]:
    sigma, energy, haven = (
        seen.at_room(),
        seen.fit.energy,
        seen.haven(int(np.flatnonzero(seen.temperatures == ROOM)[0])),
    )
    low, high = energy.interval()
    yield (
        f"{material.name}, {share:.4g} of the sites occupied: {float(sigma) / 100:.3g} S/cm at 300 K, "
        f"{float(energy):.4f} eV (95 %: {low:.4f} to {high:.4f}), Haven ratio {float(haven):.3f}."
    )
    if seen.fit.scatter > _NOT_STRAIGHT:
        yield (
            f"ln(sigma T) over 1/kT is no straight line: chi² is {seen.fit.scatter:.3g} per degree of freedom. The "
            "activation energy is that of the temperatures asked, and its interval is widened."
        )
    along = np.asarray(seen.components(int(np.flatnonzero(seen.temperatures == ROOM)[0])).value)
    if along.max() > _DIRECTED * along.min():
        told = ", ".join(f"{value / 100:.3g}" for value in along)
        yield (
            f"It conducts unequally along the axes: {told} S/cm at 300 K. What is told and what the device asks is "
            "their mean, which is that of no direction; the table has all of them."
        )
    if seen.model.samples > 1 and seen.temperatures.min() < _COLD:
        yield (
            f"Disorder remembers long in the cold: below {_COLD:g} K windows of {seen.model.window:g} hops forget too "
            "early, and conductivities come out too high: of llzto_like by 13 % at 200 K, by 60 % at 150 K."
        )
    for one in material.measured:
        yield (
            f"Published for {one.composition or material.name}: {one.conductivity / 100:.3g} S/cm at "
            f"{one.temperature:g} K, doi:{one.doi}."
        )
    assumed = sum(one.status == "assumed" for one in material.sources)
    yield f"Of {len(material.sources)} numbers of the material {assumed} are assumed; see conductivity_sources."
