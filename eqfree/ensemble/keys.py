"""Random keys and their streams."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

from numpy.random import PCG64, Generator, SeedSequence

__all__ = ["Key", "check_key", "generator", "streams"]

Key: TypeAlias = tuple[int, ...]


def check_key(key: Sequence[int]) -> Key:
    """The key as a tuple of integers that fit a word of the seed.

    Raises
    ------
    ValueError
        If an entry is no integer in [0, 2**32): larger ones would make two keys alike.

    Examples
    --------
    >>> check_key([3, 1])
    (3, 1)
    """
    try:
        checked = tuple(part.__index__() for part in key)
    except (TypeError, AttributeError):
        checked = (-1,)
    if any(not 0 <= part < 2**32 for part in checked):
        raise ValueError(
            f"A key must be a tuple of integers from 0 to 2**32 - 1: got {key!r}. Number steps, not times."
        )
    return checked


def streams(seed: int, key: Key, replica: int) -> tuple[SeedSequence, SeedSequence]:
    """The seeds of one replica's lift and of its evolve, a pure function of the three arguments.

    They are ``SeedSequence(seed, spawn_key=(*key, replica, 0))`` and ``(*key, replica, 1)``; event stream
    ``e`` of the evolution is the ``e``-th child that its generator spawns, ``(*key, replica, 1, e)``.

    >>> streams(7, (2,), 5)[1].spawn_key
    (2, 5, 1)
    """
    return (
        SeedSequence(seed, spawn_key=(*key, replica, 0)),
        SeedSequence(seed, spawn_key=(*key, replica, 1)),
    )


def generator(stream: SeedSequence) -> Generator:
    """The random generator that a micro-model is given.

    >>> bool(generator(streams(0, (), 0)[0]).random() == generator(streams(0, (), 0)[0]).random())
    True
    """
    return Generator(PCG64(stream))
