"""The tasks of the waist, asked through the journal of a run that can be interrupted."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from eqfree.burst import Reading
from eqfree.ensemble import AdvanceOutcome, Arrived, BurstOutcome, BurstTask, LiftTask, Task
from eqfree.journal import Arrays, answered, mark_of

__all__ = ["Told", "ask", "from_arrays", "to_arrays"]

T = TypeVar("T", bound=Task)

_ITS_OWN = ("start", "key", "replica")  # of a task, where the rest is that of its neighbours
_PACKED, _PLAIN = "packed/", "population"


def ask(
    tasks: Sequence[T], compute: Callable[[Sequence[T], Arrived], Iterator[Any]], *, packed: bool = False
) -> Iterator[Any]:
    """What tasks return, in their order: kept answers, or what ``compute`` yields for those that have none.

    It calls its second argument with the number of a task, among those that it was given, and its outcome. ``packed``
    is whether the model packs its populations.

    >>> from eqfree.ensemble import BurstTask
    >>> task = BurstTask(np.ones(1), (), 0, 0, np.array([1.0]))
    >>> list(ask([task], lambda tasks, arrived: (task.replica for task in tasks)))
    [0]
    """
    return answered(
        mark=lambda: _mark(tasks),
        count=len(tasks),
        compute=lambda numbers, arrived: compute([tasks[number] for number in numbers], arrived),
        encode=lambda outcome: to_arrays(outcome, packed=packed),
        decode=lambda number, arrays: from_arrays(tasks[number], arrays),
    )


def to_arrays(outcome: Any, *, packed: bool) -> Arrays | None:
    """What a task returned as named arrays; None if it holds a population that is not made of arrays.

    ``packed`` is whether the model packs its populations.

    >>> to_arrays(BurstOutcome(np.ones(2), None), packed=False)
    {'path': array([1., 1.])}
    """
    if isinstance(outcome, BurstOutcome):
        observed = {} if outcome.observed is None else {"observed": outcome.observed}
        return {"path": outcome.path, **observed}
    if isinstance(outcome, AdvanceOutcome):
        population = _population_to_arrays(outcome.packed, packed=packed)
        return None if population is None else {"reading": outcome.reading, **population}
    return _population_to_arrays(outcome, packed=packed)


def from_arrays(task: Task, arrays: Arrays) -> Any:
    """What the task returned."""
    if isinstance(task, BurstTask):
        return BurstOutcome(arrays["path"], arrays.get("observed"))
    population = _population_from_arrays(arrays)
    return population if isinstance(task, LiftTask) else AdvanceOutcome(population, arrays["reading"])


def _population_to_arrays(population: Any, *, packed: bool) -> Arrays | None:
    """Copies: the population belongs to whoever asked."""
    if packed:
        arrays = {f"{_PACKED}{name}": np.array(array, order="C") for name, array in population.items()}
    elif type(population) is np.ndarray:
        arrays = {_PLAIN: np.array(population, order="K")}
    else:
        return None
    plain = all(array.dtype.kind in "biufcUS" for array in arrays.values())
    return arrays if plain and all(array.flags.c_contiguous for array in arrays.values()) else None


def _population_from_arrays(arrays: Arrays) -> Any:
    if _PLAIN in arrays:
        return arrays[_PLAIN]
    return {name.removeprefix(_PACKED): array for name, array in arrays.items() if name.startswith(_PACKED)}


def _mark(tasks: Sequence[Task]) -> bytes:
    """Of all that tells tasks apart but the model; what neighbours share is taken once."""
    starts: list[Any] = []
    who: list[Any] = []
    start: Any = None
    key: Any = None
    for number, task in enumerate(tasks):
        if number == 0 or task.start is not start or task.key is not key:
            start, key = task.start, task.key
            starts.append(start)
            who.append((number, key))
        if task.replica != number - who[-1][0]:
            who.append((number, task.replica))
    rest = {name: value for name, value in vars(tasks[0]).items() if name not in _ITS_OWN} if tasks else {}
    arrays = [value for value in rest.values() if isinstance(value, np.ndarray)]
    plain = [(name, value) for name, value in rest.items() if not isinstance(value, np.ndarray)]
    told = [type(task).__name__ for task in tasks[:1]], len(tasks), who, plain
    return mark_of(repr(told).encode(), arrays, starts)


@dataclass(frozen=True, eq=False)
class Told:
    """How far a direct simulation has come: its populations, and the readings so far, of a growing list the first."""

    packed: tuple[Any, ...] = ()
    count: int = 0
    mean: list[NDArray[np.float64]] = field(default_factory=list)
    stderr: list[NDArray[np.float64]] = field(default_factory=list)

    def and_then(self, packed: tuple[Any, ...], reading: Reading) -> Told:
        """One reading further."""
        self.mean.append(reading.mean)
        self.stderr.append(reading.stderr)
        return Told(packed, self.count + 1, self.mean, self.stderr)

    def to_arrays(self, *, packed: bool) -> Arrays | None:
        """Named arrays; None if the populations are not made of arrays.

        >>> Told(({"x": np.zeros(2)},)).to_arrays(packed=True)["0/packed/x"]
        array([0., 0.])
        """
        arrays = {"mean": np.array(self.mean[: self.count]), "stderr": np.array(self.stderr[: self.count])}
        for replica, one in enumerate(self.packed):
            named = _population_to_arrays(one, packed=packed)
            if named is None:
                return None
            arrays |= {f"{replica}/{name}": array for name, array in named.items()}
        return arrays

    @classmethod
    def from_arrays(cls, arrays: Arrays) -> Told:
        """What `to_arrays` was asked of."""
        populations: dict[int, dict[str, NDArray[Any]]] = {}
        for name, array in arrays.items():
            replica, found, rest = name.partition("/")
            if found:
                populations.setdefault(int(replica), {})[rest] = array
        packed = tuple(_population_from_arrays(populations[replica]) for replica in sorted(populations))
        return cls(packed, len(arrays["mean"]), list(arrays["mean"]), list(arrays["stderr"]))
