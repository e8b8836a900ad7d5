"""The unknown right-hand side, for any method that integrates one."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from eqfree.ensemble import Key
from eqfree.projective.bursts import check_healing
from eqfree.projective.estimators import Chord, Estimate, Estimator
from eqfree.projective.feasible import Region
from eqfree.projective.slopes import corrected
from eqfree.stepper import CoarseTimeStepper

__all__ = ["as_rhs"]

Array: TypeAlias = NDArray[np.float64]


def as_rhs(
    stepper: CoarseTimeStepper,
    burst: float,
    correct: bool = True,
    estimator: Estimator | None = None,
    key: Key = (),
    shape: tuple[int, ...] | None = None,
) -> Callable[[float, ArrayLike], Array]:
    """The slope of the macro state as ``f(t, y)``, for `scipy.integrate.solve_ivp` and its like.

    The same key in every call: with the same random numbers the slope is a smooth function of ``y``, as such methods
    need, and the error that the noise makes does not show in their error estimate. Repeat the integration under
    another key to see it.

    A state that no population has, as integrators ask of, has the slope of the nearest one: see `solve_projective`.

    *How to choose.* ``correct``: always, unless the burst is so short that O(burst) is a good error: uncorrected slopes
    are those of a later time. The integrator's tolerance: not below burst², which correction leaves. Explicit methods
    take steps as long as the slow motion allows; fast motion dies in the bursts alone, so a method that looks at the
    fast part of its error, or an implicit one, gains nothing.

    Parameters
    ----------
    stepper
        The coarse time-stepper.
    burst
        How long each burst is.
    correct
        Whether to burst, go back twice the length along the slope, and burst again: see `Corrected`.
    estimator
        How the slope is had from the burst; `Chord` by default.
    key
        Which noise.
    shape
        Of the macro state, where it is no vector; ``y`` and the slope are flat.

    Raises
    ------
    ValueError
        If healing leaves nothing of the burst.

    References
    ----------
    C. W. Gear, T. J. Kaper, I. G. Kevrekidis and A. Zagaris, SIAM J. Appl. Dyn. Syst. 4 (2005) 711,
    doi:10.1137/040608295.

    Examples
    --------
    >>> import eqfree as ef
    >>> from scipy.integrate import solve_ivp
    >>> decay = ef.micro_model(lambda u, rng: u, lambda u, t, rng: u * np.exp(-t), lambda u: u, deterministic=True)
    >>> slope = as_rhs(ef.CoarseTimeStepper(decay), burst=0.001)
    >>> round(float(solve_ivp(slope, (0.0, 1.0), [1.0]).y[0, -1] * np.e), 3)
    1.001
    """
    estimator = estimator or Chord()
    check_healing(burst, stepper.healing)
    times = estimator.times(stepper.healing, burst)

    @cache
    def region(size: tuple[int, ...]) -> Region:
        return Region.of(stepper, size)

    def look(macro: Array, time: float, part: int = 0) -> Estimate:
        feasible = region(macro.shape[1:]).restore(macro).macro
        bursts = stepper.at(time).bursts(list(feasible), times, [(*key, part)], estimator.observe)
        return estimator.estimate(bursts)

    def slope(time: float, state: ArrayLike) -> Array:
        flat = np.asarray(state, dtype=np.float64)
        macro = flat.reshape(1, *(flat.shape if shape is None else shape))
        estimate = corrected(look, macro, float(time)) if correct else look(macro, float(time))
        return np.ravel(estimate.slope)

    return slope
