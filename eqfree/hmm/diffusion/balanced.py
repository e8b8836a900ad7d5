"""Mesh and micro-solver refined together, so that neither is finer than the other allows to be of use."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from eqfree.hmm.diffusion.law import DiffusionLaw
from eqfree.hmm.diffusion.solution import DiffusionSolution
from eqfree.hmm.diffusion.steady import solve_steady

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Balanced", "refine_together"]


@dataclass(frozen=True, eq=False)
class Balanced:
    """What refining mesh and micro-solver together came to.

    Attributes
    ----------
    solutions
        One for each pair of levels that was tried.
    levels
        Those pairs: of the mesh, of the micro-solver.
    success
        Whether the last one was solved, and is within the tolerance.
    """

    solutions: tuple[DiffusionSolution, ...]
    levels: tuple[tuple[int, int], ...]
    success: bool

    @property
    def solution(self) -> DiffusionSolution:
        """The last and best one."""
        return self.solutions[-1]

    @property
    def table(self) -> pd.DataFrame:
        """A row for each attempt: levels, indicators, and which of them limited."""
        import pandas as pd

        rows = [
            {
                "mesh_level": mesh,
                "micro_level": micro,
                "unknowns": solution.law.unknowns,
                "macro_indicator": solution.indicators.macro,
                "micro_indicator": solution.indicators.micro,
                "limits": solution.indicators.limits,
            }
            for (mesh, micro), solution in zip(self.levels, self.solutions, strict=True)
        ]
        return pd.DataFrame(rows)

    def __str__(self) -> str:
        mesh, micro = self.levels[-1]
        return f"mesh level {mesh}, micro level {micro}: {self.solution.indicators}"


def refine_together(
    law_of: Callable[[int, int], DiffusionLaw], rtol: float, *, most: int = 12, initial: float | None = None
) -> Balanced:
    """Refine the mesh or the micro-solver, whichever errs more, until both indicators together are within ``rtol``.

    The error of a scheme of this kind is the sum of both, C (H^p + (h/ε)^2q), so that refining one alone soon stops
    helping: A. Abdulle, Multiscale Model. Simul. 4 (2005) 447, doi:10.1137/040607137. Where neither is three times
    the other, both are refined.

    Parameters
    ----------
    law_of
        Levels of mesh and of micro-solver, from 0 -> the law; each level is usually a halving.
    rtol
        Of the flux in L², relative: what `ErrorIndicators.total` is to come down to.
    most
        Attempts.
    initial
        Where to begin, as in `solve_steady`.

    Raises
    ------
    ValueError
        For a tolerance or a number of attempts that is not positive, and as `solve_steady`.
    """
    if not (rtol > 0 and most >= 1):
        raise ValueError(f"`rtol` and `most` must be positive: got {rtol!r} and {most!r}.")
    mesh = micro = 0
    solutions, levels = list[DiffusionSolution](), list[tuple[int, int]]()
    while True:
        solutions.append(solve_steady(law_of(mesh, micro), initial))
        levels.append((mesh, micro))
        told = solutions[-1].indicators
        solved = solutions[-1].success
        if not solved or told.total <= rtol or len(solutions) == most:
            return Balanced(tuple(solutions), tuple(levels), solved and told.total <= rtol)
        mesh += told.limits != "micro"
        micro += told.limits != "macro"
