"""Folds, branch points and flips: detected between two points of a branch, solved for anew where they are."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from math import hypot, inf, log, nan, sqrt
from numbers import Integral
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from eqfree.continuation.point import Found, find_point
from eqfree.continuation.problem import BranchProblem
from eqfree.continuation.state import BranchState
from eqfree.continuation.walk import equations_of
from eqfree.ensemble import Key
from eqfree.fixed_points.equations import Equations
from eqfree.fixed_points.linear import Border
from eqfree.results import BranchEvent, BranchPoint, Cost, Spectrum

__all__ = ["EventOptions", "locate", "nearest_real", "seen"]

Array: TypeAlias = NDArray[np.float64]

_PLACES = 6  # even: none is at the event itself, where the derivative of a crossing is singular
_MOVES = 8  # of the line, until the event is in its middle
_ROUNDS = 2  # without noise: the last with a narrower window
_NARROWER = 0.5
_ACROSS = 1e-3  # of the disturbance: less of it across the branch is none
_NEAR = 0.5  # of the window: nearer to the middle it need not be centred again


@dataclass(frozen=True)
class EventOptions:
    """How events are located.

    Around an event the branch is solved anew at six places within ``window`` to either side, across one direction,
    under the key of each set of random numbers: a fold is the top of a polynomial through p(s), of degree 4 without
    noise and 2 with it; a crossing is the zero of one through log|μ|, of degree 3 or 2. The window is centred on what
    was found, and narrowed where there is no noise.

    *How to choose.* ``key_sets``: four or more give an interval from their spread; one gives that of its own replicas.
    ``replicas``: as many as the interval needs, it shrinks with their square root. ``window``: noise asks for wide
    ones, curvature for narrow ones; a point of the branch is off by less than the window, or nothing is found. One key
    for all places takes the symmetry out of a pitchfork, which unfolds into a fold and a branch apart by what one set
    of random numbers prefers: widen the window beyond that, or let ``lift`` make mirrored populations.

    Parameters
    ----------
    key_sets
        Of random numbers; a deterministic model has one.
    replicas
        Of each; those of the branch by default.
    window
        Half width in arclength, in the natural units of the branch; by default the distance of the two points between
        which the event lies.

    Raises
    ------
    ValueError
        If one of these is not positive.

    Examples
    --------
    >>> EventOptions(key_sets=0)
    Traceback (most recent call last):
    ValueError: `key_sets` must be at least 1, a whole number: got 0.
    """

    key_sets: int = 4
    replicas: int | None = None
    window: float | None = None

    def __post_init__(self) -> None:
        for name in ("key_sets", "replicas"):
            value = getattr(self, name)
            if value is not None and not (isinstance(value, Integral) and int(value) >= 1):
                raise ValueError(f"`{name}` must be at least 1, a whole number: got {value!r}.")
        if self.window is not None and not self.window > 0:
            raise ValueError(f"`window` must be positive: got {self.window}.")


def locate(
    problem: BranchProblem, before: BranchState, after: BranchState, options: EventOptions, key: Key
) -> BranchEvent:
    """The event between two neighbouring points of a branch, ``after.candidate``, with its interval.

    Set ``i`` of random numbers uses ``(*key, i)``. An event that no set finds again has a NaN for its standard error,
    and a sentence.
    """
    equations = equations_of(problem, before)
    if options.replicas is not None:
        equations = equations.with_replicas(options.replicas)
    noisy = not equations.stepper(equations.parameter).deterministic
    line = _Line.between(before, after, options.window)
    signal = _SIGNALS[after.candidate]
    sets = [
        _find(problem, equations, line, signal, (*key, number), noisy)
        for number in range(options.key_sets if noisy else 1)
    ]
    return _event(problem, equations, after, sets, noisy)


def seen(after: BranchState) -> BranchEvent:
    """The event before a point of a branch, left where it was seen: nobody looked for it."""
    nothing = np.zeros_like(after.point.macro)
    return BranchEvent(
        kind=after.candidate,
        parameter=after.point.parameter,
        stderr=nan,
        degrees=1.0,
        estimates=np.empty(0),
        predicted=nan,
        macro=after.point.macro,
        measure=after.point.measure,
        after=after.number - 1,
        lifted=after.point.lifted,
        duration=after.point.duration,
        direction=nothing,
        detail="It was seen between two points, and not located.",
    )


class _Signal(ABC):
    """A number along the branch whose fit tells where the event is."""

    spectrum: bool  #: whether multipliers are needed
    degrees: tuple[int, int]  #: of the fit, without and with noise
    lost: str  #: what is said where the fit tells nothing

    @abstractmethod
    def read(self, point: BranchPoint) -> tuple[float, float]:
        """The number at a point, and its standard error; NaN where there is none."""

    @abstractmethod
    def special(self, fit: Array) -> float | None:
        """Where the event is, in windows from the middle; None if nowhere."""


class _Fold(_Signal):
    """The top or bottom of the parameter."""

    spectrum = False
    degrees = 4, 2
    lost = "The parameter does not turn back around it, as far as can be told."

    def read(self, point: BranchPoint) -> tuple[float, float]:
        return point.parameter, 0.0

    def special(self, fit: Array) -> float | None:
        return _root(np.polynomial.polynomial.polyder(fit))


@dataclass(frozen=True)
class _Crossing(_Signal):
    """The zero of log|μ|, for the real multiplier nearest to 1 or to -1."""

    through: float

    spectrum = True
    degrees = 3, 2
    lost = "No multiplier crosses the unit circle around it, as far as can be told."

    def read(self, point: BranchPoint) -> tuple[float, float]:
        place = nearest_real(point.spectrum, self.through)
        if place is None or point.spectrum is None:
            return nan, nan
        size = abs(point.spectrum.multipliers[place].real)
        return log(size), float(point.spectrum.stderr[place]) / size

    def special(self, fit: Array) -> float | None:
        return _root(fit)


_SIGNALS: dict[str, _Signal] = {"fold": _Fold(), "branch point": _Crossing(1.0), "flip": _Crossing(-1.0)}


@dataclass(frozen=True, eq=False)
class _Located:
    """What one set of random numbers says: where, with which predicted standard error; NaN where it says nothing."""

    parameter: float
    predicted: float
    unknowns: Array
    macro: Array
    direction: Array
    replicas: int
    cost: Cost
    detail: str = ""


@dataclass(frozen=True, eq=False)
class _Line:
    """Where to look: a place, the direction that the branch goes there, and how far to either side."""

    middle: Array
    direction: Array
    window: float
    matrix: Array

    @classmethod
    def between(cls, before: BranchState, after: BranchState, window: float | None) -> _Line:
        """From where a straight change of the tangents puts the fold between two points, or their middle."""
        start, end = before.unknowns[-1], after.unknowns[-1]
        rise, fall = before.tangent[-1], after.tangent[-1]
        share = float(np.clip(rise / (rise - fall), 0.05, 0.95)) if rise * fall < 0 else 0.5
        direction = (1 - share) * before.tangent + share * after.tangent
        length = float(np.linalg.norm(end - start))
        return cls(
            start + share * (end - start), direction / np.linalg.norm(direction), window or length, before.matrix
        )

    def moved(self, windows: float, narrower: float = 1.0) -> _Line:
        """Around a place so many windows farther on."""
        middle = self.middle + windows * self.window * self.direction
        return replace(self, middle=middle, window=narrower * self.window)


def _find(
    problem: BranchProblem, equations: Equations, line: _Line, signal: _Signal, key: Key, noisy: bool
) -> _Located:
    """Solve along the line, fit the signal, and centre the line on what the fit tells until it is there."""
    nodes = np.cos(np.pi * (np.arange(_PLACES) + 0.5) / _PLACES)[::-1]
    degree, cost, left = signal.degrees[noisy], Cost(), 1 if noisy else _ROUNDS
    for _ in range(_MOVES):
        found, spent = _solve(problem, equations, line, nodes, key, spectrum=signal.spectrum)
        cost = cost + spent
        points = [one.point for one in found if one.point is not None]
        if len(points) < _PLACES:
            detail = f"The branch could not be solved for anew around it. {found[-1].solved.detail}".strip()
            return _nothing(equations, line, cost, detail)
        values, errors = np.array([signal.read(point) for point in points]).T
        weights = 1 / np.maximum(errors, 1e-3 * errors.max(initial=0.0) + 1e-300) if errors.any() else None
        place = None
        if np.isfinite(values).all():
            fit = np.polynomial.polynomial.polyfit(nodes, values, degree, w=weights)
            place = signal.special(fit)
        if place is None:
            return _nothing(equations, line, cost, signal.lost)
        if abs(place) > 1:
            line = line.moved(float(np.clip(place, -2, 2)))
        elif left > 1 or (noisy and abs(place) > _NEAR):
            line, left = line.moved(place, 1.0 if noisy else _NARROWER), left - 1
        else:
            return _at(equations, line, found, nodes, place, signal, (values, errors, fit), cost)
    return _nothing(equations, line, cost, signal.lost)


def _at(
    equations: Equations,
    line: _Line,
    found: list[Found],
    nodes: Array,
    place: float,
    signal: _Signal,
    told: tuple[Array, Array, Array],
    cost: Cost,
) -> _Located:
    """The branch at the place that the fit of a signal tells."""
    unknowns = np.array([one.solved.unknowns for one in found])
    macros = np.array([one.point.macro.ravel() for one in found if one.point is not None])
    noisy = not equations.stepper(equations.parameter).deterministic
    degree = _Fold.degrees[noisy]
    powers, slopes = place ** np.arange(degree + 1), np.arange(1, degree + 1) * place ** np.arange(degree)
    curve = np.polynomial.polynomial.polyfit(nodes, unknowns, degree)
    where: Array = np.asarray(powers @ curve, dtype=np.float64)
    nearest = found[int(np.argmin(np.abs(nodes - place)))]
    predicted, direction = 0.0, np.zeros(macros.shape[1])
    if noisy:
        deviations = nearest.deviations
        assert deviations is not None
        across = float(deviations[:, -1].std(ddof=1)) / sqrt(len(deviations))
        along = abs(float(slopes @ curve[1:, -1])) * _doubt(nodes, told, place)
        predicted = equations.unit * hypot(across, along)
    if isinstance(signal, _Crossing) and nearest.point is not None:
        direction = _into(equations, nearest.point.spectrum, signal.through, line.direction)
    return _Located(
        parameter=float(equations.place(where).parameter),
        predicted=predicted,
        unknowns=where,
        macro=np.asarray(powers @ np.polynomial.polynomial.polyfit(nodes, macros, degree)),
        direction=direction,
        replicas=nearest.solved.replicas,
        cost=cost,
    )


def _solve(
    problem: BranchProblem, equations: Equations, line: _Line, nodes: Array, key: Key, *, spectrum: bool
) -> tuple[list[Found], Cost]:
    """The branch at several places of a line, each from the one before; the last one found may be a failure.

    One derivative does for all of them, unless multipliers are wanted; where there is noise it is that of the key.
    """
    made: list[Found] = []
    deterministic = equations.stepper(equations.parameter).deterministic
    cost, beside, matrix = Cost(), np.zeros_like(line.middle), line.matrix if deterministic else np.empty((0, 0))
    for node in nodes:
        border = Border(line.direction, line.middle + node * line.window * line.direction)
        start = border.target + beside
        made.append(find_point(problem, equations, border, start, matrix, key, differentiate=spectrum))
        cost, equations = cost + made[-1].cost, made[-1].equations
        if made[-1].point is None:
            break
        beside, matrix = made[-1].solved.unknowns - border.target, made[-1].matrix
    return made, cost


def nearest_real(spectrum: Spectrum | None, value: float) -> int | None:
    """Which own real multiplier is nearest to a value; None if there is none.

    >>> nearest_real(None, 1.0) is None
    True
    """
    if spectrum is None:
        return None
    real = spectrum.own & (np.abs(spectrum.multipliers.imag) < 1e-9) & (spectrum.multipliers.real * value > 0)
    places = np.flatnonzero(real)
    return int(places[np.argmin(np.abs(spectrum.multipliers.real[places] - value))]) if len(places) else None


def _root(fit: NDArray[Any]) -> float | None:
    """The real root of a polynomial that is nearest to zero, within three windows."""
    roots = np.polynomial.polynomial.polyroots(fit)
    real = roots.real[(np.abs(roots.imag) < 1e-9) & (np.abs(roots.real) < 3)]
    return float(real[np.argmin(np.abs(real))]) if len(real) else None


def _doubt(nodes: Array, told: tuple[Array, Array, Array], place: float) -> float:
    """Standard error of a crossing's place, in windows; 0 for a fold, whose height does not depend on it."""
    _, errors, fit = told
    if not errors.any():
        return 0.0
    powers = np.vander(nodes, len(fit), increasing=True)
    weights = 1 / np.maximum(errors, 1e-3 * errors.max())
    covariance = np.linalg.inv((powers * weights[:, None] ** 2).T @ powers)
    here = place ** np.arange(len(fit))
    slope = fit[1:] @ (np.arange(1, len(fit)) * place ** np.arange(len(fit) - 1))
    common = float(np.sqrt(np.mean(errors**2)))  # one key for all: their errors go together
    return hypot(sqrt(float(here @ covariance @ here)), common) / abs(float(slope))


def _into(equations: Equations, spectrum: Spectrum | None, through: float, along: Array) -> Array:
    """The way into the branch that crosses, flattened: the disturbance whose multiplier passes the circle."""
    chart, place = equations.chart, nearest_real(spectrum, through)
    if spectrum is None or place is None:
        return np.zeros(chart.origin.size)
    way = chart.project(spectrum.vectors[place].real.ravel())
    trunk = along[: chart.size]
    across = way - (way @ trunk) / max(float(trunk @ trunk), 1e-300) * trunk if chart.size > 1 else way
    way = across if np.linalg.norm(across) > _ACROSS * np.linalg.norm(way) else way
    return chart.change(way / np.linalg.norm(way))


def _event(
    problem: BranchProblem, equations: Equations, after: BranchState, sets: list[_Located], noisy: bool
) -> BranchEvent:
    """What the sets of random numbers say together."""
    good = [one for one in sets if np.isfinite(one.parameter)]
    count = len(good)
    estimates = np.array([one.parameter for one in sets])
    parameter, stderr, degrees, predicted = after.point.parameter, nan, 1.0, nan
    macro, direction = after.point.macro, np.zeros_like(after.point.lifted)
    where = equations.place(after.unknowns[-1])
    details = list(dict.fromkeys(one.detail for one in sets if one.detail))
    if good:
        parameter = float(np.mean([one.parameter for one in good]))
        predicted = sqrt(float(np.mean([one.predicted**2 for one in good])))
        spread = float(np.std([one.parameter for one in good], ddof=1)) if count > 1 else predicted
        stderr, degrees = spread / sqrt(count), float(count - 1 if count > 1 else good[0].replicas - 1)
        if details:
            details.insert(0, f"{len(sets) - count} of {len(sets)} sets of random numbers did not find it.")
        macro = np.mean([one.macro for one in good], axis=0).reshape(macro.shape)
        direction = good[0].direction.reshape(direction.shape)
        where = equations.place(np.mean([one.unknowns for one in good], axis=0))
    return BranchEvent(
        kind=after.candidate,
        parameter=parameter,
        stderr=stderr,
        degrees=degrees if noisy else inf,
        estimates=estimates,
        predicted=predicted,
        macro=macro,
        measure=np.ravel(problem.method.measure(macro)).astype(np.float64),
        after=after.number - 1,
        lifted=where.macro,
        duration=where.duration,
        direction=direction,
        origin=equations.chart.origin,
        detail=" ".join(details),
        cost=sum((one.cost for one in sets), Cost()),
    )


def _nothing(equations: Equations, line: _Line, cost: Cost, detail: str) -> _Located:
    size = equations.chart.origin.size
    return _Located(nan, nan, line.middle, np.full(size, nan), np.zeros(size), 0, cost, detail)
