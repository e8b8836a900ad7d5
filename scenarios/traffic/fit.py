"""The drivers that measured flow and speed speak of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

import eqfree as ef
from agents.cars import Fleet, Vehicle
from eqfree.scenario import Context
from scenarios.traffic.detectors import bin_by_density, carried_summary, read_detectors
from scenarios.traffic.diagram import KM_H, VEH_H, VEH_KM, as_table
from scenarios.traffic.rings import law_of, pair
from scenarios.traffic.settings import Settings

__all__ = ["ENOUGH_DRAWS", "fit_drivers", "fit_notes", "fit_tables", "fit_values", "fitted_curve", "measurements"]

_FEWEST_BINS = 6  # twice the parameters
_SHORTEST = 4.0  # m
_POOR = 4.0  # reduced chi-square, with the model error in it, from which the misfit is no chance
ENOUGH_DRAWS = 20  # for a 95 % interval: one draw lies outside
UNITS = {"reaction_time": "s", "effective_length": "m", "free_speed": "km/h"}


def measurements(settings: Settings) -> pd.DataFrame:
    """Measured flow (veh/h) and speed (km/h) by density (veh/km): the user's file, or the carried summary.

    Raises
    ------
    ValueError
        For a file without units, units without a file, or a file that cannot be read as detector records.
    """
    if settings.detectors is None:
        if settings.detectors_units is not None:
            raise ValueError(
                f"`detectors_units` belongs to a file: got detectors_units={settings.detectors_units!r} without "
                "`detectors`. Name the file too."
            )
        return carried_summary()
    if settings.detectors_units is None:
        raise ValueError(
            "`detectors` needs `detectors_units`, such as veh/h,mph: got "
            f"detectors={settings.detectors!r} without units."
        )
    measured = bin_by_density(read_detectors(settings.detectors, settings.detectors_units))
    if len(measured) < _FEWEST_BINS:
        raise ValueError(
            f"`detectors` must reach over {_FEWEST_BINS} density bins or more, of four records each: "
            f"got {len(measured)} from {settings.detectors}. Give more records, from light to dense traffic."
        )
    return measured


def fit_drivers(settings: Settings, measured: pd.DataFrame, context: Context) -> tuple[ef.Calibration, ef.Cost]:
    """Mean reaction time (s), effective length (m) and free speed (km/h) by least squares on the derived flow.

    A measured flow weighs by its standard error and by how well equal drivers can be expected to meet it: the
    standard errors alone would let the many records of free flow decide about the jam.
    """
    errors = np.hypot(measured["flow_stderr"], settings.model_error * measured["flow"])
    densities = measured["density"].to_numpy() / VEH_KM
    car, fastest = settings.fleet.car, float(measured["speed"].max())
    spent = []

    def predict(parameters: Mapping[str, float]) -> NDArray[np.float64]:
        flows, cost = _flows(settings, _vehicle(car, parameters), densities)
        spent.append(cost)
        return flows * VEH_H

    fit = ef.calibrate(
        predict,
        measured["flow"],
        errors,
        initial={"reaction_time": 1.5, "effective_length": 7.5, "free_speed": fastest},
        bounds={
            "reaction_time": (0.3, 6.0),
            "effective_length": (2.0, 40.0),
            "free_speed": (0.5 * fastest, 2 * fastest),
        },
        draws=settings.bootstrap,
        seed=settings.seed,
        progress=lambda draws: context.track(draws, "bootstrap of the fit"),
    )
    return fit, sum(spent, ef.Cost())


def fitted_curve(settings: Settings, fit: ef.Calibration) -> pd.DataFrame:
    """The diagram of the fitted drivers, up to their jam density."""
    vehicle = _vehicle(settings.fleet.car, fit.values)
    densities = np.linspace(0.005, 0.995, 100) / (vehicle.length + vehicle.minimum_gap)
    flows, _ = _flows(settings, vehicle, densities)
    return as_table(densities, flows, np.zeros_like(flows))[["density", "flow", "speed"]]


def fit_values(fit: ef.Calibration) -> dict[str, ef.Value]:
    """The fitted parameters as headline numbers; the standard errors are those of the bootstrap."""
    stderr = fit.samples.std(axis=0, ddof=1)
    return {
        f"fitted_{name}": ef.Value(value, float(error), UNITS[name])
        for (name, value), error in zip(fit.values.items(), stderr, strict=True)
    }


def fit_tables(fit: ef.Calibration) -> dict[str, pd.DataFrame]:
    """The fit with its intervals, and the bootstrap samples behind them."""
    table = pd.DataFrame(
        {
            "parameter": [name.replace("_", " ") for name in fit.values],
            "value": list(fit.values.values()),
            "low": [fit.intervals[name][0] for name in fit.values],
            "high": [fit.intervals[name][1] for name in fit.values],
            "unit": [UNITS[name] for name in fit.values],
            "identified": [fit.identified[name] for name in fit.values],
        }
    )
    samples = pd.DataFrame(fit.samples, columns=[f"{name.replace('_', ' ')} ({UNITS[name]})" for name in fit.values])
    return {"fit": table, "bootstrap": samples}


def fit_notes(fit: ef.Calibration, measured: pd.DataFrame) -> list[str]:
    """What the measurements fix and what they do not, in sentences."""
    reach = f"densities {measured['density'].min():.3g} to {measured['density'].max():.3g} veh/km"
    notes = []
    for name, value in fit.values.items():
        low, high = fit.intervals[name]
        draws = f"{len(fit.samples)} bootstrap draws"
        told = f"95 % interval {low:.3g} to {high:.3g} ({draws})"
        if len(fit.samples) < ENOUGH_DRAWS:
            told = f"no interval, for which {draws} are too few"
        fitted = f"{name.replace('_', ' ')} {value:.3g} {UNITS[name]}, {told}"
        notes.append(f"Fitted {fitted}." if fit.identified[name] else f"Not fixed by {reach}: {fitted}.")
    if not fit.identified["effective_length"]:
        notes.append("These measurements fix no jam density: make none of the fitted length.")
    if fit.values["effective_length"] < _SHORTEST:
        notes.append(f"An effective length below {_SHORTEST:g} m is no car's: flow must be that of one lane.")
    quality = fit.reduced_chi_square
    poor = " The rule of these drivers does not describe the measurements." if quality > _POOR else ""
    notes.append(f"Chi-square of the fit per degree of freedom: {quality:.3g}.{poor}")
    return notes


def _vehicle(car: Vehicle, parameters: Mapping[str, float]) -> Vehicle:
    """The car with these parameters; its effective length is split as the car's own is."""
    scale = parameters["effective_length"] / (car.length + car.minimum_gap)
    return replace(
        car,
        time_headway=parameters["reaction_time"],
        desired_speed=parameters["free_speed"] / KM_H,
        length=car.length * scale,
        minimum_gap=car.minimum_gap * scale,
    )


def _flows(settings: Settings, vehicle: Vehicle, densities: NDArray[np.float64]) -> tuple[NDArray[np.float64], ef.Cost]:
    """Flow of equal drivers (1/s), none beyond their jam density, and what it cost to ask them."""
    room = densities < 1 / (vehicle.length + vehicle.minimum_gap)
    flows, cost = np.zeros_like(densities), ef.Cost()
    if room.any():
        flows[room], _, cost = pair(law_of(settings), Fleet.of(vehicle), settings).ask(densities[room])
    return flows, cost
