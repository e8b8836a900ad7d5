"""The conductivity of a random medium: a mean over realisations, with its standard error."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

import eqfree as ef
from eqfree.ensemble import ExecutorLike
from scenarios.composite.conductivity import CellConductivity, CellModel

if TYPE_CHECKING:
    from scenarios.composite.microstructures import Microstructure

__all__ = ["EnsembleTensor", "ensemble_tensor"]


@dataclass(frozen=True, eq=False)
class EnsembleTensor:
    """The effective tensors of the realisations of a random medium.

    Attributes
    ----------
    samples, errors : (realisation, 2, 2)
        Tensor, and the estimate of its discretisation error, of each realisation, in W/(m K).
    cost
        What it took.
    """

    samples: NDArray[np.float64]
    errors: NDArray[np.float64]
    cost: ef.Cost

    @property
    def tensor(self) -> NDArray[np.float64]:
        """Mean over the realisations, (2, 2), in W/(m K)."""
        return np.asarray(self.samples.mean(axis=0))

    @property
    def stderr(self) -> NDArray[np.float64]:
        """Standard error of the mean, (2, 2), in W/(m K)."""
        return np.asarray(self.samples.std(axis=0, ddof=1) / np.sqrt(len(self.samples)))

    @property
    def error(self) -> NDArray[np.float64]:
        """Mean estimate of the discretisation error, (2, 2), in W/(m K): it does not fall with more realisations."""
        return np.asarray(self.errors.mean(axis=0))

    @property
    def isotropic(self) -> tuple[float, float]:
        """Mean and standard error of half the trace, in W/(m K): all that a medium without direction has to tell."""
        halves = self.samples.trace(axis1=1, axis2=2) / 2
        return float(halves.mean()), float(halves.std(ddof=1) / np.sqrt(len(halves)))


def ensemble_tensor(
    medium: Callable[[int], Microstructure],
    conductivities: tuple[float, float],
    realisations: int,
    refinement: int,
    degree: int = 2,
    executor: ExecutorLike = None,
    progress: Callable[[int], object] = lambda number: None,
) -> EnsembleTensor:
    """Solve the periodic cell problem of several realisations, each asked of the waist under its number.

    *How to choose.* The standard error falls like 1/sqrt(realisations * size of a period); the bias of a finite period
    is not seen in it and asks for a larger one: compare two sizes. Refine until ``error`` is below ``stderr``.

    Parameters
    ----------
    medium
        Number of the realisation -> microstructure; the number is a good seed.
    conductivities
        Of matrix and inclusion, in W/(m K).
    realisations
        How many, at least two.
    refinement
        Of the cells, as the microstructure counts it.
    degree
        Of the elements, 1 or 2.
    executor
        As in `eqfree.CoarseTimeStepper`; all realisations are asked at once where there is one.
    progress
        Called with the number of each realisation that is done.

    Raises
    ------
    ValueError
        For fewer than two realisations, which have no standard error.

    Examples
    --------
    >>> from scenarios.composite.microstructures import RandomDisks
    >>> mean = ensemble_tensor(lambda number: RandomDisks(0.2, 2, number), (1.0, 10.0), 2, refinement=6)
    >>> mean.tensor.shape, bool((mean.stderr >= 0).all())
    ((2, 2), True)
    """
    if realisations < 2:
        raise ValueError(f"`realisations` must be at least 2, for a standard error: got {realisations}.")
    model = CellModel(lambda number: medium(int(number[0])), lambda _: conductivities, refinement, degree)
    conductivity = CellConductivity(model, executor)
    every = np.arange(realisations, dtype=np.float64)[:, np.newaxis]
    answers = []
    for some in np.split(every, realisations) if executor is None else [every]:
        answers.append(conductivity(some))
        for number in some[:, 0]:
            progress(int(number))
    values, bounds = (np.vstack([getattr(answer, name) for answer in answers]) for name in ("value", "stderr"))
    return EnsembleTensor(
        samples=values[:, [0, 1, 1, 2]].reshape(-1, 2, 2),
        errors=bounds[:, [0, 1, 1, 2]].reshape(-1, 2, 2),
        cost=conductivity.cost,
    )
