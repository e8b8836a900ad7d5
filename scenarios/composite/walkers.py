"""The effective conductivity, asked of random walkers: a second micro-solver of the same closure."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

import eqfree as ef
from agents.walkers import Medium, WalkerConductor
from eqfree.ensemble import ExecutorLike

__all__ = ["closure_of_walkers"]

Array: TypeAlias = NDArray[np.float64]


def closure_of_walkers(
    conductivities: tuple[float, float],
    medium_of: Callable[[Array], Medium],
    *,
    walkers: int = 500,
    windows: int = 20,
    window: float | None = None,
    replicas: int = 8,
    executor: ExecutorLike = None,
    seed: int = 0,
) -> ef.hmm.Closure:
    """K_xx, K_xy and K_yy of a medium, with standard errors, as a function of its parameters.

    Walkers begin in equilibrium; one window is thrown away, after which they are anywhere between two exits.

    *How to choose* ``walkers``, ``windows`` and ``replicas``: only their product matters, the relative standard error
    of K_xx being about sqrt(6 / product), 0.9 % by default. On one core 1 % takes 0.2 s for layers
    of 1 and 10, and 0.7 s for 30 % of cylinders, once compiled.

    Parameters
    ----------
    conductivities
        Of the matrix and of the inclusions, W/(m K).
    medium_of
        The medium of parameters (n,), such as `agents.walkers.Layers.of` or `Disks.of`.
    walkers
        Of each replica.
    windows
        That each of them is watched, two at least.
    window
        Of time, in periods² over W/(m K); as in `agents.walkers.WalkerConductor`.
    replicas, executor, seed
        As in `eqfree.CoarseTimeStepper`.

    Raises
    ------
    ValueError
        If conductivities are not positive, or there are fewer than two windows or replicas; and when it is asked for
        a medium that cannot be.

    Examples
    --------
    >>> from agents.walkers import Layers
    >>> closure = closure_of_walkers((1.0, 10.0), Layers.of, walkers=100)
    >>> answer = closure([[0.5]])
    >>> bool((abs(answer.value - [10 / 5.5, 0, 5.5]) < 5 * answer.stderr).all())
    True
    """
    if windows < 2 or replicas < 2:
        raise ValueError(f"`windows` and `replicas` must be 2 or more: got {windows} and {replicas}.")
    model = WalkerConductor(conductivities, medium_of, walkers, window)
    stepper = ef.CoarseTimeStepper(model, replicas, executor=executor, seed=seed)
    return ef.hmm.Closure.from_stepper(
        stepper, lambda point: point, model.observe, model.memory, windows * model.memory
    )
