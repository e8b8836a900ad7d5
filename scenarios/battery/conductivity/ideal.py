"""Ideal lattices: correlation beside one vacancy and many, and the conductivity with exclusion, with what is exact."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any

import numpy as np
import pandas as pd
from numpy.random import Generator
from numpy.typing import NDArray

import eqfree as ef
from agents.ions import Box, Hopping, Ions, Landscape, LatticeGas
from agents.ions.conductor import Conducting, Conductor
from agents.ions.constants import BOLTZMANN
from agents.ions.correlation import box_correlation, factor_of_cosines, lattice_correlation, nakazato_kitahara
from agents.ions.estimates import Estimate, jackknife
from agents.ions.exact import exclusion_conductivity
from agents.ions.lattices import LATTICES
from eqfree.scenario import Context
from scenarios.battery.conductivity.settings import ConductivitySettings, LatticeName
from scenarios.battery.conductor import HEALING

__all__ = ["Ideal"]

Array = NDArray[np.float64]

_SPACING, _BARRIER, _TEMPERATURE = 3e-10, 0.35, 300.0  # m, eV and K; they are units, no more
_TRACER_WINDOW = 100.0  # hops of an ion
_NEAR = 0.005  # by so much Nakazato's and Kitahara's law is off simulations
_PRECISE, _CLOSE = 2e-4, 0.005
_VACANCY, _TRACER, _CHARGE = 1, 2, 3

_EDGES: dict[LatticeName, tuple[int, int, int]] = {  # cells along an edge: for a vacancy, tracers and charge
    "simple_cubic": (6, 8, 3),
    "body_centred_cubic": (4, 6, 2),
    "face_centred_cubic": (4, 5, 2),
    "diamond": (3, 4, 2),
    "square": (16, 24, 5),
    "triangular": (16, 24, 5),
    "honeycomb": (8, 16, 3),
}


@dataclass(frozen=True, eq=False)
class Ideal:
    """A lattice of one kind of sites and hops.

    Parameters
    ----------
    lattice
        Which.
    options, context, seed
        Of the part.
    key
        Which noise.
    """

    lattice: LatticeName
    options: ConductivitySettings
    context: Context
    seed: int
    key: tuple[int, ...] = ()

    def landscape(self, purpose: int) -> Landscape:
        """A box of it, as large as the purpose needs."""
        crystal = LATTICES[self.lattice](_SPACING)
        edge = _EDGES[self.lattice][purpose - 1]
        return Landscape(Box(crystal, (edge,) * crystal.axes), Hopping({"hop": _BARRIER}))

    @property
    def rate(self) -> float:
        """Of hops to a vacant site (Hz)."""
        return Hopping({"hop": _BARRIER}).frequency(_TEMPERATURE) * float(
            np.exp(-_BARRIER / (BOLTZMANN * _TEMPERATURE))
        )

    def vacancy(self) -> tuple[Estimate, float, float, ef.Cost]:
        """The tracer correlation factor beside one vacancy by the mean cosine; exact for the box, and without end."""
        land = self.landscape(_VACANCY)
        box, replicas = land.box, self.options.replicas
        gas = LatticeGas(land, _TEMPERATURE, columns=1)
        duration = self.options.vacancy_hops / replicas / (box.crystal.ways * self.rate)

        def evolve(micro: tuple[Ions, Array], duration: float, rng: Generator) -> tuple[Ions, Array]:
            ions, read = gas.watch(micro[0], 1, duration, rng)
            return ions, micro[1] + [read.cosines.sum(), read.turns.sum()]

        def observe(before: tuple[Ions, Array], after: tuple[Ions, Array], _: float) -> Array:
            return after[1] - before[1]

        model = ef.micro_model(
            lambda macro, rng: (gas.lift(macro, rng), np.zeros(2)),
            evolve,
            lambda micro: gas.restrict(micro[0]),
            warm=gas.warm,
        )
        burst = self._stepper(model).burst(
            [[1 - 1 / len(box)]], (duration / 100, duration * 1.01), (*self.key, _VACANCY), observe, samples=True
        )
        factor = jackknife(factor_of_cosines, _samples(burst), "1")
        return factor, box_correlation(box), lattice_correlation(box.crystal), burst.cost

    def tracers(self, infinite: float) -> tuple[pd.DataFrame, ef.Cost]:
        """The correlation factor over concentration, mean-square displacement over that of as many random hops."""
        land = self.landscape(_TRACER)
        box, rows, cost = land.box, [], ef.Cost()
        gas = LatticeGas(land, _TEMPERATURE, columns=1)
        for number, share in enumerate(self.context.track(self.options.concentrations, "correlation factor")):
            ions = round(share * len(box))
            period = 1 / (box.crystal.ways * self.rate * (len(box) - ions) / (len(box) - 1))
            windows = max(1, ceil(self.options.tracer_hops / (self.options.replicas * ions * _TRACER_WINDOW)))
            times = period * (HEALING + _TRACER_WINDOW * np.arange(windows + 1))

            def observe(before: Ions, after: Ions, _: float) -> Array:
                return np.array(
                    [((after.displacement - before.displacement) ** 2).sum(), (after.hops - before.hops).sum()]
                )

            burst = self._stepper(gas).burst(
                [[ions / len(box)]], times, (*self.key, _TRACER, number), observe, samples=True
            )
            factor = jackknife(lambda mean: mean[0] / mean[1] / _SPACING**2, _samples(burst), "1")
            cost += burst.cost
            rows.append(
                {
                    "concentration": ions / len(box),
                    "factor": float(factor),
                    "stderr": float(factor.stderr),
                    "nakazato_kitahara": nakazato_kitahara(ions / len(box), infinite),
                }
            )
        return pd.DataFrame(rows), cost

    def charge(self) -> tuple[pd.DataFrame, ef.Cost]:
        """The conductivity at the fillings beside what is exact: the hops from each site add up to nothing."""
        land = self.landscape(_CHARGE)
        model = Conductor(land, lags=0)
        sites, rows, cost = len(land.box), [], ef.Cost()
        inverse = 1 / (BOLTZMANN * _TEMPERATURE)

        def observe(before: Conducting, after: Conducting, _: float) -> Array:
            return np.diag(model.box_conductivity(before, after)) / _TEMPERATURE

        for number, filling in enumerate(self.context.track(self.options.fillings, "conductivity of a lattice")):
            ions = min(max(round(filling * sites), 1), sites - 1)
            windows = 3 / land.box.axes * self.options.windows
            duration = ceil(windows / self.options.replicas) * model.window
            burst = self._stepper(model).burst(
                [inverse, ions / sites],
                (HEALING, HEALING + duration),
                (*self.key, _CHARGE, number),
                observe,
                samples=True,
            )
            sigma = jackknife(np.mean, _samples(burst), "S/m")
            exact = exclusion_conductivity(land.box, ions, self.rate, _TEMPERATURE)
            cost += burst.cost
            rows.append(
                {
                    "sites": sites,
                    "ions": ions,
                    "conductivity": float(sigma),
                    "stderr": float(sigma.stderr),
                    "exact": float(np.diag(exact).mean()),
                    "unit": {3: "S/m", 2: "S"}[land.box.axes],
                }
            )
        return pd.DataFrame(rows), cost

    def checks(
        self, factor: Estimate, box: float, infinite: float, tracers: pd.DataFrame, charge: pd.DataFrame
    ) -> Iterator[ef.Check]:
        """What was read beside what is exact."""
        name, sites = self.lattice.replace("_", " "), len(self.landscape(_VACANCY).box)
        error = float(factor.stderr)
        exact = "exact: the walk of the vacancy between two hops of the tracer"
        for word, measured, expected in (
            (f"in the box of {sites} sites", float(factor), box),
            ("without end", float(factor) + infinite - box, infinite),
        ):
            yield ef.Check(
                f"correlation factor of one vacancy, {name}, {word}",
                measured,
                expected,
                4.0,
                exact,
                relation=ef.Relation.COVERS,
                stderr=error,
            )
        if self.options.vacancy_hops >= ConductivitySettings().vacancy_hops:
            yield ef.Check(
                f"correlation factor of one vacancy, {name}: standard error",
                error,
                _PRECISE,
                0.0,
                "wanted",
                relation=ef.Relation.AT_MOST,
            )
        for row in _records(tracers):
            yield ef.Check(
                f"correlation factor, {name}, {row['concentration']:.0%} occupied",
                row["factor"],
                row["nakazato_kitahara"],
                _NEAR + 4 * row["stderr"],
                "Nakazato & Kitahara 1980, within 0.005 of simulations; and four standard errors",
                stderr=row["stderr"],
            )
        yield from self._charge_checks(_records(charge))

    def _charge_checks(self, rows: Sequence[dict[str, Any]]) -> Iterator[ef.Check]:
        name = self.lattice.replace("_", " ")
        for row in rows:
            word = f"conductivity with exclusion, {name}, {row['ions']} ions on {row['sites']} sites"
            source = "exact: n q² Γ a² (L - N)/((L - 1) kT)"
            known = {"stderr": row["stderr"], "unit": row["unit"]}
            yield ef.Check(word, row["conductivity"], row["exact"], 4.0, source, relation=ef.Relation.COVERS, **known)
            if self.options.windows >= ConductivitySettings().windows:
                yield ef.Check(
                    f"{word}, within 0.5 %", row["conductivity"], row["exact"], _CLOSE * row["exact"], source, **known
                )

    def _stepper(self, model: Any) -> ef.CoarseTimeStepper:
        return ef.CoarseTimeStepper(model, self.options.replicas, executor=self.context.executor, seed=self.seed)


def _samples(burst: Any) -> Array:
    """What each replica read, in all intervals together, (replica, ...)."""
    assert burst.observed is not None
    assert burst.observed.samples is not None
    return np.asarray(burst.observed.samples.mean(axis=1))


def _records(table: pd.DataFrame) -> list[dict[str, Any]]:
    return [{str(key): value for key, value in row.items()} for row in table.to_dict("records")]
