"""What steady states and their stability are told in: spectra of multipliers, fixed points."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from math import inf, pi
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import NDArray

from eqfree.fields import Field
from eqfree.results.status import Cost, Status

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["FixedPoint", "Spectrum", "Stability"]

Array: TypeAlias = NDArray[np.float64]

_ERRORS = 2.0  # standard errors that a multiplier must be away from the unit circle


class Stability(Enum):
    """Whether small disturbances die."""

    STABLE = "stable"
    UNSTABLE = "unstable"
    UNDECIDED = "undecided"  #: a multiplier lies within two standard errors of the unit circle


@dataclass(frozen=True, eq=False)
class Spectrum:
    """The leading multipliers of the coarse map: by what disturbances of a steady state grow over a duration.

    Attributes
    ----------
    multipliers : (count,) complex
        The trivial ones first, then the largest first.
    covariance : (count, 2, 2)
        Of real and imaginary part.
    vectors : (count, ...) complex
        The disturbances, of the macro state's shape, of unit size; zero for a conserved total.
    labels : (count,)
        ``"conservation"`` and ``"symmetry"`` for the trivial ones, which are 1 whatever the state; else empty.
    duration
        Over which they grow.
    cost
        What it took.
    """

    multipliers: NDArray[np.complex128]
    covariance: Array
    vectors: NDArray[np.complex128]
    labels: tuple[str, ...]
    duration: float
    cost: Cost = field(default_factory=Cost)

    @property
    def own(self) -> NDArray[np.bool_]:
        """Which of them are no trivial ones."""
        return np.array([not label for label in self.labels], dtype=bool)

    @property
    def stderr(self) -> Array:
        """Standard errors of the sizes of the multipliers, (count,)."""
        size = np.maximum(np.abs(self.multipliers), 1e-300)
        radial = np.stack([self.multipliers.real, self.multipliers.imag], axis=-1) / size[:, None]
        return np.asarray(np.sqrt(np.einsum("ki,kij,kj->k", radial, self.covariance, radial)))

    @property
    def rates(self) -> NDArray[np.complex128]:
        """Growth rates log(μ)/duration, (count,): the imaginary part is known up to multiples of 2π/duration."""
        with np.errstate(divide="ignore"):
            return np.asarray(np.log(self.multipliers.astype(np.complex128)) / self.duration)

    @property
    def highest_frequency(self) -> float:
        """The angular frequency from which on an oscillation is taken for a slower one: π/duration."""
        return pi / self.duration

    @property
    def growing(self) -> int:
        """How many disturbances grow: multipliers outside the unit circle, the trivial ones apart."""
        return int((np.abs(self.multipliers[self.own]) > 1).sum())

    @property
    def stability(self) -> Stability:
        """Whether all disturbances die, two standard errors from the unit circle on."""
        size, doubt = np.abs(self.multipliers[self.own]), _ERRORS * self.stderr[self.own]
        if (size - doubt > 1).any():
            return Stability.UNSTABLE
        return Stability.STABLE if (size + doubt < 1).all() else Stability.UNDECIDED

    def to_pandas(self) -> pd.DataFrame:
        """A row a multiplier: what `analysis.draw_multipliers` draws.

        >>> made = Spectrum(np.array([0.5 + 0j]), np.zeros((1, 2, 2)), np.ones((1, 1)), ("",), duration=2.0)
        >>> made.to_pandas().columns.tolist()
        ['real', 'imag', 'var_real', 'var_imag', 'covariance', 'label']
        """
        import pandas as pd

        return pd.DataFrame(
            {
                "real": self.multipliers.real,
                "imag": self.multipliers.imag,
                "var_real": self.covariance[:, 0, 0],
                "var_imag": self.covariance[:, 1, 1],
                "covariance": self.covariance[:, 0, 1],
                "label": self.labels,
            }
        )


@dataclass(frozen=True, eq=False)
class FixedPoint:
    """A macro state that the unknown equation leaves as it is.

    Attributes
    ----------
    macro, stderr : (...)
        The steady state, read after healing, and its standard error.
    lifted : (...)
        The macro state that was lifted to have it.
    residual : (...)
        By how much it still changes in a duration: of the last set of random numbers.
    estimates : (key set, ...)
        What each set of random numbers said: their spread is the evidence for the standard error.
    predicted : (...)
        The standard error that replicas and derivative predict for one set of random numbers; where the estimates
        spread by far more, ``detail`` says so.
    status
        How it ended; `success` and `message` say it as SciPy does.
    duration
        Between the readings; of a wave the period, which was solved for.
    period_stderr
        Its standard error; zero where it was given.
    replicas
        Of the last set: more than were asked for where the noise was too large.
    iterations
        Evaluations of the coarse map at a single state, over all sets.
    degrees
        Of freedom behind the standard error; infinite for a deterministic model.
    """

    macro: Array
    stderr: Array
    lifted: Array
    residual: Array
    estimates: Array
    predicted: Array
    status: Status
    duration: float
    replicas: int
    iterations: int
    cost: Cost
    period_stderr: float = 0.0
    degrees: float = inf
    detail: str = ""
    fields: tuple[Field, ...] = ()

    @property
    def success(self) -> bool:
        """Whether a steady state was found."""
        return self.status.success

    @property
    def message(self) -> str:
        """How it ended, in words."""
        return f"{self.status.value} {self.detail}".strip()

    def interval(self, level: float = 0.95) -> tuple[Array, Array]:
        """Lower and upper ends, (...) each, of intervals that hold the steady state with probability ``level``.

        Student's t with the degrees of freedom of the standard error.

        Raises
        ------
        ValueError
            Unless ``level`` lies between 0 and 1.

        Examples
        --------
        >>> one = np.array([1.0])
        >>> told = one, 0.1 * one, one, 0 * one, one[None], one, Status.STEADY, 1.0, 8, 4, Cost()
        >>> FixedPoint(*told, degrees=4).interval()[0].round(3)
        array([0.722])
        """
        half = half_width(self.degrees, level) * self.stderr
        return self.macro - half, self.macro + half


def half_width(degrees: float, level: float) -> float:
    """Of an interval by Student's t, in standard errors.

    Raises
    ------
    ValueError
        Unless ``level`` lies between 0 and 1.

    Examples
    --------
    >>> round(half_width(4, 0.95), 3)
    2.776
    """
    from scipy.special import stdtrit

    if not 0 < level < 1:
        raise ValueError(f"`level` must lie between 0 and 1: got {level}.")
    return float(stdtrit(degrees, (1 + level) / 2))
