"""The effective tensor: from the cell problem, from an ensemble of it, or from walkers, between its bounds."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.interpolate import LinearNDInterpolator

import eqfree as ef
from eqfree.results import Relation
from eqfree.scenario import Context
from scenarios.composite.bounds import hashin_shtrikman, wiener
from scenarios.composite.cell import CellProblem, LocalField, local_field
from scenarios.composite.cell.cell import rotation
from scenarios.composite.conductivity import CellConductivity, CellModel
from scenarios.composite.ensemble import ensemble_tensor
from scenarios.composite.medium import exact_tensor, isotropic, microstructure_of
from scenarios.composite.microstructures import Checkerboard, Image, Laminate, Microstructure, RandomDisks
from scenarios.composite.settings import Settings
from scenarios.part import Part
from scenarios.progress import counting

__all__ = ["run_tensor"]

Array = NDArray[np.float64]

_COMPONENTS = ("xx", "xy", "yy")
_ROUND_OFF = 1e-10  # of the tensor's size
_COVERING = 4.0  # standard errors
_PICTURE = 61  # points along an axis of the field that is drawn
_FINE = 16  # elements along a period for it
_MARGIN = 0.2  # of a period, from which nodes of the copies around are taken


@dataclass(frozen=True, eq=False)
class _Told:
    """A tensor, what its entries may be wrong by, and whether that is a standard error or a bound."""

    value: Array  # (3,)
    error: Array  # (3,)
    statistical: bool
    cost: ef.Cost
    tables: dict[str, pd.DataFrame] = field(default_factory=dict)


def run_tensor(settings: Settings, context: Context) -> Part:
    """The tensor, its bounds, and the microstructure with the temperature in it.

    Values ``conductivity_xx``, ``conductivity_xy``, ``conductivity_yy``; tables ``composite_tensor``,
    ``composite_outline`` or ``composite_pixels``, ``composite_corrector`` and, of a random medium,
    ``composite_realisations``.
    """
    medium = microstructure_of(settings, settings.seed)
    told = _ask(settings, context, medium)
    share = medium.volume_fraction
    low, high = wiener(settings.conductivities, share)
    inner = hashin_shtrikman(settings.conductivities, share) if isotropic(settings) else (np.nan, np.nan)
    exact = exact_tensor(settings, settings.conductivities)
    table = pd.DataFrame(
        {
            "component": _COMPONENTS,
            "value": told.value,
            "stderr": told.error,
            "exact": np.full(3, np.nan) if exact is None else exact[:3],
            "wiener_lower": low,
            "wiener_upper": high,
            "hashin_shtrikman_lower": inner[0],
            "hashin_shtrikman_upper": inner[1],
        }
    )
    return Part(
        tables={"composite_tensor": table, **_picture(settings, medium), **told.tables},
        values={
            f"conductivity_{name}": ef.Value(float(value), float(error), "W/(m K)")
            for name, value, error in zip(_COMPONENTS, told.value, told.error, strict=True)
        },
        checks=[*_against_exact(told, exact), *_against_bounds(told, low, high)],
        notes=_notes(settings, medium, told),
        cost=told.cost,
    )


def _ask(settings: Settings, context: Context, medium: Microstructure) -> _Told:
    if settings.micro == "walkers":
        return _ask_walkers(settings, context, medium)
    if settings.microstructure == "random_disks":
        return _ask_ensemble(settings, context)
    refinement = 1 if isinstance(medium, Image) else settings.refinement
    model = CellModel(lambda _: medium, lambda _: settings.conductivities, refinement, settings.degree)
    answer = CellConductivity(model, context.executor)([[0.0]])
    return _Told(answer.value[0], answer.stderr[0], False, answer.cost)


def _ask_walkers(settings: Settings, context: Context, medium: Microstructure) -> _Told:
    from agents.walkers import Disks, Layers, Medium
    from scenarios.composite.walkers import closure_of_walkers

    def walked(_: Array) -> Medium:
        if isinstance(medium, Laminate):
            return Layers(medium.volume_fraction, medium.angle)
        if isinstance(medium, RandomDisks):
            return Disks(tuple(map(tuple, medium.centres.tolist())), (medium.radius,) * medium.count)
        return Disks.square(medium.volume_fraction)

    options = settings.walkers
    closure = closure_of_walkers(
        settings.conductivities,
        walked,
        walkers=options.walkers,
        replicas=options.replicas,
        executor=context.executor,
        seed=settings.seed,
    )
    answer = closure([[0.0]])
    return _Told(answer.value[0], answer.stderr[0], True, answer.cost)


def _ask_ensemble(settings: Settings, context: Context) -> _Told:
    with counting(context, settings.realisations, "realisations") as count:
        told = ensemble_tensor(
            lambda number: microstructure_of(settings, settings.seed + number),
            settings.conductivities,
            settings.realisations,
            settings.refinement,
            settings.degree,
            context.executor,
            count,
        )
    rows, columns = np.triu_indices(2)
    table = pd.DataFrame(told.samples[:, rows, columns], columns=[f"conductivity_{name}" for name in _COMPONENTS])
    table.insert(0, "realisation", np.arange(settings.realisations))
    return _Told(
        value=told.tensor[rows, columns],
        error=np.hypot(told.stderr, told.error)[rows, columns],
        statistical=True,
        cost=told.cost,
        tables={"composite_realisations": table},
    )


def _against_exact(told: _Told, exact: tuple[float, float, float, str] | None) -> list[ef.Check]:
    if exact is None:
        return []
    *values, source = exact
    size = float(np.abs(np.array(values)).max())
    return [
        ef.Check(
            f"conductivity_{name}",
            float(value),
            expected,
            tolerance=_COVERING if told.statistical else float(error) + _ROUND_OFF * size,
            source=source,
            relation=Relation.COVERS if told.statistical else Relation.EQUALS,
            unit="W/(m K)",
            stderr=float(error),
        )
        for name, value, error, expected in zip(_COMPONENTS, told.value, told.error, values, strict=True)
    ]


def _against_bounds(told: _Told, low: float, high: float) -> list[ef.Check]:
    """The eigenvalues lie between the means, give or take the error."""
    smallest, largest = np.linalg.eigvalsh([[told.value[0], told.value[1]], [told.value[1], told.value[2]]])
    slack = (_COVERING if told.statistical else 1.0) * float(told.error.max()) + _ROUND_OFF * high
    source = "Wiener 1912, arithmetic and harmonic mean"
    return [
        ef.Check("smallest eigenvalue", float(smallest), low, slack, source, Relation.AT_LEAST, "W/(m K)"),
        ef.Check("largest eigenvalue", float(largest), high, slack, source, Relation.AT_MOST, "W/(m K)"),
    ]


def _notes(settings: Settings, medium: Microstructure, told: _Told) -> list[str]:
    kind = "standard error" if told.statistical else "bound of the discretisation error, from the dual problem"
    notes = [f"The error of the conductivity is its {kind}."]
    if isinstance(medium, Image):
        columns, rows = medium.size
        name = "drawn by chance" if settings.image is None else settings.image
        notes.append(f"Image ({name}): {columns} x {rows} pixels, {medium.volume_fraction:.4g} of it inclusion.")
        notes.append(medium.connected_note(settings.conductivities))
    return notes


def _picture(settings: Settings, medium: Microstructure) -> dict[str, pd.DataFrame]:
    """The microstructure, and the temperature in it under a unit gradient along x."""
    tables = {}
    if isinstance(medium, Image):
        rows, columns = np.indices(medium.pixels.shape)
        tables["composite_pixels"] = pd.DataFrame(
            {"row": rows.ravel(), "column": columns.ravel(), "phase": medium.pixels.ravel().astype(int)}
        )
    else:
        polygons = medium.outline()
        tables["composite_outline"] = pd.DataFrame(
            {
                "polygon": np.repeat(np.arange(len(polygons)), [len(polygon) for polygon in polygons]),
                "x": np.concatenate([polygon[:, 0] for polygon in polygons]),
                "y": np.concatenate([polygon[:, 1] for polygon in polygons]),
            }
        )
    return tables | {"composite_corrector": _corrector(settings, medium)}


def _corrector(settings: Settings, medium: Microstructure) -> pd.DataFrame:
    """The temperature under a unit gradient along x, at the nodes of a picture, or on a regular grid of a period."""
    even = Checkerboard(1.0) if isinstance(medium, Checkerboard) else medium  # fine rings cannot be seen
    cell = even.cell(1 if isinstance(medium, Image) else _FINE)
    problem = CellProblem(cell, degree=1)
    field = local_field(problem, problem(settings.conductivities), settings.conductivities, (1.0, 0.0))
    if isinstance(medium, Image):
        return _thinned(field, medium.size)
    own = field.places @ rotation(cell.angle)  # in the axes of the cell
    deviation = field.temperature - field.places[:, 0]
    # eight copies around, so that every place of the unit square lies within the nodes
    steps = np.stack(np.meshgrid((-1, 0, 1), (-1, 0, 1)), axis=-1).reshape(-1, 2)
    around = np.vstack([own + step for step in steps])
    near = ((around > -_MARGIN) & (around < 1 + _MARGIN)).all(axis=1)
    line = np.linspace(0.0, 1.0, _PICTURE)
    x, y = (axis.ravel() for axis in np.meshgrid(line, line))
    middle = np.array([1 - medium.volume_fraction / 2, 0.5]) if isinstance(medium, Laminate) else np.full(2, 0.5)
    places = np.mod((np.column_stack([x, y]) - 0.5) @ rotation(cell.angle) + middle, 1.0)
    told = LinearNDInterpolator(around[near], np.tile(deviation, len(steps))[near])(places)
    return pd.DataFrame({"x": x, "y": y, "temperature": x + told})


def _thinned(field: LocalField, size: tuple[int, int]) -> pd.DataFrame:
    """The nodes of a picture, but no more than a picture of a picture needs."""
    table = pd.DataFrame({"x": field.places[:, 0], "y": field.places[:, 1], "temperature": field.temperature})
    lines = [np.unique(np.linspace(0, count, min(count + 1, _PICTURE)).round()) for count in size]
    kept = [np.isin((table[axis] * size[0]).round(), line) for axis, line in zip("xy", lines, strict=True)]
    return table[kept[0] & kept[1]].sort_values(["y", "x"], ignore_index=True)
