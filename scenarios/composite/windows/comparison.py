"""The conditions at the sides beside each other, on a medium whose tensor is known."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from scenarios.composite.windows.conditions import dirichlet, neumann, periodic
from scenarios.composite.windows.oversampling import oversampled
from scenarios.composite.windows.resonance import exact_resonance, resonance
from scenarios.composite.windows.window import Window

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["compare_conditions"]

_EXACT = 1.5 * np.sqrt(3.0)  # K_xx of the waves below, <1/alpha>^-1 <beta>
_AROUND = 1  # periods around the inner rectangle


def compare_conditions(sizes: Sequence[float], elements: int = 12) -> pd.DataFrame:
    """Square windows of k = (2 + cos 2 pi x)(1.5 + sin 2 pi y), and strips of k = 1/(2 + cos 2 pi x).

    Of the former K_xx = 1.5 sqrt(3), of the latter 1/2 and the error of every strip are known exactly. Windows of
    whole periods show what the sides cost, others also what a cut period costs, which oversampling does not mend.

    Parameters
    ----------
    sizes
        Sides of the windows in periods, at least 1, multiples of 1/``elements``.
    elements
        Along a period.

    Returns
    -------
    A row a window: ``boundary`` (dirichlet, neumann, periodic, oversampled with a period around; strip), ``periods``,
    ``conductivity`` in W/(m K), relative ``error``, ``exact_error`` (nan where none is known).

    Examples
    --------
    >>> table = compare_conditions([1.0], elements=8).set_index("boundary")
    >>> [str(name) for name in table["conductivity"].sort_values().index]
    ['strip', 'neumann', 'periodic', 'oversampled', 'dirichlet']
    """
    import pandas as pd

    rows = []
    for size in sizes:
        window = _window(0.0, size, elements)
        answers = {
            "dirichlet": dirichlet(window),
            "neumann": neumann(window),
            "periodic": periodic(window),
            "oversampled": oversampled(_window(-_AROUND, size + _AROUND, elements), [[0.0, 0.0], [size, size]]),
        }
        for boundary, answer in answers.items():
            conductivity = float(answer.tensor[0, 0])
            rows.append((boundary, size, conductivity, conductivity / _EXACT - 1.0, np.nan))
        error = float(resonance([size], elements)[0])
        rows.append(("strip", size, 0.5 * (1 + error), error, float(exact_resonance(size))))
    return pd.DataFrame(rows, columns=["boundary", "periods", "conductivity", "error", "exact_error"])


def _window(start: float, end: float, elements: int) -> Window:
    import skfem

    lines = np.linspace(start, end, round((end - start) * elements) + 1)
    return Window(
        skfem.MeshTri.init_tensor(lines, lines),
        lambda x, y: (2 + np.cos(2 * np.pi * x)) * (1.5 + np.sin(2 * np.pi * y)),
        period=(1.0, 1.0),
    )
