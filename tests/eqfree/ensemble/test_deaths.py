"""Workers that die or hang: all results and the same bits, or an error that says which burst it was."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path
from threading import Timer
from typing import Any

import numpy as np
import pytest
from numpy.random import Generator
from numpy.typing import NDArray

import eqfree as ef
from eqfree.ensemble import BurstTask, ExecutorLike, Pool, WorkerDiedError, Workers, as_executor
from eqfree.ensemble.program import Program
from tests.eqfree.ensemble.mortal import KEY, REPLICAS, guilty, hang, kill, mortal, samples

Array = NDArray[np.float64]


@contextmanager
def pool_of_its_own() -> Iterator[ExecutorLike]:
    yield Pool(2)


@contextmanager
def reusable_executor_of_loky() -> Iterator[ExecutorLike]:
    loky = pytest.importorskip("loky", reason="loky is not installed")
    yield loky.get_reusable_executor(2)
    loky.get_reusable_executor(2).shutdown(wait=True, kill_workers=True)


places = pytest.mark.parametrize("place", [pool_of_its_own, reusable_executor_of_loky], ids=lambda one: one.__name__)


@pytest.mark.slow
@places
def test_after_the_death_of_a_worker_all_results_are_there_bit_for_bit(place: Any, tmp_path: Path) -> None:
    model = mortal(kill, once=tmp_path / "died")
    with place() as executor:
        assert samples(model, executor) == samples(model, None)
        assert (tmp_path / "died").exists()
        assert samples(model, executor) == samples(model, None)  # and again on what was made anew


@pytest.mark.slow
@places
def test_a_burst_that_ends_its_worker_each_time_is_named_and_can_be_replayed(place: Any) -> None:
    with place() as executor:
        stepper = ef.CoarseTimeStepper(mortal(kill), replicas=REPLICAS, executor=executor)
        with pytest.raises(WorkerDiedError, match="the worker died of it, 3 times") as caught:
            stepper.burst([1.0], [1.0], KEY)
    (replica,) = guilty(KEY)
    (note,) = caught.value.__notes__
    assert f"This was replica {replica} with key={KEY}, seed=0, times=[1.], from the macro state [1.]" in note
    assert "`stepper.replay(error)`" in note
    expected = ef.CoarseTimeStepper(mortal(kill), replicas=REPLICAS).burst([1.0], [1.0], KEY, samples=True).samples
    assert expected is not None
    assert np.array_equal(stepper.replay(caught.value).path, expected[replica])


@pytest.mark.slow
def test_of_two_bursts_that_end_their_workers_the_first_is_named_and_what_comes_before_it_is_there() -> None:
    home = os.getpid()

    def evolve(micro: Array, duration: float, rng: Generator) -> Array:
        if micro[0] in (5.0, 11.0) and os.getpid() != home:
            kill()
        return micro

    program = Program(ef.micro_model(lambda macro, rng: macro, evolve, lambda micro: micro))
    tasks = [BurstTask(np.array([float(one)]), (), one, 0, np.array([1.0])) for one in range(14)]
    outcomes = Workers(as_executor(Pool(2, tries=2))).map(program, tasks)
    assert [next(outcomes).path[0, 0] for _ in range(5)] == [0.0, 1.0, 2.0, 3.0, 4.0]
    with pytest.raises(WorkerDiedError, match="2 times") as caught:
        next(outcomes)
    assert "This was replica 5 " in caught.value.__notes__[0]


@pytest.mark.slow
def test_a_burst_that_hangs_ends_at_its_time_limit_and_is_named_with_where_it_was() -> None:
    stepper = ef.CoarseTimeStepper(mortal(hang), replicas=REPLICAS, executor=Pool(2, time_limit=0.5, tries=2))
    with pytest.raises(WorkerDiedError, match=r"its time limit of 0\.5 s: it did not, 2 times") as caught:
        stepper.burst([1.0], [1.0], KEY)
    where, note = caught.value.__notes__
    assert " in hang\n" in where
    assert " in evolve\n" in where
    assert f"replica {guilty(KEY)[0]} with key={KEY}" in note


@pytest.mark.slow
def test_a_burst_that_hangs_once_is_run_again_with_its_own_key(tmp_path: Path) -> None:
    model = mortal(hang, once=tmp_path / "hung")
    assert samples(model, Pool(2, time_limit=0.5)) == samples(model, None)
    assert (tmp_path / "hung").exists()


@pytest.mark.slow
def test_a_time_limit_is_that_of_each_burst_and_not_of_a_chunk() -> None:
    def evolve(micro: Array, duration: float, rng: Generator) -> Array:
        time.sleep(0.05)
        return micro

    model = ef.micro_model(lambda macro, rng: macro, evolve, lambda micro: micro)
    stepper = ef.CoarseTimeStepper(model, replicas=40, executor=Pool(1, time_limit=0.3))  # chunks of 0.5 s
    assert stepper([1.0], 1.0) == [1.0]


@pytest.mark.slow
def test_an_executor_of_the_user_that_breaks_is_told_after_what_was_finished() -> None:
    home = os.getpid()

    def evolve(micro: Array, duration: float, rng: Generator) -> Array:
        time.sleep(0.005)
        if micro[0] == 23.0 and os.getpid() != home:
            kill()
        return micro + rng.normal(size=1)

    program = Program(ef.micro_model(lambda macro, rng: macro, evolve, lambda micro: micro))
    tasks = [BurstTask(np.array([float(one)]), (), one, 0, np.array([1.0])) for one in range(24)]
    with ProcessPoolExecutor(1, mp_context=get_context("forkserver")) as pool:
        outcomes = Workers(as_executor(pool)).map(program, tasks)  # in four chunks
        finished = [next(outcomes).path.tolist() for _ in range(18)]
        with pytest.raises(WorkerDiedError, match=r"cannot be made anew here.*executor=eqfree\.Pool\(2\)"):
            next(outcomes)
    assert finished == [task.run(program).path.tolist() for task in tasks[:18]]


@pytest.mark.slow
def test_workers_that_died_between_two_bursts_are_replaced() -> None:
    model = ef.micro_model(
        lambda macro, rng: macro,
        lambda micro, duration, rng: np.array([float(os.getpid())]),
        lambda micro: micro,
    )
    stepper = ef.CoarseTimeStepper(model, replicas=1, executor=Pool(3))
    (first,) = stepper([0.0], 1.0)
    os.kill(int(first), signal.SIGKILL)
    time.sleep(0.2)
    (second,) = stepper([0.0], 1.0)
    assert second not in (first, os.getpid())


@pytest.mark.parametrize("place", ["own", "user"])
def test_a_burst_that_raises_is_raised_and_never_tried_again(place: str, tmp_path: Path) -> None:
    calls = tmp_path / "calls"

    def evolve(micro: Array, duration: float, rng: Generator) -> Array:
        with calls.open("a") as file:
            file.write("x")
        raise ZeroDivisionError("of the user")

    model = ef.micro_model(lambda macro, rng: macro, evolve, lambda micro: micro)
    with ProcessPoolExecutor(1, mp_context=get_context("forkserver")) as pool:
        executor: ExecutorLike = Pool(2, tries=5) if place == "own" else Pool(pool, tries=5)
        with pytest.raises(ZeroDivisionError, match="of the user"):
            ef.CoarseTimeStepper(model, replicas=1, executor=executor)([1.0], 1.0)
    assert calls.read_text() == "x"


class Stopped(Executor):
    """Never begins what it is given."""

    def __init__(self) -> None:
        self.futures: list[Future[Any]] = []

    def submit(self, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        self.futures.append(Future())
        if len(self.futures) == 1:
            self.futures[0].set_result(function(*args, **kwargs))
        return self.futures[-1]


def test_what_has_not_begun_is_cancelled_when_the_consumer_stops() -> None:
    stopped = Stopped()
    program = Program(ef.micro_model(lambda u, rng: u, lambda u, t, rng: u, lambda u: u))
    tasks = [BurstTask(np.array([1.0]), (), one, 0, np.array([1.0])) for one in range(20)]
    outcomes: Any = Workers(as_executor(stopped)).map(program, tasks)
    next(outcomes)
    outcomes.close()
    assert len(stopped.futures) > 1
    assert all(future.cancelled() for future in stopped.futures[1:])


@pytest.mark.slow
def test_an_interrupt_ends_the_processes_of_the_pool_at_once() -> None:
    def evolve(micro: Array, duration: float, rng: Generator) -> Array:
        time.sleep(60)
        return micro

    backend = as_executor(Pool(5))
    model = ef.micro_model(lambda macro, rng: macro, evolve, lambda micro: micro)
    tasks = [BurstTask(np.array([1.0]), (), one, 0, np.array([1.0])) for one in range(2)]
    outcomes: Any = Workers(backend).map(Program(model), tasks)
    before = set(multiprocessing.active_children())
    handler = signal.signal(signal.SIGINT, signal.default_int_handler)  # whoever runs this may ignore it
    Timer(1.0, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
    try:
        with pytest.raises(KeyboardInterrupt):
            next(outcomes)
    finally:
        signal.signal(signal.SIGINT, handler)
    until = time.monotonic() + 20
    while set(multiprocessing.active_children()) - before and time.monotonic() < until:
        time.sleep(0.05)
    assert time.monotonic() < until


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"workers": 0}, "`workers` must be a positive number of processes"),
        ({"workers": True}, "`workers` must be"),
        ({"workers": None}, "`workers` must be"),
        ({"workers": 2, "time_limit": 0.0}, "`time_limit` must be a positive number of seconds"),
        ({"workers": 2, "time_limit": float("nan")}, "`time_limit` must be"),
        ({"workers": 2, "tries": 0}, "`tries` must be a positive integer"),
        ({"workers": ThreadPoolExecutor(1), "time_limit": 1.0}, "got a ThreadPoolExecutor. Give a number of processes"),
    ],
)
def test_a_pool_that_makes_no_sense_is_refused_with_its_value(options: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Pool(**options)


def test_a_time_limit_on_an_executor_of_this_process_is_refused() -> None:
    class Inline(Executor):
        def submit(self, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
            future: Future[Any] = Future()
            future.set_result(function(*args, **kwargs))
            return future

    with pytest.raises(ValueError, match="needs workers in processes of their own"):
        ef.CoarseTimeStepper(mortal(hang), executor=Pool(Inline(), time_limit=1.0))([1.0], 1.0)
