"""Folds of devices that run away, against quadratures, and their errors against repetition."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.random import default_rng
from scipy.integrate import quad

import eqfree as ef
from agents.ions.constants import BOLTZMANN
from scenarios.battery.laws import Arrhenius, Exponential, NernstEinstein
from scenarios.battery.runaway import reference
from scenarios.battery.runaway.heated import HeatedDevice, follow
from scenarios.battery.runaway.interval import Interpolated, propagate
from scenarios.battery.runaway.kohlrausch import bar_fold, bar_voltage, film_field, film_fold

LAW = Arrhenius(0.01, 300.0, 0.35)
# Of the reference file of the battery: quadrature with 60 nodes and by shooting, to 1e-12 and 1e-5 (temperature).
FOLD, HOTTEST = 28.5787139706362, 327.24775318799533
FIELD, HOTTEST_FILM = 46013.62221925916, 331.32976988311117


def test_quadratures_have_the_published_folds() -> None:
    voltage, hottest = bar_fold(LAW, 1.0, 50.0, 0.01, 300.0, 380.0)
    assert voltage == pytest.approx(FOLD, rel=1e-10)
    assert hottest == pytest.approx(HOTTEST, abs=1e-3)
    field, middle = film_fold(LAW, 1.0, 1e-3, 300.0, 400.0)
    assert field == pytest.approx(FIELD, rel=1e-9)
    assert middle == pytest.approx(HOTTEST_FILM, abs=1e-2)


def test_a_good_contact_is_like_cold_ends() -> None:
    """V of Kohlrausch between cold ends, 129.90669684584935 at 350 K; a contact of h lets the ends warm by ~ 1/h."""
    errors = [bar_voltage(LAW, 1.0, h, 0.01, 300.0, 350.0) / 129.90669684584935 - 1 for h in (1e6, 1e7)]
    assert abs(errors[1]) < 1e-3
    assert errors[0] / errors[1] == pytest.approx(10, rel=0.02)


def test_a_film_of_exponential_conductivity_is_that_of_frank_kamenetskii() -> None:
    """theta'' + delta exp(theta) = 0: delta = 0.8784576797812903 at the fold, theta = 1.186842168634389."""
    law = Exponential(at=0.01, reference=300.0, steepness=0.04)
    field, hottest = film_fold(law, 1.0, 1e-3, 300.0, 400.0)
    assert 0.04 * 1e-6 * field**2 * 0.01 == pytest.approx(0.8784576797812903, rel=1e-9)
    assert 0.04 * (hottest - 300) == pytest.approx(1.186842168634389, abs=1e-4)


@pytest.mark.slow
def test_the_continuation_finds_the_fold_of_the_bar() -> None:
    branch = follow(reference.bar(reference.LAW, reference.CONTACT, 10), 345.0, 20, lambda _: None)
    (fold,) = branch.events
    assert fold.parameter == pytest.approx(FOLD, rel=1e-4)
    assert fold.measure[0] == pytest.approx(HOTTEST, abs=0.01)
    hot = branch.measure[:, 0] > HOTTEST
    assert [point.stability for point in branch.points] == [
        ef.Stability.UNSTABLE if past else ef.Stability.STABLE for past in hot
    ]


@pytest.mark.slow
def test_the_continuation_finds_the_fold_of_the_film() -> None:
    branch = follow(reference.film(6), 340.0, 20, lambda _: None)
    (fold,) = branch.events
    assert fold.parameter / reference.HALF_THICKNESS == pytest.approx(FIELD, rel=1e-4)


@pytest.mark.slow
def test_between_cold_ends_there_is_no_fold() -> None:
    branch = follow(reference.bar(reference.LAW, None, 12), 360.0, 30, lambda _: None)
    assert not branch.events
    assert (np.diff(branch.parameter) > 0).all()


def test_ions_of_the_reference_conduct_as_the_law_says() -> None:
    """sigma = n q² Gamma a² (1 - c) / kT, written out here with charge and Boltzmann's constant in SI."""
    model, share = reference.ions()
    for kelvin in (300.0, 420.0):
        gas = model.gas(1 / (BOLTZMANN * kelvin))
        spacing = float(gas.landscape.box.crystal.vectors[0, 0])
        rate = gas.rates.base[0, 0, 0]
        density = share / spacing**3
        sigma = density * 1.602176634e-19**2 * rate * spacing**2 * (1 - share) / (1.380649e-23 * kelvin)
        assert sigma == pytest.approx(float(reference.LAW(np.array([kelvin]))[0][0]), rel=1e-12)


def test_errors_of_nodes_become_that_of_the_fold() -> None:
    """Of tables drawn with known errors the folds spread as told, and intervals of 95 % hold the exact one."""
    law = NernstEinstein(at=0.01, reference=300.0, energy=0.35)
    kelvin = np.linspace(297.0, 420.0, 6)
    nodes = np.sort(1 / (BOLTZMANN * kelvin))
    exact = Interpolated(nodes, np.log(law(1 / (BOLTZMANN * nodes))[0] / (BOLTZMANN * nodes)))
    stderr = np.array([0.02, 0.01, 0.03, 0.01, 0.02, 0.015])

    def fold(moved: object) -> float:
        return film_fold(moved, 1.0, 1e-3, 300.0, 380.0)[0]  # type: ignore[arg-type]

    told, middle = propagate(fold, exact, stderr), fold(exact)
    rng, repeats = default_rng(0), 200
    drawn = np.array([fold(Interpolated(nodes, exact.values + rng.normal(0, stderr))) for _ in range(repeats)])
    assert abs(drawn.std(ddof=1) / told - 1) < 4 / np.sqrt(2 * repeats)
    inside = (np.abs(drawn - middle) < 1.96 * told).mean()
    assert abs(inside - 0.95) < 4 * np.sqrt(0.95 * 0.05 / repeats)


def test_a_heated_device_keeps_what_it_is_told() -> None:
    heated = HeatedDevice(reference.bar(LAW, None, 6), 10.0, 400.0)
    told = np.linspace(305.0, 301.0, 6)  # of 13 nodes two are cold, and the others mirror each other
    lifted = heated.lift(told, default_rng(0))
    assert np.allclose(heated.restrict(lifted), told, rtol=1e-15)
    places = heated.device.places[:, 0]
    assert lifted[places.argmin()] == lifted[places.argmax()] == 300.0
    assert lifted[np.abs(places - 0.005).argmin()] == lifted.max() == 305.0


def test_a_film_is_a_quadrature_of_its_heat() -> None:
    """The same integral by SciPy's adaptive quadrature."""
    top = 330.0

    def heat(kelvin: float) -> float:
        return float(quad(lambda t: float(LAW(np.array([t]))[0][0]), kelvin, top, epsrel=1e-12)[0])

    field, _ = quad(lambda u: 2 * 30 * u / np.sqrt(heat(top - 30 * u**2)), 0, 1, epsrel=1e-9)
    assert film_field(LAW, 1.0, 1e-3, 300.0, top) == pytest.approx(field * np.sqrt(0.5) / 1e-3, rel=1e-8)
