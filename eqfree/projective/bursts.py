"""The bursts of one step, in all groups at once: numbered in the key, made feasible, their cost added up."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from math import ceil
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from eqfree.burst import Burst
from eqfree.ensemble import Key, NotFiniteError
from eqfree.projective.estimators import Estimate, Estimator
from eqfree.projective.feasible import Region
from eqfree.projective.slopes import Look
from eqfree.results import Cost
from eqfree.stepper import CoarseTimeStepper, Observe

__all__ = ["Bursts", "Ensemble", "Simulated", "check_healing"]

Array: TypeAlias = NDArray[np.float64]


def check_healing(burst: float, healing: float) -> None:
    """Refuse a burst of which healing leaves nothing to read.

    Raises
    ------
    ValueError
        Unless ``burst > healing``.

    Examples
    --------
    >>> check_healing(burst=1.0, healing=0.5)
    """
    if not burst > healing:
        raise ValueError(
            f"`burst` must exceed the stepper's healing: got burst={burst:g} with healing={healing:g}. "
            "Lengthen `burst`."
        )


class Simulated(NamedTuple):
    """Where plain simulation ends: groups (group, ...), and replicas (group, replica, ...) if they were asked for."""

    groups: Array
    samples: Array | None


@dataclass(frozen=True, eq=False)
class Ensemble:
    """A stepper for groups of any size at any time, and what its populations can be; ``start`` is one they have."""

    stepper: CoarseTimeStepper
    start: Array
    _sized: dict[int, CoarseTimeStepper] = field(default_factory=dict, repr=False)

    @cached_property
    def region(self) -> Region:
        """Of feasible macro states."""
        return Region.of(self.stepper, self.start.shape, self.start)

    def group(self, replicas: int, time: float) -> CoarseTimeStepper:
        """The stepper of a group; made once for each size, so that the model is compiled and sent once."""
        if replicas not in self._sized:
            one = self.stepper.deterministic or replicas == self.stepper.replicas
            self._sized[replicas] = self.stepper if one else self.stepper.with_replicas(replicas)
        return self._sized[replicas].at(time)


class Bursts:
    """The bursts of one step.

    Group ``g`` has the key ``(*key, n, g)`` in the n-th bursts of a step; all keys of a run have one length.

    Parameters
    ----------
    ensemble
        The stepper.
    sizes : (group,)
        Replicas of the groups.
    totals : (group, total)
        What they conserve.
    key
        Which noise: that of the run and the number of the step.
    """

    def __init__(self, ensemble: Ensemble, sizes: NDArray[np.int64], totals: Array, key: Key) -> None:
        self.cost = Cost()
        self.restored = 0
        self.moved = 0.0
        self.sizes = sizes
        self._ensemble, self._key, self._begin, self._paired = ensemble, key, totals, False
        self._totals: Array | None = totals
        self._number = 0

    def again(self, sizes: NDArray[np.int64]) -> None:
        """The step once more, with other sizes: under the same key, so that replicas that stay keep their noise.

        From now on all stages of the step have one noise, and replicas are kept one by one: what the stages differ by
        is seen through less noise. The cost goes on.
        """
        self.sizes, self._number, self._totals, self._paired = sizes, 0, self._begin, True

    @property
    def healing(self) -> float:
        """The stepper's."""
        return self._ensemble.stepper.healing

    def look(self, estimator: Estimator, burst: float) -> Look:
        """A function that bursts from macro states and says what is seen.

        Raises
        ------
        ValueError
            If healing leaves nothing of the burst.
        """
        check_healing(burst, self.healing)
        times = estimator.times(self.healing, burst)

        def look(macro: Array, time: float, part: int = 0) -> Estimate:
            return estimator.estimate(self.read(macro, time, times, part, estimator.observe))

        return look

    def read(
        self, macro: Array, time: float, times: Array, part: int = 0, observe: Observe | None = None
    ) -> list[Burst]:
        """Bursts from macro states (group, ...), lifted at ``time`` and read at ``times`` after that.

        Those that fail are paid for as if they had gone on to the end.
        """
        number, self._number = part if self._paired else self._number, self._number + 1
        macros = self.feasible(macro)
        keys = [(*self._key, number, group) for group in range(len(macros))]
        results: dict[int, Burst] = {}
        for size in np.unique(self.sizes).tolist():
            members = np.flatnonzero(self.sizes == size).tolist()
            stepper = self._ensemble.group(size, time)
            try:
                bursts = stepper.bursts(
                    [macros[group] for group in members],
                    times,
                    [keys[group] for group in members],
                    observe,
                    samples=self._paired,
                )
            except NotFiniteError:
                runs = len(members) * (1 if stepper.deterministic else size)
                self.cost += Cost(runs, runs * float(times[-1]))
                raise
            results |= dict(zip(members, bursts, strict=True))
        ordered = [results[group] for group in range(len(macros))]
        self.cost = sum((burst.cost for burst in ordered), self.cost)
        self._watch(macros, np.array([burst.mean[-1] for burst in ordered]))
        return ordered

    def simulate(self, macro: Array, time: float, duration: float) -> Simulated:
        """Macro states a ``duration`` later, simulated plainly: where the model's time steps end, and between them."""
        unit = getattr(self._ensemble.stepper.model, "time_step", None)
        times, share = np.array([duration]), 0.0
        if unit is not None:
            count = max(ceil(duration / unit - 1e-9), 1)
            times, share = unit * np.array([count - 1, count]), duration / unit - (count - 1)
        bursts = self.read(macro, time, times)
        means, kept = [one.mean for one in bursts], [one.samples for one in bursts if one.samples is not None]
        return Simulated(_between(np.array(means), 1, share), _between(np.array(kept), 2, share) if kept else None)

    def check(self, macro: Array) -> None:
        """Refuse states that are near to none that populations can have.

        Raises
        ------
        OutOfBoundsError
            For the first of them.
        """
        self._ensemble.region.restore(macro, self._totals)

    def feasible(self, macro: Array) -> Array:
        """The nearest states that populations can have; counted."""
        restored = self._ensemble.region.restore(macro, self._totals)
        self.restored += restored.number
        self.moved = max(self.moved, restored.moved)
        return restored.macro

    def totals(self, macro: Array) -> Array:
        """What the states conserve from now on: what they did, unless the bursts changed it."""
        return self._ensemble.region.totals(macro) if self._totals is None else self._totals

    def _watch(self, before: Array, after: Array) -> None:
        """An open system may change what its lift reproduces: then there is nothing to go back to."""
        if self._totals is None or not self._totals.size:
            return
        if not self._ensemble.region.keeps(before, after):
            self._totals = None


def _between(paths: Array, axis: int, share: float) -> Array:
    """What paths of one or two readings are a share of the way from the first to the last."""
    return np.asarray(paths.take(0, axis) + share * (paths.take(-1, axis) - paths.take(0, axis)))
