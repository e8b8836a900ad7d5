"""Folds of devices that run away, against quadratures, and their errors against repetition."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.random import default_rng
from numpy.typing import ArrayLike
from scipy.integrate import quad

import eqfree as ef
from agents.ions.constants import BOLTZMANN
from eqfree.scenario import Context
from scenarios.battery.device.exact import voltage_at
from scenarios.battery.laws import Arrhenius, Exponential, NernstEinstein
from scenarios.battery.runaway import reference
from scenarios.battery.runaway.draw import draw_runaway
from scenarios.battery.runaway.heated import HeatedDevice, currents, follow
from scenarios.battery.runaway.interval import Interpolated, propagate
from scenarios.battery.runaway.kohlrausch import bar_fold, bar_voltage, film_field, film_fold
from scenarios.battery.runaway.settings import QUICK, RunawaySettings
from scenarios.battery.runaway.study import run_runaway
from scenarios.battery.tabulated import tabulate
from scenarios.part import Part

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
    device = reference.bar(reference.LAW, reference.CONTACT, 10)
    branch = follow(device, 345.0, 20, lambda _: None)
    (fold,) = branch.events
    assert fold.parameter == pytest.approx(FOLD, rel=1e-4)
    assert fold.measure[0] == pytest.approx(HOTTEST, abs=0.01)
    hot = branch.measure[:, 0] > HOTTEST
    assert [point.stability for point in branch.points] == [
        ef.Stability.UNSTABLE if past else ef.Stability.STABLE for past in hot
    ]
    density = currents(device, branch) / 1e-5
    at_fold = np.interp(HOTTEST, branch.measure[:, 0], density / branch.parameter) * FOLD
    assert at_fold == pytest.approx(84.92866461629892, rel=0.01)  # of the same file, A/m²; between points 5 K apart


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
    hottest = float(branch.measure[-1, 0])
    assert branch.parameter[-1] == pytest.approx(voltage_at(LAW, 1.0, 300.0, hottest), rel=1e-3)


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


@pytest.mark.slow
def test_errors_of_nodes_become_that_of_the_fold() -> None:
    """Of tables drawn with known errors the folds spread as told, and intervals of 95 % hold the exact one."""
    law = NernstEinstein(at=0.01, reference=300.0, energy=0.35)
    nodes = np.sort(1 / (BOLTZMANN * np.linspace(297.0, 420.0, 6)))
    exact = np.log(law(1 / (BOLTZMANN * nodes))[0] / (BOLTZMANN * nodes))  # a straight line: no error of interpolation
    stderr = np.array([0.02, 0.01, 0.03, 0.01, 0.02, 0.015])
    middle, _ = film_fold(law, 1.0, 1e-3, 300.0, 380.0)
    rng, repeats, drawn, told = default_rng(0), 200, [], []
    for _ in range(repeats):
        table = Interpolated(nodes, exact + rng.normal(0, stderr))
        field, hottest = film_fold(table, 1.0, 1e-3, 300.0, 380.0)
        drawn.append(field)
        told.append(
            propagate(lambda moved, at=hottest: film_field(moved, 1.0, 1e-3, 300.0, at), table, stderr)  # type: ignore[misc]
        )
    spread, mean = np.std(drawn, ddof=1), np.mean([error.stderr for error in told])
    assert abs(spread / mean - 1) < 4 / np.sqrt(2 * repeats)
    inside = np.mean([abs(at - middle) < one.half_width() for at, one in zip(drawn, told, strict=True)])
    assert abs(inside - 0.95) < 4 * np.sqrt(0.95 * 0.05 / repeats)


def test_intervals_hold_the_truth_as_often_as_they_say_though_errors_are_estimated_from_few_replicas() -> None:
    """A number that hangs on one node above all, as a fold does: normal intervals would hold it 91 times in 100."""
    nodes, replicas, repeats = np.arange(4.0), 8, 3000
    by = np.array([0.3, -14.0, -1.3, 0.2])  # of the voltage at the fold of the bar, V
    rng, inside = default_rng(0), []
    for answers in rng.normal(size=(repeats, replicas, len(nodes))):
        table = Interpolated(nodes, answers.mean(axis=0))
        stderr = answers.std(axis=0, ddof=1) / np.sqrt(replicas)
        error = propagate(lambda moved: float(by @ moved.values), table, stderr, replicas - 1)  # type: ignore[attr-defined]
        inside.append(bool(abs(by @ table.values) < error.half_width()))
    assert abs(np.mean(inside) - 0.95) < 4 * np.sqrt(0.95 * 0.05 / repeats)


def test_numbers_without_errors_have_intervals_without_width() -> None:
    law = Interpolated(np.arange(4.0), np.zeros(4))
    assert propagate(lambda _: 1.0, law, np.zeros(4), 7).half_width() == 0
    assert propagate(lambda _: 1.0, law, np.ones(4), 7).half_width() == 0
    with pytest.raises(ValueError, match="four nodes or more: got 3"):
        Interpolated(np.arange(3.0), np.zeros(3))


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


class Ions(ef.hmm.Closure):
    """What ions of an activation energy would answer, with errors that they do not make."""

    def __call__(self, inputs: ArrayLike, state: Any = None, key: ef.Key = ()) -> ef.hmm.Answer:
        value = np.log(3.0) - 0.35 * (np.asarray(inputs) - 1 / (BOLTZMANN * 300.0))
        return ef.hmm.Answer(value, np.full_like(value, 2e-3))


def run(contact: float | None, **options: Any) -> Part:
    law, table = tabulate(Ions(), (295.0, 480.0), 0.02, ())
    return run_runaway(
        RunawaySettings(**dict(QUICK) | options),
        lambda moved: reference.bar(moved, contact, 6),
        law,
        table,
        Context(),
        seed=0,
    )


@pytest.mark.slow
def test_the_part_has_the_fold_with_its_interval_and_keeps_what_it_checks() -> None:
    part = run(reference.CONTACT)
    assert all(check.ok for check in part.checks)
    assert not part.failures
    exact, hottest = bar_fold(NernstEinstein(0.01, 300.0, 0.35), 1.0, 50.0, 0.01, 300.0, 380.0)
    voltage = part.values["critical_voltage"]
    assert voltage.value == pytest.approx(exact, rel=1e-4)
    assert part.values["critical_temperature"].value == pytest.approx(hottest, abs=0.02)
    assert 0 < voltage.stderr < 2e-3 * exact  # V goes as one over the root of the conductivity
    folds = part.tables["runaway_folds"].set_index("branch")
    assert list(folds.index) == ["the material", "Arrhenius, contacts", "film", "Arrhenius, ions"]
    assert (folds["low"] < folds["high"]).tolist() == [True, False, False, True]
    points = part.tables["runaway"]
    assert set(points["stability"]) == {"stable", "unstable"}
    assert (points["current"] > 0).all()
    assert any("has no critical voltage" in note and "rises all along" in note for note in part.notes)
    assert set(draw_runaway(part.tables)) == {"runaway", "runaway_exact"}


@pytest.mark.slow
def test_the_part_says_that_it_met_no_fold() -> None:
    part = run(None, farthest=8.0, points=6)
    assert "critical_voltage" not in part.values
    assert part.notes[0].startswith("The bar of the material: no fold was met up to 30")
    assert part.notes[0].endswith("between cold ends there need not be one.")
