"""Groups of replicas, projected side by side: how far they have spread is the standard error."""

from __future__ import annotations

from numbers import Integral
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from eqfree.stepper import CoarseTimeStepper

__all__ = ["divide", "mean", "stderr"]

Array: TypeAlias = NDArray[np.float64]

_GROUPS = 8


def divide(stepper: CoarseTimeStepper, groups: int | None = None) -> NDArray[np.int64]:
    """How many replicas each group has: as equal as can be, (group,); one group of a deterministic model.

    Raises
    ------
    ValueError
        Unless there is a replica for each group.

    Examples
    --------
    >>> import eqfree as ef
    >>> noise = ef.micro_model(lambda u, rng: u, lambda u, t, rng: u + rng.normal(), lambda u: u)
    >>> divide(ef.CoarseTimeStepper(noise, replicas=10), groups=4)
    array([3, 3, 2, 2])
    """
    replicas = 1 if stepper.deterministic else stepper.replicas
    count = min(_GROUPS, replicas) if groups is None else groups
    if stepper.deterministic:
        count = 1
    if isinstance(count, bool) or not isinstance(count, Integral) or not 1 <= count <= replicas:
        raise ValueError(
            f"`groups` must be a whole number from 1 to that of the replicas: got groups={groups} with "
            f"replicas={replicas}. A standard error needs two or more."
        )
    return np.array([len(part) for part in np.array_split(np.empty(replicas), count)])


def mean(macro: Array, sizes: NDArray[np.int64]) -> Array:
    """Over all replicas, of what the groups have, (group, ...).

    >>> mean(np.array([[1.0], [4.0]]), np.array([2, 1]))
    array([2.])
    """
    return np.tensordot(sizes / sizes.sum(), macro, axes=1)


def stderr(macro: Array, sizes: NDArray[np.int64]) -> Array:
    """Of that mean, from the spread of the groups, whose variances are as one over their sizes; NaN for one group.

    >>> stderr(np.array([[1.0], [3.0]]), np.array([1, 1]))
    array([1.])
    """
    if len(sizes) == 1:
        return np.full(macro.shape[1:], np.nan)
    squares = mean((macro - mean(macro, sizes)) ** 2, sizes)
    return np.sqrt(squares / (len(sizes) - 1))
