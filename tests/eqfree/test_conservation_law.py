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
    Bottleneck,
    ConservationLaw,
    ConservationState,
    FirstOrder,
    FluxCurve,
    Muscl,
    Open,
    Scheme,
    iter_conservation_law,
    minmod,
    monotone,
    monotonized_central,
    smooth,
    solve_conservation_law,
    ssp_rk2,
    ssp_rk3,
)
from tests.eqfree.roads import (
    FREE_SPEED,
    JAM,
    Array,
    Formula,
    fitted_order,
    greenshields,
    parabola,
    readings,
    triangle,
    triangular,
)

SCHEMES = [FirstOrder(), Muscl(), Muscl(minmod, ssp_rk3), Muscl(monotonized_central, ssp_rk2)]
ONE_QUICKLY = [
    SCHEMES[0],
    *(pytest.param(scheme, marks=pytest.mark.slow) for scheme in (*SCHEMES[1:], Muscl(monotonized_central, ssp_rk3))),
]

# Riemann problems of references/cars.json


def riemann(
    flux: FluxCurve, left: float, right: float, cells: int, scheme: Scheme, times: list[float]
) -> tuple[Array, list[dict[str, Array]]]:
    """Both states go on for ever: arrivals of one's demand, and a way out for the other's supply."""
    edges = np.linspace(-1000.0, 1000.0, cells + 1)
    law = ConservationLaw(flux, edges, Open(float(flux.demand(left)), float(flux.supply(right))))
    density = np.where(law.centres < 0, left, right)
    return edges, readings(law, solve_conservation_law(law, (0.0, times[-1]), density, scheme=scheme, t_eval=times))


def crossing(centres: Array, density: Array, level: float) -> float:
    """Where the density passes a level, by linear interpolation."""
    place = int(np.argmax((density[:-1] - level) * (density[1:] - level) <= 0))
    share = (level - density[place]) / (density[place + 1] - density[place])
    return float(centres[place] + share * (centres[place + 1] - centres[place]))


ROAD = np.linspace(0.0, 1000.0, 11)
GREENSHIELDS = FluxCurve.from_closure(Formula(greenshields), JAM, 1e-6, interpolation=smooth)
TRIANGULAR = FluxCurve.from_closure(Formula(triangular), JAM, 1e-3)
SHOCKS = [
    (GREENSHIELDS, 0.03, 0.1, 4.0),
    (GREENSHIELDS, 0.06, 0.12, -6.0),
    (GREENSHIELDS, 0.02, 0.06, 14.0),
    (TRIANGULAR, 0.01, 0.1, 0.0),
    (TRIANGULAR, 0.02, 0.05, 0.0),
    (TRIANGULAR, 0.015, 0.15, -10 / 3),
]
FANS = [(0.12, 0.03, -18.0, 18.0, 1.125), (0.15, 0.0, -30.0, 30.0, 1.125), (0.05, 0.02, 10.0, 22.0, 1.0)]


@pytest.mark.slow
@pytest.mark.parametrize("scheme", SCHEMES[:2])
@pytest.mark.parametrize(("flux", "left", "right", "speed"), SHOCKS)
def test_shocks_move_at_the_speeds_of_the_references(
    flux: FluxCurve, left: float, right: float, speed: float, scheme: Scheme
) -> None:
    edges, (early, late) = riemann(flux, left, right, 200, scheme, [10.0, 40.0])
    centres = (edges[:-1] + edges[1:]) / 2
    middle = (left + right) / 2
    travelled = crossing(centres, late["density"], middle) - crossing(centres, early["density"], middle)
    assert travelled / 30.0 == pytest.approx(speed, abs=0.005 * FREE_SPEED)


@pytest.mark.parametrize("scheme", SCHEMES[:2])
@pytest.mark.parametrize(
    ("left", "right", "flow"),
    [(0.03, 0.1, 0.72), (0.06, 0.12, 0.72), (0.02, 0.06, 0.52), *((left, right, q) for left, right, _, _, q in FANS)],
)
def test_the_flow_at_the_origin_is_that_of_the_references(
    left: float, right: float, flow: float, scheme: Scheme
) -> None:
    _, (early, late) = riemann(GREENSHIELDS, left, right, 100, scheme, [5.0, 15.0])
    assert (late["passed"][50] - early["passed"][50]) / 10.0 == pytest.approx(flow, rel=1e-3)


@pytest.mark.slow
@pytest.mark.parametrize("scheme", SCHEMES[:2])
@pytest.mark.parametrize(("left", "right", "speed"), [shock[1:] for shock in SHOCKS[:3]])
def test_moving_shocks_are_first_order(left: float, right: float, speed: float, scheme: Scheme) -> None:
    """In L1, at a time when the exact shock is at a face of every grid."""
    errors, grids = [], [50, 100, 200, 400]
    for cells in grids:
        edges, (late,) = riemann(parabola(), left, right, cells, scheme, [20.0])
        assert (20.0 * speed) % (2000 / cells) == pytest.approx(0.0, abs=1e-9)
        exact = np.where((edges[:-1] + edges[1:]) / 2 < 20.0 * speed, left, right)
        errors.append(np.abs(late["density"] - exact).mean())
    assert fitted_order(grids, errors) == pytest.approx(1, abs=0.15)


@pytest.mark.slow
@pytest.mark.parametrize(("left", "right", "slow", "fast", "flow"), FANS)
def test_fans_are_those_of_the_references(left: float, right: float, slow: float, fast: float, flow: float) -> None:
    """Exact cell means by the integral of ρ = jam/2 (1 - x/(v t)) between the edges of the fan."""
    errors, grids, time = [], [100, 200, 400], 25.0
    for cells in grids:
        edges, (late,) = riemann(parabola(), left, right, cells, Muscl(), [time])
        inside = np.clip(edges, slow * time, fast * time)
        fan = JAM / 2 * (inside - inside**2 / (2 * FREE_SPEED * time))
        count = left * np.minimum(edges, slow * time) + fan + right * np.maximum(edges, fast * time)
        errors.append(np.abs(late["density"] - np.diff(count) / np.diff(edges)).mean())
    assert errors[-1] < 1e-3 * left
    assert fitted_order(grids, errors) == pytest.approx(1, abs=0.15)


# Smooth waves


def wave_by_characteristics(edges: Array, time: float) -> tuple[Array, Array]:
    """Cell means at the beginning and at ``time`` of Greenshields waves on a ring of length one, before any breaks.

    Along the characteristic from ξ the density stays, so that the count from the origin of the characteristic of 0
    is N0(ξ) + t (ρ Q' - Q) up to a constant.
    """
    mean, size = 0.4 * JAM, 0.2 * JAM

    def density(start: Array) -> Array:
        return np.asarray(mean + size * np.sin(2 * np.pi * start))

    def count(start: Array, time: float) -> Array:
        rho = density(start)
        moved = rho * FREE_SPEED * (1 - 2 * rho / JAM) - greenshields(rho)
        return np.asarray(mean * start - size * np.cos(2 * np.pi * start) / (2 * np.pi) + time * moved)

    low, high = edges - FREE_SPEED * time, edges + FREE_SPEED * time
    for _ in range(80):
        middle = (low + high) / 2
        beyond = middle + time * FREE_SPEED * (1 - 2 * density(middle) / JAM) > edges
        low, high = np.where(beyond, low, middle), np.where(beyond, middle, high)
    return np.diff(count(edges, 0.0)) / np.diff(edges), np.diff(count(low, time)) / np.diff(edges)


@pytest.mark.slow
@pytest.mark.parametrize("scheme", SCHEMES)
def test_schemes_have_their_declared_order_on_smooth_waves(scheme: Scheme) -> None:
    """Until half the time 1/(4π size v/jam) at which the wave breaks."""
    errors, grids = [], [50, 100, 200, 400]
    time = 0.5 / (4 * np.pi * 0.2 * FREE_SPEED)
    for cells in grids:
        edges = np.linspace(0, 1, cells + 1)
        law = ConservationLaw(GREENSHIELDS, edges)
        begin, exact = wave_by_characteristics(edges, time)
        result = solve_conservation_law(law, (0.0, time), begin, scheme=scheme, t_eval=[time])
        errors.append(np.abs(readings(law, result)[0]["density"] - exact).mean())
    assert fitted_order(grids, errors) == pytest.approx(scheme.order, abs=0.15)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_the_gradient_term_is_of_second_order_and_damps_waves_as_heat(scheme: Scheme) -> None:
    """Exact: 0.3 + 0.2 exp(-D k² t) sin(k x), where next to nothing flows by itself."""
    diffusion, wavenumber, time = 0.01, 2 * np.pi, 1.0
    flux = FluxCurve(PPoly([[1e-9], [0.0]], [0.0, 1.0]), PPoly([[diffusion]], [0.0, 1.0]))
    errors, grids = [], [16, 32, 64]
    for cells in grids:
        law = ConservationLaw(flux, np.linspace(0, 1, cells + 1))
        means = np.sinc(1 / cells) * np.sin(wavenumber * law.centres)
        result = solve_conservation_law(law, (0.0, time), 0.3 + 0.2 * means, scheme=scheme, t_eval=[time])
        exact = 0.3 + 0.2 * np.exp(-diffusion * wavenumber**2 * time) * means
        errors.append(np.abs(readings(law, result)[0]["density"] - exact).mean())
    assert fitted_order(grids, errors) == pytest.approx(2, abs=0.15)


@pytest.mark.slow
def test_a_small_wave_travels_and_decays_together() -> None:
    """About ρ0, exp(-D k² t) at the speed Q'(ρ0); the amplitude is so small that the wave does not steepen."""
    diffusion, mean, size = 1.0, 0.03, 1e-5
    speed = FREE_SPEED * (1 - 2 * mean / JAM)
    errors, grids, time = [], [60, 90, 135], 0.5 / speed
    for cells in grids:
        law = ConservationLaw(parabola(gradient=diffusion), np.linspace(0, 1, cells + 1))
        means = np.sinc(1 / cells) * np.sin(2 * np.pi * law.centres)
        result = solve_conservation_law(law, (0.0, time), mean + size * means, t_eval=[time])
        decay = np.exp(-diffusion * (2 * np.pi) ** 2 * time)
        exact = mean + size * decay * np.sinc(1 / cells) * np.sin(2 * np.pi * (law.centres - speed * time))
        errors.append(np.abs(readings(law, result)[0]["density"] - exact).mean() / size)
    assert errors[-1] < 2e-3
    assert fitted_order(grids, errors) == pytest.approx(Muscl().order, abs=0.15)


# Fluxes that are not concave


def buckley_leverett(density: Array) -> Array:
    return np.asarray(density**2 / (density**2 + (1 - density) ** 2 / 2))


def humps(density: Array) -> Array:
    return np.asarray(density * (1 - density) * (1 + 0.9 * np.sin(9 * density)))


def oleinik(flow: Callable[[Array], Array], left: float, right: float, edges: Array, time: float) -> Array:
    """Cell means of the entropy solution, from the Legendre transform of the convex or concave hull of the flow.

    Osher (1984): at x = ξ t, q - ξ ρ is the smallest Q(u) - ξ u in between where densities rise, else the largest.
    """
    between = np.linspace(min(left, right), max(left, right), 4001)
    values = flow(between) - (edges / time)[:, np.newaxis] * between
    passed = values.min(axis=1) if left <= right else values.max(axis=1)
    return np.asarray(-time * np.diff(passed) / np.diff(edges))


@pytest.mark.parametrize("scheme", ONE_QUICKLY[:2])
@pytest.mark.parametrize(
    ("flow", "left", "right"),
    [(buckley_leverett, 1.0, 0.0), (buckley_leverett, 0.0, 1.0), (humps, 0.9, 0.05), (humps, 0.05, 0.9)],
)
def test_a_flux_that_is_not_concave_makes_the_waves_of_oleinik(
    flow: Callable[[Array], Array], left: float, right: float, scheme: Scheme
) -> None:
    flux = FluxCurve.from_closure(Formula(flow), 1.0, 1e-5, interpolation=smooth)
    errors, grids, time = [], [100, 400], 0.3
    for cells in grids:
        edges = np.linspace(-1, 1, 2 * cells + 1)
        density = np.where(edges[:-1] < 0, left, right)
        inflow, outflow = float(flux.demand(left)), float(flux.supply(right))
        boundary = Open(inflow, max(outflow, float(flux(1.0))))
        if flux(left) < inflow or outflow < flux.demand(right):  # states that an end cannot hold: keep it far away
            edges = np.linspace(-3, 3, 6 * cells + 1)
            density = np.where((edges[:-1] < 0) & (edges[:-1] >= -1.5), left, right)
        law = ConservationLaw(flux, edges, boundary)
        result = solve_conservation_law(law, (0.0, time), density, scheme=scheme, t_eval=[time])
        near = np.abs(law.centres) < 0.9
        exact = oleinik(flow, left, right, edges, time)
        errors.append(np.abs(readings(law, result)[0]["density"] - exact)[near].mean())
    assert errors[-1] < 5e-3
    assert fitted_order(grids, errors) > 0.5  # N. N. Kuznetsov, USSR Comput. Math. Math. Phys. 16 (1976) 105


@pytest.mark.parametrize("scheme", ONE_QUICKLY)
def test_no_scheme_stops_short_of_the_entropy_solution_where_the_flow_bends_both_ways(scheme: Scheme) -> None:
    """Kurganov, Petrova & Popov (2007), example 3: ρ(1-ρ)/4 below 1/2, ρ(ρ-1)/2 + 3/16 above; from 1 to 0.

    The concave hull touches the flow at 1 - √3/2, where (1-ρ)² = 3/4: a jump at speed (√3-1)/4, then a fan to 1/4 in
    which ρ = (1 - 4x/t)/2. Steeper slopes than those of `minmod` leave a jump of another size behind for ever.
    """
    flux = FluxCurve(PPoly([[-0.25, 0.5], [0.25, 0.0], [0.0, 1 / 16]], [0.0, 0.5, 1.0]))
    jump, errors, grids = (np.sqrt(3) - 1) / 4, [], [60, 120, 240]
    for cells in grids:
        law = ConservationLaw(flux, np.linspace(-0.05, 0.4, cells + 1), Open(float(flux.demand(1.0))))
        start = np.where(law.centres < 0, 1.0, 0.0)
        result = solve_conservation_law(law, (0.0, 1.0), start, scheme=scheme, t_eval=[1.0])
        fan = np.clip(law.edges, jump, 0.25)
        exact = np.diff(np.minimum(law.edges, jump) + fan / 2 - fan**2) * cells / 0.45
        errors.append(np.abs(readings(law, result)[0]["density"] - exact).mean())
    assert errors[-1] < (0.02 if scheme.order == 1 else 0.01)
    assert fitted_order(grids, errors) > 0.5  # N. N. Kuznetsov, USSR Comput. Math. Math. Phys. 16 (1976) 105


@pytest.mark.parametrize("interpolation", [smooth, monotone])
def test_a_table_of_a_concave_flow_bends_one_way(interpolation: Callable[[Array, Array], PPoly]) -> None:
    """So that no slope is cut for the sake of the interpolant; that of a triangle does at its kink, and only there."""
    law = ConservationLaw(FluxCurve.from_closure(Formula(greenshields), JAM, 1e-3, interpolation=interpolation), ROAD)
    density = JAM * default_rng(2).random((10, 10))
    assert not any(law.inflected(row, np.empty((0, 10))).any() for row in density)
    kinked = ConservationLaw(TRIANGULAR, ROAD)
    calm, mixed = np.array([0.01, 0.02] * 5), np.array([0.01] * 5 + [0.05] * 5)
    assert not kinked.inflected(calm, np.empty((0, 10))).any()
    across = [True, True, False, True, True, True, True, False, True, True]  # of cells that have the step within two
    assert kinked.inflected(mixed, np.empty((0, 10))).tolist() == across


# What never happens


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("flux", [parabola(), triangle(), parabola(gradient=2e3)])
def test_variation_never_grows_and_densities_keep_their_bounds(flux: FluxCurve, scheme: Scheme) -> None:
    law = ConservationLaw(flux, np.cumsum(0.5 + default_rng(3).random(61)) * 100)
    density = JAM * default_rng(4).integers(0, 2, size=60) * default_rng(5).random(60).round()
    start = ConservationState.begin(law, 0.0, density)
    variation = np.inf
    for state in iter_conservation_law(law, 60.0, start, scheme, courant=1.0):
        now = np.abs(np.diff(state.density, append=state.density[0])).sum()
        assert now <= variation + 1e-12
        assert -1e-15 <= state.density.min() <= state.density.max() <= JAM + 1e-15
        variation = now


@pytest.mark.slow
@pytest.mark.parametrize("scheme", SCHEMES)
def test_everyone_is_counted(scheme: Scheme) -> None:
    """Arrivals are (their integral): those on the road more than at first, those who left, and those who wait.

    Who left is counted by the outflow alone: 0.7 from a full road on, for all of the time.
    """
    law = ConservationLaw(parabola(), np.linspace(0, 5000, 101), Open(lambda time: 1 + np.sin(time / 20), 0.7))
    density = np.full(100, 0.09)
    state = ConservationState.begin(law, 0.0, density)
    *_, state = iter_conservation_law(law, 300.0, state, scheme, step=0.5)
    arrived = 300.0 + 20 * (1 - np.cos(300.0 / 20))
    there = 50 * (state.density - density).sum()
    quadrature = 0.5 * 2 / 2 if scheme.order == 1 else 0.5**2 * 300 / 12 / 20**2  # bounds of rectangles, of trapezoids
    assert there + 0.7 * 300 + state.waiting[0] == pytest.approx(arrived, abs=quadrature)


def test_a_uniform_state_stays_to_the_last_bit() -> None:
    flux = FluxCurve.from_closure(Formula(greenshields, stderr=0.01), JAM, 0.02)
    law = ConservationLaw(flux, np.linspace(0, 1000, 51))
    result = solve_conservation_law(law, (0.0, 100.0), np.full(50, 0.06), t_eval=[100.0])
    assert (result.macro[0, :50] == 0.06).all()


@pytest.mark.slow
def test_noise_makes_no_waves_beyond_its_standard_error_once_it_is_smoothed() -> None:
    """Two halves of a ring with equal drivers, asked separately; waves in the flow, against the noise of a node.

    Without smoothing, demand and supply take the largest of many noisy flows, and the uniform state breaks up.
    """
    stderr, mean = 0.005, 0.06
    waves: dict[float, list[float]] = {0.0: [], 1.0: []}
    for chi_square, found in waves.items():
        for seed in range(5):
            halves = [
                FluxCurve.from_closure(
                    Formula(greenshields, stderr), JAM, 0.01, chi_square=chi_square, key=(seed, half)
                )
                for half in range(2)
            ]
            law = ConservationLaw(halves[0], np.linspace(0, 2000, 41), bottlenecks=[Bottleneck(halves[1], 1000.0)])
            result = solve_conservation_law(law, (0.0, 60.0), np.full(40, mean), t_eval=[60.0])
            found.append(np.abs(result.macro[0, :40] - mean).max() * FREE_SPEED * (1 - 2 * mean / JAM))
    rough, even = (np.sqrt(np.mean(np.square(found))) for found in waves.values())
    assert even <= stderr
    assert rough >= 2 * even


@pytest.mark.slow
def test_a_uniform_state_near_capacity_flows_as_the_error_says() -> None:
    """Halves of a ring asked separately, at 0.96 of the density where the triangle has its kink."""
    mean = 0.024
    for seed in range(8):
        halves = [FluxCurve.from_closure(Formula(triangular, 0.003), JAM, 0.01, key=(seed, half)) for half in range(2)]
        law = ConservationLaw(halves[0], np.linspace(0, 2000, 41), bottlenecks=[Bottleneck(halves[1], 1000.0)])
        result = solve_conservation_law(law, (0.0, 60.0), np.full(40, mean), t_eval=[60.0])
        flow = readings(law, result)[0]["passed"] / 60.0
        assert np.abs(flow - triangular(np.array(mean))).max() <= max(half.error for half in halves)


# The driver


@pytest.mark.slow
def test_a_resumed_run_has_the_same_bits() -> None:
    law = ConservationLaw(
        parabola(gradient=1e3),
        np.linspace(0, 1000, 41),
        Open(1.0, 0.4, [0.3]),
        [Bottleneck(triangle(), 500.0)],
        ["lorry"],
    )
    rng = default_rng(8)
    start = ConservationState.begin(law, 0.0, JAM * rng.random(40), rng.random(40))
    whole = list(iter_conservation_law(law, 60.0, start))
    half = ConservationState.from_arrays(whole[len(whole) // 2].to_arrays())
    *_, end = iter_conservation_law(law, 60.0, half)
    assert all((end.to_arrays()[name] == array).all() for name, array in whole[-1].to_arrays().items())


def test_times_are_told_as_asked() -> None:
    law = ConservationLaw(parabola(), np.linspace(0, 1000, 11))
    every = solve_conservation_law(law, (0.0, 10.0), np.full(10, 0.03), scheme=FirstOrder(), step=3.0)
    assert every.times.tolist() == [0.0, 3.0, 6.0, 9.0, 10.0]
    assert every.success
    assert every.macro.shape == (5, 10 + 11 + 1)
    some = solve_conservation_law(law, (0.0, 10.0), np.full(10, 0.03), t_eval=[2.5, 7.0])
    assert some.times.tolist() == [2.5, 7.0]
    ends = solve_conservation_law(law, (0.0, 10.0), np.full(10, 0.03), t_eval=[0.0, 10.0])
    assert ends.times.tolist() == [0.0, 10.0]


def test_the_result_is_labelled() -> None:
    law = ConservationLaw(parabola(), np.linspace(0, 1000, 11), density_unit="1/m", length_unit="m")
    result = solve_conservation_law(law, (0.0, 10.0), np.full(10, 0.03), t_eval=[5.0, 10.0])
    data = result.to_xarray()
    assert data["density"].dims == ("time", "x")
    assert data["density"].attrs["units"] == "1/m"
    assert data["passed"].dims == ("time", "face")
    assert data["x"].values[0] == 50.0
    assert (result.stderr == 0).all()


def test_a_flux_is_paid_for_once_however_often_the_road_is_solved() -> None:
    """The law says what its fluxes took, each once; a result says what solving took: no micro-solves, and a while."""
    asked = ef.Cost(bursts=20, micro_time=1e3, wall=1e6)
    flux = replace(parabola(), cost=asked)
    law = ConservationLaw(flux, np.linspace(0, 1000, 11), bottlenecks=[Bottleneck(flux, 500.0)])
    results = [solve_conservation_law(law, (0.0, 10.0), np.full(10, 0.03)) for _ in range(2)]
    assert (law.cost, law.cost.wall) == (asked, 1e6)
    assert sum((result.cost for result in results), law.cost) == asked
    assert all(0 < result.cost.wall < 1e3 for result in results)


# Refusals


LAW = ConservationLaw(parabola(), ROAD)


@pytest.mark.parametrize(
    ("density", "words"),
    [
        (np.full(10, 0.2), r"between 0 and jam density, 0.15 there: got \[0.2 0.2"),
        (np.linspace(-0.01, 0.1, 10), r"got \[-0.01\] at \[50.\]"),
        (np.full(9, 0.1), r"density is needed for each of 10 cells: got shape \(9,\)"),
        (np.full(10, np.nan), "between 0 and jam density"),
    ],
)
def test_densities_that_no_road_holds_are_refused(density: Array, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        solve_conservation_law(LAW, (0.0, 1.0), density)


@pytest.mark.parametrize(
    ("scheme", "flux", "largest"),
    [
        (FirstOrder(), parabola(), "3.33333"),  # Δx / v
        (Muscl(), parabola(), "1.66667"),  # Δx / 2v
        (FirstOrder(), parabola(gradient=1500.0), r"1.66667"),  # 1 / (v/Δx + 2D/Δx²)
    ],
)
def test_a_step_that_breaks_the_courant_condition_is_refused(scheme: Scheme, flux: FluxCurve, largest: str) -> None:
    law = ConservationLaw(flux, ROAD)
    with pytest.raises(ValueError, match=f"got 5. The largest is {largest}"):
        solve_conservation_law(law, (0.0, 10.0), np.full(10, 0.03), scheme=scheme, step=5.0)
    step = law.largest_step(np.full(10, 0.03), scheme)
    assert solve_conservation_law(law, (0.0, 10.0), np.full(10, 0.03), scheme=scheme, step=step).success


def test_times_that_make_no_sense_are_refused() -> None:
    density = np.full(10, 0.03)
    with pytest.raises(ValueError, match=r"`t_span`.*got \(1.0, 0.0\)"):
        solve_conservation_law(LAW, (1.0, 0.0), density)
    with pytest.raises(ValueError, match=r"`t_eval` must increase within \[0, 1\]: got \[0.5 2. \]"):
        solve_conservation_law(LAW, (0.0, 1.0), density, t_eval=[0.5, 2.0])
    words = r"`courant` must lie in \(0, 1\], a share of the largest stable step, 1.66667: got 1.1"  # Δx / 2v
    with pytest.raises(ValueError, match=words):
        solve_conservation_law(LAW, (0.0, 1.0), density, courant=1.1)
    with pytest.raises(ValueError, match=words):
        next(iter_conservation_law(LAW, 1.0, ConservationState.begin(LAW, 0.0, density), courant=1.1))


@pytest.mark.parametrize("edges", [[0.0, 1.0], [0.0, 2.0, 1.0], [0.0, 1.0, np.inf], [[0.0, 1.0, 2.0]]])
def test_a_road_needs_edges(edges: list[float]) -> None:
    with pytest.raises(ValueError, match="`edges` must be finite and increasing"):
        ConservationLaw(parabola(), np.array(edges))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"step": 0.0}, "`step` must be positive: got 0"),
        ({"step": -1.0}, "`step` must be positive: got -1"),
        ({"step": np.nan}, "`step` must be positive: got nan"),
        ({"courant": 3.0}, "a share of the largest stable step, 1.66667: got 3"),
        ({"courant": np.nan}, "`courant` must lie in (0, 1]"),
        ({"end": np.nan}, "`end` must be finite, and no earlier than the state's time, 5: got nan"),
        ({"end": np.inf}, "`end` must be finite, and no earlier than the state's time, 5: got inf"),
        ({"end": 4.0}, "`end` must be finite, and no earlier than the state's time, 5: got 4"),
        ({"scheme": Muscl}, "`scheme` must be a scheme, as Muscl() is: got the class Muscl"),
    ],
)
def test_steps_that_make_no_sense_are_refused_before_the_first(options: dict[str, Any], words: str) -> None:
    start = ConservationState.begin(LAW, 5.0, np.full(10, 0.03))
    with pytest.raises(ValueError, match=re.escape(words)):
        iter_conservation_law(**{"law": LAW, "end": 10.0, "state": start, **options})


def test_a_state_of_another_road_is_refused() -> None:
    state = ConservationState.begin(ConservationLaw(parabola(), ROAD[:9]), 0.0, np.full(8, 0.03))
    words = "A density is needed for each of 10 cells: got shape (8,)"
    with pytest.raises(ValueError, match=re.escape(words)):
        iter_conservation_law(LAW, 10.0, state)
    shared = ConservationState.begin(ConservationLaw(parabola(), ROAD, shares=["red"]), 0.0, np.zeros(10), np.ones(10))
    with pytest.raises(ValueError, match=re.escape("of [] in each of 10 cells, shape (0, 10): got shape (1, 10)")):
        iter_conservation_law(LAW, 10.0, shared)
    counted = replace(ConservationState.begin(LAW, 0.0, np.zeros(10)), passed=np.zeros((1, 10)))
    with pytest.raises(ValueError, match=re.escape("have passed each of 11 faces, shape (1, 11): got shape (1, 10)")):
        iter_conservation_law(LAW, 10.0, counted)
    queued = replace(ConservationState.begin(LAW, 0.0, np.zeros(10)), waiting=np.zeros(2))
    with pytest.raises(ValueError, match=re.escape("wait outside, shape (1,): got shape (2,)")):
        iter_conservation_law(LAW, 10.0, queued)


def test_a_run_can_begin_with_what_another_ended_with() -> None:
    """A rounding error beyond empty or full, which is taken off."""
    density = JAM * np.array([-1e-15, 1 + 1e-15] * 5)
    begun = ConservationState.begin(LAW, 0.0, density).density
    assert begun.tolist() == [0.0, JAM] * 5


def test_a_law_keeps_edges_of_its_own() -> None:
    edges = ROAD.copy()
    law = ConservationLaw(parabola(), edges)
    edges[:] = 0.0
    assert law.edges.tolist() == ROAD.tolist()


def test_what_is_no_law_is_refused_in_a_line() -> None:
    wrong: Any = "abc"
    three: Any = (0.0, 1.0, 2.0)
    with pytest.raises(ValueError, match=r"`edges` must be finite and increasing.*got 'abc'"):
        ConservationLaw(parabola(), wrong)
    with pytest.raises(ValueError, match=r"each of 10 cells: got shape \(3,\)"):
        LAW.largest_step(np.full(3, 0.1), FirstOrder())
    with pytest.raises(ValueError, match=r"`t_span`.*got \(0.0, 1.0, 2.0\)"):
        solve_conservation_law(LAW, three, np.full(10, 0.03))


def test_the_methods_are_public() -> None:
    assert ef.hmm.ConservationLaw is ConservationLaw
