"""Micro-models that end the process that they run in, or hang in it."""

from __future__ import annotations

import os
import signal
from collections import deque
from collections.abc import Callable
from itertools import repeat
from pathlib import Path
from typing import Any

import numpy as np
from numpy.random import PCG64, Generator, SeedSequence
from numpy.typing import NDArray

import eqfree as ef
from eqfree.ensemble import ExecutorLike

Array = NDArray[np.float64]

REPLICAS = 24
FATAL = 0.97  # what the first number that evolve draws must exceed


def guilty(key: tuple[int, ...], seed: int = 0) -> list[int]:
    """The replicas whose evolve draws more than that."""
    drawn = [Generator(PCG64(SeedSequence(seed, spawn_key=(*key, replica, 1)))).random() for replica in range(REPLICAS)]
    return [replica for replica, number in enumerate(drawn) if number > FATAL]


KEY = next((number,) for number in range(1000) if [0 < one < REPLICAS - 1 for one in guilty((number,))] == [True])


def kill() -> None:
    """End this process as ``kill -9`` does."""
    os.kill(os.getpid(), signal.SIGKILL)


def hang() -> None:
    """Never return, and never give the GIL away."""
    deque(repeat(0), maxlen=0)


def mortal(act: Callable[[], Any], once: Path | None = None) -> ef.MicroModel:
    """A random walk in which the guilty replica acts, not in this process; with ``once`` only the first time."""
    home = os.getpid()

    def evolve(micro: Array, duration: float, rng: Generator) -> Array:
        if rng.random() > FATAL and os.getpid() != home and not (once and once.exists()):
            if once:
                once.touch()
            act()
        return micro + rng.normal(size=micro.shape)

    return ef.micro_model(lambda macro, rng: macro, evolve, lambda micro: micro)


def samples(model: ef.MicroModel, executor: ExecutorLike) -> bytes:
    """The bits of one burst of all replicas."""
    stepper = ef.CoarseTimeStepper(model, replicas=REPLICAS, executor=executor)
    kept = stepper.burst([1.0], [1.0], KEY, samples=True).samples
    assert kept is not None
    return kept.tobytes()
