"""Walkers as the settings want them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

import eqfree as ef
from agents.walkers import Medium
from eqfree.scenario import Context
from scenarios.composite.settings import Settings
from scenarios.composite.walkers import closure_of_walkers

__all__ = ["walkers_of"]


def walkers_of(
    settings: Settings,
    context: Context,
    conductivities: tuple[float, float],
    medium_of: Callable[[NDArray[np.float64]], Medium],
) -> ef.hmm.Closure:
    """The conductivity of a medium of parameters (n,), asked of as many walkers as the settings say."""
    return closure_of_walkers(
        conductivities,
        medium_of,
        walkers=settings.walkers.walkers,
        replicas=settings.walkers.replicas,
        executor=context.executor,
        seed=settings.seed,
    )
