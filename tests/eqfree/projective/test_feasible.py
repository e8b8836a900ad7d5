"""States that no population has are moved to the nearest one that a population has."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.random import Generator
from numpy.typing import NDArray
from scipy.optimize import LinearConstraint, minimize

import eqfree as ef
from eqfree.fields import OutOfBoundsError
from eqfree.projective import Euler, Midpoint
from eqfree.projective.bursts import Bursts, Ensemble
from eqfree.projective.feasible import Region
from tests.eqfree.models import drift

Array = NDArray[np.float64]


def densities(count: int, **options: object) -> ef.Field:
    return ef.Field("density", coordinates={"x": np.arange(count)}, bounds=(0.0, 3.0))


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("rows", [0, 1, 3])
def test_the_change_is_the_least(seed: int, rows: int) -> None:
    """Beside SciPy's SLSQP, which knows nothing of multipliers clipped to bounds."""
    rng = np.random.default_rng(seed)
    matrix, state = rng.random((rows, 8)), rng.normal(1.5, 1.5, 8)
    totals = matrix @ rng.uniform(0.0, 3.0, 8)
    region = Region((8,), (densities(8),), (lambda macro: matrix @ macro) if rows else None)
    found = region.restore(state[None], totals[None] if rows else None)
    scale = np.abs(state).max()
    expected = minimize(
        lambda x: float(((x - state) ** 2).sum() / scale**2),
        np.full(8, 1.5),
        bounds=[(0.0, 3.0)] * 8,
        constraints=[LinearConstraint(matrix, totals, totals)] if rows else (),
        method="SLSQP",
        tol=1e-15,
    ).x
    assert found.macro[0] == pytest.approx(expected, abs=1e-5)
    assert ((found.macro >= 0) & (found.macro <= 3)).all()
    assert matrix @ found.macro[0] == pytest.approx(totals, rel=1e-9)
    assert found.number == 1
    assert found.moved == pytest.approx(np.abs(found.macro[0] - state).max() / scale)


def test_changes_are_weighed_by_the_size_of_their_field() -> None:
    """Mass of two fields, thousands and ones: change goes where a share of it is the larger mass, as scale squared."""
    fields = (ef.Field("many"), ef.Field("few"))
    region = Region((2,), fields, lambda macro: macro.sum(keepdims=True))
    found = region.restore(np.array([[1000.0, 1.0]]), np.array([[1002.0]]))
    weights = np.array([1e6, 1.0])
    assert found.macro[0] == pytest.approx([1000.0, 1.0] + weights / weights.sum(), rel=1e-12)


def test_a_feasible_state_is_left_as_it_is() -> None:
    region = Region((2,), (densities(2),), lambda macro: macro.sum(keepdims=True))
    state = np.array([[1.0, 2.0]])
    found = region.restore(state, np.array([[3.0]]))
    assert found.macro.tobytes() == state.tobytes()
    assert (found.number, found.moved) == (0, 0.0)


def test_totals_may_be_rounded() -> None:
    """Whole cars: 0.4 are missing of 5, and nothing is to be restored; 2 are missing, and their density comes back."""
    region = Region((2,), (densities(2),), lambda macro: np.array([float(round(100 / 3 * macro.sum()))]))
    assert region.restore(np.array([[0.07, 0.068]]), np.array([[5.0]])).number == 0
    found = region.restore(np.array([[0.05, 0.04]]), np.array([[5.0]])).macro
    assert found[0] == pytest.approx([0.08, 0.07], rel=1e-8)


def test_bounds_that_cannot_hold_the_totals_are_infeasible() -> None:
    region = Region((2,), (densities(2),), lambda macro: macro.sum(keepdims=True))
    with pytest.raises(OutOfBoundsError, match=r"within the bounds of density has the conserved totals \[7\.\]"):
        region.restore(np.array([[3.0, 4.0]]))


def test_what_is_conserved_must_be_linear() -> None:
    region = Region((2,), (densities(2),), lambda macro: (macro**2).sum(keepdims=True))
    with pytest.raises(ValueError, match="`conserved` must be a linear function"):
        region.restore(np.array([[-1.0, 2.0]]))


def test_a_state_that_has_its_totals_is_never_probed() -> None:
    """Where a population can be is not all that is within the bounds: two numbers on a line, told of nothing else."""

    def conserved(macro: Array) -> Array:
        if not (macro >= 0).all() or macro.sum() > 1:
            raise ValueError("too many")
        return np.array([7.0])

    region = Region((2,), (densities(2),), conserved, inside=np.array([0.5, 0.25]))
    assert region.restore(np.array([[0.5, 0.25]]), np.array([[7.0]])).number == 0
    assert region.restore(np.array([[-0.5, 0.25]]), np.array([[7.0]])).macro.tolist() == [[0.0, 0.25]]
    with pytest.raises(OutOfBoundsError, match=r"refuses a state within its bounds\. too many"):
        region.restore(np.array([[0.75, 0.5]]), np.array([[7.0]]))


def test_totals_are_known_where_the_model_refuses_zero_and_far_states() -> None:
    """Between 1 and 5 of a sum, whose slopes are found by changes that are small enough; and never below zero."""

    def conserved(macro: Array) -> Array:
        if (macro < 0).any() or not 1 <= macro.sum() <= 5:
            raise ValueError("no such population")
        return np.asarray(2 * macro.sum(keepdims=True))

    region = Region((2,), (densities(2),), conserved, inside=np.array([1.0, 1.0]))
    for totals in (None, np.array([[4.0]])):
        found = region.restore(np.array([[-1.0, 3.0]]), totals)
        assert found.macro[0] == pytest.approx([0.0, 2.0], abs=1e-9)


def test_rounding_is_not_taken_for_a_law_that_is_not_linear() -> None:
    """Totals between two whole ones: what is restored may be rounded up or down."""
    region = Region((3,), (densities(3),), lambda macro: np.rint(100 * macro.sum(keepdims=True)))
    rng = np.random.default_rng(0)
    for whole in rng.integers(60, 200, 200):
        other = rng.uniform(0.0, 0.5)
        state = np.array([-0.1, other, (whole + 0.5) / 100 - other + 0.1])
        assert region.restore(state[None]).macro.sum() == pytest.approx(state.sum(), rel=1e-9)


# Along a trajectory


def diffusion(**options: object) -> ef.MicroModel:
    """Heat on four cells in a ring, exactly; mass is conserved."""
    neighbours = np.roll(np.eye(4), 1, axis=0) + np.roll(np.eye(4), -1, axis=0) - 2 * np.eye(4)
    rates, modes = np.linalg.eigh(neighbours)

    def evolve(micro: Array, duration: float, rng: Generator) -> Array:
        return np.asarray(modes @ (np.exp(rates * duration) * (modes.T @ micro)))

    return ef.micro_model(
        lambda macro, rng: macro,
        evolve,
        lambda micro: micro,
        **{"deterministic": True, "fields": [densities(4)]} | options,
    )


def test_a_leap_below_zero_is_restored_and_mass_is_kept() -> None:
    """Far too long a leap from a narrow peak."""
    stepper = ef.CoarseTimeStepper(diffusion(conserved=lambda macro: macro.sum(keepdims=True)))
    result = ef.solve_projective(stepper, (0.0, 12.0), [3.0, 0.0, 0.0, 0.0], Euler(1.2, 0.05))
    assert result.success
    assert (result.macro >= 0).all()
    assert result.macro.sum(axis=1) == pytest.approx(3.0, rel=1e-9)
    assert result.restored > 0
    assert 0 < result.moved <= 1
    assert f"{result.restored} projected states were moved" in result.message


def test_nothing_is_restored_where_nothing_has_to_be() -> None:
    stepper = ef.CoarseTimeStepper(diffusion(conserved=lambda macro: macro.sum(keepdims=True)))
    result = ef.solve_projective(stepper, (0.0, 2.0), [3.0, 0.0, 0.0, 0.0], Midpoint(0.2, 0.05))
    assert (result.restored, result.moved) == (0, 0.0)
    assert result.message == ef.Status.SUCCESS.value


def test_what_a_burst_changes_is_not_held_to_what_it_was() -> None:
    """Inflow: lift reproduces the mass, the motion does not keep it."""
    model = drift(fields=[ef.Field("mass", bounds=(0.0, np.inf))], conserved=lambda macro: macro)
    result = ef.solve_projective(ef.CoarseTimeStepper(model), (0.0, 1.0), [1.0], Euler(0.25, 0.05))
    assert result.macro[:, 0] == pytest.approx(1 + 2 * result.times, rel=1e-12)
    assert result.restored == 0


def test_a_total_of_zero_is_kept_as_any_other() -> None:
    """Net charge: after a burst it is not zero but round-off, of the charges and not of their sum."""
    charges = ef.Field("charge", coordinates={"x": range(4)}, bounds=(-0.6, 3.0))
    model = diffusion(fields=[charges], conserved=lambda macro: macro.sum(keepdims=True))
    ensemble = Ensemble(ef.CoarseTimeStepper(model), np.array([0.1, 0.2, -0.6, 0.3]))
    bursts = Bursts(ensemble, np.array([1]), np.array([[0.0]]), (0,))
    end = bursts.read(ensemble.start[None], 0.0, np.array([0.3]))[0].mean
    assert end[-1].sum() != 0.0
    assert bursts.totals(np.array([[9.0, 9.0, 9.0, 9.0]])).tolist() == [[0.0]]


def test_every_state_that_is_lifted_is_feasible_too() -> None:
    """The second burst of the midpoint rule would begin at 1.5."""
    model = drift(fields=[ef.Field("density", bounds=(0.0, 1.4))])
    result = ef.solve_projective(ef.CoarseTimeStepper(model), (0.0, 1.0), [0.0], Midpoint(0.5, 0.125))
    assert result.success
    assert result.macro[:, 0].tolist() == [0.0, 1.0, 1.4]
    assert result.restored == 2


def test_a_run_that_cannot_be_restored_ends_and_keeps_its_part() -> None:
    """Mass grows with time only seemingly: restrict sees more than fits."""
    model = ef.micro_model(
        lambda macro, rng: macro,
        lambda micro, duration, rng: micro + 2 * duration,
        lambda micro: micro,
        deterministic=True,
        fields=[ef.Field("mass", bounds=(0.0, 1.9))],
        conserved=lambda macro: macro,
    )
    result = ef.solve_projective(ef.CoarseTimeStepper(model), (0.0, 2.0), [0.0], Euler(0.5, 0.125))
    assert result.status is ef.Status.INFEASIBLE
    assert result.macro[:, 0].tolist() == [0.0, 1.0]
    assert "within the bounds of mass" in result.message


def make(low: float) -> Callable[[], object]:
    model = drift(fields=[ef.Field("density", "1/m", bounds=(low, 1.9))])
    return lambda: ef.solve_projective(ef.CoarseTimeStepper(model), (0.0, 1.0), [0.0], Euler(0.5, 0.125))


def test_a_first_macro_state_that_cannot_be_lifted_is_refused_by_the_name_of_its_bound() -> None:
    with pytest.raises(ValueError, match=r"density must lie in \[0\.5, 1\.9\] 1/m: got 0 1/m"):
        make(0.5)()
