"""Mesa's models as micro-models: same key, same bits, whatever ran before; nothing stays alive; and what they say."""

from __future__ import annotations

import pickle
import random
import subprocess
import sys
from itertools import permutations, product
from math import comb
from typing import Any

import numpy as np
import pytest
from mesa import Agent, DataCollector, Model
from mesa.examples.basic.boltzmann_wealth_model.model import BoltzmannWealth
from mesa.examples.basic.schelling.model import Schelling
from mesa.examples.basic.virus_on_network.agents import State
from mesa.examples.basic.virus_on_network.model import VirusOnNetwork
from numpy.random import PCG64, Generator
from numpy.typing import NDArray

import eqfree as ef
from eqfree.adapters import MesaMicroModel
from eqfree.adapters.mesa.state import first_difference
from eqfree.continuation import PseudoArclength, Steps
from eqfree.fixed_points import Newton

Array = NDArray[np.float64]


class Animal(Agent):
    """Breeds, dies, and draws from every generator that there is."""

    def __init__(self, model: Animals, age: float = 0.0) -> None:
        super().__init__(model)
        self.age = age

    def live(self) -> None:
        self.age += self.model.rng.random() + random.random() + np.random.rand()  # noqa: NPY002
        if self.random.random() < 0.2:
            Animal(self.model)
        if self.random.random() < 0.2:
            self.remove()


class Animals(Model):
    """Some animals."""

    def __init__(self, count: int = 20, patience: int = 100, seed: int | None = None) -> None:
        super().__init__(seed=seed)
        self.given, self.patience, self.fed = seed, patience, 0
        self.datacollector = DataCollector(
            {
                "attribute": "fed",
                "function": lambda model: len(model.agents),
                "method": self.oldest,
                "list": [max, [2, 3]],
            }
        )
        Animal.create_agents(self, count)

    def oldest(self) -> float:
        return max((agent.age for agent in self.agents), default=0.0)

    def step(self) -> None:
        self.fed += 1
        self.agents.shuffle_do("live")
        self.datacollector.collect(self)
        self.running = self.steps < self.patience


def herd(model: Any, macro: Array, rng: Generator) -> None:
    model.remove_all_agents()
    for age in macro[0] * rng.random(10):
        Animal(model, age)


def mean_age(model: Any) -> Array:
    return np.array([np.mean(model.agents.get("age"))]) if len(model.agents) else np.zeros(1)


def animals(**options: Any) -> MesaMicroModel:
    return MesaMicroModel(Animals, mean_age, herd, **options)


def wealth(lift: Any = None, **options: Any) -> MesaMicroModel:
    """Twelve people with a coin each at one place, Gini's coefficient of whom is zero."""

    def settle(model: Any, macro: Array, rng: Generator) -> None:
        cells = model.grid.all_cells.cells
        for agent, place in zip(model.agents, rng.integers(len(cells), size=12), strict=True):
            agent.wealth, agent.cell = 1, cells[place]

    return MesaMicroModel(BoltzmannWealth, "Gini", lift or settle, n=12, width=3, height=3, **options)


def infect(model: Any, macro: Array, rng: Generator) -> None:
    for agent in model.agents:
        agent.state = State.INFECTED if rng.random() < macro[0] else State.SUSCEPTIBLE


def virus(**options: Any) -> MesaMicroModel:
    return MesaMicroModel(
        VirusOnNetwork, lambda model: model.datacollector.model_reporters["Infected"](model) / 30, infect,
        **{"num_nodes": 30, "gain_resistance_chance": 0.0, **options},
    )  # fmt: skip


MODELS = {"animals": animals, "wealth": wealth, "virus": virus}
every_model = pytest.mark.parametrize("make", MODELS.values(), ids=MODELS)


def path(model: Any, key: tuple[int, ...], executor: Any = None, replicas: int = 2) -> Any:
    stepper = ef.CoarseTimeStepper(model, replicas=replicas, seed=3, executor=executor)
    return stepper.burst([0.5], [0.0, 2.0, 5.0], key, samples=True).samples


@every_model
@pytest.mark.parametrize("reuse", [False, True])
def test_same_key_gives_the_same_bits_whatever_ran_before(make: Any, reuse: bool) -> None:
    alone = path(make(reuse=reuse), (7,))
    model = make(reuse=reuse)
    for before in range(3):
        path(model, (before,))
    assert np.array_equal(path(model, (7,)), alone)
    assert not np.array_equal(path(model, (8,)), alone)


@pytest.mark.slow
@every_model
def test_same_key_gives_the_same_bits_in_other_processes(make: Any) -> None:
    for reuse in (False, True):
        assert np.array_equal(path(make(reuse=reuse), (7,), replicas=4), path(make(reuse=reuse), (7,), 2, replicas=4))


def test_the_modules_own_generators_are_put_back() -> None:
    random.seed(1)
    np.random.seed(1)  # noqa: NPY002
    before = random.getstate(), np.random.get_state()[1].tolist()  # type: ignore[index] # noqa: NPY002
    path(animals(), (7,))
    assert before == (random.getstate(), np.random.get_state()[1].tolist())  # type: ignore[index] # noqa: NPY002


def test_lift_and_evolve_draw_from_different_streams_however_long_either_is() -> None:
    model = animals()
    lifts = [model.lift(np.ones(1), Generator(PCG64(seed))) for seed in (1, 2)]
    for one in lifts:
        one.model.random.random()
    ends = [model.evolve(one, 1.0, Generator(PCG64(5))).model for one in lifts]
    assert ends[0].random.getstate() == ends[1].random.getstate()
    assert ends[0].rng.random() == ends[1].rng.random()


def test_constructors_get_a_seed_of_pythons_own_integers() -> None:
    """`rng=numpy.int64(1)` is another stream than `rng=1` in Mesa."""
    seeds = [animals().lift(np.ones(1), Generator(PCG64(number))).model.given for number in (1, 1, 2)]
    assert [type(seed) for seed in seeds] == [int, int, int]
    assert seeds[0] == seeds[1] != seeds[2]


def test_constructors_may_take_what_follows_from_the_macro_state() -> None:
    def construct(macro: Array, rng: Generator) -> dict[str, Any]:
        return {"initial_outbreak_size": round(30 * macro[0])}

    model = MesaMicroModel(VirusOnNetwork, ("Infected", "Resistant"), construct=construct, num_nodes=30)
    assert model.restrict(model.lift(np.array([0.4, 0.0]), Generator(PCG64(1)))).tolist() == [12, 0]


def test_reporters_are_asked_when_they_are_read_by_mesas_four_rules() -> None:
    model = MesaMicroModel(Animals, ["attribute", "function", "method", "list"], herd)
    population = model.lift(np.zeros(1), Generator(PCG64(1)))
    assert model.restrict(population).tolist() == [0, 10, 0, 3]
    after = model.restrict(model.evolve(population, 1.0, Generator(PCG64(2)))).tolist()
    collected = {name: rows[-1] for name, rows in population.model.datacollector.model_vars.items()}
    assert after == list(collected.values())


def test_a_step_takes_its_time_and_models_that_stop_stay_as_they_are() -> None:
    model = animals(time_per_step=0.5, patience=3, agents=10)
    population = model.lift(np.ones(1), Generator(PCG64(1)))
    assert model.evolve(population, 1.0, Generator(PCG64(2))).model.steps == 2
    assert model.evolve(population, 5.0, Generator(PCG64(3))).model.steps == 3
    assert model.agent_updates(np.ones(1), 1.0) == 20
    with pytest.raises(ValueError, match=r"multiple of the model's time step 0.5: got 0.7"):
        ef.CoarseTimeStepper(model).burst([1.0], [0.7])


def test_agents_born_later_get_numbers_that_nobody_had() -> None:
    model = animals()
    population = model.lift(np.ones(1), Generator(PCG64(1)))
    seen: set[int] = set(population.model.agents.get("unique_id"))
    for step in range(4):
        before = set(population.model.agents.get("unique_id"))
        model.evolve(population, 1.0, Generator(PCG64(step)))
        born = set(population.model.agents.get("unique_id")) - before
        assert not born & seen
        seen |= born
    assert len(seen) > 10


def test_a_reused_model_is_built_once_a_process_and_populations_that_live_at_once_share_none() -> None:
    model = wealth(reuse=True)
    first = model.lift(np.zeros(1), Generator(PCG64(1)))
    second = model.lift(np.zeros(1), Generator(PCG64(1)))
    assert first.model is not second.model
    kept = first.model
    del first
    assert model.lift(np.zeros(1), Generator(PCG64(1))).model is kept


def test_a_reused_model_that_lift_leaves_as_it_was_is_refused_by_what_was_left() -> None:
    def poor(model: Any, macro: Array, rng: Generator) -> None:
        model.agents.set("wealth", 1)

    with pytest.raises(ValueError, match=r"must set all that a burst changes .*_mesa_cell.*` of one"):
        path(wealth(poor, reuse=True), (1,))
    path(wealth(poor), (1,))


def test_reused_models_are_shared_by_the_same_model_lifted_otherwise() -> None:
    def rich(model: Any, macro: Array, rng: Generator) -> None:
        cells = model.grid.all_cells.cells
        for agent, place in zip(model.agents, rng.integers(len(cells), size=12), strict=True):
            agent.wealth, agent.cell = 7, cells[place]

    model = wealth(reuse=True)
    population = model.lift(np.zeros(1), Generator(PCG64(1)))
    kept = population.model
    del population
    other = model.lifted_by(rich).lift(np.zeros(1), Generator(PCG64(1)))
    assert other.model is kept
    assert set(other.model.agents.get("wealth")) == {7}
    assert np.array_equal(path(model.lifted_by(rich), (7,)), path(wealth(rich, reuse=True), (7,)))


def test_a_reused_model_that_failed_is_not_lifted_again() -> None:
    model = wealth(reuse=True)
    population = model.lift(np.zeros(1), Generator(PCG64(1)))
    failed, population.model.agents[3].wealth = population.model, None
    with pytest.raises(TypeError):
        model.evolve(population, 1.0, Generator(PCG64(1)))
    del population
    assert model.lift(np.zeros(1), Generator(PCG64(1))).model is not failed


def test_differences_are_told_by_the_first_attribute() -> None:
    ours, others = (BoltzmannWealth(5, 2, 2, seed=1) for _ in range(2))
    assert first_difference(ours, others) is None
    others.agents[4].wealth = 7
    assert str(first_difference(ours, others)).endswith(".wealth")
    others.agents[4].wealth = 1
    others.random.random()
    assert first_difference(ours, others) == "model.random"


@every_model
@pytest.mark.parametrize("reuse", [False, True])
def test_populations_advance_from_copies_as_they_do_themselves(make: Any, reuse: bool) -> None:
    """Twice from each, and on their way through another process, though `copy.deepcopy` of a grid of Mesa's is none."""
    model = make(reuse=reuse)
    stepper = ef.CoarseTimeStepper(model, replicas=2, seed=3)
    populations, readings = stepper.lift([0.5], (7,)), []
    for number, duration in enumerate((2.0, 3.0)):
        once = stepper.advance(populations, duration, (7, number))
        populations, reading = stepper.advance(pickle.loads(pickle.dumps(populations)), duration, (7, number))
        assert np.array_equal(once[1].mean, reading.mean)
        readings.append(reading.mean)
    themselves = [model.lift(np.array([0.5]), Generator(PCG64(stream))) for stream in _streams(0, (7,))]
    for number, duration in enumerate((2.0, 3.0)):
        for one, stream in zip(themselves, _streams(1, (7, number)), strict=True):
            model.evolve(one, duration, Generator(PCG64(stream)))
        assert np.array_equal(readings[number], np.mean([model.restrict(one) for one in themselves], axis=0))


def _streams(which: int, key: tuple[int, ...]) -> list[np.random.SeedSequence]:
    return [np.random.SeedSequence(3, spawn_key=(*key, replica, which)) for replica in range(2)]


def test_observing_gets_a_copy_of_the_model_before() -> None:
    def moved(before: Any, after: Any, duration: float) -> list[float]:
        return [before.model is not after.model, after.model.steps - before.model.steps]

    burst = ef.CoarseTimeStepper(wealth(), replicas=2).burst([0.0], [0.0, 2.0, 3.0], observe=moved)
    assert burst.observed is not None
    assert burst.observed.mean.tolist() == [[1, 2], [1, 1]]


MEMORY = """
import gc, weakref
import numpy as np
import eqfree as ef
from mesa.examples.basic.boltzmann_wealth_model.model import BoltzmannWealth
from eqfree.adapters import MesaMicroModel

live = weakref.WeakSet()
model = MesaMicroModel(
    BoltzmannWealth, lambda model: [len(model.agents)], lambda model, macro, rng: live.add(model),
    n=10, width=3, height=3,
)
stepper = ef.CoarseTimeStepper(model, replicas=1)


def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096


for number in range(1000):
    stepper.burst([1.0], [0.0, 1.0], key=(number,))
    if number == 99:
        before = resident()
print(resident() - before)
gc.collect()
print(len(live))
"""


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads how much memory is resident from /proc")
def test_a_thousand_bursts_grow_by_less_than_5_mb_and_leave_no_model() -> None:
    process = subprocess.run([sys.executable, "-c", MEMORY], capture_output=True, text=True, check=True)
    growth, left = map(int, process.stdout.split())
    assert growth < 5e6
    assert left == 0


def test_importing_the_adapters_imports_no_simulator() -> None:
    script = "import sys, eqfree.adapters; print(*{'mesa', 'libsumo', 'pandas'} & set(sys.modules))"
    process = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert process.stdout == "\n"


class Seedless(Model):
    def __init__(self) -> None:
        super().__init__()


class Forgetful(Model):
    def __init__(self, seed: int | None = None) -> None:
        super().__init__()


def test_what_cannot_work_is_refused_in_a_sentence() -> None:
    with pytest.raises(ValueError, match=r"must be a subclass of `mesa.Model`: got <class 'dict'>"):
        MesaMicroModel(dict, "Gini", herd)
    with pytest.raises(ValueError, match=r"must take a `seed`, or no burst could be repeated: Seedless\(\)"):
        MesaMicroModel(Seedless, "Gini", herd)
    with pytest.raises(ValueError, match=r"must hand its seed on: Forgetful does not"):
        path(MesaMicroModel(Forgetful, "Gini", herd), ())
    with pytest.raises(ValueError, match=r"those of Animals\(count, patience, seed\): .*unexpected .* 'size'"):
        animals(size=3)
    with pytest.raises(ValueError, match=r"unexpected keyword argument 'size'"):
        path(animals(construct=lambda macro, rng: {"size": 3}), ())
    with pytest.raises(ValueError, match=r"must name reporters .*, Gini: got gini"):
        path(MesaMicroModel(BoltzmannWealth, "gini", herd), ())
    with pytest.raises(ValueError, match=r"must be a function or names of reporters: got \(\)"):
        MesaMicroModel(BoltzmannWealth, (), herd)
    with pytest.raises(ValueError, match=r"`lift` or `construct` must say .*: got neither"):
        MesaMicroModel(BoltzmannWealth, "Gini")
    with pytest.raises(ValueError, match=r"constructed once: got `reuse` with `construct`"):
        animals(reuse=True, construct=lambda macro, rng: {})
    with pytest.raises(ValueError, match=r"positive time: got 0"):
        animals(time_per_step=0)
    with pytest.raises(ValueError, match=r"set a reused model in place"):
        path(MesaMicroModel(Animals, mean_age, lambda model, macro, rng: Animals(), reuse=True), ())


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"restrict": None}, "`restrict` must be a function or names of reporters: got None"),
        ({"restrict": 3}, "`restrict` must be a function or names of reporters: got 3"),
        ({"lift": "lift"}, "`lift` must be a function: got 'lift'"),
        ({"construct": 3}, "`construct` must be a function: got 3"),
        ({"time_per_step": "1"}, "`time_per_step` must be a positive time: got '1'"),
        ({"time_per_step": True}, "`time_per_step` must be a positive time: got True"),
        ({"agents": "x"}, "`agents` must be how many there are: got 'x'"),
        ({"agents": -1}, "`agents` must be how many there are: got -1"),
        ({"fields": 3}, "`fields` must be a sequence of fields"),
    ],
)
def test_arguments_of_another_kind_are_refused(options: dict[str, Any], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        MesaMicroModel(Animals, **{"restrict": mean_age, "lift": herd, **options})


def test_a_constructor_is_given_a_mapping() -> None:
    model = animals(construct=lambda macro, rng: None)
    with pytest.raises(ValueError, match=r"`construct` must return a mapping of parameters: got None. Return \{\}"):
        model.lift(np.array([4.0]), Generator(PCG64(1)))


@pytest.mark.parametrize("reuse", [False, True])
def test_what_a_lift_returns_does_not_matter_unless_it_is_a_model(reuse: bool) -> None:
    """The natural line in Mesa returns an AgentSet."""
    rich = wealth(lambda model, macro, rng: model.agents.set("wealth", int(macro[0])), reuse=reuse)
    population = rich.lift(np.array([3.0]), Generator(PCG64(1)))
    assert population.model.agents.get("wealth") == [3] * 12


def test_a_lift_may_return_another_model() -> None:
    model = MesaMicroModel(Animals, "function", lambda model, macro, rng: Animals(count=int(macro[0])))
    assert model.restrict(model.lift(np.array([4.0]), Generator(PCG64(1)))).tolist() == [4]


def chain_of_purses(people: int, coins: int) -> Array:
    """How many coins one has in the long run: the exact Markov chain of Mesa's rule in two cells, by its sweeps.

    Whoever's turn it is goes to the other cell and gives a coin, if there is one, to one of those who are there; a
    sweep is the mean over all orders of turns.
    """
    purses = [one for one in product(range(coins + 1), repeat=people) if sum(one) == coins]
    states = [(place, purse) for place in product((0, 1), repeat=people) for purse in purses]
    number = {state: index for index, state in enumerate(states)}
    turns = np.zeros((people, len(states), len(states)))
    for one in range(people):
        for (place, purse), here in number.items():
            moved = (*place[:one], 1 - place[one], *place[one + 1 :])
            mates = [other for other in range(people) if other != one and moved[other] == moved[one]]
            if not (mates and purse[one]):
                turns[one, here, number[moved, purse]] = 1.0
            for mate in mates if purse[one] else []:
                after = list(purse)
                after[one], after[mate] = after[one] - 1, after[mate] + 1
                turns[one, here, number[moved, tuple(after)]] += 1 / len(mates)
    sweep = np.mean([np.linalg.multi_dot(turns[list(order)]) for order in permutations(range(people))], axis=0)
    law = np.linalg.matrix_power(sweep, 2**12)[number[(0,) * (people - 1) + (1,), (coins // people,) * people]]
    shares = np.zeros(coins + 1)
    for (_, purse), weight in zip(states, law, strict=True):
        shares += weight * np.bincount(purse, minlength=coins + 1) / people
    return shares


@pytest.mark.slow
def test_wealth_has_the_exact_law_of_mesas_sweeps_and_not_the_textbooks() -> None:
    """Uniform over all ways to hold the coins is stationary where givers are drawn anew, not where all take turns."""

    def shares(model: Any) -> Array:
        return np.bincount(model.agents.get("wealth"), minlength=4) / 3

    def poor(model: Any, macro: Array, rng: Generator) -> None:
        for agent, place in zip(model.agents, (0, 0, 1), strict=True):  # two that are together never part again
            agent.wealth, agent.cell = 1, model.grid.all_cells.cells[place]

    model = MesaMicroModel(BoltzmannWealth, shares, poor, reuse=True, n=3, width=2, height=1)
    burst = ef.CoarseTimeStepper(model, replicas=20, seed=1).burst(
        [0.0, 1.0, 0.0, 0.0], np.arange(20.0, 260.0, 2.0), samples=True
    )
    assert burst.samples is not None
    each = burst.samples.mean(axis=1)
    mean, error = each.mean(axis=0), each.std(axis=0, ddof=1) / np.sqrt(len(each))
    exact, textbook = chain_of_purses(3, 3), np.array([comb(4 - k, 1) for k in range(4)]) / comb(5, 2)
    assert (np.abs(mean - exact) <= 4 * error).all()
    assert (np.abs(textbook - exact) > 4 * error).any()


def contact(spread: float, size: int, sweeps: int, seed: int, share: float = 0.5) -> Array:
    """Shares of ill people in a program of its own: the same rule on a random network, from a share of them ill."""
    rng = np.random.default_rng(seed)
    tied = np.triu(rng.random((size, size)) < 8 / size, 1)
    friends = [np.flatnonzero(row) for row in tied | tied.T]
    ill, shares = rng.permutation(size) < round(share * size), []
    for _ in range(sweeps):
        for one in rng.permutation(size):
            if ill[one]:
                ill[friends[one][rng.random(len(friends[one])) < spread]] = True
                ill[one] = rng.random() >= 0.4 * 0.5
        shares.append(ill.mean())
    return np.array(shares)


def town(spread: float) -> MesaMicroModel:
    return MesaMicroModel(
        VirusOnNetwork, lambda model: [np.mean([agent.state is State.INFECTED for agent in model.agents])], fall_ill,
        num_nodes=100, avg_node_degree=8, virus_spread_chance=spread, virus_check_frequency=0.4, recovery_chance=0.5,
        gain_resistance_chance=0.0,
    )  # fmt: skip


def fall_ill(model: Any, macro: Array, rng: Generator) -> None:
    for agent, ill in zip(model.agents, rng.permutation(100) < round(100 * macro[0]), strict=True):
        agent.state = State.INFECTED if ill else State.SUSCEPTIBLE


@pytest.mark.slow
def test_the_endemic_state_is_that_of_a_long_run_of_another_program() -> None:
    stepper = ef.CoarseTimeStepper(town(0.08), replicas=12)
    found = ef.find_fixed_point(
        stepper, [0.6], duration=6.0, difference=0.15, key_sets=2, method=Newton(iterations=12, most_replicas=1)
    )
    runs = np.array([contact(0.08, 100, 100, seed)[40:].mean() for seed in range(8)])
    assert found.success, found.message
    error = np.hypot(found.stderr[0], runs.std(ddof=1) / np.sqrt(len(runs)))
    assert abs(found.macro[0] - runs.mean()) <= 4 * error
    assert error < 0.02


def zero_of_line(places: Array, changes: Array) -> tuple[float, float]:
    """Where a line through the means of changes (place, run) is zero, and its standard error."""
    mean, error = changes.mean(axis=1), changes.std(axis=1, ddof=1) / np.sqrt(changes.shape[1])
    (slope, height), covariance = np.polyfit(places, mean, 1, w=1 / error, cov="unscaled")
    sensitivity = np.array([-height / slope, 1.0]) / slope
    return float(-height / slope), float(np.sqrt(sensitivity @ covariance @ sensitivity))


@pytest.mark.slow
def test_a_virus_stays_from_the_chance_on_at_which_it_does_in_another_program() -> None:
    chances = np.array([0.016, 0.034])
    ours = []
    for chance in chances:
        burst = ef.CoarseTimeStepper(town(chance), replicas=40).burst([0.05], [2.0, 8.0], samples=True)
        assert burst.samples is not None
        ours.append(np.diff(burst.samples[:, :, 0], axis=1)[:, 0])
    theirs = [
        [np.diff(contact(chance, 100, 8, seed, share=0.05)[[1, 7]])[0] for seed in range(150)] for chance in chances
    ]
    (here, error), (there, other) = (zero_of_line(chances, np.array(changes)) for changes in (ours, theirs))
    assert abs(here - there) <= 4 * np.hypot(error, other)
    assert np.hypot(error, other) < 0.004


SIDE = 20
ACROSS = (3 * SIDE - 2) / (
    2 * SIDE * (SIDE - 1) + 2 * (SIDE - 1) ** 2
)  # share of neighbours who live across the border


def halves(likeness: float, people: int, rng: Generator) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
    """Places, and kinds of a city of two halves that have exchanged people until so many neighbours are alike."""
    apart = np.sqrt(np.clip((likeness - 0.5) / (0.5 - ACROSS), 0, 1))
    places, kinds = np.sort(rng.permutation(SIDE**2)[:people]), np.arange(people) < people // 2
    for half in (np.flatnonzero(kinds), np.flatnonzero(~kinds)):
        moved = rng.permutation(half)[: int((1 - apart) / 2 * len(half) + rng.random())]
        kinds[moved] = ~kinds[moved]
    return places, kinds


def share_alike(kinds: Array) -> float:
    """Of pairs of neighbours; kinds (x, y) are 1 and -1, or 0 where nobody lives."""
    sides = kinds[1:] * kinds[:-1], kinds[:, 1:] * kinds[:, :-1]
    corners = kinds[1:, 1:] * kinds[:-1, :-1], kinds[1:, :-1] * kinds[:-1, 1:]
    pairs = np.concatenate([products.ravel() for products in (*sides, *corners)])
    return float(np.mean(pairs[pairs != 0] > 0))


def divide(homophily: float) -> Any:
    def lift(model: Any, macro: Array, rng: Generator) -> None:
        agents, cells = list(model.agents), model.grid.all_cells.cells
        places, kinds = halves(macro[0], len(agents), rng)
        wanted = homophily + 0.03 * rng.standard_normal(len(agents))
        for agent in agents:
            agent.cell = None
        for agent, place, kind, share in zip(agents, places.tolist(), kinds.tolist(), wanted.tolist(), strict=True):
            agent.cell, agent.type, agent.homophily = cells[place], int(kind), share
        model.happy = 0
        model.agents.do("assign_state")

    return lift


def likeness(model: Any) -> list[float]:
    kinds = np.zeros((SIDE, SIDE))
    for agent in model.agents:
        kinds[agent.cell.coordinate] = 2 * agent.type - 1
    return [share_alike(kinds)]


def residents(replicas: int, healing: float) -> Any:
    model = MesaMicroModel(Schelling, likeness, divide(0.76), reuse=True, width=SIDE, height=SIDE)
    return lambda homophily: ef.CoarseTimeStepper(
        model.lifted_by(divide(homophily)), replicas=replicas, healing=healing
    )


def drift_elsewhere(homophily: float, alike: float, seeds: int) -> Array:
    """Change of the share of like neighbours from step 1 to step 4 in a program of its own, of so many cities."""
    changes = []
    for seed in range(seeds):
        rng = np.random.default_rng(seed)
        places, kinds = halves(alike, 323, rng)
        wanted, kind_at = homophily + 0.03 * rng.standard_normal(len(places)), np.zeros((SIDE + 2, SIDE + 2))
        empty = list(set(range(SIDE**2)) - set(places.tolist()))
        kind_at[1:-1, 1:-1].flat[places] = np.where(kinds, 1, -1)
        read = []
        for _ in range(5):
            city = kind_at[1:-1, 1:-1]
            read.append(share_alike(city))
            around = [np.roll(kind_at, shift, (0, 1))[1:-1, 1:-1] for shift in product((-1, 0, 1), repeat=2)]
            total, signed = np.abs(around).sum(axis=0) - np.abs(city), np.sum(around, axis=0) - city
            alike_share = (total + city * signed) / (2 * np.maximum(total, 1))
            leaves = np.flatnonzero(alike_share.flat[places] < wanted)
            for one in rng.permutation(leaves):
                number = rng.integers(len(empty))
                here, there = places[one], empty[number]
                city[divmod(there, SIDE)], city[divmod(here, SIDE)] = city[divmod(here, SIDE)], 0
                places[one], empty[number] = there, here
        changes.append(read[4] - read[1])
    return np.array(changes)


@pytest.mark.slow
def test_a_city_tips_where_it_neither_parts_nor_mixes_in_another_program() -> None:
    """The first point of a branch that no simulation ends in; a line through drifts elsewhere has its zero there."""
    method = PseudoArclength(
        duration=3.0, steps=Steps(points=1, unit=0.1), difference=0.12, multipliers=1,
        solver=Newton(iterations=8, most_replicas=1),
    )  # fmt: skip
    branch = ef.continue_branch(residents(24, 1.0), [0.82], 0.775, method, directions=(1,), events=None)
    points = branch.to_pandas("tipping")
    alike, stderr = float(points["measure"].iloc[0]), float(points["measure_stderr"].iloc[0])
    assert points["stability"].tolist() == ["unstable"]
    around = np.array([0.78, 0.9])
    tipped, error = zero_of_line(around, np.array([drift_elsewhere(0.775, place, 100) for place in around]))
    assert abs(alike - tipped) <= 4 * np.hypot(stderr, error)
    assert 4 * np.hypot(stderr, error) < tipped - 0.6  # a mixed city, at 0.54, is none


@pytest.mark.slow
def test_homophily_swept_up_and_down_shows_hysteresis() -> None:
    """In between two steady states: a city that was apart stays so where one that was mixed stays mixed."""
    swept = ef.sweep(residents(3, 0.0), [0.51], [0.77, 0.64, 0.77], duration=10.0)
    mixed, _, apart = swept.measure[:, 0]
    assert apart - mixed > 4 * np.hypot(swept.measure_stderr[0, 0], swept.measure_stderr[2, 0])
    assert mixed < 0.6 < 0.85 < apart
