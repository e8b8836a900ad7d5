"""Numbers that a device cannot have."""

from __future__ import annotations

from math import isfinite

__all__ = ["check_not_negative", "check_positive"]


def check_positive(name: str, value: float, unit: str) -> None:
    """Refuse what is not finite and positive.

    >>> check_positive("length", 0.0, "m")
    Traceback (most recent call last):
    ValueError: `length` must be finite and positive: got 0 m.
    """
    if not (isfinite(value) and value > 0):
        raise ValueError(f"`{name}` must be finite and positive: got {value:g} {unit}.")


def check_not_negative(name: str, value: float, unit: str) -> None:
    """Refuse what is not finite, or negative.

    >>> check_not_negative("contact", -1.0, "W/(m² K)")
    Traceback (most recent call last):
    ValueError: `contact` must be finite and not negative: got -1 W/(m² K).
    """
    if not (isfinite(value) and value >= 0):
        raise ValueError(f"`{name}` must be finite and not negative: got {value:g} {unit}.")
