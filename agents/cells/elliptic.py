"""The linear equation of an implicit step of diffusion on a grid of boxes, whose loss differs from box to box."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.fft import dct, dst, fft, idct, idst
from scipy.linalg import solveh_banded

__all__ = ["Ends", "between", "solve"]

Array = NDArray[np.float64]

Ends = Literal["closed", "held", "closed-held", "held-closed", "periodic"]

_COSINES: dict[str, tuple[Literal[2, 4], float]] = {"closed": (2, 0.0), "closed-held": (4, 0.5)}  # type, shift
_SINES: dict[str, tuple[Literal[2, 4], float]] = {"held": (2, 1.0), "held-closed": (4, 0.5)}
_MOST = 2000  # iterations


def between(field: Array, axis: int, ends: Ends) -> Array:
    """What is gained by exchange along an axis with neighbours, and with sides held at zero, in units of D / spacing².

    Between boxes it telescopes: over boxes that no side holds it sums to zero but for rounding.

    >>> between(np.array([0.0, 1.0, 4.0]), 0, "closed")
    array([ 1.,  2., -3.])
    >>> between(np.array([0.0, 1.0, 4.0]), 0, "held")
    array([  1.,   2., -11.])
    """
    along = np.moveaxis(field, axis, 0)
    gain = np.zeros_like(along)
    flow = np.diff(along, axis=0)
    gain[:-1] += flow
    gain[1:] -= flow
    if ends == "periodic":
        around = along[0] - along[-1]
        gain[-1] += around
        gain[0] -= around
    if ends in ("held", "held-closed"):
        gain[0] -= 2 * along[0]
    if ends in ("held", "closed-held"):
        gain[-1] -= 2 * along[-1]
    return np.moveaxis(gain, 0, axis)


def solve(
    loss: Array, exchange: float, ends: Sequence[Ends], source: Array, guess: Array, tolerance: float = 1e-10
) -> Array:
    """The field at which loss × field - exchange × (what is gained `between` boxes) is the source.

    The matrix is symmetric and positive definite. Along a line it is factorised; else the method of conjugate gradients
    is preconditioned by the equation with the mean loss, which cosine, sine and Fourier transforms solve exactly: the
    iterations do not grow with the grid, and one is enough where the loss is the same everywhere.

    Parameters
    ----------
    loss : (boxes along each axis)
        Not negative; with a side held, or positive in a box.
    exchange
        D / spacing².
    ends
        Of each axis.
    source, guess : (boxes along each axis)
        Right-hand side, and where the iteration begins.
    tolerance
        Norm of what is left over that of the source, or of the first guess's rest where there is no source.

    Raises
    ------
    RuntimeError
        If it does not get there, which takes losses that are apart by many orders of magnitude.

    References
    ----------
    Concus & Golub, SIAM J. Numer. Anal. 10 (1973) 1103, doi:10.1137/0710092.

    Examples
    --------
    >>> solve(np.ones(3), 1.0, ["closed"], np.ones(3), np.zeros(3))
    array([1., 1., 1.])
    """
    if source.ndim == 1 and ends[0] != "periodic":
        return _factorise(loss, exchange, ends[0], source)

    def apply(field: Array) -> Array:
        result = loss * field
        for axis, one in enumerate(ends):
            result -= exchange * between(field, axis, one)
        return result

    values = loss.mean() + exchange * _eigenvalues(source.shape, ends)
    field = guess.copy()
    rest = source - apply(field)
    goal = tolerance * (_size(source) or _size(rest))
    direction, before = np.zeros_like(field), 1.0
    for _ in range(_MOST):
        if _size(rest) <= goal:
            return field
        smoothed = _transform(_transform(rest, ends) / values, ends, back=True)
        now = float((rest * smoothed).sum())
        direction = smoothed + (now / before) * direction
        before = now
        image = apply(direction)
        length = now / float((direction * image).sum())
        field += length * direction
        rest -= length * image
    raise RuntimeError(
        f"The field was not found in {_MOST} iterations: losses between {loss.min():.3g} and {loss.max():.3g}, beside "
        f"an exchange of {exchange:.3g}. Are the boxes far too fine or an uptake far too large?"
    )


def _size(field: Array) -> float:
    """The norm; not by BLAS, whose threads change the last bits and wait for each other where others work, too."""
    return float(np.sqrt((field * field).sum()))


def _factorise(loss: Array, exchange: float, ends: Ends, source: Array) -> Array:
    band = np.empty((2, len(loss)))
    band[0] = -exchange
    band[1] = loss + 2 * exchange
    band[1, 0] += exchange if ends in ("held", "held-closed") else -exchange
    band[1, -1] += exchange if ends in ("held", "closed-held") else -exchange
    if len(loss) == 1:
        return np.asarray(source / band[1])
    return np.asarray(solveh_banded(band, source, check_finite=False))


def _eigenvalues(shape: Sequence[int], ends: Sequence[Ends]) -> Array:
    """Of minus the exchange in its units, at the place of each of the waves of `_transform`."""
    total = np.zeros(shape)
    for axis, (count, one) in enumerate(zip(shape, ends, strict=True)):
        waves = np.arange(count)
        if one == "periodic":
            angles = 2 * np.pi * waves / count
        else:
            angles = np.pi * (waves + (_COSINES | _SINES)[one][1]) / count
        sizes = (2 - 2 * np.cos(angles)).reshape([-1 if other == axis else 1 for other in range(len(shape))])
        total = total + sizes
    return total


def _transform(field: Array, ends: Sequence[Ends], *, back: bool = False) -> Array:
    """The waves that make up a field, or the field that waves make up; periodic ones are those of Hartley."""
    result: Any = field
    for axis, one in enumerate(ends):
        if one in _COSINES:
            result = (idct if back else dct)(result, type=_COSINES[one][0], axis=axis)
        elif one in _SINES:
            result = (idst if back else dst)(result, type=_SINES[one][0], axis=axis)
        else:
            waves = fft(result, axis=axis)
            result = (waves.real - waves.imag) / (field.shape[axis] if back else 1)
    return np.asarray(result)
