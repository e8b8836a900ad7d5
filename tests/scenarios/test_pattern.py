"""The front of a lattice: beside the differential equations, its pictures, and what is refused."""

from __future__ import annotations

from math import log10
from typing import Any

import numpy as np
import pytest

import eqfree as ef
from eqfree.cli import main
from eqfree.scenario import Context
from scenarios.pattern import reference, scenario
from scenarios.pattern.breathing import follow_cycles
from scenarios.pattern.front import DIFFERENCE, SOLVER, UNIT, Line
from scenarios.pattern.settings import Settings

EXACT = reference.EVENTS


def run(**settings: Any) -> ef.Study:
    return scenario.run(Settings(**settings), Context())


@pytest.fixture(scope="module")
def small() -> ef.Study:
    """The small version, on a grid of twice as many cells as well."""
    return run(**{**Settings.quick, "grids": 2})


def refused(study: ef.Study) -> list[str]:
    return [check.quantity for check in study.checks if not check.ok]


@pytest.mark.slow
def test_the_small_version_keeps_all_its_checks(small: ef.Study) -> None:
    assert len(small.checks) == 18
    assert refused(small) == []
    assert not small.failures


@pytest.mark.slow
def test_errors_are_of_second_order_and_extrapolate_away(small: ef.Study) -> None:
    """Hopf point and fold on 60 and 120 cells: errors 4 : 1, and 0.02 % from the partial differential equations."""
    grids = small.tables["grids"]
    for kind, exact in EXACT.items():
        coarse, fine = grids[grids["event"] == kind]["epsilon"]
        assert (coarse - exact) / (fine - exact) == pytest.approx(4.0, abs=0.5)
        assert (4 * fine - coarse) / 3 == pytest.approx(exact, rel=2e-4)


@pytest.mark.slow
def test_fronts_are_stable_between_the_hopf_point_and_the_fold_alone(small: ef.Study) -> None:
    table = small.tables["branch"]
    events = small.tables["events"].set_index("kind")["parameter"].to_dict()
    labels = table["stability"].tolist()
    assert labels[0] == "unstable"
    assert labels[-1] == "unstable"
    first, last = labels.index("stable"), len(labels) - 1 - labels[::-1].index("stable")
    assert "unstable" not in labels[first : last + 1]
    assert table["parameter"].iloc[first] > events["Hopf"] > table["parameter"].iloc[first - 1]
    assert table["parameter"].max() <= events["fold"] + 1e-6


@pytest.mark.slow
def test_cycles_grow_from_nothing_at_the_hopf_point(small: ef.Study) -> None:
    """The square of the amplitude is proportional to the distance, at first, as the normal form has it."""
    cycles = small.tables["cycles"]
    beyond = small.values["hopf_epsilon"].value - 10 ** cycles["parameter"].to_numpy()
    amplitude = (cycles["high"] - cycles["low"]).to_numpy() / 2
    assert (np.diff(amplitude) > 0).all()
    first, second = (amplitude**2 / beyond)[:2]
    assert second == pytest.approx(first, rel=0.1)
    assert cycles["period"].iloc[0] == pytest.approx(small.values["hopf_period"].value, rel=1e-3)


@pytest.mark.slow
def test_the_study_is_drawn(small: ef.Study) -> None:
    assert sorted(scenario.draw(small)) == ["bifurcation", "cycle", "multipliers", "phases"]


@pytest.mark.slow
def test_a_hundred_cells_are_right_to_one_percent() -> None:
    """Fold and Hopf point; where cycles are followed there is more."""
    study = run(cycles=False)
    assert refused(study) == []
    for name, exact in EXACT.items():
        assert study.values[f"{name.lower()}_epsilon"].value == pytest.approx(exact, rel=0.01)
    assert study.values["lift_change_gradient"].value < 1e-5
    assert study.values["lift_change_equilibrium"].value > 50 * study.values["lift_change_gradient"].value


def located(line: Line, kind: str, epsilon: float, direction: int) -> ef.BranchEvent:
    """An event that a short branch from beside it passes."""
    begun = line.stepper(-1.0).burst(line.front(), [line.whole(600.0)]).mean[-1]
    exponents = np.linspace(-1.0, log10(epsilon), 8)[1:]
    for exponent in exponents:  # from one front to the next, where a jump would lead to another state
        begun = ef.find_fixed_point(line.stepper(exponent), begun, line.horizon, method=SOLVER).lifted
    method = ef.continuation.PseudoArclength(
        duration=line.horizon,
        steps=ef.continuation.Steps(first=0.1, unit=UNIT, points=4),
        solver=SOLVER,
        multipliers=2,
        difference=DIFFERENCE,
    )
    branch = ef.continue_branch(line.stepper, begun, log10(epsilon), method, directions=(direction,))
    (event,) = branch.events
    assert event.kind == kind
    return event


@pytest.mark.slow
def test_two_hundred_cells_are_right_to_a_third_of_a_percent() -> None:
    """Hopf point and fold beside the partial differential equations."""
    line = Line(Settings(), 200)
    for kind, begin, direction in (("Hopf", 0.0195, -1), ("fold", 0.935, 1)):
        event = located(line, kind, begin, direction)
        assert 10**event.parameter == pytest.approx(EXACT[kind], rel=0.003)


@pytest.mark.slow
def test_the_cycle_of_two_hundred_cells_has_the_exact_period_and_multiplier() -> None:
    """151.4185 to 0.1 % and 0.5155 to 2 %: exponential time differencing and shooting."""
    orbit = follow_cycles(Line(Settings(), 200), None, -0.04, Context()).orbit
    assert orbit.success
    assert orbit.period == pytest.approx(151.418462, rel=1e-3)
    assert orbit.spectrum is not None
    assert np.abs(orbit.spectrum.multipliers).max() == pytest.approx(0.51553, rel=0.02)


@pytest.mark.parametrize(
    ("assignment", "sentence"),
    [
        ("cells=101", "`cells` must be even"),
        ("grids=4", "`grids` must be an integer >= 1 and <= 3"),
        ("weight=0.5", "`weight` must be a number >= 0.05 and <= 0.45"),
        ("lifting=random", "`lifting` must be one of gradient, equilibrium"),
        ("horizon=100", "`horizon` must be a number >= 5 and <= 60"),
    ],
)
def test_bad_settings_are_refused_in_one_line(
    assignment: str, sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", "pattern", "--set", assignment]) == 2
    said = capsys.readouterr().err
    assert sentence in said
    assert said.count("\n") == 1


def test_a_grid_too_fine_is_refused() -> None:
    with pytest.raises(ValueError, match="The finest of the grids may have 800 cells: got 300 cells on the first of 3"):
        Settings(cells=300, grids=3)
