"""Diffusion whose flux is asked of a closure, against solutions in closed form."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from numpy.typing import ArrayLike, NDArray

from eqfree.ensemble import Key
from eqfree.hmm import (
    Answer,
    Closure,
    DiffusionLaw,
    DiffusionState,
    ErrorIndicators,
    Exchange,
    Fixed,
    ImplicitEuler,
    ImplicitScheme,
    Inflow,
    Sdirk2,
    iter_diffusion,
    rectangle,
    refine_together,
    solve_diffusion,
    solve_steady,
)
from eqfree.hmm.diffusion.boundaries import Boundary
from eqfree.results import Status

Array = NDArray[np.float64]
SIDES = ("left", "right", "bottom", "top")


@dataclass(frozen=True)
class Conducting(Closure):
    """-k(x, u) grad u with k = (first + slope u) profile(x), and a micro error of a share of it."""

    first: float = 1.0
    slope: float = 0.0
    profile: Callable[[Array], Array] = np.ones_like
    micro_error: float = 0.0

    def __call__(self, inputs: ArrayLike, state: Any = None, key: Key = ()) -> Answer:
        x, _, u, *gradient = np.asarray(inputs).T
        slope, profile = np.column_stack(gradient), self.profile(x)
        k: Array = (self.first + self.slope * u) * profile
        jacobian = np.zeros((len(x), 2, 5))
        jacobian[:, :, 2] = -(self.slope * profile)[:, np.newaxis] * slope
        jacobian[:, 0, 3] = jacobian[:, 1, 4] = -k
        flux = -k[:, np.newaxis] * slope
        return Answer(flux, self.micro_error * np.abs(flux), jacobian)


def kirchhoff(places: Array) -> Array:
    """With k = 1 + u/2, u + u²/4 is harmonic: here it is exp(x) cos(y)."""
    return np.asarray(2 * (np.sqrt(1 + np.exp(places[..., 0]) * np.cos(places[..., 1])) - 1))


def nonlinear(cells: int, degree: int) -> DiffusionLaw:
    return DiffusionLaw(
        mesh=rectangle(1.0, 1.0, (cells, cells)),
        flux=Conducting(slope=0.5),
        boundaries={side: Fixed(kirchhoff) for side in SIDES},
        degree=degree,
    )


def errors(law: DiffusionLaw, values: Array) -> float:
    """Of u in L²."""
    fine = law.discretisation.fine
    exact = kirchhoff(np.moveaxis(np.asarray(fine.global_coordinates()), 0, -1))
    return float(np.sqrt(((fine.interpolate(values) - exact) ** 2 * fine.dx).sum()))


@pytest.mark.parametrize("degree", [1, 2])
def test_the_error_falls_with_one_order_more_than_the_degree(degree: int) -> None:
    cells = np.array([4, 8, 16])
    laws = [nonlinear(count, degree) for count in cells]
    told = [errors(law, solve_steady(law, 1.0).values) for law in laws]
    assert -np.polyfit(np.log(cells), np.log(told), 1)[0] == pytest.approx(degree + 1, abs=0.15)


@pytest.mark.parametrize("degree", [1, 2])
def test_the_macro_indicator_is_the_true_error_of_the_flux_to_a_quarter(degree: int) -> None:
    law = nonlinear(16, degree)
    solution = solve_steady(law, 1.0)
    fine = law.discretisation.fine
    (x, y), here = np.asarray(fine.global_coordinates()), fine.interpolate(solution.values)
    exact = np.exp(x) * np.array([-np.cos(y), np.sin(y)])
    flux = -(1 + np.asarray(here) / 2) * np.asarray(here.grad)
    missed = ((flux - exact) ** 2 * fine.dx).sum() / (exact**2 * fine.dx).sum()
    assert solution.indicators.macro == pytest.approx(np.sqrt(missed), rel=0.25)
    assert solution.indicators.limits == "macro"


def test_newton_with_the_closures_derivative_converges_quadratically() -> None:
    solution = solve_steady(nonlinear(8, 2), 1.0)
    assert solution.success
    assert solution.status is Status.STEADY
    assert solution.iterations <= 5


def test_a_linear_flux_takes_one_iteration() -> None:
    law = DiffusionLaw(mesh=rectangle(1, 1, (3, 3)), flux=Conducting(), boundaries={"left": Fixed(1), "top": Fixed(0)})
    assert solve_steady(law, 0.0).iterations == 1
    assert solve_steady(law).iterations == 0  # it begins with what a uniform medium does


def test_a_slab_between_inflow_and_air_has_its_textbook_temperature() -> None:
    # q = 6 through k = 2 over 1 m and h = 3 into 10: falls by 3 and by 2
    law = DiffusionLaw(
        mesh=rectangle(1, 1, (2, 2)),
        flux=Conducting(2.0),
        boundaries={"left": Inflow(6.0), "right": Exchange(3.0, 10.0)},
    )
    np.testing.assert_allclose(solve_steady(law).at([[0.0, 0.3], [1.0, 0.9]]), [15.0, 12.0], rtol=1e-12)


def test_layers_in_series_add_up_on_a_mesh_that_fits_them() -> None:
    law = DiffusionLaw(
        mesh=rectangle(1, 1, (4, 1)),
        flux=Conducting(profile=lambda x: np.where(x < 0.5, 4.0, 1.0)),
        boundaries={"left": Fixed(1.0), "right": Fixed(0.0)},
    )
    solution = solve_steady(law)
    assert solution.inflows["left"] == pytest.approx(1 / (0.5 / 4 + 0.5), rel=1e-12)
    np.testing.assert_allclose(solution.at([[0.5, 0.5]]), 0.8, rtol=1e-12)


def test_what_a_source_makes_leaves() -> None:
    # -u'' = 8 between ends at zero: u = 4 x (1 - x)
    law = DiffusionLaw(
        mesh=rectangle(1, 1, (2, 1)),
        flux=Conducting(),
        source=8.0,
        boundaries={"left": Fixed(0.0), "right": Fixed(0.0)},
    )
    solution = solve_steady(law)
    np.testing.assert_allclose(solution.at([[0.25, 0.5]]), 0.75, rtol=1e-12)
    assert solution.made == pytest.approx(8.0, rel=1e-12)
    assert solution.inflows["left"] == pytest.approx(-4.0, rel=1e-12)


EVERYTHING: dict[str, Boundary] = {
    "left": Inflow(lambda place: 1 + place[:, 1]),
    "right": Exchange(2.0, lambda place: place[:, 1] ** 2),
    "top": Fixed(0.3),
}


def everything(cells: int = 6, **options: Any) -> DiffusionLaw:
    options = {"capacity": lambda place: 1 + place[:, 0], "source": 0.7, "boundaries": EVERYTHING, **options}
    return DiffusionLaw(mesh=rectangle(1, 1, (cells, cells)), flux=Conducting(slope=0.2), **options)


@pytest.mark.parametrize("degree", [1, 2])
def test_what_enters_leaves_or_is_stored_to_round_off(degree: int) -> None:
    law = everything(degree=degree)
    assert abs(solve_steady(law).imbalance) < 1e-11
    for method in (Sdirk2(0.1), ImplicitEuler(0.1)):
        run = solve_diffusion(law, (0.0, 0.5), 0.0, method=method)
        assert run.imbalance < 1e-11
        held = law.discretisation.mass @ (run.values[-1] - run.values[0])
        assert run.stored[-1] == pytest.approx(held.sum(), rel=1e-10)
        assert run.stored[-1] > 0.1


@pytest.mark.slow
@pytest.mark.parametrize("method", [ImplicitEuler, Sdirk2])
def test_schemes_have_the_order_that_they_declare(method: Callable[[float], ImplicitScheme]) -> None:
    # sin(pi x) decays as exp(-pi² t); the mesh's own error is below 1e-5
    law = DiffusionLaw(
        mesh=rectangle(1, 0.1, (10, 1)), flux=Conducting(), boundaries={"left": Fixed(0), "right": Fixed(0)}
    )
    steps = np.array([0.02, 0.01, 0.005])
    told = [
        solve_diffusion(law, (0, 0.1), lambda place: np.sin(np.pi * place[:, 0]), method=method(step)).at([[0.5, 0.0]])
        for step in steps
    ]
    missed = np.abs([run[-1, 0] - np.exp(-(np.pi**2) * 0.1) for run in told])
    assert np.polyfit(np.log(steps), np.log(missed), 1)[0] == pytest.approx(method(0.1).order, abs=0.15)


def test_decay_rates_are_those_of_a_rectangle() -> None:
    law = DiffusionLaw(
        mesh=rectangle(1, 2, (12, 12)),
        flux=Conducting(3.0),
        boundaries={"left": Fixed(5.0), "right": Fixed(5.0)},
        capacity=2.0,
    )
    exact = 1.5 * np.pi**2 * np.array([1.0, 1.25, 2.0])
    np.testing.assert_allclose(law.decay_rates(3), exact, rtol=5e-4)  # eight times less with half the mesh size


def test_a_run_that_is_begun_again_from_its_arrays_gives_the_same_bits() -> None:
    law, method = everything(3), Sdirk2(0.1)
    start = DiffusionState(0, 0.0, law.nodal(0.0), np.zeros(3))
    whole = list(iter_diffusion(law, 0.5, start, method))
    again = DiffusionState.from_arrays(whole[1].to_arrays())
    *_, last = iter_diffusion(law, 0.5, again, method)
    assert last.time == whole[-1].time == 0.5
    np.testing.assert_array_equal(last.values, whole[-1].values)
    np.testing.assert_array_equal(last.entered, whole[-1].entered)


def test_the_micro_indicator_is_what_the_closure_says() -> None:
    law = DiffusionLaw(
        mesh=rectangle(1, 1, (2, 2)),
        flux=Conducting(micro_error=0.03),
        boundaries={"left": Fixed(1.0), "right": Fixed(0.0)},
    )
    told = solve_steady(law).indicators
    assert told.micro == pytest.approx(0.03, rel=1e-12)
    assert told.limits == "micro"
    assert "a finer mesh would not help" in str(told)


def test_neither_limits_where_both_are_alike() -> None:
    assert ErrorIndicators(0.01, 0.02).limits == "both"
    assert ErrorIndicators(3.0, 4.0).total == 5.0


def test_mesh_and_micro_solver_are_refined_together() -> None:
    def law_of(mesh: int, micro: int) -> DiffusionLaw:
        return DiffusionLaw(
            mesh=rectangle(1, 1, (2 * 2**mesh, 2 * 2**mesh)),
            flux=Conducting(slope=0.5, micro_error=0.4 / 4**micro),
            boundaries={side: Fixed(kirchhoff) for side in SIDES},
            degree=1,
        )

    told = refine_together(law_of, 0.06, initial=1.0)
    assert told.success
    assert told.solution.indicators.total <= 0.06
    assert told.levels[0] == (0, 0)
    assert told.levels[1] == (1, 1)  # 22 % of the mesh beside 40 %: both
    assert list(told.table["mesh_level"]) == [mesh for mesh, _ in told.levels]
    assert not refine_together(law_of, 1e-9, most=2, initial=1.0).success


def test_a_law_without_balance_says_so_and_keeps_the_last_attempt() -> None:
    class Torn(Closure):
        def __call__(self, inputs: ArrayLike, state: Any = None, key: Key = ()) -> Answer:
            gradient = np.asarray(inputs)[:, 3:]
            jacobian = np.zeros((len(gradient), 2, 5))
            jacobian[:, 0, 3] = jacobian[:, 1, 4] = -1.0  # a derivative that is not its own
            return Answer(-np.sign(gradient), np.zeros_like(gradient), jacobian)

    law = DiffusionLaw(mesh=rectangle(1, 1, (2, 2)), flux=Torn(), boundaries={"left": Inflow(0.3), "right": Fixed(0.0)})
    solution = solve_steady(law)
    assert solution.status is Status.NO_BALANCE
    assert solution.values.shape == (law.unknowns,)


class Odd(Closure):
    def __init__(self, answer: Callable[[Array], Answer]) -> None:
        self.answer = answer

    def __call__(self, inputs: ArrayLike, state: Any = None, key: Key = ()) -> Answer:
        return self.answer(np.asarray(inputs))


def zeros(points: Array, *shape: int) -> Array:
    return np.zeros((len(points), *shape))


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (lambda x: Answer(zeros(x, 3), zeros(x, 3), zeros(x, 3, 5)), "two components"),
        (lambda x: Answer(zeros(x, 2), zeros(x, 2)), "must answer its jacobian: got None"),
        (lambda x: Answer(zeros(x, 2), zeros(x, 2), zeros(x, 2, 2)), "(8, 2, 5): got (8, 2, 2)"),
        (lambda x: Answer(zeros(x, 2) + np.nan, zeros(x, 2), zeros(x, 2, 5)), "finite values and derivatives"),
        (lambda x: Answer(zeros(x, 2), zeros(x, 2), zeros(x, 2, 5)), "no single solution"),
    ],
)
def test_a_flux_that_will_not_do_is_told(answer: Callable[[Array], Answer], told: str) -> None:
    law = DiffusionLaw(
        mesh=rectangle(1, 1, (2, 2)), flux=Odd(answer), boundaries={"left": Fixed(0.0), "right": Inflow(1.0)}, degree=1
    )
    with pytest.raises(ValueError, match=re.escape(told)):
        solve_steady(law)


def insulated() -> DiffusionLaw:
    return DiffusionLaw(mesh=rectangle(1, 1, (1, 1)), flux=Conducting(), boundaries={})


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda: DiffusionLaw(mesh=rectangle(1, 1, (1, 1)), flux=Conducting(), boundaries={"lid": Fixed(0)}), "'lid'"),
        (lambda: everything(1, boundaries={"top": 3.0}), "got 3.0"),
        (lambda: DiffusionLaw(mesh=rectangle(1, 1, (1, 1)), flux=Conducting(), boundaries={}, degree=3), "got 3"),
        (lambda: rectangle(0.0, 1.0, (1, 1)), "positive: got 0"),
        (lambda: rectangle(1.0, 1.0, (1, 0)), "at least 1"),
        (lambda: Fixed(np.nan), "finite: got nan"),
        (lambda: Exchange(-1.0, 0.0), "at least 0: got -1"),
        (lambda: Sdirk2(0.0), "`step`"),
        (lambda: solve_steady(everything(1, boundaries={})), "No steady"),
        (lambda: solve_steady(everything(1), rtol=0.0), "`rtol`"),
        (lambda: solve_steady(everything(1), lambda place: place), "shape (9, 2)"),
        (lambda: solve_steady(everything(1)).at([[2.0, 0.5]]), "within the mesh"),
        (lambda: solve_steady(everything(1)).at([2.0, 0.5]), "shape (point, 2)"),
        (lambda: solve_diffusion(everything(1), (1.0, 0.0), 0.0), "increasing"),
        (lambda: solve_diffusion(everything(1, capacity=-1.0), (0.0, 1.0), 0.0), "positive: got -1"),
        (lambda: everything(1).decay_rates(0), "`count`"),
        (lambda: refine_together(lambda mesh, micro: everything(1), 0.0), "`rtol` and `most`"),
    ],
)
def test_bad_input_is_told_in_a_line(make: Callable[[], object], told: str) -> None:
    with pytest.raises(ValueError, match=re.escape(told)):
        make()
