"""Order of submission and size of chunks. The executors here run at once what they are given, and note it."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
import pytest
from numpy.random import Generator
from numpy.typing import NDArray

import eqfree as ef
from eqfree.ensemble import ExecutorLike
from eqfree.ensemble.dispatch import Workers
from eqfree.ensemble.pools import Backend
from eqfree.ensemble.program import Program
from eqfree.ensemble.schedule import Costs, cut
from eqfree.ensemble.tasks import AdvanceTask, BurstTask, LiftTask, Task
from eqfree.ensemble.workers import Work
from tests.eqfree.ensemble.clock import pass_by, perf_counter

Array = NDArray[np.float64]


@pytest.fixture(autouse=True)
def no_other_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("eqfree.ensemble.workers.perf_counter", perf_counter)


def done(answer: Any) -> Future[Any]:
    future: Future[Any] = Future()
    future.set_result(answer)
    return future


class Recording(Executor):
    """Notes the macro states of each chunk."""

    def __init__(self) -> None:
        self.chunks: list[list[float]] = []

    def submit(self, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        (work,) = args
        assert isinstance(work, Work)
        self.chunks.append([float(task.start[0]) for task in work.tasks])
        return done(function(*args, **kwargs))


def burst(macro: Any, duration: float = 1.0) -> BurstTask:
    return BurstTask(np.asarray(macro, dtype=np.float64), (), 0, 0, np.array([duration]))


def sleeper(milliseconds: Callable[[float], float], **options: Any) -> ef.MicroModel:
    """Takes a time that depends on the macro state, and draws."""

    def evolve(micro: Array, duration: float, rng: Generator) -> Array:
        pass_by(1e-3 * milliseconds(float(micro[0])))
        return micro + rng.normal(size=micro.shape)

    return ef.micro_model(lambda macro, rng: macro, evolve, lambda micro: micro, **options)


def means(model: ef.MicroModel, macros: list[float], executor: ExecutorLike, key: int) -> list[float]:
    stepper = ef.CoarseTimeStepper(model, replicas=1, executor=executor)
    return [float(one.mean[0, 0]) for one in stepper.bursts([[m] for m in macros], [1.0], [(key, 0)] * len(macros))]


# Longest expected first


def test_what_took_longest_is_submitted_first_the_next_time_and_returned_in_its_place() -> None:
    model, recording, macros = sleeper(lambda m: 30.0 if m == 2.0 else 10.0 + 5.0 * m), Recording(), [1.0, 2.0, 0.0]
    expected = [means(model, macros, None, key) for key in range(2)]
    assert means(model, macros, recording, 0) == expected[0]
    assert recording.chunks == [[1.0], [2.0], [0.0]]  # nothing known yet: as they came
    recording.chunks.clear()
    assert means(model, macros, recording, 1) == expected[1]
    assert recording.chunks == [[2.0], [1.0], [0.0]]


def test_what_was_not_measured_is_expected_to_take_what_the_nearest_macro_state_took() -> None:
    model, recording = sleeper(lambda m: 2000.0 if m > 5 else 100.0), Recording()
    means(model, [1.0, 9.0], recording, 0)
    recording.chunks.clear()
    means(model, [2.0, 8.0, 3.0, 7.0], recording, 1)
    assert recording.chunks == [[8.0], [7.0], [2.0, 3.0]]


def test_the_models_own_count_orders_what_was_never_measured() -> None:
    recording = Recording()
    means(sleeper(lambda m: 0.0, agent_updates=lambda macro, t: macro[0]), [1.0, 3.0, 2.0], recording, 0)
    assert recording.chunks == [[3.0], [2.0], [1.0]]


def test_threads_are_given_the_longest_first_too() -> None:
    began: list[float] = []

    def milliseconds(macro: float) -> float:
        began.append(macro)
        return 10.0 * macro

    model = sleeper(milliseconds)
    means(model, [1.0, 2.0, 3.0], 1, 0)
    began.clear()
    means(model, [1.0, 2.0, 3.0], 1, 1)
    assert began == [3.0, 2.0, 1.0]


def test_an_error_is_that_of_the_first_task_whatever_was_submitted_first() -> None:
    def evolve(micro: Array, duration: float, rng: Generator) -> Array:
        raise RuntimeError(f"macro state {micro[0]:g}")

    options: dict[str, Any] = {"agent_updates": lambda macro, t: macro[0]}
    model = ef.micro_model(lambda macro, rng: macro, evolve, lambda micro: micro, **options)
    for executor in (Recording(), 2):
        with pytest.raises(RuntimeError, match="macro state 1") as caught:
            means(model, [1.0, 3.0, 2.0], executor, 0)
        assert "key=(0, 0)" in caught.value.__notes__[0]


# What is expected


def test_expected_seconds_are_proportional_to_the_time_that_is_simulated() -> None:
    costs = Costs()
    costs.add("model", burst([1.0], 2.0), 0.5)
    seconds = costs.expect("model", [burst([1.0], 2.0), burst([1.0], 8.0)])
    assert seconds is not None
    assert seconds.tolist() == [0.5, 2.0]


def test_near_is_meant_in_units_of_how_far_each_component_spreads() -> None:
    costs = Costs()
    costs.add("model", burst([0.0, 0.0]), 1.0)
    costs.add("model", burst([1000.0, 1.0]), 2.0)
    seconds = costs.expect("model", [burst([400.0, 1.0])])  # at 0.4 and 1 of the spreads
    assert seconds is not None
    assert seconds.tolist() == [2.0]


def test_lifts_bursts_advances_and_other_programs_are_known_apart() -> None:
    costs = Costs()
    start, end = np.array([1.0]), np.array([1.0])
    kinds: list[Task] = [
        BurstTask(start, (), 0, 0, end),
        LiftTask(start, (), 0, 0),
        AdvanceTask(start, (), 0, 0, 1.0),
    ]
    for seconds, task in enumerate(kinds, start=1):
        costs.add("model", task, float(seconds))
    known = [costs.expect("model", [task]) for task in kinds]
    assert [None if one is None else one.tolist() for one in known] == [[1.0], [2.0], [3.0]]
    assert costs.expect("another", kinds[:1]) is None


def test_a_slow_first_time_is_forgotten_and_the_memory_is_bounded() -> None:
    costs = Costs()
    costs.add("model", burst([0.0]), 10.0)
    for _ in range(60):
        costs.add("model", burst([0.0]), 0.01)
    seconds = costs.expect("model", [burst([0.0])])
    assert seconds is not None
    assert seconds.tolist() == pytest.approx([0.01], rel=0.5)
    for number in range(1000):
        costs.add("model", burst([float(number)]), 0.01)
        costs.add(f"model {number}", burst([0.0]), 0.01)
    assert max(map(len, costs._programs.values())) <= 64
    assert len(costs._programs) <= 32


# Chunks


@pytest.mark.parametrize("workers", [1, 2, 16])
@pytest.mark.parametrize("seconds", [1e-5, 1e-3, 0.02, 3.0])
def test_chunks_take_so_long_that_overhead_stays_under_five_percent_while_every_worker_has_one(
    seconds: float, workers: int
) -> None:
    overhead = 0.004
    chunks = cut(np.full(20_000, seconds), workers, overhead)
    lengths = [len(chunk) * seconds for chunk in chunks]
    assert sorted(number for chunk in chunks for number in chunk) == list(range(20_000))
    assert len(chunks) >= workers
    share = 20_000 * seconds / workers
    assert overhead * len(chunks) / workers <= 0.05 * share or len(chunks) == workers
    assert max(lengths) <= share + seconds


def test_equal_tasks_are_cut_into_four_chunks_a_worker_in_their_own_order() -> None:
    assert cut(np.ones(16), 2) == [[2 * place, 2 * place + 1] for place in range(8)]
    assert cut(np.ones(3), 2) == [[0], [1], [2]]
    assert cut(np.zeros(4), 1) == [[0], [1], [2], [3]]
    assert cut(np.empty(0), 2) == []


def test_a_long_task_is_a_chunk_of_its_own() -> None:
    chunks = cut(np.array([0.1] * 50 + [5.0]), 2)
    assert chunks[0] == [50]
    assert all(len(chunk) > 1 for chunk in chunks[1:-1])


@dataclass(frozen=True, eq=False)
class Costly(Backend):
    """Two workers whose chunks cost 10 ms each, as those of Dask do; runs at once what it is given."""

    chunks: list[int] = field(default_factory=list)
    given: set[str] = field(default_factory=set)

    overhead: ClassVar[float] = 0.01
    probes_first: ClassVar[bool] = True

    @property
    def workers(self) -> int:
        return 2

    @property
    def known(self) -> set[str]:
        return self.given

    def submit(self, function: Callable[..., Any], *arguments: Any) -> Any:
        (work,) = arguments
        self.chunks.append(len(work.tasks))
        return done(function(work))


def test_where_chunks_are_costly_single_bursts_are_measured_first() -> None:
    backend, program = Costly(), Program(sleeper(lambda m: 2.0))
    tasks = [BurstTask(np.array([1.0]), (), replica, 0, np.array([1.0])) for replica in range(204)]
    outcomes = list(Workers(backend).map(program, tasks))
    assert [one.path.tolist() for one in outcomes] == [task.run(program).path.tolist() for task in tasks]
    first, rest = backend.chunks[:4], backend.chunks[4:]
    assert first == [1, 1, 1, 1]
    assert rest == [100, 100]  # 10 ms / 4 % = 250 ms a chunk would be best; a worker's share is 200 ms
    backend.chunks.clear()
    list(Workers(backend).map(program, tasks))
    assert backend.chunks == [102, 102]
