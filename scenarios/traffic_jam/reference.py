"""The travelling waves of the default ring, from an independent solution of their boundary-value problem.

τ x'' + x' = v0 (tanh(Δx - h) + tanh h) for 60 cars on a ring of length 60 with h = 1.2 and 1/τ = 1.7: the ring of
Marschler, Sieber, Berkemer, Kawamoto & Starke, SIAM J. Appl. Dyn. Syst. 13 (2014) 1202. A wave of headways h(n + c t)
solves a boundary-value problem in one variable, periodic over the ring; it was solved with two nodes a car, and
followed in v0, by a program that has nothing in common with this one.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from scenarios.traffic_jam.settings import Settings

__all__ = ["CURVE", "FOLD", "FOLD_SPEED", "NOISE", "NOISY_FOLD", "SOURCE", "applies", "distances", "exact_spread"]

SOURCE = "travelling-wave boundary-value problem"
FOLD = (0.8799665349337735, 0.12303914193010404)  #: v0, σ
FOLD_SPEED = 0.8566978655569082  #: of the wave, in cars per time, against the way of the cars
CURVE = np.array(
    [
        [0.02, 0.8865542630422594],
        [0.04, 0.8850604959800071],
        [0.06, 0.8832111659302614],
        [0.08, 0.8815723680880319],
        [0.10, 0.88044260820161],
        [0.12, 0.8799749472707526],
        [0.14, 0.8802288048414506],
        [0.16, 0.8811990202528656],
        [0.18, 0.8828365855196135],
        [0.20, 0.8850672453609977],
        [0.25, 0.8927210126913464],
    ]
)  #: σ, v0


_POINTS = {"profile": 20, "sigma": 50}  # with fewer, a carried profile is off by more, as is what lies between points
NOISE = 3e-3  #: of the accelerations, for which the fold over σ is known
NOISY_FOLD = (0.8799683, 1.2e-5)
"""v0 of the fold over σ under that noise, and its standard error, for a population lifted near the noise-free fold.

From 2 sets of 3200 populations with other random numbers (seed 1000), healing and horizon 400: 100 times the replicas
of the default.
"""


def applies(settings: Settings) -> bool:
    """Whether the settings are those of the default ring without noise, and ask for enough points.

    >>> applies(Settings()), applies(Settings(cars=50))
    (True, False)
    """
    usual = Settings(coarse=settings.coarse)
    ring = ("cars", "length", "headway_offset", "inverse_tau", "noise")
    enough = _POINTS[settings.coarse]
    return settings.points >= enough and all(getattr(settings, name) == getattr(usual, name) for name in ring)


def exact_spread(v0: float) -> float:
    """σ of the stable jam at a v0 between the fold and the largest of the curve.

    >>> exact_spread(0.8811990202528656)
    0.16
    """
    from scipy.interpolate import CubicSpline
    from scipy.optimize import brentq

    spline = CubicSpline(CURVE[:, 0], CURVE[:, 1])
    return float(round(brentq(lambda sigma: float(spline(sigma)) - v0, FOLD[1], CURVE[-1, 0]), 9))


def distances(sigma: NDArray[np.float64], v0: NDArray[np.float64]) -> NDArray[np.float64]:
    """How far a branch is from the curve in v0, at the curve's σ that it reaches, (place, 2) with σ.

    >>> bool(distances(CURVE[::-1, 0], CURVE[::-1, 1])[:, 1].max() < 1e-12)
    True
    """
    from scipy.interpolate import CubicSpline

    order = np.argsort(sigma)
    reached = CURVE[(sigma.min() <= CURVE[:, 0]) & (sigma.max() >= CURVE[:, 0])]
    told = CubicSpline(sigma[order], v0[order])(reached[:, 0])
    return np.column_stack((reached[:, 0], np.abs(told - reached[:, 1])))
