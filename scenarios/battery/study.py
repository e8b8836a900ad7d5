"""The study of a battery, part by part: every number, table and check; no pictures."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property

import eqfree as ef
from agents.ions import Material, read_material
from agents.ions.conductor import Conductor
from eqfree.scenario import Context
from scenarios.battery.device import Bar
from scenarios.battery.laws import Conductivity, FromTable
from scenarios.battery.settings import Settings
from scenarios.battery.tabulated import ask_ions, replicas_of
from scenarios.part import Part, join

__all__ = ["run"]

_OF_TABLE = 7  # the key of its noise
_COLDER = 0.999  # of the surroundings: where the table begins, so that rounding does not lead out of it


def run(settings: Settings, context: Context) -> ef.Study:
    """Compute the parts that the settings ask for, one after the other."""
    battery = _Battery(settings, context)
    whole = join(_PARTS[name](battery) for name in settings.parts)
    return ef.Study(
        scenario="battery",
        settings=settings.model_dump(mode="json"),
        values=whole.values,
        checks=whole.checks,
        tables=whole.tables,
        notes=whole.notes,
        failures=whole.failures,
        cost=whole.cost,
    )


@dataclass(frozen=True)
class _Battery:
    """What the parts share: the material, and a table of what it conducts, which is asked once."""

    settings: Settings
    context: Context

    @cached_property
    def material(self) -> Material:
        return read_material(self.settings.material)

    @cached_property
    def model(self) -> Conductor:
        return Conductor.of(self.material, seed=self.settings.seed)

    @cached_property
    def asked(self) -> tuple[FromTable, ef.hmm.Tabulated]:
        settings, material, model = self.settings, self.material, self.model
        share = material.concentration if settings.concentration is None else settings.concentration
        model.check(share)
        kelvin = (_COLDER * settings.device.surroundings, settings.device.hottest)
        executor = self.context.executor
        return ask_ions(model, share, kelvin, settings.precision, (_OF_TABLE,), executor, settings.seed)

    def bar(self, law: Conductivity, elements: int | None = None) -> Bar:
        """The device in one dimension, of a conductivity."""
        from scenarios.battery.device.study import make_bar

        settings = self.settings
        device = settings.device if elements is None else settings.device.model_copy(update={"elements": elements})
        return make_bar(device, law, settings.cooling, self.conducts)

    @property
    def conducts(self) -> float:
        """Thermal conductivity in W/(m K)."""
        told = self.settings.device.thermal_conductivity or self.material.thermal_conductivity
        if told is None:
            raise ValueError(
                f"The device needs a thermal conductivity: {self.settings.material} tells none. Set "
                "`device.thermal_conductivity` (W/(m K))."
            )
        return told


def _conductivity(battery: _Battery) -> Part:
    from scenarios.battery.conductivity.study import run_conductivity

    settings = battery.settings
    return run_conductivity(
        battery.material,
        settings.temperatures,
        settings.concentration,
        settings.lattice,
        settings.conductivity,
        battery.context,
        settings.seed,
    )


def _device(battery: _Battery) -> Part:
    from scenarios.battery.device.study import run_device

    return run_device(
        battery.settings.device,
        battery.asked[0],
        battery.context,
        voltage=battery.settings.voltage,
        contact=battery.settings.cooling,
        thermal_conductivity=battery.conducts,
    )


def _runaway(battery: _Battery) -> Part:
    from scenarios.battery.runaway.study import run_runaway

    settings = battery.settings
    options = settings.runaway
    return run_runaway(
        options,
        lambda law: battery.bar(law, options.elements),
        *battery.asked,
        battery.context,
        settings.seed,
        replicas_of(battery.model),
    )


def _polarisation(battery: _Battery) -> Part:
    from scenarios.battery.polarisation.study import run_polarisation

    return run_polarisation(battery.settings.polarisation, battery.context, battery.settings.seed)


def _screen(battery: _Battery) -> Part:
    from scenarios.battery.screen.study import run_screen

    return run_screen(battery.settings.screen, battery.context, battery.settings.seed)


_PARTS: Mapping[str, Callable[[_Battery], Part]] = {
    "conductivity": _conductivity,
    "device": _device,
    "runaway": _runaway,
    "polarisation": _polarisation,
    "screen": _screen,
}
