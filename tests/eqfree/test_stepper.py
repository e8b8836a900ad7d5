from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from numpy.random import Generator
from numpy.typing import NDArray

import eqfree as ef
from eqfree.fields import OutOfBoundsError
from tests.eqfree.models import BatchedOrnsteinUhlenbeck, OrnsteinUhlenbeck, decay

Array = NDArray[np.float64]


class Packed(OrnsteinUhlenbeck):
    """Evolves its population, a dict with an array, in place; packs views of it."""

    def lift(self, macro: Array, rng: Generator) -> Any:
        return {"x": macro + rng.normal(size=macro.shape)}

    def evolve(self, micro: Any, duration: float, rng: Generator) -> Any:
        micro["x"] += duration * rng.normal(size=micro["x"].shape)
        return micro

    def restrict(self, micro: Any) -> Array:
        return np.asarray(micro["x"])

    def pack(self, micro: Any) -> dict[str, NDArray[Any]]:
        return {"x": micro["x"][:]}

    def unpack(self, packed: Mapping[str, NDArray[Any]]) -> Any:
        return {"x": packed["x"]}


class Unpacked(OrnsteinUhlenbeck):
    """The same without pack."""

    lift = Packed.lift
    evolve = Packed.evolve
    restrict = Packed.restrict


MODELS = [Packed(), Unpacked()]


@pytest.mark.parametrize("model", MODELS, ids=["packed", "as it is"])
@pytest.mark.parametrize("executor", [None, 2])
def test_simulate_is_advance_step_by_step(model: ef.MicroModel, executor: int | None) -> None:
    stepper = ef.CoarseTimeStepper(model, replicas=5, executor=executor, seed=2)
    trajectory = stepper.simulate([1.0, 2.0], [0.0, 0.5, 2.0], (4,))
    packed = stepper.lift([1.0, 2.0], (4, 0))
    for number, duration in enumerate((0.0, 0.5, 1.5)):
        packed, reading = stepper.advance(packed, duration, (4, number))
        assert np.array_equal(reading.mean, trajectory.macro[number])
        assert np.array_equal(reading.stderr, trajectory.stderr[number])
    assert trajectory.times.tolist() == [0.0, 0.5, 2.0]
    assert trajectory.success


def test_populations_advance_alike_with_and_without_pack() -> None:
    with_pack, without = (ef.CoarseTimeStepper(model, replicas=5).simulate([1.0], [0.5, 1.0]) for model in MODELS)
    assert np.array_equal(with_pack.macro, without.macro)


@pytest.mark.parametrize("model", MODELS, ids=["packed", "as it is"])
def test_advance_leaves_what_it_was_given_as_it_was(model: ef.MicroModel) -> None:
    stepper = ef.CoarseTimeStepper(model, replicas=3)
    packed = stepper.lift([1.0, 2.0])
    before = [one["x"].copy() for one in packed]
    first, _ = stepper.advance(packed, 1.0, (0,))
    again, _ = stepper.advance(packed, 1.0, (0,))
    assert all(np.array_equal(one["x"], old) for one, old in zip(packed, before, strict=True))
    assert all(np.array_equal(one["x"], other["x"]) for one, other in zip(first, again, strict=True))


def test_simulate_to_one_time_is_a_burst_under_the_key_of_its_interval() -> None:
    stepper = ef.CoarseTimeStepper(OrnsteinUhlenbeck(), replicas=6)
    assert np.array_equal(stepper.simulate([1.0], [0.5], (3,)).macro[0], stepper([1.0], 0.5, (3, 0)))


def test_a_half_packed_model_is_refused() -> None:
    with pytest.raises(ValueError, match="both pack and unpack, or neither"):
        ef.CoarseTimeStepper(decay(pack=dict))


# Costs


def test_costs_count_replicas_micro_time_and_agent_updates() -> None:
    model = decay(deterministic=False, agent_updates=lambda macro, duration: 100 * macro.size * duration)
    stepper = ef.CoarseTimeStepper(model, replicas=4, healing=0.5)
    expected = ef.Cost(bursts=4, micro_time=6.0, agent_updates=4 * 100 * 2 * 1.5)
    macro = [1.0, 2.0]
    assert stepper.burst(macro, [0.5, 1.5]).cost == expected
    assert stepper.rate(macro, 1.5).cost == expected
    assert stepper.simulate(macro, [0.5, 1.5]).cost == expected
    assert sum((b.cost for b in stepper.bursts([macro] * 3, [0.5, 1.5], [(k,) for k in range(3)])), ef.Cost()) == (
        expected + expected + expected
    )
    assert stepper.burst(macro, [1.5]).cost.wall > 0


def test_what_is_advanced_carries_its_cost() -> None:
    model = decay(deterministic=False, agent_updates=lambda macro, duration: 100 * macro.size * duration)
    stepper = ef.CoarseTimeStepper(model, replicas=4)
    packed, first = stepper.advance(stepper.lift([1.0, 2.0]), 0.5)
    _, second = stepper.advance(packed, 1.0, (1,))
    assert first.cost == ef.Cost(bursts=4, micro_time=2.0, agent_updates=4 * 100 * 2 * 0.5)
    assert first.cost + second.cost == ef.Cost(8, 6.0, 4 * 100 * 2 * 1.5)
    assert first.cost.wall > 0


def test_what_is_read_carries_its_cost() -> None:
    reading, cost = ef.CoarseTimeStepper(decay()).read([1.0], [0.5], lambda times, path: path[-1])
    assert reading.cost == cost == ef.Cost(1, 0.5)
    assert reading.cost.wall == cost.wall > 0


def test_costs_add_up_along_a_projected_trajectory() -> None:
    stepper = ef.CoarseTimeStepper(decay(agent_updates=lambda macro, duration: duration))
    cost = ef.solve_projective(stepper, (0.0, 1.0), [1.0], ef.projective.Euler(0.25, 0.125)).cost
    assert cost == ef.Cost(4, 4 * 0.125, 4 * 0.125)


def test_a_stepper_at_a_time_lifts_populations_of_that_time() -> None:
    model = ef.micro_model(
        lambda macro, rng: macro,
        lambda micro, duration, rng: micro,
        lambda micro: micro,
        at=lambda time: ef.micro_model(
            lambda macro, rng: macro + time, lambda micro, duration, rng: micro, lambda micro: micro
        ),
    )
    stepper = ef.CoarseTimeStepper(model, replicas=3, healing=0.1, seed=5)
    later = stepper.at(2.0)
    assert later([1.0], 0.5) == 3.0
    assert (later.replicas, later.healing, later.seed) == (3, 0.1, 5)


def test_a_simulated_trajectory_has_as_many_degrees_of_freedom_as_replicas_but_one() -> None:
    assert ef.CoarseTimeStepper(OrnsteinUhlenbeck(), replicas=9).simulate([1.0], [0.5]).degrees == 8
    assert ef.CoarseTimeStepper(decay()).simulate([1.0], [0.5]).degrees == np.inf


# What is refused


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"replicas": 0}, "`replicas` must be a positive integer: got 0"),
        ({"replicas": 2.0}, r"`replicas` must be a positive integer: got 2\.0"),
        ({"replicas": True}, "`replicas` must be a positive integer: got True"),
        ({"healing": -0.1}, r"`healing` must be a finite time, not negative: got -0\.1"),
        ({"healing": np.nan}, "`healing` must be a finite time, not negative: got nan"),
        ({"healing": np.inf}, "`healing` must be a finite time, not negative: got inf"),
        ({"seed": -1}, r"`seed` must be an integer from 0 to 2\*\*128 - 1: got -1"),
        ({"seed": 2**128}, "`seed` must be an integer"),
        ({"seed": 0.5}, r"`seed` must be an integer .* got 0\.5"),
        ({"executor": 0}, "`executor` must be None"),
    ],
)
def test_an_option_that_makes_no_sense_is_refused_with_its_value(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ef.CoarseTimeStepper(decay(), **options)


def test_a_model_that_lacks_a_function_is_refused_by_name() -> None:
    class Incomplete:
        def lift(self) -> None: ...

    incomplete: Any = Incomplete()
    with pytest.raises(ValueError, match="Incomplete lacks evolve, restrict"):
        ef.CoarseTimeStepper(incomplete)


def test_what_cannot_be_called_is_no_function_of_a_model() -> None:
    class Decorated(OrnsteinUhlenbeck):
        restrict: Any = 3.0

    with pytest.raises(ValueError, match=r"Decorated lacks restrict\."):
        ef.CoarseTimeStepper(Decorated())


def test_a_healing_between_time_steps_is_refused_with_the_nearest_two() -> None:
    with pytest.raises(ValueError, match=r"got 0\.25\. Take 0\.2 or 0\.3"):
        ef.CoarseTimeStepper(decay(time_step=0.1), healing=0.25)


def test_a_time_between_time_steps_is_refused_with_the_nearest_two() -> None:
    stepper = ef.CoarseTimeStepper(decay(time_step=0.1))
    for call in (lambda: stepper.burst([1.0], [0.1, 0.25]), lambda: stepper.advance(stepper.lift([1.0]), 0.15)):
        with pytest.raises(ValueError, match=r"Take 0\.1 or 0\.2"):
            call()


def test_a_burst_that_leaves_nothing_after_healing_is_refused_with_both_times() -> None:
    with pytest.raises(ValueError, match=r"got burst=0\.5 with healing=0\.5"):
        ef.CoarseTimeStepper(decay(), healing=0.5).rate([1.0], 0.5)


def test_a_slope_of_one_reading_is_refused() -> None:
    with pytest.raises(ValueError, match="two `readings` or more: got 1"):
        ef.CoarseTimeStepper(decay()).rate([1.0], 0.5, readings=1)


def test_a_restrict_of_another_shape_is_refused_at_the_first_call_with_both_shapes() -> None:
    model = ef.micro_model(lambda u, rng: u, lambda u, t, rng: u, lambda u: u.sum())
    stepper = ef.CoarseTimeStepper(model)
    for call in (
        lambda: stepper([1.0, 2.0], 1.0),
        lambda: stepper.simulate([1.0, 2.0], [1.0]),
        lambda: stepper.rate([1.0, 2.0], 1.0),
    ):
        with pytest.raises(ValueError, match=r"shape \(2,\): got shape \(\)"):
            call()


def test_a_shape_that_varies_between_replicas_is_refused_with_both() -> None:
    def restrict(micro: Array) -> Array:
        return np.zeros((2, 1)) if micro[0] > 0.5 else np.zeros(2)

    model = ef.micro_model(lambda u, rng: u + rng.random(2), lambda u, t, rng: u, restrict)
    stepper = ef.CoarseTimeStepper(model, replicas=20)
    with pytest.raises(ValueError, match=r"same shape: got \(2,( 1)?\) of replica 0 and \(2,( 1)?\) of replica \d"):
        stepper.advance(stepper.lift([0.0, 0.0]), 1.0)


def test_an_observation_whose_shape_varies_is_refused_with_both() -> None:
    def of_varying_shape(before: Array, after: Array, duration: float) -> Array:
        return np.zeros((2, 1)) if after[0] > 0 else np.zeros(2)

    stepper = ef.CoarseTimeStepper(OrnsteinUhlenbeck(), replicas=20)
    with pytest.raises(ValueError, match=r"of replica 0 and .* of replica \d"):
        stepper.burst([0.0], [0.0, 1.0], observe=of_varying_shape)
    with pytest.raises(ValueError, match=r"over every interval: got \[\(2,\), \(2, 1\)\]"):
        stepper.burst([0.0], [0.0, *range(1, 9)], observe=of_varying_shape)


@pytest.mark.parametrize("model", [OrnsteinUhlenbeck(), BatchedOrnsteinUhlenbeck()], ids=["loop", "batch"])
def test_macro_states_of_unequal_shapes_are_refused_with_the_first_that_differs(model: ef.MicroModel) -> None:
    with pytest.raises(ValueError, match=r"got \(1,\) for the first and \(2,\) for number 3"):
        ef.CoarseTimeStepper(model).bursts([[1.0], [2.0], [1.0, 2.0]], [1.0], [(0,), (1,), (2,)])


def test_a_macro_state_out_of_bounds_is_refused_before_anything_runs() -> None:
    calls: list[float] = []
    model = decay(fields=[{"name": "density", "unit": "1/m", "bounds": (0, 0.2)}], warm=lambda: calls.append(1))
    stepper = ef.CoarseTimeStepper(model)
    for call in (
        lambda: stepper([0.3], 1.0),
        lambda: stepper.rate([0.3], 1.0),
        lambda: stepper.simulate([0.3], [1.0]),
        lambda: stepper.lift([0.3]),
        lambda: stepper.burst([np.nan], [1.0]),
    ):
        with pytest.raises(OutOfBoundsError):
            call()
    assert calls == []


@settings(deadline=None)
@given(arrays(np.float64, array_shapes(max_dims=3, max_side=4), elements=st.floats(-1e6, 1e6)))
def test_a_macro_state_of_any_shape_keeps_it(macro: Array) -> None:
    assert np.array_equal(ef.CoarseTimeStepper(decay())(macro, 0.0), macro)


def test_a_single_number_is_a_macro_state() -> None:
    assert ef.CoarseTimeStepper(decay())(2.0, 1.0) == pytest.approx(2 * np.exp(-1.0))
