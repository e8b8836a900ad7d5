"""Every population keeps the contract of a micro-model: one set of tests over all of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from typing import Any

import numpy as np
import pytest
from mesa.examples.basic.boltzmann_wealth_model.model import BoltzmannWealth
from numpy.random import PCG64, Generator
from numpy.typing import NDArray

import eqfree as ef
from agents.cars import (
    BRISK,
    CAR,
    CAUTIOUS,
    IDM,
    TRUCK,
    Fleet,
    FollowTheLeader,
    NagelSchreckenberg,
    Newell,
    OptimalVelocity,
    RingAtDensity,
    RingOfHeadways,
    RingOfSpread,
    Road,
    RoadOfCounts,
    SafeDistance,
    Vehicle,
)
from agents.cells import CellType, LatticeCells, Medium, SignallingCells, Sites, Sweeps, independent
from agents.ions import Box, Hopping, Landscape, LatticeGas, RejectionFree, Species, gibbs, normal
from agents.ions.lattices import chain, simple_cubic
from agents.lattice_boltzmann import FitzHughNagumo, Lattice
from agents.molecules import Grid, RandomTimeChange, TauLeaping, Voxels, WellMixed, read_network
from agents.walkers import Layers, WalkerConductor
from eqfree.adapters import MesaMicroModel
from eqfree.ensemble import ExecutorLike, Pool
from eqfree.ensemble.dask import close

TIMES = (2.0, 5.0)
MIXED = Fleet((CAR, TRUCK, CAUTIOUS, BRISK), (0.5, 0.2, 0.2, 0.1))
SLOW = Vehicle(name="slow", length=4.5, minimum_gap=0.5, time_headway=0.45, desired_speed=9.75)
PROFILE = np.array([0.010, 0.030, 0.020, 0.040])
EDGES = np.linspace(0.0, 2000.0, 5)


@dataclass(frozen=True)
class Population:
    """A micro-model, a macro state of it, and how far restrict after lift may be from that."""

    model: Any
    macro: NDArray[np.float64]
    sampler_error: float


WAVE = 40 + 5 * np.cos(2 * np.pi * np.arange(10) / 10)
CELL = 7.5
ONE_CAR = 1 / 500.0  # a density, in the cells above
POPULATIONS = {
    "idm on a road": Population(Road(IDM(), MIXED, EDGES), PROFILE, ONE_CAR),
    "safe distance on a road": Population(Road(SafeDistance(), MIXED, EDGES), PROFILE, ONE_CAR),
    "newell on a road": Population(Road(Newell(), MIXED, EDGES), PROFILE, ONE_CAR),
    "optimal velocity on a road": Population(Road(OptimalVelocity(sensitivity=1.0), MIXED, EDGES), PROFILE, ONE_CAR),
    "follow the leader on a road": Population(Road(FollowTheLeader(), Fleet.of(SLOW), EDGES), PROFILE, ONE_CAR),
    "nagel-schreckenberg on a road": Population(
        Road(NagelSchreckenberg(cell=CELL), Fleet.of(CAR), np.array([0.0, 750.0, 1500.0])),
        np.array([0.02, 0.06]),
        1 / 750.0,
    ),
    "idm on an open road": Population(Road(IDM(), MIXED, EDGES, ring=False, demand=0.3), PROFILE, ONE_CAR),
    "idm at a density": Population(RingAtDensity(IDM(), Fleet.of(CAR), 8, displacement=0.3), np.array([0.03]), 1e-12),
    "mixed idm at a density": Population(RingAtDensity(IDM(), MIXED, 20), np.array([0.03]), 1e-12),
    "idm of headways": Population(RingOfHeadways(IDM(), CAR, 10, 400.0), WAVE, 1e-9),
    "noisy optimal velocity of headways": Population(
        RingOfHeadways(OptimalVelocity(sensitivity=1.0, noise=0.1), CAR, 10, 400.0), WAVE, 1e-9
    ),
    "optimal velocity of a spread": Population(
        RingOfSpread(OptimalVelocity(sensitivity=1.0), CAR, WAVE, 400.0), np.array([2.0]), 1e-9
    ),
}
COUNTS = np.array([0.3, 9.0, 16.0, 32.0, 44.0])
POPULATIONS |= {
    f"{type(law).__name__} of counts": Population(RoadOfCounts(law, CAR, 50, np.linspace(0.0, 2500.0, 6)), COUNTS, 0.02)
    for law in (IDM(), SafeDistance(), Newell())
}
BRUSSELATOR, ENZYME = read_network("brusselator"), read_network("michaelis_menten")
ONE_MOLECULE = 1 / 50.0
TWO_SPECIES = np.array([1.013, 2.987])
POPULATIONS |= {
    "brusselator": Population(WellMixed(BRUSSELATOR, 50.0), TWO_SPECIES, ONE_MOLECULE),
    "brusselator with a stream per reaction": Population(
        WellMixed(BRUSSELATOR, 50.0, method=RandomTimeChange()), TWO_SPECIES, ONE_MOLECULE
    ),
    "leaping brusselator": Population(WellMixed(BRUSSELATOR, 5000.0, method=TauLeaping()), TWO_SPECIES, ONE_MOLECULE),
    "enzyme": Population(WellMixed(ENZYME, 6e8), np.array([1.4, 4.1, 0.6, 0.3]) * 1e-7, 1 / 6e8),
    "enzyme by its product": Population(WellMixed(ENZYME, 6e8, species=("P",)), np.array([1e-7]), 1 / 6e8),
    "carbon monoxide and oxygen": Population(
        WellMixed(read_network("co_oxidation"), 1000.0, species=("A", "B")), np.array([0.3331, 0.2503]), 1e-3
    ),
    "oxygen and carbon monoxide": Population(
        WellMixed(read_network("co_oxidation"), 1000.0, species=("B", "A")), np.array([0.3, 0.3]), 1e-3
    ),
    "brusselator along a line": Population(
        Voxels(BRUSSELATOR, 50.0, Grid((6,), 0.5), {"X": 0.01, "Y": 0.05}), np.outer(TWO_SPECIES, np.ones(6)), 1.2 / 50
    ),
    "enzyme in a periodic plane": Population(
        Voxels(ENZYME, 6e7, Grid((3, 4), 1.0, periodic=True), {"S": 0.2, "P": 0.2}),
        np.outer([1.4e-7, 4.1e-7, 0.6e-7, 0.3e-7], np.linspace(0.5, 1.5, 12)),
        2 / 6e7,
    ),
}
WAVES = np.array([[0.9], [0.2]]) * np.cos(np.pi * (np.arange(20) + 0.5) / 20)
POPULATIONS |= {"activator and inhibitor on a lattice": Population(FitzHughNagumo(0.1, Lattice(20)), WAVES, 1e-14)}
TISSUE = np.array([[0.6, 0.45, 0.3, 0.05]])
RESIDENT, INVADER = CellType(2.0, 0.5, 0.1, adhesion=0.3, inhibition=1.0), CellType(1.0, name="invaders")
POPULATIONS |= {
    "cells in a plane": Population(LatticeCells(Sites((4, 60)), (CellType(3.0, 0.2),)), TISSUE, 1 / 60),
    "cells on independent sites": Population(
        LatticeCells(Sites((4, 400)), (CellType(3.0, 0.2),), independent), TISSUE, 4 * 0.5 / 20
    ),
    "two types of cells in space, in steps": Population(
        LatticeCells(Sites((4, 6, 10)), (RESIDENT, INVADER), timing=Sweeps(0.125)),
        np.vstack((TISSUE, TISSUE[:, ::-1] / 2)),
        1 / 60,
    ),
    "cells that follow what they take up": Population(
        SignallingCells(
            LatticeCells(Sites((4, 60), 20.0, (False, True)), (CellType(3.0, 0.2, chemotaxis=0.5, half_signal=1.0),)),
            Medium((4,), 20.0, diffusion=20.0, decay=0.1),
            step=0.125,
            uptake=0.2,
        ),
        np.vstack((TISSUE, [3.0, 2.0, 1.0, 0.5])),
        1 / 60,
    ),
}
POPULATIONS |= {
    "ions in a crystal": Population(
        LatticeGas(Landscape(Box(simple_cubic(3e-10), (4, 5, 6)), Hopping({"hop": 0.0}, 1.0)), 300.0), TISSUE, 1 / 30
    ),
    "two species of ions that repel each other in a rough crystal": Population(
        LatticeGas(
            Landscape(
                Box(chain(3e-10), (80,), periodic=False),
                Hopping({"hop": 0.0}, 1.0, interaction=0.03, barrier_disorder=normal(0.05)),
            ),
            300.0,
            field=(1e7,),
            species=(Species("Li"), Species("Na", charge=2.0)),
            sampler=gibbs(5.0),
            selection=RejectionFree(),
            columns=4,
        ),
        np.vstack((TISSUE, TISSUE[:, ::-1] / 2)),
        1 / 20,
    ),
}
POPULATIONS |= {
    "walkers through layers": Population(WalkerConductor((1.0, 10.0), Layers.of, walkers=10), np.array([0.4, 0.5]), 0.0)
}
every_population = pytest.mark.parametrize("population", POPULATIONS.values(), ids=POPULATIONS.keys())


@pytest.fixture(scope="module")
def processes() -> Iterator[Executor]:
    with ProcessPoolExecutor(2, mp_context=get_context("forkserver")) as pool:
        yield pool


def loop_only(model: Any) -> ef.MicroModel:
    """The same three functions without the compiled batch."""
    options = {name: getattr(model, name) for name in ("deterministic", "fields", "time_step") if hasattr(model, name)}
    return ef.micro_model(model.lift, model.evolve, model.restrict, **options)


def samples(model: Any, macro: NDArray[np.float64], executor: ExecutorLike, key: tuple[int, ...]) -> Any:
    stepper = ef.CoarseTimeStepper(model, replicas=3, executor=executor, seed=11)
    return stepper.burst(macro, TIMES, key, samples=True).samples


@pytest.mark.slow
@every_population
def test_same_key_gives_the_same_bits_wherever_it_runs(population: Population, processes: Executor) -> None:
    here = samples(loop_only(population.model), population.macro, None, (4,))
    for executor in (None, 2, processes):  # None takes the batch
        assert np.array_equal(here, samples(population.model, population.macro, executor, (4,)))


@contextmanager
def pool() -> Iterator[ExecutorLike]:
    yield Pool(1)


@contextmanager
def loky() -> Iterator[ExecutorLike]:
    executor = pytest.importorskip("loky", reason="loky is not installed").get_reusable_executor(1)
    yield executor
    executor.shutdown(wait=True, kill_workers=True)


@contextmanager
def dask() -> Iterator[ExecutorLike]:
    """By the address of its scheduler."""
    distributed = pytest.importorskip("distributed", reason="dask is not installed")
    with distributed.LocalCluster(
        n_workers=1, threads_per_worker=1, host="127.0.0.1", dashboard_address="127.0.0.1:0"
    ) as cluster:
        yield cluster.scheduler_address
        close()


@contextmanager
def mpi4py() -> Iterator[ExecutorLike]:
    with pytest.importorskip("mpi4py.futures", reason="mpi4py is not installed").MPIPoolExecutor(1) as executor:
        yield executor


@pytest.mark.slow
@pytest.mark.parametrize("place", [pool, loky, dask, mpi4py], ids=lambda place: place.__name__)
def test_the_bits_of_every_population_are_the_same_in_every_place(
    place: Callable[[], AbstractContextManager[ExecutorLike]],
) -> None:
    with place() as executor:
        for name, population in POPULATIONS.items():
            here, there = (samples(population.model, population.macro, one, (4,)) for one in (None, executor))
            assert np.array_equal(here, there), name
        mesa = MesaMicroModel(BoltzmannWealth, "Gini", construct=lambda macro, rng: {"n": int(macro[0])})
        here, there = (samples(mesa, np.array([12.0]), one, (4,)) for one in (None, executor))
        assert np.array_equal(here, there), "Mesa"


@every_population
def test_another_key_gives_another_noise_unless_the_model_is_deterministic(population: Population) -> None:
    first, second = (
        ef.CoarseTimeStepper(population.model, replicas=2).lift(population.macro, key) for key in ((1,), (2,))
    )
    same = all(np.array_equal(one[name], other[name]) for one, other in zip(first, second, strict=True) for name in one)
    evolved = [samples(population.model, population.macro, None, key) for key in ((1,), (2,))]
    assert (same and np.array_equal(*evolved)) == population.model.deterministic


@every_population
def test_restrict_after_lift_is_within_the_samplers_error(population: Population) -> None:
    micro = population.model.lift(population.macro.copy(), Generator(PCG64(3)))
    difference = population.model.restrict(micro) - population.macro
    assert difference.shape == population.macro.shape
    assert np.abs(difference).max() <= population.sampler_error


@pytest.mark.parametrize(
    "population",
    [pytest.param(one, id=name) for name, one in POPULATIONS.items() if hasattr(one.model, "conserved")],
)
def test_lift_reproduces_what_is_conserved_exactly(population: Population) -> None:
    micro = population.model.lift(population.macro.copy(), Generator(PCG64(5)))
    wanted = population.model.conserved(population.macro)
    assert population.model.conserved(population.model.restrict(micro)) == pytest.approx(wanted, rel=1e-13)


@every_population
def test_unpack_after_pack_is_identity_and_shares_no_memory(population: Population) -> None:
    model = population.model
    micro = model.evolve(model.lift(population.macro.copy(), Generator(PCG64(7))), TIMES[0], Generator(PCG64(8)))
    packed = model.pack(micro)
    again = model.unpack(packed)
    repacked = model.pack(again)
    assert packed.keys() == repacked.keys()
    for name in packed:
        assert np.array_equal(packed[name], repacked[name])
        assert not np.shares_memory(packed[name], repacked[name])
    onward = [model.restrict(model.evolve(state, TIMES[0], Generator(PCG64(9)))) for state in (micro, again)]
    assert np.array_equal(*onward)


@every_population
def test_lift_and_evolve_leave_their_arguments_alone(population: Population) -> None:
    macro = population.macro.copy()
    micro = population.model.lift(macro, Generator(PCG64(1)))
    before = population.model.pack(micro)
    population.model.evolve(micro, TIMES[0], Generator(PCG64(2)))
    assert np.array_equal(macro, population.macro)
    assert all(np.array_equal(before[name], array) for name, array in population.model.pack(micro).items())


@every_population
def test_a_projective_step_lands_where_lift_can_begin_again(population: Population) -> None:
    """Ten bursts long: what the leap makes impossible is restored, and what is conserved is kept."""
    stepper = ef.CoarseTimeStepper(population.model, replicas=4, seed=2)
    burst = 1e-2 if getattr(population.model, "time_step", None) is None else population.model.time_step
    result = ef.solve_projective(stepper, (0.0, 10 * burst), population.macro, ef.projective.Euler(10 * burst, burst))
    assert result.success, result.message
    assert result.restored == 0 or result.moved < 1
    stepper.lift(result.macro[-1])
