"""How long to heal: a steady state over healing times."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import nan
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from eqfree.coarse_map import Symmetry
from eqfree.ensemble import Key
from eqfree.fields import short
from eqfree.fixed_points.driver import find_fixed_point
from eqfree.fixed_points.newton import Method
from eqfree.results import Cost, FixedPoint
from eqfree.stepper import CoarseTimeStepper

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["HealingSweep", "sweep_healing"]

Array: TypeAlias = NDArray[np.float64]

_SOLVED = 1e-6  # of the largest number: as well as a steady state is solved for


@dataclass(frozen=True, eq=False)
class HealingSweep:
    """Steady states over healing times.

    Attributes
    ----------
    healings : (healing,)
    points
        The steady state of each.
    tolerance
        Change of any number of the macro state that does not matter, besides two standard errors.
    """

    healings: Array
    points: tuple[FixedPoint, ...]
    tolerance: float

    @property
    def shortest(self) -> float:
        """The shortest healing from which on nothing changes any more; NaN where the last two still differ."""
        found = nan
        for healing, point in zip(self.healings[-2::-1], self.points[-2::-1], strict=True):
            if not (point.success and self.points[-1].success and self._agrees(point, self.points[-1])):
                break
            found = float(healing)
        return found

    @property
    def words(self) -> str:
        """What the sweep says."""
        if np.isfinite(self.shortest):
            return f"The steady state is the same from a healing of {self.shortest:g} on."
        if failed := [f"{h:g}" for h, point in zip(self.healings, self.points, strict=True) if not point.success]:
            return f"No steady state was found after a healing of {', '.join(failed)}."
        return (
            f"A healing of {self.healings[-2]:g} is too short: the steady state is another one after "
            f"{self.healings[-1]:g}. Heal longer; where that never ends, what lift leaves out is slow, and belongs "
            "into the macro state, or is carried from the last population by `relift`."
        )

    @property
    def cost(self) -> Cost:
        """Of all."""
        return sum((point.cost for point in self.points), Cost())

    def to_pandas(self, component: int = 0) -> pd.DataFrame:
        """Columns healing, value, stderr of one number of the macro state: what `analysis.draw_healing` draws."""
        import pandas as pd

        return pd.DataFrame(
            {
                "healing": self.healings,
                "value": [point.macro.flat[component] if point.success else nan for point in self.points],
                "stderr": [point.stderr.flat[component] for point in self.points],
            }
        )

    def _agrees(self, one: FixedPoint, other: FixedPoint) -> bool:
        doubt = 2 * np.hypot(one.stderr, other.stderr)
        slack = max(self.tolerance, _SOLVED * float(np.abs(other.macro).max(initial=0.0)))
        return bool((np.abs(one.macro - other.macro) <= np.maximum(doubt, slack)).all())


def sweep_healing(
    stepper: CoarseTimeStepper,
    macro0: ArrayLike,
    duration: float,
    healings: Sequence[float],
    key: Key = (),
    *,
    tolerance: float = 0.0,
    method: Method | None = None,
    symmetry: Symmetry | None = None,
) -> HealingSweep:
    """The steady state after several healing times, each from the one before.

    What lift got wrong dies while the population heals, and its part of the answer with it; a longer healing that
    changes nothing is the evidence that it has.

    Parameters
    ----------
    stepper, macro0, duration, key, method, symmetry
        As of `find_fixed_point`; healing ``i`` uses ``(*key, i)``.
    healings
        Ascending, two or more.
    tolerance
        Change that does not matter, in the unit of the macro state; two standard errors and 1e-6 of the largest number
        never do.

    Raises
    ------
    ValueError
        For healings that do not ascend, a negative tolerance, and as `find_fixed_point`.

    Examples
    --------
    >>> import eqfree as ef
    >>> fast = ef.micro_model(
    ...     lambda u, rng: np.array([u[0], u[0] + 1.0]),
    ...     lambda x, t, rng: np.array([x[0] * np.exp(-t), x[1] * np.exp(-9 * t)]),
    ...     lambda x: np.array([x[0] + 0.1 * x[1]]), deterministic=True,
    ... )
    >>> sweep = sweep_healing(ef.CoarseTimeStepper(fast), [1.0], 0.5, [0.0, 1.0, 2.0], tolerance=1e-3)
    >>> sweep.shortest
    1.0
    """
    times = np.array(healings, dtype=np.float64)
    if times.ndim != 1 or times.size < 2 or not (np.diff(times) > 0).all():
        raise ValueError(f"`healings` must ascend, and be at least two: got {short(times)}.")
    if not tolerance >= 0:
        raise ValueError(f"`tolerance` must not be negative: got {tolerance}.")
    points: list[FixedPoint] = []
    start = np.array(macro0, dtype=np.float64)
    for number, healing in enumerate(times.tolist()):
        healed = replace(stepper, healing=healing)
        points.append(find_fixed_point(healed, start, duration, (*key, number), method=method, symmetry=symmetry))
        start = points[-1].lifted if points[-1].success else start
    return HealingSweep(times, tuple(points), tolerance)
