"""What one replica has to do: tasks and their outcomes."""

from __future__ import annotations

import signal
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass
from threading import current_thread, main_thread
from traceback import walk_tb
from typing import Any, NamedTuple

import numpy as np
from numpy.random import SeedSequence
from numpy.typing import NDArray

from eqfree.ensemble.keys import Key, generator, streams
from eqfree.ensemble.parcel import Parcel
from eqfree.ensemble.program import Program
from eqfree.fields import short

__all__ = ["AdvanceOutcome", "AdvanceTask", "BurstOutcome", "BurstTask", "LiftTask", "Task"]

Array = NDArray[np.float64]


class BurstOutcome(NamedTuple):
    """One replica's readings (time, ...) and what was observed between them (time - 1, ...)."""

    path: Array
    observed: Array | None


class AdvanceOutcome(NamedTuple):
    """One replica's packed population after the step, and its reading."""

    packed: Any
    reading: Array


@dataclass(frozen=True, eq=False)
class Task(ABC):
    """What one replica has to do; a pure function of the program and of what it holds."""

    start: Any  #: a macro state, or a packed population
    key: Key
    replica: int
    seed: int

    @abstractmethod
    def _run(self, program: Program) -> Any: ...

    @abstractmethod
    def _describe(self) -> str: ...

    @property
    @abstractmethod
    def macro(self) -> Array | None:
        """The macro state that it starts from, where it knows."""

    @property
    @abstractmethod
    def simulated(self) -> float:
        """How much of the model's time it simulates."""

    @property
    def streams(self) -> tuple[SeedSequence, SeedSequence]:
        """The seeds of this replica's lift and evolve."""
        return streams(self.seed, self.key, self.replica)

    def run(self, program: Program) -> Any:
        """Do it; an error passes through with a note that says how it is replayed."""
        with self.replayable():
            return self._run(program)

    @contextmanager
    def replayable(self) -> Iterator[None]:
        """Note on an error that passes through with which arguments it happened.

        What would end the thread, as ``sys.exit`` in a model, becomes an error: only a signal may end the program.
        """
        try:
            yield
        except Exception as error:
            self.note(error)
            raise
        except BaseException as end:
            if _is_of_a_signal(end):
                raise
            did = f"called sys.exit({end.code!r})" if isinstance(end, SystemExit) else f"raised {end!r}"
            told = RuntimeError(f"A burst must return or raise an error: the burst {did}. Raise an error there.")
            self.note(told)
            raise told from end

    def note(self, error: Exception) -> None:
        """Note on an error with which arguments it happened, if that is not noted yet."""
        if not hasattr(error, "eqfree_replay"):
            vars(error)["eqfree_replay"] = self
            error.add_note(
                f"This was replica {self.replica} with key={self.key}, seed={self.seed}, {self._describe()}; "
                "`stepper.replay(error)`, or a burst with these arguments, runs it again."
            )


@dataclass(frozen=True, eq=False)
class BurstTask(Task):
    """Lift a macro state, evolve it, and read it at some times."""

    times: Array

    @property
    def macro(self) -> Array:
        """The macro state that is lifted."""
        return np.asarray(self.start, dtype=np.float64)

    @property
    def simulated(self) -> float:
        """Until the last reading."""
        return float(self.times[-1])

    def _run(self, program: Program) -> BurstOutcome:
        model, observe = program.model, program.observe
        lift, evolve = map(generator, self.streams)
        path = np.empty((len(self.times), *self.start.shape))
        observed = []
        micro = model.lift(self.start.copy(), lift)
        if self.times[0] > 0:
            micro = model.evolve(micro, float(self.times[0]), evolve)
        path[0] = program.restrict(micro, self.start.shape)
        for index, duration in enumerate(np.diff(self.times).tolist(), start=1):
            before = deepcopy(micro) if observe else None
            micro = model.evolve(micro, duration, evolve)
            path[index] = program.restrict(micro, self.start.shape)
            if observe:
                observed.append(program.look(before, micro, duration))
        if len(shapes := {one.shape for one in observed}) > 1:
            raise ValueError(f"`observe` must return the same shape over every interval: got {sorted(shapes)}.")
        return BurstOutcome(path, np.array(observed) if observe else None)

    def _describe(self) -> str:
        return f"times={short(self.times)}, from the macro state {short(self.start)}"


@dataclass(frozen=True, eq=False)
class LiftTask(Task):
    """Lift a macro state to a packed population."""

    @property
    def macro(self) -> Array:
        """The macro state that is lifted."""
        return np.asarray(self.start, dtype=np.float64)

    @property
    def simulated(self) -> float:
        """Nothing."""
        return 0.0

    def _run(self, program: Program) -> Any:
        return program.pack(program.model.lift(self.start.copy(), generator(self.streams[0])))

    def _describe(self) -> str:
        return f"lifting the macro state {short(self.start)}"


@dataclass(frozen=True, eq=False)
class AdvanceTask(Task):
    """Evolve a packed population and read it."""

    duration: float

    @property
    def macro(self) -> None:
        """Not known: a population is what it starts from."""

    @property
    def simulated(self) -> float:
        """The duration."""
        return self.duration

    def _run(self, program: Program) -> AdvanceOutcome:
        micro = program.unpack(self.start.open() if isinstance(self.start, Parcel) else self.start)
        if self.duration > 0:
            micro = program.model.evolve(micro, self.duration, generator(self.streams[1]))
        return AdvanceOutcome(program.pack(micro), program.restrict(micro))

    def _describe(self) -> str:
        return f"duration={self.duration:g}, from a packed population"


def _is_of_a_signal(end: BaseException) -> bool:
    """Whether somebody asks the program to end: signals reach main threads, and their handlers raise."""
    if current_thread() is not main_thread():
        return False
    if isinstance(end, KeyboardInterrupt):
        return signal.getsignal(signal.SIGINT) is not signal.SIG_IGN
    handlers = [getattr(signal.getsignal(number), "__code__", None) for number in signal.valid_signals()]
    return not isinstance(end, SystemExit) or any(frame.f_code in handlers for frame, _ in walk_tb(end.__traceback__))
