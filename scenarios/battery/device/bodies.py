"""The two shapes of a device: a bar, and a plate."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from scenarios.battery.device.device import Device
from scenarios.battery.device.elements import Body, bar, plate
from scenarios.battery.device.ranges import check_not_negative, check_positive

__all__ = ["Bar", "Plate"]


@dataclass(frozen=True, eq=False, kw_only=True)
class Bar(Device):
    """A bar between two electrodes, in one dimension; all arguments by name, those of `Device` included.

    Parameters
    ----------
    length, width, thickness
        Length between the electrodes, and sides of the cross-section (m).
    side_cooling
        Heat transfer all around in W/(m² K): perimeter over cross-section times as much is lost per volume and kelvin.
    elements
        Along the bar.

    Raises
    ------
    ValueError
        For numbers that no bar has.

    Examples
    --------
    >>> from scenarios.battery.laws import Exponential
    >>> law = Exponential(at=0.01, reference=300.0, steepness=0.04)
    >>> bar = Bar(length=0.01, conductivity=law, thermal_conductivity=1.0, contact=None)
    >>> round(bar.steady(0.9 * 141.4213562).hottest - 300, 4)  # Kohlrausch: 41.5183
    41.5183
    """

    length: float
    width: float = 0.01
    thickness: float = 0.001
    side_cooling: float = 0.0
    elements: int = 128

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("length", "width", "thickness"):
            check_positive(name, getattr(self, name), "m")
        check_not_negative("side_cooling", self.side_cooling, "W/(m² K)")
        if self.elements < 2:
            raise ValueError(f"`elements` must be two or more: got {self.elements}.")

    @cached_property
    def body(self) -> Body:
        """Its finite elements."""
        return bar(self.length, self.width * self.thickness, self.elements, self._grading)

    @property
    def _cooling(self) -> tuple[float | None, float]:
        return 0.0, self.side_cooling * 2 * (1 / self.width + 1 / self.thickness)


@dataclass(frozen=True, eq=False, kw_only=True)
class Plate(Device):
    """A plate with electrodes at two ends, in two dimensions; all arguments by name, those of `Device` included.

    An electrode may cover a part of its end. What it leaves free is like a side: no current, and cooled as they are.

    Parameters
    ----------
    length, width, thickness
        Between the ends, across, and out of the plane (m).
    electrodes
        Of the first and of the last: from which to which share of the width it reaches.
    side_cooling
        Heat transfer of the sides in W/(m² K); None if they are as cold as the surroundings.
    face_cooling
        Heat transfer of the two faces in the plane in W/(m² K): twice as much over the thickness is lost per volume.
    elements
        Along and across.

    Raises
    ------
    ValueError
        For numbers that no plate has.

    Examples
    --------
    >>> from scenarios.battery.laws import Exponential
    >>> law = Exponential(at=0.01, reference=300.0, steepness=0.04)
    >>> small = dict(length=0.01, conductivity=law, thermal_conductivity=1.0, contact=50.0)
    >>> plate = Plate(**small, electrodes=((0.0, 0.5), (0.5, 1.0)), elements=(8, 8))
    >>> plate.steady(10.0).hottest > Bar(**small).steady(10.0).hottest  # less current, but less contact that cools
    True
    """

    length: float
    width: float = 0.01
    thickness: float = 0.001
    electrodes: tuple[tuple[float, float], tuple[float, float]] = ((0.0, 1.0), (0.0, 1.0))
    side_cooling: float | None = 0.0
    face_cooling: float = 0.0
    elements: tuple[int, int] = (24, 12)

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("length", "width", "thickness"):
            check_positive(name, getattr(self, name), "m")
        check_not_negative("side_cooling", self.side_cooling or 0.0, "W/(m² K)")
        check_not_negative("face_cooling", self.face_cooling, "W/(m² K)")
        if min(self.elements) < 1 or len(self.elements) != 2:
            raise ValueError(f"`elements` must be one or more along and across: got {self.elements}.")
        for low, high in self.electrodes:
            if not 0 <= low < high <= 1:
                raise ValueError(
                    f"`electrodes` must reach from a lower to a higher share of the width, within 0 and 1: got {low:g} "
                    f"to {high:g}."
                )

    @cached_property
    def body(self) -> Body:
        """Its finite elements."""
        return plate(self.length, self.width, self.thickness, self.electrodes, self.elements, self._grading)

    @property
    def _cooling(self) -> tuple[float | None, float]:
        return self.side_cooling, 2 * self.face_cooling / self.thickness
