from typing import Any

import numpy as np
import pytest

import eqfree as ef
from eqfree.micro import (
    check_duration,
    count_updates,
    fields_of,
    has,
    is_batched,
    is_deterministic,
    is_packed,
    is_thread_safe,
)
from tests.eqfree.models import BatchedOrnsteinUhlenbeck, OrnsteinUhlenbeck, decay


def test_any_object_with_the_three_methods_is_a_micro_model() -> None:
    assert has(OrnsteinUhlenbeck(), "lift", "evolve", "restrict")
    assert not is_packed(OrnsteinUhlenbeck())
    assert not is_batched(OrnsteinUhlenbeck())
    assert is_batched(BatchedOrnsteinUhlenbeck())


def test_a_proxy_has_what_it_forwards() -> None:
    class Proxy:
        def __init__(self, model: object) -> None:
            self._model = model

        def __getattr__(self, name: str) -> Any:
            return getattr(vars(self)["_model"], name)

    model: Any = Proxy(BatchedOrnsteinUhlenbeck())
    assert is_batched(model)
    assert not is_packed(model)
    stepper, expected = (ef.CoarseTimeStepper(one, replicas=2) for one in (model, BatchedOrnsteinUhlenbeck()))
    assert stepper([1.0], 1.0) == expected([1.0], 1.0)


def test_an_option_that_was_not_given_is_not_there() -> None:
    model = decay()
    assert not is_packed(model)
    assert not is_batched(model)
    assert is_packed(decay(pack=dict, unpack=dict))


def test_an_unknown_option_is_refused_and_the_known_ones_are_named() -> None:
    with pytest.raises(ValueError, match=r"agent_updates, .*, warm: got colour, size"):
        decay(size=3, colour="red")


def test_without_options_a_model_is_random_thread_safe_nameless_and_uncounted() -> None:
    model = OrnsteinUhlenbeck()
    assert not is_deterministic(model)
    assert is_thread_safe(model)
    assert fields_of(model) == ()
    assert count_updates(model, np.zeros(1), 1.0) == 0.0


@pytest.mark.parametrize("duration", [0.0, 0.1, 0.3, 0.1 * 3, 1e6])
def test_a_multiple_of_the_time_step_is_accepted_up_to_round_off(duration: float) -> None:
    check_duration(decay(time_step=0.1), duration)


@pytest.mark.parametrize(
    ("duration", "nearest"),
    [(0.25, "0.2 or 0.3"), (0.05, "0 or 0.1"), (123456.75, "123456.7 or 123456.8")],
)
def test_a_duration_between_time_steps_is_refused_with_the_nearest_two(duration: float, nearest: str) -> None:
    with pytest.raises(ValueError, match=rf"multiple of the model's time step 0.1: got {duration}. Take {nearest}\."):
        check_duration(decay(time_step=0.1), duration)


@pytest.mark.parametrize("duration", [-1.0, np.nan, np.inf])
def test_a_duration_that_no_clock_shows_is_refused(duration: float) -> None:
    with pytest.raises(ValueError, match="finite and not negative"):
        check_duration(decay(), duration)


@pytest.mark.parametrize("step", [0.0, -1.0])
def test_a_time_step_that_is_not_positive_is_refused(step: float) -> None:
    with pytest.raises(ValueError, match="`time_step` must be positive"):
        check_duration(decay(time_step=step), 1.0)


def test_a_model_made_of_functions_is_lifted_evolved_and_restricted_in_this_order() -> None:
    model = ef.micro_model(
        lambda macro, rng: [*macro.tolist(), "lifted"],
        lambda micro, duration, rng: [*micro, duration],
        lambda micro: np.array([micro.index("lifted") + micro[-1]]),
    )
    assert ef.CoarseTimeStepper(model, replicas=1)([7.0], 0.5).tolist() == [1.5]


@pytest.mark.parametrize("name", ["lift", "evolve", "restrict"])
def test_what_is_no_function_is_named(name: str) -> None:
    functions: dict[str, Any] = {"lift": abs, "evolve": abs, "restrict": abs, name: 3}
    with pytest.raises(ValueError, match=f"`{name}` must be a function: got 3"):
        ef.micro_model(**functions)
