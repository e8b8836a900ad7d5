"""Exits from a circle about an interface, against what must be conserved in the mean there; and what walks keep."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.random import PCG64, Generator

from agents.walkers import Disks, Layers, Medium
from agents.walkers.walk import leave_circle


@pytest.mark.parametrize(("here", "other"), [(1.0, 10.0), (10.0, 1.0)])
@pytest.mark.parametrize("start", [0.0, 0.45])
def test_exits_keep_every_function_without_sources_that_has_no_jump_of_flux(
    here: float, other: float, start: float
) -> None:
    """Re and Im of z^n: the ones even in the distance, and the odd ones over the conductivity."""
    rng = Generator(PCG64(1))
    exits = np.array([leave_circle(start, here, other, rng) for _ in range(10_000)])
    assert np.hypot(*exits.T) == pytest.approx(1.0, abs=1e-12)
    at_exit = exits[:, 0] + 1j * exits[:, 1]
    conductivity = np.where(exits[:, 0] > 0, here, other)
    for power in range(1, 6):
        # z^n is even or odd in the distance, Re z, as n is; its imaginary part the other way round.
        even, odd = (at_exit**power).real, (at_exit**power).imag
        wanted_even, wanted_odd = start**power, 0.0
        if power % 2:
            even, odd, wanted_even, wanted_odd = odd, even, wanted_odd, start**power / here
        for found, wanted in ((even, wanted_even), (odd / conductivity, wanted_odd)):
            assert abs(found.mean() - wanted) < 4 * found.std() / np.sqrt(len(found))


def test_from_the_interface_sides_are_left_as_the_conductivities_are() -> None:
    rng = Generator(PCG64(2))
    other = np.array([leave_circle(0.0, 1.0, 3.0, rng)[0] < 0 for _ in range(10_000)])
    assert abs(other.mean() - 0.75) < 4 * np.sqrt(0.75 * 0.25 / len(other))


MEDIA = {
    "layers": Layers(0.3, 0.4),
    "disks": Disks(((0.2, 0.2), (0.7, 0.6)), (0.15, 0.28)),
}
every_medium = pytest.mark.parametrize("medium", MEDIA.values(), ids=MEDIA.keys())


@every_medium
def test_walkers_are_placed_evenly(medium: Medium) -> None:
    place = medium.scatter(4000, Generator(PCG64(3)))
    assert abs(medium.phase(place).mean() - medium.volume_fraction) < 0.005  # at random it would be 0.007 off


def test_time_is_shared_between_layers_as_volume_is() -> None:
    """So that along them 1 x 0.8 + 10 x 0.2 is conducted."""
    rng, count, windows = Generator(PCG64(8)), 5000, 10
    place, late = Layers(0.2).scatter(count, rng), np.zeros(count)
    _, late, moved = Layers(0.2).walk(place, late, (1.0, 10.0), windows, 0.1, rng)
    products = moved[:, :, 1].sum(axis=1) ** 2 / (2 * (windows * 0.1 - late.mean()))
    error = products.std() / np.sqrt(count)
    assert abs(products.mean() - 2.8) < 4 * error
    assert error < 0.03 * 2.8


@every_medium
def test_of_equal_conductivities_the_mean_square_grows_as_in_one_phase(medium: Medium) -> None:
    """Of equal conductivities 3, <dx dx> / 2t is 3, whatever regions are left on the way."""
    rng, count, windows = Generator(PCG64(4)), 1500, 5
    _, late, moved = medium.walk(medium.scatter(count, rng), np.zeros(count), (3.0, 3.0), windows, 0.03, rng)
    found = moved.sum(axis=1)
    time = windows * 0.03 - late.mean()
    for axes in ((0, 0), (1, 1), (0, 1)):
        products = found[:, axes[0]] * found[:, axes[1]] / (2 * time)
        assert abs(products.mean() - 3.0 * (axes[0] == axes[1])) < 4 * products.std() / np.sqrt(count)
