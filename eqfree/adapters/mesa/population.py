"""A Mesa model in the middle of a burst: how it came about, and the model itself while it is at work."""

from __future__ import annotations

import copyreg
import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from itertools import count
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from eqfree.adapters.mesa.state import Built

if TYPE_CHECKING:
    from mesa import Model

__all__ = ["AtWork", "Maker", "MesaPopulation", "take_number"]

Array: TypeAlias = NDArray[np.float64]


class AtWork:
    """A model that a burst holds, and the number that its next agent gets.

    When nobody holds it any more, a reused model goes back to where it may be lifted again, and any other goes.
    """

    def __init__(self, model: Model, next_id: int, home: list[Built] | None = None, built: Built | None = None) -> None:
        self.model, self.next_id, self._home, self._built = model, next_id, home, built

    @contextmanager
    def numbered(self) -> Iterator[None]:
        """Agents may be born; a model that fails meanwhile is not lifted again: its state is unknown."""
        from mesa import Agent

        table = getattr(Agent, "_ids", None)
        if table is not None:
            table[self.model] = count(self.next_id)
        try:
            yield
        except BaseException:
            self.abandon()
            raise
        finally:
            self.next_id = take_number(self.model)

    def abandon(self) -> None:
        """Not to be lifted again."""
        self._home = None

    def __del__(self) -> None:
        if self._home is not None and self._built is not None:
            self._home.append(self._built)
            return
        _forget_cells(self.model)
        self.__dict__.clear()
        gc.collect(1)  # agents and models hold each other: found while they are young, they cost next to nothing


class Maker(Protocol):
    """What makes models: lifted, and evolved."""

    def set_out(self, macro: Array, rng: Generator) -> AtWork:
        """A model of the macro state."""
        ...

    def go_on(self, work: AtWork, duration: float, rng: Generator) -> None:
        """Step it in place."""
        ...


class MesaPopulation:
    """A Mesa model in the middle of a burst, as ``observe`` and `eqfree.CoarseTimeStepper.advance` see it: ``model``.

    It is told by how it came about, the macro state and the random streams of its lift and of what followed. A copy
    takes no more than that, and makes the model again by the same steps where two are wanted; Mesa's own copies of
    its grids are none, as agents stand in other cells than the grid holds. So any model can be copied and sent to
    another process, whatever its agents hold. ``observe`` should read ``before.model`` only if it needs it.
    """

    def __init__(self, maker: Maker | None, macro: Array, stream: Generator) -> None:
        self.maker = maker
        self._macro, self._stream = macro.copy(), deepcopy(stream)
        self._past: tuple[tuple[float, Generator], ...] = ()
        self._work: AtWork | None = None
        self._source: MesaPopulation | None = None

    @property
    def model(self) -> Any:
        """The `mesa.Model`."""
        return self.work.model

    @property
    def work(self) -> AtWork:
        """The model at work: here, taken over from the population that this is a copy of, or made again."""
        source, self._source = self._source, None
        if self._work is None and source is not None and len(source._past) == len(self._past):
            self._work, source._work = source._work, None
        if self._work is None:
            if self.maker is None:
                raise ValueError("A population that came from another process is evolved or restricted first.")
            self._work = self.maker.set_out(self._macro.copy(), deepcopy(self._stream))
            for duration, stream in self._past:
                self.maker.go_on(self._work, duration, deepcopy(stream))
        return self._work

    def adopt(self, work: AtWork) -> None:
        """This is the model that came about so."""
        self._work = work

    def evolve(self, duration: float, rng: Generator) -> None:
        """Step the model in place."""
        work, stream = self.work, deepcopy(rng)
        assert self.maker is not None
        self._work = None  # if it fails, what is left is no population
        self.maker.go_on(work, duration, rng)
        self._work, self._past = work, (*self._past, (duration, stream))

    def __deepcopy__(self, memo: dict[int, Any]) -> MesaPopulation:
        copy = _remade(self._macro, self._stream, self._past)
        copy.maker, copy._source = self.maker, self
        return copy

    def __reduce__(self) -> tuple[Any, tuple[Any, ...]]:
        return _remade, (self._macro, self._stream, self._past)


def _remade(macro: Array, stream: Generator, past: tuple[tuple[float, Generator], ...]) -> MesaPopulation:
    population = MesaPopulation(None, macro, stream)
    population._past = past
    return population


def take_number(model: Model) -> int:
    """The number that the model's next agent gets, taken from the table by which Mesa 3.3 keeps the model alive."""
    from mesa import Agent

    counter = getattr(Agent, "_ids", {}).pop(model, None)
    return 1 if counter is None else next(counter)


def _forget_cells(model: Model) -> None:
    """Empty the caches and the table by which Mesa's cells keep each other, their agents, model and classes."""
    cell = getattr(sys.modules.get("mesa.discrete_space.cell"), "Cell", None)  # no import: Python may be ending
    for name in ("get_neighborhood", "_neighborhood"):
        if clear := getattr(getattr(cell, name, None), "cache_clear", None):
            clear()
    for space in vars(model).values():
        if (kind := getattr(space, "cell_klass", None)) is not None:
            copyreg.dispatch_table.pop(kind, None)  # every grid makes a class of its own
