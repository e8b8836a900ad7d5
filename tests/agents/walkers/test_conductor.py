"""Walkers as a micro-model: media, many disks, readings."""

from __future__ import annotations

from math import pi, sqrt

import numpy as np
import pytest
from numpy.random import PCG64, Generator

from agents.walkers import Disks, Layers, WalkerConductor


@pytest.mark.slow
def test_four_disks_in_a_cell_conduct_as_one_in_a_quarter_of_it() -> None:
    """1.652036011 (Perrins, McKenzie & McPhedran 1979): the same array, twice as fine."""
    radius = sqrt(0.3 / pi) / 2
    disks = Disks(tuple((x, y) for x in (0.0, 0.5) for y in (0.3, 0.8)), (radius,) * 4)
    model = WalkerConductor((1.0, 10.0), lambda _: disks, walkers=200, window=0.025)
    found = []
    for replica in range(8):
        rng = Generator(PCG64([5, replica]))
        start = model.evolve(model.lift(np.zeros(1), rng), 0.025, rng)
        found.append(model.observe(start, model.evolve(start, 0.5, rng), 0.5))
    mean, error = np.mean(found, axis=0), np.std(found, axis=0, ddof=1) / sqrt(8)
    assert (np.abs(mean - [1.652036011, 0.0, 1.652036011]) < 4 * error).all()
    assert (error < 0.03 * 1.652).all()


def test_the_reading_is_that_of_the_unwrapped_displacements_but_for_the_memory_of_windows() -> None:
    """One phase has no memory: both estimate the same, and differ by no more than the noise of 4 errors."""
    model = WalkerConductor((2.0, 2.0), Layers.of, walkers=2000)
    start = model.lift(np.array([0.5]), Generator(PCG64(6)))
    end = model.evolve(start, 0.5, Generator(PCG64(7)))
    assert np.allclose(end.place - start.place, end.displacement)
    simple = np.square(end.displacement).mean(axis=0) / (2 * 0.5)
    assert simple == pytest.approx([2.0, 2.0], abs=4 * 2 * sqrt(2 / 2000))
    read = model.observe(start, end, 0.5)
    assert read[[0, 2]] == pytest.approx([2.0, 2.0], abs=4 * 2 * sqrt(6 / 20_000))


def test_a_point_is_in_its_phase_in_every_period() -> None:
    disks = Disks(((0.1, 0.1), (0.6, 0.6)), (0.2, 0.25))
    points = np.array([[0.95, 0.05], [0.4, 0.1], [0.6, 0.84], [0.6, 0.86]])
    assert np.array_equal(disks.phase(points), [1, 0, 1, 0])
    assert np.array_equal(disks.phase(points + np.array([3, -2])), [1, 0, 1, 0])
    layers = Layers(0.25, pi / 2)  # the normal is along y
    assert np.array_equal(layers.phase([[0.9, 0.2], [0.1, 0.3], [0.1, -0.8]]), [1, 0, 1])


def test_media_that_cannot_be_are_refused() -> None:
    for fraction in (0.0, 1.0):
        with pytest.raises(ValueError, match="between 0 and 1"):
            Layers(fraction)
    with pytest.raises(ValueError, match="`angle` must be finite"):
        Layers(0.5, float("nan"))
    with pytest.raises(ValueError, match=r"where they touch: got 0\.8"):
        Disks.square(0.8)
    with pytest.raises(ValueError, match=r"overlap nor touch: the gap between disk 0 and disk 1 or its image is -0\.1"):
        Disks(((0.1, 0.5), (0.9, 0.5)), (0.1, 0.2))
    with pytest.raises(ValueError, match="disk 0 and disk 0 or its image"):
        Disks(((0.5, 0.5),), (0.5,))
    with pytest.raises(ValueError, match="must be positive"):
        Disks(((0.5, 0.5),), (0.0,))
    with pytest.raises(ValueError, match="a finite centre"):
        Disks(((0.5, 0.5),), (0.1, 0.1))


def test_models_that_cannot_be_are_refused() -> None:
    with pytest.raises(ValueError, match="two positive numbers"):
        WalkerConductor((1.0, -1.0), Layers.of)
    with pytest.raises(ValueError, match="`walkers` must be 1 or more"):
        WalkerConductor((1.0, 2.0), Layers.of, walkers=0)
    with pytest.raises(ValueError, match="`window` must be positive"):
        WalkerConductor((1.0, 2.0), Layers.of, window=0.0)
