"""What a window costs that does not hold whole periods, where it is known exactly."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from scenarios.composite.windows.conditions import strip
from scenarios.composite.windows.window import Window

__all__ = ["exact_resonance", "resonance"]


def resonance(ratios: Sequence[float], elements: int = 16, degree: int = 2) -> NDArray[np.float64]:
    """Relative errors (ratio,) of strips that hold so many periods of k = 1/(2 + cos 2 pi x), whose k* is 1/2.

    Parameters
    ----------
    ratios
        Length of the strip in periods, delta/epsilon, at least 1.
    elements
        Along a period, about.
    degree
        Of the elements, 1 or 2.

    Examples
    --------
    >>> abs(resonance([1.25]) - exact_resonance([1.25])).max() < 1e-5
    np.True_
    """
    import skfem

    errors = []
    for ratio in ratios:
        lines = np.linspace(0.0, ratio, int(np.ceil(elements * ratio)) + 1), np.linspace(0.0, 1.0, 2)
        window = Window(
            skfem.MeshQuad.init_tensor(*lines),
            lambda x, y: 1.0 / (2.0 + np.cos(2 * np.pi * x)),
            degree,
            period=(1.0, 0.0),
        )
        errors.append(strip(window) / 0.5 - 1.0)
    return np.array(errors)


def exact_resonance(ratios: ArrayLike) -> NDArray[np.float64]:
    """The errors exactly: the strip conducts like its layers in series, 1/k_delta = 2 + sin(2 pi r)/(2 pi r).

    Examples
    --------
    >>> exact_resonance([1.25, 4.25]).round(5)
    array([-0.05985, -0.01838])
    """
    turns = 2 * np.pi * np.asarray(ratios, dtype=np.float64)
    return np.asarray(-np.sin(turns) / (2 * turns + np.sin(turns)))
