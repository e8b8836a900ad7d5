"""The conductivity of a composite asked of its cell problem: a closure, through the coarse time-stepper."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

import eqfree as ef
from eqfree.ensemble import ExecutorLike, Key
from eqfree.hmm.closure import as_inputs
from scenarios.composite.cell import CellProblem, EffectiveTensor
from scenarios.composite.microstructures import Microstructure

__all__ = ["CellConductivity", "CellModel"]

Array: TypeAlias = NDArray[np.float64]

_ENTRIES = ((0, 0), (0, 1), (1, 1))


@dataclass(eq=False)
class Patch:
    """A patch of the microstructure, before and after heat has come to rest in it."""

    parameters: Array
    problem: CellProblem
    settled: EffectiveTensor | None = None


@dataclass(frozen=True, eq=False)
class CellModel:
    """The cell problem as a micro-model: a patch is lifted from its parameters, and heat comes to rest in it.

    The mean gradient is held meanwhile, along each axis in turn. Nothing in it is random, and the time that it takes
    is not resolved: any burst ends at rest.

    Parameters
    ----------
    microstructure_of
        Parameters (n,) -> the microstructure.
    phases_of
        Parameters (n,) -> what matrix and inclusion conduct, (2,) in W/(m K).
    derivative_of
        Parameters (n,) -> its derivative by the last parameter, (2,); by default none.
    refinement, degree
        Of the mesh of a cell.
    """

    microstructure_of: Callable[[Array], Microstructure]
    phases_of: Callable[[Array], ArrayLike]
    refinement: int
    degree: int = 2
    derivative_of: Callable[[Array], ArrayLike] | None = None

    _meshed: dict[Microstructure, CellProblem] = field(init=False, repr=False, default_factory=dict)

    deterministic = True
    thread_safe = True

    def lift(self, macro: Array, rng: np.random.Generator) -> Patch:
        """The patch of parameters (n,), meshed anew where the last one had another microstructure; nothing is drawn."""
        microstructure = self.microstructure_of(macro)
        problem = self._meshed.get(microstructure)
        if problem is None:
            problem = CellProblem(microstructure.cell(self.refinement), self.degree)
            self._meshed.clear()
            self._meshed[microstructure] = problem
        return Patch(macro, problem)

    def evolve(self, micro: Patch, duration: float, rng: np.random.Generator) -> Patch:
        """Heat at rest."""
        if micro.settled is None and duration > 0:
            micro.settled = micro.problem(self.phases_of(micro.parameters))
        return micro

    def restrict(self, micro: Patch) -> Array:
        """The parameters, which nothing changes."""
        return micro.parameters

    def observe(self, before: Patch, after: Patch, duration: float) -> Array:
        """Conductivity xx, xy, yy; estimates of their errors; derivatives by the last parameter; unknowns: (10,)."""
        told = after.settled
        assert told is not None
        slopes = np.zeros(2) if self.derivative_of is None else np.asarray(self.derivative_of(after.parameters))
        derivative = np.einsum("p,pij->ij", slopes, told.shares)
        rows = [[tensor[entry] for entry in _ENTRIES] for tensor in (told.tensor, told.estimate, derivative)]
        return np.array([*np.ravel(rows), told.unknowns])


class CellConductivity(ef.hmm.Closure):
    """K_xx, K_xy, K_yy of a composite in W/(m K), asked of the cell problem at parameters of its microstructure.

    Through the coarse time-stepper, as populations are asked: the same executors, the same checkpoints. ``stderr`` is
    half of the distance between the upper bound that is answered and the lower one of the dual problem: what the
    elements err by, and never more than twice that on the meshed cell (what a coarse mesh of curved interfaces gets
    wrong of their shape comes on top). Nothing is random, and ``key`` is not used. Parameters that were asked before
    are answered from memory. With a single parameter whose derivative is told, the jacobian is answered.

    Parameters
    ----------
    model
        What is asked.
    executor
        As in `eqfree.CoarseTimeStepper`.

    Examples
    --------
    >>> from scenarios.composite.microstructures import Laminate
    >>> model = CellModel(lambda share: Laminate(share[0]), lambda share: (0.2, 401.0), refinement=2)
    >>> conductivity = CellConductivity(model)
    >>> conductivity([[0.5], [0.5]]).value.round(6)
    array([[  0.399801,   0.      , 200.6     ],
           [  0.399801,   0.      , 200.6     ]])
    >>> conductivity.solved
    1
    """

    def __init__(self, model: CellModel, executor: ExecutorLike = None) -> None:
        self._answers: dict[bytes, Array] = {}
        self._asked = ef.hmm.Closure.from_stepper(
            ef.CoarseTimeStepper(model, replicas=1, executor=executor),
            lift_input=lambda parameters: parameters,
            observe=model.observe,
            healing=0.0,
            window=1.0,
        )
        self._knows_derivative = model.derivative_of is not None
        self.asked = 0  #: points so far
        self.unknowns = 0  #: of all linear systems so far
        self.cost = ef.Cost()  #: so far

    @property
    def solved(self) -> int:
        """Cell problems so far."""
        return len(self._answers)

    def __call__(self, inputs: ArrayLike, state: Any = None, key: Key = ()) -> ef.hmm.Answer:
        """Conductivity, estimates of its error and, with a single parameter, its derivative."""
        if state is not None:
            raise ValueError("A cell problem has no memory: got a `state`. Pass None.")
        points = as_inputs(inputs)
        missing = [point for point in np.unique(points, axis=0) if point.tobytes() not in self._answers]
        cost = ef.Cost()
        if missing:
            told = self._asked(np.array(missing))
            self._answers |= {point.tobytes(): row for point, row in zip(missing, told.value, strict=True)}
            self.unknowns += 2 * int(told.value[:, 9].sum())  # the cell problem and its dual
            cost = told.cost
        self.asked += len(points)
        self.cost += cost
        rows = np.array([self._answers[point.tobytes()] for point in points])
        jacobian = rows[:, 6:9, np.newaxis] if self._knows_derivative and points.shape[1] == 1 else None
        return ef.hmm.Answer(value=rows[:, :3], stderr=rows[:, 3:6], jacobian=jacobian, cost=cost)
