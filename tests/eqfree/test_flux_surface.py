"""Shares that move with the density, and a flow that depends on the first of them."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.random import default_rng
from scipy.interpolate import PPoly

import eqfree as ef
from eqfree.hmm import (
    ConservationLaw,
    ConservationState,
    FirstOrder,
    FluxCurve,
    FluxSurface,
    Muscl,
    Open,
    Ring,
    Scheme,
    iter_conservation_law,
    minmod,
    solve_conservation_law,
    ssp_rk3,
)
from tests.eqfree.roads import JAM, Array, Formula, fitted_order, parabola, reaction, readings, triangle

SCHEMES = [FirstOrder(), Muscl(), pytest.param(Muscl(minmod, ssp_rk3), marks=pytest.mark.slow)]
ONE_QUICKLY = [SCHEMES[0], pytest.param(SCHEMES[1], marks=pytest.mark.slow), SCHEMES[2]]
TRUCK_SPEED, TRUCK_JAM = 20.0, 0.06


def jam(share: Array | float) -> Array:
    """Of a mixture: lengths add up."""
    return np.asarray(1 / ((1 - share) / JAM + share / TRUCK_JAM))


def velocity(density: Array | float, share: Array | float) -> Array:
    """Of `MIXTURE`: its two tables are parabolas; between them velocity and space are means of those who are there."""
    free = (1 - share) * 30.0 + share * TRUCK_SPEED
    return np.asarray(free * (1 - density / jam(share)))


MIXTURE = FluxSurface([0.0, 1.0], [parabola(), parabola(TRUCK_SPEED, TRUCK_JAM)])
KINKED = FluxSurface([0.0, 0.5, 1.0], [triangle(), parabola(25.0, 0.1), parabola(TRUCK_SPEED, TRUCK_JAM)])


# The surface


def test_a_surface_is_its_tables_at_their_shares() -> None:
    grid = np.linspace(0, 1, 301)
    for share, table in zip(KINKED.shares, KINKED.tables, strict=True):
        assert np.allclose(KINKED(grid * table.jam, share), table(grid * table.jam), atol=1e-13)
        assert KINKED.jam_density(share) == pytest.approx(table.jam)


def test_a_surface_between_two_parabolas_is_known_exactly() -> None:
    share = default_rng(1).random(200)
    density = jam(share) * default_rng(2).random(200)
    assert np.allclose(MIXTURE(density, share), density * velocity(density, share), atol=1e-13)
    assert np.allclose(MIXTURE.curves(share).speed(0 * density), velocity(0.0, share), rtol=1e-12)


def test_no_mixture_is_faster_than_those_in_it() -> None:
    """Cars of 7 m and trucks of 15 m of one speed and one reaction time τ: 1/ρ = length + τ v, of which means are."""
    surface = FluxSurface([0.0, 1.0], [reaction(30.0, 7.0, 1.5), reaction(30.0, 15.0, 1.5)])
    share = np.linspace(0, 1, 21)
    length = 7.0 + 8.0 * share
    free, dense = np.full(21, 1e-4), 1 / (length + 1.5 * 10.0)
    assert surface(free, share) / free == pytest.approx(30.0, rel=1e-12)
    assert surface(dense, share) / dense == pytest.approx(10.0, rel=1e-12)


@pytest.mark.slow
def test_the_fastest_wave_is_in_one_of_the_tables() -> None:
    """Slopes of the curve of each share, by finite differences on 4001 densities."""
    for surface in (MIXTURE, KINKED):
        share, grid = np.linspace(0, 1, 101), np.linspace(0, 1, 4001)[:, np.newaxis]
        flows = np.array([surface(row * surface.jam_density(share), share) for row in grid])
        slopes = np.diff(flows, axis=0) / np.diff(grid, axis=0) / surface.jam_density(share)
        assert np.abs(slopes).max() <= surface.fastest * (1 + 1e-9)
        assert surface.fastest == pytest.approx(30.0)


@pytest.mark.slow
def test_extrema_between_the_tables_are_found() -> None:
    """The curve of every share, against the largest of 20001 flows in between."""
    share = default_rng(3).random(50)
    low, high = np.sort(default_rng(4).random((2, 50)) * KINKED.jam_density(share), axis=0)
    between = low + (high - low) * np.linspace(0, 1, 20001)[:, np.newaxis]
    flows = np.array([KINKED(row, share) for row in between])
    assert np.allclose(KINKED.curves(share).largest(low, high), flows.max(axis=0), atol=1e-5)
    assert np.allclose(KINKED.curves(share).smallest(low, high), flows.min(axis=0), atol=1e-5)


def test_matched_densities_move_equally_fast() -> None:
    rng = default_rng(5)
    share, entering = rng.random((2, 100))
    density = jam(share) * rng.random(100)
    ahead = MIXTURE.matched(density, share, entering)
    slower = velocity(0.0, entering) < velocity(density, share)
    assert slower.any()
    assert (ahead[slower] == 0).all()
    assert np.allclose(velocity(ahead, entering)[~slower], velocity(density, share)[~slower], rtol=1e-9)
    assert (MIXTURE.matched(density, share, share) == density).all()


def test_a_closure_of_density_and_share_is_asked_at_the_shares() -> None:
    surface = FluxSurface.from_closure(
        Formula(lambda density, share: density * velocity(density, share)),
        lambda share: float(jam(share)),
        [0.0, 0.25, 0.5, 0.75, 1.0],
        1e-3,
    )
    share = default_rng(6).random(500)
    density = jam(share) * default_rng(7).random(500)
    assert np.allclose(surface(density, share), MIXTURE(density, share), atol=2e-3 * 1.125)
    assert 5 * 9 <= surface.cost.bursts <= 5 * 60
    assert surface.fastest == pytest.approx(velocity(0.0, np.linspace(0, 1, 101)).max(), rel=0.02)


def test_a_surface_carries_the_gradient_coefficient() -> None:
    surface = FluxSurface([0.0, 1.0], [parabola(gradient=1.0), parabola(gradient=3.0)])
    gradients = surface.gradients(np.array([0.0, 0.25, 1.0]))
    assert gradients is not None
    assert gradients(np.full(3, 0.05)) == pytest.approx([1.0, 1.5, 3.0])
    assert surface.without_gradient().gradients(np.zeros(1)) is None
    law = ConservationLaw(surface, np.linspace(0, 1000, 11), shares=["truck"])
    density = np.full(10, 0.05)
    assert law.largest_step(density, FirstOrder(), np.ones((1, 10))) == pytest.approx(1 / (0.3 + 2 * 3 / 100**2))


# Shares that move


@pytest.mark.parametrize("flux", [parabola(), FluxSurface([0.0, 1.0], [parabola(), parabola()])])
def test_a_contact_moves_with_the_speed_of_those_who_make_it(flux: FluxCurve | FluxSurface) -> None:
    """v = Q/ρ = 30 (1 - 0.05/0.15) = 20, exactly: the mean place of an upwinded share moves by the flow alone."""
    law = ConservationLaw(flux, np.linspace(0, 2000, 101), shares=["truck"])
    share = np.where((law.centres > 200) & (law.centres < 500), 0.8, 0.0)
    result = solve_conservation_law(
        law, (0.0, 30.0), np.full(100, 0.05), share, scheme=FirstOrder(), t_eval=[0.0, 30.0]
    )
    places = [(row["truck"] * law.centres).sum() / row["truck"].sum() for row in readings(law, result)]
    assert places[1] - places[0] == pytest.approx(20.0 * 30.0, rel=1e-3)
    assert np.allclose(readings(law, result)[1]["density"], 0.05, rtol=1e-12)


@pytest.mark.slow
def test_smooth_shares_are_advected_to_second_order() -> None:
    """Exact at uniform density: s0(x - v t)."""
    errors, grids, time = [], [50, 100, 200], 25.0
    for cells in grids:
        law = ConservationLaw(parabola(), np.linspace(0, 1000, cells + 1), shares=["truck"])
        wave = 0.4 * np.sinc(1 / cells)
        share = 0.5 + wave * np.sin(2 * np.pi * law.centres / 1000)
        result = solve_conservation_law(law, (0.0, time), np.full(cells, 0.05), share, t_eval=[time])
        exact = 0.5 + wave * np.sin(2 * np.pi * (law.centres - 20.0 * time) / 1000)
        errors.append(np.abs(readings(law, result)[0]["truck"] - exact).mean())
    assert fitted_order(grids, errors) == pytest.approx(2, abs=0.15)


@pytest.mark.slow
@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("flux", [parabola(gradient=1e3), MIXTURE, KINKED])
def test_shares_keep_their_bounds_and_their_mass(flux: FluxCurve | FluxSurface, scheme: Scheme) -> None:
    law = ConservationLaw(flux, np.linspace(0, 3000, 61), shares=["truck", "red"])
    rng = default_rng(8)
    shares = np.vstack([rng.integers(0, 2, size=60), 0.25 + 0.5 * rng.random(60)])
    density = law.jam(shares) * rng.random(60) * rng.integers(0, 2, size=60)
    start = state = ConservationState.begin(law, 0.0, density, shares)
    for state in iter_conservation_law(law, 120.0, start, scheme, courant=1.0):
        there = state.density > 1e-12
        ratios = state.share_density[:, there] / state.density[there]
        assert -1e-9 <= ratios.min() <= ratios.max() <= 1 + 1e-9
        assert ratios[1].max() <= shares[1].max() + 1e-9
        assert (state.density <= law.jam(state.shares) * (1 + 1e-9)).all()
    assert np.allclose(state.share_density.sum(axis=1), start.share_density.sum(axis=1), rtol=1e-12)
    assert state.density.sum() == pytest.approx(density.sum(), rel=1e-12)
    assert state.number > 50


GRADIENTS = [
    FluxSurface([0.0, 1.0], [parabola(gradient=200.0), parabola(TRUCK_SPEED, TRUCK_JAM, 200.0)]),
    FluxSurface([0.0, 1.0], [parabola(gradient=1e4), parabola(TRUCK_SPEED, TRUCK_JAM, 1e5)]),
    FluxSurface([0.0, 1.0], [reaction(30.0, 7.0, 1.5, 1e5), reaction(20.0, 20.0, 3.0, 1e4)]),
    FluxSurface([0.0, 0.5, 1.0], [parabola(gradient=gradient) for gradient in (0.0, 1e5, 0.0)]),
]


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ONE_QUICKLY)
@pytest.mark.parametrize("surface", GRADIENTS)
def test_a_gradient_fills_no_road_beyond_jam_density(surface: FluxSurface, scheme: Scheme) -> None:
    """Full and empty cells, and shares that jump from one to the next: the worst that can be; and the largest step."""
    edges = np.linspace(0, 2000, 41)
    law = ConservationLaw(surface, edges, shares=["truck"])
    for seed in range(3):
        rng = default_rng(seed)
        shares = rng.integers(0, 2, size=(1, 40)).astype(float)
        density = law.jam(shares) * rng.random(40) ** seed * rng.integers(0, 2, size=40)
        start = ConservationState.begin(law, 0.0, density, shares)
        for state in iter_conservation_law(law, 1e3, start, scheme, courant=1.0):
            assert state.density.min() >= -1e-15
            assert (state.density <= law.jam(state.shares) * (1 + 1e-9)).all()
            assert (state.share_density <= state.density * (1 + 1e-9) + 1e-15).all()
            if state.number == 40:
                break


@pytest.mark.parametrize("gradient", [None, 200.0])
def test_a_contact_between_unequal_drivers_at_equal_velocity_stays_one(gradient: float | None) -> None:
    """Cars and trucks at 10 m/s, of which a mixture has the headway in the mean: nobody has a reason to change."""
    cars, trucks = (reaction(30.0, length, 1.5, gradient) for length in (7.0, 15.0))
    surface = FluxSurface([0.0, 1.0], [cars, trucks])
    law = ConservationLaw(surface, np.linspace(0, 2000, 41), shares=["truck"])
    platoon = (law.centres > 500) & (law.centres < 1000)
    density, share = np.where(platoon, 1 / 30, 1 / 22), platoon.astype(float)
    start = ConservationState.begin(law, 0.0, density, share)
    for state in iter_conservation_law(law, 60.0, start, FirstOrder()):
        assert surface(state.density, state.shares[0]) / state.density == pytest.approx(10.0, rel=1e-9)


@pytest.mark.slow
@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_step_holds_for_the_gradient_of_every_mixture(scheme: Scheme) -> None:
    """Cells of cars beside cells of trucks, where the mixture alone has a gradient coefficient: no variation grows."""
    law = ConservationLaw(GRADIENTS[3], np.linspace(0, 2000, 41), shares=["truck"])
    shares = np.arange(40) % 2.0
    density = 0.05 + 0.02 * default_rng(0).random(40)
    start = ConservationState.begin(law, 0.0, density, shares)
    for state in iter_conservation_law(law, 2.0, start, scheme, courant=1.0):
        assert density.min() - 1e-12 <= state.density.min() <= state.density.max() <= density.max() + 1e-12


@pytest.mark.slow
def test_a_riemann_problem_with_a_jump_in_the_share_is_solved() -> None:
    """Lebacque, Mammar & Haj-Salem (2007): a wave of those behind, then the contact, at equal velocity across it.

    Cars at 0.05 meet a slower mixture: the density between is the car density that moves at the velocity ahead, and
    the shock to it has Rankine and Hugoniot's speed.
    """
    left, right, share, time = 0.05, 0.06, 0.5, 30.0
    ahead = float(velocity(right, share))
    between = JAM * (1 - ahead / 30.0)
    shock = 30.0 * (1 - (left + between) / JAM)
    assert shock < ahead
    assert between > left
    errors, grids = [], [75, 150, 300]
    for cells in grids:
        edges = np.linspace(-1000, 1000, cells + 1)
        boundary = Open(left * float(velocity(left, 0.0)), right * ahead, [0.0])
        law = ConservationLaw(MIXTURE, edges, boundary, shares=["truck"])
        density = np.where(law.centres < 0, left, right)
        trucks = np.where(law.centres < 0, 0.0, share)
        result = solve_conservation_law(law, (0.0, time), density, trucks, t_eval=[time])
        got, x = readings(law, result)[0], law.centres
        exact = np.select([x < shock * time, x < ahead * time], [left, between], right)
        errors.append(np.abs(got["density"] - exact).mean())
        assert np.abs(got["truck"] - np.where(x < ahead * time, 0, share)).mean() < 20 / cells
    plateau = (x > shock * time + 60) & (x < ahead * time - 60)
    assert plateau.any()
    assert got["density"][plateau] == pytest.approx(between, rel=5e-3)
    assert errors[-1] < 2.5 / 300 * (between - right)  # two cells and a half of the contact
    assert fitted_order(grids, errors) > 0.5


@pytest.mark.slow
def test_shares_that_arrive_are_counted() -> None:
    boundary = Open(0.6, shares=[lambda time: 0.5 if time < 50 else 0.0, 0.25])
    law = ConservationLaw(MIXTURE, np.linspace(0, 1000, 21), boundary, shares=["truck", "red"])
    result = solve_conservation_law(law, (0.0, 400.0), np.zeros(20), np.zeros((2, 20)), t_eval=[400.0])
    (row,) = readings(law, result)
    assert row["passed"][0] + row["waiting"] == pytest.approx(0.6 * 400)
    assert row["red_passed"][0] == pytest.approx(0.25 * row["passed"][0])
    assert row["truck_passed"][0] == pytest.approx(0.5 * 0.6 * 50, rel=0.1)  # to one step of the flow
    inside = (row["red"] * row["density"]).sum() * 50
    assert inside == pytest.approx(row["red_passed"][0] - row["red_passed"][-1], rel=1e-10)


@pytest.mark.parametrize("scheme", ONE_QUICKLY)
def test_those_who_wait_keep_their_shares(scheme: Scheme) -> None:
    """50 trucks, then cars arrive at a road that is closed; what has entered and what waits are all who arrived."""
    boundary = Open(0.5, lambda time: 0.0 if time < 150 else np.inf, [lambda time: 1.0 if time < 100 else 0.0, 0.25])
    for flux in (parabola(), MIXTURE):
        law = ConservationLaw(flux, np.linspace(0, 1000, 11), boundary, shares=["truck", "red"])
        shares = np.zeros((2, 10))
        times = [50.0, 100.0, 200.0, 500.0]
        result = solve_conservation_law(law, (0.0, 500.0), law.jam(shares), shares, scheme=scheme, t_eval=times)
        for row, trucks in zip(readings(law, result), [25.0, 50.0, 50.0, 50.0], strict=True):
            step = 0.5 * law.largest_step(law.jam(shares), scheme, shares)  # in which the arrivals change
            assert row["truck_passed"][0] + row["truck_waiting"] == pytest.approx(trucks, abs=step)
            assert row["red_passed"][0] + row["red_waiting"] == pytest.approx(
                0.25 * (row["passed"][0] + row["waiting"])
            )
            assert 0 <= row["truck_waiting"] <= row["waiting"] + 1e-12
        assert row["truck_passed"][0] > 20


# Refusals


@pytest.mark.parametrize(
    ("flow", "words"),
    [
        (
            lambda density, share: density * (1 - density) * (1 - 2 * share * density),
            r"At share 1: A flow must not be negative: got -0\.\d+ at density 0\.\d+",
        ),
        (
            lambda density, share: np.where((share > 0) & (density > 0.5), np.nan, density),
            r"At share 1: .*finite.*at densities \[0.625 0.75",
        ),
        (
            lambda density, share: np.column_stack([density * (1 - density), (1 - 2 * share) * density]),
            r"At share 1: The gradient coefficient must not be negative: got -0.125 at density 0.125",
        ),
        (
            lambda density, share: density * (1 - density) * (1 + 3 * share * density),
            r"the velocity must not grow with density.*at share 1 it does at density 0\.\d+",
        ),
    ],
)
def test_a_closure_that_nobody_can_solve_is_refused_with_share_and_density(
    flow: Callable[[Array, Array], Array], words: str
) -> None:
    with pytest.raises(ValueError, match=words):
        FluxSurface.from_closure(Formula(flow), 1.0, [0.0, 1.0], 1e-2)


def test_a_velocity_that_grows_with_density_is_refused() -> None:
    convex = FluxCurve(PPoly([[1.0, -1.0], [0.1, 0.5], [0.0, 0.3]], [0.0, 0.5, 1.0]))
    with pytest.raises(ValueError, match=r"the velocity must not grow with density.*at share 1 it does at density 0.5"):
        FluxSurface([0.0, 1.0], [parabola(1.0, 1.0), convex])


def moving(speed: float, least: float, jam: float) -> FluxCurve:
    """Drivers who at jam density still have a velocity."""
    return FluxCurve(PPoly([[-(speed - least) / jam], [speed], [0.0]], [0.0, jam]))


def test_a_velocity_that_grows_between_nodes_is_refused() -> None:
    """ρ (0.3 + 3 ρ - 3.3 ρ²): nodes are at 0 and 1 only, and the velocity is largest at 3/6.6."""
    bent = FluxCurve(PPoly([[-3.3], [3.0], [0.3], [0.0]], [0.0, 1.0]))
    with pytest.raises(ValueError, match=r"must not grow with density.*at share 0 it does at density 0.4545"):
        FluxSurface([0.0, 1.0], [bent, bent])


@pytest.mark.parametrize("place", [0, 1, 2])
@pytest.mark.parametrize("boundary", [Ring(), Open(1.0, shares=[0.5])])
def test_a_surface_whose_jam_moves_is_refused(place: int, boundary: Ring | Open) -> None:
    """Even on a ring: those ahead may be slower, so that cells fill from behind."""
    tables = [parabola(), parabola(25.0, 0.1), parabola(TRUCK_SPEED, TRUCK_JAM)]
    tables[place] = moving(30.0, 2.0, tables[place].jam)
    surface = FluxSurface([0.0, 0.5, 1.0], tables)
    words = f"the flow at jam density must be zero: got {2 * tables[place].jam:.4g} at density {tables[place].jam:.4g}"
    with pytest.raises(ValueError, match=words):
        ConservationLaw(surface, np.linspace(0, 1000, 11), boundary, shares=["truck"])


@pytest.mark.parametrize(
    ("shares", "tables", "words"),
    [
        ([0.0], [parabola()], "got 1 tables for shares [0.0]"),
        ([0.1, 1.0], [parabola(), parabola()], "from 0 to 1"),
        ([0.0, 1.0, 1.0], [parabola(), parabola(), parabola()], "`shares` must increase"),
        ([0.0, 1.0], [parabola(), parabola(gradient=1.0)], "or none of them"),
    ],
)
def test_tables_that_make_no_surface_are_refused(shares: list[float], tables: list[FluxCurve], words: str) -> None:
    with pytest.raises(ValueError, match=re.escape(words)):
        FluxSurface(shares, tables)


@pytest.mark.parametrize(
    ("names", "words"),
    [
        ("truck", "`shares` must be a list of names: got 'truck'. Write ['truck']."),
        (["red", "red"], "`shares` must name each share once: got ['red', 'red']."),
        (["density"], "of other fields: got ['density']."),
        (["waiting", "red"], "of other fields: got ['waiting']."),
        (["red", "red_passed"], "of other fields: got ['red_passed']."),
        (["passed_waiting"], "of other fields: got ['passed_waiting']."),
        ([0.3], "`shares` must be a list of names: got [0.3]."),
    ],
)
def test_names_of_shares_that_make_no_sense_are_refused(names: Any, words: str) -> None:
    with pytest.raises(ValueError, match=re.escape(words)):
        ConservationLaw(parabola(), np.linspace(0, 1000, 11), shares=names)


def test_a_table_that_is_used_twice_is_paid_for_once() -> None:
    asked = replace(parabola(), cost=ef.Cost(bursts=7))
    other = replace(parabola(), cost=ef.Cost(bursts=5))
    assert FluxSurface([0.0, 0.5, 1.0], [asked, other, asked]).cost == ef.Cost(bursts=12)


def test_shares_that_do_not_fit_are_refused() -> None:
    edges = np.linspace(0, 1000, 11)
    with pytest.raises(ValueError, match="A flow of density and share needs the share"):
        ConservationLaw(MIXTURE, edges)
    with pytest.raises(ValueError, match=r"a value for each of the shares \['truck'\]: got 0"):
        ConservationLaw(MIXTURE, edges, Open(1.0), shares=["truck"])
    law = ConservationLaw(MIXTURE, edges, shares=["truck"])
    for shares in ((), np.zeros((10, 1)), np.zeros((2, 10)), np.zeros(9), np.zeros((1, 1, 10))):
        words = rf"\['truck'\] in each of 10 cells, shape \(1, 10\): got shape {re.escape(str(np.shape(shares)))}"
        with pytest.raises(ValueError, match=words):
            solve_conservation_law(law, (0.0, 1.0), np.zeros(10), shares)
        with pytest.raises(ValueError, match=words):
            law.largest_step(np.zeros(10), FirstOrder(), shares)
    two = ConservationLaw(parabola(), edges, shares=["truck", "red"])
    with pytest.raises(ValueError, match=r"shape \(2, 10\): got shape \(10, 2\)"):
        ConservationState.begin(two, 0.0, np.zeros(10), np.zeros((10, 2)))
    with pytest.raises(ValueError, match=r"shape \(0, 10\): got shape \(1, 10\)"):
        ConservationState.begin(ConservationLaw(parabola(), edges), 0.0, np.zeros(10), np.zeros((1, 10)))
    with pytest.raises(ValueError, match=r"Shares must lie in \[0, 1\]: got \[1.5"):
        solve_conservation_law(law, (0.0, 1.0), np.zeros(10), np.full(10, 1.5))
    with pytest.raises(ValueError, match=r"jam density, 0.06 there: got \[0.1 "):
        solve_conservation_law(law, (0.0, 1.0), np.full(10, 0.1), np.ones(10))
