"""What kernels cannot read or finish is refused, in one line, before memory or patience is spent."""

import numpy as np
import pytest
from numpy.random import default_rng
from numpy.typing import ArrayLike

from agents.molecules import (
    Direct,
    Grid,
    Method,
    Molecules,
    Network,
    RandomTimeChange,
    Tables,
    TauLeaping,
    Voxels,
    passage_time,
    path,
)

DECAY = Network.parse("X -> 0, k=1")
EXPLOSION = Network.parse("3X -> 99X, k=1")  # infinitely many after a finite time, and after few events
every_method = pytest.mark.parametrize(
    "method", [Direct(), RandomTimeChange(), TauLeaping()], ids=["direct", "random time change", "tau-leaping"]
)


@every_method
@pytest.mark.parametrize(
    ("counts", "reactions"), [([5], 2), ([5, 0, 0], 2), ([5, 0], 1), ([5, 0], 3), ([[5], [0]], 2)], ids=str
)
def test_molecules_of_another_network_are_refused(method: Method, counts: ArrayLike, reactions: int) -> None:
    tables = Tables.of(Network.parse("A <-> B, k=1, k_back=1"), 1.0)
    with pytest.raises(ValueError, match=r"counts of shape \(2,\) and firings of shape \(2,\): got counts of shape"):
        method.advance(tables, Molecules.of(counts, reactions), 1.0, default_rng(0))


def test_counts_of_other_species_have_no_path_and_no_passage() -> None:
    tables = Tables.of(Network.parse("A -> B, k=1"), 1.0)
    with pytest.raises(ValueError, match=r"have counts of shape \(2,\)"):
        path(tables, [3], [1.0], default_rng(0))
    with pytest.raises(ValueError, match=r"have counts of shape \(2,\)"):
        passage_time(tables, [3, 0, 0], 0, 0, default_rng(0))


@pytest.mark.parametrize("counts", [[[50] * 400], [[50]], [50, 50, 50]], ids=["more", "fewer", "none"])
def test_molecules_in_other_voxels_are_refused(counts: ArrayLike) -> None:
    voxels = Voxels(DECAY, 1.0, Grid((3,), 1.0), {"X": 1.0})
    with pytest.raises(ValueError, match=r"counts of shape \(1, 3\) and firings of shape \(1, 3\): got"):
        voxels.evolve(Molecules.of(counts, 1), 1.0, default_rng(0))


@pytest.mark.parametrize("duration", [-1.0, np.nan, np.inf])
def test_a_burst_of_no_duration_is_refused(duration: float) -> None:
    tables, voxels = Tables.of(DECAY, 1.0), Voxels(DECAY, 1.0, Grid((2,), 1.0))
    for method in (Direct(), RandomTimeChange(), TauLeaping()):
        with pytest.raises(ValueError, match="`duration` must be finite and not negative: got"):
            method.advance(tables, Molecules.of([5], 1), duration, default_rng(0))
    with pytest.raises(ValueError, match="`duration` must be finite and not negative: got"):
        voxels.evolve(Molecules.of([[5, 5]], 1), duration, default_rng(0))


@pytest.mark.slow
@every_method
def test_an_explosion_is_an_error_and_not_a_wait(method: Method) -> None:
    with pytest.raises(ValueError, match="Do they explode"):
        method.advance(Tables.of(EXPLOSION, 1.0), Molecules.of([10], 1), 1.0, default_rng(0))


@pytest.mark.slow
def test_an_explosion_in_a_voxel_is_an_error_and_not_a_wait() -> None:
    with pytest.raises(ValueError, match="Do they explode"):
        Voxels(EXPLOSION, 1.0, Grid((2,), 1.0)).evolve(Molecules.of([[10, 0]], 1), 1.0, default_rng(0))


@pytest.mark.slow
def test_a_propensity_that_is_not_finite_is_an_error() -> None:
    network = Network.parse("X -> 0, k=1e305")
    for method in (Direct(), RandomTimeChange(), TauLeaping()):
        with pytest.raises(ValueError, match="react faster than time can tell"):
            method.advance(Tables.of(network, 1.0), Molecules.of([10**9], 1), 1.0, default_rng(0))
    with pytest.raises(ValueError, match="react faster than time can tell"):
        Voxels(network, 1.0, Grid((1,), 1.0)).evolve(Molecules.of([[10**9]], 1), 1.0, default_rng(0))


def test_a_rate_that_is_not_finite_in_the_volume_is_refused() -> None:
    with pytest.raises(ValueError, match="The rate of `0 -> X` must be finite in the volume: got the constant 1e"):
        Tables.of(Network.parse("0 -> X, k=1e308"), 1e10)


@every_method
def test_a_count_that_floats_leave_out_is_an_error(method: Method) -> None:
    tables, start = Tables.of(Network.parse("0 -> X, k=1000"), 1.0), Molecules.of([2**53 - 5], 1)
    with pytest.raises(ValueError, match="more molecules than can be counted"):
        method.advance(tables, start, 1.0, default_rng(0))


def test_a_leap_of_more_firings_than_can_be_counted_is_an_error() -> None:
    with pytest.raises(ValueError, match="Do they explode"):
        TauLeaping().advance(Tables.of(Network.parse("0 -> X, k=1e20"), 1.0), Molecules.of([0], 1), 1.0, default_rng(0))


@pytest.mark.parametrize("wrong", [2**53, 2**62, 1e20, np.nan, np.inf, -1.0, 0.5])
def test_counts_that_cannot_be_counted_are_refused(wrong: float) -> None:
    with pytest.raises(ValueError, match="Counts of molecules must be whole numbers, not negative"):
        Molecules.of([wrong], 1)
    assert Molecules.of([2**53 - 1], 1).counts.tolist() == [2**53 - 1]


@pytest.mark.parametrize(
    ("species", "target", "longest", "what"),
    [
        (-1, 0, 1.0, "`species` must be one of 0 to 0: got -1"),
        (1, 0, 1.0, "`species` must be one of 0 to 0: got 1"),
        (0, 0.5, 1.0, "`target` must be a whole number of molecules"),
        (0, -1, 1.0, "`target` must be a whole number of molecules"),
        (0, 0, -1.0, "`longest` must not be negative: got -1"),
        (0, 0, np.nan, "`longest` must not be negative: got nan"),
    ],
)
def test_a_passage_to_nowhere_is_refused(species: int, target: float, longest: float, what: str) -> None:
    with pytest.raises(ValueError, match=what):
        passage_time(Tables.of(DECAY, 1.0), [3], species, target, default_rng(0), longest)


def test_a_path_that_never_ends_is_refused() -> None:
    with pytest.raises(ValueError, match="`times` must ascend from 0 on and be finite"):
        path(Tables.of(DECAY, 1.0), [3], [0.0, np.inf], default_rng(0))


def test_a_burst_of_many_calls_is_that_of_one(monkeypatch: pytest.MonkeyPatch) -> None:
    network, ends = Network.parse("2X + Y -> 3X, k=1\n0 -> X, k=1\nX -> Y, k=3\nX -> 0, k=1"), []
    voxels = Voxels(network, 20.0, Grid((3,), 1.0), {"X": 1.0})
    for budget in (2**22, 7):
        monkeypatch.setattr("agents.molecules.ssa.BUDGET", budget)
        monkeypatch.setattr("agents.molecules.tau_leaping.BUDGET", budget)
        monkeypatch.setattr("agents.molecules.voxels.BUDGET", budget)
        tables, start = Tables.of(network, 100.0), Molecules.of([100, 300], 4)
        mixed = [
            method.advance(tables, start, 1.0, default_rng(1))
            for method in (Direct(), RandomTimeChange(), TauLeaping())
        ]
        ends.append([*mixed, voxels.evolve(Molecules.of([[20] * 3, [60] * 3], 4), 1.0, default_rng(1))])
    for whole, parts in zip(*ends, strict=True):
        assert np.array_equal(whole.counts, parts.counts)
        assert np.array_equal(whole.firings, parts.firings)
        assert np.array_equal(whole.integral, parts.integral)


def test_nobody_writes_into_molecules() -> None:
    burst = Direct().advance(Tables.of(DECAY, 1.0), Molecules.of([5], 1), 1.0, default_rng(0))
    for molecules in (Molecules.of([5], 1), burst, Molecules.unpack(burst.pack())):
        for array in (molecules.counts, molecules.integral, molecules.firings):
            with pytest.raises(ValueError, match="read-only"):
                array[0] = 1
