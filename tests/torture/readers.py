"""Every reader of files that somebody else may have written, with files that it takes."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from time import sleep
from typing import Any
from zipfile import ZipFile

import numpy as np

__all__ = ["READERS", "Reader"]

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Reader:
    """A reader.

    Attributes
    ----------
    files
        What it takes: path within a folder -> content. One of them is damaged at a time.
    read
        ``read(folder, path)`` reads the damaged one.
    share
        Of the files that others are given: less where reading one takes long.
    """

    files: Callable[[], Mapping[str, bytes]]
    read: Callable[[Path, str], object]
    share: float = 1.0


@cache
def _scenario(name: str) -> Any:
    from eqfree.scenario import load_scenario

    return load_scenario(name)


def _contents(pattern: str) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(ROOT.glob(pattern))}


def _settings() -> dict[str, bytes]:
    import tomli_w

    from eqfree.scenario import find_scenarios

    files = {}
    for name in find_scenarios():
        given = _scenario(name).settings().model_dump(mode="json", exclude_none=True)
        files[f"{name}.toml"] = tomli_w.dumps(given).encode()
    return files


def _read_settings(folder: Path, name: str) -> object:
    from eqfree.settings import build_settings, read_config

    scenario = _scenario(Path(name).stem)
    return build_settings(scenario.settings, read_config(folder / name), scenario=scenario.name)


def _assignments() -> dict[str, bytes]:
    from eqfree.scenario import find_scenarios
    from eqfree.settings import list_settings

    return {
        f"{name}/{setting.name}": f"{setting.name}={json.dumps(setting.default)}".encode()
        for name in find_scenarios()
        for setting in list_settings(_scenario(name).settings)
        if setting.default is not None
    }


def _read_assignment(folder: Path, name: str) -> object:
    from eqfree.settings import build_settings, parse_assignment

    scenario = _scenario(Path(name).parts[0])
    text = (folder / name).read_bytes().decode("utf-8", "surrogateescape")  # as arguments arrive
    return build_settings(scenario.settings, parse_assignment(text, scenario.settings), scenario=scenario.name)


def _read_network(folder: Path, name: str) -> object:
    from agents.molecules import read_network

    network = read_network(folder / name)
    return str(network), network.conserved


def _read_material(folder: Path, name: str) -> object:
    from agents.ions import read_material

    return read_material(folder / name)


def _detectors() -> dict[str, bytes]:
    rng = np.random.default_rng(0)
    rows = [f"{flow},{rng.uniform(5, 70):.1f},0{flow % 7}:00" for flow in rng.integers(1, 20, 60)]
    return {"lane.csv": "\n".join(["# a lane", "flow,speed,time", *rows, ""]).encode()}


def _read_detectors(folder: Path, name: str) -> object:
    from scenarios.traffic.detectors import bin_by_density, read_detectors

    return bin_by_density(read_detectors(folder / name, "veh/30s,mph"))


def _read_profiles(folder: Path, name: str) -> object:
    from scenarios.tissue.assay.data import read_profiles

    return read_profiles(folder / name)


def _cells() -> dict[str, bytes]:
    rng = np.random.default_rng(0)
    points = [f"{x:.1f},{y:.1f}" for x, y in rng.uniform((0, 0), (1900.0, 190.0), (80, 2))]
    bins = [f"{x},{rng.integers(0, 50)}" for x in range(50, 1900, 100)]
    return {
        "points.csv": "\n".join(["x_um,y_um", *points, ""]).encode(),
        "bins.csv": "\n".join(["x_um,cells", *bins, ""]).encode(),
    }


def _read_cells(folder: Path, name: str) -> object:
    from agents.cells import Sites
    from scenarios.tissue.wound.start import read_cells

    return read_cells(str(folder / name), Sites((100, 10), 19.0))


def _spheroids() -> dict[str, bytes]:
    rng = np.random.default_rng(0)
    rows = [
        f"983b,{cells},{day},{150 + 20 * day + rng.normal():.2f},{rng.random():.3f},{rng.random():.3f}"
        for cells in (2500, 5000)
        for day in (3, 4, 5, 7, 10)
        for _ in range(3)
    ]
    return {"spheroids.csv": "\n".join(["CellLine,InitialCondition,Day,R,phi,eta", *rows, ""]).encode()}


def _read_spheroids(folder: Path, name: str) -> object:
    from scenarios.tissue.spheroid.data import read_spheroids, summarise

    return summarise(read_spheroids(folder / name))


def _results() -> dict[str, bytes]:
    return {name: content for name, content in _saved(fields=False).items() if name != "settings.toml"}


def _fields() -> dict[str, bytes]:
    saved = _saved(fields=True)
    return {name: saved[name] for name in ("fields.nc", "run.json")}


def _saved(fields: bool) -> dict[str, bytes]:
    import pandas as pd
    import xarray as xr

    from eqfree.results import Check, Cost, Relation, Study, Value
    from eqfree.store import save_study

    study = Study(
        scenario="decay",
        settings={"seed": 3, "road": {"cars": 60}, "densities": [0.1, 1 / 3]},
        values={"rate": Value(1 / 3, 0.1, "1/s"), "count": Value(7)},
        checks=(Check("rate", 1 / 3, 0.3, 0.1, "closed form", Relation.COVERS, "1/s", 0.1),),
        tables={}
        if fields
        else {"points": pd.DataFrame({"x": [0.1, 1 / 3, np.nan], "n": [1, 2, 3], "kind": ["NA", "b, c", "ö"]})},
        fields=xr.Dataset({"density": ("x", np.array([0.1, 1 / 3]), {"units": "1/m"})}, {"x": [0.5, 1.5]})
        if fields
        else None,
        notes=("A note.",),
        failures=("Something failed.",),
        cost=Cost(3, 0.1, 1e9, 2.5),
    )
    with TemporaryDirectory() as place:
        folder = Path(place, "result")
        return {name: (folder / name).read_bytes() for name in save_study(study, folder, {})}


def _read_results(folder: Path, name: str) -> object:
    from contextlib import redirect_stdout
    from io import StringIO

    from eqfree.cli import show

    with redirect_stdout(StringIO()):
        return show(folder)


def _checkpoints() -> dict[str, bytes]:
    from eqfree.checkpoint import write_checkpoint

    arrays: dict[str, Any] = {
        "macro": np.arange(6.0).reshape(2, 3),
        "names": np.array(["a", "bc"]),
        "on": np.array(True),
    }
    with TemporaryDirectory() as place:
        path = Path(place, "one.npz")
        write_checkpoint(path, arrays, {"time": 1.5, "settings": {"seed": 0}, "version": "1"})
        return {"one.npz": path.read_bytes()}


def _read_checkpoint(folder: Path, name: str) -> object:
    from eqfree.checkpoint import read_checkpoint

    return read_checkpoint(folder / name)


def _journal() -> dict[str, bytes]:
    """A run that was interrupted, its files taken apart into their members."""
    members: dict[str, bytes] = {}
    with TemporaryDirectory() as place:
        _record(Path(place))
        for path in sorted(Path(place).glob("*.npz")):
            with ZipFile(path) as archive:
                members |= {f"{path.stem}/{name}": archive.read(name) for name in archive.namelist()}
    return {name: content for name, content in members.items() if not name.endswith("digest")}


def _record(folder: Path) -> object:
    """Ask a few bursts that take longer than it takes to keep them, and be interrupted."""
    import eqfree as ef
    from eqfree.journal import Journal

    def evolve(state: Any, duration: float, rng: np.random.Generator) -> Any:
        sleep(0.004)
        return state * np.exp(-duration) + rng.normal(size=3)

    model = ef.micro_model(lambda macro, rng: macro, evolve, lambda state: state)
    told: list[str] = []
    begun = Journal.is_in(folder)
    place = Journal.resume(folder, tell=told.append) if begun else Journal.begin(folder, {"settings": {"seed": 0}})
    with suppress(KeyboardInterrupt), np.errstate(all="ignore"), place.recording():
        stepper = ef.CoarseTimeStepper(model, replicas=1, seed=1)
        stepper(np.ones(3), 0.1)
        stepper.simulate(np.ones(3), [0.1])
        raise KeyboardInterrupt
    return told


def _read_journal(folder: Path, name: str) -> object:
    """Sealed again with a digest that fits: somebody has altered them who knows how they are written."""
    with TemporaryDirectory() as place:
        for part in sorted(path for path in folder.iterdir() if path.is_dir()):
            members = {path.name: path.read_bytes() for path in part.iterdir() if path.is_file()}
            digest = sha256()
            for key in sorted(members, key=lambda key: key.removesuffix(".npy")):
                said = key.removesuffix(".npy")
                digest.update(f"{len(said)}:{said}{len(members[key])}:".encode() + members[key])
            with ZipFile(Path(place, f"{part.name}.npz"), "w") as archive:
                for key, content in {**members, "digest": digest.hexdigest().encode()}.items():
                    archive.writestr(key, content)
        return _record(Path(place))


READERS: Mapping[str, Reader] = {
    "settings": Reader(_settings, _read_settings),
    "assignments": Reader(_assignments, _read_assignment),
    "networks": Reader(lambda: _contents("agents/molecules/networks/*.txt"), _read_network),
    "materials": Reader(lambda: _contents("agents/ions/materials/*.toml"), _read_material),
    "detectors": Reader(_detectors, _read_detectors),
    "profiles": Reader(lambda: _contents("scenarios/tissue/assay/scratch_*.csv"), _read_profiles),
    "cells": Reader(_cells, _read_cells),
    "spheroids": Reader(_spheroids, _read_spheroids),
    "results": Reader(_results, _read_results),
    "fields": Reader(_fields, _read_results),
    "checkpoints": Reader(_checkpoints, _read_checkpoint),
    "journals": Reader(_journal, _read_journal, share=0.1),
}
