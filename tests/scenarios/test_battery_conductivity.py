"""Conductivity over temperature, and the closure that a device asks."""

from __future__ import annotations

from dataclasses import replace
from math import log

import numpy as np
import pytest

import eqfree as ef
from agents.ions import Box, Hopping, Landscape
from agents.ions.conductor import Conductor
from agents.ions.constants import BOLTZMANN, ELEMENTARY_CHARGE
from agents.ions.correlation import nakazato_kitahara
from agents.ions.lattices import simple_cubic
from agents.ions.material import Material, read_material
from eqfree.scenario import Context
from scenarios.battery.conductivity.draw import draw_conductivity
from scenarios.battery.conductivity.settings import QUICK, ConductivitySettings
from scenarios.battery.conductivity.study import published, run_conductivity, window_check
from scenarios.battery.conductivity.watch import watch
from scenarios.battery.conductor import closure_of_both, closure_of_temperature

SPACING, BARRIER, IONS = 3e-10, 0.35, 9
MODEL = Conductor(Landscape(Box(simple_cubic(SPACING), (3, 3, 3)), Hopping({"hop": BARRIER}, 1e13)))


def exact(inverse: float, share: float = IONS / 27) -> float:
    """ln(sigma T) of a simple cubic lattice with exclusion, sigma = n q² Γ a² (1 - c)/kT."""
    rate = 1e13 * np.exp(-BARRIER * inverse)
    return log(ELEMENTARY_CHARGE / BOLTZMANN * share / SPACING * rate * (1 - share))


def test_the_closure_answers_the_exact_conductivity_with_its_error() -> None:
    answer = closure_of_temperature(MODEL, IONS / 27, duration=1000.0)([[30.0], [45.0]])
    assert answer.value.shape == answer.stderr.shape == (2, 1)
    assert (answer.stderr < 0.03).all()
    for point, inverse in enumerate((30.0, 45.0)):
        assert answer.value[point, 0] == pytest.approx(exact(inverse), abs=4 * answer.stderr[point, 0])


def test_between_whole_numbers_of_ions_the_closure_is_exact_too() -> None:
    answer = closure_of_both(MODEL, duration=1000.0)([[38.7, 0.35], [38.7, 0.8]])
    for value, error, share in zip(answer.value[:, 0], answer.stderr[:, 0], (0.35, 0.8), strict=True):
        assert value == pytest.approx(exact(38.7, share), abs=4 * error)


def test_an_answer_depends_on_nothing_that_is_asked_beside_it() -> None:
    closure = closure_of_both(MODEL, duration=50.0)
    alone, beside = closure([[38.7, 0.3]]), closure([[30.0, 0.5], [38.7, 0.3]])
    np.testing.assert_array_equal(alone.value[0], beside.value[1])


@pytest.mark.slow
def test_a_table_of_it_needs_some_ten_micro_solves() -> None:
    closure = closure_of_temperature(MODEL, IONS / 27, duration=400.0, seed=3)
    table = ef.hmm.Tabulated(closure, (29.0, 46.0), 0.0, atol=0.1, interpolation=ef.hmm.smooth, max_solves=60)
    inverse = np.linspace(29.0, 46.0, 200)
    answer = table(inverse[:, np.newaxis])
    assert table.within_tolerance
    assert table.solved <= 30
    wrong = answer.value[:, 0] - [exact(one) for one in inverse]
    assert np.abs(wrong).max() < 0.1


@pytest.mark.slow
def test_activation_energy_and_haven_ratio_of_one_kind_of_hops_are_known() -> None:
    """The energy is the barrier; the Haven ratio of ions that but exclude each other is their correlation factor."""
    land = Landscape(Box(simple_cubic(SPACING), (5, 5, 5)), Hopping({"hop": BARRIER}, 1e13))
    share = 100 / 125
    seen = watch(Conductor(land, tracer_window=100.0), share, [250.0, 300.0, 400.0], 200.0, 30, seed=1)
    energy, haven = seen.fit.energy, seen.haven(1)
    assert float(energy) == pytest.approx(BARRIER, abs=4 * float(energy.stderr))
    assert float(haven) == pytest.approx(nakazato_kitahara(share, 0.6531088), abs=0.005 + 4 * float(haven.stderr))
    with pytest.raises(ValueError, match="three different temperatures"):
        watch(Conductor(land), share, [300.0, 400.0], 20.0, 30)


def test_windows_that_are_too_short_at_one_temperature_are_told() -> None:
    seen = watch(MODEL, IONS / 27, [250.0, 300.0, 400.0], 20.0, 30)
    levels = 1 + 0.01 * np.random.default_rng(0).normal(size=(3, 30))
    samples = np.ones((1, 1, 3, 1, 1)) * levels[..., np.newaxis, np.newaxis, np.newaxis] * np.eye(3)
    even = replace(seen, samples=samples)
    assert window_check(even).ok
    samples = samples.copy()
    samples[0, :, 2] *= 0.9  # in the cold; as much more in the heat, so that the mean hides it
    samples[2, :, 2] *= 1.1
    told = window_check(replace(even, samples=samples))
    assert not told.ok
    assert abs(told.measured) == pytest.approx(0.1)


@pytest.mark.slow
def test_the_part_says_what_a_material_conducts_and_what_is_exact() -> None:
    garnet = read_material("llzo_like")
    small = {"duration": 20.0, "vacancy_hops": 5e5, "tracer_hops": 5e4, "windows": 5000, "fillings": [0.5]}
    options = ConductivitySettings(**{**QUICK, **small})
    part = run_conductivity(garnet, [250.0, 400.0], None, "simple_cubic", options, Context(), 0)
    assert [check.quantity for check in part.checks if not check.ok] == []
    assert set(part.values) == {"correlation_factor", "conductivity", "activation_energy", "haven_ratio"}
    assert part.tables["conductivity"]["temperature"].tolist() == [250.0, 300.0, 400.0]
    assert part.tables["ions"]["ion"].value_counts().to_dict() == {"Li": 56, "vacant": 16}
    lengths = part.tables["ion_hops"].to_numpy() @ np.vstack([np.eye(3), -np.eye(3)])
    np.testing.assert_allclose(np.linalg.norm(lengths, axis=1), 6**0.5 / 16 * 1.297, rtol=1e-6)
    assert set(part.tables["conductivity_sources"]["status"]) == {"read", "assumed"}
    assert any("doi:10.1039/c4ra15972a" in note for note in part.notes)
    assert set(draw_conductivity(part.tables)) == {"conductivity", "correlation", "ions"}


@pytest.mark.slow
def test_a_full_box_is_refused_before_anything_is_computed() -> None:
    garnet = read_material("llzo_like")
    with pytest.raises(ValueError, match=r"got a share of 0\.999 in a box of 72 sites"):
        run_conductivity(garnet, [250.0, 400.0], 0.999, "square", ConductivitySettings(), Context(), 0)


def test_published_values_stand_beside_also_where_there_are_none() -> None:
    plain = Material("plain", simple_cubic(SPACING), Hopping({"hop": BARRIER}), 0.5, MODEL.species)
    assert published(plain).empty
    assert published(read_material("lgps_like"))["conductivity"].min() > 0
