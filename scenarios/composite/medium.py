"""The microstructure that settings name."""

from __future__ import annotations

from math import radians

import numpy as np

from scenarios.composite import exact
from scenarios.composite.micrograph import draw_micrograph
from scenarios.composite.microstructures import (
    Checkerboard,
    Cylinders,
    Ellipses,
    Image,
    Laminate,
    Microstructure,
    RandomDisks,
)
from scenarios.composite.microstructures.checkerboard import grading_for
from scenarios.composite.settings import Settings

__all__ = ["allowed_error", "elements_of", "exact_tensor", "isotropic", "microstructure_of", "realisation"]

_STEEPEST = 8.0  # grading of a checkerboard that leaves its finest elements above rounding
_DEFAULT = 16  # elements along a period
_ROUND_OFF = 1e-10
_TURNS = ("laminate", "ellipses")


def realisation(seed: int, number: int) -> int:
    """The seed of a realisation, which no other run and no other number has."""
    return int(np.random.SeedSequence(seed, spawn_key=(number,)).generate_state(1, np.uint64)[0])


def microstructure_of(settings: Settings, number: int = 0) -> Microstructure:
    """One period of it; of random disks the realisation of a number.

    Raises
    ------
    ValueError
        For a volume fraction beyond touching, an image that cannot be read, or an angle that nothing can be turned by.
    """
    share, angle = settings.volume_fraction, radians(settings.angle)
    if settings.angle and settings.microstructure not in _TURNS:
        raise ValueError(
            f"`angle` turns layers and ellipses: got angle={settings.angle:g} with "
            f"microstructure={settings.microstructure}. Leave it at 0."
        )
    match settings.microstructure:
        case "laminate":
            return Laminate(share, angle)
        case "cylinders":
            return Cylinders(share)
        case "ellipses":
            return Ellipses(share, settings.aspect, angle)
        case "checkerboard":
            wanted = min(grading_for(settings.conductivities, settings.degree), _STEEPEST)
            return Checkerboard(wanted if settings.grading is None else settings.grading)
        case "random_disks":
            return RandomDisks(share, settings.disks, realisation(settings.seed, number))
        case "image":
            return (
                Image(draw_micrograph(seed=settings.seed + 1)) if settings.image is None else Image.read(settings.image)
            )


def elements_of(settings: Settings) -> int:
    """Elements along a period; a pixel of an image is always one."""
    return 1 if settings.microstructure == "image" else settings.refinement or _DEFAULT


def allowed_error(settings: Settings) -> float:
    """What the conductivity may be wrong by, relative: known beforehand, by the elements' degree and number.

    Layers are exact; cylinders err by 10^-4 with 16 quadratic elements along a period and fall with the fourth power,
    by 10^-2 and the second with linear ones; a checkerboard of contrast 10 by 10^-3 and the fourth.
    """
    coarser = _DEFAULT / elements_of(settings)
    match settings.microstructure:
        case "laminate":
            return _ROUND_OFF
        case "cylinders":
            return 1e-4 * coarser**4 if settings.degree == 2 else 1e-2 * coarser**2
        case _:
            return 1e-3 * coarser**4 if settings.degree == 2 else 1e-2 * coarser**2


def isotropic(settings: Settings) -> bool:
    """Whether it conducts alike in all directions, exactly or in the mean over realisations."""
    return settings.microstructure in ("cylinders", "checkerboard", "random_disks")


def exact_tensor(settings: Settings, conductivities: tuple[float, float]) -> tuple[float, float, float, str] | None:
    """K_xx, K_xy, K_yy in W/(m K) and their source, where they are known without the cell problem."""
    share = settings.volume_fraction
    match settings.microstructure:
        case "laminate":
            tensor = exact.laminate(conductivities, share, radians(settings.angle))
            return float(tensor[0, 0]), float(tensor[0, 1]), float(tensor[1, 1]), "Wiener 1912, closed form"
        case "cylinders":
            value = exact.cylinders(conductivities, share)
            return value, 0.0, value, "multipoles, Perrins, McKenzie & McPhedran 1979"
        case "checkerboard":
            value = exact.checkerboard(conductivities)
            return value, 0.0, value, "Keller 1964, geometric mean"
        case _:
            return None
