"""What the diagram must show: closed forms and exact results, none of which knows the populations' code.

Speeds are in m/s, gaps in m, densities in 1/m and flows in 1/s.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import acosh, atanh, cos, exp, inf, lgamma, log, pi, sqrt, tanh
from typing import TypeAlias

from scipy.optimize import brentq, minimize_scalar

from agents.cars import Vehicle

__all__ = [
    "STEADY_GAP",
    "SteadyGap",
    "capacity",
    "equilibrium_flow",
    "idm_onset",
    "jam_density",
    "jam_wave_speed",
    "optimal_velocity_onsets",
    "single_site_flow",
]

SteadyGap: TypeAlias = Callable[[float, Vehicle], float]


def _idm_gap(speed: float, car: Vehicle) -> float:
    """Treiber, Hennecke & Helbing, Phys. Rev. E 62 (2000) 1805, eq. 5; doi:10.1103/PhysRevE.62.1805."""
    room = 1 - (speed / car.desired_speed) ** 4
    return (car.minimum_gap + speed * car.time_headway) / sqrt(room) if room > 0 else inf


def _safe_distance_gap(speed: float, car: Vehicle) -> float:
    """Newell, Transp. Res. B 36 (2002) 195: the gap grows by the reaction time per speed."""
    return car.minimum_gap + speed * car.time_headway


def _optimal_velocity_gap(speed: float, car: Vehicle) -> float:
    """The inverse of V(h) = v0 (tanh(h/d - 2) + tanh 2) / (1 + tanh 2); Bando et al., Phys. Rev. E 51 (1995) 1035."""
    height = speed / car.desired_speed * (1 + tanh(2)) - tanh(2)
    return car.minimum_gap + _width(car) * (2 + atanh(height)) if height < 1 else inf


def _width(car: Vehicle) -> float:
    return car.desired_speed * car.time_headway / (1 + tanh(2))


STEADY_GAP: Mapping[str, SteadyGap] = {
    "idm": _idm_gap,
    "safe_distance": _safe_distance_gap,
    "newell": _safe_distance_gap,
    "optimal_velocity": _optimal_velocity_gap,
}
"""Model -> bumper-to-bumper gap in m that a vehicle keeps at a steady speed."""


def equilibrium_flow(
    steady_gap: SteadyGap, vehicles: Sequence[Vehicle], shares: Sequence[float], density: float
) -> float:
    """Flow of a mixed fleet that drives at one speed: the gaps and lengths add up to the road.

    >>> car = Vehicle(name="car", length=5, minimum_gap=2, time_headway=1.6, desired_speed=120 / 3.6)
    >>> round(equilibrium_flow(STEADY_GAP["idm"], [car], [1.0], 0.05) * 3600, 3)
    1459.543
    """

    def excess(speed: float) -> float:
        taken = sum(
            share * (steady_gap(speed, vehicle) + vehicle.length)
            for share, vehicle in zip(shares, vehicles, strict=True)
        )
        return min(taken, 1e12) - 1 / density

    slowest = min(vehicle.desired_speed for vehicle in vehicles)
    speed = slowest if excess(slowest) <= 0 else brentq(excess, 0.0, slowest, xtol=1e-14, rtol=1e-14)
    return density * float(speed)


def capacity(steady_gap: SteadyGap, car: Vehicle) -> tuple[float, float]:
    """Largest flow of equal vehicles and the density where it is reached.

    >>> car = Vehicle(name="car", length=5, minimum_gap=2, time_headway=1.6, desired_speed=120 / 3.6)
    >>> [round(x, 4) for x in (capacity(STEADY_GAP["idm"], car)[0] * 3600, capacity(STEADY_GAP["idm"], car)[1] * 1000)]
    [1742.7839, 26.0744]
    """

    def flow(speed: float) -> float:
        return speed / (steady_gap(speed, car) + car.length)

    inside = minimize_scalar(
        lambda speed: -flow(speed), bounds=(0.0, car.desired_speed), method="bounded", options={"xatol": 1e-12}
    )
    best = max(float(inside.x), car.desired_speed, key=flow)
    return flow(best), 1 / (steady_gap(best, car) + car.length)


def jam_density(vehicles: Sequence[Vehicle], shares: Sequence[float]) -> float:
    """Vehicles per metre when all stand.

    >>> car = Vehicle(name="car", length=5, minimum_gap=2)
    >>> round(jam_density([car], [1.0]) * 1000, 3)
    142.857
    """
    return 1 / sum(
        share * (vehicle.length + vehicle.minimum_gap) for share, vehicle in zip(shares, vehicles, strict=True)
    )


def jam_wave_speed(steady_gap: SteadyGap, car: Vehicle) -> float:
    """Slope of the flow where it vanishes in the jam: minus the standing headway per unit of gap that speed takes.

    >>> car = Vehicle(name="car", length=5, minimum_gap=2, time_headway=1.6)
    >>> round(jam_wave_speed(STEADY_GAP["safe_distance"], car), 3)
    -4.375
    """
    small = 1e-6 * car.desired_speed
    slope = (steady_gap(small, car) - steady_gap(0.0, car)) / small
    return -(car.length + car.minimum_gap) / slope


def idm_onset(car: Vehicle) -> float:
    """Density above which a string of IDM cars is unstable: v_e'(s) = (f_vl - f_v)/2.

    The linear criterion for car-following models, e.g. Treiber & Kesting, Traffic Flow Dynamics (Springer 2013),
    chapter 15; the density beyond which it holds down to the jam, or NaN where it never does.

    >>> round(idm_onset(Vehicle(name="car", length=5, minimum_gap=2)) * 1000, 3)
    20.416
    """
    root = 2 * sqrt(car.acceleration * car.deceleration)

    def instability(speed: float) -> float:
        gap = _idm_gap(speed, car)
        wanted = car.minimum_gap + speed * car.time_headway
        by_gap = 2 * car.acceleration * wanted**2 / gap**3
        by_leader = 2 * car.acceleration * wanted / gap**2 * speed / root
        by_speed = -car.acceleration * (
            4 * speed**3 / car.desired_speed**4 + 2 * wanted / gap**2 * (car.time_headway + speed / root)
        )
        return -by_gap / (by_speed + by_leader) - (by_leader - by_speed) / 2

    speeds = [car.desired_speed * step / 1000 for step in range(1, 1000)]
    for fast, slow in zip(speeds[::-1], speeds[-2::-1], strict=False):
        if instability(fast) <= 0 < instability(slow):
            speed = float(brentq(instability, slow, fast, xtol=1e-12))
            return 1 / (_idm_gap(speed, car) + car.length)
    return float("nan")


def optimal_velocity_onsets(car: Vehicle, sensitivity: float, cars: int) -> tuple[float, float] | None:
    """The densities between which a ring is unstable: V'(h) = a / (1 + cos(2 pi / N)); None if it never is.

    Bando et al., Phys. Rev. E 51 (1995) 1035, for the longest wave that a ring of N holds.

    >>> point = Vehicle(name="car", length=0.0, minimum_gap=0.0, time_headway=1.0, desired_speed=1 + tanh(2))
    >>> [round(1 / density, 4) for density in optimal_velocity_onsets(point, 1.0, 10**6)]
    [2.8814, 1.1186]
    """
    ratio = (1 + cos(2 * pi / cars)) / (sensitivity * car.time_headway)
    if ratio <= 1:
        return None
    reach = acosh(sqrt(ratio))
    standing = car.length + car.minimum_gap
    return 1 / (standing + _width(car) * (2 + reach)), 1 / (standing + _width(car) * (2 - reach))


def single_site_flow(cars: int, cells: int, hop: float) -> float:
    """Flow per time step of Nagel-Schreckenberg with v_max = 1 on a ring, exact for a parallel update.

    A configuration of k clusters has weight (L/k) C(N-1, k-1) C(L-N-1, k-1) (1-q)^-k; the flow is q <k> / L.
    Schreckenberg, Schadschneider, Nagel & Ito, Phys. Rev. E 51 (1995) 2939.

    >>> round(single_site_flow(500, 1000, 0.5), 8)
    0.14657172
    """

    def log_binomial(n: int, k: int) -> float:
        return lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1)

    clusters = range(1, min(cars, cells - cars) + 1)
    weights = [
        log(cells / k) + log_binomial(cars - 1, k - 1) + log_binomial(cells - cars - 1, k - 1) - k * log(1 - hop)
        for k in clusters
    ]
    top = max(weights)
    total = sum(exp(weight - top) for weight in weights)
    return hop * sum(k * exp(weight - top) for k, weight in zip(clusters, weights, strict=True)) / (total * cells)
