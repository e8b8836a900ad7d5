"""Newton's method for heat and charge at once, with the voltage given or with the maximal temperature given."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.linalg import splu

from scenarios.battery.device.joule import Joule
from scenarios.battery.device.linearised import Linearised, Past, Unknown, linearise
from scenarios.battery.device.state import NotConverged, State

__all__ = ["Solved", "climb", "conducting", "scaled", "slope", "solve"]

Array: TypeAlias = NDArray[np.float64]

_MOST = 60  # iterations
_LONGEST = 40.0  # change of a temperature in an iteration, K: conductivities change some fivefold
_BOLDEST = 0.5  # change of the voltage in an iteration, over the voltage
_COOL, _CALM = 1e-6, 1e-8  # last change, K and of the voltage: its square is what is left, far below rounding
_SAME = 1e-11  # rise that another node may have more than the one that was pinned, over the rise
_PIVOT = 0.1  # of the largest entry of a column: the order that keeps the factors sparse is for the diagonal
_NEAR = 0.9  # share of the way to the highest temperature that an iteration may go
_TINY = 1e-3  # voltage at which nothing gets warm, V
_FIRST, _GROWTH, _SHORTEST = 4.0, 1.5, 1e-4  # steps in the maximal temperature, K


@dataclass(frozen=True, eq=False)
class Solved:
    """What Newton's method ended with.

    Attributes
    ----------
    unknown, linearised
        The solution, and residual and Jacobian there.
    corrections
        Largest change of temperature in each iteration (K).
    """

    unknown: Unknown
    linearised: Linearised
    corrections: tuple[float, ...]

    @property
    def rise(self) -> float:
        """Of the hottest node above the surroundings (K)."""
        return float(self.unknown.excess.max())

    def state(self, joule: Joule) -> State:
        """As the user sees it."""
        told = self.linearised
        return State(
            temperature=joule.physics.surroundings + self.unknown.excess,
            potential=self.unknown.voltage * joule.fall + self.unknown.deviation,
            voltage=self.unknown.voltage,
            currents=told.currents,
            faces=told.faces,
            balance=told.balance,
            corrections=self.corrections,
        )


def solve(
    joule: Joule,
    start: Unknown,
    span: tuple[float, float],
    rise: float | None = None,
    past: Past | None = None,
    most: int = _MOST,
) -> Solved:
    """The state at the voltage of the start, or, with a ``rise``, the one whose hottest node is that much warmer (K).

    A steady state, or with a ``past`` the end of an implicit Euler step; in so many iterations at ``most``. The
    conductivity is asked once in each.

    Raises
    ------
    NotConverged
        If there is no solution near, or none at temperatures within ``span`` (K above the surroundings).
    """
    unknown, corrections = start, list[float]()
    while len(corrections) < most:
        linearised = linearise(joule, unknown, past)
        node = int(unknown.excess.argmax())
        change = _newton(joule, linearised, unknown, None if rise is None else (node, rise))
        largest = float(np.abs(change.excess).max())
        share = _share(joule, unknown, change, span)
        unknown = unknown.plus(change, share)
        if not len(joule.cold):
            unknown = unknown.levelled()
        corrections.append(share * largest)
        moved = max(float(np.abs(change.deviation).max()), abs(change.voltage))
        calm = share == 1 and largest <= _COOL and moved <= _CALM * max(abs(unknown.voltage), _TINY)
        if calm and (rise is None or float(unknown.excess.max()) <= (1 + _SAME) * rise):
            return Solved(unknown, linearise(joule, unknown, past), tuple(corrections))
    raise NotConverged("Newton's method found no state near its start. Start nearer, or take shorter steps.")


def _newton(joule: Joule, linearised: Linearised, unknown: Unknown, pinned: tuple[int, float] | None) -> Unknown:
    count, free = joule.body.count, joule.free
    missing = -linearised.residual[free]
    if pinned is None:
        found, voltage = _factorised(linearised.matrix)(missing), 0.0
    else:
        node, rise = pinned
        found, voltage = _bordered(joule, linearised, node, missing, rise - float(unknown.excess[node]))
    change = np.zeros(2 * count)
    change[free] = found
    return Unknown(change[:count], change[count:], voltage)


def _bordered(joule: Joule, linearised: Linearised, node: int, missing: Array, rise: float) -> tuple[Array, float]:
    """The change of what is free and of the voltage by which a node warms by a rise; regular at a fold, too."""
    free = joule.free
    row = sparse.csr_array(([1.0], ([0], [int(np.searchsorted(free, node))])), shape=(1, len(free)))
    column = sparse.csc_array(linearised.by_voltage[free][:, np.newaxis])
    bordered = sparse.block_array([[linearised.matrix, column], [row, None]], format="csc")
    found = _factorised(bordered)(np.append(missing, rise))
    return found[:-1], float(found[-1])


def _factorised(matrix: sparse.csc_array) -> Callable[[Array], Array]:
    try:
        return splu(matrix, permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=_PIVOT).solve
    except RuntimeError as error:
        raise NotConverged("The equations have no single solution: nothing cools, or nothing conducts.") from error


def _share(joule: Joule, unknown: Unknown, change: Unknown, span: tuple[float, float]) -> float:
    """How much of a change is made: never so much that a temperature leaves the span."""
    if not np.isfinite(change.excess).all() or not np.isfinite(change.deviation).all():
        raise NotConverged("Newton's method was led to numbers that are not finite. Start nearer.")
    share = min(1.0, _LONGEST / max(float(np.abs(change.excess).max()), _LONGEST))
    here, change_here = (
        np.append(values, joule.body.inside.at_points(values)) for values in (unknown.excess, change.excess)
    )
    for border, sign in zip(span, (-1.0, 1.0), strict=True):
        room, moved = sign * (border - here), sign * change_here
        over = share * moved > room
        if over.any():
            share = _NEAR * float((room[over] / moved[over]).min())
    if abs(change.voltage) > _BOLDEST * abs(unknown.voltage):  # the sign of all potentials is anybody's guess
        share = min(share, _BOLDEST * abs(unknown.voltage / change.voltage))
    if share < _SHORTEST:
        raise NotConverged("Newton's method was led out of the temperatures that are allowed.")
    return share


def conducting(joule: Joule, excess: Array, voltage: float) -> Unknown:
    """The potential that belongs to temperatures, (node,) in K above the surroundings, at a voltage."""
    start = Unknown(excess, np.zeros_like(excess), voltage)
    linearised = linearise(joule, start)
    electric = joule.free >= joule.body.count
    first = int(np.count_nonzero(~electric))
    nodes = joule.free[electric]
    solve_charge = _factorised(linearised.matrix[first:, first:])
    deviation = np.zeros_like(excess)
    deviation[nodes - joule.body.count] = -solve_charge(linearised.residual[nodes])
    return Unknown(excess, deviation, voltage)


def scaled(joule: Joule, rise: float) -> Unknown:
    """The state as far as heat is proportional to the square of the voltage, where the hottest node has this rise."""
    tiny = conducting(joule, np.zeros(joule.body.count), _TINY)
    linearised = linearise(joule, tiny)
    nodes = joule.free[joule.free < joule.body.count]
    thermal = linearised.matrix[: len(nodes), : len(nodes)]
    excess = np.zeros(joule.body.count)
    excess[nodes] = -_factorised(thermal)(linearised.residual[nodes])
    factor = rise / float(excess.max())
    return Unknown(factor * excess, np.sqrt(factor) * tiny.deviation, float(np.sqrt(factor)) * _TINY)


def slope(joule: Joule, solved: Solved) -> float:
    """How fast the voltage grows with the highest temperature along steady states, V/K: 0 at a fold."""
    node = int(solved.unknown.excess.argmax())
    return _bordered(joule, solved.linearised, node, np.zeros(len(joule.free)), 1.0)[1]


def climb(joule: Joule, span: tuple[float, float], until: float) -> Iterator[Solved]:
    """Steady states of rising maximal temperature, from cold to a rise (K), through folds.

    Raises
    ------
    NotConverged
        If Newton's method fails however short the step.
    """
    last: Solved | None = None
    earlier: Solved | None = None
    step = min(_FIRST, until)
    while last is None or last.rise < until:
        base = 0.0 if last is None else last.rise
        target = until if base + 1.01 * step >= until else base + step
        try:
            found = solve(joule, _predict(joule, earlier, last, target), span, target)
        except NotConverged:
            step /= 2
            if step < _SHORTEST:
                raise
            continue
        yield found
        earlier, last, step = last, found, _GROWTH * step


def _predict(joule: Joule, earlier: Solved | None, last: Solved | None, target: float) -> Unknown:
    if last is None:
        return scaled(joule, target)
    if earlier is None:
        factor = target / last.rise
        root = float(np.sqrt(factor))
        return Unknown(factor * last.unknown.excess, root * last.unknown.deviation, root * last.unknown.voltage)
    ahead = (target - last.rise) / (last.rise - earlier.rise)
    change = last.unknown.minus(earlier.unknown)
    if change.voltage < 0:  # never to a voltage of the other sign, where the same states are
        ahead = min(ahead, -_BOLDEST * last.unknown.voltage / change.voltage)
    return last.unknown.plus(change, ahead)
