"""A device heated by its own current: exact states of Kohlrausch, folds, conservation, orders, and the part itself.

Figures without another source are from closed forms or quadratures of the relation of Kohlrausch (Ann. Phys. 306
(1900) 132), computed by programs of their own.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import ArrayLike
from scipy.optimize import brentq
from scipy.special import ellipj, ellipk

import eqfree as ef
from agents.ions.constants import BOLTZMANN
from eqfree.ensemble import Key
from eqfree.scenario import Context
from scenarios.battery.device import Bar, BeyondFold, NotConverged, Plate
from scenarios.battery.device.draw import draw_device
from scenarios.battery.device.linearised import Past, Unknown, linearise
from scenarios.battery.device.settings import QUICK, DeviceSettings
from scenarios.battery.device.study import make_bar, run_device
from scenarios.battery.laws import Arrhenius, Conductivity, Exponential, FromTable, NernstEinstein

EXPONENTIAL = Exponential(at=0.01, reference=300.0, steepness=0.04)
ARRHENIUS = Arrhenius(at=0.01, reference=300.0, energy=0.35)
HOPPING = NernstEinstein(at=0.01, reference=300.0, energy=0.35)
CONSTANT = Exponential(at=0.01, reference=300.0, steepness=0.0)
CRITICAL = 141.4213562373095  # V, sqrt(8 k / (beta s0))


def bar(conductivity: Conductivity = ARRHENIUS, contact: float | None = 50.0, **more: Any) -> Bar:
    usual: dict[str, Any] = {"length": 0.01, "thermal_conductivity": 1.0}
    return Bar(**usual | {"conductivity": conductivity, "contact": contact} | more)


def plate(conductivity: Conductivity = ARRHENIUS, contact: float | None = 50.0, **more: Any) -> Plate:
    usual: dict[str, Any] = {"length": 0.01, "thermal_conductivity": 1.0, "elements": (8, 4)}
    return Plate(**usual | {"conductivity": conductivity, "contact": contact} | more)


class Line(ef.hmm.Closure):
    """The logarithm of `HOPPING` in the inputs of a table, exactly; it counts what it is asked."""

    def __init__(self) -> None:
        self.asked: list[int] = []

    def __call__(self, inputs: ArrayLike, state: Any = None, key: Key = ()) -> ef.hmm.Answer:
        points = np.asarray(inputs)
        self.asked.append(len(points))
        value = np.log(3.0) - 0.35 * (points - 1 / (BOLTZMANN * 300.0))
        return ef.hmm.Answer(value, np.full_like(value, 1e-3), np.full((len(points), 1, 1), -0.35))


COLD_ENDS = bar(EXPONENTIAL, None), bar(ARRHENIUS, None), bar(HOPPING, None)


@pytest.mark.parametrize(("share", "rise"), [(0.9, 41.518280170541274), (0.99, 97.92588868129226)])
def test_an_exponential_conductor_between_cold_ends_warms_as_kohlrausch_says(share: float, rise: float) -> None:
    assert COLD_ENDS[0].steady(share * CRITICAL).hottest - 300 == pytest.approx(rise, rel=1e-5)


def test_its_voltage_rises_to_the_critical_one() -> None:
    voltage = COLD_ENDS[0].steady_at(550.0).voltage
    assert voltage == pytest.approx(CRITICAL, rel=1e-4)
    assert voltage == pytest.approx(CRITICAL * np.sqrt(1 - np.exp(-10.0)), rel=2e-5)


@pytest.mark.parametrize(
    ("voltage", "hottest"), [(50, 303.36657099409337), (100, 318.0418121204652), (130, 350.2104264635084)]
)
def test_an_arrhenius_conductor_between_cold_ends_warms_as_kohlrausch_says(voltage: float, hottest: float) -> None:
    assert COLD_ENDS[1].steady(voltage).hottest == pytest.approx(hottest, abs=3e-5)


@pytest.mark.parametrize(
    ("number", "hottest", "voltage"),
    [
        (1, 301, 27.96883486454263),
        (1, 330, 116.37392628575743),
        (1, 400, 140.8302956144853),
        (1, 500, 144.61259773773548),
        (2, 310, 81.03347712403637),
        (2, 400, 146.58270346097402),
    ],
)
def test_the_voltage_that_a_temperature_takes_is_kohlrauschs(number: int, hottest: float, voltage: float) -> None:
    assert COLD_ENDS[number].steady_at(hottest).voltage == pytest.approx(voltage, rel=2e-6)


def test_current_times_length_is_that_of_the_quadrature() -> None:
    current = COLD_ENDS[1].steady_at(350.0).current
    assert current / 1e-5 * 0.01 == pytest.approx(4.5296699645322, rel=1e-5)


def test_the_fold_of_an_arrhenius_bar_with_contacts_is_where_it_should_be() -> None:
    fold = bar(elements=64).find_fold()
    assert fold is not None
    assert fold.voltage == pytest.approx(28.5787139706362, abs=1e-6)
    assert fold.temperature == pytest.approx(327.24775318799533, abs=1e-4)
    assert fold.state.current / 1e-5 == pytest.approx(84.92866461629892, rel=1e-6)


def test_the_critical_field_of_a_film_is_where_it_should_be() -> None:
    """A plate 2 mm wide between cold sides, in a field along it (Frank-Kamenetskii, with Arrhenius' law)."""
    film = plate(contact=0.0, side_cooling=None, width=0.002, elements=(1, 24))
    fold = film.find_fold()
    assert fold is not None
    assert fold.voltage / 0.01 == pytest.approx(46013.62221925916, rel=1e-6)
    assert fold.temperature == pytest.approx(331.32976988311117, abs=1e-3)
    assert fold.state.balance.from_sides == pytest.approx(fold.state.balance.power, rel=1e-10)


def test_a_voltage_beyond_the_fold_is_refused_and_told_where_the_fold_is() -> None:
    with pytest.raises(BeyondFold, match=r"at 29 V: the fold is at 28\.5787 V, with a maximal .* 327\.248 K") as error:
        bar(elements=32).steady(29.0)
    assert error.value.fold is not None
    assert isinstance(error.value, ValueError)


def test_just_below_the_fold_there_is_a_state_on_the_cold_branch() -> None:
    device = bar(elements=32)
    assert device.steady(28.578).hottest < 327.24
    assert device.steady(-28.578).hottest == pytest.approx(device.steady(28.578).hottest)


def test_from_a_guess_the_unstable_state_is_found() -> None:
    device = bar(elements=32)
    hot = device.steady_at(340.0)
    assert device.steady(hot.voltage, guess=hot).hottest == pytest.approx(340.0)
    assert device.steady(hot.voltage).hottest < 327.0


@pytest.mark.slow
def test_an_arrhenius_bar_between_cold_ends_has_no_fold() -> None:
    device = bar(ARRHENIUS, None, hottest=1000.0)
    assert device.find_fold() is None
    with pytest.raises(BeyondFold, match=r"rises to 145[.]6[01].* V at 1000 K.*without a fold"):
        device.steady(200.0)


def test_newtons_method_converges_quadratically() -> None:
    last = np.log([one for one in plate().steady(28.0).corrections if one < 5.0])
    assert len(last) >= 3
    assert last[2] - last[1] == pytest.approx(2 * (last[1] - last[0]), rel=0.15)


@pytest.mark.parametrize("past", [None, Past(Unknown(np.linspace(1.0, 2.0, 35), np.zeros(35), 1.0), 3.0)])
def test_the_jacobian_is_the_derivative_of_the_residual(past: Past | None) -> None:
    device = plate(HOPPING, contact_resistance=0.1, side_cooling=7.0, elements=(2, 3))
    joule, rng = device._joule, np.random.default_rng(1)
    count = device.body.count
    at = Unknown(10 * rng.random(count), rng.standard_normal(count), 20.0, 1.0)
    linearised = linearise(joule, at, past)
    change = rng.standard_normal((2, count))
    step = 1e-4

    def residual(sign: float, voltage: float) -> Any:
        moved = Unknown(change[0], change[1], voltage)
        return linearise(joule, at.plus(moved, sign * step), past).residual

    assert len(joule.free) == 2 * count
    for voltage in (0.0, 1.0):
        expected = (residual(1.0, voltage) - residual(-1.0, voltage)) / (2 * step)
        found = linearised.matrix @ change.ravel() + voltage * linearised.by_voltage
        np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-8 * np.abs(expected).max())


def test_contact_resistance_and_cooling_are_in_series_as_in_ohms_and_newtons_laws() -> None:
    """At constant conductivity everything is linear: a parabola over ends that are warmed by all of the heat."""
    state = bar(CONSTANT, contact_resistance=0.2, elements=8).steady(14.0)
    section = 1e-5
    current = 14.0 / (0.01 / (0.01 * section) + 2 * 0.2 / section)
    assert state.current == pytest.approx(current)
    assert state.balance.at_contacts == pytest.approx(2 * 0.2 / section * current**2)
    heat = 14.0 * current - state.balance.at_contacts
    middle = 300 + 14.0 * current / (2 * 50.0 * section) + heat * 0.01 / (8 * section)
    assert state.hottest == pytest.approx(middle)


def test_a_bar_that_only_its_sides_cool_is_as_warm_everywhere() -> None:
    state = bar(CONSTANT, 0.0, side_cooling=20.0, elements=4).steady(10.0)
    rise = 0.01 * 1000.0**2 / (20.0 * 2 * (1 / 0.01 + 1 / 0.001))
    np.testing.assert_allclose(state.temperature, 300 + rise)


def test_a_plate_with_full_electrodes_is_a_bar() -> None:
    one, two = bar(contact_resistance=0.01, elements=8), plate(contact_resistance=0.01)
    there, here = one.steady(25.0), two.steady(25.0)
    assert here.hottest == pytest.approx(there.hottest, abs=1e-9)
    assert here.current == pytest.approx(there.current, rel=1e-11)


def test_a_plate_that_is_cooled_all_round_is_a_bar_if_it_is_narrow() -> None:
    around: dict[str, Any] = {"width": 1e-4, "thickness": 1e-4, "side_cooling": 30.0}
    there, here = bar(elements=8, **around).steady(25.0), plate(face_cooling=30.0, **around).steady(25.0)
    biot = 30.0 * 1e-4 / 1.0
    assert here.hottest - 300 == pytest.approx(there.hottest - 300, rel=biot / 4)


def test_short_electrodes_conduct_as_conformal_mapping_says() -> None:
    """The elliptic sine maps the square to the upper half plane, and four points there have one conductance."""
    module = float(brentq(lambda m: float(ellipk(1 - m) / (2 * ellipk(m))) - 1, 1e-9, 1 - 1e-9, xtol=1e-15))
    sine = float(ellipj(float(ellipk(module)) * (2 * 0.4 - 1), module)[0])
    a, b, c, d = -1.0, sine, module**-0.5, -(module**-0.5) / sine
    ratio = (b - a) * (d - c) / ((c - a) * (d - b))
    exact = ellipk(ratio) / ellipk(1 - ratio)
    short = ((0.0, 0.4), (0.6, 1.0))
    errors = [
        plate(CONSTANT, electrodes=short, elements=size).steady(0.1).current / (0.1 * 0.01 * 0.001) / exact - 1
        for size in ((12, 12), (24, 24))
    ]
    assert abs(errors[1]) < 2e-3
    assert abs(errors[1]) < 0.4 * abs(errors[0])


@pytest.mark.parametrize(
    "device",
    [
        bar(),
        bar(HOPPING, None, contact_resistance=0.01, side_cooling=5.0),
        plate(contact_resistance=0.01, side_cooling=5.0, face_cooling=5.0, electrodes=((0.0, 0.4), (0.6, 1.0))),
        plate(HOPPING, None, electrodes=((0.0, 0.4), (0.3, 0.7))),
        bar(length=1e-5, side_cooling=5.0),
    ],
    ids=["bar", "cold bar", "plate", "cold plate", "film"],
)
def test_charge_and_energy_are_conserved_in_steady_states_and_in_time(device: Bar | Plate) -> None:
    steady = device.steady_at(312.0)
    assert steady.charge_error < 1e-10
    assert steady.balance.error < 1e-10
    assert steady.balance.power == pytest.approx(steady.voltage * steady.current)
    assert len(steady.faces) == len(np.unique(device.places[device.body.vertices, 0]))
    transient = device.transient(steady.voltage, 50.0, 4)
    assert transient.success
    assert max(transient.charge_error, transient.energy_error, transient.balance.error) < 1e-10
    capacity = device.heat_capacity * device.body.inside.loads(
        device.body.inside.at_points(transient.temperature - 300.0)
    )
    assert transient.balance.stored * 50.0 == pytest.approx(capacity.sum())


def test_implicit_euler_is_first_order() -> None:
    """Constant conductivity, sides that cool: c dT/dt = q - b (T - T0), everywhere the same."""
    device = bar(CONSTANT, 0.0, side_cooling=20.0, elements=2)
    heat, loss = 0.01 * 1000.0**2, 20.0 * 2 * (1 / 0.01 + 1 / 0.001)
    exact = 300 + heat / loss * (1 - np.exp(-loss / 2e6 * 60.0))
    errors = [device.advance(device.cold, 10.0, 60.0, steps)[0] - exact for steps in (8, 16, 32, 64)]
    slope = np.polyfit(np.log([8, 16, 32, 64]), np.log(np.abs(errors)), 1)[0]
    assert slope == pytest.approx(-1, abs=0.15)


def test_advance_is_what_a_transient_does_and_leaves_its_argument_alone() -> None:
    device = bar(elements=8)
    start = device.cold
    moved = device.advance(start, 25.0, 100.0, 5)
    np.testing.assert_array_equal(start, 300.0)
    np.testing.assert_array_equal(moved, device.transient(25.0, 100.0, 5).temperature)
    np.testing.assert_array_equal(moved, device.advance(start, 25.0, 100.0, 5))


def test_a_transient_ends_in_the_steady_state() -> None:
    device = bar(elements=8)
    transient = device.transient(25.0, 1e5, 20)
    np.testing.assert_allclose(transient.temperature, device.steady(25.0).temperature, atol=1e-5)


def test_a_runaway_ends_a_transient_and_keeps_what_was_computed() -> None:
    transient = bar(elements=8, hottest=600.0).transient(40.0, 2000.0, 100)
    assert not transient.success
    assert "ran away" in transient.message
    assert 5 < len(transient.table()) == len(transient.times) - 1 < 100
    assert (np.diff(transient.table()["hottest"]) > 0).all()


def test_the_conductivity_is_asked_once_an_iteration_at_all_points() -> None:
    line = Line()
    device = plate(FromTable(line, (250.0, 500.0)))
    state = device.steady_at(305.0)
    assert set(line.asked) == {8 * 4 * 16}
    assert len(line.asked) == len(state.corrections) + 3  # the last state, and two to start from


@pytest.mark.slow
def test_a_transient_of_200_steps_takes_at_most_30_micro_solves() -> None:
    line = Line()
    inverse = (1 / (BOLTZMANN * 500.0), 1 / (BOLTZMANN * 290.0))
    table = ef.hmm.Tabulated(line, inverse, rtol=2e-3, interpolation=ef.hmm.smooth)
    device = bar(FromTable(table, (290.0, 500.0)), elements=8)
    moved = device.advance(device.cold, 25.0, 2000.0, 200)
    assert table.solved == sum(line.asked) <= 30
    assert table.asked > 200 * 8 * 4
    exact = bar(HOPPING, elements=8)
    np.testing.assert_allclose(moved, exact.advance(exact.cold, 25.0, 2000.0, 200), atol=1e-6)


@pytest.mark.parametrize("law", [ARRHENIUS, HOPPING, EXPONENTIAL, FromTable(Line(), (250.0, 500.0))])
def test_a_law_tells_its_derivative(law: Conductivity) -> None:
    kelvin = np.array([280.0, 300.0, 400.0])
    _, slope = law(kelvin)
    above, below = law(kelvin + 1e-3)[0], law(kelvin - 1e-3)[0]
    np.testing.assert_allclose(slope, (above - below) / 2e-3, rtol=1e-7)


def test_a_table_of_the_logarithm_is_the_law_itself() -> None:
    kelvin = np.array([280.0, 300.0, 400.0])
    for told, exact in zip(FromTable(Line(), (250.0, 500.0))(kelvin), HOPPING(kelvin), strict=True):
        np.testing.assert_allclose(told, exact, rtol=1e-12)


def test_a_table_without_a_jacobian_is_refused() -> None:
    class Mute(ef.hmm.Closure):
        def __call__(self, inputs: ArrayLike, state: Any = None, key: Key = ()) -> ef.hmm.Answer:
            return ef.hmm.Answer(np.zeros((1, 1)), np.zeros((1, 1)))

    with pytest.raises(ValueError, match="jacobian"):
        FromTable(Mute(), (250.0, 500.0))(np.array([300.0]))


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"length": 0.0}, "`length` must be finite and positive: got 0 m"),
        ({"contact": -1.0}, "`contact` must be finite and not negative"),
        ({"contact_resistance": np.nan}, "`contact_resistance`"),
        ({"surroundings": 1600.0}, "`surroundings` must lie within"),
        ({"elements": 1}, "`elements` must be two or more"),
        ({"conductivity": FromTable(Line(), (300.0, 500.0))}, "Widen the range"),
    ],
)
def test_a_bar_that_cannot_be_is_refused(wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        bar(**wrong)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"electrodes": ((0.5, 0.5), (0.0, 1.0))}, "`electrodes` must reach"),
        ({"elements": (0, 4)}, "`elements` must be one or more"),
        ({"face_cooling": -1.0}, "`face_cooling`"),
    ],
)
def test_a_plate_that_cannot_be_is_refused(wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        plate(**wrong)


def test_what_a_device_cannot_be_asked_is_refused() -> None:
    device = bar(elements=4)
    with pytest.raises(ValueError, match="`hottest` must lie above the surroundings"):
        device.steady_at(300.0)
    with pytest.raises(ValueError, match="`voltage` must be finite"):
        device.steady(np.inf)
    with pytest.raises(ValueError, match="a value for each of the 9 nodes"):
        device.advance([300.0], 1.0, 1.0)
    with pytest.raises(ValueError, match="`steps` must be one or more"):
        device.advance(device.cold, 1.0, 1.0, 0)
    with pytest.raises(ValueError, match="needs something that cools"):
        bar(contact=0.0, elements=4).steady(1.0)
    with pytest.raises(NotConverged):
        bar(elements=8, hottest=320.0).advance(np.full(17, 300.0), 60.0, 500.0)


@pytest.mark.parametrize(("law", "refused"), [(Arrhenius, "energy"), (NernstEinstein, "energy"), (Exponential, "at")])
def test_laws_that_cannot_be_are_refused(law: Any, refused: str) -> None:
    with pytest.raises(ValueError, match="`at` and `reference`"):
        law(0.0, 300.0, 0.3)
    with pytest.raises(ValueError, match="must be finite and not negative"):
        law(0.01, 300.0, -0.3)
    with pytest.raises(ValueError, match="`range` must be two temperatures"):
        FromTable(Line(), (500.0, 300.0))


SMALL = DeviceSettings(**dict(QUICK) | {"elements": 16, "steps": 20, "plate_elements": [6, 6], "plate_steps": 3})


def table_of_ions() -> FromTable:
    inverse = (1 / (BOLTZMANN * 510.0), 1 / (BOLTZMANN * 290.0))
    return FromTable(ef.hmm.Tabulated(Line(), inverse, rtol=2e-3, interpolation=ef.hmm.smooth), (290.0, 510.0))


@pytest.mark.slow
def test_the_part_keeps_what_it_checks_and_tells_what_it_asked() -> None:
    part = run_device(SMALL, table_of_ions(), Context(), thermal_conductivity=1.0)
    assert all(check.ok for check in part.checks)
    assert not part.failures
    assert part.values["device_hottest"].value == pytest.approx(315.0)
    assert 0 < part.values["device_hottest"].stderr < 0.2
    assert any("points asked of the table, 9 micro-solves" in note for note in part.notes)
    assert len(part.tables["device_energy"]) == 20
    assert set(draw_device(part.tables)) == {"device", "device_energy", "device_plate"}
    assert draw_device({}) == {}


@pytest.mark.slow
def test_the_error_of_the_ions_moves_the_temperature_as_another_conductivity_does() -> None:
    options = SMALL.model_copy(update={"steps": 1})
    part = run_device(options, table_of_ions(), Context(), voltage=20.0, thermal_conductivity=1.0)
    less = NernstEinstein(at=0.01 * np.exp(-1e-3), reference=300.0, energy=0.35)
    exact, moved = (make_bar(options, law, 50.0, 1.0).steady(20.0).hottest for law in (HOPPING, less))
    assert part.values["device_hottest"].stderr == pytest.approx(exact - moved, rel=0.05)


def test_the_part_refuses_a_voltage_beyond_the_fold_in_one_line() -> None:
    with pytest.raises(
        ValueError, match=r"^Bar: There is no steady state at 80 V: the fold is at .* V, .*\.$"
    ) as error:
        run_device(SMALL, HOPPING, Context(), voltage=80.0, thermal_conductivity=1.0)
    assert "\n" not in str(error.value)
    with pytest.raises(ValueError, match=r"without a fold\. Lower `voltage`\.$"):
        run_device(SMALL, HOPPING, Context(), voltage=500.0, contact=None, thermal_conductivity=1.0)


@pytest.mark.slow
def test_the_part_says_that_a_warming_is_behind_the_fold() -> None:
    part = run_device(SMALL.model_copy(update={"rise": 60.0, "steps": 1}), HOPPING, Context(), thermal_conductivity=1.0)
    assert part.notes[-2].startswith("Bar: a steady state of 360 K lies behind the fold")
    assert part.values["device_hottest"].value < 325
