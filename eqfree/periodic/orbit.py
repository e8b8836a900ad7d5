"""Cycles of the unknown equation: fixed points of a return map, or of the flow over a period that is unknown."""

from __future__ import annotations

from dataclasses import replace
from math import inf
from numbers import Integral, Real
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from eqfree.coarse_map import TimeShift, check_map
from eqfree.ensemble import Key, NotFiniteError
from eqfree.fields import OutOfBoundsError, check_bounds
from eqfree.fixed_points import Method, find_fixed_point
from eqfree.periodic.cycle import Cycle, read_cycle
from eqfree.periodic.section import Section
from eqfree.results import Cost, FixedPoint, PeriodicOrbit, Spectrum, Status
from eqfree.stability import coarse_multipliers
from eqfree.stepper import CoarseTimeStepper

__all__ = ["DELAY", "find_periodic_orbit", "healed_returns", "of_time"]

Array: TypeAlias = NDArray[np.float64]

DELAY = 1e-4
"""Part of a period after which a state is read again, for how it moves."""

_PATIENCE = 5.0  # periods within which a population comes back
_START, _POINT, _SPECTRUM, _CYCLE = range(4)  # keys


def find_periodic_orbit(
    stepper: CoarseTimeStepper,
    macro0: ArrayLike,
    period0: float,
    key: Key = (),
    *,
    section: Section | None = None,
    method: Method | None = None,
    key_sets: int = 4,
    multipliers: int = 4,
    returns: int = 8,
    difference: float | None = None,
) -> PeriodicOrbit:
    """A cycle of the unknown equation, stable or not: its state, its period, its Floquet multipliers.

    With a `Section` it is a fixed point of the averaged return map: every replica is followed to its own crossing,
    since phases diffuse, and the state there is averaged. This is the way for noisy models, and for those with a
    ``time_step``. Without one a deterministic model is shot over a period that is an unknown: U = M(T) U, and U is held
    where macro0 is along the flow. Solvers, sets of random numbers and standard errors are those of `find_fixed_point`.

    *How to choose.* ``macro0``, ``period0``: from a simulation that has settled; an unstable cycle is reached by
    `switch_to_cycles` and `continue_cycles`. ``returns``: the standard error of the period falls as one over the root
    of returns times replicas. The stepper's healing should be short beside the period; with a section it is one return.

    Parameters
    ----------
    stepper
        Of the oscillating model.
    macro0
        Near the cycle, (...).
    period0
        About how long it takes.
    key
        Which noise.
    section
        Where the cycle is read; may be left out for a deterministic model that takes any duration.
    method, key_sets, difference
        As in `find_fixed_point`.
    multipliers
        How many Floquet multipliers are computed; 0 for none.
    returns
        Of every replica, that the period is the mean of; a deterministic model makes one.

    Returns
    -------
    PeriodicOrbit
        Also where none was found: ``message`` says why.

    Raises
    ------
    ValueError
        For a period that is not positive, a noisy model without a section, a model with a ``time_step`` without one, or
        what `find_fixed_point` refuses.

    References
    ----------
    Kevrekidis & Samaey, Annu. Rev. Phys. Chem. 60 (2009) 321, doi:10.1146/annurev.physchem.59.032607.093610.

    Examples
    --------
    >>> import eqfree as ef
    >>> def turn(z, t, rng):  # r' = r (1 - r²), angle' = 2
    ...     r = 1 / np.sqrt(1 + (abs(z) ** -2 - 1) * np.exp(-2 * t))
    ...     return r * z / abs(z) * np.exp(2j * t)
    >>> model = ef.micro_model(
    ...     lambda u, rng: u[0] + 1j * u[1], turn, lambda z: np.array([z.real, z.imag]), deterministic=True)
    >>> orbit = ef.find_periodic_orbit(ef.CoarseTimeStepper(model), [0.9, 0.1], period0=3.0)
    >>> orbit.success, round(orbit.period, 6), orbit.stability.value
    (True, 3.141593, 'stable')
    """
    if not (isinstance(period0, Real) and 0 < period0 < inf):
        raise ValueError(f"`period0` must be a positive time: got {period0!r}.")
    for name, value, least in (("multipliers", multipliers, 0), ("returns", returns, 1)):
        if isinstance(value, bool) or not isinstance(value, Integral) or value < least:
            raise ValueError(f"`{name}` must be a whole number, at least {least}: got {value!r}.")
    check_map(stepper, period0)
    if section is None and not stepper.deterministic:
        raise ValueError(
            "A noisy cycle is read where it crosses a section, since its phase diffuses: got none. Give `section`, "
            "Section(reading, level, rearm, sampling)."
        )
    state = np.array(macro0, dtype=np.float64)
    check_bounds(stepper.fields, state)
    if section is None:
        return _shoot(stepper, state, float(period0), key, method, multipliers, difference)
    patient = section if section.longest is not None else replace(section, longest=_PATIENCE * period0)
    return _cross(stepper, state, float(period0), key, patient, method, key_sets, multipliers, returns, difference)


def of_time(period: float) -> TimeShift:
    """The motion of time, for a cycle of about this period.

    >>> of_time(10.0)
    TimeShift(delay=0.001)
    """
    return TimeShift(DELAY * period)


def healed_returns(stepper: CoarseTimeStepper) -> int:
    """Returns that are thrown away on both sides of the equation: one where something has to heal.

    >>> import eqfree as ef
    >>> model = ef.micro_model(lambda u, rng: u, lambda u, t, rng: u, lambda u: u)
    >>> healed_returns(ef.CoarseTimeStepper(model)), healed_returns(ef.CoarseTimeStepper(model, healing=0.1))
    (0, 1)
    """
    return int(stepper.healing > 0)


def _shoot(
    stepper: CoarseTimeStepper,
    state: Array,
    period0: float,
    key: Key,
    method: Method | None,
    multipliers: int,
    difference: float | None,
) -> PeriodicOrbit:
    """The flow over an unknown period."""
    symmetry = of_time(period0)
    found = find_fixed_point(
        stepper, state, period0, (*key, _POINT), method=method, symmetry=symmetry, difference=difference
    )
    if not found.success:
        return _failed(found, found.status, found.detail, found.cost)
    spectrum, cost = None, found.cost
    if multipliers:
        spectrum = coarse_multipliers(
            stepper,
            found.lifted,
            found.duration,
            multipliers,
            (*key, _SPECTRUM),
            symmetry=symmetry,
            difference=difference,
        )
        cost = cost + spectrum.cost
    cycle = read_cycle(stepper, found.lifted, found.duration, (*key, _CYCLE), None, 1)
    return _orbit(found, spectrum, cycle, cost)


def _cross(
    stepper: CoarseTimeStepper,
    state: Array,
    period0: float,
    key: Key,
    section: Section,
    method: Method | None,
    key_sets: int,
    multipliers: int,
    returns: int,
    difference: float | None,
) -> PeriodicOrbit:
    """The averaged return map."""
    returning = section.of(stepper, period0, healed_returns(stepper))
    cost = Cost()
    try:
        begun = returning.burst(state, [1.0], (*key, _START))
        cost = _in_time(begun.cost, period0)
        found = find_fixed_point(
            returning,
            begun.mean[-1],
            1.0,
            (*key, _POINT),
            method=method,
            key_sets=1 if stepper.deterministic else key_sets,
            difference=difference,
        )
        cost = cost + _in_time(found.cost, period0)
        if not found.success:
            return _failed(found, found.status, found.detail, cost)
        enough = stepper if stepper.deterministic else stepper.with_replicas(found.replicas)
        returning = section.of(enough, period0, healed_returns(stepper))
        spectrum = None
        if multipliers:
            spectrum = coarse_multipliers(
                returning, found.lifted, 1.0, multipliers, (*key, _SPECTRUM), difference=difference
            )
            cost = cost + _in_time(spectrum.cost, period0)
        made = 1 if stepper.deterministic else returns
        cycle = read_cycle(enough, found.lifted, period0, (*key, _CYCLE), section, made)
    except (OutOfBoundsError, NotFiniteError) as error:
        status = Status.NO_RETURN if isinstance(error, OutOfBoundsError) else Status.NOT_FINITE
        return _lost(state, status, str(error), cost, stepper)
    return _orbit(found, spectrum, cycle, cost)


def _in_time(cost: Cost, period: float) -> Cost:
    """The cost of returns, in time."""
    return replace(cost, micro_time=cost.micro_time * period)


def _orbit(found: FixedPoint, spectrum: Spectrum | None, cycle: Cycle, cost: Cost) -> PeriodicOrbit:
    return PeriodicOrbit(
        macro=found.macro,
        stderr=found.stderr,
        lifted=found.lifted,
        period=cycle.period,
        period_stderr=cycle.period_stderr,
        spectrum=spectrum,
        times=cycle.times,
        path=cycle.path,
        path_stderr=cycle.stderr,
        status=Status.CYCLE,
        replicas=found.replicas,
        cost=cost + cycle.cost,
        degrees=found.degrees,
        period_degrees=cycle.degrees,
        detail=found.detail,
        fields=found.fields,
    )


def _failed(found: FixedPoint, status: Status, detail: str, cost: Cost) -> PeriodicOrbit:
    """How far a search came that found a steady state, or nothing."""
    told = Status.NO_CYCLE if status is Status.NO_WAVE else status
    nothing = np.full(found.macro.shape, np.nan)
    path = found.macro[np.newaxis]
    return PeriodicOrbit(
        found.macro,
        nothing,
        found.lifted,
        np.nan,
        np.nan,
        None,
        np.zeros(1),
        path,
        np.full(path.shape, np.nan),
        told,
        found.replicas,
        cost,
        detail=detail,
        fields=found.fields,
    )


def _lost(state: Array, status: Status, detail: str, cost: Cost, stepper: CoarseTimeStepper) -> PeriodicOrbit:
    """What is left of a search in which no population came back."""
    nothing = np.full(state.shape, np.nan)
    path = state[np.newaxis]
    return PeriodicOrbit(
        state,
        nothing,
        state,
        np.nan,
        np.nan,
        None,
        np.zeros(1),
        path,
        np.full(path.shape, np.nan),
        status,
        stepper.replicas,
        cost,
        detail=detail,
        fields=stepper.fields,
    )
