"""The centre-based model: cells off the lattice that push, grow, divide, move and die."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from agents.cells.cycle import Cycle, Death, Motility
from agents.cells.mechanics import Contacts, Mechanics
from agents.cells.region import Region
from agents.cells.spheres import ARRESTED, DEAD, NECROTIC, PROLIFERATING, Spheres, content, directions, radius_of

__all__ = ["CentreBased", "Reading"]

Reading = NDArray[np.float64] | Callable[[NDArray[np.float64]], NDArray[np.float64]]
"""What cells read where they are: a value for each cell, or a function from positions (cell, axis) to values."""

_NEARLY = 1e-9  # a phase that round-off keeps below 1 is 1


@dataclass(frozen=True)
class CentreBased:
    """Discs or spheres in a region, in synchronous time steps.

    In each step all cells look at the state at its start: they push and pull each other and move along their heading,
    turn, die, rest or grow, dissolve, and divide. (With substeps, what presses a cell is read at the last one.) What a
    cell reads of a nutrient or of a signal's gradient comes in with `evolve`, so that whoever has the field decides
    how often it is solved; a daughter has what its mother had.

    Time steps: a rate enters as the probability 1 - exp(-rate × step), the phase of the cycle exactly, the position by
    an explicit Euler step, which must be stable (`Mechanics`), and should be well below a radius over the speed.

    Parameters
    ----------
    region
        Where the cells are.
    mechanics
        How they push and pull.
    cycle
        How they grow and divide; None: they do not.
    death
        How they die; None: they do not.
    motility
        How they move by themselves; None: they do not.
    time_step
        h. Durations are multiples of it.
    substeps
        In how many steps of the mechanics a time step is taken: what cells push and how they move is faster than what
        becomes of them, and steps together are cheaper than one by one.

    Raises
    ------
    ValueError
        If the time step is not positive, or a substep is unstable; the largest stable one is named.

    Examples
    --------
    >>> tissue = CentreBased(Region.unbounded(2), Mechanics(repulsion=1.0), time_step=0.25)
    >>> pair = Spheres.at([[0.0, 0.0], [8.0, 0.0]], diameter=10.0)
    >>> tissue.evolve(pair, 0.25, np.random.default_rng(0)).position
    array([[-0.5,  0. ],
           [ 8.5,  0. ]])
    """

    region: Region
    mechanics: Mechanics
    cycle: Cycle | None = None
    death: Death | None = None
    motility: Motility | None = None
    time_step: float = 0.1
    substeps: int = 1

    thread_safe = True
    deterministic = False

    def __post_init__(self) -> None:
        if self.substeps < 1 or self.substeps != int(self.substeps):
            raise ValueError(f"`substeps` must be a whole number from 1 on: got {self.substeps}.")
        self.mechanics.check_step(self._substep, self.region.dimensions)

    def evolve(
        self,
        micro: Spheres,
        duration: float,
        rng: Generator,
        *,
        nutrient: Reading | None = None,
        gradient: Reading | None = None,
    ) -> Spheres:
        """The cells after ``duration``, h.

        Parameters
        ----------
        nutrient : (cell,)
            What each cell has of it, for the whole duration; or a function that is asked in every step.
        gradient : (cell, axis)
            Of the signal, per µm, likewise.

        Raises
        ------
        ValueError
            If the duration is no multiple of the time step, cells are outside of the region, a reading has another
            shape, or there is none where the rules need one.
        """
        steps = self._steps(duration)
        self._check(micro, nutrient, gradient)
        if self.cycle is not None and not micro.cycle.all():
            drawn = np.where(micro.cycle == 0, self.cycle.durations(len(micro), rng), micro.cycle)
            micro = replace(micro, cycle=drawn)
        end = micro.time + duration
        if self.cycle is None and self.death is None and self.motility is None:
            steps *= self.substeps
            place, _, _ = self.mechanics.move(micro.position, micro.radius, self.region, self._substep, steps)
            return replace(micro, position=place, time=end)
        for _ in range(steps):
            micro, kept = self._step(micro, rng, nutrient, gradient)
            nutrient = nutrient if nutrient is None or callable(nutrient) else nutrient[kept]
            gradient = gradient if gradient is None or callable(gradient) else gradient[kept]
        return replace(micro, time=end)

    def contacts(self, micro: Spheres) -> Contacts:
        """Compression and number of neighbours of each cell, where they are now.

        >>> tissue = CentreBased(Region.unbounded(2), Mechanics(repulsion=1.0))
        >>> tissue.contacts(Spheres.at([[0.0, 0.0], [8.0, 0.0]], diameter=10.0)).compression
        array([0.4, 0.4])
        """
        return self.mechanics.move(micro.position, micro.radius, self.region, self._substep)[2]

    def pack(self, micro: Spheres) -> dict[str, NDArray[Any]]:
        """The cells as named arrays."""
        return micro.pack()

    def unpack(self, packed: Mapping[str, NDArray[Any]]) -> Spheres:
        """The cells that were packed."""
        return Spheres.unpack(packed)

    def warm(self) -> None:
        """Compile what `evolve` needs."""
        self.mechanics.move(
            np.zeros((1, self.region.dimensions)), np.ones(1), Region.unbounded(self.region.dimensions), self._substep
        )

    @property
    def _substep(self) -> float:
        return self.time_step / self.substeps

    def _step(
        self, micro: Spheres, rng: Generator, nutrient: Reading | None, gradient: Reading | None
    ) -> tuple[Spheres, NDArray[np.int64]]:
        """The cells one step later, and from which cell each of them comes."""
        fed = nutrient(micro.position) if callable(nutrient) else nutrient
        slope = gradient(micro.position) if callable(gradient) else gradient
        speed = None if self.motility is None else np.where(micro.alive, self.motility.speed, 0.0)
        crowd = (micro.position, micro.radius, self.region, self._substep, self.substeps)
        place, heading, contacts = self.mechanics.move(*crowd, speed=speed, heading=micro.heading)
        assert heading is not None
        if self.motility is not None:
            heading = _turn(heading, slope, self.motility, self.time_step, rng)
        state = self._states(micro, fed, contacts, rng)
        volume, phase = self._grow(micro, state)
        died = int((micro.alive & (state >= NECROTIC)).sum())
        moved = replace(
            micro,
            position=place,
            heading=heading,
            state=state,
            volume=volume,
            phase=phase,
            deaths=micro.deaths + died,
        )
        moved, kept = self._remove(moved)
        return self._divide(moved, kept, rng)

    def _states(
        self, micro: Spheres, fed: NDArray[np.float64] | None, contacts: Contacts, rng: Generator
    ) -> NDArray[np.int8]:
        """Who dies and who rests, in this step."""
        state, alive = micro.state.copy(), micro.alive
        if self.cycle is not None:
            cycle = self.cycle
            rests = (contacts.compression > cycle.largest_compression) | (contacts.neighbours > cycle.most_neighbours)
            if fed is not None:
                rests |= fed < cycle.least_nutrient
            state[alive] = np.where(rests[alive], ARRESTED, PROLIFERATING)
        if self.death is not None:
            if self.death.rate > 0:
                struck = rng.random(len(micro)) < -np.expm1(-self.death.rate * self.time_step)
                state[alive & struck] = DEAD
            if fed is not None:
                state[alive & (fed < self.death.least_nutrient)] = NECROTIC
        return state

    def _grow(self, micro: Spheres, state: NDArray[np.int8]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Volumes and phases after this step."""
        volume, phase = micro.volume.copy(), micro.phase.copy()
        if self.cycle is not None:
            growing = state == PROLIFERATING
            part = self.time_step / micro.cycle[growing]
            phase[growing] += part
            volume[growing] += part * content(self.cycle.newborn / 2, micro.dimensions)
        if self.death is not None and self.death.dissolution > 0:
            volume[~micro.alive] *= np.exp(-self.death.dissolution * self.time_step)
        return volume, phase

    def _remove(self, micro: Spheres) -> tuple[Spheres, NDArray[np.int64]]:
        """Without what has dissolved; and who is left."""
        if self.death is None or self.death.dissolution == 0:
            return micro, np.arange(len(micro))
        kept = np.flatnonzero(micro.alive | (micro.volume > content(self.death.smallest / 2, micro.dimensions)))
        if len(kept) == len(micro):
            return micro, kept
        return replace(_take(micro, kept), removed=micro.removed + len(micro) - len(kept)), kept

    def _divide(self, micro: Spheres, kept: NDArray[np.int64], rng: Generator) -> tuple[Spheres, NDArray[np.int64]]:
        """Both daughters of every cell that is ready; one in its mother's place, the other at the end."""
        ready = np.flatnonzero((micro.state == PROLIFERATING) & (micro.phase >= 1 - _NEARLY))
        if self.cycle is None or not len(ready):
            return micro, kept
        count, dimensions = len(ready), micro.dimensions
        axis = micro.heading[ready] if self.cycle.along_heading else directions(count, dimensions, rng)
        both = _take(micro, np.concatenate((np.arange(len(micro)), ready)))
        place, volume, phase = both.position.copy(), both.volume.copy(), both.phase.copy()
        cycle, names = both.cycle.copy(), both.id.copy()
        first, second = ready, np.arange(len(micro), len(both))
        half = volume[first] / 2
        apart = radius_of(volume[first], dimensions) - radius_of(half, dimensions)
        place[first] += apart[:, None] * axis
        place[second] -= apart[:, None] * axis
        volume[first] = volume[second] = half
        behind = np.maximum(phase[first] - 1, 0.0) * cycle[first]
        for daughters in (first, second):
            cycle[daughters] = self.cycle.durations(count, rng)
            phase[daughters] = behind / cycle[daughters]
        names[second] = len(micro) + micro.removed + np.arange(count)
        divided = replace(
            both,
            position=self._inside(place),
            volume=volume,
            phase=phase,
            cycle=cycle,
            id=names,
            births=micro.births + count,
        )
        return divided, np.concatenate((kept, kept[ready]))

    def _inside(self, place: NDArray[np.float64]) -> NDArray[np.float64]:
        """Daughters that would lie beyond a side are on it, or around the axis."""
        for axis, (length, wraps) in enumerate(zip(self.region.lengths, self.region.wraps, strict=True)):
            if wraps:
                around = place[:, axis] % length
                place[:, axis] = np.where(around < length, around, 0.0)
            elif np.isfinite(length):
                place[:, axis] = np.clip(place[:, axis], 0.0, length)
        return place

    def _steps(self, duration: float) -> int:
        steps = round(duration / self.time_step)
        if not duration >= 0 or abs(steps * self.time_step - duration) > 1e-9 * max(self.time_step, duration):
            near = [np.floor(duration / self.time_step), np.ceil(duration / self.time_step)]
            raise ValueError(
                f"A duration must be a multiple of the time step {self.time_step:g} h: got {duration:.10g} h. Take "
                f"{near[0] * self.time_step:.10g} or {near[1] * self.time_step:.10g}."
            )
        return steps

    def _check(self, micro: Spheres, nutrient: Reading | None, gradient: Reading | None) -> None:
        dimensions = self.region.dimensions
        if micro.dimensions != dimensions:
            raise ValueError(f"Cells must have {dimensions} axes as the region has: got {micro.dimensions}.")
        outside = (micro.position < 0) | (micro.position > np.array(self.region.lengths))
        outside &= np.isfinite(self.region.lengths)
        if not np.isfinite(micro.position).all() or outside.any():
            where = micro.position[outside.any(axis=1)][:1]
            raise ValueError(
                f"Cells must lie in the region of the lengths {self.region.lengths} µm: got one at {where}."
            )
        thirsty = [rule.least_nutrient > 0 for rule in (self.cycle, self.death) if rule is not None]
        if any(thirsty) and nutrient is None:
            raise ValueError("Cycle or death depend on the nutrient: got none. Give `nutrient`, a value for each cell.")
        if self.motility is not None and self.motility.sensitivity and gradient is None:
            raise ValueError("Cells tumble by the signal's gradient: got none. Give `gradient`, (cell, axis).")
        wanted = {"nutrient": (nutrient, (len(micro),)), "gradient": (gradient, micro.position.shape)}
        for name, (reading, shape) in wanted.items():
            if reading is not None and not callable(reading) and np.shape(reading) != shape:
                raise ValueError(f"`{name}` must have the shape {shape}: got {np.shape(reading)}.")


def _take(micro: Spheres, which: NDArray[np.int64]) -> Spheres:
    """These cells of all, in this order."""
    names = ("position", "volume", "phase", "cycle", "heading", "state", "type", "id")
    return replace(micro, **{name: getattr(micro, name)[which] for name in names})


def _turn(
    heading: NDArray[np.float64],
    slope: NDArray[np.float64] | None,
    motility: Motility,
    time_step: float,
    rng: Generator,
) -> NDArray[np.float64]:
    """Headings after rotational diffusion, and tumbles."""
    count, dimensions = heading.shape
    if motility.rotational_diffusion > 0:
        width = np.sqrt(2 * motility.rotational_diffusion * time_step)
        kick = width * rng.standard_normal((count, dimensions))
        if dimensions == 2:
            cos, sin = np.cos(kick[:, 0]), np.sin(kick[:, 0])
            x, y = heading[:, 0], heading[:, 1]
            heading = np.stack((cos * x - sin * y, sin * x + cos * y), axis=1)
        else:  # along the great circle of the kick's part across the heading
            kick -= (kick * heading).sum(axis=1, keepdims=True) * heading
            angle = np.linalg.norm(kick, axis=1, keepdims=True)
            heading = np.cos(angle) * heading + np.sinc(angle / np.pi) * kick
        heading = heading / np.linalg.norm(heading, axis=1, keepdims=True)
    if motility.tumble_rate > 0:
        rate = np.full(count, motility.tumble_rate)
        if slope is not None:
            rate *= np.exp(-motility.sensitivity * (heading * slope).sum(axis=1))
        tumbles = rng.random(count) < -np.expm1(-rate * time_step)
        heading = np.where(tumbles[:, None], directions(count, dimensions, rng), heading)
    return heading
