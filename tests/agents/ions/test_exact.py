"""Ideal lattice gases have the values that independent programs and closed forms give them."""

from __future__ import annotations

from collections.abc import Callable
from math import exp, pi

import numpy as np
import pytest

from agents.ions import Box, Crystal, Hop, Hopping, Landscape, normal
from agents.ions.constants import BOLTZMANN, ELEMENTARY_CHARGE
from agents.ions.correlation import box_correlation, lattice_correlation, nakazato_kitahara
from agents.ions.exact import (
    KatzLebowitzSpohn,
    exclusion_conductivity,
    nernst_einstein,
    ring_current,
    series_diffusion,
    square_order,
)
from agents.ions.lattices import (
    body_centred_cubic,
    chain,
    diamond,
    face_centred_cubic,
    honeycomb,
    layered,
    simple_cubic,
    square,
    triangular,
)

Lattice = Callable[[float], Crystal]


@pytest.mark.parametrize(
    ("lattice", "cells", "expected"),
    [
        (simple_cubic, (6, 6, 6), 0.6580985833585336),
        (simple_cubic, (10, 10, 10), 0.6540658653919789),
        (face_centred_cubic, (4, 4, 4), 0.785453337761541),
        (body_centred_cubic, (4, 4, 4), 0.7341935483870967),
        (square, (16, 16), 0.4711828143824295),
        (triangular, (16, 16), 0.5648251991332688),
    ],
)
def test_one_vacancy_in_a_box_has_its_exact_correlation_factor(
    lattice: Lattice, cells: tuple[int, ...], expected: float
) -> None:
    """Expected: an independent program, potential kernel of the torus and direct linear solve alike to 1e-15."""
    assert box_correlation(Box(lattice(3e-10), cells)) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(
    ("lattice", "expected", "within"),
    [
        (simple_cubic, 0.6531088387480293, 5e-7),
        (face_centred_cubic, 0.7814514219559564, 5e-7),
        (body_centred_cubic, 0.727194, 1e-6),
        (square, 1 / (pi - 1), 1e-8),
        (honeycomb, 1 / 3, 1e-8),
        (diamond, 1 / 2, 1e-7),
    ],
)
def test_boxes_extrapolate_to_the_infinite_lattice(lattice: Lattice, expected: float, within: float) -> None:
    """Expected: lattice integrals, and 1 - 2/z on honeycomb and diamond."""
    assert lattice_correlation(lattice(3e-10)) == pytest.approx(expected, abs=within)


def test_the_walk_between_hops_is_that_of_a_direct_solve_in_a_crystal_of_two_kinds_of_sites() -> None:
    """Independent: all positions of both; D = spread/2 - <drift, (-generator)^-1 drift> (Kipnis, Varadhan)."""
    vectors = np.array([[3.0, 0.0], [1.0, 2.0]])
    hops = (Hop(0, 1, (0, 0)), Hop(1, 0, (1, 0)), Hop(0, 0, (0, 1)), Hop(1, 1, (0, 1)), Hop(0, 1, (0, 1)))
    box = Box(Crystal(vectors, np.array([[0.0, 0.0], [0.4, 0.1]]), ("a", "b"), hops), (3, 3))
    sites = len(box)
    states = [(tracer, vacancy) for tracer in range(sites) for vacancy in range(sites) if tracer != vacancy]
    number = {state: index for index, state in enumerate(states)}
    generator = np.zeros((len(states), len(states)))
    drift, spread = np.zeros((len(states), 2)), 0.0
    for state, index in number.items():
        tracer, vacancy = state
        for way in np.flatnonzero(box.neighbours[vacancy] >= 0):
            there = int(box.neighbours[vacancy, way])
            after = (vacancy, tracer) if there == tracer else (tracer, there)
            generator[index, number[after]] += 1
            generator[index, index] -= 1
            if there == tracer:
                step = -box.displacements[vacancy % box.basis, way]
                drift[index] += step
                spread += step @ step / len(states)
    later = np.linalg.lstsq(generator, -drift, rcond=None)[0]
    assert box_correlation(box) == pytest.approx(1 - 2 * (drift * later).sum() / len(states) / spread, abs=1e-10)


def test_a_box_with_walls_has_no_exact_factor() -> None:
    with pytest.raises(ValueError, match="must be periodic"):
        box_correlation(Box(square(3e-10), (4, 4), periodic=False))
    with pytest.raises(ValueError, match="enough for three boxes"):
        lattice_correlation(simple_cubic(3e-10), sites=20)


@pytest.mark.parametrize(
    ("filling", "limit", "measured", "stderr"),
    [
        (0.2, 0.6531088, 0.9469908778901734, 0.0020773),
        (0.5, 0.6531088, 0.8483763310185185, 0.0011621),
        (0.8, 0.6531088, 0.739603382778582, 0.0009000),
        (0.5, 0.7814514, 0.91484384765625, 0.0011690),
        (0.8, 0.7814514, 0.8447857142857145, 0.0009116),
        (0.5, 0.4669422, 0.72692470703125, 0.0017035),
    ],
)
def test_the_correlation_factor_in_between_is_nearly_that_of_nakazato_and_kitahara(
    filling: float, limit: float, measured: float, stderr: float
) -> None:
    """Measured by an independent program, in windows of 100 hops, which say up to 0.005 too much."""
    assert abs(nakazato_kitahara(filling, limit) - measured) < 0.005 + stderr
    assert nakazato_kitahara(0.0, limit) == 1.0
    assert nakazato_kitahara(1.0, limit) == pytest.approx(limit)


def test_conductivity_with_exclusion_holds_the_bare_rate() -> None:
    spacing, rate, kelvin = 3e-10, 1e9, 300.0
    sites, ions = 512, 128
    expected = ions / (sites * spacing**3) * ELEMENTARY_CHARGE**2 * rate * spacing**2 * (sites - ions) / (sites - 1)
    measured = exclusion_conductivity(Box(simple_cubic(spacing), (8, 8, 8)), ions, rate, kelvin)
    np.testing.assert_allclose(measured, np.eye(3) * expected / (1.380649e-23 * kelvin), rtol=1e-12, atol=1e-12)
    flat = exclusion_conductivity(Box(layered(spacing, 2 * spacing), (8, 8, 8)), ions, rate, kelvin)
    np.testing.assert_allclose(flat.diagonal() / measured[0, 0], [0.5, 0.5, 2.0], rtol=1e-12)


def test_conductivity_with_exclusion_refuses_what_has_memory() -> None:
    uneven = Crystal(np.array([[3.0]]), np.array([[0.0], [1 / 3]]), ("a", "a"), (Hop(0, 1, (0,)), Hop(1, 0, (1,))))
    with pytest.raises(ValueError, match="must balance"):
        exclusion_conductivity(Box(uneven, (8,)), 4, 1.0, 300.0)
    with pytest.raises(ValueError, match="some vacant"):
        exclusion_conductivity(Box(chain(1.0), (8,)), 8, 1.0, 300.0)


@pytest.mark.parametrize(
    ("repulsion", "asymmetry", "filling", "mobility", "susceptibility", "diffusion"),
    [
        (0.9, 0.0, 0.5, 0.17727522202020216, 0.05735393346917305, 3.0908991118365954),
        (0.9, 0.0, 0.2, 0.15611639166302, 0.10039081526219683, 1.5550864016322736),
        (0.5, 0.2, 0.3, 0.25124057782996495, 0.13929824119462975, 1.803616296051632),
        (-0.5, 0.0, 0.8, 0.1145400456262414, 0.2415947019274167, 0.4740999894390878),
        (0.0, 0.0, 0.3, 0.21, 0.21, 1.0),
    ],
)
def test_the_interacting_chain_has_its_closed_form(
    repulsion: float, asymmetry: float, filling: float, mobility: float, susceptibility: float, diffusion: float
) -> None:
    """Expected: an independent program's transfer matrix, susceptibility by differences to 1e-10."""
    gas = KatzLebowitzSpohn(repulsion, asymmetry)
    assert gas.mobility(filling) == pytest.approx(mobility, rel=1e-12)
    assert gas.susceptibility(filling) == pytest.approx(susceptibility, rel=1e-9)
    assert gas.diffusion(filling) == pytest.approx(diffusion, rel=1e-9)
    assert exp(-gas.interaction) == pytest.approx((1 - repulsion) / (1 + repulsion))


def test_random_barriers_are_resistors_in_series() -> None:
    """exp(-1/2), a² over the mean of 1/k for lognormal(0, 1) rates; the sample by 4 of its standard errors."""
    kelvin = 300.0
    hopping = Hopping({"hop": 0.0}, 1.0, barrier_disorder=normal(BOLTZMANN * kelvin))
    barriers = Landscape(Box(chain(1.0), (200_000,)), hopping).barriers
    resistances = np.exp(barriers / (BOLTZMANN * kelvin))
    relative = resistances.std(ddof=1) / resistances.mean() / np.sqrt(len(resistances))
    assert series_diffusion(1 / resistances) == pytest.approx(0.6065306597126334, rel=4 * relative)
    with pytest.raises(ValueError, match="must be positive"):
        series_diffusion([1.0, 0.0])


def test_garnet_by_nernst_and_einstein() -> None:
    """M. M. Ahmad, RSC Adv. (2015), doi:10.1039/c4ra15972a: n = 3.17e21 /cm³, D = 1.33e-8 cm²/s: 2.629e-4 S/cm."""
    assert nernst_einstein(3.17e27, 1.33e-12, 298.15) / 100 == pytest.approx(2.6291e-4, rel=1e-4)


def test_the_driven_ring_and_the_square_lattice_have_their_closed_forms() -> None:
    assert ring_current(20, 8, 1.0, 0.25) == pytest.approx(0.1894736842, abs=1e-10)
    assert square_order() == pytest.approx(1.7627471740390859, abs=1e-12)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda: KatzLebowitzSpohn(1.0), "between -1 and 1"),
        (lambda: KatzLebowitzSpohn(0.5).mobility(1.0), "between 0 and 1"),
        (lambda: nakazato_kitahara(1.2, 0.5), "must be shares"),
        (lambda: nernst_einstein(1.0, 1.0, 0.0), "temperature"),
        (lambda: ring_current(4, 5, 1.0, 1.0), "At most as many"),
    ],
)
def test_what_makes_no_sense_is_refused(wrong: Callable[[], object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        wrong()
