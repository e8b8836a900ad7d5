"""Vehicle types by SUMO's own parameters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import inf
from numbers import Real
from xml.sax.saxutils import quoteattr

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from eqfree.fields import short

__all__ = ["MODELS", "Fleet", "VehicleType", "follow_safely", "is_number"]

Array = NDArray[np.float64]

MODELS = (
    *("Krauss", "KraussOrig1", "KraussPS", "KraussX", "SmartSK", "Daniel1", "IDM", "EIDM", "IDMM", "PWagner2009"),
    *("BKerner", "Rail", "Wiedemann", "W99", "ACC", "CACC", "CC"),
)
"""The car-following models that SUMO 1.28 knows."""
_NEVER_RANDOM = ("IDM", "IDMM", "ACC", "CACC")
_RANDOM_BY_SIGMA = ("Krauss", "KraussOrig1", "KraussPS", "KraussX")
_HALVINGS = 60


@dataclass(frozen=True)
class VehicleType:
    """A type of vehicle and driver, in SUMO's parameters; the defaults are those of SUMO's passenger cars.

    Parameters
    ----------
    model
        SUMO's car-following model, as SUMO writes it: ``"Krauss"``, ``"IDM"``, ``"EIDM"``, ``"ACC"``, ``"W99"`` and so
        on.
    acceleration, deceleration
        SUMO's ``accel`` and ``decel`` in m/s².
    time_headway
        SUMO's ``tau`` in s.
    minimum_gap
        SUMO's ``minGap`` in m.
    length
        In m.
    maximum_speed
        SUMO's ``maxSpeed`` in m/s.
    imperfection
        SUMO's ``sigma``, from 0 to 1: how much a driver dawdles; without meaning to the IDM.
    parameters
        Any other attributes of SUMO's ``vType``, such as ``{"delta": 4, "speedDev": 0.1}``; speeds do not deviate
        unless that says so.

    Raises
    ------
    ValueError
        If a number is out of range, SUMO has no such model, or a parameter is named in two ways.

    References
    ----------
    SUMO's documentation, "Definition of Vehicles, Vehicle Types, and Routes".

    Examples
    --------
    >>> car = VehicleType("IDM", time_headway=1.6)
    >>> car.deterministic, car.steady_speed(np.array([18.0])).round(3)
    (True, array([9.682]))
    """

    model: str = "Krauss"
    acceleration: float = 2.6
    deceleration: float = 4.5
    time_headway: float = 1.0
    minimum_gap: float = 2.5
    length: float = 5.0
    maximum_speed: float = 55.55
    imperfection: float = 0.5
    parameters: Mapping[str, str | float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("acceleration", "deceleration", "time_headway", "length", "maximum_speed"):
            value = getattr(self, name)
            if not (is_number(value) and 0 < value < inf):
                raise ValueError(f"`{name}` of a vehicle type must be positive and finite: got {value!r}.")
        if not (is_number(self.minimum_gap) and 0 <= self.minimum_gap < inf):
            raise ValueError(f"`minimum_gap` must be finite and not negative, in m: got {self.minimum_gap!r}.")
        if not (is_number(self.imperfection) and 0 <= self.imperfection <= 1):
            raise ValueError(f"`imperfection` must lie between 0 and 1: got {self.imperfection!r}.")
        if self.model not in MODELS:
            raise ValueError(
                f"`model` must be a car-following model of SUMO's, {', '.join(MODELS)}: got {short(self.model)}. "
                "Write it as it stands there."
            )
        if not all(name.replace(".", "").isalnum() for name in self.parameters):
            raise ValueError(f"SUMO's names are of letters and digits: got {list(self.parameters)}.")
        if taken := sorted(self._attributes().keys() & (self.parameters.keys() - {"speedDev"})):
            raise ValueError(f"`parameters` must hold what has no name here: got {', '.join(taken)}. Use those names.")

    @property
    def deterministic(self) -> bool:
        """Whether SUMO's driver is known to draw no random number."""
        tame = not any(name.lower().startswith(("sigma", "speed", "lc", "has")) for name in self.parameters)
        exact = self.model in _NEVER_RANDOM or (self.model in _RANDOM_BY_SIGMA and self.imperfection == 0)
        return tame and exact

    def steady_speed(self, gap: Array) -> Array:
        """The speed in m/s at which these gaps (m, bumper to bumper) are kept, not above the largest speed.

        Exact for the IDM, gap sqrt(1 - (v/v0)^delta) = minGap + tau v, by halving; otherwise (gap - minGap)/tau,
        which other models tend to: they find their own as they drive.
        """
        room = np.maximum(0.0, np.asarray(gap, dtype=np.float64) - self.minimum_gap)
        if self.model != "IDM":
            return np.minimum(self.maximum_speed, room / self.time_headway)
        low, high = np.zeros_like(room), np.full_like(room, self.maximum_speed)
        power = float(self.parameters.get("delta", 4.0))
        for _ in range(_HALVINGS):
            speed = (low + high) / 2
            wanted = self.minimum_gap + self.time_headway * speed
            below = wanted < gap * np.sqrt(1 - (speed / self.maximum_speed) ** power)
            low, high = np.where(below, speed, low), np.where(below, high, speed)
        return np.where(room > 0, low, 0.0)

    def xml(self, name: str) -> str:
        """The element that defines it in a SUMO file."""
        merged = {**self._attributes(), **self.parameters}
        written = " ".join(f"{key}={quoteattr(_text(value))}" for key, value in merged.items())
        return f"<vType id={quoteattr(name)} {written}/>"

    def _attributes(self) -> dict[str, str | float]:
        return {
            "carFollowModel": self.model,
            "accel": self.acceleration,
            "decel": self.deceleration,
            "tau": self.time_headway,
            "minGap": self.minimum_gap,
            "length": self.length,
            "maxSpeed": self.maximum_speed,
            "sigma": self.imperfection,
            "speedDev": 0.0,
        }


def is_number(value: object) -> bool:
    """Whether it is a real number, which True and False are not.

    >>> is_number(np.float64(1.5)), is_number("1.5"), is_number(True)
    (True, False, False)
    """
    return isinstance(value, Real) and not isinstance(value, bool)


def _text(value: str | float) -> str:
    return value if isinstance(value, str) else repr(float(value))


@dataclass(frozen=True)
class Fleet:
    """Vehicle types and the share of each, (types,), adding up to 1.

    Raises
    ------
    ValueError
        If there are not as many shares as types, or they do not add up to 1.

    Examples
    --------
    >>> fleet = Fleet((VehicleType(), VehicleType(length=12.0)), (0.75, 0.25))
    >>> np.bincount(fleet.deal(8, np.random.default_rng(0)))
    array([6, 2])
    """

    types: Sequence[VehicleType]
    shares: Sequence[float] = (1.0,)

    def __post_init__(self) -> None:
        if len(self.types) != len(self.shares) or not self.types:
            raise ValueError(f"There must be a share per type: got {len(self.types)} and {len(self.shares)}.")
        if min(self.shares) < 0 or not abs(sum(self.shares) - 1) < 1e-9:
            raise ValueError(f"Shares must be not negative and add up to 1: got {tuple(self.shares)}.")

    @property
    def uniform(self) -> bool:
        """Whether all vehicles are of one type."""
        return max(self.shares) == 1.0

    def deal(self, count: int, rng: Generator) -> NDArray[np.int64]:
        """The types of ``count`` vehicles, (count,): exact shares, the remainders to the largest, in random order."""
        exact = np.array(self.shares) * count
        numbers = np.floor(exact + 1e-9).astype(np.int64)
        numbers[np.argsort(numbers - exact, kind="stable")[: count - numbers.sum()]] += 1
        deck = np.repeat(np.arange(len(numbers)), numbers)
        return deck if self.uniform else rng.permutation(deck)

    def column(self, name: str, kinds: NDArray[np.int64]) -> Array:
        """A parameter of each vehicle, (vehicles,)."""
        return np.array([getattr(one, name) for one in self.types], dtype=np.float64)[kinds]

    def steady_speed(self, gap: Array, kinds: NDArray[np.int64]) -> Array:
        """The steady speed in m/s of each vehicle at its gap in m, (vehicles,)."""
        speeds = np.array([one.steady_speed(gap) for one in self.types])
        chosen: Array = speeds[kinds, np.arange(len(kinds))]
        return chosen


def follow_safely(
    speed: Array, gap: Array, minimum_gap: Array, deceleration: Array, time_headway: Array, *, ring: bool
) -> Array:
    """The largest speeds, none above ``speed``, from which all can stop behind a leader who brakes as they do.

    Gipps: v tau + v²/2b <= gap - minGap + u²/2b with the leader's speed u, so that nobody has to brake harder than
    b after being placed where a profile jumps. Vehicles are ordered from the last to the first, which on a ring
    follows the last; all arguments have shape (vehicles,).

    References
    ----------
    P. G. Gipps, Transp. Res. B 15 (1981) 105, doi:10.1016/0191-2615(81)90037-0.

    Examples
    --------
    >>> one = np.ones(2)
    >>> follow_safely(np.array([30.0, 0.0]), np.array([42.0, np.inf]), 2 * one, 2 * one, one, ring=False).round(3)
    array([10.806,  0.   ])
    """
    safe = speed.copy()
    count = len(safe)
    for place in range(2 * count - 1 if ring else count - 1, -1, -1):
        own, ahead = place % count, (place + 1) % count
        if not ring and own == count - 1:
            continue
        b, tau = deceleration[own], time_headway[own]
        room = max(0.0, gap[own] - minimum_gap[own]) + safe[ahead] ** 2 / (2 * b)
        safe[own] = min(safe[own], b * (np.sqrt(tau**2 + 2 * room / b) - tau))
    return safe
