"""Values: equations written by hand; period and folds from independent programs, as told at each."""

import numpy as np
import pytest
from scipy.integrate import solve_ivp
from scipy.linalg import solve_continuous_lyapunov

from agents.molecules import Grid, Network, RateEquations, read_network


def test_the_brusselator_is_the_one_of_the_textbook() -> None:
    x, y = 1.3, 2.7
    expected = [1 + x * x * y - 4 * x, 3 * x - x * x * y]
    assert RateEquations(read_network("brusselator"))(0.0, [x, y]) == pytest.approx(expected, rel=1e-14)


def test_the_oscillation_has_the_period_of_the_reference() -> None:
    """7.15691992118, eleven digits, by shooting."""
    equations = RateEquations(read_network("brusselator"))

    path = solve_ivp(
        equations,
        (0, 80),
        [1.0, 4.46889],
        method="DOP853",
        rtol=1e-11,
        atol=1e-12,
        events=lambda _time, c: c[0] - 1.0,
    )
    assert path.t_events is not None
    up_and_down = path.t_events[0]
    assert (up_and_down[2:] - up_and_down[:-2])[-4:] == pytest.approx(np.full(4, 7.15691992118), rel=1e-8)


@pytest.mark.parametrize(
    ("beta", "a", "b"),
    [(2.522326542553, 0.361174925472, 0.330959773011), (8.495331874716, 0.940443362874, 0.010756307668)],
)
def test_carbon_monoxide_oxidation_folds_where_the_reference_says(beta: float, a: float, b: float) -> None:
    network = read_network("co_oxidation").with_rates({"dissociate": beta})
    equations = RateEquations(network)
    free, co, oxygen = (network.index(name) for name in "FAB")
    c = np.zeros(3)
    c[[free, co, oxygen]] = 1 - a - b, a, b
    assert equations(0.0, c) == pytest.approx(np.zeros(3), abs=1e-10)
    jacobian = equations.jacobian(c)
    reduced = jacobian[np.ix_([co, oxygen], [co, oxygen])] - jacobian[[co, oxygen]][:, [free]]
    assert np.linalg.det(reduced) == pytest.approx(0.0, abs=1e-8)


@pytest.mark.parametrize("text", ["2X + Y -> 3Z, k=2\nZ <-> X, k=1, k_back=3\n0 -> Y, k=.4\n3Y -> 0, k=.7"])
def test_the_jacobian_is_the_derivative(text: str) -> None:
    equations, c = RateEquations(Network.parse(text)), np.array([1.2, 0.7, 2.1])
    step = 1e-6
    columns = [(equations(0.0, c + step * e) - equations(0.0, c - step * e)) / (2 * step) for e in np.eye(3)]
    assert equations.jacobian(c) == pytest.approx(np.array(columns).T, rel=1e-7, abs=1e-7)
    nowhere = equations.jacobian(np.zeros(3))
    assert np.isfinite(nowhere).all()


@pytest.mark.parametrize(
    ("convert", "expected"), [(1.5, [[7.0, -6.0], [-6.0, 10.5]]), (1.8, [[19.0, -18.0], [-18.0, 34.2]])]
)
def test_linear_noise_of_the_brusselator_is_the_closed_form(convert: float, expected: list[list[float]]) -> None:
    equations = RateEquations(read_network("brusselator").with_rates({"convert": convert}))
    steady = [1.0, convert]
    covariance = solve_continuous_lyapunov(equations.jacobian(steady), -equations.noise(steady))
    assert covariance == pytest.approx(np.array(expected), rel=1e-12)


def test_modes_of_the_grid_decay_at_the_rates_of_the_voxels() -> None:
    """2 D / h² (1 - cos(π k / n)) along a closed line, 2 π k / n along a closed ring."""
    network = Network.parse("X -> 0, k=0")
    line = RateEquations(network, Grid((8,), spacing=0.5), {"X": 0.3})
    mode = np.cos(np.pi * 2 * (np.arange(8) + 0.5) / 8)
    assert line(0.0, mode) == pytest.approx(-2 * 0.3 / 0.25 * (1 - np.cos(np.pi * 2 / 8)) * mode, abs=1e-13)
    plane = RateEquations(network, Grid((6, 5), spacing=0.5, periodic=True), {"X": 0.3})
    along_x, along_y = 2 * np.pi * np.arange(6) / 6, 2 * np.pi * 2 * np.arange(5) / 5
    mode = np.cos(along_x[:, None] + along_y[None, :]).ravel()
    rate = 2 * 0.3 / 0.25 * (2 - np.cos(2 * np.pi / 6) - np.cos(4 * np.pi / 5))
    assert plane(0.0, mode) == pytest.approx(-rate * mode, abs=1e-13)


def test_reactions_on_a_grid_are_those_of_every_voxel() -> None:
    network = read_network("brusselator")
    grid = Grid((2, 3), spacing=1.0)
    c = np.random.default_rng(0).uniform(0.5, 3.0, (2, 6))
    whole = RateEquations(network, grid)(0.0, c.ravel()).reshape(2, 6)
    apart = np.array([RateEquations(network)(0.0, c[:, v]) for v in range(6)]).T
    assert whole == pytest.approx(apart, rel=1e-14)


def test_diffusion_is_checked() -> None:
    network = Network.parse("X -> 0, k=1")
    with pytest.raises(ValueError, match="Diffusion needs a grid"):
        RateEquations(network, diffusion={"X": 1.0})
    with pytest.raises(ValueError, match="The diffusion coefficient of X must be finite, not negative: got -1"):
        RateEquations(network, Grid((2,), 1.0), {"X": -1.0})
    with pytest.raises(ValueError, match="The species of this network are X: got Z"):
        RateEquations(network, Grid((2,), 1.0), {"Z": 1.0})


def test_equations_are_keys_of_a_cache() -> None:
    equations = RateEquations(read_network("brusselator"))
    assert {equations: 1}[equations] == 1
