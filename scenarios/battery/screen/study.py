"""Many material files in, one table out, sorted by conductivity."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import eqfree as ef
from agents.ions.conductor import Conductor
from agents.ions.material import MATERIALS, Material, read_material
from eqfree.scenario import Context
from scenarios.battery.conductivity.watch import ROOM, Watched, watch
from scenarios.battery.screen.settings import ScreenSettings
from scenarios.part import Part

__all__ = ["find_materials", "run_screen"]

_SHORTEST = 20.0  # mean times between two hops


def run_screen(options: ScreenSettings, context: Context, seed: int) -> Part:
    """The conductivity at 300 K and the activation energy of every material, the best conductor first.

    Table ``screen``: a row a material, with what was published beside. A material that cannot be read, or not be
    watched, is told as a failure, and the others go on.

    Raises
    ------
    ValueError
        If there is nothing to screen, two files have one name, or no material can be screened.
    """
    names = find_materials(options.files)
    rows, failures, cost = [], [], ef.Cost()
    for number, name in enumerate(context.track(names, "screening")):
        try:
            material = read_material(name)
            seen = _watch(material, options, context, seed, number)
        except ValueError as error:
            failures.append(f"Screening left out {name}: {error}")
            continue
        cost += seen.cost
        rows.append(_row(material, seen))
    if not rows:
        raise ValueError(f"No material could be screened: {failures[0]}")
    table = pd.DataFrame(rows).sort_values("conductivity", ascending=False, ignore_index=True)
    best = table.iloc[0]
    return Part(
        tables={"screen": table},
        values={
            f"screen_conductivity_{row['material']}": ef.Value(row["conductivity"], row["stderr"], "S/m")
            for row in table.to_dict("records")
        },
        checks=[],
        notes=[
            f"Screened {len(table)} materials: {best['material']} conducts best at 300 K, "
            f"{best['conductivity'] / 100:.3g} ± {best['stderr'] / 100:.1g} S/cm with "
            f"{best['activation_energy']:.3f} eV."
        ],
        failures=failures,
        cost=cost,
    )


def find_materials(given: Sequence[str]) -> list[str]:
    """The materials of names, files and folders, each once; all that come with the population where nothing is given.

    Raises
    ------
    ValueError
        For a folder without material files, or two files of one name.

    Examples
    --------
    >>> "llzo_like" in find_materials([])
    True
    """
    if not given:
        return list(MATERIALS)
    found: dict[str, str] = {}
    for one in given:
        folder = Path(one)
        files = [str(path) for path in sorted(folder.glob("*.toml"))] if folder.is_dir() else [one]
        if not files:
            raise ValueError(f"A folder of materials must hold files that end in .toml: got none in {one}.")
        for file in files:
            other = found.setdefault(Path(file).stem, file)
            if other != file:
                raise ValueError(
                    f"Materials are told apart by the names of their files: got {other} and {file}. Rename one."
                )
    return list(found.values())


def _watch(material: Material, options: ScreenSettings, context: Context, seed: int, number: int) -> Watched:
    model = Conductor.of(material, seed=seed)
    windows = (2 + 4 * model.lags) / (material.crystal.axes * options.replicas * options.precision**2)
    duration = max(ceil(windows) * model.window, _SHORTEST)
    kelvin = [*options.temperatures, ROOM]
    return watch(model, material.concentration, kelvin, duration, options.replicas, context.executor, seed, (4, number))


def _row(material: Material, seen: Watched) -> dict[str, Any]:
    sigma, energy = seen.at_room(), seen.fit.energy
    low, high = energy.interval()
    known = [one.conductivity for one in material.measured]
    axes = seen.components(int(np.flatnonzero(seen.temperatures == ROOM)[0])).value
    return {
        "material": material.name,
        "conductivity": float(sigma),
        "stderr": float(sigma.stderr),
        "activation_energy": float(energy),
        "activation_energy_stderr": float(energy.stderr),
        "activation_energy_low": float(low),
        "activation_energy_high": float(high),
        "anisotropy": float(axes.max() / axes.min()),
        "concentration": material.concentration,
        "measured": float(np.exp(np.mean(np.log(known)))) if known else float("nan"),
        "measured_lowest": min(known, default=float("nan")),
        "measured_highest": max(known, default=float("nan")),
        "doi": " ".join(dict.fromkeys(one.doi for one in material.measured)),
    }
