"""A picture of two phases as a microstructure: every pixel is an element."""

from __future__ import annotations

import warnings
from collections import deque
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from scenarios.composite.cell import Cell

__all__ = ["Image", "random_checkerboard"]

_MOST_PIXELS = 1_000_000
_HOW_TO_SHRINK = "Crop it, or make it smaller without smoothing (nearest neighbour)."
_PHASES = ("matrix", "inclusion")

Direction = Literal["x", "y"]


@dataclass(frozen=True, eq=False)
class Image:
    """Two phases by pixels; beyond its edges the picture goes on periodically.

    Opposite edges of a micrograph seldom match. The seams of the periodic continuation are then part of the medium,
    and their effect falls like the share of pixels at an edge.

    Attributes
    ----------
    pixels : (row, column), bool
        True is the inclusion. The first row is the top of the picture. Pixels are square; the picture need not be.

    Raises
    ------
    ValueError
        If the pixels are no such array, more than a million, or of one phase only.

    Examples
    --------
    >>> picture = Image([[True, False], [True, False]])
    >>> picture.volume_fraction, picture.percolates(1, "x"), picture.percolates(1, "y")
    (0.5, False, True)
    """

    pixels: NDArray[np.bool_]

    def __post_init__(self) -> None:
        pixels = np.array(self.pixels)
        if pixels.ndim != 2 or pixels.dtype != np.bool_ or pixels.size == 0:
            raise ValueError(
                "`pixels` must be a Boolean array of shape (row, column), True in the inclusion: "
                f"got shape {pixels.shape} of {pixels.dtype}. Threshold a grey picture first, say grey > 127."
            )
        _refuse_large(pixels.shape[1], pixels.shape[0], "`pixels`")
        if pixels.all() or not pixels.any():
            raise ValueError(
                f"`pixels` must have two phases: got {_PHASES[int(pixels.all())]} only. "
                "Take another section, or another threshold."
            )
        pixels.setflags(write=False)
        object.__setattr__(self, "pixels", pixels)

    @classmethod
    def read(cls, path: str | Path, invert: bool = False) -> Self:
        """The picture in a PNG file that has exactly two grey values: the brighter one is the inclusion.

        Parameters
        ----------
        path
            PNG file; colours are read as their luminance.
        invert
            The darker value is the inclusion.

        Raises
        ------
        ValueError
            If there is no such file, it is damaged or no PNG, transparent, larger than a million pixels (told by its
            header, nothing is unpacked), or has one grey value or more than two. Greys in between, as smoothing or
            JPEG leave them, are not guessed at: which phase such a pixel belongs to shifts the volume fraction.
        """
        grey = _read_grey(Path(path))
        values = np.unique(grey)
        if len(values) != 2:
            found = f"one grey value ({values[0]})" if len(values) == 1 else f"{len(values)} grey values"
            raise ValueError(
                f"An image must have two phases, that is exactly two grey values: got {found} in {path}. "
                "Threshold it first and save it as a PNG of black and white, without smoothing."
            )
        return cls((grey == values[1]) != invert)

    @property
    def volume_fraction(self) -> float:
        """Share of the pixels that are inclusion (1)."""
        return float(self.pixels.mean())

    @property
    def size(self) -> tuple[int, int]:
        """Pixels from left to right, and from bottom to top."""
        rows, columns = self.pixels.shape
        return columns, rows

    def upwards(self) -> NDArray[np.int64]:
        """Phases of the pixels, (column, row): 0 matrix, 1 inclusion; rows are counted from the bottom, as y is."""
        return self.pixels[::-1].T.astype(np.int64)

    def cell(self, refinement: int = 1) -> Cell:
        """The picture as a period: square elements, ``refinement`` along the side of a pixel.

        Raises
        ------
        ValueError
            If the refinement is no positive integer, or makes more than a million elements.
        """
        from scenarios.composite.cell import Cell

        columns, rows = self.size
        mesh, phase = self.mesh(refinement)
        return Cell(mesh.scaled((1 / columns, 1 / columns)), phase, sides=(1.0, rows / columns))

    def mesh(self, refinement: int = 1) -> tuple[Any, NDArray[np.int64]]:
        """scikit-fem's MeshQuad of the picture, lengths in pixels, and the phase (element,) of its elements.

        Raises
        ------
        ValueError
            If the refinement is no positive integer, or makes more than a million elements.
        """
        import skfem

        if refinement != int(refinement) or refinement < 1:
            raise ValueError(f"`refinement` must be a positive number of elements a pixel side: got {refinement}.")
        if self.pixels.size * refinement**2 > _MOST_PIXELS:
            raise ValueError(
                f"An image may have at most a million elements: got {self.size[0]} x {self.size[1]} pixels with "
                f"{refinement} elements along each. Lower `refinement`; 1 is the usual."
            )
        lines = [np.arange(count * int(refinement) + 1) / refinement for count in self.size]
        mesh = skfem.MeshQuad.init_tensor(*lines)
        column, row = mesh.p[:, mesh.t].mean(axis=1).astype(np.int64)
        return mesh, self.upwards()[column, row]

    def outline(self) -> list[NDArray[np.float64]]:
        """The inclusion as rectangles, one for each run of pixels in a row, (4, 2), in picture widths from the left.

        A picture higher than wide leaves the unit square, and a lower one does not fill it.
        """
        columns, _ = self.size
        rectangles = []
        for row, phases in enumerate(self.upwards().T):
            edges = np.flatnonzero(np.diff(phases, prepend=0, append=0))
            for start, end in edges.reshape(-1, 2):
                corners = [(start, row), (end, row), (end, row + 1), (start, row + 1)]
                rectangles.append(np.array(corners) / columns)
        return rectangles

    def percolates(self, phase: int, direction: Direction, periodic: bool = True) -> bool:
        """Whether the pixels of a phase connect, by their sides, across the picture.

        Parameters
        ----------
        phase
            0 the matrix, 1 the inclusion.
        direction
            "x" from left to right, "y" from bottom to top.
        periodic
            A path through the periodic continuation to the same pixel one or more periods further in that direction.
            Otherwise from one side of the picture to the other.
        """
        from scipy import ndimage

        if phase not in (0, 1) or direction not in ("x", "y"):
            raise ValueError(f"`phase` must be 0 or 1 and `direction` x or y: got {phase!r} and {direction!r}.")
        labels, count = ndimage.label(self.upwards() == phase)
        axis = "xy".index(direction)
        if not periodic:
            first, last = (np.take(labels, place, axis=axis) for place in (0, -1))
            return bool((np.intersect1d(first, last) > 0).any())
        return _winds(_seams(labels), count, axis)

    def connected_note(self, conductivities: tuple[float, float], periodic: bool = True) -> str:
        """A sentence that says whether the phase that conducts better connects left-right and bottom-top.

        Parameters
        ----------
        conductivities
            Of the matrix and the inclusion, in W/(m K).
        periodic
            As in `percolates`.
        """
        good = int(np.argmax(conductivities))
        share = self.volume_fraction if good else 1.0 - self.volume_fraction
        subject = f"The better conducting phase ({_PHASES[good]}, {share:.1%}) connects"
        across, along = (self.percolates(good, direction, periodic) for direction in ("x", "y"))
        if across and along:
            return f"{subject} left-right and bottom-top."
        if across or along:
            way, other = ("left-right", "bottom-top") if across else ("bottom-top", "left-right")
            return f"{subject} {way} but not {other}, where the poor phase governs."
        return f"{subject} neither left-right nor bottom-top: the poor phase governs."


def random_checkerboard(count: int, seed: int, volume_fraction: float = 0.5) -> Image:
    """Square tiles, ``count`` along a side, each inclusion with a given probability whatever the others are.

    At one half the phases can be interchanged, so that in two dimensions the mean of ln det K over the realisations
    is ln(k_matrix k_inclusion) for *any* number of tiles, and K tends to sqrt(k_matrix k_inclusion).

    Raises
    ------
    ValueError
        If all tiles came out alike, or the probability is not between 0 and 1.

    References
    ----------
    A. M. Dykhne, Sov. Phys. JETP 32 (1971) 63; K. S. Mendelson, J. Appl. Phys. 46 (1975) 917 (K of a plane medium
    and of the one with phases interchanged).

    Examples
    --------
    >>> random_checkerboard(8, seed=1).size
    (8, 8)
    """
    if not 0 < volume_fraction < 1:
        raise ValueError(f"`volume_fraction` must be between 0 and 1: got {volume_fraction:g}.")
    return Image(np.random.default_rng(seed).random((count, count)) < volume_fraction)


def _refuse_large(columns: int, rows: int, name: str) -> None:
    if columns * rows > _MOST_PIXELS:
        raise ValueError(
            f"An image may have at most a million pixels: got {columns} x {rows} in {name}. {_HOW_TO_SHRINK}"
        )


def _read_grey(path: Path) -> NDArray[Any]:
    """Grey values of a PNG file, (row, column)."""
    import PIL.Image

    if not path.is_file():
        raise ValueError(f"An image must be a PNG file: there is no file {path}.")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", PIL.Image.DecompressionBombWarning)  # our own limit is lower
            with PIL.Image.open(path, formats=["PNG"]) as picture:
                _refuse_large(*picture.size, str(path))
                return _grey(picture, path)
    except PIL.Image.DecompressionBombError:
        raise ValueError(
            f"An image may have at most a million pixels: got far more in {path}. {_HOW_TO_SHRINK}"
        ) from None
    except PIL.UnidentifiedImageError:
        raise ValueError(f"An image must be a PNG file: got something else in {path}. Save it as PNG.") from None
    except (OSError, SyntaxError) as error:  # what pillow raises where a chunk is broken or the file ends too soon
        raise ValueError(f"An image must be a whole PNG file: got a damaged one in {path} ({error}).") from None


def _grey(picture: Any, path: Path) -> NDArray[Any]:
    if picture.mode.startswith("I"):  # 16 bits, which pillow would clip on its way to 8
        return np.asarray(picture)
    if "A" in picture.mode or "transparency" in picture.info:
        picture = picture.convert("RGBA")
        if picture.getextrema()[3][0] < 255:
            raise ValueError(
                f"An image must be opaque: got transparent pixels in {path}. Save it without transparency."
            )
    return np.asarray(picture.convert("L"))


def _seams(labels: NDArray[Any]) -> list[tuple[int, int, int, int]]:
    """Clusters that touch through the periodic continuation: (one, other, periods in x, periods in y)."""
    found = set()
    for axis, (right, up) in enumerate([(1, 0), (0, 1)]):
        last, first = np.take(labels, -1, axis=axis), np.take(labels, 0, axis=axis)
        both = (last > 0) & (first > 0)
        found |= {(int(one), int(other), right, up) for one, other in zip(last[both], first[both], strict=True)}
    return sorted(found)


def _winds(seams: list[tuple[int, int, int, int]], count: int, axis: int) -> bool:
    """Whether a closed walk over the seams leads to another period along an axis."""
    beside: list[list[tuple[int, NDArray[np.int64]]]] = [[] for _ in range(count + 1)]
    for one, other, right, up in seams:
        step = np.array([right, up])
        beside[one].append((other, step))
        beside[other].append((one, -step))
    place: dict[int, NDArray[np.int64]] = {}
    for start in range(1, count + 1):
        if start in place:
            continue
        place[start] = np.zeros(2, dtype=np.int64)
        waiting = deque([start])
        while waiting:
            here = waiting.popleft()
            for there, step in beside[here]:
                if there not in place:
                    place[there] = place[here] + step
                    waiting.append(there)
                elif (place[here] + step - place[there])[axis] != 0:
                    return True
    return False
