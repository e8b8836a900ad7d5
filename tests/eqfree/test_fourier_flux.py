from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.random import default_rng
from numpy.typing import ArrayLike, NDArray

import eqfree as ef
from eqfree.ensemble import Key
from eqfree.hmm import Answer, Closure, Tabulated, smooth
from eqfree.hmm.fourier import FourierFlux, ResolvedFlux
from eqfree.hmm.gridded import Gridded

Array = NDArray[np.float64]

SECOND = 10.0  # conductivity of the second phase; the first has 1


class Layers(Closure):
    """Layers across x of 1 and `SECOND`, by Wiener's means; the last input warms both phases by 1e-3 a kelvin."""

    def __init__(self, *, warms: bool = False, stderr: tuple[float, float, float] = (0.0, 0.0, 0.0)) -> None:
        self.warms, self.stderr, self.clipped = warms, stderr, False
        self.asked: list[list[float]] = []

    def __call__(self, inputs: ArrayLike, state: Any = None, key: Key = ()) -> Answer:
        points = np.asarray(inputs)
        self.asked += points.tolist()
        warm = 1 + 1e-3 * (points[:, -1:] - 300) if self.warms else np.ones((len(points), 1))
        value = warm * across(np.clip(points[:, 0], 0.0, 1.0) if self.clipped else points[:, 0])
        return Answer(value, np.broadcast_to(np.array(self.stderr), value.shape), cost=ef.Cost(bursts=len(points)))


def across(share: Array) -> Array:
    return np.stack([1 / (1 - share + share / SECOND), 0 * share, 1 - share + SECOND * share], axis=1)


def turned(share: Array, angle: Array) -> Array:
    """K = ka I + (kh - ka) n n^T with the normal n at an angle to x, (point, 2, 2)."""
    harmonic, _, arithmetic = across(share).T
    normal = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    return np.asarray(
        arithmetic[:, np.newaxis, np.newaxis] * np.eye(2)
        + (harmonic - arithmetic)[:, np.newaxis, np.newaxis] * normal[:, :, np.newaxis] * normal[:, np.newaxis]
    )


def share_at(position: Array) -> Array:
    return np.asarray(0.2 + 0.5 * position[:, 1])


def angle_at(position: Array) -> Array:
    return np.asarray(1.5 * position[:, 0])


def shares(position: Array) -> Array:
    return share_at(position)[:, np.newaxis]


def half(position: Array) -> Array:
    return np.full((len(position), 1), 0.5)


def points_of(count: int) -> Array:
    rng = default_rng(2)
    return np.column_stack([rng.random((count, 2)), 300 + 100 * rng.random(count), rng.normal(size=(count, 2))])


POINTS = points_of(200)


# Flux and derivatives


def test_the_flux_of_a_graded_laminate_that_turns_is_the_exact_one() -> None:
    answer = FourierFlux(Layers(), shares, angle=angle_at)(POINTS)
    tensor = turned(share_at(POINTS[:, :2]), angle_at(POINTS[:, :2]))
    assert np.allclose(answer.value, -np.einsum("pij,pj->pi", tensor, POINTS[:, 3:]), rtol=1e-10, atol=1e-11)
    assert answer.jacobian is not None
    assert np.allclose(answer.jacobian[:, :, 3:], -tensor, rtol=1e-10, atol=1e-11)
    assert not answer.jacobian[:, :, :3].any()
    assert not answer.stderr.any()


def test_layers_at_30_degrees_have_the_tensor_of_copper_and_plastic() -> None:
    """401 and 0.2 W/(m K) half and half: kh = 2/(1/401 + 1/0.2), ka = 200.6; K_yy = ka - (ka - kh)/4 by hand."""

    class Copper(Layers):
        def __call__(self, inputs: ArrayLike, state: Any = None, key: Key = ()) -> Answer:
            value = np.tile([0.3998005982, 0.0, 200.6], (len(np.asarray(inputs)), 1))
            return Answer(value, np.zeros_like(value))

    flux = FourierFlux(Copper(), half, angle=lambda position: np.full(len(position), np.pi / 6))
    answer = flux([[0.0, 0.0, 300.0, 1.0, 0.0], [0.0, 0.0, 300.0, 0.0, 1.0]])
    assert -answer.value.ravel() == pytest.approx([50.44985045, -86.68922926, -86.68922926, 150.54995015], rel=1e-9)


def test_the_jacobian_of_a_conductivity_that_warms_is_the_exact_derivative() -> None:
    """q = -w(u) K grad u with w = 1 + 1e-3 (u - 300): dq/du = -1e-3 K grad u."""
    bounds = [(0.2, 0.7), (300.0, 400.0)]
    conductivity = Gridded(Layers(warms=True), bounds, 1e-10)
    flux = FourierFlux(conductivity, shares, angle=angle_at, with_temperature=True)
    answer = flux(POINTS)
    tensor = turned(share_at(POINTS[:, :2]), angle_at(POINTS[:, :2]))
    plain = np.einsum("pij,pj->pi", tensor, POINTS[:, 3:])
    warm = 1 + 1e-3 * (POINTS[:, 2] - 300)
    assert answer.jacobian is not None
    assert np.allclose(answer.value, -warm[:, np.newaxis] * plain, atol=1e-7)
    assert np.allclose(answer.jacobian[:, :, 2], -1e-3 * plain, atol=1e-8)
    assert np.allclose(answer.jacobian[:, :, 3:], -warm[:, np.newaxis, np.newaxis] * tensor, atol=1e-7)
    assert not answer.jacobian[:, :, :2].any()


def test_a_table_of_temperature_alone_serves() -> None:
    class Warm(Closure):
        def __call__(self, inputs: ArrayLike, state: Any = None, key: Key = ()) -> Answer:
            temperature = np.asarray(inputs)
            value = np.hstack([temperature / 100, 0 * temperature, temperature / 50])
            return Answer(value, np.zeros_like(value))

    table = Tabulated(Warm(), (300.0, 400.0), 1e-3, interpolation=smooth, atol=1e-9)
    flux = FourierFlux(table, lambda position: np.empty((len(position), 0)), with_temperature=True)
    answer = flux([[0.0, 0.0, 350.0, 2.0, 1.0]])
    assert answer.value.tolist() == [pytest.approx([-7.0, -7.0])]
    assert answer.jacobian is not None
    assert answer.jacobian[0].tolist() == [
        pytest.approx([0, 0, -0.02, -3.5, 0]),
        pytest.approx([0, 0, -0.02, 0, -7.0]),
    ]


# Errors


def test_the_error_of_the_conductivity_is_propagated_at_its_worst() -> None:
    """Without a turn it is |dK| |grad u|; with one, the most that any signs of the three errors make."""
    stderr = np.array([0.1, 0.02, 0.3])
    straight = FourierFlux(Layers(stderr=(0.1, 0.02, 0.3)), half)([[0.0, 0.0, 300.0, 2.0, -1.0]])
    assert straight.stderr.tolist() == [pytest.approx([0.1 * 2 + 0.02, 0.02 * 2 + 0.3])]
    angle = 0.7
    c, s = np.cos(angle), np.sin(angle)
    rotation = np.array([[c, -s], [s, c]])
    worst = np.zeros(2)
    for signs in np.array(np.meshgrid(*[[-1, 1]] * 3)).reshape(3, -1).T:
        xx, xy, yy = signs * stderr
        worst = np.maximum(worst, np.abs(rotation @ np.array([[xx, xy], [xy, yy]]) @ rotation.T @ [2.0, -1.0]))
    flux = FourierFlux(Layers(stderr=(0.1, 0.02, 0.3)), half, angle=lambda position: np.full(len(position), angle))
    assert flux([[0.0, 0.0, 300.0, 2.0, -1.0]]).stderr.tolist() == [pytest.approx(worst.tolist())]


# Asked once


def test_the_same_parameters_are_asked_once_and_remembered() -> None:
    conductivity = Layers()
    flux = FourierFlux(conductivity, half, angle=angle_at)
    first = flux(POINTS)
    again = flux(POINTS[:50])
    assert conductivity.asked == [[0.5]]
    assert (flux.asked, flux.solved, flux.saved) == (250, 1, 249)
    assert first.cost.bursts == flux.cost.bursts == 1
    assert again.cost == ef.Cost()
    assert np.array_equal(again.value, first.value[:50])
    assert str(flux) == "250 fluxes asked, the conductivity asked for at 1 set of parameters, 249 saved"


def test_a_place_keeps_its_conductivity_in_every_step() -> None:
    conductivity = Layers()
    flux = FourierFlux(conductivity, half)
    for step in range(3):
        flux(POINTS, key=(step,))
    assert flux.solved == len(conductivity.asked) == 1


def test_a_conductivity_that_is_not_positive_definite_is_told() -> None:
    class Indefinite(Closure):
        def __call__(self, inputs: ArrayLike, state: Any = None, key: Key = ()) -> Answer:
            value = np.tile([1.0, 5.0, 1.0], (len(np.asarray(inputs)), 1))
            return Answer(value, np.zeros_like(value))

    with pytest.raises(ValueError, match=r"positive definite.*got \[1.0, 5.0, 1.0\] at parameters \[0.5\]"):
        FourierFlux(Indefinite(), half)(POINTS)


def test_parameters_that_differ_by_round_off_are_the_same() -> None:
    """0.1 + 0.2 is not 0.3; what is asked is the decimal number, whatever is asked beside it."""
    conductivity = Layers()
    places = np.array([0.3, 0.1 + 0.2, 0.3 * (1 - 1e-15), 0.3 + 1e-9, 1 / 3])
    flux = FourierFlux(conductivity, lambda position: position[:, :1])
    inputs = np.column_stack([places, np.zeros((5, 2)), np.ones((5, 2))])
    together = flux(inputs)
    assert conductivity.asked == [[0.3], [0.3 + 1e-9], [0.333333333333]]
    alone = FourierFlux(Layers(), lambda position: position[:, :1])(inputs[4:])
    assert np.array_equal(alone.value[0], together.value[4])


@pytest.mark.parametrize("scale", [1e-9, 1.0, 300.0, 1e15])
def test_decimal_parameters_keep_their_bits_at_every_scale(scale: float) -> None:
    conductivity = Layers()
    places = [-0.7 * scale, 0.0, 0.1 * scale, 0.25 * scale]
    exact = [float(f"{place:.12g}") for place in places]
    conductivity.clipped = True  # these are no shares
    FourierFlux(conductivity, lambda position: position[:, :1])([[place, 0, 0, 1, 1] for place in places])
    assert np.allclose([row[0] for row in conductivity.asked], exact, rtol=3e-16, atol=0)
    if scale >= 1e-6:
        assert [row[0] for row in conductivity.asked] == exact


def test_with_temperature_each_temperature_is_a_set_of_its_own() -> None:
    table = Gridded(Layers(warms=True), [(0.0, 1.0), (300.0, 400.0)], 1e-3)
    flux = FourierFlux(table, half, with_temperature=True)
    points = POINTS[:4].copy()
    points[:, 2] = [310.0, 320.0, 310.0, 310.0]
    flux(points)
    assert (flux.asked, flux.solved, flux.saved) == (4, 2, 2)
    assert str(flux).endswith(
        f"2 saved; its table: 2 points asked, {table.solved} micro-solves made, {table.saved} saved"
    )


# Known conductivity


def test_a_known_conductivity_gives_the_exact_flux_and_derivatives() -> None:
    def steel(position: Array, temperature: Array) -> tuple[Array, Array]:
        return 1 + position[:, 0] + 0.01 * temperature**2, 0.02 * temperature

    flux = ResolvedFlux(steel)
    answer = flux(POINTS)
    conductivity, slope = steel(POINTS[:, :2], POINTS[:, 2])
    assert np.allclose(answer.value, -conductivity[:, np.newaxis] * POINTS[:, 3:], rtol=1e-14)
    assert answer.jacobian is not None
    assert np.allclose(answer.jacobian[:, :, 2], -slope[:, np.newaxis] * POINTS[:, 3:], rtol=1e-14)
    assert np.allclose(answer.jacobian[:, :, 3:], -conductivity[:, np.newaxis, np.newaxis] * np.eye(2), rtol=1e-14)
    assert not answer.stderr.any()
    assert flux.asked == 200


def test_a_known_tensor_agrees_with_the_closure_of_the_same() -> None:
    known = ResolvedFlux(lambda position, _: (turned(share_at(position), angle_at(position)), None))(POINTS)
    asked = FourierFlux(Layers(), shares, angle=angle_at)(POINTS)
    assert known.jacobian is not None
    assert asked.jacobian is not None
    assert np.allclose(known.value, asked.value, rtol=1e-10, atol=1e-11)
    assert np.allclose(known.jacobian, asked.jacobian, rtol=1e-10, atol=1e-11)


# What is refused


def test_a_temperature_without_a_derivative_is_refused() -> None:
    with pytest.raises(ValueError, match=r"must answer its jacobian: got None\. Put a `Gridded`"):
        FourierFlux(Layers(warms=True), half, with_temperature=True)(POINTS)


@pytest.mark.parametrize(
    ("flux", "inputs", "message"),
    [
        (FourierFlux(Layers(), half), POINTS[:, :4], r"x, y, u, du/dx, du/dy, \(point, 5\): got shape \(200, 4\)"),
        (FourierFlux(Layers(), share_at), POINTS, r"`parameters` must .* \(200, n\).*: got shape \(200,\)"),
        (FourierFlux(Layers(), lambda p: p + np.nan), POINTS, "`parameters` must answer finite"),
        (FourierFlux(Layers(), lambda p: p[:, :0]), POINTS, "a parameter at least"),
        (FourierFlux(Layers(), half, angle=half), POINTS, r"radians of shape \(200,\): got shape \(200, 1\)"),
        (ResolvedFlux(lambda p, u: (p, None)), POINTS, r"shape \(200,\) or \(200, 2, 2\): got shape \(200, 2\)"),
        (ResolvedFlux(lambda p, u: (u * np.nan, None)), POINTS, "must be finite"),
        (ResolvedFlux(lambda p, u: (np.tile([[1.0, 2], [3, 4]], (len(u), 1, 1)), None)), POINTS, "symmetric"),
    ],
)
def test_what_does_not_fit_is_refused(flux: Closure, inputs: Array, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        flux(inputs)


def test_a_conductivity_that_is_no_tensor_is_refused() -> None:
    class Scalar(Closure):
        def __call__(self, inputs: ArrayLike, state: Any = None, key: Key = ()) -> Answer:
            value = np.ones((len(np.asarray(inputs)), 1))
            return Answer(value, 0 * value)

    with pytest.raises(ValueError, match=r"K_xx, K_xy, K_yy of shape \(1, 3\): got shape \(1, 1\)"):
        FourierFlux(Scalar(), half)(POINTS)


@pytest.mark.parametrize("flux", [FourierFlux(Layers(), half), ResolvedFlux(lambda p, u: (u, None))])
def test_a_state_is_refused_by_a_flux(flux: Closure) -> None:
    with pytest.raises(ValueError, match="no memory"):
        flux(POINTS, state={})
