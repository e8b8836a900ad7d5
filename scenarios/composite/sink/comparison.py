"""Both ways beside each other over ratios of scales: what two scales miss, and what either takes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from scenarios.composite.sink.geometry import Sink
from scenarios.composite.sink.steady import Micro, Steady, errors, homogenised, resolved

__all__ = ["Comparison", "compare"]

Array: TypeAlias = NDArray[np.float64]

_PICTURE = 121  # points along the longer side of the picture
_INSETS = (0.17, 0.5, 0.83)  # where layers are shown, in either coordinate


@dataclass(frozen=True, eq=False)
class Comparison:
    """What was found at each ratio of scales.

    Attributes
    ----------
    sink
        The part.
    costs
        A row a ratio: ``ratio`` (period over width), ``periods``, ``error_l2`` and ``error_max`` of the temperature of
        two scales (over the rise above ambient), ``unknowns_hmm`` and ``unknowns_direct`` of all linear systems,
        those of micro-problems included, ``wall_hmm`` and ``wall_direct`` (s), and ``cost_ratio``, unknowns over
        unknowns.
    hmm
        Two scales, which know no ratio.
    direct
        Every layer resolved, at the last ratio.
    """

    sink: Sink
    costs: pd.DataFrame
    hmm: Steady
    direct: Steady

    def order(self, error: str = "error_l2") -> float:
        """The power of the ratio that an error falls with, fitted; nan for a single ratio."""
        if len(self.costs) < 2:
            return float("nan")
        return float(np.polyfit(np.log(self.costs["ratio"]), np.log(self.costs[error]), 1)[0])

    def field(self) -> pd.DataFrame:
        """For a picture: ``x``, ``y`` (m), and temperatures ``hmm`` and ``direct`` (K; nan outside), on a grid."""
        outline = self.sink.places(_edges())
        low, high = outline.min(axis=0), outline.max(axis=0)
        step = np.max(high - low) / (_PICTURE - 1)
        x, y = (np.linspace(start, end, round((end - start) / step) + 1) for start, end in zip(low, high, strict=True))
        places = np.array(np.meshgrid(x, y, indexing="ij")).reshape(2, -1).T
        coordinates = self.sink.coordinates(places)
        inside = ((coordinates >= 0) & (coordinates <= 1)).all(axis=1)
        table = pd.DataFrame({"x": places[:, 0], "y": places[:, 1]})
        for name, solved in (("hmm", self.hmm), ("direct", self.direct)):
            table[name] = np.nan
            table.loc[inside, name] = solved.at(coordinates[inside])
        return table

    def insets(self) -> pd.DataFrame:
        """Where to show layers: ``x``, ``y`` (m), ``volume_fraction`` there and ``angle`` of their normal (degrees)."""
        places = self.sink.places(np.array(np.meshgrid(_INSETS, _INSETS)).reshape(2, -1).T)
        return pd.DataFrame(
            {
                "x": places[:, 0],
                "y": places[:, 1],
                "volume_fraction": self.sink.fraction(places),
                "angle": np.degrees(self.sink.angle(places)),
            }
        )


def compare(
    sink: Sink,
    periods: Sequence[int] = (16, 32, 64),
    *,
    elements: int = 6,
    refinement: int = 1,
    rows: int = 24,
    micro: Micro | None = None,
    told: Callable[[str], None] | None = None,
) -> Comparison:
    """Solve by two scales, and with every layer meshed at each ratio of scales.

    *How to choose.* ``elements`` so that the coarse mesh errs well below what the largest of ``periods`` leaves:
    compare with twice as many. ``refinement`` and ``rows`` likewise.

    Parameters
    ----------
    sink
        The part.
    periods
        Across it, one number for each ratio.
    elements
        Along either side of the coarse mesh.
    refinement, rows
        Of the fine meshes, as of `scenarios.composite.sink.meshes.layered_mesh`.
    micro
        What is asked instead of the cell problem.
    told
        Called with a sentence after each solve, one more than ``periods``.

    Raises
    ------
    ValueError
        Without a ratio, or for meshes without elements.

    Examples
    --------
    >>> compare(Sink(), (4, 8), rows=8).costs["error_l2"].round(3).tolist()
    [0.009, 0.005]
    """
    if not len(periods):
        raise ValueError("`periods` must name one number of periods at least: got none.")
    tell = told or (lambda _: None)
    _solve_once_unmeasured(sink)
    hmm = homogenised(sink, elements=elements, micro=micro)
    tell(f"two scales: {hmm.unknowns} unknowns; {hmm.problem.told()}")
    table = []
    for count in periods:
        direct = resolved(sink, count, refinement=refinement, rows=rows)
        tell(f"{count} periods, every layer meshed: {direct.unknowns} unknowns")
        mean, most = errors(hmm.problem, hmm.solution.values, direct.problem, direct.solution.values)
        table.append(
            {
                "ratio": 1 / count,
                "periods": count,
                "error_l2": mean,
                "error_max": most,
                "unknowns_hmm": hmm.unknowns,
                "unknowns_direct": direct.unknowns,
                "wall_hmm": hmm.seconds,
                "wall_direct": direct.seconds,
                "cost_ratio": direct.unknowns / hmm.unknowns,
            }
        )
    return Comparison(sink, pd.DataFrame(table), hmm, direct)


def _solve_once_unmeasured(sink: Sink) -> None:
    """What the first solve of a process takes to load and to set up is no cost of either way."""
    homogenised(sink, elements=1)


def _edges() -> Array:
    """Coordinates along the outline."""
    along = np.linspace(0, 1, 201)
    return np.array([[side, place] for side in (0.0, 1.0) for place in along])
