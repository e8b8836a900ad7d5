"""Heat and charge together: residual and Jacobian of Joule heating, and what is read from them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from scenarios.battery.device.joule import ENDS, Joule, add_up
from scenarios.battery.device.state import Balance

__all__ = ["Linearised", "Past", "Unknown", "linearise"]

Array: TypeAlias = NDArray[np.float64]


class Unknown(NamedTuple):
    """What is sought, as differences, so that rounding is small where they are.

    Attributes
    ----------
    variation : (node,)
        Of the temperature, above the surroundings and the level (K).
    deviation : (node,)
        Of the potential from a straight fall between the electrodes (V): 0 at an electrode, or what is lost there.
    voltage
        In V.
    level
        By how much all of it is warmer than the surroundings (K): no heat is conducted for that.
    """

    variation: Array
    deviation: Array
    voltage: float
    level: float = 0.0

    @property
    def excess(self) -> Array:
        """Temperature above the surroundings, (node,) in K."""
        return self.level + self.variation

    def plus(self, change: Unknown, share: float = 1.0) -> Unknown:
        """With a share of a change."""
        return Unknown(
            self.variation + share * change.variation,
            self.deviation + share * change.deviation,
            self.voltage + share * change.voltage,
            self.level + share * change.level,
        )

    def minus(self, other: Unknown) -> Unknown:
        """What has changed since another."""
        return self.plus(other, -1.0)

    def levelled(self) -> Unknown:
        """The same with the mean temperature as the level."""
        mean = float(self.variation.mean())
        return Unknown(self.variation - mean, self.deviation, self.voltage, self.level + mean)


class Past(NamedTuple):
    """What a step began with, and how long it takes (s)."""

    start: Unknown
    duration: float


class _Points(NamedTuple):
    """At the points of Gauss of the body: conductivity and its slope (element, point), the gradient of the potential
    (axis, element, point), its square, and its weighted products with gradients of shapes (element, point, corner).
    """

    conductivity: Array
    slope: Array
    field: Array
    squared: Array
    along: Array


@dataclass(frozen=True, eq=False)
class Linearised:
    """Residual and Jacobian at an unknown, and what can be read there.

    Attributes
    ----------
    joule, unknown, past
        Of what, and where.
    residual : (2 node,)
        Heat (W) and charge (A) that a node is left with; at prescribed nodes, what has to be supplied there.
    """

    joule: Joule
    unknown: Unknown
    past: Past | None
    residual: Array
    _points: _Points
    _charges: Array
    _stored: Array

    @cached_property
    def matrix(self) -> sparse.csc_array:
        """Derivative of the free part of the residual with respect to the free part of the unknown."""
        joule, inside, points = self.joule, self.joule.body.inside, self._points
        conduction, masses, surfaces = joule.blocks
        storage = 0.0 if self.past is None else joule.physics.heat_capacity / self.past.duration
        blocks = [
            conduction + (joule.physics.bulk_cooling + storage) * masses - inside.masses(points.slope * points.squared),
            -2 * inside.shapes.transpose(0, 2, 1) @ (points.along * points.conductivity[:, :, np.newaxis]),
            (points.along * points.slope[:, :, np.newaxis]).transpose(0, 2, 1) @ inside.shapes,
            np.einsum("eq,eqcd->ecd", points.conductivity, inside.stiffnesses),
            *surfaces,
        ]
        for electrode, lost in zip(joule.body.electrodes, self._lost, strict=True):
            blocks += [electrode.masses(-2 * joule.conductance * lost), electrode.masses(joule.conductance)]
        return joule.pattern.fill(np.concatenate([block.ravel() for block in blocks]))

    @cached_property
    def by_voltage(self) -> Array:
        """Derivative of the residual with respect to the voltage, (2 node,)."""
        joule, inside, points = self.joule, self.joule.body.inside, self._points
        heat = 2 * points.conductivity * points.field[0] * joule.falling
        weighted = points.conductivity * inside.weights * joule.falling
        charges = np.einsum("eqc,eq->ec", inside.gradients[0], weighted)
        count = joule.body.count
        return np.concatenate([-add_up(inside, inside.loads(heat), count), add_up(inside, charges, count)])

    @cached_property
    def currents(self) -> Array:
        """Into the device at its electrodes, (2,) in A: what has to be supplied, or what the contact lets through."""
        joule = self.joule
        if joule.conductance == 0:
            charges = self.residual[joule.body.count :]
            return np.array([charges[nodes].sum() for nodes in joule.electrode_nodes])
        return np.array(
            [
                -joule.conductance * electrode.loads(lost).sum()
                for electrode, lost in zip(joule.body.electrodes, self._lost, strict=True)
            ]
        )

    @property
    def faces(self) -> Array:
        """As a `State` has them, (face, 2) in A."""
        column, before, behind = self.joule.columns
        entering = np.bincount(column, (self._charges * before).sum(axis=1))
        leaving = -np.bincount(column, (self._charges * behind).sum(axis=1))
        return np.column_stack([np.append(self.currents[0], leaving), np.append(entering, -self.currents[1])])

    @property
    def balance(self) -> Balance:
        """Where the power goes."""
        physics, body, unknown = self.joule.physics, self.joule.body, self.unknown
        first, last, sides, inside = (
            float(region.loads(region.at_points(unknown.excess)).sum())
            for region in (*body.electrodes, body.sides, body.inside)
        )
        supplied, at_electrodes = -self.residual[self.joule.cold], self.joule.cold_electrodes
        lost = zip(body.electrodes, self._lost, strict=True)
        return Balance(
            power=float(unknown.voltage * (ENDS[0] * self.currents[0] + ENDS[1] * self.currents[1])),
            to_electrodes=(physics.contact or 0.0) * (first + last) + float(supplied[at_electrodes].sum()),
            from_sides=(physics.side_cooling or 0.0) * sides + float(supplied[~at_electrodes].sum()),
            from_faces=physics.bulk_cooling * inside,
            stored=float(self._stored.sum()),
            at_contacts=sum(self.joule.conductance * float(electrode.loads(drop**2).sum()) for electrode, drop in lost),
        )

    @cached_property
    def _lost(self) -> list[Array]:
        """By how much the body is above its electrodes, (element, point) in V each."""
        return [electrode.at_points(self.unknown.deviation) for electrode in self.joule.body.electrodes]


def linearise(joule: Joule, unknown: Unknown, past: Past | None = None) -> Linearised:
    """div(σ(T) grad φ) = 0 and c dT/dt = div(k grad T) + σ(T) |grad φ|², with electrodes, in weak form.

    Of a steady state, or with a past of an implicit Euler step. The heat is taken at the same points of Gauss as the
    currents, with the same conductivity, so that φᵀ K(T) φ = V I holds in the discrete equations as in the continuous
    ones. A contact of resistance r carries (φ_electrode - φ) / r and releases the heat (φ_electrode - φ)² / r there.
    """
    body, inside = joule.body, joule.body.inside
    points = _points(joule, unknown)
    charges = np.einsum("eqc,eq->ec", points.along, points.conductivity)
    stored = np.zeros(body.count)
    if past is not None:
        stored = joule.mass @ unknown.minus(past.start).excess * (joule.physics.heat_capacity / past.duration)
    heats = add_up(inside, inside.loads(points.conductivity * points.squared), body.count)
    nodes = add_up(inside, charges, body.count)
    if joule.conductance > 0:
        for electrode in body.electrodes:
            lost = electrode.at_points(unknown.deviation)
            heats += add_up(electrode, electrode.loads(joule.conductance * lost**2), body.count)
            nodes += add_up(electrode, electrode.loads(joule.conductance * lost), body.count)
    leaving = joule.conduction @ unknown.variation + joule.losses @ unknown.excess
    residual = np.concatenate([leaving + stored - heats, nodes])
    return Linearised(joule, unknown, past, residual, points, charges, stored)


def _points(joule: Joule, unknown: Unknown) -> _Points:
    inside = joule.body.inside
    temperature = joule.physics.surroundings + inside.at_points(unknown.excess)
    conductivity, slope = (part.reshape(temperature.shape) for part in joule.physics.law(temperature.ravel()))
    field = np.einsum("aeqc,ec->aeq", inside.gradients, unknown.deviation[inside.nodes])
    field[0] += joule.falling * unknown.voltage
    along = np.einsum("aeq,aeqc,eq->eqc", field, inside.gradients, inside.weights)
    return _Points(conductivity, slope, field, (field**2).sum(axis=0), along)
