"""What cells signal with and live on: molecules that diffuse, decay, are secreted and taken up, and are all counted."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from itertools import product
from math import inf, isfinite, prod

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csr_array

from agents.cells.elliptic import Ends, between, solve
from agents.cells.solute import Ledger, Solute

__all__ = ["Closed", "Held", "Influx", "Ledger", "Medium", "Periodic", "Side", "Solute"]

Array = NDArray[np.float64]

_ITERATIONS, _SETTLED = 100, 1e-10  # of saturation in the steady state, and the relative change that ends them


@dataclass(frozen=True)
class Closed:
    """A side through which nothing goes."""


@dataclass(frozen=True)
class Held:
    """A side at which the concentration is kept.

    Raises
    ------
    ValueError
        If the concentration is negative or not finite.
    """

    concentration: float

    def __post_init__(self) -> None:
        _not_negative("The concentration at a side", self.concentration)


@dataclass(frozen=True)
class Influx:
    """A side through which molecules come in, ``flux`` per area and time: concentration × µm / h.

    Raises
    ------
    ValueError
        If the flux is negative or not finite.
    """

    flux: float

    def __post_init__(self) -> None:
        _not_negative("The flux through a side", self.flux)


@dataclass(frozen=True)
class Periodic:
    """What goes out at this side comes in at the opposite one."""


Side = Closed | Held | Influx | Periodic
_CLOSED = Closed()


@dataclass(frozen=True)
class Medium:
    """Boxes of fluid in which molecules diffuse and decay, and cells secrete them and take them up.

    A step of the length τ is implicit (backward Euler), first order in τ and stable for any:

        c' = c + τ (D Δ c' + secretion - (uptake / (1 + c / K) + decay) c' + what comes through the sides)

    with the difference operator of second order on boxes. c' is solved for, and then inserted on the right: what one
    box loses another gains, to rounding, however well it was solved, so that molecules are conserved in every run. What
    the solution's error leaves below zero is set to zero, at the cost of all others in proportion.

    *How to choose* the spacing: below the length sqrt(D / decay), or sqrt(D / uptake) where cells are many, in which
    concentrations change; the step: below the time in which cells change what they secrete and take up.

    Parameters
    ----------
    shape
        Boxes along x, y and z, as many as there are dimensions: one, two or three.
    spacing
        Edge of a box (µm).
    diffusion
        D (µm²/h); 1 µm²/s is 3600.
    decay
        Per molecule (1/h).
    half_saturation
        K, the concentration at which a cell takes up half as much as it can; infinite: always in proportion.
    sides
        Of each axis: one `Side` for both of its ends, or a pair; axes that are not named are closed.
    tolerance
        Of the iterative solver in two and three dimensions, relative.

    Raises
    ------
    ValueError
        If there are no boxes, a number has the wrong sign or is not finite, or sides do not fit to the axes.

    Examples
    --------
    >>> medium = Medium((2,), spacing=10.0, diffusion=0.0, decay=1.0)
    >>> medium.evolve(medium.solute([4.0, 2.0]), 1.0).concentration
    array([2., 1.])
    """

    shape: tuple[int, ...]
    spacing: float
    diffusion: float
    decay: float = 0.0
    half_saturation: float = inf
    sides: tuple[Side | tuple[Side, Side], ...] = ()
    tolerance: float = 1e-10

    def __post_init__(self) -> None:
        shape = tuple(int(count) for count in self.shape)
        if len(shape) not in (1, 2, 3) or min(shape) < 1 or shape != tuple(self.shape):
            raise ValueError(f"`shape` must be one, two or three whole numbers of boxes: got {self.shape}.")
        if not 0 < self.spacing < inf:
            raise ValueError(f"`spacing`, the edge of a box, must be positive: got {self.spacing}.")
        _not_negative("`diffusion`", self.diffusion)
        _not_negative("`decay`", self.decay)
        if not self.half_saturation > 0:
            raise ValueError(f"`half_saturation` must be positive, or inf: got {self.half_saturation}.")
        if not 0 < self.tolerance < 1e-3:
            raise ValueError(f"`tolerance` must lie between 0 and 1e-3: got {self.tolerance}.")
        if len(self.sides) > len(shape):
            raise ValueError(f"There must be sides for at most {len(shape)} axes: got {len(self.sides)}.")
        given = (*self.sides, *([_CLOSED] * (len(shape) - len(self.sides))))
        pairs = tuple(side if isinstance(side, tuple) else (side, side) for side in given)
        for axis, pair in enumerate(pairs):
            if len(pair) != 2 or not all(isinstance(side, Side) for side in pair):
                raise ValueError(f"Axis {axis} must have one or two of Closed, Held, Influx and Periodic: got {pair}.")
            if sum(isinstance(side, Periodic) for side in pair) == 1:
                raise ValueError(f"Axis {axis} must be periodic at both ends or at none: got {pair}.")
        object.__setattr__(self, "shape", shape)
        object.__setattr__(self, "sides", pairs)

    @property
    def volume(self) -> float:
        """Of a box (µm^d)."""
        return self.spacing ** len(self.shape)

    @property
    def x(self) -> Array:
        """The middles of the boxes along the first axis (µm)."""
        return np.asarray((np.arange(self.shape[0]) + 0.5) * self.spacing)

    def solute(self, concentration: ArrayLike) -> Solute:
        """Molecules at a concentration, of one number or (boxes along each axis), to which nothing has happened yet.

        Raises
        ------
        ValueError
            If the shape is another, or a concentration is negative or not finite.
        """
        filled = self._checked("The concentration", concentration).copy()
        return Solute(filled, Ledger(start=float(filled.sum() * self.volume)))

    def amount(self, solute: Solute) -> float:
        """Molecules that are there (concentration × µm^d)."""
        return float(solute.concentration.sum() * self.volume)

    def imbalance(self, solute: Solute) -> float:
        """Molecules that are too many or missing, over all that ever were there."""
        return solute.ledger.imbalance(self.amount(solute))

    def evolve(
        self, solute: Solute, duration: float, secretion: ArrayLike = 0.0, uptake: ArrayLike = 0.0, steps: int = 1
    ) -> Solute:
        """The molecules after ``duration``, while cells stay where they are.

        Parameters
        ----------
        duration
            (h)
        secretion : (boxes along each axis)
            What cells give off in each box, per volume and time (concentration / h): the amounts that `deposit` makes,
            over the volume of a box.
        uptake : (boxes along each axis)
            The rate at which cells clear each box while concentrations are low (1/h).
        steps
            Of which the duration is made.

        Raises
        ------
        ValueError
            If a shape is wrong, a number negative or not finite, or there is no step.
        """
        _not_negative("`duration`", duration)
        if steps < 1:
            raise ValueError(f"There must be a step at least: got {steps}.")
        given, cleared = self._checked("`secretion`", secretion), self._checked("`uptake`", uptake)
        if solute.concentration.shape != self.shape:
            raise ValueError(f"The molecules must be in {self.shape} boxes: got {solute.concentration.shape}.")
        for _ in range(steps if duration > 0 else 0):
            solute = self._step(solute, duration / steps, given, cleared)
        return solute

    def steady(self, secretion: ArrayLike = 0.0, uptake: ArrayLike = 0.0) -> Array:
        """The concentration that stays as it is while cells stay where they are, (boxes along each axis).

        Saturation is met by Newton's method from an empty medium, whose iterates rise to the solution.

        Raises
        ------
        ValueError
            As `evolve`, or where more molecules come than are taken away.
        RuntimeError
            If saturation does not settle, as where cells can take up hardly more than what comes.
        """
        given, cleared = self._checked("`secretion`", secretion), self._checked("`uptake`", uptake)
        self._check_that_it_settles(given, cleared)
        found = np.zeros(self.shape)
        for _ in range(_ITERATIONS):
            share = 1 / (1 + found / self.half_saturation)
            loss, back = cleared * share**2, cleared * share * (1 - share) * found
            before, found = found, np.maximum(self._solve(self.decay + loss, given - back, found), 0.0)
            if not isfinite(self.half_saturation) or np.abs(found - before).max() <= _SETTLED * found.max():
                return np.asarray(found)
        raise RuntimeError(f"The steady state was not found in {_ITERATIONS} iterations: is nearly all taken up?")

    def weights(self, positions: ArrayLike) -> csr_array:
        """The shares of boxes at positions, (cell, box): linear between the middles of boxes; those of a cell add to 1.

        Parameters
        ----------
        positions : (cell, dimension)
            (µm), between 0 and shape × spacing; anywhere along a periodic axis.

        Raises
        ------
        ValueError
            If they are of another dimension, or one lies outside.
        """
        places = np.asarray(positions, dtype=np.float64)
        if places.ndim != 2 or places.shape[1] != len(self.shape):
            raise ValueError(f"Positions must be (cell, {len(self.shape)}): got {places.shape}.")
        corners: list[tuple[NDArray[np.int64], Array]] = []
        for axis, (count, ends) in enumerate(zip(self.shape, self._ends, strict=True)):
            along = places[:, axis] / self.spacing
            if not (np.isfinite(along) & ((ends == "periodic") | ((along >= 0) & (along <= count)))).all():
                raise ValueError(f"Positions must lie between 0 and {count * self.spacing:g} on axis {axis}.")
            low = np.floor(along - 0.5).astype(np.int64)
            share = along - 0.5 - low
            two = np.stack((low, low + 1))
            two = two % count if ends == "periodic" else np.clip(two, 0, count - 1)
            corners.append((two, np.stack((1 - share, share))))
        rows, columns, values = [], [], []
        for which in product((0, 1), repeat=len(self.shape)):
            boxes = tuple(two[w] for w, (two, _) in zip(which, corners, strict=True))
            columns.append(np.ravel_multi_index(boxes, self.shape))
            values.append(prod([share[w] for w, (_, share) in zip(which, corners, strict=True)], start=np.float64(1)))
            rows.append(np.arange(len(places)))
        entries = (np.concatenate(values), (np.concatenate(rows), np.concatenate(columns)))
        return csr_array(entries, shape=(len(places), prod(self.shape)))

    def sample(self, solute: Solute, positions: ArrayLike) -> Array:
        """The concentration at positions, (cell,), linear between the middles of boxes.

        >>> medium = Medium((2,), spacing=10.0, diffusion=1.0)
        >>> medium.sample(medium.solute([1.0, 3.0]), [[0.0], [10.0]])
        array([1., 2.])
        """
        return np.asarray(self.weights(positions) @ solute.concentration.ravel())

    def deposit(self, positions: ArrayLike, amounts: ArrayLike) -> Array:
        """What cells at positions give to the boxes, (boxes along each axis): they add up to the amounts.

        >>> Medium((2,), spacing=10.0, diffusion=1.0).deposit([[0.0], [10.0]], [1.0, 4.0])
        array([3., 2.])
        """
        weights = self.weights(positions)
        given = np.broadcast_to(np.asarray(amounts, dtype=np.float64), weights.shape[:1])
        return np.asarray(weights.T @ given).reshape(self.shape)

    @property
    def _exchange(self) -> float:
        return self.diffusion / self.spacing**2

    @cached_property
    def _pairs(self) -> tuple[tuple[Side, Side], ...]:
        return tuple(pair for pair in self.sides if isinstance(pair, tuple))

    @cached_property
    def _ends(self) -> tuple[Ends, ...]:
        names: dict[tuple[bool, bool], Ends] = {
            (False, False): "closed",
            (True, True): "held",
            (False, True): "closed-held",
            (True, False): "held-closed",
        }
        return tuple(
            "periodic" if isinstance(low, Periodic) else names[isinstance(low, Held), isinstance(high, Held)]
            for low, high in self._pairs
        )

    @cached_property
    def _sources(self) -> tuple[tuple[tuple[slice | int, ...], float, float], ...]:
        """Of the sides that let through: which boxes, what comes in per volume and time, and the rate of what goes."""
        found = []
        for axis, pair in enumerate(self._pairs):
            for end, side in zip((0, -1), pair, strict=True):
                boxes = tuple(end if other == axis else slice(None) for other in range(len(self.shape)))
                if isinstance(side, Influx):
                    found.append((boxes, side.flux / self.spacing, 0.0))
                elif isinstance(side, Held):
                    found.append((boxes, 2 * self._exchange * side.concentration, 2 * self._exchange))
        return tuple(found)

    def _checked(self, name: str, values: ArrayLike) -> Array:
        given = np.asarray(values, dtype=np.float64)
        if given.shape not in ((), self.shape):
            raise ValueError(f"{name} must be one number or of {self.shape} boxes: got {given.shape}.")
        if not ((given >= 0) & (given < inf)).all():
            raise ValueError(f"{name} must be finite and not negative: got one that is not.")
        return np.broadcast_to(given, self.shape)

    def _check_that_it_settles(self, secretion: Array, uptake: Array) -> None:
        if self.decay or (self.diffusion and any("held" in ends for ends in self._ends)):
            return
        comes = np.array(secretion)
        for boxes, flux, _ in self._sources:
            comes[boxes] += flux
        most = self.half_saturation * float(uptake.sum()) if uptake.any() else 0.0
        if not comes.sum() < most:
            raise ValueError(
                f"A steady state needs decay, a held side, or cells that can take up all that comes, "
                f"{comes.sum() * self.volume:.4g} per hour: they can {most * self.volume:.4g}, so molecules pile up."
            )

    def _solve(self, loss: Array, source: Array, guess: Array) -> Array:
        """Where loss × c is the source, what diffuses and what comes through the sides."""
        whole = np.array(source)
        for boxes, comes, _ in self._sources:
            whole[boxes] += comes
        return solve(loss, self._exchange, self._ends, whole, guess, self.tolerance)

    def _step(self, solute: Solute, step: float, secretion: Array, uptake: Array) -> Solute:
        before = solute.concentration
        cleared = uptake / (1 + before / self.half_saturation)
        solved = self._solve(1 / step + self.decay + cleared, before / step + secretion, before)
        solved = np.maximum(solved, 0.0)
        gain = secretion - (cleared + self.decay) * solved
        for axis, ends in enumerate(self._ends):
            inside: Ends = ends if ends == "periodic" else "closed"
            gain += self._exchange * between(solved, axis, inside)
        entered = left = 0.0
        for boxes, comes, rate in self._sources:
            through = comes - rate * solved[boxes]
            gain[boxes] += through
            entered += float(np.maximum(through, 0.0).sum())
            left -= float(np.minimum(through, 0.0).sum())
        scale, ledger = step * self.volume, solute.ledger
        return Solute(
            _without_debts(before + step * gain),
            replace(
                ledger,
                secreted=ledger.secreted + scale * float(secretion.sum()),
                taken_up=ledger.taken_up + scale * float((cleared * solved).sum()),
                decayed=ledger.decayed + scale * self.decay * float(solved.sum()),
                entered=ledger.entered + scale * entered,
                left=ledger.left + scale * left,
            ),
        )


def _without_debts(concentration: Array) -> Array:
    """Nothing below zero, and as many molecules."""
    if concentration.min() >= 0:
        return concentration
    positive = np.maximum(concentration, 0.0)
    return np.asarray(positive * (max(concentration.sum(), 0.0) / max(positive.sum(), 1e-300)))


def _not_negative(name: str, value: float) -> None:
    if not 0 <= value < inf:
        raise ValueError(f"{name} must be finite and not negative: got {value}.")
