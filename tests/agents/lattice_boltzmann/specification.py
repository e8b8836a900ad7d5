"""A time step of the particles as the method is written in a paper, and the front that they are lifted from."""

import numpy as np
from numpy.random import PCG64, Generator
from numpy.typing import NDArray

from agents.lattice_boltzmann import FitzHughNagumo, Lattice

NOBODY = Generator(PCG64(0))  # asked for nothing


def one_step(model: FitzHughNagumo, numbers: NDArray[np.float64]) -> NDArray[np.float64]:
    """Collide, react, hop, turn back at the walls, (2, 3, cells)."""
    lattice, step = model.lattice, model.lattice.time_step
    weights = np.array([1 - 2 * lattice.weight, lattice.weight, lattice.weight])
    u, v = numbers.sum(axis=1)
    reaction = u - u**3 - v, model.epsilon * (u - model.decay * v - model.threshold)
    after = np.empty_like(numbers)
    for species, diffusivity in enumerate(model.diffusivities):
        omega = 1 / (0.5 + diffusivity * step / (2 * lattice.weight * lattice.spacing**2))
        equilibrium = np.outer(weights, (u, v)[species])
        source = np.outer(weights, step * reaction[species])
        rest, right, left = numbers[species] + omega * (equilibrium - numbers[species]) + source
        after[species] = rest, np.append(left[0], right[:-1]), np.append(left[1:], right[-1])
    return after


def front(lattice: Lattice) -> NDArray[np.float64]:
    """Near the steady one at ε = 0.1."""
    return np.array([np.tanh((lattice.places - 9) / 1.4), np.full(lattice.cells, 0.12)])


def steady_front(model: FitzHughNagumo) -> NDArray[np.float64]:
    """Where it ends in 600 time units, at ε = 0.1 35 times that of its slowest mode."""
    return model.restrict(model.evolve(model.lift(front(model.lattice), NOBODY), 600.0, NOBODY))
