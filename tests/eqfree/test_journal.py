"""A run that is interrupted goes on to the same bits, whatever drives it."""

from __future__ import annotations

import asyncio
import errno
import os
import pickle
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import nullcontext
from dataclasses import fields, is_dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from numpy.random import Generator
from numpy.typing import NDArray

import eqfree as ef
from eqfree.continuation import PseudoArclength
from eqfree.hmm import Closure, Tabulated
from eqfree.journal import Journal, checkpoints, clock
from eqfree.journal import journal as journals
from eqfree.journal import segments as tables
from tests.eqfree.models import BatchedOrnsteinUhlenbeck, OrnsteinUhlenbeck
from tests.eqfree.test_checkpoint import Trap

Array = NDArray[np.float64]


class Interruption(BaseException):
    """Comes from outside: no driver catches it."""


class Noisy:
    """dx = (parameter + x - x³) dt + noise, in Euler steps, which counts its bursts and can be interrupted in them."""

    time_step = 0.05
    left = 10**9
    bursts = 0

    def __init__(self, parameter: float = 0.1) -> None:
        self.parameter = parameter

    def lift(self, macro: Array, rng: Generator) -> Array:
        return macro + 0.01 * rng.standard_normal(macro.shape)

    def evolve(self, micro: Array, duration: float, rng: Generator) -> Array:
        if Noisy.left <= 0:
            raise Interruption
        Noisy.left -= 1
        Noisy.bursts += 1
        for _ in range(round(duration / self.time_step)):
            drift = self.parameter + micro - micro**3
            micro = micro + self.time_step * drift + 0.05 * rng.standard_normal(micro.shape)
        return micro

    def restrict(self, micro: Array) -> Array:
        return micro

    def pack(self, micro: Array) -> dict[str, Array]:
        return {"x": micro}

    def unpack(self, packed: Mapping[str, Array]) -> Array:
        return packed["x"]


def stepper_of(parameter: float) -> ef.CoarseTimeStepper:
    return ef.CoarseTimeStepper(Noisy(parameter), replicas=8, seed=3)


STEPPER = stepper_of(0.1)
START = [0.8, 0.9]


def project() -> Any:
    return ef.solve_projective(STEPPER, (0, 2), START, ef.projective.Heun(0.4, 0.1))


def project_adaptively() -> Any:
    method = ef.projective.Adaptive(tolerance=0.3, method=ef.projective.Embedded32(0.4, 0.1))
    return ef.solve_projective(STEPPER, (0, 2), START, method)


def simulate() -> Any:
    return STEPPER.simulate(START, np.linspace(0, 4, 41), (2,))


def solve() -> Any:
    return ef.find_fixed_point(STEPPER, START, duration=0.5)


def follow() -> Any:
    method = PseudoArclength(duration=0.5, span=(0.0, 0.2))
    return ef.continue_branch(stepper_of, [1.0], 0.1, method, events=None)


def tabulate() -> Any:
    """A table that grows as a macroscopic solver asks, whose state it is; and what it has cost."""
    closure = Closure.from_stepper(
        STEPPER,
        lambda inputs: inputs,
        lambda before, after, duration: after - before,
        0.1,
        0.3,
    )
    table = Tabulated(closure, (-1.0, 1.0), rtol=0.3, max_solves=20)
    state = np.array([0.3, -0.2])
    for _ in range(5):
        state = state + 0.2 * table(state[:, np.newaxis]).value[:, 0]
    return state, table.cost, table.solved


DRIVERS = [project, project_adaptively, simulate, solve, follow, tabulate]


def leaves(result: Any) -> Iterator[Any]:
    """All the numbers in a result but seconds of the clock."""
    if is_dataclass(result):
        for one in fields(result):
            if one.name != "wall":
                yield from leaves(getattr(result, one.name))
    elif isinstance(result, (list, tuple)):
        for item in result:
            yield from leaves(item)
    elif isinstance(result, np.ndarray):
        yield result.tobytes()
    elif isinstance(result, (int, float, str)):
        yield repr(result)


@pytest.fixture(autouse=True)
def keep_all_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """These bursts would be made again sooner than they are read, and saves follow at once on each other: no disk."""
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)
    monkeypatch.setattr(tables, "_SHORTEST", 0.0)
    monkeypatch.setattr(tables, "_BYTES_PER_SECOND", float("inf"))
    monkeypatch.setattr(journals, "_PATIENCE", 0.0)
    monkeypatch.setattr(Noisy, "left", 10**9)
    monkeypatch.setattr(Noisy, "bursts", 0)


def run_in(folder: Path, run: Callable[[], Any], interval: float = 1e-9, **settings: Any) -> Any:
    with checkpoints(folder, settings, interval=interval):
        return run()


def disturbed(run: Callable[[], Any], folder: Path, every: int, interval: float = 1e-9) -> tuple[Any, int]:
    """The result of a run that is interrupted after so many bursts, again and again; and how often it began."""
    for attempt in range(1, 200):
        Noisy.left = every
        try:
            return run_in(folder, run, interval), attempt
        except Interruption:
            assert Journal.has_answers(folder)
    raise AssertionError("the run does not get on")


def then_interrupted(run: Callable[[], Any]) -> Callable[[], Any]:
    def interrupted() -> None:
        run()
        raise Interruption

    return interrupted


@pytest.mark.slow
@pytest.mark.parametrize("driver", DRIVERS, ids=lambda driver: driver.__name__)
def test_an_interrupted_driver_goes_on_to_the_same_bits_and_costs(driver: Callable[[], Any], tmp_path: Path) -> None:
    expected = list(leaves(driver()))
    undisturbed, Noisy.bursts = Noisy.bursts, 0
    every = max(undisturbed // 3, 9)
    result, attempts = disturbed(driver, tmp_path / "run", every)
    assert list(leaves(result)) == expected
    assert attempts > 2
    assert undisturbed <= Noisy.bursts <= undisturbed + 8 * attempts  # the replicas of a call that was cut off
    assert not (tmp_path / "run").exists()


@pytest.mark.slow
@pytest.mark.parametrize("every", [9, 20])
@pytest.mark.parametrize("driver", [project, simulate], ids=lambda driver: driver.__name__)
def test_it_does_not_matter_where_it_is_interrupted(driver: Callable[[], Any], every: int, tmp_path: Path) -> None:
    expected = list(leaves(driver()))
    assert list(leaves(disturbed(driver, tmp_path / "run", every)[0])) == expected


def test_what_was_not_saved_yet_is_saved_when_the_run_is_interrupted(tmp_path: Path) -> None:
    expected = list(leaves(project()))
    assert list(leaves(disturbed(project, tmp_path / "run", 25, interval=1e9)[0])) == expected


@pytest.mark.parametrize("executor", [None, 2])
def test_a_journal_serves_any_executor(executor: int | None, tmp_path: Path) -> None:
    def burst() -> Any:
        stepper = ef.CoarseTimeStepper(BatchedOrnsteinUhlenbeck(), replicas=5, executor=executor)
        first = stepper.burst([1.0], [0.5, 1.0], samples=True)
        if not (tmp_path / "again").exists():
            (tmp_path / "again").touch()
            raise Interruption
        return first.samples, stepper([2.0], 0.5)

    plain = ef.CoarseTimeStepper(OrnsteinUhlenbeck(), replicas=5)
    with pytest.raises(Interruption):
        run_in(tmp_path / "run", burst)
    samples, mean = run_in(tmp_path / "run", burst)
    expected = plain.burst([1.0], [0.5, 1.0], samples=True).samples
    assert expected is not None
    assert np.array_equal(samples, expected)
    assert np.array_equal(mean, plain([2.0], 0.5))


def advanced(lift: Any, evolve: Any, **more: Any) -> Callable[[], Iterator[Any]]:
    """A run that advances populations of a model, pauses on the way, and simulates in the end."""

    def run() -> Iterator[Any]:
        stepper = ef.CoarseTimeStepper(ef.micro_model(lift, evolve, **more), replicas=2)
        packed = stepper.lift(START)
        readings = []
        for number in range(4):
            packed, reading = stepper.advance(packed, 1.0, (number,))
            readings.append(reading.mean)
            if len(readings) == 2:
                yield None
        yield readings, stepper.simulate(START, [1.0, 2.0]).macro

    return run


def both(run: Callable[[], Iterator[Any]], folder: Path) -> tuple[Any, Any]:
    """What a run tells undisturbed, and if it is interrupted at its first yield and resumed."""
    *_, whole = run()

    def part() -> None:
        next(run())
        raise Interruption

    with pytest.raises(Interruption):
        run_in(folder, part)
    return whole, run_in(folder, lambda: list(run())[-1])


@pytest.mark.parametrize("dtype", [">f8", "<f4", "<i8", "<U3"])
def test_packed_arrays_come_back_as_they_were(dtype: str, tmp_path: Path) -> None:
    run = advanced(
        lambda macro, rng: np.arange(6).reshape(2, 3).astype(dtype),
        lambda micro, duration, rng: micro,
        restrict=lambda micro: micro.astype(float).ravel()[:2],
        pack=lambda micro: {"x": np.asfortranarray(micro), "y": micro[:, 0]},
        unpack=lambda packed: packed["x"],
    )
    whole, resumed = both(run, tmp_path / "run")
    assert list(leaves(resumed)) == list(leaves(whole))


@pytest.mark.parametrize("order", ["C", "F"])
def test_the_order_in_memory_does_not_change_the_bits(order: Any, tmp_path: Path) -> None:
    run = advanced(
        lambda macro, rng: np.array(rng.normal(size=(300, 3)), order=order),
        lambda micro, duration, rng: micro * 1.1,
        restrict=lambda micro: np.array([micro.sum(), micro.mean()]),
        pack=lambda micro: {"x": micro},
        unpack=lambda packed: packed["x"],
    )
    whole, resumed = both(run, tmp_path / "run")
    assert list(leaves(resumed)) == list(leaves(whole))


def test_a_population_that_is_an_array_is_kept_without_being_packed(tmp_path: Path) -> None:
    def run() -> Any:
        return ef.CoarseTimeStepper(model, replicas=8).simulate(START, np.linspace(0.5, 4, 8))

    model = ef.micro_model(Noisy().lift, Noisy().evolve, Noisy().restrict, time_step=0.05)
    expected, undisturbed = list(leaves(run())), Noisy.bursts
    Noisy.bursts = 0
    result, attempts = disturbed(run, tmp_path / "run", 30)
    assert list(leaves(result)) == expected
    assert Noisy.bursts <= undisturbed + 8 * attempts


def test_a_population_that_only_looks_packed_is_made_again(tmp_path: Path) -> None:
    run = advanced(
        lambda macro, rng: {"x": [float(macro[0]), 2.0], 3: "three"},
        lambda micro, duration, rng: {"x": micro["x"] * 2, 3: micro[3]},
        restrict=lambda micro: np.array([sum(micro["x"]), len(micro["x"])]),
    )
    whole, resumed = both(run, tmp_path / "run")
    assert list(leaves(resumed)) == list(leaves(whole))


@pytest.mark.parametrize("kind", ["datetime64[s]", "object"])
def test_what_cannot_be_kept_is_no_error(kind: str, tmp_path: Path) -> None:
    run = advanced(
        lambda macro, rng: np.zeros(2, dtype=kind),
        lambda micro, duration, rng: micro,
        restrict=lambda micro: np.ones(2),
        pack=lambda micro: {"when": micro},
        unpack=lambda packed: packed["when"],
    )
    whole, resumed = both(run, tmp_path / "run")
    assert list(leaves(resumed)) == list(leaves(whole))


def test_threads_that_inherit_the_context_are_not_recorded(tmp_path: Path) -> None:
    """Which of them comes first is chance, and their questions may look alike."""

    async def race() -> Any:
        return await asyncio.gather(*(asyncio.to_thread(stepper_of(one), START, 0.5) for one in (0.1, 5.0)))

    expected = [stepper_of(one)(START, 0.5) for one in (0.1, 5.0)]
    for _ in range(2):
        with pytest.raises(Interruption):
            run_in(tmp_path / "run", then_interrupted(lambda: list(leaves(asyncio.run(race())))))
        assert not Journal.has_answers(tmp_path / "run")
    assert list(leaves(run_in(tmp_path / "run", lambda: asyncio.run(race())))) == list(leaves(expected))


def test_the_seconds_of_an_interrupted_run_count(tmp_path: Path) -> None:
    with pytest.raises(Interruption):
        run_in(tmp_path / "run", then_interrupted(lambda: STEPPER(START, 2.0)))
    segment = next((tmp_path / "run").glob("0*.npz"))
    seconds = tables.read_segment(segment)[0]["seconds"].sum()
    with checkpoints(tmp_path / "run"):
        began = clock()
        STEPPER(START, 2.0)
        assert clock() - began >= seconds > 0


def test_what_is_made_again_as_soon_as_it_is_read_is_not_kept(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.undo()  # as it is shipped
    monkeypatch.setattr(Noisy, "left", 10**9)
    with pytest.raises(Interruption):
        run_in(tmp_path / "run", then_interrupted(lambda: STEPPER(START, 0.0)))
    assert not (tmp_path / "run").exists()
    with pytest.raises(Interruption):
        run_in(tmp_path / "run", then_interrupted(lambda: STEPPER(START, 50.0)))
    assert Journal.has_answers(tmp_path / "run")


def test_what_waits_to_be_saved_is_bounded(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(journals, "_FULL", 1000)
    monkeypatch.setattr(journals, "_PATIENCE", 1e9)
    expected = list(leaves(project()))
    assert list(leaves(disturbed(project, tmp_path / "run", 25, interval=1e9)[0])) == expected


# What is refused


def ask() -> Any:
    return [STEPPER(START, time, (number,)) for number, time in enumerate((0.5, 1.0))]


def interrupt(folder: Path, **settings: Any) -> None:
    with pytest.raises(Interruption):
        run_in(folder, then_interrupted(ask), **settings)


def test_a_program_that_asks_otherwise_is_refused_and_nothing_is_lost_by_it(tmp_path: Path) -> None:
    interrupt(tmp_path / "run")
    with pytest.raises(ValueError, match=r"asked otherwise than this one does: the program .* has changed"):
        run_in(tmp_path / "run", lambda: STEPPER(START, 0.55))
    bursts = Noisy.bursts
    run_in(tmp_path / "run", ask)
    assert Noisy.bursts == bursts


def test_other_settings_are_refused(tmp_path: Path) -> None:
    interrupt(tmp_path / "run", density=1.0, drivers=(1, 2))
    with pytest.raises(ValueError, match=r"`settings` must be those of the run that '.*run' keeps: got .*2\.0"):
        run_in(tmp_path / "run", ask, density=2.0)
    run_in(tmp_path / "run", ask, density=1.0, drivers=(1, 2))


def test_another_version_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    interrupt(tmp_path / "run")
    monkeypatch.setattr(journals, "version", lambda name: "99.1")
    with pytest.raises(ValueError, match=r"was begun with .*: this is .*eqfree 99\.1.* Install those again, or begin"):
        run_in(tmp_path / "run", ask)


@pytest.mark.parametrize("interval", [0.0, -1.0, float("nan"), float("inf")])
def test_an_interval_must_be_a_time(interval: float, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="`interval` must be a time in seconds, more than 0 and finite"):
        run_in(tmp_path / "run", ask, interval)


def test_two_runs_do_not_share_a_folder(tmp_path: Path) -> None:
    interrupt(tmp_path / "run")
    with checkpoints(tmp_path / "run"), pytest.raises(ValueError, match=r"another process is at work in '.*run'"):
        run_in(tmp_path / "run", ask)


def test_a_program_that_has_changed_is_warned_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = tmp_path / "my_model.py"
    source.write_text("rate = 1.0\n")
    module = ModuleType("my_model")
    module.__file__ = str(source)
    monkeypatch.setitem(sys.modules, "my_model", module)
    interrupt(tmp_path / "run")
    source.write_text("rate = 5.0\n")
    with pytest.warns(UserWarning, match=r"my_model\.py' has changed since the run in '.*run' was begun"):
        run_in(tmp_path / "run", ask)


@pytest.mark.parametrize("settings", [{"law": print}, {"speed": float}])
def test_settings_that_are_no_json_are_refused(settings: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="`settings` must be JSON values: got"):
        run_in(tmp_path / "run", ask, **settings)


# What goes wrong


def test_a_damaged_state_is_told_and_computed_again(tmp_path: Path) -> None:
    expected = list(leaves(simulate()))
    Noisy.left = 100
    with pytest.raises(Interruption):
        run_in(tmp_path / "run", simulate)
    (state,) = (tmp_path / "run").glob("state-*.npz")
    state.write_bytes(state.read_bytes()[:-40])
    Noisy.left = 10**9
    with pytest.warns(UserWarning, match=r"state-0\.npz' is damaged: what it kept is computed again"):
        assert list(leaves(run_in(tmp_path / "run", simulate))) == expected


@pytest.mark.slow
@pytest.mark.parametrize("damage", ["cut", "altered", "gone"])
def test_a_damaged_segment_is_computed_again(damage: str, tmp_path: Path) -> None:
    expected = list(leaves(project()))
    Noisy.left = 30
    with pytest.raises(Interruption):
        run_in(tmp_path / "run", project)
    segment = sorted((tmp_path / "run").glob("0*.npz"))[1]
    content = segment.read_bytes()
    if damage == "gone":
        segment.unlink()
    else:
        place = content.index(b"NUMPY") + 40
        segment.write_bytes(content[:place] + (b"" if damage == "cut" else b"\x07" + content[place + 1 :]))
    Noisy.left = 10**9
    with nullcontext() if damage == "gone" else pytest.warns(UserWarning, match=r"00000002\.npz.* is damaged"):
        assert list(leaves(run_in(tmp_path / "run", project))) == expected


def test_a_full_disk_ends_the_run_and_leaves_the_last_save(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = list(leaves(project()))
    undisturbed, Noisy.bursts = Noisy.bursts, 0
    sync, synced = os.fsync, []

    def fill(descriptor: int) -> None:
        synced.append(descriptor)
        if len(synced) > 9:
            raise OSError(errno.ENOSPC, "No space left on device")
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", fill)
    with pytest.raises(OSError, match=r"cannot be written: No space left on device\. What was saved before is good"):
        run_in(tmp_path / "run", project)
    monkeypatch.setattr(os, "fsync", sync)
    names = {path.name for path in (tmp_path / "run").iterdir()}
    assert "00000001.npz" in names
    assert not any(name.startswith(".") for name in names)
    Noisy.bursts = 0
    assert list(leaves(run_in(tmp_path / "run", project))) == expected
    assert Noisy.bursts < undisturbed


def test_the_first_file_executes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    interrupt(tmp_path / "run")
    (tmp_path / "run" / "about.npz").write_bytes(pickle.dumps(Trap()))
    with pytest.raises(ValueError, match="A checkpoint must be a file that eqfree wrote"):
        run_in(tmp_path / "run", ask)
    assert not Path("executed").exists()


def test_what_is_not_the_journals_stays(tmp_path: Path) -> None:
    mine = ["00000001.npz", "2024_measured.npz", "state-of-the-art.npz", "thesis.tex"]
    for name in mine:
        (tmp_path / name).write_text("mine")
    run_in(tmp_path, lambda: None)
    assert sorted(path.name for path in tmp_path.iterdir()) == mine
    (tmp_path / "00000001.npz").unlink()
    interrupt(tmp_path)
    run_in(tmp_path, ask)
    assert sorted(path.name for path in tmp_path.iterdir()) == mine[1:]
