"""What must vanish in a steady state, and its derivative: as functions of one vector, replica by replica."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from eqfree.coarse_map import Chart, CoarseMap, Look, Symmetry
from eqfree.ensemble import Key
from eqfree.fields import OutOfBoundsError
from eqfree.results import Cost
from eqfree.stability import Pencil, turn
from eqfree.stepper import CoarseTimeStepper

__all__ = ["Equations", "Place", "Residual", "Slopes", "StepperOf"]

Array: TypeAlias = NDArray[np.float64]
StepperOf: TypeAlias = Callable[[float], CoarseTimeStepper]

_KEPT = 8  # steppers, one a parameter, that are not made anew
_STILL = 1e-6  # in units of the scales: a wave that changes less as it moves is none
_LATER = 1e-4, 0.02  # of the period: how much later the map is read for its slope in time; of a noisy model


@dataclass(frozen=True, eq=False)
class Place:
    """Where a vector of unknowns is.

    Attributes
    ----------
    macro : (...)
        The macro state to be lifted.
    duration
        Between the readings; of a wave, its period.
    parameter
        Of the model.
    """

    macro: Array
    duration: float
    parameter: float


@dataclass(frozen=True, eq=False)
class Residual:
    """The equations at a vector, replica by replica.

    Attributes
    ----------
    samples : (replica, row)
        In the coordinates of the chart; the row that holds a wave in place is the same for all.
    look
        What was read.
    """

    samples: Array
    look: Look

    @cached_property
    def mean(self) -> Array:
        """Over replicas, (row,)."""
        return np.asarray(self.samples.mean(axis=0))


@dataclass(frozen=True, eq=False)
class Slopes:
    """The derivative of the equations.

    Attributes
    ----------
    matrix, stderr : (row, unknown)
    pencil
        The products it is made of, for the multipliers.
    drift : (coordinate,) or None
        How a wave changes as it moves on, after healing.
    cost
        What it took.
    """

    matrix: Array
    stderr: Array
    pencil: Pencil
    drift: Array | None
    cost: Cost


@dataclass(frozen=True, eq=False)
class Equations:
    """M(healing + duration) U = M(healing) U for unknowns z = (y, period, parameter) in natural units.

    y are the coordinates of the chart; the period is there for a wave alone, in units of ``duration``; the parameter is
    measured from ``parameter`` in units of ``unit``. There is a row a coordinate, and one that holds a wave in place:
    its distance from ``template`` along the way that it moves.

    Parameters
    ----------
    stepper_of
        The coarse time-stepper at a parameter.
    chart
        Of the macro states.
    duration
        Between the readings; of a wave, a guess at its period.
    parameter, unit
        Where parameters are measured from, and in which unit.
    symmetry
        Of a wave.
    template : (...)
        The macro state that a wave is held at, by default the origin of the chart.
    held
        The parameter that the template belongs to, by default ``parameter``.
    difference
        As in `CoarseMap`.
    replicas, asked
        How many there are, and how many there were, where they are not those of the stepper.
    """

    stepper_of: StepperOf
    chart: Chart
    duration: float
    parameter: float = 0.0
    unit: float = 1.0
    symmetry: Symmetry | None = None
    template: Array | None = None
    held: float | None = None
    difference: float | None = None
    replicas: int | None = None
    asked: int | None = None
    _steppers: dict[float, CoarseTimeStepper] = field(default_factory=dict, repr=False)

    @property
    def rows(self) -> int:
        """How many equations there are; there is one unknown more, the parameter."""
        return self.chart.size + (self.symmetry is not None)

    @property
    def start(self) -> Array:
        """The unknowns at the origin of the chart."""
        return np.concatenate((np.zeros(self.chart.size), np.ones(self.rows - self.chart.size), [0.0]))

    def with_replicas(self, replicas: int) -> Equations:
        """The same equations, seen through less noise."""
        asked = self.asked or self.stepper(self.parameter).replicas
        return replace(self, replicas=replicas, asked=asked, _steppers={})

    def held_at(self, unknowns: Array) -> Equations:
        """The same equations, a wave held where it is now."""
        if self.symmetry is None:
            return self
        place = self.place(unknowns)
        return replace(self, template=place.macro, held=place.parameter, _steppers={})

    def along_template(self, matrix: Array) -> Array:
        """A derivative (row, unknown) whose row that holds a wave in place is that of the template."""
        if self.symmetry is None:
            return matrix
        return np.vstack((matrix[:-1], np.append(self._phase, [0.0, 0.0])))

    def place(self, unknowns: Array) -> Place:
        """What the unknowns stand for."""
        size = self.chart.size
        duration = self.duration * (unknowns[size] if self.symmetry is not None else 1.0)
        return Place(
            self.chart.macro(unknowns[:size]), float(duration), float(self.parameter + self.unit * unknowns[-1])
        )

    def stands(self, unknowns: Array) -> bool:
        """Whether the symmetry leaves the state as it is, so that any period would do."""
        assert self.symmetry is not None
        place = self.place(unknowns)
        way = self.symmetry.generator(place.macro, self.stepper(place.parameter))
        return float(np.linalg.norm(self.chart.project(way.ravel()))) < _STILL

    def stepper(self, parameter: float) -> CoarseTimeStepper:
        """The stepper at a parameter, made once while it is needed."""
        if parameter not in self._steppers:
            while len(self._steppers) >= _KEPT:
                del self._steppers[next(iter(self._steppers))]
            made = self.stepper_of(parameter)
            self._steppers[parameter] = made if self.replicas is None else made.with_replicas(self.replicas)
        return self._steppers[parameter]

    def residual(self, unknowns: Array, key: Key) -> Residual:
        """The equations at some unknowns.

        Raises
        ------
        OutOfBoundsError, NotFiniteError
            Where no population has such a macro state, or none comes back.
        """
        return self._residual(unknowns, self._map(unknowns), key)

    def slopes(self, unknowns: Array, residual: Residual, key: Key, *, parameter: bool = True) -> Slopes:
        """The derivative by differences along all unknowns; without that in the parameter, its column is zero."""
        size, coarse = self.chart.size, self._map(unknowns)
        products = coarse.differentiate(self.chart, unknowns[:size], np.eye(size), residual.look, key)
        pencil = Pencil.of(self.chart, products, self.symmetry)
        blocks, cost = [pencil.later - pencil.healed], products.cost
        if self.symmetry is not None:
            period, spent = self._period_slope(unknowns, key)
            blocks, cost = [*blocks, period], cost + spent
        column, spent = (
            self._parameter_slope(unknowns, residual, key) if parameter else (0 * blocks[0][..., :1], Cost())
        )
        samples = np.concatenate([*blocks, column], axis=-1)
        matrix = samples.mean(axis=0)
        noise = samples.std(axis=0, ddof=1) / np.sqrt(len(samples)) if len(samples) > 1 else np.zeros_like(matrix)
        if self.symmetry is not None:
            matrix = np.vstack((matrix, np.append(self._phase, [0.0, 0.0])))
            noise = np.vstack((noise, np.zeros(matrix.shape[1])))
        return Slopes(matrix, noise, pencil, self._drift(unknowns, residual), cost + spent)

    def product(
        self, unknowns: Array, residual: Residual, direction: Array, key: Key, columns: Array
    ) -> tuple[Array, Array, Cost]:
        """The derivative along one direction, of the coordinates by differences, and its standard error.

        ``columns`` (row, 1 or 2) are the derivatives in period and parameter, which `columns` asks once for all.
        """
        size = self.chart.size
        along, answer, cost = direction[:size], columns @ direction[size:], Cost()
        stderr = np.zeros_like(answer)
        length = float(np.linalg.norm(along))
        if length > 0:
            samples, cost = self.along(unknowns, residual, along / length, key)
            answer[:size] += length * samples.mean(axis=0)
            if len(samples) > 1:
                stderr[:size] = length * samples.std(axis=0, ddof=1) / np.sqrt(len(samples))
        if self.symmetry is not None:
            answer[size] += self._phase @ along
        return answer, stderr, cost

    def along(self, unknowns: Array, residual: Residual, direction: Array, key: Key) -> tuple[Array, Cost]:
        """The derivative along a unit direction of the macro state, replica by replica, (replica, coordinate)."""
        size = self.chart.size
        coarse = self._map(unknowns)
        products = coarse.differentiate(self.chart, unknowns[:size], direction[np.newaxis], residual.look, key)
        pencil = Pencil.of(self.chart, products, self.symmetry)
        return (pencil.later - pencil.healed)[..., 0], products.cost

    def columns(self, unknowns: Array, residual: Residual, key: Key, *, parameter: bool = True) -> tuple[Array, Cost]:
        """The derivatives in period and parameter, (row, 1 or 2); zero in the parameter where it is held."""
        blocks, cost = [], Cost()
        if self.symmetry is not None:
            period, spent = self._period_slope(unknowns, key)
            blocks, cost = [period.mean(axis=0)], cost + spent
        if parameter:
            column, spent = self._parameter_slope(unknowns, residual, key)
            blocks, cost = [*blocks, column.mean(axis=0)], cost + spent
        else:
            blocks = [*blocks, np.zeros((self.chart.size, 1))]
        matrix = np.hstack(blocks)
        return np.vstack((matrix, np.zeros((self.rows - self.chart.size, matrix.shape[1])))), cost

    def _map(self, unknowns: Array) -> CoarseMap:
        place = self.place(unknowns)
        if place.duration <= 0:
            raise OutOfBoundsError(f"The period of a wave must be positive: got {place.duration:g}.")
        return CoarseMap(self.stepper(place.parameter), place.duration, self.difference)

    def _residual(self, unknowns: Array, coarse: CoarseMap, key: Key) -> Residual:
        (look,) = coarse.looks([self.place(unknowns).macro], [key])
        samples = self.chart.project(turn(self.symmetry, look.later, self.chart) - look.healed)
        if self.symmetry is not None:
            distance = self._phase @ (unknowns[: self.chart.size] - self._held)
            samples = np.column_stack((samples, np.full(len(samples), distance)))
        return Residual(samples, look)

    @cached_property
    def _held(self) -> Array:
        """Coordinates of the template."""
        template = self.chart.origin if self.template is None else self.template
        return self.chart.project((template - self.chart.origin).ravel())

    @cached_property
    def _phase(self) -> Array:
        """The way that the template moves, of unit length."""
        assert self.symmetry is not None
        template = self.chart.origin if self.template is None else self.template
        stepper = self.stepper(self.parameter if self.held is None else self.held)
        way = self.chart.project(self.symmetry.generator(template, stepper).ravel())
        return np.asarray(way / max(float(np.linalg.norm(way)), 1e-300))

    def _drift(self, unknowns: Array, residual: Residual) -> Array | None:
        if self.symmetry is None:
            return None
        place = self.place(unknowns)
        healed = residual.look.healed.mean(axis=0).reshape(self.chart.origin.shape)
        return self.chart.project(self.symmetry.drift(place.macro, healed, self.stepper(place.parameter)).ravel())

    def _period_slope(self, unknowns: Array, key: Key) -> tuple[Array, Cost]:
        """By how much the later reading changes with the period: it is read a little later too, (replica, row, 1)."""
        place = self.place(unknowns)
        stepper = self.stepper(place.parameter)
        later = place.duration * _LATER[not stepper.deterministic]
        end = stepper.healing + place.duration
        times = np.array([stepper.healing, end, end + later])
        burst = stepper.burst(place.macro, times, key, samples=True)
        assert burst.samples is not None  # asked for
        paths = burst.samples.reshape(len(burst.samples), len(times), -1)
        slope = self.chart.project(turn(self.symmetry, paths[:, 2] - paths[:, 1], self.chart))
        return slope[..., np.newaxis] * (self.duration / later), burst.cost

    def _parameter_slope(self, unknowns: Array, residual: Residual, key: Key) -> tuple[Array, Cost]:
        """By how much the equations change with the parameter, (replica, row of the chart, 1)."""
        coarse, size = self._map(unknowns), self.chart.size
        step, aside = coarse.step(self.chart, residual.look), np.zeros_like(unknowns)
        aside[-1] = step
        sides = [self._beside(unknowns + aside, key)]
        if not coarse.stepper.deterministic or sides[0] is None:
            sides.append(self._beside(unknowns - aside, key))
        made = [one for one in sides if one is not None]
        if not made:
            self.stepper(self.place(unknowns + aside).parameter)  # says why
        right = residual if sides[0] is None else sides[0]
        left = residual if len(sides) < 2 or sides[1] is None else sides[1]
        cost = sum((one.look.cost for one in made), Cost())
        return (right.samples - left.samples)[:, :size, np.newaxis] / (step * len(made)), cost

    def _beside(self, unknowns: Array, key: Key) -> Residual | None:
        """The equations at another parameter; None where there is no such parameter."""
        try:
            self.stepper(self.place(unknowns).parameter)
        except OutOfBoundsError:
            return None
        return self.residual(unknowns, key)
