"""Windows of media without a period: what the conditions at their sides cost."""

from __future__ import annotations

import numpy as np
import pandas as pd

import eqfree as ef
from eqfree.results import Relation
from eqfree.scenario import Context
from scenarios.composite.medium import microstructure_of
from scenarios.composite.microstructures import Image
from scenarios.composite.settings import Settings
from scenarios.composite.windows import (
    Window,
    compare_conditions,
    dirichlet,
    exact_resonance,
    neumann,
    periodic,
    resonance,
)
from scenarios.part import Part, join

__all__ = ["run_windows"]

_PUBLISHED = (1.25, 4.25, 16.25)  # sizes in periods at which the error is known in closed form
_FITTED = (1.25, 2.25, 4.25, 8.25, 16.25)
_WITHIN = 1e-4  # of the conductivity
_ORDER = 0.15
_CUT = (4, 2, 1)  # windows along a side
_SMALLEST = 8  # pixels along a window
_HUET = "Huet 1990, on the same finite elements"
_AT_LEAST = Relation.AT_LEAST


def run_windows(settings: Settings, context: Context) -> Part:
    """The apparent conductivity of windows over their size, under each condition.

    Of an image it is that of windows that are cut out of it, otherwise that of a medium whose conductivity is known.
    Table ``composite_windows``.
    """
    measured = resonance(_FITTED)
    order = -float(np.polyfit(np.log(_FITTED), np.log(np.abs(measured)), 1)[0])
    checks = [
        ef.Check(
            f"resonance error of a strip of {size:g} periods",
            float(measured[_FITTED.index(size)]),
            float(exact_resonance(size)),
            _WITHIN,
            "1/(2 + cos), layers in series",
        )
        for size in _PUBLISHED
    ]
    checks.append(ef.Check("order of the resonance error", order, 1.0, _ORDER, "(period/size)^1, Dirichlet"))
    if settings.microstructure == "image":
        return join([Part({}, {}, checks), _of_image(settings, context)])
    table = pd.concat(
        [compare_conditions([float(size)]) for size in context.track(settings.windows, "windows")], ignore_index=True
    )
    note = "Windows are those of (2 + cos 2πx)(1.5 + sin 2πy) W/(m K), and strips those of 1/(2 + cos 2πx)."
    return Part({"composite_windows": table}, {}, checks, notes=[note])


def _of_image(settings: Settings, context: Context) -> Part:
    """Halves of halves of the picture, each under all conditions; the mean over those of one size."""
    image = microstructure_of(settings)
    assert isinstance(image, Image)
    runs = np.diff(image.upwards(), axis=0, prepend=0, append=0).clip(min=0).sum()
    period = image.size[0] * image.size[1] / max(int(runs), 1)  # mean distance from one inclusion to the next, pixels
    rows, whole = [], dict[str, float]()
    for parts in context.track([part for part in _CUT if min(image.size) // part >= _SMALLEST], "windows"):
        cut = _cut(image, parts)
        for name, conditions in (("dirichlet", dirichlet), ("neumann", neumann), ("periodic", periodic)):
            told = [conditions(Window.of_image(one, settings.conductivities)).tensor[0, 0] for one in cut]
            rows.append((name, image.size[0] / parts / period, float(np.mean(told)), np.nan, np.nan))
            whole[name] = float(np.mean(told))
    table = pd.DataFrame(rows, columns=["boundary", "periods", "conductivity", "error", "exact_error"])
    table["error"] = table["conductivity"] / whole["periodic"] - 1
    return Part(
        {"composite_windows": table},
        {f"window_{name}_xx": ef.Value(value, unit="W/(m K)") for name, value in whole.items()},
        [
            ef.Check(f"image: {more} less {less}", whole[more] - whole[less], 0.0, 0.0, _HUET, _AT_LEAST, "W/(m K)")
            for more, less in (("dirichlet", "periodic"), ("periodic", "neumann"))
        ],
        notes=[
            f"Windows are cut out of the image, of linear elements as large as pixels; {period:.3g} pixels apart are "
            "inclusions. The whole picture lies between its windows' Neumann and Dirichlet values."
        ],
    )


def _cut(image: Image, parts: int) -> list[Image]:
    columns, rows = (size // parts for size in image.size)
    cut = [
        image.pixels[up * rows : (up + 1) * rows, right * columns : (right + 1) * columns]
        for up in range(parts)
        for right in range(parts)
    ]
    return [Image(pixels) for pixels in cut if pixels.any() and not pixels.all()]
