"""What a curve of events in the plane of two parameters is told in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import NDArray

from eqfree.results.branch import BranchEvent
from eqfree.results.status import Cost, Status

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["EventCurve", "EventPoint"]

Array: TypeAlias = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class EventPoint:
    """An event in the plane of two parameters.

    Attributes
    ----------
    first, second
        The parameters.
    first_stderr, second_stderr
        Parts of the standard error across the curve.
    event
        As it was located; its parameter is the distance from where it was predicted.
    """

    first: float
    second: float
    first_stderr: float
    second_stderr: float
    event: BranchEvent


@dataclass(frozen=True, eq=False)
class EventCurve:
    """Events of one kind over two parameters, in order along their curve.

    Attributes
    ----------
    points
        The events.
    kind
        What they are.
    status
        How it ended; `success` and `message` say it as SciPy does.
    cost
        Of all searches, those that failed included.
    """

    points: Sequence[EventPoint]
    kind: str
    status: Status
    cost: Cost
    detail: str = ""

    @property
    def success(self) -> bool:
        """Whether it was followed as far as was asked, or to the border of the spans."""
        return self.status.success

    @property
    def message(self) -> str:
        """How it ended, in words."""
        return f"{_SENTENCES.get(self.status, self.status.value)} {self.detail}".strip()

    @property
    def first(self) -> Array:
        """First parameters, (point,)."""
        return np.array([point.first for point in self.points])

    @property
    def second(self) -> Array:
        """Second parameters, (point,)."""
        return np.array([point.second for point in self.points])

    def to_pandas(self, name: str = "") -> pd.DataFrame:
        """A row a point: what `analysis.draw_parameter_plane` draws.

        Columns curve (by default the kind), kind, x, y, x_stderr, y_stderr, frequency, duration.
        """
        import pandas as pd

        return pd.DataFrame(
            {
                "curve": [name or self.kind for _ in self.points],
                "kind": [self.kind for _ in self.points],
                "x": self.first,
                "y": self.second,
                "x_stderr": [point.first_stderr for point in self.points],
                "y_stderr": [point.second_stderr for point in self.points],
                "frequency": [point.event.frequency for point in self.points],
                "duration": [point.event.duration for point in self.points],
            }
        )


_SENTENCES = {
    Status.FOLLOWED: "The curve was followed as far as was asked.",
    Status.BORDER: "The curve ended at the border of the parameters' spans.",
    Status.STUCK: "The curve could not be followed any further, however short the step; what was computed is kept.",
}
