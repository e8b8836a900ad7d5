"""Cells off the lattice as one would write them down: a plain Mesa model, each rule a method."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from math import cos, exp, floor, gamma, inf, isinf, pi, sin, sqrt
from typing import Any

import mesa
import numpy as np
from mesa.experimental.continuous_space import ContinuousSpace, ContinuousSpaceAgent

from agents.cells.centre_based import CentreBased
from agents.cells.spheres import ARRESTED, DEAD, NECROTIC, PROLIFERATING, Spheres

FAR = 1e6  # µm: Mesa's space has to end somewhere


class Cell(ContinuousSpaceAgent):
    """One cell."""

    def __init__(self, model: MesaTissue, position: list[float], name: int) -> None:
        super().__init__(model.space, model)
        self.tissue = model
        self.position = np.array(position)
        self.name = name
        self.volume = self.phase = self.cycle = 0.0
        self.heading = [0.0] * len(position)
        self.state = PROLIFERATING
        self.begin()

    @property
    def radius(self) -> float:
        """Of the disc or sphere of this volume: V = π^(d/2) r^d / Γ(d/2 + 1)."""
        d = len(self.heading)
        return float((self.volume * gamma(d / 2 + 1) / pi ** (d / 2)) ** (1 / d))

    @property
    def alive(self) -> bool:
        return self.state in (PROLIFERATING, ARRESTED)

    def begin(self) -> None:
        """Start a time step."""
        self.size = self.radius
        self.push = [0.0] * len(self.heading)
        self.overlaps = 0.0
        self.touching = 0

    def look(self) -> None:
        """Find the neighbours, and the springs to them."""
        rules, own = self.tissue.rules.mechanics, self.size
        for other, away in self.tissue.near(self):
            distance = sqrt(sum(part * part for part in away))
            both = own + other.size
            if distance < both:
                strength = rules.repulsion * (both - distance)
                self.overlaps += both - distance
                self.touching += 1
            elif distance < rules.reach * both:
                strength = -rules.adhesion * (distance - both)
            else:
                continue
            for axis, part in enumerate(away):
                self.push[axis] += strength * part / distance

    def read(self) -> None:
        """Read nutrient and gradient."""
        where = np.array([self.position])
        self.fed = 1.0 if self.tissue.nutrient is None else float(self.tissue.nutrient(where)[0])
        self.slope = [0.0] * len(self.heading)
        if self.tissue.gradient is not None:
            self.slope = self.tissue.gradient(where)[0].tolist()

    def move(self) -> None:
        """Follow the springs and the heading."""
        rules = self.tissue.rules
        speed = rules.motility.speed if rules.motility is not None and self.alive else 0.0
        place = [
            x + rules.time_step / rules.substeps * (push + speed * along)
            for x, push, along in zip(self.position.tolist(), self.push, self.heading, strict=True)
        ]
        if not self.tissue.space.torus:
            for axis, length in enumerate(rules.region.lengths):
                if not isinf(length) and not 0 <= place[axis] <= length:
                    place[axis] = -place[axis] if place[axis] < 0 else 2 * length - place[axis]
                    self.heading[axis] = -self.heading[axis]
        self.position = np.array(place)

    def turn(self) -> None:
        """Turn a little (2-D), or tumble."""
        rules, draw = self.tissue.rules.motility, self.tissue.random
        if rules is None:
            return
        step = self.tissue.rules.time_step
        if rules.rotational_diffusion > 0:
            angle = draw.gauss(0.0, sqrt(2 * rules.rotational_diffusion * step))
            x, y = self.heading
            self.heading = [cos(angle) * x - sin(angle) * y, sin(angle) * x + cos(angle) * y]
        up = sum(along * slope for along, slope in zip(self.heading, self.slope, strict=True))
        rate = rules.tumble_rate * exp(-rules.sensitivity * up)
        if draw.random() < 1 - exp(-rate * step):
            self.heading = self.tissue.any_direction()

    def rest_or_die(self) -> None:
        """Choose the state."""
        cycle, death = self.tissue.rules.cycle, self.tissue.rules.death
        self.was_alive = self.alive
        if not self.alive:
            return
        if cycle is not None:
            pressed = self.overlaps / self.size > cycle.largest_compression or self.touching > cycle.most_neighbours
            self.state = ARRESTED if pressed or self.fed < cycle.least_nutrient else PROLIFERATING
        if death is not None:
            if self.tissue.random.random() < 1 - exp(-death.rate * self.tissue.rules.time_step):
                self.state = DEAD
            if self.fed < death.least_nutrient:
                self.state = NECROTIC
        self.tissue.deaths += not self.alive

    def grow(self) -> None:
        """Grow by a newborn's volume in a cycle."""
        cycle = self.tissue.rules.cycle
        if cycle is not None and self.state == PROLIFERATING:
            d, part = len(self.heading), self.tissue.rules.time_step / self.cycle
            self.phase += part
            self.volume += part * pi ** (d / 2) / gamma(d / 2 + 1) * (cycle.newborn / 2) ** d

    def dissolve(self) -> None:
        """Shrink when dead, and vanish."""
        death = self.tissue.rules.death
        if death is not None and not self.was_alive and death.dissolution > 0:
            self.volume *= exp(-death.dissolution * self.tissue.rules.time_step)
            if 2 * self.radius <= death.smallest:
                self.tissue.removed += 1
                self.tissue.gone.append(self.name)
                self.remove()

    def divide(self) -> None:
        """Become two of half the volume, within the outline of the mother."""
        cycle = self.tissue.rules.cycle
        if cycle is None or self.state != PROLIFERATING or self.phase < 1 - 1e-9:
            return
        axis = self.heading if cycle.along_heading else self.tissue.any_direction()
        mother = self.radius
        behind = max(self.phase - 1, 0.0) * self.cycle
        self.volume /= 2
        apart = mother - self.radius
        centre = self.position.tolist()
        daughter = Cell(self.tissue, self.tissue.inside(centre, axis, -apart), self.tissue.next_name())
        self.position = np.array(self.tissue.inside(centre, axis, apart))
        daughter.volume, daughter.heading, daughter.state = self.volume, list(self.heading), self.state
        for one in (self, daughter):
            one.cycle = self.tissue.any_duration()
            one.phase = behind / one.cycle
        self.tissue.births += 1


class MesaTissue(mesa.Model):
    """All cells, in synchronous steps."""

    def __init__(
        self,
        rules: CentreBased,
        cells: Spheres,
        seed: int,
        nutrient: Callable[[Any], Any] | None = None,
        gradient: Callable[[Any], Any] | None = None,
    ) -> None:
        super().__init__(seed=seed)
        self.rules = rules
        self.nutrient = nutrient
        self.gradient = gradient
        ends = [(0.0, length) if not isinf(length) else (-FAR, FAR) for length in rules.region.lengths]
        self.space = ContinuousSpace(ends, torus=all(rules.region.wraps), random=self.random, n_agents=4 * len(cells))
        self.births = self.deaths = self.removed = 0
        self.gone: list[int] = []
        self.widest = 0.0
        for i, place in enumerate(cells.position.tolist()):
            cell = Cell(self, place, i)
            cell.volume, cell.phase = float(cells.volume[i]), float(cells.phase[i])
            cell.heading, cell.state = cells.heading[i].tolist(), int(cells.state[i])
            cell.cycle = float(cells.cycle[i]) or self.any_duration()

    def step(self) -> None:
        """One time step of everybody."""
        self.widest = max((cell.radius for cell in self.agents), default=0.0)
        substeps = ("begin", "look", "move") * self.rules.substeps
        for rule in ("read", *substeps, "turn", "rest_or_die", "grow", "dissolve", "divide"):
            self.agents.do(rule)

    def near(self, cell: Cell) -> list[tuple[Cell, list[float]]]:
        """Those in whose reach the cell may be, and the vectors from them to it."""
        reach = (cell.size + self.widest) * self.rules.mechanics.reach
        found = [other for other in self.space.get_agents_in_radius(cell.position, reach)[0] if other is not cell]
        if not found:
            return []
        away = -self.space.calculate_difference_vector(cell.position, found)
        return list(zip(found, away.tolist(), strict=True))

    def inside(self, centre: list[float], axis: list[float], apart: float) -> list[float]:
        """A place next to a centre, but not beyond a side."""
        place = [x + apart * along for x, along in zip(centre, axis, strict=True)]
        if self.space.torus:
            return place
        lengths = self.rules.region.lengths
        return [min(max(x, 0.0), length) if length < inf else x for x, length in zip(place, lengths, strict=True)]

    def any_direction(self) -> list[float]:
        """All equally likely."""
        drawn = [self.random.gauss(0.0, 1.0) for _ in self.rules.region.lengths]
        norm = sqrt(sum(part * part for part in drawn))
        return [part / norm for part in drawn]

    def any_duration(self) -> float:
        """Of a cycle."""
        cycle = self.rules.cycle
        if cycle is None:
            return inf
        return (
            cycle.duration
            if isinf(cycle.shape)
            else self.random.gammavariate(cycle.shape, cycle.duration / cycle.shape)
        )

    def next_name(self) -> int:
        """That nobody has had."""
        return len(self.space.active_agents) + self.removed

    def release(self) -> None:
        """Let the memory go: Mesa 3.3 keeps every model that has had an agent."""
        mesa.Agent._ids.pop(self, None)


class BoxedTissue(MesaTissue):
    """The same without substeps in a periodic region, with a dictionary of boxes in place of Mesa's search."""

    def step(self) -> None:
        """Sort the cells into boxes, then as before."""
        self.widest = max(cell.radius for cell in self.agents)
        self.boxes: dict[tuple[int, ...], list[tuple[Cell, list[float]]]] = {}
        reach = 2 * self.widest * (self.rules.mechanics.reach if self.rules.mechanics.adhesion > 0 else 1.0)
        self.grid = [floor(length / reach) for length in self.rules.region.lengths]
        for cell in self.agents:
            place = cell.position.tolist()
            self.boxes.setdefault(self.box(place), []).append((cell, place))
        super().step()

    def box(self, place: list[float]) -> tuple[int, ...]:
        """In which a place is."""
        return tuple(
            floor(x / length * n) for x, length, n in zip(place, self.rules.region.lengths, self.grid, strict=True)
        )

    def near(self, cell: Cell) -> list[tuple[Cell, list[float]]]:
        """Those in the nine boxes around."""
        own, found = cell.position.tolist(), []
        lengths = self.rules.region.lengths
        centre = self.box(own)
        for offset in product((-1, 0, 1), repeat=len(own)):
            where = tuple((b + o) % n for b, o, n in zip(centre, offset, self.grid, strict=True))
            for other, place in self.boxes.get(where, []):
                if other is not cell:
                    away = [x - y for x, y in zip(own, place, strict=True)]
                    found.append(
                        (other, [a - length * round(a / length) for a, length in zip(away, lengths, strict=True)])
                    )
        return found
