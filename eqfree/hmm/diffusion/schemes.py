"""Implicit steps of time, one scheme each."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf, sqrt
from typing import Protocol

__all__ = ["ImplicitEuler", "ImplicitScheme", "Sdirk2"]


class ImplicitScheme(Protocol):
    """A diagonally implicit Runge-Kutta scheme that is stiffly accurate. Give its tableau; the driver does the rest."""

    @property
    def step(self) -> float:
        """Its step of time."""
        ...

    @property
    def tableau(self) -> tuple[tuple[float, ...], ...]:
        """Row by row, with as many entries as the row's number; the last row is that of the weights."""
        ...

    @property
    def order(self) -> int:
        """Of its error."""
        ...


@dataclass(frozen=True)
class ImplicitEuler:
    """u₁ = u₀ + step · f(u₁): of first order; all modes decay, the fast ones at once.

    A start that does not fit what is fixed overshoots in steps shorter than about H²/(6 k), H the size of an element
    and k = conductivity/capacity, as every scheme does with a mass matrix that is not lumped.

    Parameters
    ----------
    step
        Of time (s).

    Raises
    ------
    ValueError
        For a step that is not finite and positive.

    Examples
    --------
    >>> ImplicitEuler(step=0.1).tableau
    ((1.0,),)
    """

    step: float

    def __post_init__(self) -> None:
        _check(self.step)

    @property
    def tableau(self) -> tuple[tuple[float, ...], ...]:
        """One stage."""
        return ((1.0,),)

    @property
    def order(self) -> int:
        """One."""
        return 1


@dataclass(frozen=True)
class Sdirk2:
    """Two implicit stages of the same matrix, second order, L-stable.

    R. Alexander, SIAM J. Numer. Anal. 14 (1977) 1006, doi:10.1137/0714068: theorem 5, with the diagonal 1 - 1/√2.

    Parameters
    ----------
    step
        Of time (s).

    Raises
    ------
    ValueError
        For a step that is not finite and positive.

    Examples
    --------
    >>> [round(sum(row), 4) for row in Sdirk2(step=0.1).tableau]
    [0.2929, 1.0]
    """

    step: float

    def __post_init__(self) -> None:
        _check(self.step)

    @property
    def tableau(self) -> tuple[tuple[float, ...], ...]:
        """Two stages."""
        diagonal = 1 - 1 / sqrt(2)
        return ((diagonal,), (1 - diagonal, diagonal))

    @property
    def order(self) -> int:
        """Two."""
        return 2


def _check(step: float) -> None:
    if not 0 < step < inf:
        raise ValueError(f"`step` must be finite and positive: got {step!r}.")
