from __future__ import annotations

import os
import signal
import sys
import traceback
from collections.abc import Callable
from concurrent.futures import Executor
from threading import Lock
from typing import Any

import numpy as np
import pytest
from numpy.random import PCG64, Generator, SeedSequence
from numpy.typing import NDArray

import eqfree as ef
from eqfree.ensemble import ExecutorLike, Key, NotFiniteError, Pool
from tests.eqfree.models import BatchedOrnsteinUhlenbeck, OrnsteinUhlenbeck

Array = NDArray[np.float64]


def draw(seed: int, spawn_key: tuple[int, ...]) -> float:
    return float(Generator(PCG64(SeedSequence(seed, spawn_key=spawn_key))).random())


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
    executor: ExecutorLike = {"this thread": None, "threads": 2, "processes": processes}[place]
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
    executor: ExecutorLike = {"this thread": None, "threads": 2, "processes": processes}[place]
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
    executor: ExecutorLike = {"this thread": None, "threads": 2, "processes": processes}[place]
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


# What ends a thread or a process, and what cannot travel


def leaver(end: Callable[[], Any], where: str = "evolve") -> ef.MicroModel:
    """A model one of whose functions ends what it runs in."""
    do = {name: end if name == where else lambda: None for name in ("evolve", "warm")}
    members: dict[str, Any] = {"warm": do["warm"]} if where == "warm" else {}
    return ef.micro_model(lambda u, rng: u, lambda u, t, rng: (do["evolve"](), u)[1], lambda u: u, **members)


@pytest.mark.parametrize("place", ["this thread", "threads", "processes"])
def test_a_model_that_exits_is_an_error_with_how_to_replay_it(place: str, processes: Executor) -> None:
    executor: ExecutorLike = {"this thread": None, "threads": 2, "processes": processes}[place]
    stepper = ef.CoarseTimeStepper(leaver(lambda: sys.exit(3)), replicas=3, executor=executor)
    with pytest.raises(RuntimeError, match=r"the burst called sys\.exit\(3\)") as caught:
        stepper([1.0], 1.0, (4,))
    assert "replica 0 with key=(4,)" in caught.value.__notes__[0]
    assert "SystemExit: 3" in "".join(traceback.format_exception(caught.value))
    with pytest.raises(RuntimeError, match=r"sys\.exit\(3\)"):
        stepper.replay(caught.value)


def interrupt() -> None:
    raise KeyboardInterrupt


@pytest.mark.parametrize("place", ["threads", "processes that leave signals to their parent"])
def test_an_interrupt_that_no_signal_can_have_raised_is_an_error(place: str) -> None:
    executor = 2 if place == "threads" else Pool(2)
    with pytest.raises(RuntimeError, match=r"the burst raised KeyboardInterrupt\(\)") as caught:
        ef.CoarseTimeStepper(leaver(interrupt), replicas=2, executor=executor)([1.0], 1.0)
    assert "replica 0" in caught.value.__notes__[0]


def test_an_interrupt_in_this_thread_is_that_of_the_user() -> None:
    with pytest.raises(KeyboardInterrupt):
        ef.CoarseTimeStepper(leaver(interrupt), replicas=2)([1.0], 1.0)


def test_a_signal_whose_handler_exits_ends_the_program_also_while_a_burst_runs() -> None:
    former = signal.signal(signal.SIGTERM, lambda *_: sys.exit(7))
    try:
        with pytest.raises(SystemExit) as caught:
            ef.CoarseTimeStepper(leaver(lambda: signal.raise_signal(signal.SIGTERM)), replicas=2)([1.0], 1.0)
    finally:
        signal.signal(signal.SIGTERM, former)
    assert caught.value.code == 7


def test_a_model_that_exits_while_it_warms_up_in_a_worker_is_an_error(processes: Executor) -> None:
    here = os.getpid()
    model = leaver(lambda: os.getpid() == here or sys.exit(3), "warm")
    with pytest.raises(RuntimeError, match=r"`warm` must return: it called sys\.exit\(3\)"):
        ef.CoarseTimeStepper(model, replicas=2, executor=processes)([1.0], 1.0)


class Locked(OrnsteinUhlenbeck):
    """A model with a connection, say, that cannot be pickled."""

    def __init__(self) -> None:
        super().__init__()
        self.__dict__["connection"] = Lock()


def test_a_model_that_cannot_be_pickled_is_refused_with_what_is_in_the_way(processes: Executor) -> None:
    words = r"got a model Locked, and cannot pickle '_thread\.lock' object \(its `connection`\)\. Make that in `lift`"
    with pytest.raises(ValueError, match=words):
        ef.CoarseTimeStepper(Locked(), replicas=2, executor=processes)([1.0], 1.0)
    assert ef.CoarseTimeStepper(Locked(), replicas=2, executor=2)([1.0], 1.0).shape == (1,)


def test_an_observe_that_cannot_be_pickled_is_refused(processes: Executor) -> None:
    lock = Lock()
    stepper = ef.CoarseTimeStepper(OrnsteinUhlenbeck(), replicas=2, executor=processes)
    with pytest.raises(ValueError, match=r"got `observe`, and cannot pickle '_thread\.lock' object"):
        stepper.burst([1.0], [0.0, 1.0], observe=lambda *_: [float(lock.locked())])


class Crowd:
    """A population of a class that other processes cannot import; with a lock from its second replica on."""

    def __init__(self, value: Array, lock: bool) -> None:
        self.value = value
        if lock:
            self.lock = Lock()


def crowds(locked: Callable[[float], bool]) -> ef.MicroModel:
    """A model whose populations are `Crowd`; those whose first number is such have a lock."""

    def evolve(micro: Crowd, duration: float, rng: Generator) -> Crowd:
        micro.value = micro.value + rng.normal(size=1)
        return micro

    return ef.micro_model(lambda u, rng: Crowd(u, locked(rng.random())), evolve, lambda micro: micro.value)


def test_a_population_that_cannot_be_pickled_is_told_with_its_model_and_how_to_replay_it(processes: Executor) -> None:
    stepper = ef.CoarseTimeStepper(crowds(lambda number: number > 0.8), replicas=50, executor=processes)
    assert stepper([1.0], 1.0, (6,)).shape == (1,)  # a burst keeps its populations where they are
    words = (
        r"got a Crowd from the model _FunctionModel, and cannot pickle '_thread\.lock' object \(its `lock`\)\. "
        "Give the model `pack` and `unpack`"
    )
    with pytest.raises(ValueError, match=words) as caught:
        stepper.lift([1.0], (6,))
    assert f"replica {first_above(0.8, 0, (6,))} with key=(6,)" in caught.value.__notes__[0]
    assert isinstance(stepper.replay(caught.value), Crowd)


def test_a_population_that_cannot_be_pickled_does_not_leave_this_process(processes: Executor) -> None:
    model = crowds(lambda number: number > 0.8)
    populations = ef.CoarseTimeStepper(model, replicas=50).lift([1.0], (6,))
    with pytest.raises(ValueError, match=r"its `lock`") as caught:
        ef.CoarseTimeStepper(model, replicas=50, executor=processes).advance(populations, 1.0, (6,))
    assert f"replica {first_above(0.8, 0, (6,))} with key=(6,)" in caught.value.__notes__[0]


def test_populations_of_a_class_that_no_other_process_can_import_travel(processes: Executor) -> None:
    class Local(Crowd):
        """As those of a script or a notebook."""

    model = ef.micro_model(
        lambda u, rng: Local(u, lock=False),
        lambda micro, duration, rng: Local(micro.value + rng.normal(size=1), lock=False),
        lambda micro: micro.value,
    )
    there, here = (ef.CoarseTimeStepper(model, replicas=3, executor=place) for place in (processes, None))
    populations, reading = there.advance(there.lift([1.0]), 1.0)
    assert reading.mean.tobytes() == here.advance(here.lift([1.0]), 1.0)[1].mean.tobytes()
    assert all(type(one) is Local for one in populations)
