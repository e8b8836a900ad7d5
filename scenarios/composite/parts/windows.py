"""Windows of media without a period: what the conditions at their sides cost."""

from __future__ import annotations

import numpy as np

import eqfree as ef
from eqfree.results import Relation
from eqfree.scenario import Context
from scenarios.composite.medium import microstructure_of
from scenarios.composite.microstructures import Image
from scenarios.composite.settings import Settings
from scenarios.composite.windows import Window, compare_conditions, dirichlet, exact_resonance, neumann, resonance
from scenarios.part import Part

__all__ = ["run_windows"]

_PUBLISHED = (1.25, 4.25, 16.25)  # sizes in periods at which the error is known in closed form
_FITTED = (1.25, 2.25, 4.25, 8.25, 16.25)
_WITHIN = 1e-3  # of the conductivity
_ORDER = 0.15
_ROUND_OFF = 1e-9


def run_windows(settings: Settings, context: Context) -> Part:
    """The apparent conductivity of windows over their size, under each condition, beside what is exact.

    Table ``composite_windows``. Of an image, the whole picture is a window too: values ``window_dirichlet_xx`` and
    ``window_neumann_xx`` enclose what it conducts.
    """
    sizes = [float(size) for size in settings.windows]
    table = compare_conditions(list(context.track(sizes, "windows")))
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
    values, enclosed = _of_image(settings)
    return Part(tables={"composite_windows": table}, values=values, checks=[*checks, *enclosed])


def _of_image(settings: Settings) -> tuple[dict[str, ef.Value], list[ef.Check]]:
    if settings.microstructure != "image":
        return {}, []
    image = microstructure_of(settings)
    assert isinstance(image, Image)
    window = Window.of_image(image, settings.conductivities)
    upper, lower = dirichlet(window), neumann(window)
    values = {
        "window_dirichlet_xx": ef.Value(float(upper.tensor[0, 0]), unit="W/(m K)"),
        "window_dirichlet_yy": ef.Value(float(upper.tensor[1, 1]), unit="W/(m K)"),
        "window_neumann_xx": ef.Value(float(lower.tensor[0, 0]), unit="W/(m K)"),
        "window_neumann_yy": ef.Value(float(lower.tensor[1, 1]), unit="W/(m K)"),
    }
    gap = np.linalg.eigvalsh((upper.tensor + upper.tensor.T - lower.tensor - lower.tensor.T) / 2)
    return values, [
        ef.Check(
            "image: Dirichlet less Neumann, smallest eigenvalue",
            float(gap.min()),
            0.0,
            _ROUND_OFF * float(upper.tensor.max()),
            "Huet 1990, energies of the same finite elements",
            Relation.AT_LEAST,
            "W/(m K)",
        )
    ]
