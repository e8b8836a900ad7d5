"""The waist: lift, evolve, restrict, as one map of the macro state."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property, partial
from itertools import islice
from math import inf
from numbers import Integral
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from eqfree.burst import Burst, Moments, Rate, Reading, slope
from eqfree.ensemble import (
    AdvanceTask,
    Arrived,
    BurstOutcome,
    BurstTask,
    ExecutorLike,
    Key,
    LiftTask,
    NotFiniteError,
    Program,
    Task,
    Workers,
    as_executor,
    check_key,
    check_reading,
)
from eqfree.fields import Field, check_bounds, short
from eqfree.journal import clock, in_progress, mark_of
from eqfree.micro import (
    BatchedModel,
    MicroModel,
    check_duration,
    count_updates,
    fields_of,
    has,
    is_batched,
    is_deterministic,
    is_packed,
    is_thread_safe,
    is_timed,
)
from eqfree.recording import Told, ask
from eqfree.results import Cost, Trajectory

__all__ = ["CoarseTimeStepper", "Observe", "Packed"]

Observe: TypeAlias = Callable[[Any, Any, float], ArrayLike]
Packed: TypeAlias = tuple[Any, ...]
Array: TypeAlias = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class CoarseTimeStepper:
    """A micro-model made into a map of macro states: the mean over replicas of restrict(evolve(lift(U))).

    A call is a pure function of its arguments: the same key gives the same noise and the same bits, on any
    executor. Driver loops number their steps in the key.

    *How to choose.* ``replicas``: the standard error falls as one over its square root. ``healing``: several
    times the relaxation time of what ``lift`` does not know; slopes leave it out.

    Parameters
    ----------
    model
        A `MicroModel`: three functions, and what it may have besides.
    replicas
        Independent simulations per burst; a deterministic model runs one.
    healing
        The part of a burst, from lifting on, that a slope leaves out (the model's time unit).
    executor
        None (this thread), a number of threads, a ``concurrent.futures.Executor``, "dask" (a cluster on this machine),
        the address of a Dask scheduler, or an `eqfree.Pool`, which has a time limit per burst. In this thread a model
        with ``burst_batch`` runs all replicas in one call; its OpenMP threads do not survive a fork, so a process
        forked after a batch takes the loop over replicas. Spawned processes keep the batch.
    seed
        Of all random numbers.

    Raises
    ------
    ValueError
        For options that make no sense, each named with its value.

    References
    ----------
    I. G. Kevrekidis et al., Commun. Math. Sci. 1 (2003) 715, doi:10.4310/CMS.2003.v1.n4.a5.

    Examples
    --------
    >>> import eqfree as ef
    >>> walk = ef.micro_model(
    ...     lift=lambda macro, rng: macro + rng.normal(size=100),
    ...     evolve=lambda micro, duration, rng: micro * np.exp(-duration),
    ...     restrict=lambda micro: micro.mean(keepdims=True),
    ... )
    >>> stepper = ef.CoarseTimeStepper(walk, replicas=8, seed=1)
    >>> stepper([1.0], duration=0.5).round(1)
    array([0.6])
    """

    model: MicroModel
    replicas: int = 32
    healing: float = 0.0
    executor: ExecutorLike = None
    seed: int = 0

    def __post_init__(self) -> None:
        if missing := [name for name in ("lift", "evolve", "restrict") if not has(self.model, name)]:
            raise ValueError(
                f"`model` must have lift, evolve and restrict: {type(self.model).__name__} lacks {', '.join(missing)}. "
                "Make one of plain functions with `eqfree.micro_model`."
            )
        if has(self.model, "pack") != has(self.model, "unpack"):
            raise ValueError("`model` must have both pack and unpack, or neither: got one of them.")
        if isinstance(self.replicas, bool) or not isinstance(self.replicas, Integral) or self.replicas < 1:
            raise ValueError(f"`replicas` must be a positive integer: got {self.replicas!r}.")
        if not (np.isfinite(self.healing) and self.healing >= 0):
            raise ValueError(f"`healing` must be a finite time, not negative: got {self.healing!r}.")
        check_duration(self.model, self.healing)
        if isinstance(self.seed, bool) or not isinstance(self.seed, Integral) or not 0 <= self.seed < 2**128:
            raise ValueError(f"`seed` must be an integer from 0 to 2**128 - 1: got {self.seed!r}.")
        fields_of(self.model)
        as_executor(self.executor, thread_safe=is_thread_safe(self.model))

    def __call__(self, macro: ArrayLike, duration: float, key: Key = ()) -> Array:
        """The coarse map: the mean macro state a ``duration`` after lifting, of the shape of ``macro``."""
        reading, _ = self.read(macro, (duration,), lambda _, path: path[-1], key)
        return reading.mean

    def burst(
        self,
        macro: ArrayLike,
        times: ArrayLike,
        key: Key = (),
        observe: Observe | None = None,
        *,
        samples: bool = False,
    ) -> Burst:
        """Simulate all replicas from one macro state and read them at ``times``.

        Parameters
        ----------
        macro
            The macro state, an array of any shape.
        times : (time,)
            Increasing, measured from lifting; zero reads what lift made.
        key
            Which noise.
        observe
            ``observe(before, after, duration)`` of two micro states: reads, over each interval between the
            times, what is no macro state (flows, crossings, stress). ``before`` is a copy.
        samples
            Keep every replica.

        Raises
        ------
        ValueError
            For a macro state outside the model's bounds, times that do not increase or that the model cannot
            simulate, or a ``restrict`` of another shape than the macro state.
        NotFiniteError
            If a NaN or an infinity comes out of ``restrict``.
        """
        return self.bursts([macro], times, [key], observe, samples=samples)[0]

    def bursts(
        self,
        macros: Sequence[ArrayLike],
        times: ArrayLike,
        keys: Sequence[Key],
        observe: Observe | None = None,
        *,
        samples: bool = False,
    ) -> list[Burst]:
        """Many bursts at once, one a macro state and key, so that an executor sees all the work together.

        The macro states have one shape.
        """
        began = clock()
        instants = self._check_times(times)
        arrays = [self._check_macro(macro) for macro in macros]
        for number, array in enumerate(arrays):
            if array.shape != arrays[0].shape:
                raise ValueError(
                    f"`macros` must have one shape: got {arrays[0].shape} for the first and {array.shape} for number "
                    f"{number + 1}. Burst macro states of another shape in another call."
                )
        outcomes = self._run(arrays, instants, [check_key(key) for key in keys], observe)
        results = []
        for macro in arrays:
            readings, observed = Moments(keep=samples), Moments(keep=samples)
            for outcome in islice(outcomes, self._runs):
                readings.add(outcome.path)
                if outcome.observed is not None:
                    observed.add(outcome.observed)
            reading = readings.reading(deterministic=self.deterministic)
            results.append(
                Burst(
                    times=instants,
                    mean=reading.mean,
                    stderr=reading.stderr,
                    samples=reading.samples,
                    observed=observed.reading(deterministic=self.deterministic) if observe else None,
                    cost=self._cost(self._runs, macro, instants[-1], began),
                )
            )
            began = clock()
        return results

    def read(
        self, macro: ArrayLike, times: ArrayLike, reading: Callable[[Array, Array], Array], key: Key = ()
    ) -> tuple[Reading, Cost]:
        """Mean and standard error of ``reading(times, path)``, taken replica by replica.

        What a solver needs of a burst is often a function of the whole path (time, ...) of a replica: a slope,
        a projected state. Taken one replica at a time, its standard error knows all correlations in time.
        """
        began = clock()
        instants, array = self._check_times(times), self._check_macro(macro)
        moments = Moments()
        for outcome in self._run([array], instants, [check_key(key)], None):
            moments.add(reading(instants, outcome.path))
        cost = self._cost(self._runs, array, instants[-1], began)
        return moments.reading(deterministic=self.deterministic, cost=cost), cost

    def rate(self, macro: ArrayLike, burst: float, key: Key = (), *, readings: int = 2) -> Rate:
        """The slope of the macro state over the healed part of a burst: least squares on equally spaced readings.

        *How to choose.* ``burst``: as long as the slope stays the same; two ``readings`` (a chord) are best
        where the noise is diffusive, more where it is independent from reading to reading.

        Raises
        ------
        ValueError
            If nothing is left of the burst after healing, or fewer than two readings are asked.
        """
        if not burst > self.healing:
            raise ValueError(
                f"`burst` must exceed the healing: got burst={burst:g} with healing={self.healing:g}. Lengthen `burst`."
            )
        if readings < 2:
            raise ValueError(f"A slope needs two `readings` or more: got {readings}.")
        reading, cost = self.read(macro, np.linspace(self.healing, burst, readings), slope, key)
        return Rate(reading.mean, reading.stderr, cost)

    def simulate(self, macro: ArrayLike, times: ArrayLike, key: Key = ()) -> Trajectory:
        """The micro-model all the way, lifted once: what a projected trajectory is compared with.

        ``times`` are measured from lifting. Interval ``j`` evolves under the key ``(*key, j)``; the lift, which
        has streams of its own, is under ``(*key, 0)``: keys of one length never share a stream.
        """
        began = clock()
        instants = self._check_times(times)
        array = self._check_macro(macro)
        told = Told()
        with in_progress(lambda: mark_of("simulate", array, instants, key, self.seed, self._runs)) as progress:
            if progress.state is not None:
                told = Told.from_arrays(progress.state)
            for number, duration in enumerate(np.diff(instants, prepend=0.0)[told.count :], start=told.count):
                packed = told.packed if number else self.lift(array, (*key, 0))
                packed, reading = self.advance(packed, duration, (*key, number))
                check_reading(reading.mean, array.shape)
                told = told.and_then(packed, reading)
                progress.offer(partial(told.to_arrays, packed=is_packed(self.model)))
            progress.finish(replace(told, packed=()).to_arrays(packed=True))
        return Trajectory(
            times=instants,
            macro=np.array(told.mean),
            stderr=np.array(told.stderr),
            cost=self._cost(self._runs, array, instants[-1], began),
            fields=self.fields,
            degrees=inf if self.deterministic else self.replicas - 1,
        )

    def lift(self, macro: ArrayLike, key: Key = ()) -> Packed:
        """Packed populations, one a replica, consistent with a macro state: where `advance` begins.

        Nothing is simulated yet: the costs are those of `advance`.
        """
        array, checked = self._check_macro(macro), check_key(key)
        tasks = [LiftTask(array, checked, replica, self.seed) for replica in range(self._runs)]
        return tuple(self._ask(tasks))

    def advance(self, packed: Packed, duration: float, key: Key = ()) -> tuple[Packed, Reading]:
        """Evolve packed populations and restrict them; the caller commits what comes back.

        ``packed`` is left as it is. A model without ``pack`` carries its micro states as they are: they
        travel, but cannot be written to disk. The reading carries the cost: every population counts as a burst.
        """
        began = clock()
        check_duration(self.model, duration)
        checked = check_key(key)
        tasks = [AdvanceTask(one, checked, replica, self.seed, float(duration)) for replica, one in enumerate(packed)]
        moments, advanced = Moments(), []
        for outcome in self._ask(tasks):
            advanced.append(outcome.packed)
            moments.add(outcome.reading)
        reading = moments.reading(deterministic=self.deterministic)
        return tuple(advanced), replace(reading, cost=self._cost(len(tasks), reading.mean, duration, began))

    def with_replicas(self, replicas: int) -> CoarseTimeStepper:
        """The same stepper with another number of replicas; those that stay keep their noise."""
        return replace(self, replicas=replicas)

    def at(self, time: float) -> CoarseTimeStepper:
        """The stepper whose populations are lifted at ``time``: itself, unless the model says what ``time`` changes.

        >>> import eqfree as ef
        >>> model = ef.micro_model(lambda u, rng: u, lambda u, t, rng: u, lambda u: u)
        >>> stepper = CoarseTimeStepper(model)
        >>> stepper.at(2.0) is stepper
        True
        """
        if not is_timed(self.model):
            return self
        timed = replace(self, model=self.model.at(time))
        timed.__dict__["_warm"] = replace(self._warm, model=timed.model)  # what is compiled holds at any time
        return timed

    def replay(self, error: BaseException, observe: Observe | None = None) -> Any:
        """Run the replica that raised ``error`` again, in this thread, where a debugger can look.

        Raises whatever the replica raises; if it does not raise any more, returns what it computed. An error
        of ``observe`` needs that function again.

        Raises
        ------
        ValueError
            If the error does not come from a replica.
        """
        task: Task | None = getattr(error, "eqfree_replay", None)
        if task is None:
            raise ValueError(
                f"`error` must come out of a burst, which notes how to replay it: got {type(error).__name__} without "
                "such a note."
            )
        return task.run(self._program(observe))

    @cached_property
    def fields(self) -> tuple[Field, ...]:
        """Names, units and coordinates of the macro state, where the model has them."""
        return fields_of(self.model)

    @cached_property
    def deterministic(self) -> bool:
        """Whether one replica says all, and one is run."""
        return is_deterministic(self.model)

    @property
    def _runs(self) -> int:
        return 1 if self.deterministic else self.replicas

    @cached_property
    def _warm(self) -> Program:
        program = Program(self.model)
        program.warm()
        return program

    def _program(self, observe: Observe | None = None) -> Program:
        return self._warm if observe is None else replace(self._warm, observe=observe)  # the first is pickled once

    @property
    def _workers(self) -> Workers:
        return Workers(as_executor(self.executor, thread_safe=is_thread_safe(self.model)))

    def _check_macro(self, macro: ArrayLike) -> Array:
        array = np.array(macro, dtype=np.float64)
        check_bounds(self.fields, array)
        return array

    def _check_times(self, times: ArrayLike) -> Array:
        instants = np.array(times, dtype=np.float64)
        if instants.ndim != 1 or instants.size == 0 or (np.diff(instants) <= 0).any():
            raise ValueError(f"`times` must be increasing, and at least one: got {short(instants)}.")
        check_duration(self.model, instants[0])
        for duration in np.unique(np.diff(instants)):
            check_duration(self.model, duration)
        return instants

    def _cost(self, runs: int, macro: Array, duration: float, began: float) -> Cost:
        updates = runs * count_updates(self.model, macro, float(duration))
        return Cost(runs, runs * float(duration), updates, clock() - began)

    def _run(
        self, macros: Sequence[Array], times: Array, keys: Sequence[Key], observe: Observe | None
    ) -> Iterator[BurstOutcome]:
        """All replicas of all macro states, in that order."""
        if len(macros) != len(keys):
            raise ValueError(f"Every macro state needs a key: got {len(macros)} macro states and {len(keys)} keys.")
        tasks = [
            BurstTask(macro, key, replica, self.seed, times)
            for macro, key in zip(macros, keys, strict=True)
            for replica in range(self._runs)
        ]
        if self.executor is None and observe is None and is_batched(self.model) and _may_batch():
            model, program = self.model, self._program()
            return ask(tasks, lambda some, arrived: _run_batch(model, program, some, arrived))
        return self._ask(tasks, observe)

    def _ask(self, tasks: Sequence[Task], observe: Observe | None = None) -> Iterator[Any]:
        program, workers = self._program(observe), self._workers
        return ask(tasks, lambda some, arrived: workers.map(program, some, arrived), packed=is_packed(self.model))


def _run_batch(
    model: BatchedModel, program: Program, tasks: Sequence[BurstTask], arrived: Arrived
) -> Iterator[BurstOutcome]:
    if not tasks:
        return
    macros, times = np.stack([task.start for task in tasks]), tasks[0].times
    try:
        batch = model.burst_batch(macros, times, [task.streams for task in tasks])
        paths = np.array(batch, dtype=np.float64, order="C")
    except Exception as error:
        for task in tasks:  # the loop finds the replica that fails, and says how to replay it
            task.run(program)
        error.add_note(f"Only `burst_batch` raises this. {_MUST_AGREE}")
        raise
    if paths.shape != (expected := (len(tasks), len(times), *macros.shape[1:])):
        raise ValueError(f"`burst_batch` must return an array of shape {expected}: got shape {paths.shape}.")
    for number, (task, path) in enumerate(zip(tasks, paths, strict=True)):
        if not np.isfinite(path).all():
            task.run(program)
            raise NotFiniteError(
                f"`burst_batch` must return finite numbers: got {short(path)} for replica {task.replica} with "
                f"key={task.key}, seed={task.seed}. {_MUST_AGREE}"
            )
        outcome = BurstOutcome(path, None)
        arrived(number, outcome)
        yield outcome


_MUST_AGREE = "The loop over lift, evolve and restrict does not fail here, and the two must agree bit for bit."


def _may_batch() -> bool:
    return _first_to_batch() == os.getpid()


@cache
def _first_to_batch() -> int:
    """This process, or the one that it was forked from if batches ran there: GNU OpenMP ends a child that goes on."""
    return os.getpid()
