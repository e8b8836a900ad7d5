"""Cells on a square lattice without ends, as one would write them down: a plain Mesa model, one rule a method."""

from __future__ import annotations

from math import exp

import mesa

from agents.cells import CellType


class Cell(mesa.Agent):
    """A cell on a site."""

    def __init__(self, model: Tissue, kind: int, site: tuple[int, int]) -> None:
        super().__init__(model)
        self.tissue, self.kind, self.site = model, kind, site
        model.at[site] = self

    @property
    def rules(self) -> CellType:
        return self.tissue.types[self.kind]

    def try_to_move(self) -> None:
        """To a random neighbour that is free, unless the cells beside hold it, and rather up than down the signal."""
        there = self.tissue.random.choice(self.tissue.beside(self.site))
        if there in self.tissue.at:
            return
        adhesion = self.rules.adhesion
        for site in self.tissue.beside(self.site):
            if site in self.tissue.at:
                held = adhesion[self.tissue.at[site].kind] if isinstance(adhesion, tuple) else adhesion
                if self.tissue.random.random() < held:
                    return
        if self.rules.chemotaxis:  # tried twice as often
            difference = self.tissue.signal[there] - self.tissue.signal[self.site]
            if self.tissue.random.random() > 1 / (1 + exp(-self.rules.chemotaxis * difference)):
                return
        del self.tissue.at[self.site]
        self.site = there
        self.tissue.at[there] = self

    def try_to_divide(self) -> None:
        """A daughter on a random neighbour that is free, if contact and the signal allow it."""
        there = self.tissue.random.choice(self.tissue.beside(self.site))
        if there in self.tissue.at:
            return
        beside = self.tissue.beside(self.site)
        free = sum(site not in self.tissue.at for site in beside)
        allowed = (free / len(beside)) ** self.rules.inhibition
        if self.rules.half_signal:
            here = self.tissue.signal[self.site]
            allowed *= here / (here + self.rules.half_signal)
        if self.tissue.random.random() < allowed:
            Cell(self.tissue, self.kind, there)

    def die(self) -> None:
        del self.tissue.at[self.site]
        self.remove()


class Tissue(mesa.Model):
    """Cells that try to move, divide and die at random, one after the other."""

    def __init__(
        self,
        shape: tuple[int, int],
        types: tuple[CellType, ...],
        cells: dict[tuple[int, int], int],
        signal: dict[tuple[int, int], float],
        seed: int,
    ) -> None:
        super().__init__(seed=seed)
        self.shape, self.types, self.signal = shape, types, signal
        self.at: dict[tuple[int, int], Cell] = {}
        for site, kind in cells.items():
            Cell(self, kind, site)

    def beside(self, site: tuple[int, int]) -> list[tuple[int, int]]:
        x, y = site
        width, height = self.shape
        return [((x + 1) % width, y), ((x - 1) % width, y), (x, (y + 1) % height), (x, (y - 1) % height)]

    def run(self, duration: float) -> None:
        """Every cell has a clock for each thing that it can do; the next that rings is that of their total rate."""
        time = 0.0
        while self.at:
            clocks = [
                (cell, deed, rate)
                for cell in self.at.values()
                for deed, rate in (
                    (cell.try_to_move, cell.rules.motility * (2 if cell.rules.chemotaxis else 1)),
                    (cell.try_to_divide, cell.rules.proliferation),
                    (cell.die, cell.rules.death),
                )
            ]
            time += self.random.expovariate(sum(rate for _, _, rate in clocks))
            if time > duration:
                return
            (deed,) = self.random.choices([deed for _, deed, _ in clocks], [rate for _, _, rate in clocks])
            deed()
