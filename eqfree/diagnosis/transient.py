"""What dies fast on a path, and how slow the rest is."""

from __future__ import annotations

from dataclasses import dataclass
from math import log, sqrt
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

__all__ = [
    "ROUND_OFF",
    "Transient",
    "change_rates",
    "fit_transient",
    "jackknife",
    "leave_out",
    "length",
    "seen",
    "slow_rate",
]

Array: TypeAlias = NDArray[np.float64]
FAR = 4.0  # slow times: the most that two moves tell
ROUND_OFF = 1e-9  # of what moves: less has not moved
_GROUPS = 40  # of replicas, for the jackknife
_ONE_SIDED = 0.00135  # how often a normal number exceeds three standard errors
_TINY = float(np.finfo(float).tiny)
_RATES, _ZOOMS = 65, 7  # tried at once, and how often: a rate is found to one part in 1e9


@dataclass(frozen=True, eq=False)
class Transient:
    """A path's part that dies as ``amplitude exp(-rate t)``.

    Attributes
    ----------
    rate
        One for all components.
    amplitude : (component,)
    """

    rate: float
    amplitude: Array


def leave_out(samples: Array) -> Array:
    """The mean over replicas, and behind it the means that leave one group of replicas out: (1 + group, ...).

    One replica has no groups.

    >>> leave_out(np.array([1.0, 2.0, 6.0]))
    array([3. , 4. , 3.5, 1.5])
    """
    groups = min(len(samples), _GROUPS)
    mean = samples.mean(axis=0)
    if groups == 1:
        return np.asarray(mean[None])
    number = np.arange(len(samples)) * groups // len(samples)
    return np.stack([mean, *(samples[number != group].mean(axis=0) for group in range(groups))])


def jackknife(estimates: Array) -> Array:
    """The standard error of an estimate made of each of the means of `leave_out`; zero where there are no groups.

    For a mean it is the usual standard error (B. Efron and C. Stein, Ann. Statist. 9 (1981) 586,
    doi:10.1214/aos/1176345462).

    >>> samples = np.array([1.0, 2.0, 6.0])
    >>> bool(np.isclose(jackknife(leave_out(samples)), samples.std(ddof=1) / 3**0.5))
    True
    """
    groups = len(estimates) - 1
    if groups == 0:
        return np.zeros(estimates.shape[1:])
    spread = estimates[1:] - estimates[1:].mean(axis=0)
    return np.asarray(np.sqrt((groups - 1) / groups * (spread**2).sum(axis=0)))


def seen(estimates: Array, looks: int = 1, *, least: Array | float = ROUND_OFF) -> bool:
    """Whether any component (1 + group, component) differs from zero by more than three standard errors.

    By more where there are few groups (Student's t), many components, or several ``looks`` to choose the largest
    from (Bonferroni). Without noise, whether any differs by more than ``least``, its round-off.

    >>> seen(np.array([[2.0], [2.1], [1.9]])), seen(np.array([[1e-12]]))
    (False, False)
    """
    value, groups = np.abs(estimates[0]), len(estimates) - 1
    if groups == 0:
        return bool((value > least).any())
    quantile = stdtrit(groups - 1, 1 - _ONE_SIDED / (value.size * looks))
    return bool((value > quantile * jackknife(estimates)).any())


def length(estimates: Array) -> float:
    """The length of the first of these vectors (1 + group, component), less what its noise adds to its square.

    >>> length(np.array([[3.0, 4.0]]))
    5.0
    """
    square = float((estimates[0] ** 2).sum() - (jackknife(estimates) ** 2).sum())
    return sqrt(max(square, 0.0))


def slow_rate(first: Array, second: Array, duration: float, noise: float) -> float:
    """The rate at which a slope dies: from the moves (component,) in two neighbouring intervals of one duration.

    ``-log(<second, first> / (<first, first> - noise)) / duration`` with ``noise`` the squared standard error of
    the first move, which its square has too much; negative where the slope grows. Exact for one exponential.
    Rates out of ``(-4, 4) / duration`` are told as the nearest end: the horizon is too long to see them.

    >>> round(slow_rate(np.array([1.0]), np.array([0.5]), 2.0, 0.0), 4)
    0.3466
    """
    square = float(first @ first) - noise
    ratio = float(first @ second) / square if square > 0 else 1.0
    return -log(min(max(ratio, np.exp(-FAR)), np.exp(FAR))) / duration


def change_rates(first: Array, second: Array, duration: float, noise: float, least: Array) -> Array:
    """The rates (1 + group,) at which a slope changes, as it dies, grows or turns: of moves as `slow_rate` has them.

    The second move is taken apart, into what is along the first and, less what its noise adds to its square, what is
    across: ``|log(along + i across)| / duration``, in parts of the first. Exact for one exponential, real or complex,
    that turns by less than a half over a duration. What is across counts where it is seen, never for one component.

    >>> angle = 0.3
    >>> first, second = np.array([[1.0, 0.0]]), np.array([[np.cos(angle), np.sin(angle)]])
    >>> change_rates(first, second, 0.1, 0.0, np.zeros(2)).round(9)
    array([3.])
    """
    squares, overlaps = (first**2).sum(axis=1), (first * second).sum(axis=1)
    across = second - (overlaps / np.maximum(squares, _TINY))[:, None] * first
    turns = np.zeros(len(across))
    if seen(across, least=least):
        turns = np.sqrt(np.maximum((across**2).sum(axis=1) - float((jackknife(across) ** 2).sum()), 0.0))
    told = squares > noise
    squares = np.where(told, squares - noise, 1.0)
    ratios = np.where(told, overlaps / squares + 1j * turns / np.sqrt(squares), 1.0)
    sizes = np.clip(np.abs(ratios), np.exp(-FAR), np.exp(FAR))
    return np.asarray(np.hypot(np.log(sizes), np.angle(ratios)) / duration)


def fit_transient(
    times: Array, path: Array, variances: Array, slow: Array | None = None, rate: float | None = None
) -> Transient:
    """Fit ``constant + amplitude exp(-rate t)`` to a path (time, component), and ``slow`` (time,) besides if given.

    Least squares on the increments, whose ``variances`` (time - 1,) are given: what an agent model adds from one
    instant to the next is nearly independent, its states are not. The amplitudes are linear, so that only the
    rate is searched for (variable projection: G. H. Golub and V. Pereyra, SIAM J. Numer. Anal. 10 (1973) 413,
    doi:10.1137/0710036), between half the inverse of the horizon and twice the inverse of the first time, unless
    it is given.

    >>> times = np.linspace(0.0, 1.0, 20)
    >>> fit = fit_transient(times, 3 + 2 * np.exp(-7 * times)[:, None], np.ones(19))
    >>> round(fit.rate, 3), fit.amplitude.round(3)
    (7.0, array([2.]))
    """
    weights = 1 / np.sqrt(variances)
    moves = np.diff(path, axis=0) * weights[:, None]
    drift = np.zeros(len(weights)) if slow is None else np.diff(slow) * weights
    drift = drift / max(float(np.linalg.norm(drift)), _TINY)
    moves = moves - np.outer(drift, drift @ moves)

    def amplitudes(rates: Array) -> tuple[Array, Array]:
        """Of shape (rate, component), and by how much each rate lessens the sum of squares."""
        shapes = np.diff(np.exp(-np.outer(rates, times)), axis=1) * weights
        shapes = shapes - np.outer(shapes @ drift, drift)
        squares = np.maximum((shapes**2).sum(axis=1), _TINY)
        overlaps = shapes @ moves
        return overlaps / squares[:, None], (overlaps**2).sum(axis=1) / squares

    if rate is not None:
        return Transient(rate, amplitudes(np.array([rate]))[0][0])
    low, high = 0.5 / times[-1], 2.0 / times[1]
    for _ in range(_ZOOMS):
        rates = np.geomspace(low, high, _RATES)
        found, gains = amplitudes(rates)
        best = int(np.argmax(gains))
        low, high = rates[max(best - 1, 0)], rates[min(best + 1, _RATES - 1)]
    return Transient(float(rates[best]), np.asarray(found[best]))
