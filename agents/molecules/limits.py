"""What a simulation can be asked for: shapes that fit, durations that end, counts that stay exact."""

from __future__ import annotations

from collections.abc import Callable
from math import inf, isnan
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agents.molecules.population import Molecules
from agents.systematic import LARGEST

__all__ = ["BUDGET", "check_burst", "run_to_the_end"]

BUDGET = 2**22
"""Events that a kernel simulates before it comes back to Python, where it can be interrupted: some 0.1 s."""


def check_burst(molecules: Molecules, species: int, reactions: int, voxels: tuple[int, ...], duration: float) -> None:
    """Refuse molecules that a network cannot read, which a kernel does not notice, and a duration that never ends.

    Raises
    ------
    ValueError
        If the molecules are those of other species, reactions or voxels, or the duration is negative or not finite.

    Examples
    --------
    >>> check_burst(Molecules.of([3, 0], reactions=1), 2, 2, (), 1.0)
    Traceback (most recent call last):
    ValueError: Molecules that 2 species and 2 reactions can change ...: got counts of shape (2,) and firings of ...
    """
    counts, firings = (species, *voxels), (reactions, *voxels)
    given = molecules.counts.shape, molecules.integral.shape, molecules.firings.shape
    if given != (counts, counts, firings):
        raise ValueError(
            f"Molecules that {species} species and {reactions} reactions can change have counts of shape {counts} "
            f"and firings of shape {firings}: got counts of shape {given[0]} and firings of shape {given[2]}, with "
            f"a time integral of shape {given[1]}. Make them for this network with `Molecules.of`, or lift them."
        )
    if not 0 <= duration < inf:
        raise ValueError(f"`duration` must be finite and not negative: got {duration}.")


def run_to_the_end(kernel: Callable[[], bool], clock: NDArray[Any], count: NDArray[Any]) -> None:
    """Call a kernel until it has done all; ``clock[0]`` is its time, nan where its propensities are not finite.

    Raises
    ------
    ValueError
        If the molecules explode: time stands still while they react, their counts pass what floats hold exactly,
        or a propensity is not finite.

    Examples
    --------
    >>> clock = np.zeros(1)
    >>> run_to_the_end(lambda: False, clock, np.ones(1))
    Traceback (most recent call last):
    ValueError: The molecules react faster than time can tell, at the time 0 of the burst with 1 of a species. ...
    """
    done = False
    while not done:
        before = clock[0]
        done = kernel()
        if isnan(clock[0]) or (not done and clock[0] == before):
            raise ValueError(
                f"The molecules react faster than time can tell, at the time {before:g} of the burst with "
                f"{count.max():g} of a species. Do they explode? Choose a network that does not, or a smaller volume."
            )
        if not np.all(count < LARGEST):
            raise ValueError(
                f"There are more molecules than can be counted exactly, 2^53, at the time {clock[0]:g} of the burst. "
                "Do they explode? Choose a network that does not, or a smaller volume."
            )
