"""Whether a mean over replicas is zero as far as its noise can tell."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.random import PCG64, Generator
from numpy.typing import NDArray

__all__ = ["zero_probability"]

Array: TypeAlias = NDArray[np.float64]

_FLIPS = 999
_QUIET = 1e-12  # noise, in parts of the largest, that is none
_ROUND_OFF = 1e-9
_SEED = 1931  # of the signs, which any would do for


def zero_probability(samples: Array) -> float:
    """How probable a mean as far from zero as this is, if zero is what it should be.

    Hotelling's T² = n m' C⁻¹ m, which is F-distributed, where there are twice as many replicas as numbers. With fewer
    the covariance C is singular or nearly so: it is then that about zero, shrunk towards its diagonal by d/(d + n), and
    the law of T² is had by flipping the signs of whole replicas at random: fair for every law that is symmetric, and
    for every shrinkage. A number, or with many replicas a combination of numbers, without any noise must be zero to
    round-off.

    Parameters
    ----------
    samples : (replica, number)

    References
    ----------
    H. Hotelling, Ann. Math. Stat. 2 (1931) 360, doi:10.1214/aoms/1177732979. J. P. Romano, J. Am. Stat. Assoc. 85
    (1990) 686, doi:10.1080/01621459.1990.10474928.

    Examples
    --------
    >>> samples = np.array([[0.1], [-0.2], [0.05], [-0.1], [0.15], [0.0]])
    >>> bool(zero_probability(samples) > 0.5), bool(zero_probability(samples + 1.0) < 1e-3)
    (True, True)
    """
    mean, spread = samples.mean(axis=0), samples.std(axis=0, ddof=1)
    noisy = spread > _QUIET * np.abs(samples).max(axis=0, initial=1e-300)
    if (np.abs(mean[~noisy]) > _ROUND_OFF).any():
        return 0.0
    seen = samples[:, noisy] / spread[noisy]
    replicas, numbers = seen.shape
    if numbers == 0:
        return 1.0
    if replicas >= 2 * numbers + 2:
        return _hotelling(seen, spread[noisy])
    return _by_signs(seen)


def _hotelling(samples: Array, units: Array) -> float:
    """Of samples that are measured in these units."""
    from scipy.special import fdtrc

    replicas, mean = len(samples), samples.mean(axis=0)
    _, sizes, ways = np.linalg.svd((samples - mean) / np.sqrt(replicas - 1), full_matrices=False)
    along, noisy = ways @ mean, sizes > _QUIET * sizes[0]
    if (np.abs(along) > _ROUND_OFF * np.abs(ways / units).sum(axis=1))[~noisy].any():
        return 0.0
    numbers = int(noisy.sum())
    squared = replicas * float(((along[noisy] / sizes[noisy]) ** 2).sum())
    free = replicas - numbers
    return float(fdtrc(numbers, free, squared * free / (numbers * (replicas - 1))))


def _by_signs(samples: Array) -> float:
    replicas, numbers = samples.shape
    second = samples.T @ samples / replicas
    shrinkage = numbers / (numbers + replicas)
    shrunk = (1 - shrinkage) * second + shrinkage * np.diag(np.diag(second))
    white = np.linalg.solve(np.linalg.cholesky(shrunk), samples.T).T
    signs = Generator(PCG64(_SEED)).choice([-1.0, 1.0], size=(_FLIPS, replicas))
    size = (white.mean(axis=0) ** 2).sum()
    flipped = ((signs @ white / replicas) ** 2).sum(axis=1)
    return float((1 + (flipped >= size).sum()) / (1 + _FLIPS))
