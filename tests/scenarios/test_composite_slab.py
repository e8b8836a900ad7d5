"""Layers across a bar, as exact solutions in one dimension know them: by two scales and with every layer resolved."""

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
import pytest
from numpy.typing import ArrayLike, NDArray

from eqfree.hmm import DiffusionLaw, Fixed, FourierFlux, Gridded, ResolvedFlux, rectangle, solve_steady
from scenarios.composite.conductivity import CellConductivity, CellModel
from scenarios.composite.microstructures import Laminate
from scenarios.composite.phases import Phases

Array: TypeAlias = NDArray[np.float64]
Slope: TypeAlias = Callable[[Array], ArrayLike] | None

PERIODS, HEIGHT = 10, 0.1
COPPER, PLASTIC = (401.0, -2e-4), (0.2, 5e-3)  # at 300 K, and relative change per kelvin
PHASES = Phases((PLASTIC[0], COPPER[0]), (PLASTIC[1], COPPER[1]))
ENDS = {"left": Fixed(300.0), "right": Fixed(400.0)}

# Kirchhoff's transform of the harmonic mean of both conductivities, integrated in thirty digits
FLUX, MIDDLE = 49.96807042007116, 354.94776300351765
# the same with ten periods, copper first: Kirchhoff's transform layer by layer, a root in thirty digits
FLUX_LAYERED = 49.968734906165935

# capacity · du/dt = (k u')' with k, capacity = 10, 1 and 1, 2 in layers of equal thickness, u = 0 at both ends:
# pi² k* / <capacity>, and the root of the transfer matrix of ten periods
RATE, RATE_LAYERED = 11.963156849805284, 11.957327635663178


def layer(position: Array) -> NDArray[np.int64]:
    """0 in the first layer of each period, 1 in the second."""
    return (position[:, 0] * PERIODS % 1 > 0.5).astype(np.int64)


def of_layers(phases_of: Callable[[Array], ArrayLike], derivative_of: Slope = None) -> CellConductivity:
    return CellConductivity(CellModel(lambda _: Laminate(0.5), phases_of, refinement=2, derivative_of=derivative_of))


def test_bar_of_layers_that_depend_on_temperature_has_the_exact_flux_and_temperature() -> None:
    asked = of_layers(lambda temperature: PHASES.at(float(temperature[-1])), lambda _: PHASES.derivative)
    table = Gridded(asked, [(290.0, 410.0)], rtol=1e-8)
    flux = FourierFlux(table, lambda position: np.empty((len(position), 0)), with_temperature=True)
    law = DiffusionLaw(mesh=rectangle(1.0, HEIGHT, (16, 1)), flux=flux, boundaries=ENDS)
    solution = solve_steady(law, 350.0)
    assert solution.success
    assert 1 < solution.iterations < 8
    assert solution.inflows["right"] / HEIGHT == pytest.approx(FLUX, rel=1e-6)
    assert solution.at([[0.5, HEIGHT / 2]]) == pytest.approx([MIDDLE], rel=1e-6)
    assert asked.solved < 100


def test_bar_with_every_layer_resolved_has_the_exact_flux() -> None:
    at_300, change = np.array([COPPER, PLASTIC]).T

    def conductivity(position: Array, temperature: Array) -> tuple[Array, Array]:
        here = layer(position)
        slope = at_300[here] * change[here]
        return at_300[here] + slope * (temperature - 300), slope

    mesh = rectangle(1.0, HEIGHT, (4 * PERIODS, 1))
    solution = solve_steady(DiffusionLaw(mesh=mesh, flux=ResolvedFlux(conductivity), boundaries=ENDS), 350.0)
    assert solution.inflows["right"] / HEIGHT == pytest.approx(FLUX_LAYERED, rel=1e-6)
    assert solution.inflows["right"] / HEIGHT != pytest.approx(FLUX, rel=1e-5)  # the layers are felt


def test_slab_of_layers_cools_at_the_homogenised_rate() -> None:
    law = DiffusionLaw(
        mesh=rectangle(1.0, HEIGHT, (16, 1)),
        flux=FourierFlux(of_layers(lambda _: (10.0, 1.0)), lambda position: np.zeros((len(position), 1))),
        boundaries={"left": Fixed(0.0), "right": Fixed(0.0)},
        capacity=1.5,  # the mean
    )
    assert law.decay_rates(1) == pytest.approx([RATE], rel=1e-5)


def test_slab_with_every_layer_resolved_cools_at_its_own_rate() -> None:
    law = DiffusionLaw(
        mesh=rectangle(1.0, HEIGHT, (4 * PERIODS, 1)),
        flux=ResolvedFlux(lambda position, _: (np.array([10.0, 1.0])[layer(position)], None)),
        boundaries={"left": Fixed(0.0), "right": Fixed(0.0)},
        capacity=lambda position: np.array([1.0, 2.0])[layer(position)],
    )
    assert law.decay_rates(1) == pytest.approx([RATE_LAYERED], rel=1e-5)
