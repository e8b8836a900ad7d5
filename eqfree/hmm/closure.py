"""The ingredient that a macroscopic law lacks, asked of a micro-solver on demand."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import reduce
from math import inf
from operator import add
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from eqfree.ensemble import Key
from eqfree.results import Cost
from eqfree.stepper import CoarseTimeStepper, Observe

__all__ = ["Answer", "Closure", "as_answer", "as_inputs"]


@dataclass(frozen=True, eq=False)
class Answer:
    """What a closure answers at some points.

    Attributes
    ----------
    value, stderr : (point, m)
        The missing ingredient and its standard error.
    jacobian : (point, m, n) or None
        Its derivative with respect to the inputs, where the closure knows it.
    state
        What a micro-solver with memory would go on from; the macro solver commits it.
    cost
        What it took.
    """

    value: NDArray[np.float64]
    stderr: NDArray[np.float64]
    jacobian: NDArray[np.float64] | None = None
    state: Any = None
    cost: Cost = field(default_factory=Cost)


class Closure(Protocol):
    """Answers for an unknown ingredient of a macroscopic law. Implement the call; solvers and tables do the rest.

    References
    ----------
    W. E and B. Engquist, Commun. Math. Sci. 1 (2003) 87, doi:10.4310/CMS.2003.v1.n1.a8.
    """

    @abstractmethod
    def __call__(self, inputs: ArrayLike, state: Any = None, key: Key = ()) -> Answer:
        """The answer at ``inputs`` of shape (point, n); all points of a macro step are asked at once."""
        ...

    @staticmethod
    def from_stepper(
        stepper: CoarseTimeStepper,
        lift_input: Callable[[NDArray[np.float64]], ArrayLike],
        observe: Observe,
        healing: float,
        window: float,
    ) -> Closure:
        """A closure over agents: lift, heal, then observe for a while.

        Identical points are solved once. The key of a point is made of the caller's key and the bits of its
        input, so that an answer depends on nothing that was asked beside it.

        *How to choose.* ``healing``: several times the slowest relaxation at given input. ``window``: the
        standard error falls with its square root once it is longer than the correlation time.

        Parameters
        ----------
        stepper
            Coarse time-stepper of the agents.
        lift_input
            Input (n,) -> macro state to lift.
        observe
            ``observe(before, after, duration) -> (m,)`` over the window; other shapes are flattened.
        healing, window
            Times (the model's unit): the first is thrown away, the second is read.

        Raises
        ------
        ValueError
            For a negative healing or a window that is not positive.

        Examples
        --------
        >>> import eqfree as ef
        >>> drift = ef.micro_model(lambda u, rng: u, lambda u, t, rng: u + 2 * u * t, lambda u: u, deterministic=True)
        >>> speed = ef.hmm.Closure.from_stepper(
        ...     ef.CoarseTimeStepper(drift), lambda u: u, lambda before, after, t: (after - before) / t, 0.0, 1.0
        ... )
        >>> speed([[1.0], [3.0]]).value
        array([[2.],
               [6.]])
        """
        if not (0 <= healing < inf and 0 < window < inf):
            raise ValueError(
                "`healing` must be finite and not negative, and `window` finite and positive: "
                f"got healing={healing:g}, window={window:g}."
            )
        return _StepperClosure(stepper, lift_input, observe, healing, window)


@dataclass(frozen=True, eq=False)
class _StepperClosure(Closure):
    stepper: CoarseTimeStepper
    lift_input: Callable[[NDArray[np.float64]], ArrayLike]
    observe: Observe
    healing: float
    window: float

    def __call__(self, inputs: ArrayLike, state: Any = None, key: Key = ()) -> Answer:
        if state is not None:
            raise ValueError("A closure made from a coarse time-stepper has no memory: got a `state`. Pass None.")
        points, places = np.unique(as_inputs(inputs), axis=0, return_inverse=True)
        bursts = self.stepper.bursts(
            [self.lift_input(point) for point in points],
            (self.healing, self.healing + self.window),
            [(*key, *point.view(np.uint32).tolist()) for point in points],
            self.observe,
        )
        readings = [burst.observed for burst in bursts if burst.observed is not None]
        places = places.reshape(-1)  # NumPy 2.0 makes it a column
        return Answer(
            value=np.array([reading.mean.ravel() for reading in readings])[places],
            stderr=np.array([reading.stderr.ravel() for reading in readings])[places],
            cost=reduce(add, (burst.cost for burst in bursts), Cost()),
        )


def as_inputs(inputs: ArrayLike) -> NDArray[np.float64]:
    """Inputs as a finite array of shape (point, n), with one zero only.

    Raises
    ------
    ValueError
        If they have another shape, or are not finite.

    Examples
    --------
    >>> as_inputs([[1.0], [2.0]]).shape
    (2, 1)
    """
    points = np.array(inputs, dtype=np.float64) + 0.0
    if points.ndim != 2 or points.size == 0:
        raise ValueError(f"`inputs` must have shape (point, n), and a point at least: got shape {points.shape}.")
    if not np.isfinite(points).all():
        raise ValueError("`inputs` must be finite: got a NaN or an infinity.")
    return points


def as_answer(answer: Any, count: int) -> Answer:
    """What a closure answered at ``count`` points, as arrays of the shapes that an `Answer` has.

    Raises
    ------
    ValueError
        If it is no `Answer`, values or standard errors have another shape, or standard errors are negative.

    Examples
    --------
    >>> as_answer(Answer([[1.0]], [[0.0]]), 1).value
    array([[1.]])
    """
    if not isinstance(answer, Answer):
        raise ValueError(f"A closure must answer an `Answer`: got {type(answer).__name__}.")
    value, stderr = (np.asarray(part, dtype=np.float64) for part in (answer.value, answer.stderr))
    if value.ndim != 2 or len(value) != count or stderr.shape != value.shape:
        raise ValueError(
            f"A closure must answer value and stderr of shape ({count}, m): got {value.shape} and {stderr.shape}."
        )
    if (stderr < 0).any():
        raise ValueError(f"A closure must answer standard errors that are not negative: got {stderr.min():g}.")
    return replace(answer, value=value, stderr=stderr)
