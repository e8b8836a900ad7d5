"""Random walkers as a micro-solver: exact conductivities, and what they refuse."""

from __future__ import annotations

from math import pi
from typing import Any

import numpy as np
import pytest
from numpy.typing import ArrayLike

import eqfree as ef
from agents.walkers import Disks, Layers
from scenarios.composite.walkers import closure_of_walkers


def check(answer: ef.hmm.Answer, exact: ArrayLike) -> None:
    """Within 4 standard errors, that of the diagonal being under 1 %."""
    assert (answer.stderr[0, [0, 2]] < 0.01 * answer.value[0, [0, 2]]).all()
    assert (np.abs(answer.value[0] - exact) < 4 * answer.stderr[0]).all()


def layers(conductivities: tuple[float, float], **options: Any) -> ef.hmm.Closure:
    return closure_of_walkers(conductivities, Layers.of, **options)


@pytest.mark.slow
@pytest.mark.parametrize("degrees", [0, 30])
@pytest.mark.parametrize("conductivities", [(1.0, 10.0), (10.0, 1.0)])
def test_layers_conduct_as_wieners_means_turned(conductivities: tuple[float, float], degrees: int) -> None:
    """Of half each: 10 / 5.5 along the normal and 5.5 along the layers (O. Wiener 1912)."""
    angle = np.deg2rad(degrees)
    normal, along = np.array([np.cos(angle), np.sin(angle)]), np.array([-np.sin(angle), np.cos(angle)])
    tensor = 10 / 5.5 * np.outer(normal, normal) + 5.5 * np.outer(along, along)
    answer = layers(conductivities, walkers=700, replicas=16)([[0.5, angle]])
    check(answer, [tensor[0, 0], tensor[0, 1], tensor[1, 1]])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("inclusion", "fraction", "exact"),
    [(10.0, 0.1, 1.178221796), (10.0, 0.3, 1.652036011), (10.0, 0.5, 2.415467380), (0.1, 0.3, 0.6053136816)],
)
def test_cylinders_conduct_as_rayleighs_series_says(inclusion: float, fraction: float, exact: float) -> None:
    """Square array in a matrix of 1: Rayleigh 1892, Perrins, McKenzie & McPhedran, Proc. R. Soc. A 369 (1979) 207."""
    closure = closure_of_walkers((1.0, inclusion), Disks.of, walkers=375, replicas=16)
    check(closure([[fraction]]), [exact, 0.0, exact])


def test_the_answer_is_the_same_on_threads_bit_for_bit() -> None:
    alone, threads = (layers((1.0, 10.0), walkers=50, executor=count) for count in (None, 2))
    points = [[0.5, 0.1], [0.2, 0.3]]
    assert np.array_equal(alone(points).value, threads(points).value)


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(ValueError, match="two positive numbers, matrix first"):
        layers((1.0, 0.0))
    with pytest.raises(ValueError, match="2 or more"):
        layers((1.0, 10.0), replicas=1)
    closure = closure_of_walkers((1.0, 10.0), Disks.of)
    with pytest.raises(ValueError, match="touch"):
        closure([[pi / 4]])
