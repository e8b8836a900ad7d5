"""Current and heat in a device whose conductivity is asked of its ions: a bar, and a plate with short electrodes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from math import exp
from typing import Any

import numpy as np
import pandas as pd

import eqfree as ef
from agents.ions.constants import BOLTZMANN
from eqfree.scenario import Context
from scenarios.battery.device.bodies import Bar, Plate
from scenarios.battery.device.known import known_checks
from scenarios.battery.device.settings import DeviceSettings
from scenarios.battery.device.state import State
from scenarios.battery.device.transient import Transient
from scenarios.battery.laws import Conductivity, FromTable
from scenarios.part import Part

__all__ = ["make_bar", "make_plate", "run_device"]

_CLOSED = 1e-10  # of the largest current or power
_MOST_SOLVES = 30
_COOLER = 0.01  # K
_PROFILES = 6  # of the transient


@dataclass(frozen=True, eq=False)
class _Run:
    """A device at its voltage: where it ends, how it gets there, and by how much its ions' errors move the end.

    If the voltage was chosen by how hot it was to be, that is the aim (K).
    """

    name: str
    steady: State
    transient: Transient
    hottest: ef.Value
    current: ef.Value
    aim: float = 0.0

    @property
    def charge_error(self) -> float:
        return max(self.steady.charge_error, self.transient.charge_error)

    @property
    def energy_error(self) -> float:
        return max(self.steady.balance.error, self.transient.energy_error)


@dataclass(frozen=True)
class _Asked:
    """How much a table was asked, and what it took."""

    asked: int = 0
    solved: int = 0
    cost: ef.Cost = field(default_factory=ef.Cost)

    @classmethod
    def of(cls, table: ef.hmm.Tabulated | None) -> _Asked:
        return cls() if table is None else cls(table.asked, table.solved, table.cost)

    def since(self, before: _Asked) -> _Asked:
        cost = ef.Cost(
            self.cost.bursts - before.cost.bursts,
            self.cost.micro_time - before.cost.micro_time,
            self.cost.agent_updates - before.cost.agent_updates,
            self.cost.wall - before.cost.wall,
        )
        return _Asked(self.asked - before.asked, self.solved - before.solved, cost)

    def __str__(self) -> str:
        return (
            f"Conductivity: {self.asked} points asked of the table, {self.solved} micro-solves of ions made, "
            f"{self.asked - self.solved} saved."
        )


def make_bar(options: DeviceSettings, law: Conductivity, contact: float | None, thermal_conductivity: float) -> Bar:
    """The bar of the settings, with contacts in W/(m² K) or cold ends, and a thermal conductivity in W/(m K).

    >>> from scenarios.battery.laws import Arrhenius
    >>> law = Arrhenius(at=0.01, reference=300.0, energy=0.35)
    >>> make_bar(DeviceSettings(elements=16), law, 50.0, 1.0).body.count
    33
    """
    return Bar(
        **_told_of_both(options, law, contact, thermal_conductivity),
        side_cooling=options.side_cooling,
        elements=options.elements,
    )


def make_plate(options: DeviceSettings, law: Conductivity, contact: float | None, thermal_conductivity: float) -> Plate:
    """The plate of the settings, whose electrodes cover opposite corners.

    >>> from scenarios.battery.laws import Arrhenius
    >>> law = Arrhenius(at=0.01, reference=300.0, energy=0.35)
    >>> make_plate(DeviceSettings(), law, 50.0, 1.0).electrodes
    ((0.0, 0.4), (0.6, 1.0))
    """
    return Plate(
        **_told_of_both(options, law, contact, thermal_conductivity),
        electrodes=((0.0, options.covered), (1 - options.covered, 1.0)),
        side_cooling=options.side_cooling,
        face_cooling=options.side_cooling,
        elements=options.plate_elements,
    )


def _told_of_both(
    options: DeviceSettings, law: Conductivity, contact: float | None, thermal_conductivity: float
) -> dict[str, Any]:
    return {
        "conductivity": law,
        "thermal_conductivity": thermal_conductivity,
        "contact": contact,
        "contact_resistance": options.contact_resistance,
        "surroundings": options.surroundings,
        "heat_capacity": options.heat_capacity,
        "hottest": options.hottest,
        "length": options.length,
        "width": options.width,
        "thickness": options.thickness,
    }


def run_device(
    options: DeviceSettings,
    law: Conductivity,
    context: Context,
    *,
    voltage: float | None = None,
    contact: float | None = 50.0,
    thermal_conductivity: float,
) -> Part:
    """A bar and a plate at a voltage (V), in their steady states and on the way there from cold.

    Without a voltage each gets the one that warms it by ``options.rise``. The conductivity is the ``law``'s: where
    that asks a table, what was asked, solved and saved is told, and the errors of the table go into the values.
    Tables: ``device_profile``, ``device_heating``, ``device_energy``, ``plate_field``, ``plate_energy``.

    Parameters
    ----------
    options
        Sizes and numbers.
    law
        Conductivity of the material.
    context
        Of the run.
    voltage
        Between the electrodes (V).
    contact
        Heat transfer of the electrodes in W/(m² K); None if they are as cold as the surroundings.
    thermal_conductivity
        Of the material in W/(m K).

    Raises
    ------
    ValueError
        If there is no steady state at the voltage, in one line that says where the fold is.
    """
    table = law.table if isinstance(law, FromTable) and isinstance(law.table, ef.hmm.Tabulated) else None
    before = _Asked.of(table)
    bar = make_bar(options, law, contact, thermal_conductivity)
    plate = make_plate(options, law, contact, thermal_conductivity)
    runs: dict[str, _Run] = {}
    for name in context.track(("bar", "plate"), "device"):
        device, steps = (bar, options.steps) if name == "bar" else (plate, options.plate_steps)
        runs[name] = _follow(name, device, options, voltage, steps)
    since = _Asked.of(table).since(before)
    values: dict[str, ef.Value] = {}
    for prefix, run in zip(("device", "plate"), runs.values(), strict=True):
        values |= {
            f"{prefix}_voltage": ef.Value(run.steady.voltage, unit="V"),
            f"{prefix}_hottest": run.hottest,
            f"{prefix}_current": run.current,
            f"{prefix}_power": ef.Value(
                run.steady.balance.power, abs(run.steady.voltage) * run.current.stderr, unit="W"
            ),
        }
    return Part(
        tables={
            "device_profile": _profile(bar, runs["bar"].steady),
            "device_heating": _heating(bar, runs["bar"].transient),
            "device_energy": runs["bar"].transient.table(),
            "plate_field": _field(plate, runs["plate"].steady),
            "plate_energy": runs["plate"].transient.table(),
        },
        values=values,
        checks=[
            *(check for run in runs.values() for check in _closed(run)),
            *([] if table is None else [_few(since.solved, options)]),
            *known_checks(),
        ],
        notes=[
            *(_told(run) for run in runs.values()),
            *(_unstable(run) for run in runs.values() if run.steady.hottest < run.aim - _COOLER),
            *([] if table is None else [str(since)]),
        ],
        failures=[
            f"{run.name.capitalize()}: {run.transient.message}" for run in runs.values() if not run.transient.success
        ],
        cost=since.cost,
    )


def _follow(name: str, device: Bar | Plate, options: DeviceSettings, voltage: float | None, steps: int) -> _Run:
    aim = 0.0
    try:
        if voltage is None:
            aim = options.surroundings + options.rise
            voltage = device.steady_at(aim).voltage
        steady = device.steady(voltage)
    except ValueError as error:
        raise ValueError(f"{name.capitalize()}: {error}") from error
    hottest, current = _with_errors(device, steady)
    return _Run(name, steady, device.transient(voltage, options.duration, steps), hottest, current, aim)


def _with_errors(device: Bar | Plate, steady: State) -> tuple[ef.Value, ef.Value]:
    """Maximal temperature and current, with the error that one of the logarithm of the conductivity makes.

    Conductivities that are all larger by a factor do what a voltage larger by its root does: exact but for contacts.
    """
    error = _error_of_logarithm(device.conductivity, steady.hottest)
    if error == 0 or steady.voltage == 0:
        return ef.Value(steady.hottest, unit="K"), ef.Value(steady.current, unit="A")
    low = device.steady(steady.voltage * exp(-error / 2), steady)
    shift = ef.Value(steady.hottest, steady.hottest - low.hottest, "K")
    return shift, ef.Value(steady.current, abs(steady.current - low.current * exp(-error / 2)), "A")


def _error_of_logarithm(law: Conductivity, temperature: float) -> float:
    if not isinstance(law, FromTable):
        return 0.0
    return float(law.table([[1 / (BOLTZMANN * temperature)]]).stderr[0, 0])


def _profile(bar: Bar, state: State) -> pd.DataFrame:
    conductivity, _ = bar.conductivity(state.temperature)
    return pd.DataFrame(
        {
            "x": bar.places[:, 0],
            "temperature": state.temperature,
            "potential": state.potential,
            "conductivity": conductivity,
        }
    )


def _heating(bar: Bar, transient: Transient) -> pd.DataFrame:
    """Temperatures at the vertices at a few times, as the root of time goes."""
    shown = np.unique(np.rint(np.linspace(0, 1, _PROFILES) ** 2 * (len(transient.times) - 1)).astype(int))
    vertices = bar.body.vertices
    frames = [
        pd.DataFrame(
            {
                "time": transient.times[number],
                "x": bar.places[vertices, 0],
                "temperature": (transient.states[number - 1].temperature if number else transient.start)[vertices],
            }
        )
        for number in shown
    ]
    return pd.concat(frames, ignore_index=True)


def _field(plate: Plate, state: State) -> pd.DataFrame:
    x, y = plate.places.T
    return pd.DataFrame({"x": x, "y": y, "temperature": state.temperature, "potential": state.potential})


def _closed(run: _Run) -> Iterator[ef.Check]:
    yield ef.Check(
        f"{run.name}: sum of the currents through its faces, over the largest",
        run.charge_error,
        0.0,
        _CLOSED,
        "charge is conserved",
    )
    yield ef.Check(
        f"{run.name}: power less heat out and stored, over the largest",
        run.energy_error,
        0.0,
        _CLOSED,
        "energy is conserved",
    )


def _few(solved: int, options: DeviceSettings) -> ef.Check:
    return ef.Check(
        f"micro-solves of ions for steady states and transients of {options.steps} and {options.plate_steps} steps",
        solved,
        _MOST_SOLVES,
        0.0,
        "aim of the table",
        relation=ef.Relation.AT_MOST,
    )


def _told(run: _Run) -> str:
    state = run.steady
    balance, mean = state.balance, run.transient.balance
    return (
        f"{run.name.capitalize()}: {state.voltage:.4g} V drive {state.current:.4g} A and warm it to "
        f"{run.hottest.value:.5g} ± {run.hottest.stderr:.2g} K. Power in = heat out + stored: {balance.power:.6g} W = "
        f"{balance.heat_out:.6g} W + 0 W, of which {balance.at_contacts:.3g} W at the contacts; in the mean over "
        f"{run.transient.times[-1]:g} s from cold {mean.power:.6g} W = {mean.heat_out:.6g} W + {mean.stored:.6g} W. In "
        f"every step within {run.energy_error:.1e} of what flows, charge within {run.charge_error:.1e}."
    )


def _unstable(run: _Run) -> str:
    return (
        f"{run.name.capitalize()}: a steady state of {run.aim:g} K lies behind the fold, where it is not stable; at "
        f"its voltage the hottest place stays at {run.steady.hottest:.5g} K. Lower `device.rise`."
    )
