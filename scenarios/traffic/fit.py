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

__all__ = ["fit_drivers", "fit_notes", "fit_tables", "fit_values", "fitted_curve", "measurements"]

BOUNDS = {"reaction_time": (0.3, 6.0), "effective_length": (2.0, 40.0), "free_speed": (20.0, 250.0)}
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
    return bin_by_density(read_detectors(settings.detectors, settings.detectors_units))


def fit_drivers(settings: Settings, measured: pd.DataFrame, context: Context) -> ef.Calibration:
    """Mean reaction time (s), effective length (m) and free speed (km/h) by least squares on the derived flow.

    A measured flow weighs by its standard error and by how well equal drivers can be expected to meet it: the
    standard errors alone would let the many records of free flow decide about the jam.
    """
    errors = np.hypot(measured["flow_stderr"], settings.model_error * measured["flow"])
    densities = measured["density"].to_numpy() / VEH_KM
    car = settings.fleet.car
    return ef.calibrate(
        lambda parameters: _flows(settings, _vehicle(car, parameters), densities) * VEH_H,
        measured["flow"],
        errors,
        initial={"reaction_time": 1.5, "effective_length": 7.5, "free_speed": float(measured["speed"].max())},
        bounds=BOUNDS,
        draws=settings.bootstrap,
        seed=settings.seed,
        progress=lambda draws: context.track(draws, "bootstrap of the fit"),
    )


def fitted_curve(settings: Settings, fit: ef.Calibration) -> pd.DataFrame:
    """The diagram of the fitted drivers, up to their jam density."""
    vehicle = _vehicle(settings.fleet.car, fit.values)
    densities = np.linspace(0.005, 0.995, 100) / (vehicle.length + vehicle.minimum_gap)
    flows = _flows(settings, vehicle, densities)
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
    densest = measured["density"].max()
    notes = []
    for name, value in fit.values.items():
        low, high = fit.intervals[name]
        words = name.replace("_", " ")
        interval = f"{words} {value:.3g} {UNITS[name]}, 95 % interval {low:.3g} to {high:.3g}"
        if fit.identified[name]:
            notes.append(f"Fitted {interval}.")
        else:
            notes.append(
                f"Not identified by these measurements, which end at {densest:.3g} veh/km: {interval}. "
                "Do not use it, or a jam density made of it, without denser data."
            )
    notes.append(f"Chi-square of the fit per degree of freedom: {fit.reduced_chi_square:.3g}.")
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


def _flows(settings: Settings, vehicle: Vehicle, densities: NDArray[np.float64]) -> NDArray[np.float64]:
    """Flow of equal drivers (1/s); none beyond their jam density."""
    room = densities < 1 / (vehicle.length + vehicle.minimum_gap)
    flows = np.zeros_like(densities)
    if room.any():
        flows[room] = pair(law_of(settings), Fleet.of(vehicle), settings).ask(densities[room])[0]
    return flows
