"""The study of a spheroid: every cell, projection from short bursts, the law of its rim, and measurements."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil, isfinite, nan

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.fft import next_fast_len

import eqfree as ef
from agents.cells.centre_based import CentreBased
from agents.cells.cycle import Cycle, Death
from agents.cells.fields import Held, Medium
from agents.cells.mechanics import Mechanics
from agents.cells.region import Region
from eqfree.scenario import Context
from scenarios.part import Part
from scenarios.tissue.spheroid.comparison import Measured, compare
from scenarios.tissue.spheroid.data import carried_means, choose_line, read_spheroids, summarise
from scenarios.tissue.spheroid.profiles import GROUPS, Profile, Regions
from scenarios.tissue.spheroid.rim import grow_rim
from scenarios.tissue.spheroid.settings import SpheroidSettings
from scenarios.tissue.spheroid.tumour import Spheroid, Stirred, Tumour

__all__ = ["build_tumour", "run_spheroid"]

Array = NDArray[np.float64]

_DAY = 24.0  # h
_THINNEST = 1e-3  # µm: of the rim where nothing grows any more
_EXCHANGE = 20.0  # of the medium that is stirred, over uptake
_MARGIN = 2.5  # boxes between the largest spheroid and the sides, for the medium that is stirred
_TOLERANCE = 1e-6  # of the nutrient's solver; molecules are conserved for any
_FULL, _PROJECTED, _LAW = "all cells", "projection", "law of the rim"
_RIM, _PROJECTION, _MOLECULES = 0.05, 0.02, 1e-12  # what must be met, relative
_CORE = 0.05  # of the radius: three quarters of the width of a shell


@dataclass(frozen=True, eq=False)
class _Grown:
    """A spheroid that was simulated cell by cell: readings at times (h), the last population, and the cost."""

    times: Array
    regions: list[Regions]
    macros: Array
    packed: Array
    imbalance: float
    last: Spheroid
    cost: ef.Cost

    def of(self, name: str) -> Array:
        """A reading of the regions, (time,)."""
        return np.array([getattr(one, name) for one in self.regions])


@dataclass(frozen=True, eq=False)
class _Projected:
    """A projected spheroid beside that of all cells.

    Readings are its radius (µm), and the inhibited and the necrotic fraction of it, (time, 3); apart is how far the
    radius is from the other's at most, relative, and core the other's necrotic fraction at the end.
    """

    trajectory: ef.Trajectory
    readings: Array
    apart: float
    core: float
    fewer_hours: float
    fewer_updates: float


def build_tumour(settings: SpheroidSettings) -> Tumour:
    """The micro-model that the settings describe.

    Raises
    ------
    ValueError
        If its time step is unstable.

    Examples
    --------
    >>> build_tumour(SpheroidSettings()).time_step
    2.0
    """
    clearance = settings.diffusion / settings.penetration**2
    boxes = int(next_fast_len(ceil(2 * (settings.radius_end / settings.box + _MARGIN)), real=True))
    medium = Medium(
        (boxes,) * 3, settings.box, settings.diffusion, sides=((Held(1.0), Held(1.0)),) * 3, tolerance=_TOLERANCE
    )
    tissue = CentreBased(
        Region.unbounded(3),
        Mechanics(settings.repulsion, settings.adhesion),
        Cycle(settings.cycle, newborn=settings.diameter, least_nutrient=settings.growth_threshold),
        Death(least_nutrient=settings.death_threshold, dissolution=settings.dissolution),
        time_step=settings.time_step,
    )
    return Tumour(tissue, Stirred(medium, clearance, _EXCHANGE * clearance), settings.turn, settings.shells)


def run_spheroid(settings: SpheroidSettings, context: Context, seed: int, data: str | None = None) -> Part:
    """A spheroid grows, cell by cell and projected, beside the law of its rim and the spheroids that were measured.

    Only fed cells grow, and what dies stays where it is and as large as it was unless ``dissolution`` says else: so all
    new volume comes from the rim, and the law of the rim must hold, with the rim that is measured in the run.

    Tables: ``spheroid`` (days, and radius in µm, inhibited and necrotic fractions of it, each way),
    ``spheroid_profiles`` (what fills the shells at the end), ``spheroid_section`` and ``spheroid_nutrient`` (a plane
    through the middle at the end), ``spheroid_measured`` (the measurements, on the clock of the run).

    Parameters
    ----------
    settings
        Of the spheroid.
    context
        Executor and progress.
    seed
        Of all noise.
    data
        A file as `read_spheroids` takes it; None: the means that the project carries.

    Raises
    ------
    ValueError
        If the data cannot be read, or has no such line.
    """
    means = carried_means() if data is None else summarise(read_spheroids(data))
    measured = choose_line(means, settings.line, settings.seeding)
    tumour = build_tumour(settings)
    stepper = ef.CoarseTimeStepper(tumour, settings.replicas, settings.healing, context.executor, seed)
    begun = tumour.ball(settings.radius_start)
    grown = _grow(stepper.with_replicas(1), tumour, begun, settings, context)
    projected = ef.solve_projective(
        stepper, (0.0, float(grown.times[-1])), begun, ef.projective.Euler(settings.leap, settings.burst), (1,)
    )
    compared = compare(measured, grown.times, grown.of("outline"), grown.of("inhibited"), grown.of("necrotic"))
    return _tell(settings, tumour, grown, _beside(tumour, grown, projected), compared)


def _grow(
    stepper: ef.CoarseTimeStepper, tumour: Tumour, begun: Array, settings: SpheroidSettings, context: Context
) -> _Grown:
    """Cell by cell, read at every turn, until it is large enough or time is up."""
    packed, cost = stepper.lift(begun, (0, 0)), ef.Cost()
    spheroid = tumour.unpack(packed[0])
    times, regions, macros, filled, imbalance = [0.0], [], [], [], 0.0
    turns = max(1, int(settings.days * _DAY / settings.turn + 1e-9))
    for number in context.track(range(1, turns + 2), "hours of a spheroid of cells"):
        profile = Profile.of(spheroid.cells)
        regions.append(profile.regions())
        macros.append(tumour.restrict(spheroid))
        filled.append(float(profile.volume.sum()) / (4 / 3 * np.pi * regions[-1].outline ** 3))
        imbalance = max(imbalance, tumour.stirred.medium.imbalance(spheroid.nutrient))
        if number > turns or (number > 1 and regions[-1].outline >= settings.radius_end):
            break
        packed, reading = stepper.advance(packed, settings.turn, (0, number))
        spheroid, cost = tumour.unpack(packed[0]), cost + reading.cost
        times.append(number * settings.turn)
    return _Grown(np.array(times), regions, np.array(macros), np.array(filled), imbalance, spheroid, cost)


def _fractions(tumour: Tumour, macro: Array) -> tuple[float, float, float]:
    """Radius (µm), and the radii of what does not grow and of the core over it, of balls of their volumes."""
    radius, filled = tumour.split(macro)
    volumes = (filled * np.diff(tumour.edges**3)).sum(axis=1)
    inner = np.cbrt(np.array([volumes[1:].sum(), volumes[2]]) / volumes.sum())
    return radius, float(inner[0]), float(inner[1])


def _beside(tumour: Tumour, grown: _Grown, trajectory: ef.Trajectory) -> _Projected:
    rough, full = (
        np.array([_fractions(tumour, macro) for macro in macros]) for macros in (trajectory.macro, grown.macros)
    )
    return _Projected(
        trajectory=trajectory,
        readings=rough,
        apart=float(np.abs(rough[:, 0] / np.interp(trajectory.times, grown.times, full[:, 0]) - 1).max()),
        core=float(full[-1, 2]),
        fewer_hours=grown.cost.micro_time / trajectory.cost.micro_time,
        fewer_updates=grown.cost.agent_updates / trajectory.cost.agent_updates,
    )


def _tell(settings: SpheroidSettings, tumour: Tumour, grown: _Grown, beside: _Projected, compared: Measured) -> Part:
    rims = np.maximum(grown.of("rim"), _THINNEST)
    law = grow_rim(grown.times, grown.regions[0].outline, rims, settings.growth_rate)
    trajectory = beside.trajectory
    return Part(
        tables=_tables(tumour, grown, law, beside, compared),
        values=_values(grown, law, beside) | compared.values,
        checks=list(_checks(settings, grown, law, beside)),
        notes=[*_notes(settings, grown, law, beside), *compared.notes],
        failures=[] if trajectory.success else [f"Spheroid: {trajectory.message}"],
        cost=grown.cost + trajectory.cost,
    )


def _values(grown: _Grown, law: Array, beside: _Projected) -> dict[str, ef.Value]:
    end, rim, cost = grown.regions[-1], grown.of("rim"), beside.trajectory.cost
    radius, _, necrotic = beside.readings[-1]
    doubt = float(beside.trajectory.stderr[-1, 0])
    return {
        "spheroid_radius": ef.Value(end.outline, unit="µm"),
        "spheroid_days": ef.Value(float(grown.times[-1]) / _DAY, unit="days"),
        "spheroid_cells": ef.Value(float(len(grown.last.cells))),
        "spheroid_rim": ef.Value(end.rim, unit="µm"),
        "spheroid_rim_mean": ef.Value(float(rim.mean()), unit="µm"),
        "spheroid_inhibited_fraction": ef.Value(end.inhibited_fraction),
        "spheroid_necrotic_fraction": ef.Value(end.necrotic_fraction),
        "spheroid_packed": ef.Value(float(grown.packed[-1])),
        "spheroid_law_radius": ef.Value(float(law[-1]), unit="µm"),
        "spheroid_projected_radius": ef.Value(float(radius), doubt if isfinite(doubt) else 0.0, unit="µm"),
        "spheroid_projected_necrotic_fraction": ef.Value(float(necrotic)),
        "spheroid_hours_of_cells": ef.Value(grown.cost.micro_time, unit="h"),
        "spheroid_projected_hours_of_cells": ef.Value(cost.micro_time, unit="h"),
        "spheroid_fewer_hours": ef.Value(beside.fewer_hours),
        "spheroid_fewer_updates": ef.Value(beside.fewer_updates),
    }


def _notes(settings: SpheroidSettings, grown: _Grown, law: Array, beside: _Projected) -> Iterator[str]:
    outline, rim, projected = grown.of("outline"), grown.of("rim"), beside.trajectory
    yield (
        f"Spheroid of {len(grown.last.cells)} cells: from {outline[0]:.4g} to {outline[-1]:.4g} µm in "
        f"{grown.times[-1] / _DAY:.3g} days; its rim is {rim[0]:.4g} µm thick at first and {rim[-1]:.4g} at the end; "
        f"the law of such a rim has {law[-1]:.4g} µm, never further off than {np.abs(outline / law - 1).max():.2%}."
    )
    yield (
        f"Spheroid projected: {projected.cost.micro_time:.4g} h of cells instead of {grown.cost.micro_time:.4g} h, "
        f"{beside.fewer_updates:.3g} times fewer updates of cells; radii {beside.apart:.2%} apart at most, necrotic "
        f"fraction at the end {beside.readings[-1, 2]:.3f} beside {beside.core:.3f}. {projected.message} A front that "
        "leaps over a shell leaves in it more than all or less than nothing, which is cut off and heals."
    )
    if outline[-1] < settings.radius_end:
        yield f"Spheroid: after {settings.days:g} days it has not reached {settings.radius_end:g} µm."


def _checks(settings: SpheroidSettings, grown: _Grown, law: Array, beside: _Projected) -> Iterator[ef.Check]:
    outline = grown.of("outline")
    if settings.dissolution == 0:  # else volume is lost, of which the law knows nothing
        yield ef.Check(
            f"spheroid: radius over that of the law of its rim, less 1, largest from {outline[0]:.0f} to "
            f"{outline[-1]:.0f} µm",
            float(np.abs(outline / law - 1).max()),
            0.0,
            _RIM,
            "dR/dt = λ (R³ - (R - δ)³) / 3R², with the rim δ(t) of this run",
            relation=ef.Relation.AT_MOST,
        )
    yield ef.Check(
        "spheroid: projected radius over that of all cells, less 1, largest",
        beside.apart,
        0.0,
        _PROJECTION,
        "every cell simulated all the time",
        relation=ef.Relation.AT_MOST,
    )
    if beside.core > 0:
        yield ef.Check(
            "spheroid: projected necrotic fraction at the end",
            float(beside.readings[-1, 2]),
            beside.core,
            _CORE,
            "every cell simulated all the time",
        )
    yield ef.Check(
        "spheroid: nutrient that is too much or missing, over all there ever was",
        grown.imbalance,
        0.0,
        _MOLECULES,
        "molecules are conserved",
        relation=ef.Relation.AT_MOST,
    )


def _tables(
    tumour: Tumour, grown: _Grown, law: Array, beside: _Projected, compared: Measured
) -> dict[str, pd.DataFrame]:
    days = grown.times / _DAY
    full = {"inhibited": grown.of("inhibited_fraction"), "necrotic": grown.of("necrotic_fraction")}
    rows = [
        pd.DataFrame({"way": _FULL, "day": days, "radius": grown.of("outline"), **full}),
        pd.DataFrame(
            {
                "way": _PROJECTED,
                "day": beside.trajectory.times / _DAY,
                "radius": beside.readings[:, 0],
                "inhibited": beside.readings[:, 1],
                "necrotic": beside.readings[:, 2],
            }
        ),
        pd.DataFrame({"way": _LAW, "day": days, "radius": law, "inhibited": nan, "necrotic": nan}),
    ]
    section, nutrient = _section(tumour, grown.last)
    return {
        "spheroid": pd.concat(rows, ignore_index=True),
        "spheroid_measured": compared.table,
        "spheroid_profiles": pd.concat(
            [
                _profile(tumour, _FULL, grown.macros[-1]),
                _profile(tumour, _PROJECTED, beside.trajectory.macro[-1]),
            ],
            ignore_index=True,
        ),
        "spheroid_section": section,
        "spheroid_nutrient": nutrient,
    }


def _profile(tumour: Tumour, way: str, macro: Array) -> pd.DataFrame:
    """What the groups fill of each shell, a row for each."""
    radius, filled = tumour.split(macro)
    middles = radius * (tumour.edges[1:] + tumour.edges[:-1]) / 2
    rows = [
        pd.DataFrame({"way": way, "group": name, "distance": middles, "filled": row})
        for name, row in zip(GROUPS, filled, strict=True)
    ]
    return pd.concat(rows, ignore_index=True)


def _section(tumour: Tumour, spheroid: Spheroid) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The cells that the plane z = 0 cuts, as the discs that it shows, and the nutrient in it."""
    cells, medium = spheroid.cells, tumour.stirred.medium
    square = cells.radius**2 - cells.position[:, 2] ** 2
    cut = square > 0
    group = np.array(GROUPS)[np.minimum(cells.state, 2)]
    discs = pd.DataFrame(
        {
            "x": cells.position[cut, 0],
            "y": cells.position[cut, 1],
            "radius": np.sqrt(square[cut]),
            "group": group[cut],
        }
    )
    middles = medium.x - medium.spacing * medium.shape[0] / 2
    low, high = (medium.shape[2] - 1) // 2, medium.shape[2] // 2
    plane = (spheroid.nutrient.concentration[:, :, low] + spheroid.nutrient.concentration[:, :, high]) / 2
    x, y = np.meshgrid(middles, middles, indexing="ij")
    return discs, pd.DataFrame({"x": x.ravel(), "y": y.ravel(), "concentration": plane.ravel()})
