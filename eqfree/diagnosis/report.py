"""What a diagnosis says: numbers, tables and one paragraph."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite, isinf, isnan
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import NDArray

from eqfree.diagnosis.advice import BURSTS, Advice, Noise
from eqfree.diagnosis.closure import Comparison, Healing, Verdict, slowest, worst
from eqfree.results import Cost, Value

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Diagnosis"]

Array: TypeAlias = NDArray[np.float64]
_TURNING = 0.1  # of the rate of change: so much of it the slow rate does not tell


@dataclass(frozen=True, eq=False)
class Diagnosis:
    """How long to heal, how far to leap, how many replicas, and whether the macro state closes.

    Attributes
    ----------
    comparisons
        Carried on against lifted anew, then one for each other lift: the closure tests.
    off_manifold
        How the first path's own transient dies: where the macro state has fast variables in it, that is the healing.
    slow_rate
        At which the healed slope dies; negative where it grows, NaN where no slope was seen.
    change_rate
        At which it changes in all, as it dies, grows or turns: what a step has to follow. Without turning, the size of
        the slow rate.
    noise
        The healed slope, its noise, and how that falls with replicas.
    advice
        What to choose; None where the macro state does not close, the horizon was too short to heal in, or no slope
        was seen.
    paths : (time, 5)
        Time, and the component that moves most: carried, its standard error, lifted anew, its standard error.
    component
        Which component that is, by name and index.
    horizon, tolerance
        How long each path was, and the wanted relative error of a slope.
    restored
        How many readings noise had taken out of the model's bounds, and were brought back to be lifted anew.
    cost
        What the diagnosis took.
    """

    comparisons: tuple[Comparison, ...]
    off_manifold: Healing
    slow_rate: Value
    change_rate: Value
    noise: Noise
    advice: Advice | None
    paths: Array
    component: str
    horizon: float
    tolerance: float
    restored: int
    cost: Cost

    @property
    def verdict(self) -> Verdict:
        """Whether the macro state closes; the worst of the comparisons."""
        return worst(self.comparisons)

    @property
    def healing(self) -> Value:
        """Until a slope has forgotten how it was lifted; infinite where the horizon was too short for that."""
        return slowest(self.comparisons, self.off_manifold).time

    @property
    def fast_rate(self) -> Value:
        """At which a slope forgets; NaN where there was nothing to forget."""
        return slowest(self.comparisons, self.off_manifold).rate

    @property
    def words(self) -> str:
        """One paragraph."""
        said = [*self._say_closure(), self._say_healing(), self._say_noise(), self._say_advice()]
        return " ".join(one.strip() for one in said if one)

    def tables(self) -> dict[str, pd.DataFrame]:
        """What `analysis.draw_diagnosis` draws: the paths, the differences of the slopes, the noise, the numbers."""
        import pandas as pd

        columns = ["time", "carried", "carried_stderr", "lifted", "lifted_stderr"]
        differences = [
            pd.DataFrame(
                {
                    "comparison": one.name,
                    "time": one.times,
                    "difference": one.difference,
                    "stderr": one.stderr,
                    "healing": one.healing.time.value,
                }
            )
            for one in self.comparisons
        ]
        return {
            "paths": pd.DataFrame(self.paths, columns=columns).assign(component=self.component),
            "differences": pd.concat(differences, ignore_index=True).assign(tolerance=self.tolerance),
            "noise": pd.DataFrame({"replicas": self.noise.replicas, "spread": self.noise.spread}),
        }

    def _say_closure(self) -> list[str]:
        said = [self.verdict.value]
        for one in self.comparisons:
            if not isfinite(one.dependence.value):
                said.append(f"{one.name}: nothing moved that could be compared.")
                continue
            percent = Value(100 * one.dependence.value, 100 * one.dependence.stderr)
            more = f"; about {one.replicas} replicas would decide" if one.replicas else ""
            said.append(f"{one.name}, the slopes differ by {_told(percent)} % in the end{more}.")
        if self.restored:
            said.append(
                f"{self.restored} of {self.noise.cost.bursts} readings lay outside of the bounds: the nearest macro "
                "state within was lifted anew."
            )
        return said

    def _say_healing(self) -> str:
        healing = slowest(self.comparisons, self.off_manifold)
        if isinf(healing.time.value):
            return f"The lift was not forgotten within the horizon of {self.horizon:.4g}."
        if not healing.happens:
            return "No transient was seen: there is nothing to heal."
        return (
            f"A transient with rate {_told(healing.rate)} is down to {100 * self.tolerance:.3g} % "
            f"after {_told(healing.time)}."
        )

    def _say_noise(self) -> str:
        slow = f"The slow rate is {_told(self.slow_rate)}." if isfinite(self.slow_rate.value) else ""
        if abs(self.change_rate.value - abs(self.slow_rate.value)) > _TURNING * self.change_rate.value:
            slow = f"The slope turns: it changes at the rate {_told(self.change_rate)}."
        if not len(self.noise.spread) or not isfinite(self.noise.spread[0]):
            return slow
        falls = f", falling with replicas as n^({_told(self.noise.exponent)})" if len(self.noise.spread) > 1 else ""
        return (
            f"{slow} One replica's slope has a standard deviation of {100 * self.noise.spread[0]:.3g} % of it{falls}."
        )

    def _say_advice(self) -> str:
        if self.advice is None:
            return self._say_why_not()
        one = self.advice
        if one.speed_up <= 1:
            return f"A step of {one.step:.3g} is covered by its {BURSTS} bursts of {one.burst:.3g}: simulate plainly."
        replicas = f", {one.replicas} replicas" if one.replicas > 1 else ""
        gain = f"{one.speed_up:.2g} times less to simulate"
        if self.noise.projected > 0:
            gain += f", {one.speed_up_at_equal_error:.2g} times less at equal noise"
        return (
            f"Take healing {one.healing:.3g}, bursts of {one.burst:.3g} and steps of {one.step:.3g}{replicas}: {gain}."
        )

    def _say_why_not(self) -> str:
        if self.verdict is Verdict.DOES_NOT_CLOSE or isinf(self.healing.value):
            return "Nothing can be leapt over before that is settled."
        if isnan(self.slow_rate.value):
            return "No slope was seen to leap along: begin at a macro state that moves, or take more replicas."
        return f"The slope of a burst drowns in the noise of {self.noise.cost.bursts} replicas: take more."


def _told(value: Value) -> str:
    return f"{value.value:.3g} ± {value.stderr:.1g}" if value.stderr > 0 else f"{value.value:.3g}"
