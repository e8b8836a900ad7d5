"""A quasi-static sweep: what an experimenter sees who turns a knob slowly, up and down."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from eqfree.burst import Moments
from eqfree.continuation.problem import Measure
from eqfree.ensemble import Key
from eqfree.fields import short
from eqfree.fixed_points.equations import StepperOf
from eqfree.micro import Carried, is_relifted
from eqfree.results import Cost
from eqfree.stepper import CoarseTimeStepper

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Sweep", "sweep"]

Array: TypeAlias = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Sweep:
    """Macro states at the end of a while at each of several parameters, one after the other.

    Attributes
    ----------
    parameters : (place,)
        In the order in which they were swept.
    macro, stderr : (place, ...)
        Mean over replicas.
    measure, measure_stderr : (place, measure)
        Of each replica, in the mean: where some have jumped and others not, the mean of the macro states is no state.
    cost
        What it took.
    """

    parameters: Array
    macro: Array
    stderr: Array
    measure: Array
    measure_stderr: Array
    cost: Cost

    def at(self, parameter: float) -> tuple[float, Array]:
        """The swept parameter nearest to one, and the macro state there: where a continuation may begin."""
        nearest = int(np.argmin(np.abs(self.parameters - parameter)))
        return float(self.parameters[nearest]), self.macro[nearest]

    def to_pandas(self, measure: int = 0) -> pd.DataFrame:
        """Columns direction, parameter, measure, stderr: what `analysis.draw_branch` draws."""
        import pandas as pd

        ways = np.diff(self.parameters, prepend=2 * self.parameters[0] - self.parameters[min(1, len(self.macro) - 1)])
        return pd.DataFrame(
            {
                "direction": np.where(ways >= 0, "up", "down"),
                "parameter": self.parameters,
                "measure": self.measure[:, measure],
                "stderr": self.measure_stderr[:, measure],
            }
        )


def sweep(
    stepper_of: StepperOf,
    macro0: ArrayLike,
    parameters: Sequence[float] | Array,
    duration: float,
    key: Key = (),
    *,
    measure: Measure = np.ravel,
    progress: Callable[[float], object] | None = None,
) -> Sweep:
    """Populations that live for a while at one parameter after the other, each from where it was.

    Every replica is lifted at the new parameter from its own macro state, near its own population where the model has
    ``relift``: no mean is taken on the way, so that replicas may jump at different parameters. What a sweep up and a
    sweep down differ by is hysteresis: between the folds, both states are stable.

    *How to choose.* ``duration``: longer than the slowest relaxation, which diverges at a fold: a sweep always jumps
    late.

    Parameters
    ----------
    stepper_of
        The coarse time-stepper at a parameter.
    macro0
        Where all replicas begin, (...).
    parameters
        In the order of the sweep: up, and down again.
    duration
        At each.
    key
        Which noise; replica ``r`` at place ``i`` uses ``(*key, i, r)``.
    measure
        What is read of every replica's macro state; by default all numbers.
    progress
        ``progress(share)`` is called after every parameter with how much of the sweep is done.

    Raises
    ------
    ValueError
        If there is no parameter, or the duration is not positive.

    Examples
    --------
    >>> import eqfree as ef
    >>> def stepper_of(p):
    ...     decay = lambda u, t, rng: p + (u - p) * np.exp(-t)
    ...     return ef.CoarseTimeStepper(ef.micro_model(lambda u, rng: u, decay, lambda u: u, deterministic=True))
    >>> sweep(stepper_of, [0.0], [1.0, 2.0, 1.0], duration=20.0).to_pandas()["direction"].tolist()
    ['up', 'up', 'down']
    """
    places = np.array(parameters, dtype=np.float64)
    if places.ndim != 1 or not len(places) or not np.isfinite(places).all():
        raise ValueError(f"`parameters` must be one finite number or more: got {short(places)}.")
    if not (np.isfinite(duration) and duration > 0):
        raise ValueError(f"`duration` at each parameter must be positive: got {duration}.")
    first = stepper_of(float(places[0]))
    replicas = 1 if first.deterministic else first.replicas
    walkers = [_Walker(np.array(macro0, dtype=np.float64)) for _ in range(replicas)]
    rows, cost = [], Cost()
    for number, parameter in enumerate(places.tolist()):
        stepper = stepper_of(parameter).with_replicas(1)
        for replica, walker in enumerate(walkers):
            cost = cost + walker.live(stepper, duration, (*key, number, replica))
        macro, told = Moments(), Moments()
        for walker in walkers:
            macro.add(walker.macro)
            told.add(np.ravel(measure(walker.macro)).astype(np.float64))
        rows.append([macro.reading(deterministic=first.deterministic), told.reading(deterministic=first.deterministic)])
        if progress is not None:
            progress((number + 1) / len(places))
    return Sweep(
        parameters=places,
        macro=np.array([macro.mean for macro, _ in rows]),
        stderr=np.array([macro.stderr for macro, _ in rows]),
        measure=np.array([told.mean for _, told in rows]),
        measure_stderr=np.array([told.stderr for _, told in rows]),
        cost=cost,
    )


class _Walker:
    """One replica on its way through the parameters."""

    def __init__(self, macro: Array) -> None:
        self.macro = macro
        self._packed: Any = None

    def live(self, stepper: CoarseTimeStepper, duration: float, key: Key) -> Cost:
        """A while at a parameter, from its own macro state, near its own population."""
        if self._packed is not None and is_relifted(stepper.model):
            stepper = replace(stepper, model=Carried(stepper.model, self._packed))
        (packed,), reading = stepper.advance(stepper.lift(self.macro, key), duration, key)
        self.macro, self._packed = reading.mean, packed
        return reading.cost
