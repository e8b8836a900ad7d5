"""The conductivity of hopping ions, asked at a temperature: the closure of a device."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

import eqfree as ef
from agents.ions.conductor import Conductor
from eqfree.ensemble import ExecutorLike

__all__ = ["HEALING", "closure_of_both", "closure_of_temperature"]

Array: TypeAlias = NDArray[np.float64]

HEALING = 20.0
"""Hops of an ion, before anything is read of it."""


def closure_of_temperature(
    model: Conductor,
    share: float,
    *,
    duration: float = 5_000.0,
    replicas: int = 8,
    executor: ExecutorLike = None,
    seed: int = 0,
) -> ef.hmm.Closure:
    """ln(sigma T / (S K/m)) as a function of 1/(kT) in 1/eV, asked of the ions.

    It is nearly a straight line, so that `eqfree.hmm.Tabulated` needs but some ten micro-solves of it.

    *How to choose* ``duration``: the relative standard error of sigma is about sqrt(6 window / (axes duration
    replicas)).

    Parameters
    ----------
    model
        The ions.
    share
        Of the sites that they occupy.
    duration
        That each replica is watched, in mean times between two hops of an ion (1).
    replicas, executor, seed
        As in `eqfree.CoarseTimeStepper`.

    Raises
    ------
    ValueError
        If the duration is not positive, and when it is asked, for a full or an empty box.

    Examples
    --------
    >>> from agents.ions import Box, Hopping, Landscape
    >>> from agents.ions.lattices import simple_cubic
    >>> model = Conductor(Landscape(Box(simple_cubic(3e-10), (3, 3, 3)), Hopping({"hop": 0.35})))
    >>> answer = closure_of_temperature(model, 1 / 3, duration=400.0)([[38.7], [30.0]])
    >>> answer.value.shape, bool((abs(np.diff(answer.value, axis=0) - 0.35 * 8.7) < 0.5).all())
    ((2, 1), True)
    """
    return _closure(model, lambda point: [point[0], share], duration, replicas, executor, seed)


def closure_of_both(
    model: Conductor,
    *,
    duration: float = 5_000.0,
    replicas: int = 8,
    executor: ExecutorLike = None,
    seed: int = 0,
) -> ef.hmm.Closure:
    """ln(sigma T / (S K/m)) as a function of (1/(kT) in 1/eV, occupied share of the sites).

    Between two whole numbers of ions it is what both have in the mean.

    Parameters
    ----------
    model, duration, replicas, executor, seed
        As in `closure_of_temperature`.

    Raises
    ------
    ValueError
        As there.

    Examples
    --------
    >>> from agents.ions import Box, Hopping, Landscape
    >>> from agents.ions.lattices import simple_cubic
    >>> model = Conductor(Landscape(Box(simple_cubic(3e-10), (3, 3, 3)), Hopping({"hop": 0.35})))
    >>> closure_of_both(model, duration=100.0)([[38.7, 0.3]]).value.shape
    (1, 1)
    """
    return _closure(model, lambda point: point, duration, replicas, executor, seed)


def _closure(
    model: Conductor,
    lift_input: Callable[[Array], ArrayLike],
    duration: float,
    replicas: int,
    executor: ExecutorLike,
    seed: int,
) -> ef.hmm.Closure:
    stepper = ef.CoarseTimeStepper(model, replicas, executor=executor, seed=seed)
    return ef.hmm.Closure.from_stepper(stepper, lift_input, model.observe, HEALING, duration)
