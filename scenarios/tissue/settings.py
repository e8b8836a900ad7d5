"""What the tissue scenario can be told."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from scenarios.tissue.assay.settings import QUICK as QUICK_ASSAY
from scenarios.tissue.assay.settings import AssaySettings
from scenarios.tissue.growth.settings import QUICK as QUICK_GROWTH
from scenarios.tissue.growth.settings import CoarseName, GrowthSettings
from scenarios.tissue.morphogen.settings import QUICK as QUICK_MORPHOGEN
from scenarios.tissue.morphogen.settings import MorphogenSettings
from scenarios.tissue.rules import CellRules
from scenarios.tissue.spheroid.settings import QUICK as QUICK_SPHEROID
from scenarios.tissue.spheroid.settings import SpheroidSettings
from scenarios.tissue.wound.settings import QUICK as QUICK_WOUND
from scenarios.tissue.wound.settings import WoundSettings

__all__ = ["Settings"]

PartName = Literal["wound", "growth", "assay", "spheroid", "morphogen"]

_READERS = ("assay", "spheroid")


class Settings(CellRules):
    """Cells that divide, move and signal."""

    quick: ClassVar[Mapping[str, Any]] = {
        **{
            f"{name}.{setting}": value
            for name, small in (
                ("wound", QUICK_WOUND),
                ("growth", QUICK_GROWTH),
                ("assay", QUICK_ASSAY),
                ("spheroid", QUICK_SPHEROID),
                ("signal", QUICK_MORPHOGEN),
            )
            for setting, value in small.items()
        },
    }

    parts: Annotated[tuple[PartName, ...], Field(min_length=1)] = Field(
        ("wound", "growth", "assay", "spheroid", "morphogen"), description="what to compute, in this order"
    )
    days: float = Field(30.0, gt=0, le=1000, description="over which the wound is followed (day)")
    replicas: int = Field(16, ge=2, le=10_000, description="full populations of the wound (1)")
    cells: str | None = Field(
        None,
        description="CSV file of the cells that the wound starts from: x_um and y_um, a row a cell; or x_um and cells, "
        "a row a bin",
    )
    coarse: Annotated[tuple[CoarseName, ...], Field(min_length=1)] = Field(
        ("density", "density_and_pairs"), description="macro states by which the growth is projected"
    )
    data: str | None = Field(
        None,
        description="CSV file of measurements, of a scratch assay or of spheroids, for the one of these parts that is "
        "asked for",
    )
    wound: WoundSettings = Field(WoundSettings(), description="the gap that closes")
    growth: GrowthSettings = Field(GrowthSettings(), description="the even population that grows")
    assay: AssaySettings = Field(AssaySettings(), description="the scratch assay")
    spheroid: SpheroidSettings = Field(SpheroidSettings(), description="the tumour spheroid")
    signal: MorphogenSettings = Field(
        MorphogenSettings(), description="the signal of the part morphogen, and the cells that read it"
    )

    @model_validator(mode="after")
    def _parts_are_named_once(self) -> Self:
        if len(set(self.parts)) < len(self.parts):
            raise ValueError(f"`parts` must name each part once: got {','.join(self.parts)}.")
        return self

    @model_validator(mode="after")
    def _files_have_readers(self) -> Self:
        readers = [name for name in self.parts if name in _READERS]
        if self.data is not None and len(readers) != 1:
            raise ValueError(
                f"`data` is read by one of the parts {' and '.join(_READERS)}: got data={self.data!r} with parts="
                f"{','.join(self.parts)}. Ask for one of them, such as --set parts=assay."
            )
        if self.cells is not None and "wound" not in self.parts:
            raise ValueError(f"`cells` is read by the part wound: got parts={','.join(self.parts)}. Ask for it too.")
        return self
