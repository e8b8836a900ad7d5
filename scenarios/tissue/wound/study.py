"""A wound that closes, projected beside the full population; and how much less that takes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import hypot, isclose

import numpy as np
import pandas as pd
from numpy.typing import NDArray

import eqfree as ef
from agents.cells import Cells
from eqfree.scenario import Context
from scenarios.part import Part
from scenarios.tissue.rules import CellRules
from scenarios.tissue.wound.settings import WoundSettings
from scenarios.tissue.wound.start import gap, read_cells
from scenarios.tissue.wound.strip import Followed, Strip

__all__ = ["front_of", "relative_error", "run_wound"]

Array = NDArray[np.float64]

_FULL, _PROJECTED = "all cells", "projection"
_CLOSE = 0.02  # of the density, in the root mean square
_WITHIN, _SHARE = 3.0, 0.95  # combined standard errors, within which so many columns must be
_SEEN = 0.65  # of that error, above which the full population's own noise hides it
_ENOUGH = 12  # full populations: with fewer, three standard errors hold fewer columns than they should
_GAIN = 10.0
_ROUGH = 0.5  # of the density at the start, that modes may leave out
_STEPS = 10  # of projection, from which on the first is not most of it
_STIFF = 300.0  # ratio of motility to proliferation from which on so much is gained
_FULL_KEY, _PROJECTED_KEY, _GAIN_KEY, _TABLE_KEY = (1,), (2,), (3,), (4,)


def run_wound(
    rules: CellRules, options: WoundSettings, days: float, replicas: int, context: Context, cells: str | None = None
) -> Part:
    """Cells on either side of a gap move and divide into it, for so many days.

    The macro state is the first cosine modes of density. Tables: ``wound`` (densities over space and time, both ways),
    ``wound_front`` (where the left front is), ``wound_gain`` (how much less is simulated, over the ratio of motility
    to proliferation and the width of the strip), and on request ``wound_cells``.

    Raises
    ------
    ValueError
        If the settings do not fit together, or the file of ``cells`` cannot be read.
    """
    strip = Strip.of(rules, options, days)
    sites = strip.model.cells.sites
    given = gap(options, sites.x) if cells is None else read_cells(cells, sites)
    begin = strip.begin(given)
    left_out = relative_error(begin, given)
    if left_out > _ROUGH:
        raise ValueError(
            f"The density at the start must be smooth enough for {strip.model.count} modes: they leave out "
            f"{left_out:.0%} of it. Set more `wound.modes`, or start from more cells."
        )
    smaller = _gain_strips(rules, options, days) if cells is None else []
    ways: dict[str, Followed] = {}
    for way in context.track([_PROJECTED, _FULL], "wound"):
        if way == _FULL:
            ways[way] = strip.simulate(begin, replicas, rules.seed, context.executor, _FULL_KEY)
        else:
            ways[way] = strip.project(begin, options.replicas, rules.seed, context.executor, _PROJECTED_KEY)
    gains, spent = _measure_gains(rules, options, smaller, ways[_FULL], replicas, context)
    half = _half_closure(strip, ways[_FULL], rules.capacity)
    part = _tell(strip, ways, half, rules, options, replicas)
    tables = dict(part.tables)
    if smaller:
        tables["wound_gain"] = gains
    if options.table:
        tables["wound_cells"] = _cell_table(strip, begin, rules.seed, half)
    notes = [
        *part.notes,
        f"{strip.model.count} modes of {sites.columns} columns are the macro state; of the density at the start they "
        f"leave out {left_out:.2%} in the root mean square.",
    ]
    return Part(tables, part.values, part.checks, notes, part.failures, part.cost + spent)


def relative_error(densities: Array, reference: Array) -> float:
    """The root mean square of a difference over that of the reference.

    >>> round(relative_error(np.array([1.0, 1.1]), np.array([1.0, 1.0])), 3)
    0.071
    """
    return float(np.linalg.norm(densities - reference) / np.linalg.norm(reference))


def _noise(followed: Followed, number: int) -> float:
    """The standard error of the densities at a reading, as a share of them, root mean square."""
    return float(np.linalg.norm(followed.stderr[number]) / np.linalg.norm(followed.densities[number]))


def _smooth(strip: Strip, way: str, one: Followed) -> tuple[Array, Array]:
    """Densities in which a front is seen: those of all cells without the waves that are no modes, else as they are."""
    return strip.filtered(one) if way == _FULL else (one.densities, one.stderr)


def front_of(x: Array, densities: Array, stderr: Array, level: float) -> tuple[float, float]:
    """Where a density first falls through a level, and the standard error of that place; nan where it does not.

    >>> front_of(np.array([0.0, 10.0, 20.0]), np.array([1.0, 0.6, 0.2]), np.array([0.0, 0.04, 0.04]), 0.5)
    (12.5, 1.0)
    """
    through = np.flatnonzero((densities[:-1] >= level) & (densities[1:] < level))
    if not len(through):
        return float("nan"), float("nan")
    first = int(through[0])
    slope = (densities[first + 1] - densities[first]) / (x[first + 1] - x[first])
    place = x[first] + (level - densities[first]) / slope
    return round(float(place), 9), round(float(stderr[first : first + 2].max() / -slope), 9)


def _half_closure(strip: Strip, full: Followed, capacity: float) -> int | None:
    """The reading at which the gap, where fewer than half the capacity are, is half as wide as at first; none without
    tissue beside it."""
    if not full.densities[0].max() > capacity / 2:
        return None
    widths = (full.densities < capacity / 2).sum(axis=1) * strip.model.cells.sites.spacing
    narrow = np.flatnonzero(widths <= widths[0] / 2)
    return int(narrow[0]) if widths[0] > 0 and len(narrow) else None


def _gain_strips(rules: CellRules, options: WoundSettings, days: float) -> list[tuple[float, Strip]]:
    """Strips of the ratios and widths for which the gain is told, each with its ratio; none without division."""
    if not rules.proliferation:
        return []
    return [
        (ratio, Strip.of(rules, options, days, ratio * rules.proliferation, width))
        for ratio in options.ratios
        for width in options.widths
    ]


def _measure_gains(
    rules: CellRules,
    options: WoundSettings,
    strips: Sequence[tuple[float, Strip]],
    full: Followed,
    replicas: int,
    context: Context,
) -> tuple[pd.DataFrame, ef.Cost]:
    """How much less time of cells is simulated, all replicas counted, than that of one full strip as wide.

    As many cells are across all projected strips together whatever their width, so that noise is the same.
    """
    rows, cost = [], ef.Cost()
    references = {ratio: full for ratio, _ in strips if isclose(ratio * rules.proliferation, rules.motility)}
    for number, (ratio, small) in enumerate(context.track(strips, "gain over ratios and widths")):
        width = small.model.cells.sites.width
        begin = small.begin(gap(options, small.model.cells.sites.x))
        if ratio not in references:
            wide = Strip.of(rules, options, float(small.days[-1]), ratio * rules.proliferation)
            references[ratio] = wide.simulate(begin, replicas, rules.seed, context.executor, (*_GAIN_KEY, number, 0))
            cost += references[ratio].cost
        copies = max(2, round(options.sampled / width))
        projected = small.project(begin, copies, rules.seed, context.executor, (*_GAIN_KEY, number, 1))
        cost += projected.cost
        reference = references[ratio]
        rows.append(
            {
                "ratio": ratio,
                "width": width,
                "replicas": copies,
                "gain": float(small.days[-1]) / projected.cost.micro_time,
                "error": relative_error(projected.densities[-1], reference.densities[-1]),
                "noise": _noise(reference, -1),
            }
        )
    return pd.DataFrame(rows), cost


def _cell_table(strip: Strip, begin: Array, seed: int, half: int | None) -> pd.DataFrame:
    """Every cell of one strip, where it is at the start, at half closure and at the end."""
    stepper = ef.CoarseTimeStepper(strip.model.cells, 1, seed=seed)
    packed, _ = stepper.lift(begin[np.newaxis], (*_TABLE_KEY, 0)), 0
    frames, now = [], 0.0
    for number, day in enumerate(sorted({0.0, float(strip.days[half or 0]), float(strip.days[-1])}), start=1):
        if day > now:
            packed, _ = stepper.advance(packed, day - now, (*_TABLE_KEY, number))
        now = day
        places = strip.model.cells.sites.positions(np.flatnonzero(Cells.unpack(packed[0]).occupied))
        frames.append(pd.DataFrame({"day": day, "x_um": places[:, 0], "y_um": places[:, 1]}))
    return pd.concat(frames, ignore_index=True)


def _tell(
    strip: Strip,
    ways: dict[str, Followed],
    half: int | None,
    rules: CellRules,
    options: WoundSettings,
    replicas: int,
) -> Part:
    full, projected = ways[_FULL], ways[_PROJECTED]
    x, level = strip.model.cells.sites.x, rules.capacity / 2
    columns = len(x)
    table = pd.DataFrame(
        {
            "day": np.repeat(strip.days, columns),
            "x": np.tile(x, len(strip.days)),
            "density": full.densities.ravel(),
            "stderr": full.stderr.ravel(),
            "projected": projected.densities.ravel(),
            "projected_stderr": projected.stderr.ravel(),
        }
    )
    fronts = pd.DataFrame(
        [
            {"way": way, "day": day, "place": place, "stderr": doubt}
            for way, one in ways.items()
            for day, row, error in zip(strip.days, *_smooth(strip, way, one), strict=True)
            for place, doubt in [front_of(x, row, error, level)]
        ]
    )
    gain = float(strip.days[-1]) / projected.cost.micro_time
    values = {
        "wound_gain": ef.Value(gain),
        "wound_error_end": ef.Value(relative_error(projected.densities[-1], full.densities[-1])),
        "wound_fisher_speed": ef.Value(strip.fisher_speed, unit="µm/day"),
    }
    if half is not None:
        values |= {
            "wound_half_closure": ef.Value(float(strip.days[half]), unit="day"),
            "wound_error_half": ef.Value(relative_error(projected.densities[half], full.densities[half])),
            **_speeds(fronts, float(strip.days[half])),
        }
    fisher = "."
    if strip.fisher_speed:
        fisher = (
            f"; the Fisher-KPP front of these rates goes at {strip.fisher_speed:.3g} µm/day, which a front in a field "
            "as short as this does not reach."
        )
    notes = [
        f"Single cells diffuse at {strip.diffusion:.4g} µm²/day{fisher}",
        f"Projection simulates {projected.cost.micro_time:.3g} days of a strip, all {options.replicas} replicas "
        f"counted, where one full strip takes {strip.days[-1]:g}: {gain:.3g} times less; replica by replica, "
        f"{gain * options.replicas:.3g} times.",
    ]
    return Part(
        tables={"wound": table, "wound_front": fronts},
        values=values,
        checks=list(_checks(strip, ways, half, gain, replicas)),
        notes=notes,
        failures=[projected.failure] if projected.failure else [],
        cost=full.cost + projected.cost,
    )


def _speeds(fronts: pd.DataFrame, until: float) -> dict[str, ef.Value]:
    """How fast the left front goes from the start to half closure, on average."""
    speeds = {}
    for way, name in ((_FULL, "wound_front_speed_all_cells"), (_PROJECTED, "wound_front_speed")):
        rows = fronts[(fronts["way"] == way) & (fronts["day"] <= until) & fronts["place"].notna()]
        if len(rows) > 1:
            first, last = rows.iloc[0], rows.iloc[-1]
            time = last["day"] - first["day"]
            doubt = hypot(first["stderr"], last["stderr"]) / time
            speeds[name] = ef.Value(float((last["place"] - first["place"]) / time), float(doubt), "µm/day")
    return speeds


def _checks(
    strip: Strip, ways: dict[str, Followed], half: int | None, gain: float, replicas: int
) -> Iterator[ef.Check]:
    full, projected = ways[_FULL], ways[_PROJECTED]
    cell = strip.model.cells.types[0]
    instants = {} if half is None else {"at half closure": half}
    for when, number in {**instants, f"at {strip.days[-1]:g} days": -1}.items():
        yield ef.Check(
            f"wound {when}: mean density of the projection",
            float(projected.mean[number]),
            float(full.mean[number]),
            4.0,
            "full population; standard errors combined",
            relation=ef.Relation.COVERS,
            stderr=float(np.hypot(projected.mean_stderr[number], full.mean_stderr[number])),
        )
        noise = _noise(full, number)
        if noise <= _SEEN * _CLOSE:
            yield ef.Check(
                f"wound {when}: error of the projected density, root mean square",
                relative_error(projected.densities[number], full.densities[number]),
                _CLOSE,
                0.0,
                f"full population, whose own noise is {noise:.2%}",
                relation=ef.Relation.AT_MOST,
            )
        if replicas >= _ENOUGH:
            combined = np.hypot(projected.stderr[number], full.stderr[number])
            near = np.abs(projected.densities[number] - full.densities[number]) <= _WITHIN * combined
            yield ef.Check(
                f"wound {when}: columns within three combined standard errors",
                float(near.mean()),
                _SHARE,
                0.0,
                "full population",
                relation=ef.Relation.AT_LEAST,
            )
    if cell.motility >= _STIFF * cell.proliferation > 0 and len(strip.days) > _STEPS:
        yield ef.Check(
            "wound: times less simulated, all replicas counted",
            gain,
            _GAIN,
            0.0,
            "one full strip as wide",
            relation=ef.Relation.AT_LEAST,
        )
