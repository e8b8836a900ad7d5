"""The effective tensor: from the cell problem, from an ensemble of it, or from walkers, between its bounds."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

import eqfree as ef
from eqfree.results import Relation
from eqfree.scenario import Context
from scenarios.composite.bounds import hashin_shtrikman, wiener
from scenarios.composite.conductivity import CellConductivity, CellModel
from scenarios.composite.ensemble import ensemble_tensor
from scenarios.composite.medium import allowed_error, elements_of, exact_tensor, isotropic, microstructure_of
from scenarios.composite.microstructures import Image, Laminate, Microstructure, RandomDisks
from scenarios.composite.parts.picture import picture_of
from scenarios.composite.settings import Settings
from scenarios.part import Part
from scenarios.progress import counting

__all__ = ["run_tensor"]

Array = NDArray[np.float64]

_COMPONENTS = ("xx", "xy", "yy")
_ROUND_OFF = 1e-10  # relative
_PRECISE = 0.01  # standard error of walkers, relative
_UNRESOLVED = 0.05  # relative error of a conductivity that is worth a word
_COVERING = 4.0  # standard errors


@dataclass(frozen=True, eq=False)
class _Told:
    """A tensor, what its entries may be wrong by, and whether that is a standard error or an estimate."""

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
    medium = microstructure_of(settings)
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
        tables={"composite_tensor": table, **picture_of(medium, settings.conductivities), **told.tables},
        values={
            f"conductivity_{name}": ef.Value(float(value), float(error), "W/(m K)")
            for name, value, error in zip(_COMPONENTS, told.value, told.error, strict=True)
        },
        checks=[
            *_against_exact(settings, told, exact),
            *_against_bounds(settings, told, share),
            *_precise(settings, told),
        ],
        notes=_notes(settings, medium, told),
        cost=told.cost,
    )


def _ask(settings: Settings, context: Context, medium: Microstructure) -> _Told:
    if settings.micro == "walkers":
        return _ask_walkers(settings, context, medium)
    if settings.microstructure == "random_disks":
        return _ask_ensemble(settings, context)
    model = CellModel(lambda _: medium, lambda _: settings.conductivities, elements_of(settings), settings.degree)
    conductivity = CellConductivity(model, context.executor)
    [answer] = [conductivity([[number]]) for number in context.track([0.0], "cell problem")]
    return _Told(answer.value[0], answer.stderr[0], False, answer.cost)


def _ask_walkers(settings: Settings, context: Context, medium: Microstructure) -> _Told:
    from agents.walkers import Disks, Layers, Medium
    from scenarios.composite.parts.walkers import walkers_of

    def walked(number: Array) -> Medium:
        if isinstance(medium, Laminate):
            return Layers(medium.volume_fraction, medium.angle)
        if isinstance(medium, RandomDisks):
            disks = microstructure_of(settings, int(number[0]))
            assert isinstance(disks, RandomDisks)
            return Disks(tuple(map(tuple, disks.centres.tolist())), (disks.radius,) * disks.count)
        return Disks.square(medium.volume_fraction)

    closure = walkers_of(settings, context, settings.conductivities, walked)
    count = settings.realisations if isinstance(medium, RandomDisks) else 1
    answers = [closure([[number]]) for number in context.track(range(count), "walkers")]
    cost = sum((answer.cost for answer in answers), ef.Cost())
    if count == 1:
        return _Told(answers[0].value[0], answers[0].stderr[0], True, cost)
    samples = np.vstack([answer.value for answer in answers])  # their spread holds the walkers' noise, too
    return _Told(
        samples.mean(axis=0), _standard_error(samples), True, cost, {"composite_realisations": _table(samples)}
    )


def _standard_error(samples: Array) -> Array:
    return np.asarray(samples.std(axis=0, ddof=1) / np.sqrt(len(samples)))


def _table(samples: Array) -> pd.DataFrame:
    table = pd.DataFrame(samples, columns=[f"conductivity_{name}" for name in _COMPONENTS])
    table.insert(0, "realisation", np.arange(len(samples)))
    return table


def _ask_ensemble(settings: Settings, context: Context) -> _Told:
    with counting(context, settings.realisations, "realisations") as count:
        told = ensemble_tensor(
            lambda number: microstructure_of(settings, number),
            settings.conductivities,
            settings.realisations,
            elements_of(settings),
            settings.degree,
            context.executor,
            count,
        )
    rows, columns = np.triu_indices(2)
    return _Told(
        value=told.tensor[rows, columns],
        error=np.hypot(told.stderr, told.error)[rows, columns],
        statistical=True,
        cost=told.cost,
        tables={"composite_realisations": _table(told.samples[:, rows, columns])},
    )


def _against_exact(settings: Settings, told: _Told, exact: tuple[float, float, float, str] | None) -> list[ef.Check]:
    """Walkers within their standard errors; cell problems within what was known beforehand, and within their bounds."""
    if exact is None:
        return []
    *values, source = exact
    size = float(np.sqrt(values[0] * values[2]))
    checks = []
    for name, value, error, expected in zip(_COMPONENTS, told.value, told.error, values, strict=True):
        quantity, relative = f"conductivity_{name}", allowed_error(settings) * (abs(expected) or size)
        tolerance, relation = (_COVERING, Relation.COVERS) if told.statistical else (relative, Relation.EQUALS)
        checks.append(
            ef.Check(quantity, float(value), expected, tolerance, source, relation, "W/(m K)", stderr=float(error))
        )
    if not told.statistical:
        above = (told.value[[0, 2]] - np.array(values)[[0, 2]]) / size
        checks += [
            ef.Check("upper bound less exact, over K", float(above.min()), 0.0, _ROUND_OFF, source, Relation.AT_LEAST),
            ef.Check(
                "exact less lower bound, over K",
                float((2 * told.error[[0, 2]] / size - above).min()),
                0.0,
                _ROUND_OFF,
                source,
                Relation.AT_LEAST,
            ),
        ]
    return checks


def _against_bounds(settings: Settings, told: _Told, share: float) -> list[ef.Check]:
    """The eigenvalues lie between the bounds, give or take the error."""
    low, high = _bounds(settings, share)
    smallest, largest = np.linalg.eigvalsh([[told.value[0], told.value[1]], [told.value[1], told.value[2]]])
    source = "Hashin & Shtrikman 1962" if isotropic(settings) else "Wiener 1912, arithmetic and harmonic mean"
    slack = (_COVERING if told.statistical else 2.0) * float(told.error.max())  # cell problems err upwards
    return [
        ef.Check(
            f"{name} eigenvalue",
            float(value),
            bound,
            error + _ROUND_OFF * bound,
            source,
            relation,
            "W/(m K)",
        )
        for name, value, bound, error, relation in (
            ("smallest", smallest, low, slack if told.statistical else 0.0, Relation.AT_LEAST),
            ("largest", largest, high, slack, Relation.AT_MOST),
        )
    ]


def _bounds(settings: Settings, share: float) -> tuple[float, float]:
    within = hashin_shtrikman if isotropic(settings) else wiener
    low, high = within(settings.conductivities, share)
    return low, high


def _precise(settings: Settings, told: _Told) -> list[ef.Check]:
    """Walkers know what they say to a hundredth."""
    if settings.micro != "walkers" or settings.microstructure == "random_disks":
        return []
    relative = float((told.error[[0, 2]] / told.value[[0, 2]]).max())
    source = "what is asked of walkers"
    return [ef.Check("walkers: standard error over K", relative, _PRECISE, 0.0, source, Relation.AT_MOST)]


def _notes(settings: Settings, medium: Microstructure, told: _Told) -> list[str]:
    half = "half of the distance to the lower bound, that of the dual problem on the same mesh"
    notes = [f"The error of the conductivity is {'its standard error' if told.statistical else half}."]
    relative = float((told.error[[0, 2]] / told.value[[0, 2]]).max())
    if not told.statistical and relative > _UNRESOLVED:
        notes.append(
            f"The mesh does not resolve this microstructure at these conductivities: the error is {relative:.0%} of "
            "what it conducts. Raise `refinement`, or take conductivities that are less far apart."
        )
    if isinstance(medium, Image):
        columns, rows = medium.size
        name = "drawn by chance" if settings.image is None else settings.image
        notes.append(f"Image ({name}): {columns} x {rows} pixels, {medium.volume_fraction:.4g} of it inclusion.")
        notes.append(medium.connected_note(settings.conductivities))
    return notes
