"""A model written with Mesa as a micro-model: built or reused, seeded from our streams, and let go after its burst."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from copy import copy, deepcopy
from math import inf
from numbers import Real
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from eqfree.adapters.mesa.population import AtWork, MesaPopulation, take_number
from eqfree.adapters.mesa.randomness import module_generators, seed_model, word
from eqfree.adapters.mesa.state import Built, first_difference
from eqfree.fields import Field, as_fields, short

if TYPE_CHECKING:
    from mesa import Model

__all__ = ["MesaMicroModel"]

Array: TypeAlias = NDArray[np.float64]

_ALWAYS = 0  # the seed of what a reused model's constructor draws: the same in every process


class MesaMicroModel:
    """A `mesa.Model` as a micro-model: unchanged, whatever its agents are.

    A burst builds a model, sets it to the macro state, and calls its ``step`` as often as the duration has room for
    steps. A model that sets ``running`` to False stays as it is from then on, as in Mesa's own ``batch_run``.

    *How to choose.* Say what follows from the macro state by ``construct`` where the constructor has a parameter for
    it, else by ``lift``; in doubt set everything that makes a population of the macro state by ``lift``. ``reuse``
    where building a model costs more than its burst does, and `lifted_by` where ``lift`` has a parameter that varies.

    *Random numbers.* The constructor gets ``seed`` (or ``rng``), an integer from the stream of the lift; before
    ``lift``, and again at the beginning of every evolve, ``model.random`` and ``model.rng`` are seeded anew from the
    stream of that function. So are, meanwhile, the generators of the modules `random` and `numpy.random`, which some
    models draw from: their states are put back afterwards. Models share these, so they run in processes.

    *Memory.* Mesa 3.3 keeps every model that ever had an agent, by a table of the next numbers of agents and by the
    cells' caches of their neighbours, and every grid's class of cells: the first is emptied after every call, the
    others after every burst, so that models go. What a model itself caches (`functools.cache` on methods) it must
    clear.

    *In other processes.* A population goes there as how it came about, and is made again where it goes on: built,
    lifted, and stepped from the beginning. A burst stays in one process and pays nothing. But where populations go on
    from call to call, ``simulate`` and ``advance`` on workers, each call costs all steps so far, so that a path of n
    calls costs n(n + 1)/2 stretches instead of n: run those without workers.

    Parameters
    ----------
    model_class
        A subclass of `mesa.Model` whose constructor takes ``seed`` or ``rng`` and hands it on.
    restrict
        ``restrict(model) -> array``, such as ``lambda model: np.mean(model.agents.get("wealth"))``; or the name of a
        reporter of the model's ``datacollector``, or several of them: they are asked when the burst reads, whatever
        was collected before.
    lift
        ``lift(model, macro, rng)`` makes a newly built model one of the macro state, in place. Another model that it
        returns is taken instead; what else it returns does not matter.
    construct
        ``construct(macro, rng)`` returns parameters of the constructor that follow from the macro state, a mapping.
    time_per_step
        How much time passes in a step: durations are multiples of it.
    reuse
        Keep a built model in every process, and lift it in place again when its burst is over. The constructor then
        draws the same numbers always (one network for all replicas), not those of the burst. What Mesa counts and
        records, and plain attributes of the model, are put back to what they were; all else that a burst changes, on
        agents, cells and collections, ``lift`` must set. Whether it does is checked against a model built anew, at
        the first, second, fourth, eighth, ... time that a process lifts a used one.
    fields, conserved
        As in `eqfree.MicroModel`.
    agents
        How many there are, so that results can tell the updates of agents; untold otherwise.
    **parameters
        Of the constructor, the same always.

    Raises
    ------
    ValueError
        If the class is no Mesa model or takes no seed, its constructor does not take the parameters, the macro state
        is restricted by a reporter that it lacks, nothing says how to lift, a reused model is not as a new one, or an
        argument is of another kind.

    Examples
    --------
    >>> import eqfree as ef
    >>> from mesa.examples.basic.boltzmann_wealth_model.model import BoltzmannWealth
    >>> def lift(model, macro, rng):
    ...     poor = rng.permutation(len(model.agents)) < 100 * macro[0]
    ...     model.agents.set("wealth", 2)
    ...     model.agents.select(lambda agent: poor[agent.unique_id - 1]).set("wealth", 0)
    >>> model = MesaMicroModel(BoltzmannWealth, lambda model: [np.mean(model.agents.get("wealth") == 0)], lift, n=100)
    >>> ef.CoarseTimeStepper(model, replicas=4).burst([0.5], [0.0, 5.0]).mean.shape
    (2, 1)
    """

    thread_safe = False

    def __init__(
        self,
        model_class: type[Model],
        restrict: Callable[[Any], Any] | str | Sequence[str],
        lift: Callable[[Any, Array, Generator], Any] | None = None,
        *,
        construct: Callable[[Array, Generator], Mapping[str, Any]] | None = None,
        time_per_step: float = 1.0,
        reuse: bool = False,
        fields: Sequence[Field | Mapping[str, Any]] = (),
        conserved: Callable[[Array], Array] | None = None,
        agents: float | None = None,
        **parameters: Any,
    ) -> None:
        if lift is None and construct is None:
            raise ValueError("`lift` or `construct` must say what a macro state makes of the model: got neither.")
        if reuse and construct is not None:
            raise ValueError("A reused model is constructed once: got `reuse` with `construct`. Set it by `lift`.")
        for name, function in {"lift": lift, "construct": construct}.items():
            if not (function is None or callable(function)):
                raise ValueError(f"`{name}` must be a function: got {short(function)}. Give the function itself.")
        if not (_is_number(time_per_step) and 0 < time_per_step < inf):
            raise ValueError(f"`time_per_step` must be a positive time: got {time_per_step!r}.")
        if not (agents is None or (_is_number(agents) and 0 <= agents < inf)):
            raise ValueError(f"`agents` must be how many there are: got {short(agents)}. Leave it out if unknown.")
        self._seed_name = _seed_name(model_class)
        self._signature = inspect.signature(model_class)
        if construct is None:
            _check_parameters(self._signature, model_class, {self._seed_name: 0, **parameters})
        self.model_class, self.parameters, self.reuse = model_class, parameters, reuse
        self._lift, self._construct = lift, construct
        self._restrict = restrict if callable(restrict) else _reporters(restrict)
        self.time_step = float(time_per_step)
        self.fields, self.conserved, self._agents = as_fields(fields), conserved, agents
        self._free: list[Built] = []
        self._lifts = [0]  # of used models, by all that share them

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_free": [], "_lifts": [0]}  # what a process has built stays there

    def lifted_by(self, lift: Callable[[Any, Array, Generator], Any]) -> MesaMicroModel:
        """The same model, lifted otherwise, such as at another value of a parameter that is not the constructor's.

        Reused models are shared by both: none is built anew for every value on a branch, and the checks go on counting.
        """
        other = copy(self)
        other.__dict__.update(_lift=lift, _free=self._free, _lifts=self._lifts)
        return other

    def lift(self, macro: Array, rng: Generator) -> MesaPopulation:
        """A model of the macro state, built or reused."""
        population = MesaPopulation(self, macro, rng)
        population.adopt(self.set_out(macro, rng))
        return population

    def evolve(self, micro: MesaPopulation, duration: float, rng: Generator) -> MesaPopulation:
        """The same model, ``duration`` over ``time_per_step`` steps later."""
        micro.maker = self
        micro.evolve(duration, rng)
        return micro

    def restrict(self, micro: MesaPopulation) -> Array:
        """What is read of the model, one number or more."""
        micro.maker = self
        return np.atleast_1d(np.array(self._restrict(micro.model), dtype=np.float64))

    def agent_updates(self, macro: Array, duration: float) -> float:
        """Agents times steps, 0 where it was not said how many agents there are."""
        return (self._agents or 0.0) * round(duration / self.time_step)

    def set_out(self, macro: Array, rng: Generator) -> AtWork:
        """A model of the macro state, at work."""
        if not self.reuse:
            with module_generators(rng):
                extra = self._construct(macro, rng) if self._construct is not None else {}
                if not isinstance(extra, Mapping):
                    raise ValueError(
                        f"`construct` must return a mapping of parameters: got {short(extra)}. Return {{}} for none."
                    )
                model, next_id = self._build(word(rng), extra)
            return self._set(AtWork(model, next_id), macro, rng)
        if not self._free:
            built = self._build_to_keep()
            return self._set(AtWork(built.model, built.next_id, self._free, built), macro, rng)
        built = self._free.pop()
        built.restore()
        self._lifts[0] += 1
        check = self._lifts[0] & (self._lifts[0] - 1) == 0  # a power of two
        again = deepcopy(rng) if check else None
        work = self._set(AtWork(built.model, built.next_id, self._free, built), macro, rng)
        if again is not None:
            self._compare(work, macro, again)
        return work

    def go_on(self, work: AtWork, duration: float, rng: Generator) -> None:
        """Step a model at work in place."""
        model = work.model
        with module_generators(rng), work.numbered():
            seed_model(model, rng)
            for _ in range(round(duration / self.time_step)):
                if not model.running:
                    break
                model.step()

    def _build(self, seed: int, extra: Mapping[str, Any]) -> tuple[Model, int]:
        arguments = {**self.parameters, **extra, self._seed_name: seed}
        if self._construct is not None:
            _check_parameters(self._signature, self.model_class, arguments)
        model = self.model_class(**arguments)
        next_id = take_number(model)
        if self._seed_name == "seed" and getattr(model, "_seed", seed) != seed:
            raise ValueError(
                f"`model_class` must hand its seed on: {self.model_class.__name__} does not. "
                "Call `super().__init__(seed=seed)`."
            )
        return model, next_id

    def _build_to_keep(self) -> Built:
        with module_generators(np.random.default_rng(_ALWAYS)):
            return Built(*self._build(_ALWAYS, {}))

    def _set(self, work: AtWork, macro: Array, rng: Generator) -> AtWork:
        if self._lift is None:
            return work
        from mesa import Model

        with module_generators(rng), work.numbered():
            seed_model(work.model, rng)
            other = self._lift(work.model, macro, rng)
        if not isinstance(other, Model) or other is work.model:  # a lambda returns what its last call does
            return work
        if self.reuse:
            raise ValueError("`lift` must set a reused model in place: got another model back. Leave `reuse` out.")
        return AtWork(other, take_number(other))

    def _compare(self, used: AtWork, macro: Array, rng: Generator) -> None:
        built = self._build_to_keep()
        new = self._set(AtWork(built.model, built.next_id), macro, rng)
        if (path := first_difference(used.model, new.model)) is not None:
            used.abandon()
            raise ValueError(
                f"`lift` must set all that a burst changes where a model is reused: `{path}` of one that was used "
                f"differs from that of a new one, for the macro state {short(macro)}. Set it, or leave `reuse` out."
            )


def _seed_name(model_class: Any) -> str:
    from mesa import Model

    if not (isinstance(model_class, type) and issubclass(model_class, Model)):
        raise ValueError(f"`model_class` must be a subclass of `mesa.Model`: got {model_class!r}. Give the class.")
    taken = inspect.signature(model_class).parameters
    if "seed" in taken or ("rng" not in taken and any(one.kind is one.VAR_KEYWORD for one in taken.values())):
        return "seed"
    if "rng" in taken:
        return "rng"
    raise ValueError(
        f"`model_class` must take a `seed`, or no burst could be repeated: {model_class.__name__}{_told(taken)} does "
        "not. Add `seed=None`, and call `super().__init__(seed=seed)`."
    )


def _is_number(value: object) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool)


def _told(taken: Mapping[str, Any]) -> str:
    return f"({', '.join(taken)})"


def _check_parameters(signature: inspect.Signature, model_class: type, arguments: Mapping[str, Any]) -> None:
    try:
        signature.bind(**arguments)
    except TypeError as error:
        raise ValueError(
            f"The parameters must be those of {model_class.__name__}{_told(signature.parameters)}: {error}."
        ) from None


def _reporters(restrict: Any) -> Callable[[Model], list[float]]:
    names = (restrict,) if isinstance(restrict, str) else tuple(restrict) if isinstance(restrict, Sequence) else ()
    if not names or not all(isinstance(name, str) for name in names):
        raise ValueError(f"`restrict` must be a function or names of reporters: got {restrict!r}.")

    def read(model: Model) -> list[float]:
        known = getattr(getattr(model, "datacollector", None), "model_reporters", {})
        if missing := [name for name in names if name not in known]:
            raise ValueError(
                f"`restrict` must name reporters of the model's `datacollector`, {', '.join(known) or 'it has none'}: "
                f"got {', '.join(missing)}."
            )
        return [_report(known[name], model) for name in names]

    return read


def _report(reporter: Any, model: Model) -> Any:
    """What a model reporter says now, by the rules of `mesa.DataCollector.collect`."""
    if isinstance(reporter, str):
        return getattr(model, reporter)
    if isinstance(reporter, list):
        return reporter[0](*reporter[1])
    return reporter() if inspect.ismethod(reporter) else reporter(model)
