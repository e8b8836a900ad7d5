"""A rectangle cut out of a medium, and its finite elements."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from scenarios.composite.microstructures.image import Image

__all__ = ["Moments", "Window"]

Conductivity = Callable[[NDArray[np.float64], NDArray[np.float64]], NDArray[np.float64]]

_CLOSE = 1e-9  # of the window's diameter: places that are the same


@dataclass(frozen=True, eq=False)
class Moments:
    """What the averages of a finite element function v over a part of a window are made of.

    Attributes
    ----------
    stiffness : sparse (unknown, unknown)
        Of <k grad u . grad v>.
    gradient : (unknown, 2)
        Of <grad v>.
    """

    stiffness: Any
    gradient: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Window:
    """A rectangle of a medium, with a mesh.

    *How to choose.* Where the conductivity jumps, edges of the mesh should follow the jump; inside an element it is
    read at Gauss points and should be smooth. ``degree=2`` wherever the mesh fits.

    Attributes
    ----------
    mesh
        scikit-fem's MeshTri or MeshQuad of a rectangle (m).
    conductivity
        ``conductivity(x, y)``, of arrays of any shape, in W/(m K), positive.
    degree
        Of the elements, 1 or 2.
    period : (2,), optional
        Lengths over which the medium repeats itself in x and y, where that is known; 0 where it does not vary (m).

    Raises
    ------
    ValueError
        If the mesh does not fill a rectangle, the window is smaller than a period, the degree is another, or the
        conductivity is not positive and finite everywhere.

    Examples
    --------
    >>> import skfem
    >>> window = Window(skfem.MeshTri().refined(2), lambda x, y: 1 + x)
    >>> window.unknowns
    81
    """

    mesh: Any
    conductivity: Conductivity
    degree: int = 2
    period: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        if self.degree not in (1, 2):
            raise ValueError(f"`degree` must be 1 or 2: got {self.degree}.")
        if self.period is not None:
            self.refuse_part_of_a_period(self.sides)
        if abs(float(self.basis.dx.sum()) / float(np.prod(self.sides)) - 1) > 1e-9:
            raise ValueError(
                f"`mesh` must fill a rectangle: got {self.basis.dx.sum():g} m² in a box of {np.prod(self.sides):g} m²."
            )
        values = self._values
        if values.shape != self.basis.dx.shape or not (np.isfinite(values).all() and (values > 0).all()):
            raise ValueError(
                "`conductivity` must be positive and finite, one value for each place: got shape "
                f"{values.shape} for {self.basis.dx.shape}, least {values.min():g} W/(m K)."
            )

    @classmethod
    def of_image(cls, image: Image, conductivities: tuple[float, float], refinement: int = 1, degree: int = 1) -> Self:
        """The whole picture as a window, without its periodic continuation; lengths are in pixels.

        Parameters
        ----------
        image
            Two phases by pixels.
        conductivities
            Of the matrix and the inclusion, in W/(m K).
        refinement
            Elements along the side of a pixel.
        degree
            Of the elements, 1 or 2.
        """
        mesh, _ = image.mesh(refinement)
        table, phases = np.asarray(conductivities, dtype=np.float64), image.upwards()
        return cls(mesh, lambda x, y: table[phases[x.astype(np.int64), y.astype(np.int64)]], degree)

    @cached_property
    def corners(self) -> NDArray[np.float64]:
        """Lower left and upper right corner, (2, 2) (m)."""
        return np.array([self.mesh.p.min(axis=1), self.mesh.p.max(axis=1)])

    @property
    def sides(self) -> NDArray[np.float64]:
        """Width and height (m)."""
        return np.asarray(self.corners[1] - self.corners[0])

    @cached_property
    def basis(self) -> Any:
        """scikit-fem's basis of the elements."""
        import skfem

        elements = {
            3: {1: skfem.ElementTriP1, 2: skfem.ElementTriP2},
            4: {1: skfem.ElementQuad1, 2: skfem.ElementQuad2},
        }[len(self.mesh.t)]
        return skfem.Basis(self.mesh, elements[self.degree](), intorder=2 * self.degree + 2)

    @property
    def unknowns(self) -> int:
        """Degrees of freedom, before conditions at the sides."""
        return int(self.basis.N)

    @property
    def places(self) -> NDArray[np.float64]:
        """Of the degrees of freedom, (unknown, 2) (m); also the coefficients of the functions x and y."""
        return np.asarray(self.basis.doflocs.T)

    @cached_property
    def whole(self) -> Moments:
        """Averages over the window."""
        return self.moments(np.arange(self.mesh.nelements))

    @cached_property
    def _values(self) -> NDArray[np.float64]:
        return np.asarray(self.conductivity(*np.asarray(self.basis.global_coordinates())), dtype=np.float64)

    def moments(self, elements: NDArray[np.int64]) -> Moments:
        """Averages over some elements."""
        import skfem

        part = self.basis.with_elements(elements)
        area = float(part.dx.sum())
        k = self._values[elements]
        stiffness = skfem.BilinearForm(lambda u, v, w: w.k * (u.grad[0] * v.grad[0] + u.grad[1] * v.grad[1]))
        slopes = [skfem.LinearForm(lambda v, w, axis=axis: v.grad[axis]) for axis in (0, 1)]
        gradient = np.column_stack([slope.assemble(part) for slope in slopes])
        return Moments(stiffness.assemble(part, k=k).tocsr() / area, gradient / area)

    def on_side(self, axis: int, end: int) -> NDArray[np.int64]:
        """Degrees of freedom on a side: ``axis`` 0 is left and right, 1 bottom and top; ``end`` 0 or 1."""
        distance = np.abs(self.places[:, axis] - self.corners[end, axis])
        return np.flatnonzero(distance < _CLOSE * self.sides.max())

    def refuse_part_of_a_period(self, sides: NDArray[np.float64]) -> None:
        """Raise a ValueError if a rectangle of these sides (2,) is smaller than the medium's period."""
        if self.period is not None and (sides < np.asarray(self.period) * (1 - _CLOSE)).any():
            raise ValueError(
                f"A window must not be smaller than a period: got {sides[0]:g} x {sides[1]:g} m and a period of "
                f"{self.period[0]:g} x {self.period[1]:g} m. Enlarge the window."
            )
