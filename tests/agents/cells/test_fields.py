"""Molecules in a medium: exact factors, steady gradients, and that every molecule is accounted for."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.sparse import diags_array, eye_array, kron
from scipy.sparse.linalg import spsolve

from agents.cells.fields import Closed, Held, Influx, Medium, Periodic, Side, Solute

Array = NDArray[np.float64]

_SIDES: list[tuple[Side, Side]] = [
    (Closed(), Closed()),
    (Held(2.0), Held(0.5)),
    (Closed(), Held(1.0)),
    (Held(1.0), Closed()),
    (Influx(30.0), Closed()),
    (Influx(30.0), Held(0.1)),
    (Periodic(), Periodic()),
]


def _cells(shape: tuple[int, ...], seed: int) -> tuple[Array, Array]:
    """Cells in a third of the boxes, that secrete and take up at rates which differ by an order of magnitude."""
    rng = np.random.default_rng(seed)
    there = rng.random(shape) < 1 / 3
    return there * rng.uniform(0.5, 5.0, shape), there * rng.uniform(0.5, 5.0, shape)


@pytest.mark.parametrize(("shape", "mode"), [((12,), (3,)), ((8, 6), (2, 1)), ((6, 5, 4), (1, 2, 3))])
def test_a_cosine_decays_by_the_exact_factor_of_an_implicit_step(shape: tuple[int, ...], mode: tuple[int, ...]) -> None:
    medium = Medium(shape, spacing=20.0, diffusion=500.0, decay=0.3)
    places = np.meshgrid(*(np.arange(n) + 0.5 for n in shape), indexing="ij")
    wave = np.prod([np.cos(np.pi * k * x / n) for k, x, n in zip(mode, places, shape, strict=True)], axis=0)
    rate = 0.3 + 500.0 / 20.0**2 * sum(2 - 2 * np.cos(np.pi * k / n) for k, n in zip(mode, shape, strict=True))
    after = medium.evolve(medium.solute(2.0 + wave), 0.6, steps=3)
    expected = 2.0 / 1.06**3 + wave / (1 + 0.2 * rate) ** 3
    np.testing.assert_allclose(after.concentration, expected, rtol=1e-9)


def _exponential(boxes: int) -> float:
    """The largest error of a gradient over 300 µm from a concentration that is held, over it; decay length 100 µm."""
    medium = Medium((boxes,), 300.0 / boxes, diffusion=3600.0, decay=0.36, sides=((Held(5.0), Closed()),))
    exact = 5.0 * np.cosh((300.0 - medium.x) / 100.0) / np.cosh(3.0)
    return float(np.abs(medium.steady() - exact).max() / 5.0)


def _influx(boxes: int) -> float:
    """The same, from an influx J: c = J λ / D × cosh((L - x) / λ) / sinh(L / λ)."""
    medium = Medium((boxes,), 300.0 / boxes, diffusion=3600.0, decay=0.36, sides=((Influx(72.0), Closed()),))
    exact = 2.0 * np.cosh((300.0 - medium.x) / 100.0) / np.sinh(3.0)
    return float(np.abs(medium.steady() - exact).max() / 2.0)


@pytest.mark.parametrize("error", [_exponential, _influx])
def test_a_steady_gradient_is_that_of_the_continuum_to_second_order(error) -> None:  # type: ignore[no-untyped-def]
    errors = [error(boxes) for boxes in (15, 30, 60)]
    slopes = np.log2(np.array(errors[:-1]) / errors[1:])
    assert np.all(np.abs(slopes - 2) < 0.15)
    assert errors[-1] < 1e-3


@pytest.mark.parametrize("steps", [1, 4, 16, 64])
def test_a_transient_is_first_order_in_the_step(steps: int) -> None:
    medium = Medium((1,), spacing=10.0, diffusion=1.0, decay=0.5)
    after = medium.evolve(medium.solute(1.0), 2.0, steps=steps).concentration[0]
    assert after - np.exp(-1.0) == pytest.approx(0.5 * np.exp(-1.0) / steps, rel=1.2 / steps + 0.01)


@pytest.mark.parametrize("shape", [(9,), (7, 5), (5, 4, 3)])
@pytest.mark.parametrize("sides", _SIDES)
def test_molecules_balance_among_random_cells(shape: tuple[int, ...], sides: tuple[Side, Side]) -> None:
    medium = Medium(shape, 20.0, 900.0, decay=0.2, half_saturation=3.0, sides=(sides,) * len(shape), tolerance=1e-5)
    solute = medium.solute(np.random.default_rng(1).uniform(0.0, 2.0, shape))
    for number in range(20):
        solute = medium.evolve(solute, 0.5, *_cells(shape, number))
    told = solute.ledger
    assert min(told.secreted, told.taken_up, told.decayed) > 0
    assert (told.entered > 0) == any(isinstance(side, Held | Influx) for side in sides)
    assert medium.imbalance(solute) < 1e-12


@pytest.mark.parametrize("sides", _SIDES)
def test_a_step_in_the_plane_is_that_of_a_direct_solver(sides: tuple[Side, Side]) -> None:
    shape, step = (6, 5), 0.7
    medium = Medium(shape, 20.0, 900.0, decay=0.2, sides=(sides, (Closed(), Held(0.3))))
    before = np.random.default_rng(2).uniform(0.0, 2.0, shape)
    secretion, uptake = _cells(shape, 3)
    one, source_x = _matrix(6, sides, 20.0, 900.0)
    two, source_y = _matrix(5, (Closed(), Held(0.3)), 20.0, 900.0)
    matrix = kron(one, eye_array(5)) + kron(eye_array(6), two) + diags_array((1 / step + 0.2 + uptake).ravel())
    right = before / step + secretion + source_x[:, None] + source_y[None, :]
    expected = spsolve(matrix.tocsc(), right.ravel()).reshape(shape)
    after = medium.evolve(medium.solute(before), step, secretion, uptake)
    np.testing.assert_allclose(after.concentration, expected, rtol=1e-7)


def _matrix(count: int, sides: tuple[Side, Side], spacing: float, diffusion: float):  # type: ignore[no-untyped-def]
    """Minus the second difference with its sides, written out box by box."""
    matrix, source = np.zeros((count, count)), np.zeros(count)
    for i in range(count):
        for j, side in ((i - 1, sides[0]), (i + 1, sides[1])):
            if 0 <= j < count or isinstance(side, Periodic):
                matrix[i, i] += diffusion / spacing**2
                matrix[i, j % count] -= diffusion / spacing**2
            elif isinstance(side, Held):
                matrix[i, i] += 2 * diffusion / spacing**2
                source[i] += 2 * diffusion / spacing**2 * side.concentration
            elif isinstance(side, Influx):
                source[i] += side.flux / spacing
    return matrix, source


@pytest.mark.parametrize("shape", [(40,), (12, 12), (8, 8, 8)])
def test_concentrations_are_never_negative(shape: tuple[int, ...]) -> None:
    medium = Medium(shape, 20.0, 50.0, tolerance=1e-4)
    start = np.zeros(shape)
    start[(0,) * len(shape)] = 1.0
    uptake = np.zeros(shape)
    uptake[1] = 1e4
    solute = medium.evolve(medium.solute(start), 0.05, uptake=uptake, steps=5)
    assert solute.concentration.min() >= 0
    assert medium.imbalance(solute) < 1e-12


def test_cells_that_saturate_leave_what_their_kinetics_leave() -> None:
    secretion, uptake, half, decay = 3.0, 4.0, 0.5, 0.1
    medium = Medium((5, 4), 20.0, 900.0, decay=decay, half_saturation=half)
    exact = brentq(lambda c: secretion - decay * c - uptake * c / (1 + c / half), 0.0, 100.0, xtol=1e-14)
    np.testing.assert_allclose(medium.steady(secretion, uptake), exact, rtol=1e-8)
    after = medium.evolve(medium.solute(0.0), 400.0, secretion, uptake, steps=400)
    np.testing.assert_allclose(after.concentration, exact, rtol=1e-8)


def test_a_steady_state_is_what_a_long_run_comes_to() -> None:
    medium = Medium((6, 5, 4), 20.0, 900.0, decay=0.2, sides=((Influx(40.0), Closed()), (Periodic(), Periodic())))
    secretion, uptake = _cells((6, 5, 4), 5)
    after = medium.evolve(medium.solute(0.0), 400.0, secretion, uptake, steps=40)
    np.testing.assert_allclose(medium.steady(secretion, uptake), after.concentration, rtol=1e-7)


@pytest.mark.parametrize("sides", [(Closed(), Closed()), (Periodic(), Periodic())])
@pytest.mark.parametrize("shape", [(5,), (4, 5), (3, 4, 5)])
def test_what_cells_deposit_arrives_and_a_plane_is_sampled_exactly(
    shape: tuple[int, ...], sides: tuple[Side, Side]
) -> None:
    medium = Medium(shape, 20.0, 1.0, sides=(sides,) * len(shape))
    rng = np.random.default_rng(4)
    everywhere = rng.uniform(0.0, 20.0 * np.array(shape), (50, len(shape)))
    amounts = rng.uniform(0.0, 3.0, 50)
    assert medium.deposit(everywhere, amounts).sum() == pytest.approx(amounts.sum(), rel=1e-14)
    inside = rng.uniform(10.0, 20.0 * np.array(shape) - 10.0, (50, len(shape)))
    middles = np.meshgrid(*((np.arange(n) + 0.5) * 20.0 for n in shape), indexing="ij")
    slopes = np.array([0.3, 0.2, 0.1])[: len(shape)]
    plane = medium.solute(1.0 + np.tensordot(slopes, np.array(middles), axes=1))
    np.testing.assert_allclose(medium.sample(plane, inside), 1.0 + inside @ slopes, rtol=1e-12)


def test_molecules_come_back_from_their_pack() -> None:
    medium = Medium((4,), 20.0, 900.0, decay=0.1)
    solute = medium.evolve(medium.solute(1.0), 1.0, secretion=2.0)
    again = Solute.unpack(solute.pack())
    assert again.ledger == solute.ledger
    np.testing.assert_array_equal(again.concentration, solute.concentration)


def test_evolving_leaves_the_molecules_that_were_given_alone() -> None:
    medium = Medium((4,), 20.0, 900.0, decay=0.1)
    solute = medium.solute(1.0)
    medium.evolve(solute, 1.0, secretion=2.0)
    np.testing.assert_array_equal(solute.concentration, 1.0)
    assert solute.ledger.secreted == 0.0


def test_nothing_happens_in_no_time() -> None:
    medium = Medium((4,), 20.0, 900.0, decay=0.1)
    np.testing.assert_array_equal(medium.evolve(medium.solute(1.0), 0.0, secretion=2.0).concentration, 1.0)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"shape": ()}, "`shape` must be one, two or three"),
        ({"shape": (3, 0)}, "`shape` must be one, two or three"),
        ({"shape": (3.5,)}, "`shape` must be one, two or three"),
        ({"spacing": 0.0}, "`spacing`, the edge of a box"),
        ({"diffusion": -1.0}, "`diffusion` must be finite and not negative"),
        ({"decay": np.inf}, "`decay` must be finite and not negative"),
        ({"half_saturation": 0.0}, "`half_saturation` must be positive"),
        ({"tolerance": 0.1}, "`tolerance` must lie"),
        ({"sides": (Closed(), Closed())}, "sides for at most 1 axes"),
        ({"sides": ((Periodic(), Closed()),)}, "periodic at both ends"),
        ({"sides": (3.0,)}, "one or two of Closed, Held, Influx and Periodic"),
        ({"sides": ((Closed(), Closed(), Closed()),)}, "one or two of Closed, Held, Influx and Periodic"),
    ],
)
def test_a_medium_that_makes_no_sense_is_refused(options: dict[str, object], message: str) -> None:
    arguments: dict[str, object] = {"shape": (4,), "spacing": 20.0, "diffusion": 900.0} | options
    with pytest.raises(ValueError, match=message):
        Medium(**arguments)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"duration": -1.0}, "`duration` must be finite and not negative"),
        ({"steps": 0}, "There must be a step at least"),
        ({"secretion": np.ones(3)}, "`secretion` must be one number or of"),
        ({"uptake": -1.0}, "`uptake` must be finite and not negative"),
    ],
)
def test_a_step_that_makes_no_sense_is_refused(options: dict[str, object], message: str) -> None:
    medium = Medium((4,), 20.0, 900.0)
    arguments: dict[str, object] = {"duration": 1.0} | options
    with pytest.raises(ValueError, match=message):
        medium.evolve(medium.solute(1.0), **arguments)  # type: ignore[arg-type]


def test_molecules_of_another_medium_are_refused() -> None:
    medium = Medium((4,), 20.0, 900.0)
    with pytest.raises(ValueError, match="must be in"):
        medium.evolve(Medium((5,), 20.0, 900.0).solute(1.0), 1.0)
    with pytest.raises(ValueError, match="The concentration must be one number or of"):
        medium.solute(np.ones(5))
    with pytest.raises(ValueError, match="The concentration must be finite and not negative"):
        medium.solute(-1.0)


def test_a_steady_state_where_molecules_pile_up_is_refused() -> None:
    medium = Medium((4,), 20.0, 900.0, sides=((Influx(1.0), Closed()),))
    with pytest.raises(ValueError, match="molecules pile up"):
        medium.steady()


def test_cells_that_cannot_take_up_what_comes_have_no_steady_state() -> None:
    medium = Medium((4,), 20.0, 900.0, half_saturation=1.0)
    np.testing.assert_allclose(medium.steady(secretion=1.9, uptake=2.0), 19.0, rtol=1e-8)
    with pytest.raises(ValueError, match="240 per hour: they can 160, so molecules pile up"):
        medium.steady(secretion=3.0, uptake=2.0)


def test_positions_outside_are_refused() -> None:
    medium = Medium((4, 4), 20.0, 900.0)
    with pytest.raises(ValueError, match="between 0 and 80 on axis 1"):
        medium.sample(medium.solute(1.0), [[10.0, 81.0]])
    with pytest.raises(ValueError, match=r"must be \(cell, 2\)"):
        medium.sample(medium.solute(1.0), [[10.0]])


@pytest.mark.parametrize("side", [lambda: Held(-1.0), lambda: Influx(np.nan)])
def test_sides_that_make_no_sense_are_refused(side) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ValueError, match="must be finite and not negative"):
        side()
