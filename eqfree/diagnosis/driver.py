"""The diagnosis of a coarse time-stepper at a macro state."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from math import ceil, floor, inf, isfinite
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from eqfree.diagnosis.advice import advise, plan, read_noise
from eqfree.diagnosis.closure import Verdict, slowest, worst
from eqfree.diagnosis.look import Look, take
from eqfree.diagnosis.paths import follow, instants
from eqfree.diagnosis.report import Diagnosis
from eqfree.ensemble import Key, check_key
from eqfree.fields import check_bounds
from eqfree.micro import is_deterministic
from eqfree.results import Cost, Value
from eqfree.stepper import CoarseTimeStepper

__all__ = ["diagnose"]

Array: TypeAlias = NDArray[np.float64]
_FEWEST = 8  # replicas of a random model
_PROBES = 10
_STEPS = 16  # of the model's own, in the first horizon
_HEALINGS = 4.0  # of the stepper's own, in the first horizon
_SHRINK = 4.0
_FURTHER = 3  # doublings


def diagnose(
    stepper: CoarseTimeStepper,
    macro: ArrayLike,
    *,
    horizon: float | None = None,
    tolerance: float = 0.05,
    lifts: Mapping[str, CoarseTimeStepper] | None = None,
    time: float = 0.0,
    key: Key = (),
) -> Diagnosis:
    """Find out by short runs how long to heal, how far to leap, how many replicas, and whether the macro state closes.

    Populations are lifted, run for a horizon s, and read. Then each goes on as it is, and each is lifted anew from
    what was read: two paths, replica by replica, from one macro state. What their slopes differ by is what the
    macro state does not tell. While it dies, the lift heals: with ``a`` the slow rate of the carried path and
    ``D(t)`` the difference of the paths, ``D' + a D = start exp(-b t)`` on a linear slow-fast system, exactly. The
    fast rate ``b`` and ``start`` are fitted; **healing** ends where that is down to ``tolerance``, in parts of
    ``start`` or of the slope if that is more. The macro state **does not close** where the slopes still differ over
    the later half of the horizon, by more than the tolerance and three standard errors, and that is not the end of a
    transient; or where healing takes more than 0.4 slow times: ``b`` is then within log(1/tolerance)/0.4 of ``a``,
    7.5 at 5 %, and the macro state has moved on before the lift is forgotten.

    A macro state with fast variables in it is carried and lifted anew alike; what heals there is its own way to the
    slow manifold, read from the first path. A transient that oscillates is read as if it did not; one that is over
    within the 65536th part of the horizon is told as that long. A macro state that oscillates with a period
    shorter than the horizon is taken for a slower one. What every lift gets wrong alike and no run undoes, a constant
    of the motion that the macro state does not tell, shows only beside other ``lifts``.

    *How to choose.* ``horizon``: half a slow time, the time over which a healed slope changes by its own size. By
    itself it is looked for, from 16 time steps of the model, 4 healings of the stepper or 1, by doubling until
    the slope changes that much, ten probes at most: six horizons a replica. Shorter horizons are cheaper and blind
    to what drifts slowly. ``tolerance``: the relative error of a slope that you can bear. Replicas are the stepper's:
    take 32 for a first look, then as many as the diagnosis says would decide.

    Parameters
    ----------
    stepper
        The coarse time-stepper; 8 replicas or more of a random model.
    macro
        A macro state that moves: at rest there is no slope to compare with.
    horizon
        How long each path is, in the model's time unit.
    tolerance
        The wanted relative error of a slope, and the part of a transient that may be left.
    lifts
        Name -> a stepper that lifts the same macro state otherwise: compared with ``stepper`` from ``macro`` on.
    time
        At which the macro state is lifted, for models that know what time it is. Their slope changes besides with
        time: at ``slow_rate`` in all.
    key
        Which noise.

    Raises
    ------
    ValueError
        For fewer replicas than 8 of a random model, a tolerance that is not between 0 and 1, or a horizon that is
        not positive or cannot be halved in time steps. As `OutOfBoundsError` for a macro state outside the model's
        bounds; the states that are read and lifted anew are brought within, and counted as ``restored``.
    NotFiniteError
        If a NaN or an infinity comes out of ``restrict`` within two horizons.

    References
    ----------
    I. G. Kevrekidis et al., Commun. Math. Sci. 1 (2003) 715, doi:10.4310/CMS.2003.v1.n4.a5, on healing and
    closure.

    Examples
    --------
    A slow x, and a fast y that the macro state does not have; lifting sets it to zero.

    >>> import eqfree as ef
    >>> def evolve(micro, duration, rng):
    ...     x, y = micro
    ...     fast = np.exp(-100 * duration)
    ...     return np.array([x * np.exp(-duration) + (y - 1) * (1 - fast) / 100, 1 + (y - 1) * fast])
    >>> model = ef.micro_model(
    ...     lambda macro, rng: np.array([macro[0], 0.0]), evolve, lambda micro: micro[:1], deterministic=True
    ... )
    >>> diagnosis = ef.diagnose(ef.CoarseTimeStepper(model), [1.0])
    >>> diagnosis.verdict.name, round(diagnosis.slow_rate.value, 3)
    ('CLOSES', 1.0)
    """
    array = np.array(macro, dtype=np.float64)
    check_bounds(stepper.fields, array)
    others = dict(lifts or {})
    _check(stepper, others, tolerance, horizon, time)
    checked = check_key(key)
    time_step = getattr(stepper.model, "time_step", None)

    def see(span: float, number: int) -> Look:
        paths = follow(stepper, array, instants(span, time_step), others, (*checked, number), time)
        return take(paths, stepper.fields, tolerance)

    if horizon is None:
        look, cost = _search(see, _first_horizon(stepper.healing, time_step), time_step)
    else:
        look = see(horizon, 0)
        cost = look.paths.cost
    healing = slowest(look.comparisons, look.off_manifold)
    span = look.paths.horizon
    healed = isfinite(healing.time.value)
    known = healing if healed else replace(healing, time=Value(span / 2))
    heal, burst, step = plan(known, look.change, span, tolerance, time_step, noisy=look.noisy)
    noise = read_noise(stepper.at(time), array, (heal, burst), step - burst, look.scale, (*checked, _PROBES))
    closed = worst(look.comparisons) is not Verdict.DOES_NOT_CLOSE and healed
    sloped = not look.rests and not noise.drowns
    leading, component = look.leading(stepper.fields)
    return Diagnosis(
        comparisons=look.comparisons,
        off_manifold=look.off_manifold,
        slow_rate=look.slow,
        change_rate=look.change,
        noise=noise,
        advice=advise((heal, burst, step), noise, look.plain_variance(step), tolerance) if closed and sloped else None,
        paths=leading,
        component=component,
        horizon=span,
        tolerance=tolerance,
        restored=look.paths.restored,
        cost=cost + noise.cost,
    )


def _check(
    stepper: CoarseTimeStepper,
    lifts: Mapping[str, CoarseTimeStepper],
    tolerance: float,
    horizon: float | None,
    time: float,
) -> None:
    if not 0 < tolerance < 1:
        raise ValueError(f"`tolerance` must be between 0 and 1, a relative error: got {tolerance!r}.")
    if not isfinite(time):
        raise ValueError(f"`time` must be finite: got {time!r}.")
    for one in (stepper, *lifts.values()):
        if is_deterministic(one.model) != is_deterministic(stepper.model):
            raise ValueError("`lifts` must be deterministic where `stepper` is, and random where it is random.")
    if not is_deterministic(stepper.model) and stepper.replicas < _FEWEST:
        raise ValueError(
            f"`stepper` must have {_FEWEST} replicas or more of a random model: got {stepper.replicas}. "
            "Take `stepper.with_replicas(32)`."
        )
    if horizon is None:
        return
    if not 0 < horizon < inf:
        raise ValueError(f"`horizon` must be a positive time: got {horizon!r}.")
    time_step = getattr(stepper.model, "time_step", None)
    if time_step is None:
        return
    pairs = round(horizon / (2 * time_step))
    if pairs < 2 or abs(2 * pairs * time_step - horizon) > 1e-9 * horizon:
        below = max(floor(horizon / (2 * time_step)), 2)
        raise ValueError(
            f"`horizon` must be an even number of the model's time steps of {time_step:.10g}, four or more: got "
            f"{horizon:.10g}. Take {2 * below * time_step:.10g} or {2 * (below + 1) * time_step:.10g}."
        )


def _search(see: Callable[[float, int], Look], span: float, time_step: float | None) -> tuple[Look, Cost]:
    """Look over longer and longer horizons until a slow time can be seen; ``see`` is given the horizon and a number.

    What does not heal within a slow time may only be slow to begin: it is looked at for a few doublings more, and
    if the motion goes on much slower, that is the slow motion, and the first was not.
    """
    looks = [see(span, 0)]
    while looks[-1].is_far_too_long and len(looks) < _PROBES and _may_shrink(span, time_step):
        span /= _SHRINK
        looks.append(see(span, len(looks)))
    candidate: Look | None = None
    further = 0
    while True:
        look = looks[-1]
        if candidate is not None and look.is_slower_than(candidate):
            candidate = None
        if candidate is None and (look.is_enough or look.is_too_long):
            shorter = looks[-2] if len(looks) > 1 and looks[-2].paths.horizon < span else look
            candidate, further = (shorter if look.is_over else look), _FURTHER
        if len(looks) >= _PROBES or (candidate is not None and (candidate.is_settled or look.rests or not further)):
            break
        span, further = 2 * span, further - 1
        looks.append(see(span, len(looks)))
    return candidate or look, sum((one.paths.cost for one in looks), Cost())


def _may_shrink(span: float, time_step: float | None) -> bool:
    return time_step is None or span >= 4 * _SHRINK * time_step


def _first_horizon(healing: float, time_step: float | None) -> float:
    unasked = 1.0 if time_step is None else _STEPS * time_step
    wanted = _HEALINGS * healing if healing > 0 else unasked
    return wanted if time_step is None else max(2 * ceil(wanted / (2 * time_step) - 1e-9), 4) * time_step
