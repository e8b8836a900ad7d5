"""A micrograph drawn by chance: the example picture of a material that has separated into two phases."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

__all__ = ["draw_micrograph", "write_micrograph"]

_GREY = np.array([70, 190], dtype=np.uint8)  # of the matrix and the inclusion


def draw_micrograph(
    size: tuple[int, int] = (200, 200), volume_fraction: float = 0.55, grain: float = 12.0, seed: int = 1
) -> NDArray[np.bool_]:
    """Pixels (row, column) of a picture in which the brightest part of a smooth random field is the inclusion.

    The field is a sum of waves of one length and random directions and phases (Cahn's picture of spinodal
    decomposition), so that the phases are interwoven; it goes on periodically.

    Parameters
    ----------
    size
        Pixels across and up.
    volume_fraction
        Share of the inclusion, met to a pixel.
    grain
        Length of the waves, in pixels: twice the width of a vein.
    seed
        Of the waves.

    Raises
    ------
    ValueError
        If the fraction is not between 0 and 1, or the waves do not fit between two pixels and half a picture.

    References
    ----------
    J. W. Cahn, J. Chem. Phys. 42 (1965) 93, doi:10.1063/1.1695731.

    Examples
    --------
    >>> pixels = draw_micrograph((40, 30), volume_fraction=0.4, seed=2)
    >>> pixels.shape, float(pixels.mean())
    ((30, 40), 0.4)
    """
    columns, rows = size
    if not 0 < volume_fraction < 1:
        raise ValueError(f"`volume_fraction` must be between 0 and 1: got {volume_fraction:g}.")
    if not 2 <= grain <= min(size) / 2:
        raise ValueError(f"`grain` must be from 2 pixels to half the picture: got {grain:g} of {columns} x {rows}.")
    across, up = np.fft.fftfreq(columns)[None], np.fft.fftfreq(rows)[:, None]
    ring = np.exp(-0.5 * ((np.hypot(across, up) * grain - 1) / 0.15) ** 2)  # wave numbers around 1/grain
    noise = np.random.default_rng(seed).normal(size=(rows, columns))
    field = np.fft.ifft2(np.fft.fft2(noise) * ring).real
    pixels = np.zeros(field.size, dtype=np.bool_)
    pixels[np.argsort(field, axis=None)[field.size - round(volume_fraction * field.size) :]] = True
    return pixels.reshape(field.shape)


def write_micrograph(path: str | Path, pixels: NDArray[np.bool_] | None = None) -> Path:
    """Write a picture of two greys, the inclusion bright, as PNG; by default the micrograph of `draw_micrograph`.

    Returns the path. `scenarios.composite.microstructures.Image.read` reads it.
    """
    import PIL.Image

    path = Path(path)
    pixels = draw_micrograph() if pixels is None else np.asarray(pixels, dtype=np.bool_)
    PIL.Image.fromarray(_GREY[pixels.astype(np.intp)]).save(path, format="PNG")
    return path
