"""How particles are lifted from densities, and how little of it then has to heal."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.random import PCG64, Generator

from agents.lattice_boltzmann import FitzHughNagumo, Lattice, Lifting, Particles, in_equilibrium, with_gradient
from tests.agents.lattice_boltzmann.specification import NOBODY, front, steady_front

LIFTINGS = in_equilibrium, with_gradient
both = pytest.mark.parametrize("lifting", LIFTINGS)


@both
@pytest.mark.parametrize("weight", [1 / 6, 1 / 3])
def test_restrict_after_lift_is_identity(lifting: Lifting, weight: float) -> None:
    model = FitzHughNagumo(0.1, Lattice(30, weight=weight), lifting=lifting)
    macro = Generator(PCG64(4)).normal(size=(2, 30))
    assert model.restrict(model.lift(macro, NOBODY)) == pytest.approx(macro, abs=2e-15)


def test_an_even_density_is_in_equilibrium() -> None:
    density = np.full(10, 0.3)
    assert np.array_equal(with_gradient(density, Lattice(10), 4.0), in_equilibrium(density, Lattice(10), 4.0))


def test_unpack_after_pack_is_identity() -> None:
    particles = Particles(Generator(PCG64(5)).normal(size=(2, 3, 7)))
    assert np.array_equal(Particles.unpack(particles.pack()).numbers, particles.numbers)


def largest_change(cells: int, lifting: Lifting) -> float:
    """Of u and v over 50 steps after lifting the steady front at ε = 0.1, w = 1/6."""
    model = FitzHughNagumo(0.1, Lattice(cells), lifting=lifting)
    steady = steady_front(model)
    evolved = model.evolve(model.lift(steady, NOBODY), 50 * model.time_step, NOBODY)
    return float(np.abs(evolved.density - steady).max())


@pytest.mark.slow
@pytest.mark.parametrize(("cells", "most"), [(100, 1e-5), (200, 1e-6)])
def test_with_its_gradient_a_steady_front_stays_as_it_is(cells: int, most: float) -> None:
    """An order of the spacing more than equilibrium alone, which is off a hundred times as much."""
    with_it, without = largest_change(cells, with_gradient), largest_change(cells, in_equilibrium)
    assert with_it < most
    assert without > 50 * with_it


def test_what_is_wrong_at_lifting_heals_as_the_relaxation_says() -> None:
    """Two lifts of one front differ by 1/e after every relaxation at most, but for what has diffused."""
    lattice = Lattice(100)
    model = FitzHughNagumo(0.1, lattice)
    micros = [FitzHughNagumo(0.1, lattice, lifting=one).lift(front(lattice), NOBODY) for one in LIFTINGS]

    def imbalance() -> float:
        flows = [micro.numbers[0, 1] - micro.numbers[0, 2] for micro in micros]
        return float(np.abs(flows[0] - flows[1]).max())

    before = imbalance()
    micros = [model.evolve(micro, 6 * lattice.time_step, NOBODY) for micro in micros]
    assert imbalance() / before < np.exp(-6 * lattice.time_step / model.relaxation)
