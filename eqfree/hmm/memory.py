"""What a table has been answered so far, each node averaged over its answers."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Generic, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from eqfree.ensemble import Key, check_key
from eqfree.fields import short
from eqfree.hmm.closure import Closure, as_answer
from eqfree.results import Cost

__all__ = ["Memory"]

Array: TypeAlias = NDArray[np.float64]
Index = TypeVar("Index", int, tuple[int, ...])


class Memory(Generic[Index]):
    """Asks a closure at nodes that have a sortable index, and remembers: a node asked again is averaged.

    Nodes are asked in sorted order under the table's key and the number of the repeat, so that an answer depends on
    nothing that was asked beside it.

    Parameters
    ----------
    closure
        What is asked.
    key
        Which noise.
    place
        Indices -> inputs (node, n).

    Raises
    ------
    ValueError
        For a key that is none; when asked, for values or standard errors that are not finite.
    """

    def __init__(self, closure: Closure, key: Key, place: Callable[[Sequence[Index]], Array]) -> None:
        self._closure, self._key = closure, check_key(key)
        self._place: Callable[[Sequence[Index]], Array] = place
        self._nodes: dict[Index, _Node] = {}
        self.solved = 0  #: micro-solves so far

    def __contains__(self, index: Index) -> bool:
        return index in self._nodes

    def __len__(self) -> int:
        return len(self._nodes)

    def indices(self) -> list[Index]:
        """The nodes in order."""
        return sorted(self._nodes)

    def values(self, indices: Sequence[Index]) -> Array:
        """Means over the answers, (node, m)."""
        return np.array([self._nodes[index].mean for index in indices])

    def stderr(self, indices: Sequence[Index]) -> Array:
        """Standard errors of these means, (node, m)."""
        return np.array([self._nodes[index].stderr for index in indices])

    def ask(self, indices: Collection[Index]) -> Cost:
        """Micro-solve nodes; one that is there already gets new noise and is averaged. Nothing is kept on failure."""
        fresh, cost = self._answers(indices)
        for index, value, stderr in fresh:
            self._nodes.setdefault(index, _Node()).add(value, stderr)
        return cost

    def varies(self, index: Index) -> tuple[bool, Cost]:
        """Whether a node that is asked again is answered something else; if so the two are averaged."""
        fresh, cost = self._answers([index])
        _, value, stderr = fresh[0]
        node = self._nodes[index]
        if differs := bool((value != node.mean).any()):
            node.add(value, stderr)
        return differs, cost

    def _answers(self, indices: Collection[Index]) -> tuple[list[tuple[Index, Array, Array]], Cost]:
        cost, fresh = Cost(), []
        repeats = {index: self._nodes[index].repeats if index in self._nodes else 0 for index in sorted(indices)}
        for repeat in sorted(set(repeats.values())):
            group = [index for index, count in repeats.items() if count == repeat]
            answer = self._closure(self._place(group), key=(*self._key, repeat))
            answer = as_answer(answer, len(group))
            if not np.isfinite(answer.value).all():
                raise ValueError(f"A table needs a closure that is finite over its bounds: got {short(answer.value)}.")
            if not np.isfinite(answer.stderr).all():
                raise ValueError("A table needs the standard errors of its closure: got NaN. Use two replicas or more.")
            fresh += list(zip(group, answer.value, answer.stderr, strict=True))
            cost += answer.cost
        self.solved += len(repeats)
        return fresh, cost


class _Node:
    """The mean of a node's answers."""

    def __init__(self) -> None:
        self.repeats = 0
        self._sum: Array | float = 0.0
        self._variance: Array | float = 0.0

    def add(self, value: Array, stderr: Array) -> None:
        self.repeats += 1
        self._sum = self._sum + value
        self._variance = self._variance + stderr**2

    @property
    def mean(self) -> Array:
        return np.asarray(self._sum) / self.repeats

    @property
    def stderr(self) -> Array:
        return np.sqrt(self._variance) / self.repeats
