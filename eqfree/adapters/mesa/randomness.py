"""Every generator that a Mesa model may draw from, seeded from a stream of ours."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np
from numpy.random import Generator

if TYPE_CHECKING:
    from mesa import Model

__all__ = ["module_generators", "seed_model", "word"]


def word(rng: Generator) -> int:
    """A seed that everything takes: 32 bits, and an `int`, since Mesa makes another stream of numpy's integers.

    >>> type(word(np.random.default_rng(1))).__name__
    'int'
    """
    return int(rng.integers(2**32))


def seed_model(model: Model, rng: Generator) -> None:
    """Seed ``model.random`` and ``model.rng`` where they are: agents and spaces hold them too."""
    model.random.seed(int.from_bytes(rng.bytes(16), "little"))
    bits = model.rng.bit_generator
    bits.state = type(bits)([word(rng) for _ in range(4)]).state


@contextmanager
def module_generators(rng: Generator) -> Iterator[None]:
    """The generators of the modules `random` and `numpy.random` follow a stream, and are then as they were."""
    standard, legacy = random.getstate(), np.random.get_state()  # noqa: NPY002 - some models draw from it
    try:
        random.seed(int.from_bytes(rng.bytes(16), "little"))
        np.random.seed(rng.integers(2**32, size=4))  # noqa: NPY002
        yield
    finally:
        random.setstate(standard)
        np.random.set_state(legacy)  # noqa: NPY002
