"""A larger window is solved and only its inside is read."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from scenarios.composite.windows.conditions import Apparent, apparent_from, dirichlet_temperature
from scenarios.composite.windows.window import Window

__all__ = ["oversampled"]


def oversampled(window: Window, inner: ArrayLike) -> Apparent:
    """Dirichlet conditions on the window; flux and gradient are averaged over an inner rectangle only.

    The conditions disturb the field within about a correlation length of the sides; what is inside does not see them.
    The other part of the error stays: an inner rectangle that cuts a period has the wrong contents. In a medium that
    varies in one direction nothing is gained at all, since the flux is the same everywhere. So: as many whole periods
    as possible inside, and a correlation length or two around them.
    Neither does Hill's identity hold, nor are the tensor's symmetry or a bound guaranteed.

    Parameters
    ----------
    window
        The larger window.
    inner : (2, 2)
        Lower left and upper right corner of the inner rectangle (m), whose sides must be edges of the mesh.

    Raises
    ------
    ValueError
        If the inner rectangle leaves the window, is smaller than a period, or its sides are no edges of the mesh.

    References
    ----------
    T. Y. Hou and X. H. Wu, J. Comput. Phys. 134 (1997) 169, doi:10.1006/jcph.1997.5682.

    Examples
    --------
    >>> import skfem
    >>> window = Window(skfem.MeshTri().refined(3), lambda x, y: 2 + 0 * x)
    >>> round(float(oversampled(window, [[0.25, 0.25], [0.75, 0.75]]).tensor[0, 0]), 12)
    2.0
    """
    low, high = np.asarray(inner, dtype=np.float64)
    close = 1e-9 * window.sides.max()
    if (low < window.corners[0] - close).any() or (high > window.corners[1] + close).any() or (high <= low).any():
        raise ValueError(
            f"`inner` must be lower left and upper right corner of a rectangle in the window: got {low} and {high} in "
            f"{window.corners[0]} to {window.corners[1]}."
        )
    window.refuse_part_of_a_period(high - low)
    middle = window.mesh.p[:, window.mesh.t].mean(axis=1).T
    elements = np.flatnonzero(((middle > low) & (middle < high)).all(axis=1))
    covered = float(window.basis.dx[elements].sum())
    if abs(covered / float(np.prod(high - low)) - 1) > 1e-9:
        raise ValueError(
            f"The sides of `inner` must be edges of the mesh: its elements cover {covered:g} of "
            f"{np.prod(high - low):g} m². Move it, or mesh the window so."
        )
    return apparent_from(window, window.moments(elements), dirichlet_temperature(window))
