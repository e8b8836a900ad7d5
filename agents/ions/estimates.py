"""Numbers with the errors that a simulation gives them: block means and the jackknife."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

__all__ = ["LEAST_BLOCKS", "Estimate", "by_blocks", "jackknife"]

LEAST_BLOCKS = 30
"""With fewer, the spread of block means is itself too uncertain to be an error."""


@dataclass(frozen=True, eq=False)
class Estimate:
    """A number, or an array of them, with standard errors.

    Parameters
    ----------
    value, stderr
        Of the same shape, in ``unit``.
    unit
        What they are in.
    freedom
        Degrees of freedom of the standard error: blocks or points, less what was fitted.
    memory
        Correlation of a block with the next. Where blocks are long enough it is 0 within 1/sqrt(blocks).

    Examples
    --------
    >>> one = Estimate(np.array(2.0), np.array(0.1), "m²/s", freedom=29)
    >>> [round(float(end), 3) for end in one.interval()]
    [1.795, 2.205]
    """

    value: NDArray[np.float64]
    stderr: NDArray[np.float64]
    unit: str
    freedom: int
    memory: NDArray[np.float64] | float = 0.0

    def interval(self, confidence: float = 0.95) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Student's interval: lower and upper ends.

        Raises
        ------
        ValueError
            If the confidence is not between 0 and 1.
        """
        if not 0 < confidence < 1:
            raise ValueError(f"`confidence` must lie between 0 and 1: got {confidence}.")
        reach = float(stdtrit(self.freedom, (1 + confidence) / 2)) * self.stderr
        return self.value - reach, self.value + reach

    @property
    def settled(self) -> bool:
        """Whether blocks are long enough: a block says nothing of the next, within 3 standard errors."""
        return bool((np.abs(self.memory) <= 3 / np.sqrt(self.freedom + 1)).all())

    def __float__(self) -> float:
        return float(self.value)

    def scaled(self, factor: float, unit: str) -> Estimate:
        """The estimate of a multiple.

        >>> Estimate(np.array(2.0), np.array(0.1), "m", freedom=29).scaled(10.0, "dm").stderr
        np.float64(1.0)
        """
        return Estimate(factor * self.value, np.abs(factor * self.stderr), unit, self.freedom, self.memory)


def by_blocks(series: NDArray[Any], blocks: int | None = None) -> NDArray[np.float64]:
    """Means over consecutive parts of a series, all of one length, (block, ...); a rest at the end is left out.

    *How to choose* the number of blocks: a block must be longer than the memory of what is read. 30 to 100 do; more
    blocks say more about memory (`Estimate.settled`), fewer have less of it.

    Parameters
    ----------
    series : (window, ...)
        In the order of time.
    blocks
        How many, at least 30; 50 by default, or as many as there are windows if these are fewer.

    Raises
    ------
    ValueError
        If there are fewer than 30 blocks or windows.

    Examples
    --------
    >>> by_blocks(np.arange(60.0), 30)[:3]
    array([0.5, 2.5, 4.5])
    """
    windows = len(series)
    if windows < LEAST_BLOCKS:
        raise ValueError(
            f"At least {LEAST_BLOCKS} windows are needed, or errors mislead: got {windows}. Watch more, shorter ones."
        )
    count = min(windows, 50) if blocks is None else blocks
    if not LEAST_BLOCKS <= count <= windows:
        raise ValueError(
            f"`blocks` must be {LEAST_BLOCKS} to {windows}, the number of windows, or errors mislead: got {count}."
        )
    each = windows // count
    kept = np.asarray(series, dtype=np.float64)[: each * count]
    return np.asarray(kept.reshape(count, each, *kept.shape[1:]).mean(axis=1))


def jackknife(
    statistic: Callable[[NDArray[np.float64]], NDArray[np.float64] | float], blocks: NDArray[np.float64], unit: str
) -> Estimate:
    """A function of mean values, its error by leaving out one block at a time; for ratios without their bias.

    Parameters
    ----------
    statistic
        (...) -> what is estimated, of any shape, from the mean values of all quantities.
    blocks : (block, ...)
        Block means of the quantities.
    unit
        Of the result.

    Raises
    ------
    ValueError
        If there are fewer than 30 blocks.

    References
    ----------
    B. Efron, The Jackknife, the Bootstrap and Other Resampling Plans (SIAM 1982), chapters 2 and 3.

    Examples
    --------
    >>> pairs = np.random.default_rng(0).normal([2.0, 4.0], 0.01, (40, 2))
    >>> jackknife(lambda mean: mean[1] / mean[0], pairs, "1").value.round(2)
    np.float64(2.0)
    """
    count = len(blocks)
    if count < LEAST_BLOCKS:
        raise ValueError(f"At least {LEAST_BLOCKS} blocks are needed, or errors mislead: got {count}.")
    whole = np.asarray(statistic(blocks.mean(axis=0)))
    without = (blocks.sum(axis=0) - blocks) / (count - 1)
    parts = count * whole - (count - 1) * np.array([statistic(mean) for mean in without])
    apart = parts - parts.mean(axis=0)
    spread = (apart**2).sum(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        memory = np.where(spread > 0, (apart[1:] * apart[:-1]).sum(axis=0) / spread, 0.0)
    stderr = np.sqrt(spread / (count * (count - 1)))
    return Estimate(parts.mean(axis=0), stderr, unit, count - 1, memory)
