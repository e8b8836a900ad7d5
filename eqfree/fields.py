"""The named, united, coordinated, scaled and bounded parts of a macro array."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import inf, prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Field", "OutOfBoundsError", "as_fields", "check_bounds", "short", "split"]


class OutOfBoundsError(ValueError):
    """A macro state that no population has."""


@dataclass(frozen=True, eq=False)
class Field:
    """One part of a macro array: what it is, its unit, where it lives and what it may be.

    The fields of a model cover its macro array, flattened in C order, one after the other.

    Parameters
    ----------
    name
        What the numbers are, in words that label an axis: ``"density"``.
    unit
        Their unit, as written on an axis: ``"1/m"``; ``"1"`` if they have none.
    coordinates
        Dimension -> its values, in the order of the array's axes; a single number has none.
    coordinate_units
        Dimension -> its unit.
    bounds
        Smallest and largest admissible value; a macro state outside them is refused.
    scale
        A change of a value that counts, in its unit: what a solver measures its steps in. Without it, the largest
        size of the field's values in the macro state that the solver starts from.

    Raises
    ------
    ValueError
        If the bounds are empty, the scale is not positive or a unit belongs to no coordinate.

    Examples
    --------
    >>> density = Field("density", "1/m", {"x": [50.0, 150.0]}, {"x": "m"}, bounds=(0.0, 0.2))
    >>> density.shape
    (2,)
    """

    name: str
    unit: str = "1"
    coordinates: Mapping[str, Sequence[float] | NDArray[Any]] = field(default_factory=dict)
    coordinate_units: Mapping[str, str] = field(default_factory=dict)
    bounds: tuple[float, float] = (-inf, inf)
    scale: float | None = None

    def __post_init__(self) -> None:
        low, high = self.bounds
        if not low <= high:
            raise ValueError(
                f"`bounds` of field {self.name!r} must be (low, high) with low <= high: got {self.bounds}."
            )
        if self.scale is not None and not 0 < self.scale < inf:
            raise ValueError(f"`scale` of field {self.name!r} must be positive and finite: got {self.scale}.")
        if unknown := set(self.coordinate_units) - set(self.coordinates):
            raise ValueError(
                f"`coordinate_units` of field {self.name!r} must name its coordinates "
                f"{sorted(self.coordinates)}: got {sorted(unknown)}."
            )

    @property
    def shape(self) -> tuple[int, ...]:
        """Lengths of the coordinates."""
        return tuple(len(values) for values in self.coordinates.values())

    @property
    def size(self) -> int:
        """How many numbers of the macro array are this field's."""
        return prod(self.shape)


def as_fields(fields: Iterable[Field | Mapping[str, Any]]) -> tuple[Field, ...]:
    """Fields from fields or from mappings of their arguments, so that a population need not import eqfree.

    Raises
    ------
    ValueError
        If two have the same name, or they are something else.

    Examples
    --------
    >>> as_fields([{"name": "density", "unit": "1/m"}])[0].unit
    '1/m'
    """
    try:
        made = tuple(item if isinstance(item, Field) else Field(**item) for item in fields)
    except TypeError as error:
        raise ValueError(
            f"`fields` must be a sequence of fields, or of mappings of their arguments: got {short(fields)} ({error}). "
            "Give one as [{'name': ...}]."
        ) from error
    if len({item.name for item in made}) < len(made):
        raise ValueError(f"The fields of a model must have different names: got {[item.name for item in made]}.")
    return made


def short(value: object) -> str:
    """A value as an error shows it: on one line, the middle of an array left out, all else cut at 80 characters.

    >>> short(np.array([1.0, 2.0])), short("a\\nb")
    ('[1. 2.]', "'a\\\\nb'")
    """
    if isinstance(value, np.ndarray):
        return np.array2string(value, threshold=8, edgeitems=3, separator=" ").replace("\n", "")
    try:
        text = repr(value)
    except ValueError:  # Python writes no whole number of more than 4300 digits
        text = "a number of thousands of digits"
    return text if len(text) <= 80 else f"{text[:77]}..."


def split(fields: Sequence[Field], macro: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
    """The macro array taken apart: name -> array of the field's shape.

    Raises
    ------
    ValueError
        If the fields do not add up to the size of the macro state.

    Examples
    --------
    >>> split([Field("a"), Field("b", coordinates={"x": [0, 1]})], np.arange(3.0))["b"]
    array([1., 2.])
    """
    sizes = [item.size for item in fields]
    if sum(sizes) != macro.size:
        raise ValueError(
            f"The fields must cover the macro state: {dict(zip([f.name for f in fields], sizes, strict=True))} "
            f"add up to {sum(sizes)} numbers, the macro state has {macro.size}."
        )
    parts = np.split(macro.ravel(), np.cumsum(sizes)[:-1])
    return {item.name: part.reshape(item.shape) for item, part in zip(fields, parts, strict=True)}


def check_bounds(fields: Sequence[Field], macro: NDArray[np.float64]) -> None:
    """Refuse a macro state that no population has; without fields, one that is not finite.

    Raises
    ------
    OutOfBoundsError
        Names the field, its bounds and the first value outside them.

    Examples
    --------
    >>> check_bounds([Field("density", "1/m", bounds=(0, 0.2))], np.array([0.1]))
    """
    if not np.isfinite(macro).all():
        raise OutOfBoundsError(f"A macro state must be finite: got {short(macro)}.")
    if not fields:
        return
    for item, values in zip(fields, split(fields, macro).values(), strict=True):
        low, high = item.bounds
        outside = ~((values >= low) & (values <= high))
        if outside.any():
            unit = "" if item.unit == "1" else f" {item.unit}"
            raise OutOfBoundsError(
                f"{item.name} must lie in [{low:g}, {high:g}]{unit}: got {values[outside].flat[0]:.10g}{unit}. "
                "Choose a macro state that a population can have."
            )
