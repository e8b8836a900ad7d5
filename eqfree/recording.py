"""The tasks of the waist, asked through the journal of a run that can be interrupted."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from eqfree.burst import Reading
from eqfree.ensemble import AdvanceOutcome, Arrived, BurstOutcome, BurstTask, LiftTask, Task
from eqfree.journal import Arrays, answered, mark_of

__all__ = ["Told", "ask", "from_arrays", "to_arrays"]

T = TypeVar("T", bound=Task)

_PACKED = "packed/"


def ask(tasks: Sequence[T], compute: Callable[[Sequence[T], Arrived], Iterator[Any]]) -> Iterator[Any]:
    """What tasks return, in their order: kept answers, or what ``compute`` yields for those that have none.

    It calls its second argument with the number of a task, among those that it was given, and its outcome.

    >>> from eqfree.ensemble import BurstTask
    >>> task = BurstTask(np.ones(1), (), 0, 0, np.array([1.0]))
    >>> list(ask([task], lambda tasks, arrived: (task.replica for task in tasks)))
    [0]
    """
    return answered(
        mark=lambda: _mark(tasks),
        count=len(tasks),
        compute=lambda numbers, arrived: compute([tasks[number] for number in numbers], arrived),
        encode=to_arrays,
        decode=lambda number, arrays: from_arrays(tasks[number], arrays),
    )


def to_arrays(outcome: Any) -> Arrays | None:
    """What a task returned as named arrays; None if it holds a population that is not made of arrays.

    >>> to_arrays(BurstOutcome(np.ones(2), None))
    {'path': array([1., 1.])}
    """
    if isinstance(outcome, BurstOutcome):
        observed = {} if outcome.observed is None else {"observed": outcome.observed}
        return {"path": outcome.path, **observed}
    if isinstance(outcome, AdvanceOutcome):
        packed = _packed_to_arrays(outcome.packed)
        return None if packed is None else {"reading": outcome.reading, **packed}
    return _packed_to_arrays(outcome)


def from_arrays(task: Task, arrays: Arrays) -> Any:
    """What the task returned."""
    if isinstance(task, BurstTask):
        return BurstOutcome(arrays["path"], arrays.get("observed"))
    packed = {name.removeprefix(_PACKED): array for name, array in arrays.items() if name.startswith(_PACKED)}
    return packed if isinstance(task, LiftTask) else AdvanceOutcome(packed, arrays["reading"])


def _packed_to_arrays(packed: Any) -> Arrays | None:
    if not isinstance(packed, Mapping):
        return None
    arrays = {f"{_PACKED}{name}": np.asarray(array) for name, array in packed.items()}
    return arrays if all(array.dtype.kind in "biufcUS" for array in arrays.values()) else None


def _mark(tasks: Sequence[Task]) -> bytes:
    """Of all that tells tasks apart but the model; what neighbours share is taken once."""
    starts: list[Any] = []
    who = []
    for task in tasks:
        if not starts or task.start is not starts[-1]:
            starts.append(task.start)
        who.append((task.key, task.replica, len(starts)))
    rest = vars(tasks[0]) if tasks else {}
    shared = {name: value for name, value in rest.items() if name not in ("start", "key", "replica")}
    return mark_of([type(task).__name__ for task in tasks[:1]], shared, repr(who).encode(), starts)


@dataclass(frozen=True, eq=False)
class Told:
    """How far a direct simulation has come: its populations, and the readings so far (time, ...)."""

    packed: tuple[Any, ...] = ()
    mean: tuple[NDArray[np.float64], ...] = ()
    stderr: tuple[NDArray[np.float64], ...] = ()

    def and_then(self, packed: tuple[Any, ...], reading: Reading) -> Told:
        """One reading further."""
        return Told(packed, (*self.mean, reading.mean), (*self.stderr, reading.stderr))

    def to_arrays(self) -> Arrays | None:
        """Named arrays; None if the populations are not made of arrays.

        >>> Told(({"x": np.zeros(2)},), (np.ones(1),), (np.zeros(1),)).to_arrays()["0/packed/x"]
        array([0., 0.])
        """
        arrays = {"mean": np.array(self.mean), "stderr": np.array(self.stderr)}
        for replica, one in enumerate(self.packed):
            named = _packed_to_arrays(one)
            if named is None:
                return None
            arrays |= {f"{replica}/{name}": array for name, array in named.items()}
        return arrays

    @classmethod
    def from_arrays(cls, arrays: Arrays) -> Told:
        """What `to_arrays` was asked of."""
        packed: dict[int, dict[str, NDArray[Any]]] = {}
        for name, array in arrays.items():
            replica, found, rest = name.partition(f"/{_PACKED}")
            if found:
                packed.setdefault(int(replica), {})[rest] = array
        return cls(tuple(packed[replica] for replica in sorted(packed)), tuple(arrays["mean"]), tuple(arrays["stderr"]))
