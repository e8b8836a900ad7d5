"""Progress of what tells its steps by a callback."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from eqfree.scenario import Context

__all__ = ["counting"]


@contextmanager
def counting(context: Context, total: int, label: str) -> Iterator[Callable[[object], None]]:
    """A function that counts its calls, about so many, on the context's bar.

    Examples
    --------
    >>> with counting(Context(), 2, "points") as count:
    ...     count("one")
    """
    items = iter(context.track(range(total), label))

    def count(_: object) -> None:
        next(items, None)

    try:
        yield count
    finally:
        for _ in items:  # to the end, so that the bar goes
            pass
