"""The search for an event along a line through a branch, under one set of random numbers."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from math import hypot, nan, sqrt
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from eqfree.continuation.aliasing import aliased, refuse_frequency, shorter
from eqfree.continuation.fit import Fit
from eqfree.continuation.point import Found, find_point
from eqfree.continuation.problem import BranchProblem
from eqfree.continuation.signals import Crossing, Fold, PairCrossing, RealCrossing, Signal
from eqfree.continuation.state import BranchState
from eqfree.ensemble import Key
from eqfree.fixed_points.equations import Equations
from eqfree.fixed_points.linear import Border
from eqfree.results import BranchPoint, Cost, Spectrum
from eqfree.stability import coarse_multipliers

__all__ = ["NODES", "SURE", "Line", "Located", "Search"]

Array: TypeAlias = NDArray[np.float64]

_PLACES = 6  # even: none is at the event itself, where the derivative of a crossing is singular
NODES = np.cos(np.pi * (np.arange(_PLACES) + 0.5) / _PLACES)[::-1]
"""Places from -1 to 1 at which a signal is read: those of Chebyshev."""

SURE = 2.0
"""Standard errors that a signal must be away from zero at either end, where it must be sure."""

_MOVES = 8  # of the line, until the event is in its middle
_ROUNDS = 2  # without noise: the last with a narrower window
_NARROWER = 0.5
_WIDER, _WIDENED = 2.0, 2  # where noise hides on which side of zero the ends are: how much wider, and how often
_ACROSS = 1e-3  # of the disturbance: less of it across the branch is none
_NEAR = 0.5  # of the window: nearer to the middle it need not be centred again
_BLURRED = 0.2  # radians: an angle that is known no better cannot be told from others


@dataclass(frozen=True, eq=False)
class Located:
    """What one set of random numbers says: where, with which predicted standard error; NaN where it says nothing.

    Attributes
    ----------
    parameter, predicted
    unknowns : (unknown,)
    macro, direction : (number,)
        The healed state, and the way into the branch that crosses.
    tangent : (unknown,)
        The way of the branch itself.
    window
        In which it was found, before that was narrowed.
    frequency, frequency_predicted
        Of a pair.
    spectrum
        At the place that is nearest to it, where multipliers were read.
    """

    parameter: float
    predicted: float
    unknowns: Array
    macro: Array
    direction: NDArray[Any]
    tangent: Array
    window: float
    replicas: int
    cost: Cost
    detail: str = ""
    frequency: float = nan
    frequency_predicted: float = nan
    spectrum: Spectrum | None = None

    def lost(self, detail: str) -> Located:
        """The same, but for what it found."""
        return replace(self, parameter=nan, predicted=nan, detail=detail)


@dataclass(frozen=True, eq=False)
class Line:
    """Where to look: a place, the direction that the branch goes there, and how far to either side.

    Attributes
    ----------
    middle, direction : (unknown,)
    window
        In arclength.
    matrix : (row, unknown)
        The derivative nearby, or empty.
    """

    middle: Array
    direction: Array
    window: float
    matrix: Array = field(default_factory=lambda: np.empty((0, 0)))

    @classmethod
    def between(cls, before: BranchState, after: BranchState, window: float | None) -> Line:
        """From where a straight change of the tangents puts the fold between two points, or their middle."""
        start, end = before.unknowns[-1], after.unknowns[-1]
        rise, fall = before.tangent[-1], after.tangent[-1]
        share = float(np.clip(rise / (rise - fall), 0.05, 0.95)) if rise * fall < 0 else 0.5
        direction = (1 - share) * before.tangent + share * after.tangent
        length = float(np.linalg.norm(end - start))
        return cls(
            start + share * (end - start), direction / np.linalg.norm(direction), window or length, before.matrix
        )

    def moved(self, windows: float, wider: float = 1.0) -> Line:
        """Around a place so many windows farther on."""
        return replace(self, middle=self.middle + windows * self.window * self.direction, window=wider * self.window)


@dataclass(frozen=True, eq=False)
class Search:
    """How an event is searched for.

    Attributes
    ----------
    problem
        What is followed.
    equations
        Around the line.
    signal
        What is fitted.
    noisy
        Whether the model is.
    """

    problem: BranchProblem
    equations: Equations
    signal: Signal
    noisy: bool

    def find(self, line: Line, key: Key) -> Located:
        """Solve along the line, fit the signal, and centre the line on what the fit tells until it is there."""
        cost, left, widened, window = Cost(), 1 if self.noisy else _ROUNDS, 0, line.window
        for _ in range(_MOVES):
            found, spent = self._solve(line, key)
            cost = cost + spent
            points = [one.point for one in found if one.point is not None]
            if len(points) < _PLACES:
                detail = f"The branch could not be solved for anew around it. {found[-1].solved.detail}".strip()
                return self._nothing(line, cost, detail)
            values, errors = np.array([self.signal.read(point) for point in points]).T
            if not np.isfinite(values).all():
                return self._nothing(line, cost, self.signal.lost)
            fit = Fit.of(NODES, values, errors, self.signal.degrees[self.noisy])
            place = self.signal.special(fit)
            if place is None:
                return self._nothing(line, cost, self.signal.lost)
            if abs(place) > 1:
                line = line.moved(float(np.clip(place, -2, 2)))
            elif left > 1 or (self.noisy and abs(place) > _NEAR):
                line, left = line.moved(place, 1.0 if self.noisy else _NARROWER), left - 1
            elif self.signal.certain and not fit.crosses(SURE):
                if widened == _WIDENED:
                    return self._nothing(line, cost, _hidden(fit))
                line, widened, window = line.moved(place, _WIDER), widened + 1, _WIDER * line.window
            else:
                return replace(self._at(line, found, points, place, fit, cost), window=window)
        return self._nothing(line, cost, self.signal.lost)

    def refuse(self, located: Located, key: Key) -> tuple[str, Cost]:
        """What is said where an oscillation is too fast to be told from a slower one, and what it took to know."""
        spectrum, signal = located.spectrum, self.signal
        if not isinstance(signal, PairCrossing) or spectrum is None or self.equations.symmetry is not None:
            return "", Cost()
        place, equations = signal.place(spectrum), self.equations
        doubt = signal.frequency(spectrum)[1] * spectrum.duration
        where = equations.place(located.unknowns)
        stepper = equations.stepper(where.parameter)
        duration = shorter(stepper, where.duration)
        if place is None or duration is None or not doubt < _BLURRED:
            return "", Cost()
        again = coarse_multipliers(
            stepper,
            where.macro,
            duration,
            self.problem.method.multipliers,
            key,
            difference=self.problem.method.difference,
        )
        frequency = aliased(spectrum, place, again)
        return ("" if frequency is None else refuse_frequency(frequency, where.duration)), again.cost

    def _solve(self, line: Line, key: Key) -> tuple[list[Found], Cost]:
        """The branch at several places of a line, each from the one before; the last one found may be a failure.

        One derivative does for all of them, unless multipliers are wanted; where there is noise it is that of the key.
        """
        made: list[Found] = []
        equations, cost, beside = self.equations, Cost(), np.zeros_like(line.middle)
        matrix = np.empty((0, 0)) if self.noisy else line.matrix
        for node in NODES:
            border = Border(line.direction, line.middle + node * line.window * line.direction)
            start = border.target + beside
            made.append(
                find_point(
                    self.problem, equations, border, start, matrix, key, differentiate=self.signal.spectrum, way=False
                )
            )
            cost, equations = cost + made[-1].cost, made[-1].equations
            if made[-1].point is None:
                break
            beside, matrix = made[-1].solved.unknowns - border.target, made[-1].matrix
        return made, cost

    def _at(
        self, line: Line, found: list[Found], points: list[BranchPoint], place: float, fit: Fit, cost: Cost
    ) -> Located:
        """The branch at the place that the fit of the signal tells."""
        unknowns = np.array([one.solved.unknowns for one in found])
        macros = np.array([point.macro.ravel() for point in points])
        degree = Fold.degrees[self.noisy]
        curve = np.polynomial.polynomial.polyfit(NODES, unknowns, degree)
        where = np.asarray(place ** np.arange(degree + 1) @ curve, dtype=np.float64)
        slopes = np.arange(1, degree + 1) * place ** np.arange(degree) @ curve[1:]
        near = int(np.argmin(np.abs(NODES - place)))
        predicted = 0.0
        if self.noisy:
            deviations = found[near].deviations
            assert deviations is not None
            across = float(deviations[:, -1].std(ddof=1)) / sqrt(len(deviations))
            doubt = fit.stderr(place) / abs(fit.slope(place)) if fit.errors.any() else 0.0
            predicted = self.equations.unit * hypot(across, abs(float(slopes[-1])) * doubt)
        spectrum, (frequency, its_doubt) = points[near].spectrum, self._frequency(points, place)
        return Located(
            parameter=float(self.equations.place(where).parameter),
            predicted=predicted,
            unknowns=where,
            macro=np.asarray(place ** np.arange(degree + 1) @ np.polynomial.polynomial.polyfit(NODES, macros, degree)),
            direction=self._into(spectrum, line.direction),
            tangent=np.asarray(slopes / np.linalg.norm(slopes)),
            window=line.window,
            replicas=found[near].solved.replicas,
            cost=cost,
            frequency=frequency,
            frequency_predicted=its_doubt,
            spectrum=spectrum,
        )

    def _frequency(self, points: list[BranchPoint], place: float) -> tuple[float, float]:
        """Of a pair, at the place; NaN of others."""
        if not isinstance(self.signal, PairCrossing):
            return nan, nan
        told = np.array([self.signal.frequency(point.spectrum) for point in points])
        fit = Fit.of(NODES, told[:, 0], told[:, 1], self.signal.degrees[self.noisy])
        return fit(place), fit.stderr(place)

    def _into(self, spectrum: Spectrum | None, along: Array) -> NDArray[Any]:
        """The way into the branch that crosses, flattened: the disturbance whose multiplier passes the circle."""
        chart = self.equations.chart
        place = self.signal.place(spectrum) if isinstance(self.signal, Crossing) else None
        if spectrum is None or place is None:
            return np.zeros(chart.origin.size)
        if isinstance(self.signal, PairCrossing):
            pair = chart.project(spectrum.vectors[place].ravel())
            return chart.change(pair / np.linalg.norm(pair))
        way = chart.project(spectrum.vectors[place].real.ravel())
        if self.signal == RealCrossing(1.0):
            trunk = along[: chart.size]
            across = way - (way @ trunk) / max(float(trunk @ trunk), 1e-300) * trunk if chart.size > 1 else way
            way = across if np.linalg.norm(across) > _ACROSS * np.linalg.norm(way) else way
        return chart.change(way / np.linalg.norm(way))

    def _nothing(self, line: Line, cost: Cost, detail: str) -> Located:
        size = self.equations.chart.origin.size
        return Located(
            nan, nan, line.middle, np.full(size, nan), np.zeros(size), line.direction, line.window, 0, cost, detail
        )


def _hidden(fit: Fit) -> str:
    """What is said of a crossing whose ends noise hides."""
    told = ", ".join(f"{fit(end):.2g} ± {fit.stderr(end):.2g}" for end in (-1.0, 1.0))
    return (
        f"log|μ| is not on two sides of zero by two standard errors: {told} at the ends of the window. Raise "
        "`replicas`, or widen `window`."
    )
