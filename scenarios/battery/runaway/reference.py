"""Devices whose folds are known by quadrature: an Arrhenius bar and a film; and ions that conduct as that law says."""

from __future__ import annotations

from math import exp

from agents.ions import Box, Hopping, Landscape
from agents.ions.conductor import Conductor
from agents.ions.constants import BOLTZMANN, ELEMENTARY_CHARGE
from agents.ions.lattices import simple_cubic
from scenarios.battery.device import Bar, Plate
from scenarios.battery.laws import Arrhenius, Conductivity

__all__ = ["CONDUCTS", "CONTACT", "HALF_THICKNESS", "LAW", "LENGTH", "RANGE", "SURROUNDINGS", "bar", "film", "ions"]

SURROUNDINGS = 300.0
"""K."""

LAW = Arrhenius(at=0.01, reference=SURROUNDINGS, energy=0.35)
LENGTH, CONDUCTS, CONTACT = 0.01, 1.0, 50.0
"""Of the bar: m, W/(m K), W/(m² K)."""

HALF_THICKNESS = 1e-3
"""Of the film (m)."""

_SPACING, _EDGE, _FILLED = 3e-10, 3, 9  # m, sites along an edge of the box, ions in it

RANGE = (297.0, 480.0)
"""Temperatures at which ions are asked (K)."""


def bar(law: Conductivity, contact: float | None, elements: int) -> Bar:
    """The bar, with contacts or between cold ends.

    >>> bar(LAW, 50.0, 8).body.count
    17
    """
    return Bar(
        length=LENGTH,
        conductivity=law,
        thermal_conductivity=CONDUCTS,
        contact=contact,
        surroundings=SURROUNDINGS,
        hottest=RANGE[1],
        elements=elements,
    )


def film(elements: int) -> Plate:
    """A piece of the film, as long as it is half thick: its faces are cold, and nothing is lost at its ends.

    >>> film(4).elements
    (1, 4)
    """
    return Plate(
        length=HALF_THICKNESS,
        width=2 * HALF_THICKNESS,
        conductivity=LAW,
        thermal_conductivity=CONDUCTS,
        contact=0.0,
        side_cooling=None,
        surroundings=SURROUNDINGS,
        hottest=RANGE[1],
        elements=(1, elements),
    )


def ions() -> tuple[Conductor, float]:
    """Ions that conduct as the Arrhenius law says, exactly, and the share of the sites that they hold.

    On a simple cubic lattice with exclusion and nothing else, σ = n q² Γ a² (1 - c) / kT with the rate Γ of hops over a
    barrier; its attempt frequency grows with T, as in transition-state theory, so that the two T cancel. Its size is
    what makes σ at the reference that of the law.

    >>> round(ions()[1], 3)
    0.333
    """
    share = _FILLED / _EDGE**3
    density = share * (1 - share) / _SPACING**3
    thermal = BOLTZMANN * LAW.reference
    over_rate = density * ELEMENTARY_CHARGE * _SPACING**2 / thermal  # σ over Γ, with kT in eV: one charge cancels
    frequency = LAW.at / over_rate * exp(LAW.energy / thermal)
    hopping = Hopping({"hop": LAW.energy}, frequency, reference_temperature=LAW.reference)
    return Conductor(Landscape(Box(simple_cubic(_SPACING), (_EDGE,) * 3), hopping), lags=0), share
