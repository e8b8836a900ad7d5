"""What happens at a stretch of the boundary."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import inf
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["Amount", "Boundary", "Exchange", "Fixed", "Inflow", "values_at"]

Array: TypeAlias = NDArray[np.float64]
Amount: TypeAlias = float | Callable[[Array], ArrayLike]


@dataclass(frozen=True)
class Fixed:
    """The unknown is given: u = value.

    Parameters
    ----------
    value
        A number, or a function of positions (point, 2) -> (point,); of heat a temperature (K).

    Raises
    ------
    ValueError
        For a number that is not finite.

    Examples
    --------
    >>> Fixed(300.0)
    Fixed(value=300.0)
    """

    value: Amount

    def __post_init__(self) -> None:
        _check("value", self.value)


@dataclass(frozen=True)
class Inflow:
    """So much enters through each metre of the boundary: -q·n = flux; negative where it leaves.

    Parameters
    ----------
    flux
        A number, or a function of positions (point, 2) -> (point,); of heat in W/m².

    Raises
    ------
    ValueError
        For a number that is not finite.

    Examples
    --------
    >>> Inflow(1e4)
    Inflow(flux=10000.0)
    """

    flux: Amount

    def __post_init__(self) -> None:
        _check("flux", self.flux)


@dataclass(frozen=True)
class Exchange:
    """Newton's law of cooling: q·n = coefficient (u - ambient).

    Parameters
    ----------
    coefficient
        Not negative: a number, or a function of positions (point, 2) -> (point,); of heat in W/(m² K).
    ambient
        Value of u outside, likewise.

    Raises
    ------
    ValueError
        For a number that is not finite, or a coefficient that is negative.

    Examples
    --------
    >>> Exchange(25.0, ambient=300.0)
    Exchange(coefficient=25.0, ambient=300.0)
    """

    coefficient: Amount
    ambient: Amount

    def __post_init__(self) -> None:
        _check("coefficient", self.coefficient, low=0.0)
        _check("ambient", self.ambient)


Boundary: TypeAlias = Fixed | Inflow | Exchange


def values_at(name: str, amount: Amount, positions: Array, low: float = -inf) -> Array:
    """An amount at positions (point, 2) -> (point,).

    Raises
    ------
    ValueError
        If it is not finite there, below ``low``, or of another shape.

    Examples
    --------
    >>> values_at("source", lambda position: position[:, 0], np.array([[1.0, 2.0], [3.0, 4.0]]))
    array([1., 3.])
    """
    told = np.asarray(amount(positions) if callable(amount) else amount, dtype=np.float64)
    if told.shape not in ((), (len(positions),)):
        raise ValueError(f"`{name}` must answer ({len(positions)},) at as many positions: got shape {told.shape}.")
    if not (np.isfinite(told).all() and (told >= low).all()):
        wrong = told[~(np.isfinite(told) & (told >= low))].flat[0]
        raise ValueError(f"`{name}` must be finite{'' if low == -inf else f' and at least {low:g}'}: got {wrong:g}.")
    return np.broadcast_to(told, len(positions)).copy()


def _check(name: str, amount: Amount, low: float = -inf) -> None:
    if not callable(amount):
        if not isinstance(amount, int | float | np.number):
            raise ValueError(f"`{name}` must be a number or a function of positions: got {amount!r}.")
        values_at(name, amount, np.zeros((1, 2)), low)
