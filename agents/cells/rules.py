"""What cells on a lattice do, and when."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["CellType", "Events", "Rules", "Sweeps", "Timing"]


@dataclass(frozen=True)
class CellType:
    """The rates at which a cell on a lattice of 2d neighbours tries to move, divide and die.

    A neighbour is drawn at random, and a cell moves there, or puts a daughter there, if it is free: what is tried onto
    a cell, or beyond a closed side, is aborted. The rates are those of one cell:

    - a hop to a free neighbour: ``motility`` / 2d × Π (1 - adhesion) over its cells next to it × 2 / (1 + exp(-g)),
      with g = ``chemotaxis`` × (signal there - signal here);
    - a daughter on a free neighbour: ``proliferation`` / 2d × (free neighbours / 2d) ^ ``inhibition`` × s / (s + K),
      with the signal s here and K = ``half_signal``, without the last factor where K is 0;
    - its death: ``death``.

    Parameters
    ----------
    motility, proliferation, death
        Per cell and time.
    adhesion
        How much less a cell moves for each cell next to it, in [0, 1]: one number, or one for each type of that cell.
    inhibition
        How strongly contact inhibits division beyond exclusion; 0 is not at all.
    chemotaxis
        Per difference of the signal between two neighbours; 0 is without bias, negative is down the gradient.
    half_signal
        The signal at which a cell divides half as often as it could; 0 where it needs none.
    name
        Of the type.

    Raises
    ------
    ValueError
        If a rate is negative, an adhesion lies outside [0, 1], or a number is not finite.

    References
    ----------
    M. J. Simpson, K. A. Landman, B. D. Hughes, Physica A 389 (2010) 3779, doi:10.1016/j.physa.2010.05.020; adhesion:
    E. Khain, L. M. Sander, C. M. Schneider-Mizell, J. Stat. Phys. 128 (2007) 209, doi:10.1007/s10955-006-9194-8.

    Examples
    --------
    >>> CellType(motility=30.0, proliferation=0.1).death
    0.0
    """

    motility: float
    proliferation: float = 0.0
    death: float = 0.0
    adhesion: float | tuple[float, ...] = 0.0
    inhibition: float = 0.0
    chemotaxis: float = 0.0
    half_signal: float = 0.0
    name: str = "cells"

    def __post_init__(self) -> None:
        for name in ("motility", "proliferation", "death", "inhibition", "half_signal"):
            if not 0 <= getattr(self, name) < np.inf:
                raise ValueError(f"`{name}` must be finite and not negative: got {getattr(self, name)}.")
        if not np.isfinite(self.chemotaxis):
            raise ValueError(f"`chemotaxis` must be finite: got {self.chemotaxis}.")
        adhesion = np.atleast_1d(np.asarray(self.adhesion, dtype=np.float64))
        if not ((adhesion >= 0) & (adhesion <= 1)).all():
            raise ValueError(f"`adhesion` must lie in [0, 1]: got {self.adhesion}.")

    @property
    def fastest(self) -> float:
        """The largest rate at which anything can happen to a cell."""
        return self.motility * (2.0 if self.chemotaxis else 1.0) + self.proliferation + self.death


@dataclass(frozen=True)
class Events:
    """Time in which events follow each other, exactly: each at an exponential waiting time of its rate."""


@dataclass(frozen=True)
class Sweeps:
    """Time in steps, synchronous: in each, as many cells as there are are drawn and try to move; then so for division
    and death, each with the probability rate × step.

    As `step` goes to zero this is `Events`.

    Parameters
    ----------
    step
        Of time.

    Raises
    ------
    ValueError
        If the step is not positive.

    References
    ----------
    Simpson, Landman & Hughes 2010, section 2 (see `CellType`).

    Examples
    --------
    >>> Sweeps(0.01).step
    0.01
    """

    step: float

    def __post_init__(self) -> None:
        if not 0 < self.step < np.inf:
            raise ValueError(f"`step` must be positive: got {self.step}.")


Timing = Events | Sweeps


@dataclass(frozen=True, eq=False)
class Rules:
    """The rules of all types, as a kernel reads them.

    Attributes
    ----------
    rates : (type, 3)
        Of hops, divisions and deaths.
    adhesion : (type, type)
        Of a type to the types beside it.
    inhibition, chemotaxis, half_signal : (type,)
        As in `CellType`.
    """

    rates: NDArray[np.float64]
    adhesion: NDArray[np.float64]
    inhibition: NDArray[np.float64]
    chemotaxis: NDArray[np.float64]
    half_signal: NDArray[np.float64]

    @classmethod
    def of(cls, types: Sequence[CellType]) -> Rules:
        """The rules of these types.

        Raises
        ------
        ValueError
            If there is no type, two have one name, or a type's adhesion is not to as many types as there are.

        Examples
        --------
        >>> Rules.of([CellType(1.0, 0.5)]).rates
        array([[1. , 0.5, 0. ]])
        """
        if not 1 <= len(types) < 127 or len({one.name for one in types}) < len(types):
            raise ValueError(f"There must be a type of cells, and no two of a name: got {[one.name for one in types]}.")
        adhesion = np.empty((len(types), len(types)))
        for row, one in zip(adhesion, types, strict=True):
            given = np.atleast_1d(one.adhesion)
            if len(given) not in (1, len(types)):
                raise ValueError(
                    f"`adhesion` must be one number, or one for each of {len(types)} types: got {one.adhesion}."
                )
            row[:] = given
        return cls(
            rates=np.array([[one.motility, one.proliferation, one.death] for one in types]),
            adhesion=adhesion,
            inhibition=np.array([one.inhibition for one in types]),
            chemotaxis=np.array([one.chemotaxis for one in types]),
            half_signal=np.array([one.half_signal for one in types]),
        )
