"""Bars between cold ends whose steady states are known exactly, beside what the elements make of them."""

from __future__ import annotations

from collections.abc import Iterator

import eqfree as ef
from scenarios.battery.device.bodies import Bar
from scenarios.battery.device.exact import SOURCE, critical_voltage, rise_at, voltage_at
from scenarios.battery.laws import Arrhenius, Conductivity, Exponential

__all__ = ["known_checks"]

_CONDUCTS, _ENDS = 1.0, 300.0  # W/(m K) and K
_EXPONENTIAL = Exponential(at=0.01, reference=_ENDS, steepness=0.04)
_ARRHENIUS = Arrhenius(at=0.01, reference=_ENDS, energy=0.35)
_NEAR, _NEAR_CRITICAL = 1e-5, 1e-4
_FAR, _HOT = 250.0, 50.0  # rises at which voltages are compared, K


def known_checks() -> Iterator[ef.Check]:
    """Of an exponential and an Arrhenius conductivity, by the relation of Kohlrausch.

    >>> all(check.ok for check in known_checks())
    True
    """
    bar, critical = _bar(_EXPONENTIAL), critical_voltage(_EXPONENTIAL, _CONDUCTS)
    for share in (0.9, 0.99):
        rise = rise_at(_EXPONENTIAL, share)
        yield ef.Check(
            f"exponential conductivity, cold ends: warming at {share:g} of the critical voltage",
            bar.steady(share * critical).hottest - _ENDS,
            rise,
            _NEAR * rise,
            SOURCE,
            unit="K",
        )
    yield ef.Check(
        f"exponential conductivity, cold ends: voltage that warms by {_FAR:g} K, of the critical one",
        bar.steady_at(_ENDS + _FAR).voltage / critical,
        1.0,
        _NEAR_CRITICAL,
        SOURCE,
    )
    exact = voltage_at(_ARRHENIUS, _CONDUCTS, _ENDS, _ENDS + _HOT)
    yield ef.Check(
        f"Arrhenius conductivity, cold ends: voltage that warms by {_HOT:g} K",
        _bar(_ARRHENIUS).steady_at(_ENDS + _HOT).voltage,
        exact,
        _NEAR * exact,
        SOURCE,
        unit="V",
    )


def _bar(law: Conductivity) -> Bar:
    return Bar(length=0.01, conductivity=law, thermal_conductivity=_CONDUCTS, contact=None)
