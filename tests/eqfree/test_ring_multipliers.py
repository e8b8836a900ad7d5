"""Multipliers of uniform states of a ring: all waves from one disturbed place."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.linalg import expm

import eqfree as ef

Array = NDArray[np.float64]

PLACES, DURATION = 6, 0.4


def two_fields() -> Array:
    """Reactions [[-1, -2], [3, -0.5]] at every place, diffusion 0.3 and 0.1, and the first field drifts."""
    reactions = np.array([[-1.0, -2.0], [3.0, -0.5]])
    right, left = np.roll(np.eye(PLACES), 1, axis=1), np.roll(np.eye(PLACES), -1, axis=1)
    laplace = right + left - 2 * np.eye(PLACES)
    drift = np.kron(right - np.eye(PLACES), np.diag([0.4, 0.0]))
    return np.asarray(np.kron(np.eye(PLACES), reactions) + np.kron(laplace, np.diag([0.3, 0.1])) + drift)


def stepper(matrix: Array, healing: float = 0.0) -> ef.CoarseTimeStepper:
    def evolve(u: Array, t: float, rng: object) -> Array:
        return np.asarray((expm(matrix * t) @ u.ravel()).reshape(u.shape))

    model = ef.micro_model(lambda u, rng: u, evolve, lambda u: u, deterministic=True)
    return ef.CoarseTimeStepper(model, healing=healing)


@pytest.mark.parametrize("healing", [0.0, 0.3])
def test_two_fields_a_place_have_the_eigenvalues_of_the_whole_ring(healing: float) -> None:
    """Of expm of the block-circulant matrix, by numpy, in four bursts."""
    matrix = two_fields()
    found = ef.ring_multipliers(stepper(matrix, healing=healing), np.zeros((PLACES, 2)), DURATION, count=12)
    exact = np.exp(DURATION * np.linalg.eigvals(matrix))
    assert found.cost.bursts == 4
    assert np.sort_complex(found.multipliers.round(7)) == pytest.approx(np.sort_complex(exact.round(7)), abs=2e-6)
    grown = [(expm(DURATION * matrix) @ vector.ravel()).reshape(vector.shape) for vector in found.vectors]
    for vector, later, value in zip(found.vectors, grown, found.multipliers, strict=True):
        assert later == pytest.approx(value * vector, abs=1e-6)


def test_a_total_that_is_conserved_is_labelled() -> None:
    """Diffusion: multipliers exp(-2 t (1 - cos θ)), each twice but for the last."""
    laplace = np.roll(np.eye(4), 1, axis=1) + np.roll(np.eye(4), -1, axis=1) - 2 * np.eye(4)
    model = ef.micro_model(
        lambda u, rng: u,
        lambda u, t, rng: expm(laplace * t) @ u,
        lambda u: u,
        deterministic=True,
        conserved=lambda u: u.sum(keepdims=True),
    )
    found = ef.ring_multipliers(ef.CoarseTimeStepper(model), np.ones(4), 1.0, count=3)
    assert found.labels == ("conservation", "", "", "")
    assert found.multipliers.real == pytest.approx([1.0, np.exp(-2), np.exp(-2), np.exp(-4)], abs=1e-8)


def test_standard_errors_are_those_of_the_noise() -> None:
    """du = -u dt + s u dW, the same for all places: exp(-1), and the standard deviation of a lognormal number."""

    def evolve(u: Array, t: float, rng: np.random.Generator) -> Array:
        return np.asarray(u * np.exp(-t + 0.2 * np.sqrt(t) * rng.standard_normal() - 0.02 * t))

    model = ef.micro_model(lambda u, rng: u, evolve, lambda u: u)
    found = [
        ef.ring_multipliers(ef.CoarseTimeStepper(model, replicas=64, seed=seed), np.zeros(4), 1.0, count=1)
        for seed in range(20)
    ]
    exact = np.exp(-1) * np.sqrt(np.expm1(0.04) / 64)
    assert np.mean([one.stderr[0] for one in found]) == pytest.approx(exact, rel=0.1)
    scores = np.array([(one.multipliers[0].real - np.exp(-1)) / exact for one in found])
    assert 0.3 < np.mean(scores**2) < 2.0


def test_a_state_that_is_not_uniform_is_refused() -> None:
    with pytest.raises(ValueError, match="must be the same at all places of the ring"):
        ef.ring_multipliers(stepper(two_fields()), np.arange(12.0).reshape(6, 2), 1.0)
    with pytest.raises(ValueError, match="two places or more"):
        ef.ring_multipliers(stepper(two_fields()), np.array(1.0), 1.0)
