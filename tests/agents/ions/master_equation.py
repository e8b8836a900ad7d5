"""The master equation of a few ions in a small box, as one would write it down: every state, every hop, no tricks."""

from __future__ import annotations

from itertools import combinations, permutations
from math import exp

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import expm

from agents.ions import LatticeGas, Rule
from agents.ions.constants import BOLTZMANN

State = tuple[int, ...]
"""Of each site, 0 or 1 + the species."""


class MasterEquation:
    """All states that ions can reach from one, and how fast they follow one another."""

    def __init__(self, gas: LatticeGas, start: NDArray[np.int8]) -> None:
        self.gas = gas
        self.thermal = BOLTZMANN * gas.temperature
        kinds = [int(kind) for kind in start if kind]
        self.states: list[State] = []
        for sites in combinations(range(len(start)), len(kinds)):
            for order in sorted(set(permutations(kinds))):
                held = dict(zip(sites, order, strict=True))
                self.states.append(tuple(held.get(site, 0) for site in range(len(start))))
        self.number = {state: k for k, state in enumerate(self.states)}
        self.generator = np.zeros((len(self.states), len(self.states)))
        for state in self.states:
            self._leave(state)

    def energy(self, state: State) -> float:
        """Of sites and neighbours, in eV; the field, which has no energy in a periodic box, is not in it."""
        land, box = self.gas.landscape, self.gas.landscape.box
        couplings = land.hopping.couplings(len(self.gas.species))
        energy = sum(float(land.energies[site]) for site, kind in enumerate(state) if kind)
        for site, kind in enumerate(state):
            for beside in box.neighbours[site]:
                if kind and beside >= 0 and state[beside]:
                    energy += 0.5 * float(couplings[kind - 1, state[beside] - 1])
        return energy

    def _leave(self, state: State) -> None:
        land, box = self.gas.landscape, self.gas.landscape.box
        field = np.array(self.gas.field or (0.0,) * box.axes)
        here = self.number[state]
        for site, kind in enumerate(state):
            if not kind:
                continue
            species = self.gas.species[kind - 1]
            for way, there in enumerate(box.neighbours[site]):
                if there < 0 or state[there]:
                    continue
                after = list(state)
                after[site], after[there] = 0, kind
                work = species.charge * float(field @ box.displacements[site % box.basis, way])
                rise = (self.energy(tuple(after)) - self.energy(state) - work) / self.thermal
                barrier = land.barriers[box.bonds[site, way]] + species.extra_barrier
                rate = land.hopping.frequency(self.gas.temperature) * exp(-barrier / self.thermal)
                rate *= exp(-rise / 2) if land.hopping.rule is Rule.MIDPOINT else 2 / (1 + exp(rise))
                self.generator[here, self.number[tuple(after)]] += rate
                self.generator[here, here] -= rate

    def after(self, start: NDArray[np.int8], duration: float) -> NDArray[np.float64]:
        """The probability of each state."""
        return np.asarray(expm(self.generator * duration)[self.number[tuple(start.tolist())]])

    def gibbs(self) -> NDArray[np.float64]:
        """The probability of each state in equilibrium."""
        weights = np.array([exp(-self.energy(state) / self.thermal) for state in self.states])
        return np.asarray(weights / weights.sum())
