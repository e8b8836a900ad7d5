from __future__ import annotations

import os
import pickle
import time
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import BrokenExecutor, Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import Pipe, get_context
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.random import PCG64, Generator, SeedSequence
from numpy.typing import NDArray

import eqfree as ef
from eqfree.ensemble import Key, NotFiniteError, as_executor, check_key, generator, streams
from tests.eqfree.models import BatchedOrnsteinUhlenbeck, Draws, OrnsteinUhlenbeck, decay

Array = NDArray[np.float64]
words = st.integers(0, 2**32 - 1)
keys = st.lists(words, max_size=3).map(tuple)


@pytest.fixture(scope="module")
def processes() -> Iterator[Executor]:
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        yield pool


def draw(seed: int, spawn_key: tuple[int, ...]) -> float:
    return float(Generator(PCG64(SeedSequence(seed, spawn_key=spawn_key))).random())


def samples(stepper: ef.CoarseTimeStepper, macro: Any, times: Any, key: Key = ()) -> Array:
    kept = stepper.burst(macro, times, key, samples=True).samples
    assert kept is not None
    return kept


# Keys


@settings(deadline=None)
@given(seed=words, key=keys, replica=st.integers(0, 1000))
def test_lift_and_evolve_have_the_streams_of_the_contract(seed: int, key: Key, replica: int) -> None:
    lift, evolve = streams(seed, key, replica)
    assert (lift.entropy, lift.spawn_key) == (seed, (*key, replica, 0))
    assert (evolve.entropy, evolve.spawn_key) == (seed, (*key, replica, 1))


@settings(deadline=None)
@given(seed=words, key=keys)
def test_every_replica_draws_from_its_own_streams_and_event_streams(seed: int, key: Key) -> None:
    stepper = ef.CoarseTimeStepper(Draws(), replicas=3, seed=seed)
    expected = [[draw(seed, (*key, r, 0)), draw(seed, (*key, r, 1)), draw(seed, (*key, r, 1, 1))] for r in range(3)]
    assert samples(stepper, np.zeros(3), [1.0], key)[:, 0].tolist() == expected


def test_an_advanced_population_draws_from_the_evolve_streams_of_its_key() -> None:
    stepper = ef.CoarseTimeStepper(Draws(), replicas=2, seed=5)
    packed = stepper.lift(np.zeros(3), (7,))
    _, reading = stepper.advance(packed, 1.0, (8,))
    expected = np.mean([[draw(5, (7, r, 0)), draw(5, (8, r, 1)), draw(5, (8, r, 1, 1))] for r in range(2)], axis=0)
    assert np.allclose(reading.mean, expected, rtol=1e-15)


def test_a_lift_that_draws_more_leaves_the_noise_of_evolve_alone() -> None:
    few, many = (
        samples(ef.CoarseTimeStepper(Draws(lift_draws), replicas=4), np.zeros(3), [1.0]) for lift_draws in (1, 100)
    )
    assert np.array_equal(few[..., 1:], many[..., 1:])


@settings(deadline=None)
@given(first=keys, second=keys)
def test_the_same_key_has_the_same_bits_and_another_key_of_its_length_has_others(first: Key, second: Key) -> None:
    stepper = ef.CoarseTimeStepper(OrnsteinUhlenbeck(), replicas=2)
    noise = [stepper([1.0], 1.0, key) for key in (first, second, first)]
    assert np.array_equal(noise[0], noise[2])
    if first != second and len(first) == len(second):
        assert not np.array_equal(noise[0], noise[1])


def test_seeds_are_another_noise_each() -> None:
    steppers = [ef.CoarseTimeStepper(OrnsteinUhlenbeck(), replicas=2, seed=seed) for seed in (0, 1, 2**100)]
    assert len({float(stepper([1.0], 1.0)[0]) for stepper in steppers}) == 3


@pytest.mark.parametrize("key", [(-1,), (2**32,), (1.5,), ("a",), (0, None), 3])
def test_a_key_that_is_no_tuple_of_words_is_refused(key: Any) -> None:
    with pytest.raises(ValueError, match=r"tuple of integers from 0 to 2\*\*32 - 1"):
        ef.CoarseTimeStepper(OrnsteinUhlenbeck())([1.0], 1.0, key)


def test_numpy_integers_are_legal_in_a_key() -> None:
    assert check_key(tuple(np.arange(2))) == (0, 1)


def test_replicas_that_stay_keep_their_noise() -> None:
    few = ef.CoarseTimeStepper(OrnsteinUhlenbeck(), replicas=3)
    assert np.array_equal(
        samples(few.with_replicas(7), [1.0], [0.5, 1.0], (4,))[:3], samples(few, [1.0], [0.5, 1.0], (4,))
    )


def test_the_generator_is_the_one_that_batched_models_are_promised() -> None:
    stream = SeedSequence(3)
    assert generator(stream).random() == Generator(PCG64(SeedSequence(3))).random()


# Executors


def noisy(offset: float) -> ef.MicroModel:
    """A model of lambdas and a closure over ``offset``."""
    return ef.micro_model(
        lambda macro, rng: macro + offset,
        lambda micro, duration, rng: micro + duration * rng.normal(size=micro.shape),
        lambda micro: micro,
        thread_safe=False,
    )


def readings(stepper: ef.CoarseTimeStepper) -> list[Any]:
    burst = stepper.burst([1.0, 2.0], [0.0, 0.5, 1.0], (3,), lambda before, after, t: after - before, samples=True)
    trajectory = stepper.simulate([1.0, 2.0], [0.5, 1.0], (3,))
    assert burst.observed is not None
    return [
        burst.mean.tobytes(),
        burst.stderr.tobytes(),
        burst.observed.mean.tobytes(),
        trajectory.macro.tobytes(),
        stepper.rate([1.0, 2.0], 1.0, (3,)).value.tobytes(),
    ]


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_threads_give_the_bits_of_this_thread(threads: int) -> None:
    model = OrnsteinUhlenbeck()
    with ThreadPoolExecutor(threads) as pool:
        expected = readings(ef.CoarseTimeStepper(model, replicas=7))
        assert readings(ef.CoarseTimeStepper(model, replicas=7, executor=threads)) == expected
        assert readings(ef.CoarseTimeStepper(model, replicas=7, executor=pool)) == expected


@pytest.mark.parametrize("model", [OrnsteinUhlenbeck(), noisy(0.25)], ids=["importable", "of lambdas"])
def test_processes_give_the_bits_of_this_thread(model: ef.MicroModel, processes: Executor) -> None:
    expected = readings(ef.CoarseTimeStepper(model, replicas=7))
    assert readings(ef.CoarseTimeStepper(model, replicas=7, executor=processes)) == expected


def test_a_batch_gives_the_bits_of_the_loop() -> None:
    loop, batch = (
        ef.CoarseTimeStepper(model, replicas=7) for model in (OrnsteinUhlenbeck(), BatchedOrnsteinUhlenbeck())
    )
    for times in ([0.5], [0.0, 0.5, 2.0]):
        assert np.array_equal(samples(loop, [1.0, 2.0], times, (3,)), samples(batch, [1.0, 2.0], times, (3,)))


def test_many_bursts_at_once_are_the_bursts_one_by_one() -> None:
    for model in (OrnsteinUhlenbeck(), BatchedOrnsteinUhlenbeck()):
        for executor in (None, 2):
            stepper = ef.CoarseTimeStepper(model, replicas=5, executor=executor)
            together = stepper.bursts([[1.0], [2.0]], [0.5, 1.0], [(1,), (2,)])
            alone = [stepper.burst([value], [0.5, 1.0], (key,)) for value, key in ((1.0, 1), (2.0, 2))]
            assert [burst.mean.tobytes() for burst in together] == [burst.mean.tobytes() for burst in alone]
            assert [burst.cost for burst in together] == [burst.cost for burst in alone]
            assert stepper.bursts([], [1.0], []) == []


def test_a_model_that_is_not_thread_safe_gets_processes() -> None:
    model = ef.micro_model(
        lambda macro, rng: macro,
        lambda micro, duration, rng: micro,
        lambda micro: np.array([float(os.getpid())]),
        thread_safe=False,
    )
    (elsewhere,) = ef.CoarseTimeStepper(model, replicas=1, executor=1)([0.0], 1.0)
    assert elsewhere != os.getpid()


def test_a_model_that_is_not_thread_safe_refuses_threads() -> None:
    with ThreadPoolExecutor(1) as pool, pytest.raises(ValueError, match="must not be a ThreadPoolExecutor"):
        ef.CoarseTimeStepper(noisy(0.0), executor=pool)


def test_a_number_of_workers_may_be_any_integer() -> None:
    workers: Any = np.int64(2)
    assert as_executor(workers) is as_executor(2)


@pytest.mark.parametrize("executor", [0, -1, True, 1.5, "two", np.int64(0)])
def test_what_is_no_executor_is_refused(executor: Any) -> None:
    with pytest.raises(ValueError, match=r"`executor` must be None .* got "):
        as_executor(executor)


def test_a_closure_inside_a_model_does_not_wait_for_the_workers_it_is_on() -> None:
    inner = ef.CoarseTimeStepper(decay(deterministic=False), replicas=2, executor=1)
    outer = ef.micro_model(
        lambda macro, rng: macro,
        lambda micro, duration, rng: inner(micro, duration),
        lambda micro: micro,
    )
    assert ef.CoarseTimeStepper(outer, replicas=2, executor=1)([1.0], 1.0)[0] == pytest.approx(np.exp(-1.0))


def forked(work: Callable[[], Any]) -> Any:
    """What ``work`` returns in a fork of this process."""
    receiver, sender = Pipe(duplex=False)
    child = get_context("fork").Process(target=lambda: sender.send(work()))
    child.start()
    try:
        assert receiver.poll(20), "the forked process hangs"
        answer = receiver.recv()
        child.join(20)  # it ends its own workers
        assert child.exitcode == 0
    finally:
        child.kill()
        child.join()
    return answer


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
@pytest.mark.parametrize("thread_safe", [True, False], ids=["threads", "processes"])
def test_a_forked_process_makes_workers_of_its_own(thread_safe: bool) -> None:
    model = ef.micro_model(lambda u, rng: u, lambda u, t, rng: u + rng.random(), lambda u: u, thread_safe=thread_safe)
    stepper = ef.CoarseTimeStepper(model, replicas=4, executor=2)
    assert forked(lambda: stepper([1.0], 1.0).tolist()) == stepper([1.0], 1.0).tolist()
    assert forked(lambda: stepper([1.0], 1.0).tolist()) == stepper([1.0], 1.0).tolist()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_process_forked_after_a_batch_takes_the_loop() -> None:
    here = os.getpid()

    class Home(BatchedOrnsteinUhlenbeck):
        def burst_batch(self, macros: Array, times: Array, streams: Any) -> Array:
            assert os.getpid() == here, "OpenMP would have ended this process"
            return super().burst_batch(macros, times, streams)

    stepper = ef.CoarseTimeStepper(Home(), replicas=4)
    assert stepper([1.0], 1.0).tolist() == forked(lambda: stepper([1.0], 1.0).tolist())


class Recording(Executor):
    """Runs at once what it is given, and weighs it."""

    def __init__(self) -> None:
        self.sizes: list[int] = []

    def submit(self, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        self.sizes.append(len(pickle.dumps((function, args, kwargs))))
        future: Future[Any] = Future()
        future.set_result(function(*args, **kwargs))
        return future


def heavy_model(weight: int) -> ef.MicroModel:
    table = np.arange(float(weight))
    return ef.micro_model(
        lambda macro, rng: macro, lambda micro, duration, rng: micro + table.sum(), lambda micro: micro
    )


def test_a_second_burst_does_not_send_the_model_again() -> None:
    recording = Recording()
    stepper = ef.CoarseTimeStepper(heavy_model(100_000), replicas=4, executor=recording)
    stepper([1.0], 1.0, (0,))
    assert max(recording.sizes) > 800_000
    recording.sizes.clear()
    stepper([1.0], 1.0, (1,))
    stepper.with_replicas(9)([1.0], 1.0, (2,))
    assert max(recording.sizes) < 8_000


def test_a_worker_that_joins_later_is_given_the_model() -> None:
    model = OrnsteinUhlenbeck(0.5)
    expected = ef.CoarseTimeStepper(model, replicas=64)([1.0], 1.0)
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        stepper = ef.CoarseTimeStepper(model, replicas=1, executor=pool)
        stepper([1.0], 1.0)  # one chunk starts one worker
        assert np.array_equal(stepper.with_replicas(64)([1.0], 1.0), expected)


@pytest.mark.slow
def test_the_first_burst_on_new_processes_runs_on_all_of_them_at_once(tmp_path: Path) -> None:
    def wait_for_the_other(micro: Array, duration: float, rng: Generator) -> Array:
        (tmp_path / str(os.getpid())).touch()
        until = time.monotonic() + 20
        while len(list(tmp_path.iterdir())) < 2 and time.monotonic() < until:
            time.sleep(0.02)
        return np.array([float(len(list(tmp_path.iterdir())))])

    model = ef.micro_model(lambda macro, rng: macro, wait_for_the_other, lambda micro: micro)
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        assert ef.CoarseTimeStepper(model, replicas=2, executor=pool)([0.0], 1.0) == [2.0]


@pytest.mark.slow
def test_after_a_worker_died_the_next_burst_gets_new_ones(tmp_path: Path) -> None:
    fatal = tmp_path / "fatal"
    fatal.touch()

    def evolve(micro: Array, duration: float, rng: Generator) -> Array:
        if fatal.exists():
            os._exit(1)
        return micro

    model = ef.micro_model(lambda macro, rng: macro, evolve, lambda micro: micro, thread_safe=False)
    stepper = ef.CoarseTimeStepper(model, replicas=2, executor=1)
    with pytest.raises(BrokenExecutor):
        stepper([3.0], 1.0)
    fatal.unlink()
    assert stepper([3.0], 1.0) == [3.0]


def test_a_model_is_warmed_once_before_its_first_burst() -> None:
    calls: list[str] = []
    model = ef.micro_model(
        lambda macro, rng: macro,
        lambda micro, duration, rng: micro,
        lambda micro: micro,
        warm=lambda: calls.append("warm"),
    )
    stepper = ef.CoarseTimeStepper(model, replicas=2)
    assert calls == []
    for key in range(3):
        stepper([1.0], 1.0, (key,))
    assert calls == ["warm"]


# Errors of the user's own functions


class FleetError(RuntimeError):
    """Travels between processes."""


class StubbornError(Exception):
    """Is not what pickle expects: its arguments are not those of its constructor."""

    def __init__(self, cars: int, instant: float) -> None:
        super().__init__(f"{cars} cars collided at {instant}")


def collide(where: str, error: Callable[[], Exception]) -> ef.MicroModel:
    """A model that fails in one of its functions, in the first replica whose evolve stream begins above 0.8."""

    def fail(place: str, rng: Generator | None = None) -> None:
        if place == where and (rng is None or rng.random() > 0.8):
            raise error()

    def lift(macro: Array, rng: Generator) -> Array:
        fail("lift", rng)
        return macro

    def evolve(micro: Array, duration: float, rng: Generator) -> Array:
        fail("evolve", rng)
        return micro

    def restrict(micro: Array) -> Array:
        fail("restrict")
        return micro

    return ef.micro_model(lift, evolve, restrict)


def first_above(limit: float, stream: int, key: Key) -> int:
    return next(replica for replica in range(1000) if draw(0, (*key, replica, stream)) > limit)


@pytest.mark.parametrize(("where", "stream"), [("lift", 0), ("evolve", 1)])
@pytest.mark.parametrize("place", ["this thread", "threads", "processes"])
def test_an_error_of_the_user_passes_through_with_its_traceback_and_how_to_replay_it(
    where: str, stream: int, place: str, processes: Executor
) -> None:
    executor: Executor | int | None = {"this thread": None, "threads": 2, "processes": processes}[place]
    stepper = ef.CoarseTimeStepper(collide(where, lambda: FleetError("cars 3 and 4")), replicas=50, executor=executor)
    with pytest.raises(FleetError, match="cars 3 and 4") as caught:
        stepper([0.125, 2.0], 1.5, (6, 7))
    (note,) = caught.value.__notes__
    replica = first_above(0.8, stream, (6, 7))
    assert f"replica {replica} with key=(6, 7), seed=0, times=[1.5], from the macro state [0.125 2.   ]" in note
    text = "".join(traceback.format_exception(caught.value))
    assert f", in {where}\n" in text
    assert ", in fail\n" in text
    with pytest.raises(FleetError, match="cars 3 and 4"):
        stepper.replay(caught.value)


class ReducedError(Exception):
    """Pickles its own way, which keeps nothing but its constructor's arguments."""

    def __init__(self, cars: int, instant: float) -> None:
        super().__init__(f"{cars} cars collided at {instant}")
        self.cars, self.instant = cars, instant

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.cars, self.instant)


class LockedError(Exception):
    """Cannot be pickled at all."""

    def __init__(self, cars: int, instant: float) -> None:
        super().__init__(f"{cars} cars collided at {instant}")
        self.lock = Lock()


def local_error() -> type[Exception]:
    """A class that no other process can import, as those of a script or a notebook."""

    class LocalError(Exception):
        def __init__(self, cars: int, instant: float) -> None:
            super().__init__(f"{cars} cars collided at {instant}")
            self.cars = cars

    return LocalError


@pytest.mark.parametrize("kind", [StubbornError, ReducedError, local_error()], ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("place", ["this thread", "threads", "processes"])
def test_an_error_of_any_class_passes_through_as_itself(kind: type[Exception], place: str, processes: Executor) -> None:
    executor: Executor | int | None = {"this thread": None, "threads": 2, "processes": processes}[place]
    stepper = ef.CoarseTimeStepper(collide("restrict", lambda: kind(2, 0.5)), replicas=3, executor=executor)
    with pytest.raises(kind, match=r"^2 cars collided at 0\.5") as caught:
        stepper([1.0], 1.0)
    assert type(caught.value) is kind
    assert getattr(caught.value, "cars", 2) == 2
    (note,) = caught.value.__notes__
    assert "replica 0" in note
    assert ", in fail\n" in "".join(traceback.format_exception(caught.value))
    with pytest.raises(kind):
        stepper.replay(caught.value)


def test_an_error_that_cannot_be_pickled_says_the_same_and_replays_as_itself(processes: Executor) -> None:
    stepper = ef.CoarseTimeStepper(collide("restrict", lambda: LockedError(2, 0.5)), replicas=3, executor=processes)
    with pytest.raises(RuntimeError, match=r"LockedError: 2 cars collided at 0\.5") as caught:
        stepper([1.0], 1.0)
    assert "replica 0" in caught.value.__notes__[0]
    assert ", in fail\n" in "".join(traceback.format_exception(caught.value))
    with pytest.raises(LockedError):
        stepper.replay(caught.value)


def test_an_error_of_warming_up_passes_through_and_is_met_again(processes: Executor) -> None:
    def warm() -> None:
        if os.getpid() != here:
            raise StubbornError(2, 0.5)

    here = os.getpid()
    model = ef.micro_model(lambda u, rng: u, lambda u, t, rng: u, lambda u: u, warm=warm)
    for _ in range(2):
        with pytest.raises(StubbornError):
            ef.CoarseTimeStepper(model, replicas=2, executor=processes)([1.0], 1.0)


def test_an_error_while_advancing_says_duration_and_key() -> None:
    stepper = ef.CoarseTimeStepper(collide("evolve", FleetError), replicas=50)
    packed = stepper.lift([1.0])
    with pytest.raises(FleetError) as caught:
        stepper.advance(packed, 2.5, (9,))
    assert "key=(9,)" in caught.value.__notes__[0]
    assert "duration=2.5" in caught.value.__notes__[0]
    with pytest.raises(FleetError):
        stepper.replay(caught.value)


def test_an_error_of_observe_replays_with_observe() -> None:
    def observe(before: Array, after: Array, duration: float) -> Array:
        raise FleetError

    stepper = ef.CoarseTimeStepper(OrnsteinUhlenbeck(), replicas=2)
    with pytest.raises(FleetError) as caught:
        stepper.burst([1.0], [0.0, 1.0], observe=observe)
    with pytest.raises(FleetError):
        stepper.replay(caught.value, observe)
    assert stepper.replay(caught.value).path.shape == (2, 1)


def test_replaying_an_error_of_no_replica_is_refused() -> None:
    with pytest.raises(ValueError, match="must come out of a burst"):
        ef.CoarseTimeStepper(OrnsteinUhlenbeck()).replay(KeyError("x"))


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("place", ["this thread", "threads", "processes"])
def test_what_is_not_finite_is_caught_where_restrict_returns_it(value: float, place: str, processes: Executor) -> None:
    executor: Executor | int | None = {"this thread": None, "threads": 2, "processes": processes}[place]
    model = ef.micro_model(
        lambda macro, rng: macro,
        lambda micro, duration, rng: np.where(rng.random() > 0.8, value, micro),
        lambda micro: micro,
    )
    stepper = ef.CoarseTimeStepper(model, replicas=50, executor=executor)
    with pytest.raises(NotFiniteError, match="must return finite numbers") as caught:
        stepper([1.0], 1.0)
    assert f"replica {first_above(0.8, 1, ())} with key=()" in caught.value.__notes__[0]
    with pytest.raises(NotFiniteError):
        stepper.replay(caught.value)


def test_what_is_not_finite_is_caught_where_observe_returns_it() -> None:
    model = ef.micro_model(lambda u, rng: u, lambda u, t, rng: u, lambda u: u)
    with pytest.raises(FloatingPointError, match="observe") as caught:
        ef.CoarseTimeStepper(model, replicas=2).burst([1.0], (0.0, 1.0), observe=lambda *_: [np.nan])
    assert "stepper.replay" in caught.value.__notes__[0]


def test_what_is_not_finite_in_a_batch_names_its_replica() -> None:
    class Spoilt(BatchedOrnsteinUhlenbeck):
        def burst_batch(self, macros: Array, times: Array, streams: Any) -> Array:
            paths = super().burst_batch(macros, times, streams)
            paths[3] = np.nan
            return paths

    stepper = ef.CoarseTimeStepper(Spoilt(), replicas=5, seed=2)
    with pytest.raises(NotFiniteError, match=r"replica 3 with key=\(7,\), seed=2.*the two must agree") as caught:
        stepper([1.0], 1.0, (7,))
    with pytest.raises(ValueError, match="without such a note"):
        stepper.replay(caught.value)


def test_what_is_not_finite_in_batch_and_loop_is_replayed() -> None:
    class Spoilt(BatchedOrnsteinUhlenbeck):
        def evolve(self, micro: Array, duration: float, rng: Generator) -> Array:
            return np.where(rng.random() > 0.8, np.nan, micro)

    stepper = ef.CoarseTimeStepper(Spoilt(), replicas=50)
    with pytest.raises(NotFiniteError) as caught:
        stepper([1.0], 1.0)
    assert f"replica {first_above(0.8, 1, ())} " in caught.value.__notes__[0]
    with pytest.raises(NotFiniteError):
        stepper.replay(caught.value)


def test_a_batch_that_fails_is_replayed_by_the_loop_which_names_the_replica() -> None:
    class Fragile(BatchedOrnsteinUhlenbeck):
        def burst_batch(self, macros: Array, times: Array, streams: Any) -> Array:
            raise RuntimeError("somewhere in a compiled loop")

        def evolve(self, micro: Array, duration: float, rng: Generator) -> Array:
            if rng.random() > 0.8:
                raise FleetError("here")
            return micro

    with pytest.raises(FleetError, match="here") as caught:
        ef.CoarseTimeStepper(Fragile(), replicas=50)([1.0], 1.0)
    assert f"replica {first_above(0.8, 1, ())} " in caught.value.__notes__[0]


def test_a_batch_that_fails_alone_passes_its_own_error_through() -> None:
    class Fragile(BatchedOrnsteinUhlenbeck):
        def burst_batch(self, macros: Array, times: Array, streams: Any) -> Array:
            raise FleetError("only the batch")

    with pytest.raises(FleetError, match="only the batch\nOnly `burst_batch` raises this"):
        ef.CoarseTimeStepper(Fragile(), replicas=2)([1.0], 1.0)


def test_a_batch_of_another_shape_is_refused_with_both_shapes() -> None:
    class Short(BatchedOrnsteinUhlenbeck):
        def burst_batch(self, macros: Array, times: Array, streams: Any) -> Array:
            return np.zeros((len(macros), 1))

    with pytest.raises(ValueError, match=r"of shape \(5, 2, 1\): got shape \(5, 1\)"):
        ef.CoarseTimeStepper(Short(), replicas=5).burst([1.0], [0.5, 1.0])
