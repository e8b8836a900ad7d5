"""Flow and gradient correction of cars among trucks, q = Q(ρ, s) - D(ρ, s) ∂ρ/∂x, asked from rings of both."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

import eqfree as ef
from agents.cars import Cars, Drivers, Fleet, Law, RingAtDensity, Vehicle, flow
from eqfree.ensemble import Key
from eqfree.hmm import FluxCurve, FluxSurface
from eqfree.hmm.closure import Answer, Closure, as_inputs
from scenarios.traffic.gradient import FlowAndGradient
from scenarios.traffic.macroscopic import ASKED_CARS, WholeRange
from scenarios.traffic.rings import standing_density

__all__ = ["MixedFlow", "MixedFlowAndGradient", "ask_mixture"]

Array = NDArray[np.float64]

_FLOWS, _GRADIENTS = 48, 20  # rings asked for either table of a share; capacity is a kink that takes most of them
_ORDERS = 2  # of the vehicles on a ring, on which the flow does not depend
_WINDOW = 1.0  # s over which steady flow is read
_FREE = 1e-3  # of the slowest's speed: nearer to it, who leads a platoon hardly follows anybody
_STEP = 1e-4  # of a speed, over which a gap is differentiated


@dataclass(frozen=True)
class MixedFlow(Closure):
    """A closure: density in 1/m, (point, 1) -> flow Q in 1/s of cars and trucks, (point, 1).

    Cars and trucks of the given share are shuffled, lifted to their common steady speed, and driven on a ring for a
    second. Where desired speeds differ, steady flow is one platoon behind the slowest: ρ min v where there is room,
    however few trucks there are. A road without any is another road, 33 instead of 22 m/s fast; so at the share of
    zero the answer is the limit from above, and one of the cars drives no faster than a truck.

    *How to choose.* ``vehicles``: as many as hold the share. Their common speed is solved for and they need not heal,
    so more make nothing better.

    Parameters
    ----------
    law
        How they drive.
    car, truck
        The types; trucks are no faster than cars.
    share
        Of trucks among the vehicles.
    vehicles
        On the ring.

    Raises
    ------
    ValueError
        If trucks are faster than cars, or the share is not that of a whole number of them.

    Examples
    --------
    >>> from agents.cars import CAR, TRUCK, SafeDistance
    >>> MixedFlow(SafeDistance(), CAR, TRUCK, 0.15)([[0.015], [0.05]]).value.round(6)  # ρ min v; (1 - 8.05 ρ)/1.66
    array([[0.333333],
           [0.35994 ]])
    """

    law: Law
    car: Vehicle
    truck: Vehicle
    share: float
    vehicles: int = ASKED_CARS

    def __post_init__(self) -> None:
        if self.truck.desired_speed > self.car.desired_speed:
            raise ValueError(
                f"Trucks must be no faster than cars: got {self.truck.desired_speed:g} m/s for trucks and "
                f"{self.car.desired_speed:g} m/s for cars."
            )
        trucks = self.share * self.vehicles
        if not (0 <= self.share <= 1 and abs(trucks - round(trucks)) < 1e-9 * self.vehicles):
            raise ValueError(
                f"The truck share must be that of a whole number of trucks among {self.vehicles} vehicles: got "
                f"{self.share:g}. Take {np.clip(round(trucks) / self.vehicles, 0, 1):g}, or another number of vehicles."
            )

    def __call__(self, inputs: ArrayLike, state: Any = None, key: Key = ()) -> Answer:
        """Q at ``inputs`` in 1/m, (point, 1), with its error."""
        slow, part = self.truck, self.share
        if self.share == 0:
            slow, part = replace(self.car, desired_speed=self.truck.desired_speed), 1 / self.vehicles
        ring = RingAtDensity(self.law, Fleet((self.car, slow), (1 - part, part)), self.vehicles)
        stepper = ef.CoarseTimeStepper(ring, replicas=_ORDERS)
        return Closure.from_stepper(stepper, np.asarray, _flow, healing=0.0, window=_WINDOW)(inputs, key=key)

    @property
    def jam_density(self) -> float:
        """Vehicles per metre when all stand."""
        return standing_density(self.law, Fleet((self.car, self.truck), (1 - self.share, self.share)))


@dataclass(frozen=True)
class MixedFlowAndGradient(Closure):
    """A closure: density in 1/m, (point, 1) -> flow Q in 1/s and gradient coefficient D in m²/s, (point, 2).

    A driver passes small changes of speed on to the one behind, later and blurred: the logarithm of its transfer
    function is -T iω - B ω²/2 + ..., with the delay T = 1/V' of the speed V(headway), and a blur B. One behind the
    other, in whatever order, delays add up and so do blurs: a mixture has the means of both, and

        D = mean B / (2 (mean T)³ ρ²).

    For safe distance T = τ and B = τ². In general both are asked of either type alone, on a ring where all drive at
    the speed of the mixture: there B / (2 T³ ρ²) is that type's own coefficient, see `FlowAndGradient`. In a platoon
    with free road ahead its leader passes nothing on, and D is 0.

    What is blurred is speed. Where only the share changes along the road, at equal speed, no flow is to be corrected,
    but D ∂ρ/∂x is not zero: the correction is for shares that vary little from cell to cell.

    Parameters
    ----------
    flow
        Answers the flow, and says who drives.

    Raises
    ------
    ValueError
        If the law is not of first or second order, or has random numbers.

    Examples
    --------
    >>> from agents.cars import CAR, TRUCK, SafeDistance
    >>> closure = MixedFlowAndGradient(MixedFlow(SafeDistance(), CAR, TRUCK, 0.15))
    >>> closure([[0.05]]).value.round(2)  # D = 2.776 / (2 · 1.66³ ρ²)
    array([[  0.36, 121.37]])
    """

    flow: MixedFlow

    def __call__(self, inputs: ArrayLike, state: Any = None, key: Key = ()) -> Answer:
        """Q and D at ``inputs`` in 1/m, (point, 1), with the errors of both."""
        points = as_inputs(inputs)
        answer = self.flow(points, key=key)
        speed = answer.value[:, 0] / points[:, 0]
        following = speed < (1 - _FREE) * self.flow.truck.desired_speed
        gradient, cost = np.zeros((2, len(points))), answer.cost
        if following.any():
            gradient[:, following], spent = self._gradient(points[following, 0], speed[following], key)
            cost += spent
        value, stderr = (np.column_stack(both) for both in zip((answer.value, answer.stderr), gradient, strict=True))
        return Answer(value, stderr, cost=cost)

    def _gradient(self, density: Array, speed: Array, key: Key) -> tuple[Array, ef.Cost]:
        """D and its error, (2, point), and what they cost."""
        delay, blur, cost = np.zeros(len(speed)), np.zeros((2, len(speed))), ef.Cost()
        law, trucks = self.flow.law, self.flow.share
        for vehicle, share in ((self.flow.car, 1 - trucks), (self.flow.truck, trucks)):
            if share == 0:
                continue
            own, later = _keeping(law, vehicle, speed)
            answer = FlowAndGradient(law, vehicle, self.flow.vehicles)(own[:, np.newaxis], key=key)
            coefficient = np.stack([answer.value[:, 1], answer.stderr[:, 1]])
            delay += share * later
            blur += share * 2 * later**3 * own**2 * coefficient
            cost += answer.cost
        return blur / (2 * delay**3 * density**2), cost


def ask_mixture(law: Law, car: Vehicle, truck: Vehicle, shares: Sequence[float]) -> FluxSurface:
    """The flow of cars and trucks with its gradient coefficient, 1/s and m²/s over 1/m, at each of the shares.

    *How to choose.* ``shares``: close together where the road's are. Capacity is a kink that lies at another density
    for each share, and linear interpolation cuts it: half way between tables that are 0.1 apart safe-distance drivers
    lose 0.6 % of it, and a road that is near capacity in the mean (`Profile`) is then wrong by 3.6 % instead of 1 %.

    >>> from agents.cars import CAR, TRUCK, SafeDistance
    >>> flux = ask_mixture(SafeDistance(), CAR, TRUCK, [0.0, 1.0])
    >>> flux([0.015, 0.05], [0.0, 1.0]).round(4)  # (1 - 14 ρ)/2
    array([0.3333, 0.15  ])
    """
    tables = []
    for share in shares:
        mixed = MixedFlow(law, car, truck, share)
        flow, both = (
            FluxCurve.from_closure(WholeRange(closure, mixed.jam_density), mixed.jam_density, 1e-3, max_solves=solves)
            for closure, solves in ((mixed, _FLOWS), (MixedFlowAndGradient(mixed), _GRADIENTS))
        )
        tables.append(FluxCurve(flow.flow, both.gradient, flow.cost + both.cost, flow.error))
    return FluxSurface(shares, tables)


def _keeping(law: Law, vehicle: Vehicle, speed: Array) -> tuple[Array, Array]:
    """The density in 1/m at which all of one type drive at a speed, and by how many s their headway grows with it."""
    driver = Drivers.of([vehicle], np.zeros(len(speed), dtype=np.int64))
    faster, slower = (1 + _STEP) * speed, (1 - _STEP) * speed
    later = (law.steady_gap(faster, driver) - law.steady_gap(slower, driver)) / (faster - slower)
    return 1 / (vehicle.length + law.steady_gap(speed, driver)), later


def _flow(before: Cars, after: Cars, duration: float) -> list[float]:
    return [flow(before, after, duration)]
