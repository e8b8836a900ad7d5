"""What to choose: healing, burst, step and replicas, and what they gain."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, floor, inf, log, nan, sqrt
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from eqfree.burst import slope
from eqfree.diagnosis.closure import Healing
from eqfree.diagnosis.transient import leave_out, length
from eqfree.ensemble import Key
from eqfree.results import Cost, Value
from eqfree.stepper import CoarseTimeStepper

__all__ = ["Advice", "Noise", "advise", "plan", "read_noise"]

Array: TypeAlias = NDArray[np.float64]
BURSTS = 2  # of a step of second order, `eqfree.projective.Midpoint`
_FARTHEST = 10.0  # horizons: nobody has looked beyond
_LEAST_WINDOW = 0.05  # of the step, so that a leap multiplies noise by no more than twenty


@dataclass(frozen=True)
class Advice:
    """Numbers for projective integration of second order, `eqfree.projective.Midpoint`.

    Attributes
    ----------
    healing
        What a slope leaves out of a burst, for the stepper.
    burst
        Healing, and as long again to read the slope in.
    step
        From one macro state to the next: ``change rate * step = sqrt(6 tolerance)``.
    replicas
        So many that the slope's standard error is ``tolerance`` of it.
    speed_up
        Time of a step over the time of its bursts; below one, simulate plainly.
    speed_up_at_equal_error
        The same, times the variance that plain simulation gathers over a step in parts of that of the projected
        state: where noise decides, leaping saves less than it seems.
    """

    healing: float
    burst: float
    step: float
    replicas: int
    speed_up: float
    speed_up_at_equal_error: float


@dataclass(frozen=True, eq=False)
class Noise:
    """The healed slope and its noise.

    Attributes
    ----------
    slope, stderr : (...)
        Of the macro state's shape: the mean over replicas.
    deviation : (...)
        Standard deviation of one replica's slope.
    exponent
        With which the noise falls with the number of replicas; -1/2 where they are independent.
    replicas, spread : (batch,)
        Batches of so many replicas, and the standard deviation of their mean slopes in parts of the slope; NaN
        where the slope is less than its standard error.
    projected
        The variance of one replica's projected state, components scaled and summed.
    cost
        What it took.
    """

    slope: Array
    stderr: Array
    deviation: Array
    exponent: Value
    replicas: NDArray[np.int64]
    spread: Array
    projected: float
    cost: Cost

    @property
    def drowns(self) -> bool:
        """Whether the slope is less than its standard error."""
        return bool(np.isnan(self.spread).any())


def plan(
    healing: Healing, change: Value, horizon: float, tolerance: float, time_step: float | None, *, noisy: bool
) -> tuple[float, float, float]:
    """Healing, burst and step.

    The fast rate b has to die before the leap makes it large again, ``healing >= log(b step) / b``; healing is that,
    or what the wanted error needs if that is more. The step is ``sqrt(6 tolerance)`` over the rate at which
    the slope changes, whose global error at second order is the tolerance over the inverse of that rate; two standard
    errors are added to it.

    >>> none = Healing(Value(0.0), Value(0.0), np.zeros(1))
    >>> plan(none, Value(2.0), 1.0, 0.06, None, noisy=True)
    (0.0, 0.015, 0.3)
    """
    rate = change.value + 2 * change.stderr
    step = min(sqrt(6 * tolerance) / rate if rate > 0 else inf, _FARTHEST * horizon)
    heal = healing.time.value
    if healing.happens and healing.rate.value * step > 1:
        heal = max(heal, log(healing.rate.value * step) / healing.rate.value)
    window = max(heal, _LEAST_WINDOW * step) if noisy or heal == 0 else heal
    if time_step is None:
        return heal, heal + window, step
    heal, window = (ceil(time / time_step - 1e-9) * time_step for time in (heal, window))
    return heal, heal + window, max(floor(step / time_step + 1e-9), 1) * time_step


def read_noise(
    stepper: CoarseTimeStepper, macro: Array, times: tuple[float, float], leap: float, scale: Array, key: Key
) -> Noise:
    """One more burst, read where a projective step reads it.

    >>> import eqfree as ef
    >>> walk = ef.micro_model(lambda u, rng: u, lambda u, t, rng: u + t + 0.1 * rng.normal(size=1), lambda u: u)
    >>> stepper = ef.CoarseTimeStepper(walk, replicas=64)
    >>> noise = read_noise(stepper, np.array([1.0]), (0.0, 1.0), 0.0, np.ones(1), ())
    >>> noise.slope.round(1), noise.deviation.round(1)
    (array([1.]), array([0.1]))
    """
    burst = stepper.burst(macro, times, key, samples=True)
    assert burst.samples is not None
    chords = np.array([slope(burst.times, path) for path in burst.samples])
    mean, count = chords.mean(axis=0), len(chords)
    deviation = chords.std(axis=0, ddof=1) if count > 1 else np.zeros_like(mean)
    weights = np.divide(1.0, scale, out=np.zeros_like(scale), where=scale > 0)
    flat, ends = chords.reshape(count, -1) * weights, burst.samples[:, -1].reshape(count, -1) * weights
    size = length(leave_out(flat))
    batches, spread = _spread_in_batches(flat)
    projected = (ends.var(axis=0, ddof=1) + leap**2 * flat.var(axis=0, ddof=1)).sum() if count > 1 else 0.0
    return Noise(
        slope=mean,
        stderr=deviation / sqrt(count),
        deviation=deviation,
        exponent=_exponent(batches, spread, count),
        replicas=batches,
        spread=spread / size if size else np.full_like(spread, nan),
        projected=float(projected),
        cost=burst.cost,
    )


def _spread_in_batches(slopes: Array) -> tuple[NDArray[np.int64], Array]:
    """Standard deviations of the means of batches of 1, 2, 4, ... replicas, four batches at least."""
    sizes = 2 ** np.arange(max(int(np.log2(max(len(slopes), 1) / 4)) + 1, 0))
    means = [slopes[: len(slopes) // size * size].reshape(-1, size, slopes.shape[1]).mean(axis=1) for size in sizes]
    return sizes, np.array([np.sqrt(one.var(axis=0, ddof=1).sum()) for one in means])


def _exponent(batches: NDArray[np.int64], spread: Array, count: int) -> Value:
    """Weighted least squares of log spread on log replicas; m batches tell log spread to 1/sqrt(2 (m - 1))."""
    if len(batches) < 2 or not (spread > 0).all():
        return Value(nan, nan)
    weights = 2.0 * (count // batches - 1)
    x, y = np.log(batches), np.log(spread)
    centred = x - np.average(x, weights=weights)
    square = float(weights @ centred**2)
    return Value(float((weights * centred) @ y) / square, sqrt(1 / square))


def advise(times: tuple[float, float, float], noise: Noise, plain_variance: float, tolerance: float) -> Advice:
    """Replicas for the wanted error, and what leaping gains.

    ``plain_variance`` is that of one replica which is simulated all the way, after a step.
    """
    heal, burst, step = times
    gain = step / (BURSTS * burst)
    relative = float(noise.spread[0]) if len(noise.spread) else 0.0
    return Advice(
        healing=heal,
        burst=burst,
        step=step,
        replicas=max(ceil((relative / tolerance) ** 2), 1),
        speed_up=gain,
        speed_up_at_equal_error=gain * plain_variance / noise.projected if noise.projected > 0 else gain,
    )
