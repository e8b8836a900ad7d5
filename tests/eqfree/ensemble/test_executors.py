from __future__ import annotations

import os
import pickle
import time
from collections.abc import Callable
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import Pipe, get_context
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.random import Generator
from numpy.typing import NDArray

import eqfree as ef
from eqfree.ensemble import Key, WorkerDiedError, as_executor
from tests.eqfree.models import BatchedOrnsteinUhlenbeck, OrnsteinUhlenbeck, decay

Array = NDArray[np.float64]


def samples(stepper: ef.CoarseTimeStepper, macro: Any, times: Any, key: Key = ()) -> Array:
    kept = stepper.burst(macro, times, key, samples=True).samples
    assert kept is not None
    return kept


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
    backend = as_executor(workers)
    assert backend is not None
    assert backend.workers == 2


@pytest.mark.parametrize("executor", [0, -1, True, 1.5, "two", np.int64(0), [2]])
def test_what_is_no_executor_is_refused(executor: Any) -> None:
    with pytest.raises(ValueError, match=r"`executor` must be .* got "):
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
    stepper = ef.CoarseTimeStepper(model, replicas=4, executor=1)
    here = stepper([1.0], 1.0).tolist()  # the fork inherits these workers and must not use them
    assert forked(lambda: stepper([1.0], 1.0).tolist()) == here


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
    with ProcessPoolExecutor(2, mp_context=get_context("forkserver")) as pool:
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
    with pytest.raises(WorkerDiedError):
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
