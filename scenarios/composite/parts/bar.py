"""A bar whose phases conduct differently at different temperatures: Newton's method with the closure's derivative."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

import eqfree as ef
from eqfree.hmm import DiffusionLaw, Fixed, FourierFlux, Gridded, rectangle, solve_steady
from eqfree.scenario import Context
from scenarios.composite import exact
from scenarios.composite.conductivity import CellConductivity, CellModel
from scenarios.composite.medium import allowed_error, elements_of, exact_tensor, microstructure_of
from scenarios.composite.microstructures import Image
from scenarios.composite.phases import Phases
from scenarios.composite.settings import Settings
from scenarios.part import Part

__all__ = ["run_bar"]

_RTOL, _RTOL_OF_IMAGE = 1e-9, 1e-4  # of the table
_WITHIN = 1e-6  # of the exact flux and temperature
_ROUND_OFF = 1e-9  # of K_xx
_STEEPER = 100.0  # times the error of a table: what its derivative may err by
_ROOM = 0.1  # of the range of temperatures on either side: iterations overshoot
_DRAWN = 101  # points along the bar


def run_bar(settings: Settings, context: Context) -> Part:
    """The temperature along a bar of the composite, one metre long, between two ends.

    The conductivity along x is a table in the temperature, asked of the cell problem. Tables ``composite_bar`` and
    ``composite_conductivity``.
    """
    bar = settings.bar
    phases = Phases(settings.conductivities, bar.slopes, reference=bar.cold)
    room = _ROOM * (bar.hot - bar.cold)
    for temperature in (bar.cold - room, bar.hot + room):
        phases.at(temperature)
    medium = microstructure_of(settings)
    model = CellModel(
        lambda _: medium,
        lambda temperature: phases.at(float(temperature[-1])),
        elements_of(settings),
        1 if isinstance(medium, Image) else settings.degree,
        derivative_of=lambda _: phases.derivative,
    )
    asked = CellConductivity(model, context.executor)
    rtol = _RTOL_OF_IMAGE if isinstance(medium, Image) else _RTOL
    table = Gridded(asked, [(bar.cold - room, bar.hot + room)], rtol=rtol)
    flux = FourierFlux(table, lambda position: np.empty((len(position), 0)), with_temperature=True)
    law = DiffusionLaw(
        mesh=rectangle(1.0, 1 / bar.elements, (bar.elements, 1)),
        flux=flux,
        boundaries={"left": Fixed(bar.cold), "right": Fixed(bar.hot)},
        degree=settings.degree,
    )
    solution = solve_steady(law)
    along = np.linspace(0.0, 1.0, _DRAWN)
    told = solution.at(np.column_stack([along, np.zeros(_DRAWN)]))
    flow = solution.inflows["right"] * bar.elements  # of a bar as high as an element is long
    middle = float(told[_DRAWN // 2])
    known = _exact(settings, phases)
    temperatures = np.linspace(bar.cold, bar.hot, _DRAWN)[:, np.newaxis]
    answer = table(temperatures)
    return Part(
        tables={
            "composite_bar": pd.DataFrame(
                {"x": along, "temperature": told, "exact": np.full(_DRAWN, np.nan) if known is None else known[1]}
            ),
            "composite_conductivity": pd.DataFrame(
                {
                    "temperature": temperatures[:, 0],
                    "conductivity": answer.value[:, 0],
                    "derivative": np.asarray(answer.jacobian)[:, 0, 0],
                }
            ),
        },
        values={
            "bar_flux_times_length": ef.Value(float(flow), unit="W/m"),
            "bar_temperature_in_the_middle": ef.Value(middle, unit="K"),
            "bar_iterations": ef.Value(float(solution.iterations)),
        },
        checks=[
            *([] if known is None else _checks(settings, flow, middle, known[0], float(known[1][_DRAWN // 2]))),
            _derivative(table, asked, (bar.cold, bar.hot), _STEEPER * rtol + allowed_error(settings)),
        ],
        notes=[f"Bar: {flux}."],
        failures=[] if solution.success else [f"bar: {solution.message}"],
        cost=asked.cost,
    )


def _derivative(table: Gridded, asked: CellConductivity, ends: tuple[float, float], tolerance: float) -> ef.Check:
    """That of the table, over the whole range, against the one that the cell problem has from its own fields.

    The table resolves no more of the conductivity than the cell problem knows of it.
    """
    cold, hot = ends
    middle = [[(cold + hot) / 2]]
    told, known = table(middle), asked(middle)
    assert told.jacobian is not None
    assert known.jacobian is not None
    scale = (hot - cold) / float(known.value[0, 0])
    return ef.Check(
        "bar: dK/dT in the middle, times the range over K",
        scale * float(told.jacobian[0, 0, 0]),
        scale * float(known.jacobian[0, 0, 0]),
        tolerance,
        "Hellmann & Feynman, the mean of the phases' derivatives over the cell's field",
    )


def _exact(settings: Settings, phases: Phases) -> tuple[float, NDArray[np.float64]] | None:
    """Flux times length, and temperatures along the bar, where the conductivity is known.

    Not where layers are turned: heat that flows off sideways meets the bar's sides, and it is no bar of K_xx any more.
    """
    tensor = exact_tensor(settings, settings.conductivities)
    if tensor is None or abs(tensor[1]) > _ROUND_OFF * tensor[0]:
        return None

    def conductivity(temperature: float) -> float:
        one, other = phases.at(temperature)
        told = exact_tensor(settings, (float(one), float(other)))
        assert told is not None
        return told[0]

    return exact.bar(conductivity, settings.bar.cold, settings.bar.hot, _DRAWN)


def _checks(settings: Settings, flow: float, middle: float, exact_flow: float, exact_middle: float) -> list[ef.Check]:
    """Within a millionth, and what the cell problem's own mesh may cost."""
    within, source = _WITHIN + allowed_error(settings), "Kirchhoff's transform of the exact conductivity, by quadrature"
    across = settings.bar.hot - settings.bar.cold
    return [
        ef.Check("bar: flux times length", flow, exact_flow, within * exact_flow, source, unit="W/m"),
        ef.Check("bar: temperature in the middle", middle, exact_middle, within * across, source, unit="K"),
    ]
