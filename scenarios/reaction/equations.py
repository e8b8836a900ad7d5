"""What the rate equations say of a network before its molecules are simulated: where it goes, how fast, how often."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.integrate import solve_ivp

from agents.molecules import Network, RateEquations

__all__ = ["Rates", "count_reactions", "find_rates", "follow"]

Array = NDArray[np.float64]

_GAP = 50.0  # between rates that are followed and rates that are to die
_LOOKS = 200
_STILL = 1e-6  # of a rate that the duration shows
_MOLECULE = 1e-6  # error of a number of molecules


def follow(equations: RateEquations, start: ArrayLike, times: ArrayLike, volume: float) -> Array:
    """The concentrations by the rate equations, (time, ...) with the shape of the start, to a millionth of a molecule.

    Raises
    ------
    FloatingPointError
        If they cannot be solved.

    Examples
    --------
    >>> decay = RateEquations(Network.parse("X -> 0, k=1"))
    >>> follow(decay, [1.0], [0.0, 1.0], volume=1000.0).round(6)
    array([[1.      ],
           [0.367879]])
    """
    instants, begun = np.asarray(times, dtype=np.float64), np.asarray(start, dtype=np.float64)
    solved = solve_ivp(
        equations,
        (instants[0], instants[-1]),
        begun.ravel(),
        method="LSODA",
        t_eval=instants,
        rtol=1e-8,
        atol=_MOLECULE / volume,
    )
    if not solved.success:
        raise FloatingPointError(f"The rate equations cannot be solved beyond {solved.t[-1]:g}: {solved.message}")
    return np.asarray(solved.y.T.reshape(len(instants), *begun.shape))


def count_reactions(network: Network, duration: float, volume: float, most: float) -> float:
    """How many reactions an exact simulation takes, by the rate equations; infinite if it takes more than so many.

    Examples
    --------
    >>> decay = Network.parse("X = 1; X -> 0, k=1".replace("; ", chr(10)))
    >>> round(count_reactions(decay, duration=1.0, volume=1000.0, most=1e9))
    632
    >>> count_reactions(Network.parse("X = 1; 2X -> 3X, k=1".replace("; ", chr(10))), 2.0, 1000.0, most=1e9)
    inf
    """
    equations = RateEquations(network)

    def grow(time: float, state: Array) -> Array:
        return np.append(equations(time, state[:-1]), equations.rates(state[:-1]).sum())

    solved = solve_ivp(
        grow,
        (0.0, duration),
        np.append(network.initial, 0.0),
        method="LSODA",
        events=_TooMany(most / volume),
        rtol=1e-6,
        atol=_MOLECULE / volume,
    )
    return float(solved.y[-1, -1] * volume) if solved.status == 0 else np.inf


@dataclass(frozen=True)
class _TooMany:
    """The event that ends the count, of reactions per volume."""

    most: float
    terminal = True

    def __call__(self, _time: float, state: Array) -> float:
        return float(state[-1] - self.most)


@dataclass(frozen=True)
class Rates:
    """How fast a network moves on its way.

    Attributes
    ----------
    followed
        The fastest rate that is followed.
    dying
        The slowest rate that is to die in every burst; infinite where the network is not stiff.
    """

    followed: float
    dying: float


def find_rates(network: Network, duration: float, volume: float) -> Rates:
    """The rates on either side of a gap of fifty or more that the eigenvalues keep all along the way, if there is one.

    What is above the gap has to be stable: what grows is no motion that dies.

    Examples
    --------
    >>> text = "A = 1; A <-> B, k=1000, k_back=1000; B -> C, k=2".replace("; ", chr(10))
    >>> rates = find_rates(Network.parse(text), duration=1.0, volume=1000.0)
    >>> round(rates.followed, 2), round(rates.dying)
    (1.0, 2001)
    """
    equations = RateEquations(network)
    fastest, followed, dying = 0.0, 0.0, np.inf
    for concentrations in follow(equations, network.initial, np.linspace(0.0, duration, _LOOKS), volume):
        values = np.linalg.eigvals(equations.jacobian(concentrations))
        values = values[np.abs(values) > _STILL / duration]
        below, above = _split(values[np.argsort(np.abs(values))])
        fastest, followed = max(fastest, *np.abs(values), 0.0), max(followed, below)
        dying = min(dying, above)
    return Rates(followed, dying) if _GAP * followed <= dying < np.inf else Rates(fastest, np.inf)


def _split(values: NDArray[np.complex128]) -> tuple[float, float]:
    """The rates on either side of the widest gap, or the fastest and infinity; eigenvalues come in their order."""
    sizes = np.abs(values)
    if not len(sizes):
        return 0.0, np.inf
    dying = [bool((values[place:].real < 0).all()) for place in range(1, len(values))]
    gaps = np.where(dying, sizes[1:] / sizes[:-1], 0.0)
    if not len(gaps) or gaps.max() < _GAP:
        return float(sizes[-1]), np.inf
    widest = int(gaps.argmax())
    return float(sizes[widest]), float(sizes[widest + 1])
