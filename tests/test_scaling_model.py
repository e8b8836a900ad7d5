"""The model of many workers: exact makespans where there are any, Graham's bounds, and what may never be beaten."""

from __future__ import annotations

from itertools import product
from math import ceil

import numpy as np
import pytest
from numpy.random import default_rng

from benchmarks.scaling_model import Overhead, chunks_for, in_turn, saturation, schedule, workers_at_half


def best_makespan(bursts: list[float], workers: int) -> float:
    """Of all ways to deal bursts to workers, the shortest."""
    deals = np.array(list(product(range(workers), repeat=len(bursts))))
    loads = [(deals == worker) @ np.array(bursts) for worker in range(workers)]
    return float(np.max(loads, axis=0).min())


def longest_first(bursts: list[float]) -> list[list[int]]:
    return [[number] for number in np.argsort(-np.array(bursts), kind="stable").tolist()]


@pytest.mark.parametrize(("tasks", "workers"), [(1, 1), (7, 3), (12, 4), (3, 10), (1000, 64)])
def test_equal_bursts_take_as_many_rounds_as_there_are_bursts_for_a_worker(tasks: int, workers: int) -> None:
    made = schedule(np.full(tasks, 0.25), in_turn(tasks), workers)
    assert made.makespan == ceil(tasks / workers) * 0.25
    assert made.efficiency == tasks / workers / ceil(tasks / workers)


def test_chunks_of_equal_bursts_are_equal_bursts() -> None:
    made = schedule(np.full(120, 0.25), in_turn(120, size=10), workers=5)
    assert made.makespan == ceil(12 / 5) * 2.5


def test_one_worker_waits_for_the_first_chunk_only_and_the_parent_for_the_last() -> None:
    overhead = Overhead(per_chunk=0.5, worker_chunk=0.25, latency=0.25)
    made = schedule(np.ones(6), in_turn(6), 1, overhead)
    assert made.makespan == 0.25 + 0.25 + 6 * 1.25 + 0.25 + 0.25


def test_two_chunks_under_way_hide_a_round_trip_no_longer_than_a_chunk() -> None:
    for latency, lost in ((0.5, 0.0), (0.75, 0.5)):
        made = schedule(np.ones(40), in_turn(40), 1, Overhead(latency=latency))
        assert made.makespan == 40 + 2 * latency + 19 * lost  # two chunks, then a wait, and so on


def test_all_that_the_parent_does_adds_up_where_bursts_take_no_time() -> None:
    overhead = Overhead(1e-3, 1e-4, 1e-8, task_bytes=800, answer_bytes=1600, program_bytes=1e5)
    made = schedule(np.full(100, 1e-12), in_turn(100, size=5), 4, overhead)
    by_hand = 20 * 1e-3 + 100 * 1e-4 + 100 * 2400 * 1e-8 + 4 * 1e5 * 1e-8
    assert made.makespan == pytest.approx(by_hand)
    assert overhead.parent(tasks=100, chunks=20, workers=4) == pytest.approx(by_hand)


def test_more_workers_than_a_burst_holds_hand_outs_are_no_faster() -> None:
    burst, overhead, tasks = 0.02, Overhead(per_chunk=1e-3), 2000
    assert saturation(burst, overhead) == pytest.approx(20)
    for workers in (20, 40, 400):
        made = schedule(np.full(tasks, burst), in_turn(tasks), workers, overhead)
        assert made.speed_up == pytest.approx(20, rel=2 * burst / (tasks * 1e-3))  # but for the first and the last
    below = schedule(np.full(tasks, burst), in_turn(tasks), 10, overhead)
    assert below.speed_up == pytest.approx(10, rel=2 * burst / (tasks * 2e-3))


def test_chunks_move_saturation_by_their_size() -> None:
    overhead = Overhead(per_chunk=1e-3)
    assert saturation(0.02, overhead, size=10) == pytest.approx(200)
    made = schedule(np.full(20_000, 0.02), in_turn(20_000, size=10), 1000, overhead)
    assert made.speed_up == pytest.approx(200, rel=2 * 0.2 / 2.0)


@pytest.mark.parametrize("workers", [2, 3, 5])
def test_longest_first_is_as_bad_as_graham_says_and_no_worse(workers: int) -> None:
    worst = [float(size) for size in range(2 * workers - 1, workers, -1) for _ in range(2)] + [float(workers)] * 3
    made = schedule(worst, longest_first(worst), workers)
    assert made.makespan == 4 * workers - 1  # where 3 m would do
    assert made.makespan / (3 * workers) == pytest.approx(4 / 3 - 1 / (3 * workers))


@pytest.mark.parametrize("workers", [2, 3, 5])
def test_any_order_is_as_bad_as_graham_says_and_longest_first_mends_it(workers: int) -> None:
    bursts = [1.0] * (workers * (workers - 1)) + [float(workers)]
    assert schedule(bursts, in_turn(len(bursts)), workers).makespan == 2 * workers - 1
    assert schedule(bursts, longest_first(bursts), workers).makespan == workers


def test_longest_first_stays_below_its_bound_on_random_bursts() -> None:
    rng = default_rng(1)
    for workers, tasks in ((2, 9), (3, 8), (4, 7)):
        for bursts in rng.exponential(size=(20, tasks)).tolist():
            best = best_makespan(bursts, workers)
            made = schedule(bursts, longest_first(bursts), workers)
            assert best - 1e-12 <= made.makespan <= (4 / 3 - 1 / (3 * workers)) * best + 1e-12


def test_no_schedule_beats_its_work_its_longest_chunk_or_its_parent() -> None:
    rng = default_rng(2)
    for workers in (1, 7, 50, 300):
        bursts = rng.lognormal(-4, 1, size=500)
        overhead = Overhead(*rng.exponential(1e-3, size=2))
        for chunks in (in_turn(500, size=3), chunks_for(bursts, workers, overhead)):
            made = schedule(bursts, chunks, workers, overhead)
            longest = max(float(bursts[list(chunk)].sum()) for chunk in chunks)
            parent = overhead.parent(tasks=500, chunks=len(chunks))
            assert made.makespan >= max(made.work / workers, longest, parent) * (1 - 1e-12)


def test_one_chunk_a_worker_is_half_efficient_where_it_is_done_soonest() -> None:
    overhead, tasks = Overhead(per_chunk=1e-3), 5040  # which many numbers divide
    half = workers_at_half(tasks * 0.1, overhead)
    assert half == pytest.approx(1004, abs=1)
    made = {
        workers: schedule(np.full(tasks, 0.1), in_turn(tasks, tasks // workers), workers, overhead)
        for workers in (105, 210, 504, 840, 1008, 1260, 1680)
    }
    for workers in (105, 210, 504, 840):
        by_hand = workers * 1e-3 / 2 + tasks * 0.1 / workers + 1e-3 / 2  # the last one waits, works, and is received
        assert made[workers].makespan == pytest.approx(by_hand)
        assert made[workers].efficiency == pytest.approx(1 / (1 + (workers / half) ** 2), rel=1e-3)
    assert min(made, key=lambda workers: made[workers].makespan) == 1008


@pytest.mark.parametrize(("workers", "each"), [(2, 100), (30, 10), (1000, 10), (100, 7)])
def test_in_the_toolkits_chunks_equal_bursts_end_together(workers: int, each: int) -> None:
    bursts = np.ones(workers * each)
    for overhead in (Overhead(), Overhead(worker_chunk=0.03), Overhead(worker_chunk=1.0)):
        made = schedule(bursts, chunks_for(bursts, workers, overhead), workers)
        assert made.makespan == each


def test_in_the_toolkits_chunks_unequal_bursts_end_sooner_than_in_turn() -> None:
    bursts = np.repeat(np.linspace(0.2, 1.8, 100), 10)  # a sweep that gets dearer
    cut = schedule(bursts, chunks_for(bursts, 100, Overhead()), 100)
    assert cut.efficiency > 0.95 > 0.9 > schedule(bursts, in_turn(1000, 2), 100).efficiency


def test_it_says_why_workers_wait() -> None:
    bursts, one_by_one = np.full(400, 0.02), in_turn(400)
    assert schedule(bursts, one_by_one, 200, Overhead(per_chunk=1e-3)).reason == "parent"
    assert schedule(bursts, one_by_one, 300).reason == "tail"  # two rounds, the second for a hundred
    assert schedule(bursts, one_by_one, 1000).reason == "few bursts"


def test_without_workers_or_bursts_there_is_no_schedule() -> None:
    with pytest.raises(ValueError, match="got 0 workers and 1 bursts"):
        schedule([1.0], [[0]], workers=0)
    with pytest.raises(ValueError, match="got 2 workers and 0 bursts"):
        schedule([], [], workers=2)
    with pytest.raises(ValueError, match="got 2 chunks that hold 3"):
        schedule([1.0, 1.0], [[0, 1], [0]], workers=2)
    with pytest.raises(ValueError, match="`latency` must not be negative: got -1"):
        Overhead(latency=-1.0)
