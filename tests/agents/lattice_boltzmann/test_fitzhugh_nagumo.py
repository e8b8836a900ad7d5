"""The particles beside one step in NumPy, the exact modes of the lattice and the heat equation, and what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.random import PCG64, Generator, SeedSequence
from numpy.typing import NDArray
from scipy.optimize import brentq

from agents.lattice_boltzmann import FitzHughNagumo, Lattice, Particles
from tests.agents.lattice_boltzmann.specification import NOBODY, front, one_step

Array = NDArray[np.float64]


@pytest.mark.parametrize("weight", [1 / 6, 0.3])
@pytest.mark.parametrize("cells", [2, 13])
@pytest.mark.parametrize("steps", [1, 2, 40])
def test_the_kernel_is_one_step_of_the_method_over_and_over(steps: int, cells: int, weight: float) -> None:
    """To round-off, also where particles were turned back at both walls."""
    lattice = Lattice(cells, length=0.2 * cells, weight=weight)
    model = FitzHughNagumo(0.4, lattice, diffusivity=3.0, decay=1.5, threshold=0.2)
    numbers = Generator(PCG64(1)).normal(scale=0.3, size=(2, 3, cells))
    evolved = model.evolve(Particles(numbers), steps * model.time_step, NOBODY).numbers
    for _ in range(steps):
        numbers = one_step(model, numbers)
    assert evolved == pytest.approx(numbers, abs=1e-13)


@pytest.mark.parametrize("weight", [1 / 6, 1 / 3])
@pytest.mark.parametrize("mode", [1, 3, 10])
def test_a_cosine_decays_as_fast_as_the_lattice_has_it(mode: int, weight: float) -> None:
    """v at ε = 0: the eigenvalue of f <- S (f + ω (w ρ - f)) on waves e^{iθj}, θ = π mode/cells, S = (1, e^-iθ, e^iθ).

    Half-way bounce-back mirrors the line at its walls, which are symmetric planes of the cosines.
    """
    model = FitzHughNagumo(0.0, Lattice(20, weight=weight))
    angle, rate = mode * np.pi / 20, model.lattice.collision_rate(model.diffusivity)
    collided = (1 - rate) * np.eye(3) + rate * np.outer([1 - 2 * weight, weight, weight], np.ones(3))
    factors, waves = np.linalg.eig(np.exp(1j * angle * np.array([[0], [-1], [1]])) * collided)
    slowest = int(np.argmax(factors.real))
    wave = waves[:, slowest] / waves[:, slowest].sum()
    numbers = np.zeros((2, 3, 20))
    numbers[1] = np.outer(wave, np.exp(1j * angle * (np.arange(20) + 0.5))).real
    evolved = model.evolve(Particles(numbers), 50 * model.time_step, NOBODY)
    assert evolved.density[1] == pytest.approx(factors[slowest].real ** 50 * numbers[1].sum(axis=0), abs=1e-12)


def test_diffusion_alone_has_the_exact_rate_with_second_order() -> None:
    """v at ε = 0 only diffuses: cos(kx) decays at δk², and zero flux through the walls leaves it a cosine."""
    wave, duration, errors, spacings = 3 * np.pi / 20, 1.6, [], []
    for cells in (25, 50, 100, 200):
        model = FitzHughNagumo(0.0, Lattice(cells))
        cosine = np.cos(wave * model.lattice.places)
        evolved = model.evolve(model.lift(np.array([0 * cosine, cosine]), NOBODY), duration, NOBODY)
        kept = float(evolved.density[1] @ cosine / (cosine @ cosine))
        errors.append(abs(np.log(kept) + model.diffusivity * wave**2 * duration))
        spacings.append(model.lattice.spacing)
        assert evolved.density[1] == pytest.approx(kept * cosine, abs=3e-3 * model.lattice.spacing**2)
    order = np.polyfit(np.log(spacings), np.log(errors), 1)[0]
    assert order == pytest.approx(2.0, abs=0.15)


def test_particles_that_do_not_react_are_neither_made_nor_lost() -> None:
    """At ε = 0 the inhibitor does not react, and the walls send all back."""
    model = FitzHughNagumo(0.0, Lattice(20))
    begun = Particles(Generator(PCG64(3)).normal(scale=0.3, size=(2, 3, 20)))
    evolved = model.evolve(begun, 1000 * model.time_step, NOBODY)
    assert evolved.density[1].sum() == pytest.approx(begun.density[1].sum(), abs=1e-11)


def test_an_even_state_rests_where_the_reactions_do() -> None:
    """u - u³ = v = (u - a0)/a1: the upper one of three, stable at ε = 2."""
    model = FitzHughNagumo(2.0, Lattice(10))
    u = float(brentq(lambda u: u - u**3 - (u - model.threshold) / model.decay, 0.5, 1.0))
    macro = np.full((2, 10), [[u], [u - u**3]])
    evolved = model.evolve(model.lift(macro, NOBODY), 40.0, NOBODY)
    assert model.restrict(evolved) == pytest.approx(macro, abs=1e-12)


def test_a_mirrored_state_stays_mirrored() -> None:
    model = FitzHughNagumo(0.1, Lattice(31))
    macro = Generator(PCG64(6)).normal(scale=0.5, size=(2, 31))
    one, other = (
        model.restrict(model.evolve(model.lift(state, NOBODY), 62 * model.time_step, NOBODY))
        for state in (macro, macro[:, ::-1])
    )
    assert one == pytest.approx(other[:, ::-1], abs=1e-13)


@pytest.mark.parametrize("replicas", [1, 5])
def test_the_batch_has_the_bits_of_the_loop(replicas: int) -> None:
    model = FitzHughNagumo(0.1, Lattice(40))
    macros = front(model.lattice) * Generator(PCG64(5)).uniform(0.9, 1.1, size=(replicas, 1, 1))
    times = model.time_step * np.array([0.0, 3.0, 90.0])
    streams = [(SeedSequence(r), SeedSequence(r)) for r in range(replicas)]
    batch = model.burst_batch(macros, times, streams)
    for macro, path in zip(macros, batch, strict=True):
        micro = model.lift(macro, NOBODY)
        for duration, reading in zip(np.diff(times, prepend=0.0), path, strict=True):
            micro = model.evolve(micro, float(duration), NOBODY)
            assert np.array_equal(model.restrict(micro), reading)


def test_work_is_counted_in_updates_of_a_cell() -> None:
    model = FitzHughNagumo(0.1, Lattice(50))
    assert model.agent_updates(front(model.lattice), 20.0) == 50 * 1250


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"epsilon": -0.1}, "`epsilon` must be finite and not negative"),
        ({"diffusivity": 0.0}, "`diffusivity` of the inhibitor must be positive"),
        ({"decay": float("nan")}, "`decay` must be finite"),
        ({"threshold": float("inf")}, "`threshold` must be finite"),
    ],
)
def test_bad_options_are_refused_in_one_sentence(options: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence) as refused:
        FitzHughNagumo(**({"epsilon": 0.1} | options))
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("macro", "sentence"),
    [(np.zeros((2, 5)), r"\(2, 30\): got shape \(2, 5\)"), (np.full((2, 30), np.nan), "Densities must be finite")],
)
def test_densities_that_cannot_be_lifted_are_refused(macro: Array, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        FitzHughNagumo(0.1, Lattice(30)).lift(macro, NOBODY)
