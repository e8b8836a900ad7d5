"""The line of cells: its measures, how fast its particles collide, and what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from agents.lattice_boltzmann import Lattice


def test_walls_lie_half_a_cell_beyond_the_outer_middles() -> None:
    lattice = Lattice(cells=8, length=4.0)
    assert lattice.places[[0, -1]] == pytest.approx([0.25, 3.75], rel=1e-15)
    assert np.diff(lattice.places) == pytest.approx(np.full(7, lattice.spacing), rel=1e-14)


def test_the_time_step_is_a_tenth_of_the_spacing_squared_or_as_given() -> None:
    assert Lattice(cells=100).time_step == pytest.approx(0.004, rel=1e-14)
    assert Lattice(cells=100, step=0.01).time_step == 0.01


def test_collisions_of_rate_one_have_the_diffusivity_of_a_random_walk() -> None:
    """With ω = 1 all is forgotten at every hop: D = w dx²/dt, half the mean square of a hop over its time."""
    lattice = Lattice(cells=10, weight=0.2)
    walk = lattice.weight * lattice.spacing**2 / lattice.time_step
    assert lattice.collision_rate(walk) == pytest.approx(1.0, rel=1e-14)


@pytest.mark.parametrize("diffusivity", [1e-3, 1.0, 4.0, 1e3])
@pytest.mark.parametrize("weight", [0.05, 1 / 6, 1 / 3, 0.49])
def test_any_diffusivity_has_a_collision_rate_between_0_and_2(weight: float, diffusivity: float) -> None:
    assert 0 < Lattice(cells=40, weight=weight).collision_rate(diffusivity) < 2


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"cells": 1}, "`cells` must be at least 2"),
        ({"cells": 10.5}, "`cells` must be at least 2"),
        ({"length": 0.0}, "`length` must be positive"),
        ({"weight": 0.5}, "`weight`, the share that moves to one side, must lie between 0 and 1/2"),
        ({"step": -0.1}, "`step`, a time, must be positive"),
    ],
)
def test_what_makes_no_lattice_is_refused_in_one_sentence(options: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence) as refused:
        Lattice(**options)
    assert "\n" not in str(refused.value)


def test_a_duration_between_two_steps_is_refused_with_the_nearest_two() -> None:
    with pytest.raises(ValueError, match=r"got 0\.005. Take 0\.004 or 0\.008"):
        Lattice(cells=100).steps(0.005)
    assert Lattice(cells=100).steps(20.0) == 5000
