"""The protocols of a micro-model: three functions, and what it may have besides."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import floor
from typing import Any, Protocol, TypeGuard, cast

import numpy as np
from numpy.random import Generator, SeedSequence
from numpy.typing import NDArray

from eqfree.fields import Field, as_fields, short

__all__ = [
    "BatchedModel",
    "Carried",
    "MicroModel",
    "PackedModel",
    "ReliftedModel",
    "TimedModel",
    "check_duration",
    "conserved_of",
    "count_updates",
    "fields_of",
    "has",
    "is_batched",
    "is_deterministic",
    "is_packed",
    "is_relifted",
    "is_thread_safe",
    "is_timed",
    "micro_model",
]


class MicroModel(Protocol):
    """A detailed simulator. Implement these three; everything else works.

    A macro state is a float array of any shape, a micro state is anything. An object may have besides:

    ``fields``
        Names, units, coordinates and bounds of the macro state (`eqfree.Field`, or mappings of its arguments).
    ``deterministic``
        True if the three functions ignore ``rng``: one replica then says all. Default False.
    ``thread_safe``
        False if the model holds the GIL or shares state: it then gets processes. Default True.
    ``time_step``
        A duration must be a multiple of it.
    ``conserved(macro) -> array``
        What ``lift`` must reproduce exactly: a linear function of the macro state, rounded or not, which may refuse
        by a ValueError what no population has.
    ``at(time) -> micro-model``
        The model whose ``lift`` makes populations of that time; without it, one time is like another.
    ``relift(macro, previous, rng) -> micro``
        A population consistent with the macro state, near a known one: what is slow and no part of the macro state is
        taken from there. Needs pack and unpack; see `Carried`.
    ``pack(micro) -> dict of arrays`` and ``unpack(packed) -> micro``
        For micro states that persist between macro steps; see `PackedModel`.
    ``burst_batch(macros, times, streams)``
        All replicas in one compiled call, taken in this thread; see `BatchedModel`.
    ``trace(micro, times, rng) -> (micro, macros)``
        The population after the last of the times, which are measured from now, and its macro state at each, (time,
        ...): what ``evolve`` and ``restrict`` would make, in law, where a compiled loop is faster than a call a time.
    ``agent_updates(macro, duration) -> float``
        How many updates of an agent it takes to evolve such a macro state: the cost that results report.
    ``warm()``
        Compile now; it is called once, before the first burst, in whichever process works. In this process a model
        that has ``at`` is warmed as it was given, for all times.
    """

    def lift(self, macro: NDArray[np.float64], rng: Generator) -> Any:
        """A population consistent with the macro state."""
        ...

    def evolve(self, micro: Any, duration: float, rng: Generator) -> Any:
        """The population after ``duration``; may work in place, the result is what counts."""
        ...

    def restrict(self, micro: Any) -> NDArray[np.float64]:
        """The macro state again, of the shape that ``lift`` takes."""
        ...


class PackedModel(MicroModel, Protocol):
    """A micro-model whose population can be put into named arrays and taken out again."""

    def pack(self, micro: Any) -> dict[str, NDArray[Any]]:
        """The population as named arrays."""
        ...

    def unpack(self, packed: Mapping[str, NDArray[Any]]) -> Any:
        """The population that ``pack`` was given; it owns its arrays."""
        ...


class BatchedModel(MicroModel, Protocol):
    """A micro-model that runs all replicas in one compiled call."""

    def burst_batch(
        self,
        macros: NDArray[np.float64],
        times: NDArray[np.float64],
        streams: Sequence[tuple[SeedSequence, SeedSequence]],
    ) -> NDArray[np.float64]:
        """Readings of shape (replica, time, ...): bit for bit those of the loop over the three functions.

        ``macros`` has shape (replica, ...); ``streams`` holds, for each replica, the seeds that lift and
        evolve get: ``lift`` would see ``numpy.random.Generator(numpy.random.PCG64(streams[r][0]))``.
        """
        ...


class TimedModel(MicroModel, Protocol):
    """A micro-model for which one time is not like another."""

    def at(self, time: float) -> MicroModel:
        """The model whose ``lift`` makes populations of that ``time``; they know it, and ``evolve`` goes on from it."""
        ...


class ReliftedModel(PackedModel, Protocol):
    """A micro-model that lifts near a known population."""

    def relift(self, macro: NDArray[np.float64], previous: Any, rng: Generator) -> Any:
        """A population consistent with the macro state, all else as near as may be to ``previous``."""
        ...


class Carried:
    """A micro-model whose lift starts from a population that is carried along: its ``relift``.

    What heals too slowly to be healed, and is no part of the macro state, is kept as it was in the last population.

    Parameters
    ----------
    model
        With relift, pack and unpack.
    previous
        The population, packed.

    Raises
    ------
    ValueError
        If the model has no relift.
    """

    burst_batch = None  # a batch would lift as the model does

    def __init__(self, model: MicroModel, previous: Mapping[str, NDArray[Any]]) -> None:
        if not is_relifted(model):
            raise ValueError(
                f"A population is carried by models with `relift`, `pack` and `unpack`: {type(model).__name__} lacks "
                "one of them. Write it, or do not carry."
            )
        self.model, self.previous = model, previous

    def __getattr__(self, name: str) -> Any:
        if name in ("model", "previous"):  # not there yet: while it is unpickled
            raise AttributeError(name)
        return getattr(self.model, name)

    def lift(self, macro: NDArray[np.float64], rng: Generator) -> Any:
        """A population near the one that is carried."""
        known = self.model.unpack({name: np.array(array) for name, array in self.previous.items()})
        return self.model.relift(macro, known, rng)


class _FunctionModel:
    """A micro-model made of plain functions; what was not given is not there."""

    def __init__(self, members: Mapping[str, Any]) -> None:
        self.__dict__.update(members)


_OPTIONS = (
    "agent_updates",
    "at",
    "burst_batch",
    "conserved",
    "deterministic",
    "fields",
    "pack",
    "relift",
    "thread_safe",
    "time_step",
    "trace",
    "unpack",
    "warm",
)


def micro_model(
    lift: Callable[[NDArray[np.float64], Generator], Any],
    evolve: Callable[[Any, float, Generator], Any],
    restrict: Callable[[Any], NDArray[np.float64]],
    **options: Any,
) -> MicroModel:
    """A micro-model from three plain functions; ``options`` are the optional members of `MicroModel`.

    Raises
    ------
    ValueError
        For what is no function, or an option that no micro-model has.

    Examples
    --------
    >>> import numpy as np
    >>> decay = micro_model(
    ...     lift=lambda macro, rng: macro.copy(),
    ...     evolve=lambda micro, duration, rng: micro * np.exp(-duration),
    ...     restrict=lambda micro: micro,
    ...     deterministic=True,
    ... )
    >>> decay.deterministic
    True
    """
    for name, function in (("lift", lift), ("evolve", evolve), ("restrict", restrict)):
        if not callable(function):
            raise ValueError(f"`{name}` must be a function: got {short(function)}.")
    if unknown := sorted(set(options) - set(_OPTIONS)):
        raise ValueError(f"The options of a micro-model are {', '.join(_OPTIONS)}: got {', '.join(unknown)}.")
    return cast(MicroModel, _FunctionModel({"lift": lift, "evolve": evolve, "restrict": restrict, **options}))


def has(model: object, *names: str) -> bool:
    """Whether an object has all of these functions, be it through ``__getattr__``, as a proxy has.

    >>> has(micro_model(lambda u, rng: u, lambda u, t, rng: u, lambda u: u), "lift", "pack")
    False
    """
    return all(callable(getattr(model, name, None)) for name in names)


def is_packed(model: MicroModel) -> TypeGuard[PackedModel]:
    """Whether its populations can be put into named arrays."""
    return has(model, "pack", "unpack")


def is_relifted(model: MicroModel) -> TypeGuard[ReliftedModel]:
    """Whether it lifts near a known population."""
    return has(model, "relift", "pack", "unpack")


def is_batched(model: MicroModel) -> TypeGuard[BatchedModel]:
    """Whether it runs all replicas in one call."""
    return has(model, "burst_batch")


def is_timed(model: MicroModel) -> TypeGuard[TimedModel]:
    """Whether it matters to a population at which time it is lifted."""
    return has(model, "at")


def fields_of(model: MicroModel) -> tuple[Field, ...]:
    """The model's fields, empty if it names none."""
    return as_fields(getattr(model, "fields", ()))


def conserved_of(model: MicroModel) -> Callable[[NDArray[np.float64]], NDArray[np.float64]] | None:
    """What the model's ``lift`` must reproduce exactly, as a function of the macro state; None if it names nothing."""
    return getattr(model, "conserved", None)


def is_deterministic(model: MicroModel) -> bool:
    """Whether one replica says all."""
    return bool(getattr(model, "deterministic", False))


def is_thread_safe(model: MicroModel) -> bool:
    """Whether replicas may run on threads."""
    return bool(getattr(model, "thread_safe", True))


def count_updates(model: MicroModel, macro: NDArray[np.float64], duration: float) -> float:
    """Agent updates of one replica's burst, 0 where the model does not count."""
    count = getattr(model, "agent_updates", None)
    return float(count(macro, duration)) if count else 0.0


def check_duration(model: MicroModel, duration: float) -> None:
    """Refuse a duration that the model cannot simulate.

    Raises
    ------
    ValueError
        If it is negative, not finite, or no multiple of the model's ``time_step``; names the nearest two.

    Examples
    --------
    >>> check_duration(micro_model(lambda u, rng: u, lambda u, t, rng: u, lambda u: u, time_step=0.5), 1.5)
    """
    if not (np.isfinite(duration) and duration >= 0):
        raise ValueError(f"A duration must be finite and not negative: got {duration}.")
    step = getattr(model, "time_step", None)
    if step is None:
        return
    if not step > 0:
        raise ValueError(f"The model's `time_step` must be positive: got {step!r}.")
    count = round(duration / step)
    if abs(count * step - duration) > 1e-9 * max(step, duration):
        below = floor(duration / step)
        raise ValueError(
            f"A duration must be a multiple of the model's time step {step:.10g}: got {duration:.10g}. "
            f"Take {below * step:.10g} or {(below + 1) * step:.10g}."
        )
