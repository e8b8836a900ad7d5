"""What the noise of a conductivity makes of a fold: its interval, from the answers that the table is made of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from math import inf
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import PPoly

import eqfree as ef
from agents.ions.constants import BOLTZMANN
from eqfree.results.steady import half_width
from scenarios.battery.laws import Conductivity, from_logarithm

__all__ = ["Error", "Interpolated", "propagate"]

Array: TypeAlias = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Interpolated(Conductivity):
    """ln(σT) over 1/(kT) through the nodes of a table, as the table itself interpolates, with values that may be moved.

    Parameters
    ----------
    nodes, values
        1/(kT) in 1/eV, increasing, and ln(σT / (S K/m)), (node,) each.

    Raises
    ------
    ValueError
        If there are fewer than four nodes.

    Examples
    --------
    >>> inverse = np.linspace(30.0, 40.0, 5)
    >>> conductivity, slope = Interpolated(inverse, 14.0 - 0.35 * inverse)(np.array([300.0]))
    >>> round(float(conductivity[0] * 300 / np.exp(14 - 0.35 / (BOLTZMANN * 300))), 9)
    1.0
    """

    nodes: Array
    values: Array

    def __post_init__(self) -> None:
        if len(self.nodes) < 4:
            raise ValueError(f"A spline needs four nodes or more: got {len(self.nodes)}.")

    @cached_property
    def _spline(self) -> PPoly:
        return ef.hmm.smooth(self.nodes, self.values)

    @property
    def limits(self) -> tuple[float, float]:
        """Between the outer nodes (K)."""
        return 1 / (BOLTZMANN * float(self.nodes[-1])), 1 / (BOLTZMANN * float(self.nodes[0]))

    def __call__(self, temperature: Array) -> tuple[Array, Array]:
        """Conductivity (S/m) and its derivative (S/(m K))."""
        inverse = 1 / (BOLTZMANN * temperature)
        return from_logarithm(temperature, self._spline(inverse), self._spline(inverse, 1))

    def moved(self, node: int, by: float) -> Interpolated:
        """With the value of one node moved."""
        values = self.values.copy()
        values[node] += by
        return Interpolated(self.nodes, values)


@dataclass(frozen=True)
class Error:
    """A standard error that was estimated itself.

    Attributes
    ----------
    stderr
        The standard error.
    degrees
        Its degrees of freedom.
    """

    stderr: float = 0.0
    degrees: float = inf

    def half_width(self, level: float = 0.95) -> float:
        """Of the interval that holds the truth so often, by Student's t.

        >>> round(Error(0.1, 7.0).half_width(), 4), round(Error(0.1).half_width(), 4)
        (0.2365, 0.196)
        """
        return self.stderr * half_width(self.degrees, level)


def propagate(fold: Callable[[Conductivity], float], law: Interpolated, stderr: Array, degrees: float = inf) -> Error:
    """The error of a fold, if every node of the law has an independent error.

    To first order, by a difference over one standard error to either side of each node:
    se² = sum over nodes of (dV/dy_i se_i)². Answers at different nodes come from different random numbers, so that they
    are independent; what they share, the shape of the spline between them, is in the derivative. One node, that next to
    the temperatures at the fold, has nearly all of it, so that the error is known hardly better than that of one node:
    the degrees of freedom are those of F. E. Satterthwaite, Biometrics Bull. 2 (1946) 110, doi:10.2307/3002019.

    Parameters
    ----------
    fold
        Conductivity -> the parameter at its fold.
    law
        Through the nodes.
    stderr
        Of each node's value, (node,).
    degrees
        Of freedom of each of these: replicas less one; infinite where they are known.

    Examples
    --------
    >>> law = Interpolated(np.linspace(30.0, 40.0, 5), np.zeros(5))
    >>> error = propagate(lambda moved: float(moved.values.sum()), law, np.full(5, 0.1), degrees=7.0)
    >>> round(error.stderr, 9), round(error.degrees, 9)
    (0.223606798, 35.0)
    """
    variances = np.array(
        [
            ((fold(law.moved(node, error)) - fold(law.moved(node, -error))) / 2) ** 2 if error > 0 else 0.0
            for node, error in enumerate(stderr.tolist())
        ]
    )
    total = float(variances.sum())
    if total == 0:
        return Error()
    return Error(float(np.sqrt(total)), degrees * total**2 / float(np.square(variances).sum()))
