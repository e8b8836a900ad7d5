"""Hopf points of steady states that are known: where uniform flow, or rest, begins to oscillate."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from math import inf, nan
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from eqfree.coarse_map import check_map
from eqfree.continuation.aliasing import aliased, refuse_frequency, shorter
from eqfree.continuation.events import EventOptions, combine
from eqfree.continuation.fit import Fit
from eqfree.continuation.search import NODES, SURE
from eqfree.continuation.signals import PairCrossing
from eqfree.ensemble import Key
from eqfree.fixed_points.equations import StepperOf
from eqfree.results import BranchEvent, Cost, Spectrum
from eqfree.stability import coarse_multipliers
from eqfree.stepper import CoarseTimeStepper

__all__ = ["SpectrumOf", "find_hopf_point"]

Array: TypeAlias = NDArray[np.float64]
SpectrumOf: TypeAlias = Callable[[CoarseTimeStepper, Array, float, int, Key], Spectrum]
"""(stepper, macro state, duration, how many, key) -> multipliers: `coarse_multipliers`, `ring_multipliers`."""

_EVENTS = EventOptions()
_ROUNDS = 2  # without noise: the last within a narrower window
_NARROWER = 0.25
_DEGREES = 3, 2  # without noise and with it


def find_hopf_point(
    stepper_of: StepperOf,
    macro_of: Callable[[float], ArrayLike],
    span: tuple[float, float],
    duration: float,
    key: Key = (),
    *,
    multipliers: SpectrumOf = coarse_multipliers,
    count: int = 4,
    events: EventOptions = _EVENTS,
) -> BranchEvent:
    """Where the first pair of multipliers of a known steady state leaves the unit circle, and its frequency.

    The multipliers are read at six places of the span, and log|μ| of the largest pair is fitted by a polynomial in the
    parameter, of degree 3 without noise and 2 with it, weighted by its standard errors; its zero is the Hopf point, and
    arg μ/duration there the frequency. Without noise it is done again in a window a quarter as wide. A pair that is not
    two standard errors from the circle at both ends is not declared. The multipliers there are read over a shorter
    duration too: a frequency beyond π/duration is refused.

    Where the steady state must be solved for, `continue_branch` finds Hopf points on the way.

    *How to choose.* ``span``: the steady state is stable at one end, and one pair grows at the other. ``duration``:
    below π over the frequency.

    Parameters
    ----------
    stepper_of
        The coarse time-stepper at a parameter.
    macro_of
        The steady state at a parameter, as it is lifted.
    span
        Smallest and largest parameter.
    duration
        Between the two readings.
    key
        Which noise; set ``i`` uses ``(*key, i)``.
    multipliers
        ``multipliers(stepper, macro, duration, count, key)``: `coarse_multipliers`, or `ring_multipliers` for uniform
        states of a ring.
    count
        How many are computed.
    events
        ``key_sets`` and ``replicas``; its window is not used.

    Returns
    -------
    BranchEvent
        Its standard error is NaN, and ``detail`` says why, where none was found.

    Raises
    ------
    ValueError
        If the span is empty, the duration is not positive, or a noisy model has fewer than 8 replicas.

    Examples
    --------
    >>> import eqfree as ef
    >>> def stepper_of(p):  # (x + iy)' = (p + 2i)(x + iy)
    ...     turn = lambda u, t, rng: u * np.exp((p + 2j) * t)
    ...     return ef.CoarseTimeStepper(ef.micro_model(
    ...         lambda u, rng: u[0] + 1j * u[1], turn, lambda z: np.array([z.real, z.imag]), deterministic=True))
    >>> found = ef.find_hopf_point(stepper_of, lambda p: np.zeros(2), (-0.3, 0.5), duration=1.0)
    >>> abs(round(found.parameter, 6)), round(found.frequency, 6)
    (0.0, 2.0)
    """
    low, high = span
    if not -inf < low < high < inf:
        raise ValueError(f"`span` of the parameter must be (smallest, largest): got {span}.")
    for end in (low, high):
        check_map(stepper_of(end), duration)
    search = _Search(stepper_of, macro_of, duration, multipliers, count, events)
    noisy = not stepper_of(low).deterministic
    sets = [search.find(span, (*key, one), noisy) for one in range(events.key_sets if noisy else 1)]
    good = [one for one in sets if np.isfinite(one.parameter)]
    words, cost = search.refuse(good[0], (*key, 0)) if good else ("", Cost())
    if words:
        sets, good = [replace(one, detail=words) for one in sets], []
    return search.event(span, sets, good, cost, noisy)


@dataclass(frozen=True, eq=False)
class _Crossing:
    """What one set of random numbers says; NaN where it says nothing."""

    parameter: float = nan
    predicted: float = nan
    frequency: float = nan
    frequency_predicted: float = nan
    spectrum: Spectrum | None = None
    cost: Cost = field(default_factory=Cost)
    detail: str = ""


@dataclass(frozen=True, eq=False)
class _Search:
    stepper_of: StepperOf
    macro_of: Callable[[float], ArrayLike]
    duration: float
    multipliers: SpectrumOf
    count: int
    options: EventOptions

    def find(self, span: tuple[float, float], key: Key, noisy: bool) -> _Crossing:
        """The crossing, twice without noise: the second time in a narrower window."""
        found = _Crossing()
        for number in range(1 if noisy else _ROUNDS):
            half = (span[1] - span[0]) / 2 * _NARROWER**number
            middle = (span[0] + span[1]) / 2 if number == 0 else found.parameter
            again = self._fit(middle, half, key, noisy)
            found = replace(again, cost=found.cost + again.cost)
            if not np.isfinite(found.parameter):
                break
        return found

    def refuse(self, found: _Crossing, key: Key) -> tuple[str, Cost]:
        """What is said where the oscillation is too fast for the duration, and what it took to know."""
        stepper = self._stepper(found.parameter)
        duration, spectrum = shorter(stepper, self.duration), found.spectrum
        place = PairCrossing(0).place(spectrum)
        if duration is None or place is None or spectrum is None:
            return "", Cost()
        again = self.multipliers(stepper, self._macro(found.parameter), duration, self.count, key)
        frequency = aliased(spectrum, place, again)
        return ("" if frequency is None else refuse_frequency(frequency, self.duration)), again.cost

    def event(
        self, span: tuple[float, float], sets: list[_Crossing], good: list[_Crossing], cost: Cost, noisy: bool
    ) -> BranchEvent:
        """What the sets of random numbers say together."""
        middle = (span[0] + span[1]) / 2
        parameter, stderr, predicted, degrees, frequency = middle, nan, nan, 1.0, (nan, nan)
        replicas = self._stepper(middle).replicas
        if good:
            told = [np.array([getattr(one, name) for one in good]) for name in ("parameter", "predicted")]
            parameter, stderr, predicted, degrees = combine(told[0], told[1], replicas)
            told = [np.array([getattr(one, name) for one in good]) for name in ("frequency", "frequency_predicted")]
            frequency = combine(told[0], told[1], replicas)[:2]
        macro = self._macro(parameter)
        place = PairCrossing(0).place(good[0].spectrum) if good else None
        vectors = good[0].spectrum.vectors if good and good[0].spectrum is not None else None
        return BranchEvent(
            kind="Hopf",
            parameter=parameter,
            stderr=stderr,
            degrees=degrees if noisy else inf,
            estimates=np.array([one.parameter for one in sets]),
            predicted=predicted,
            macro=macro,
            measure=macro.ravel(),
            after=0,
            lifted=macro,
            duration=self.duration,
            direction=np.zeros(macro.shape) if vectors is None or place is None else vectors[place],
            detail=" ".join(dict.fromkeys(one.detail for one in sets if one.detail)),
            cost=sum((one.cost for one in sets), cost),
            frequency=frequency[0],
            frequency_stderr=frequency[1],
        )

    def _fit(self, middle: float, half: float, key: Key, noisy: bool) -> _Crossing:
        parameters = middle + half * NODES
        spectra = [
            self.multipliers(self._stepper(one), self._macro(one), self.duration, self.count, key)
            for one in parameters.tolist()
        ]
        cost, pair = sum((one.cost for one in spectra), Cost()), PairCrossing(0)
        values, errors = np.array([pair.growth(one) for one in spectra]).T
        if not np.isfinite(values).all():
            return _Crossing(cost=cost, detail="There is no pair of multipliers at all places of the span.")
        fit = Fit.of(NODES, values, errors, _DEGREES[noisy])
        place = pair.special(fit)
        if place is None or abs(place) > 1 or not fit.crosses(SURE):
            ends = ", ".join(f"{fit(end):.2g} ± {fit.stderr(end):.2g}" for end in (-1.0, 1.0))
            told = f"log|μ| must be on two sides of zero at the ends of the span, by two standard errors: got {ends}."
            return _Crossing(cost=cost, detail=told)
        turned = np.array([pair.frequency(one) for one in spectra])
        angle = Fit.of(NODES, turned[:, 0], turned[:, 1], _DEGREES[noisy])
        return _Crossing(
            parameter=float(middle + half * place),
            predicted=half * fit.stderr(place) / abs(fit.slope(place)),
            frequency=angle(place),
            frequency_predicted=angle.stderr(place),
            spectrum=spectra[int(np.argmin(np.abs(NODES - place)))],
            cost=cost,
        )

    def _stepper(self, parameter: float) -> CoarseTimeStepper:
        stepper = self.stepper_of(parameter)
        return stepper if self.options.replicas is None else stepper.with_replicas(self.options.replicas)

    def _macro(self, parameter: float) -> Array:
        return np.array(self.macro_of(parameter), dtype=np.float64)
