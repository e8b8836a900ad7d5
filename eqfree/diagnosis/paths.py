"""Two paths from one macro state: one goes on, one is lifted anew."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from eqfree.ensemble import Key
from eqfree.fields import Field
from eqfree.results import Cost
from eqfree.stepper import CoarseTimeStepper

__all__ = ["Paths", "follow", "instants"]

Array: TypeAlias = NDArray[np.float64]
_OCTAVES = 16  # from the horizon down to its 65536th part


@dataclass(frozen=True, eq=False)
class Paths:
    """Restricted paths of all replicas, the macro state flattened.

    Attributes
    ----------
    times : (time,)
        From zero to the horizon, close together at the beginning.
    first : (replica, time, component)
        From the lift of the macro state that was asked about.
    carried : (replica, time, component)
        The same populations from the horizon on, to twice the horizon.
    lifted : (replica, time, component)
        Each replica's restricted state at the horizon, lifted anew.
    restored
        How many of these states lay outside of the bounds, and were lifted from the nearest one within.
    others : name -> (replica, time, component)
        The macro state that was asked about, lifted otherwise.
    cost
        What they took.
    """

    times: Array
    first: Array
    carried: Array
    lifted: Array
    others: Mapping[str, Array]
    restored: int
    cost: Cost

    @property
    def horizon(self) -> float:
        """How long each path is."""
        return float(self.times[-1])

    @property
    def half(self) -> int:
        """The number of the time that is half the horizon."""
        return int(np.argmin(np.abs(self.times - self.horizon / 2)))

    def moved(self) -> Array:
        """How far each replica moves, whichever way one looks: (replica, 3 + others, component)."""
        ways = [
            self.first,
            self.carried,
            self.carried - self.lifted,
            *(self.first - one for one in self.others.values()),
        ]
        return np.stack([way[:, -1] - way[:, 0] for way in ways], axis=1)

    def scaled(self, scale: Array) -> Paths:
        """The components with a scale, divided by it; those without are left out."""
        kept = scale > 0

        def apply(path: Array) -> Array:
            return np.asarray(path[..., kept] / scale[kept])

        others = {name: apply(path) for name, path in self.others.items()}
        return replace(
            self, first=apply(self.first), carried=apply(self.carried), lifted=apply(self.lifted), others=others
        )


def instants(horizon: float, time_step: float | None) -> Array:
    """Zero and, geometrically, two times an octave up to the horizon; multiples of the time step where there is one.

    >>> instants(1.0, 0.25)
    array([0.  , 0.25, 0.5 , 0.75, 1.  ])
    """
    times = horizon * 2.0 ** (-np.arange(2 * _OCTAVES, -1, -1) / 2)
    times[::2] = horizon * 0.5 ** np.arange(_OCTAVES, -1, -1)  # so that halves are halves to the bit
    if time_step is not None:
        times = np.unique(np.maximum(np.rint(times / time_step), 1)) * time_step
    return np.concatenate([[0.0], times])


def follow(
    stepper: CoarseTimeStepper,
    macro: Array,
    times: Array,
    lifts: Mapping[str, CoarseTimeStepper],
    key: Key,
    time: float = 0.0,
) -> Paths:
    """Run the paths: three horizons a replica, and one more for each other lift.

    They begin at ``time``, for models that know what time it is. The other lifts share the noise of the first path
    where their steppers share its seed.

    >>> import eqfree as ef
    >>> walk = ef.micro_model(lambda u, rng: u, lambda u, t, rng: u + rng.normal(size=1), lambda u: u)
    >>> stepper = ef.CoarseTimeStepper(walk, replicas=4)
    >>> follow(stepper, np.array([1.0]), np.array([0.0, 1.0, 2.0]), {}, ()).lifted.shape
    (4, 3, 1)
    """
    first = stepper.at(time).burst(macro, np.concatenate([times, times[-1] + times[1:]]), (*key, 0), samples=True)
    samples = _samples(first.samples)
    there = samples[:, len(times) - 1].reshape(-1, *macro.shape)
    within = _bring_within(stepper.fields, there)
    again = (
        stepper.with_replicas(1)
        .at(time + times[-1])
        .bursts(list(within), times, [(*key, 1, replica) for replica in range(len(there))], samples=True)
    )
    cost = sum((burst.cost for burst in again), first.cost)
    others = {}
    for name, other in lifts.items():
        burst = other.with_replicas(stepper.replicas).at(time).burst(macro, times, (*key, 0), samples=True)
        others[name] = _samples(burst.samples)
        cost += burst.cost
    return Paths(
        times=times,
        first=samples[:, : len(times)],
        carried=samples[:, len(times) - 1 :],
        lifted=np.concatenate([_samples(burst.samples) for burst in again]),
        others=others,
        restored=int((within != there).reshape(len(there), -1).any(axis=1).sum()),
        cost=cost,
    )


def _bring_within(fields: Sequence[Field], macros: Array) -> Array:
    """Macro states (replica, ...), each number brought to the nearest within the bounds of its field.

    >>> _bring_within([Field("density", bounds=(0.0, 1.0))], np.array([[-0.1], [0.5]]))
    array([[0. ],
           [0.5]])
    """
    if not fields:
        return macros
    low, high = np.array([field.bounds for field in fields for _ in range(field.size)]).T.reshape(2, *macros.shape[1:])
    return np.clip(macros, low, high)


def _samples(samples: Array | None) -> Array:
    assert samples is not None
    return samples.reshape(*samples.shape[:2], -1)
