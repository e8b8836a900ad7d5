"""Scenarios are found by their entry points and run from Python."""

from pathlib import Path
from typing import Any

import pytest

import eqfree as ef
from eqfree.scenario import Context, find_scenarios, load_scenario
from tests.demonstration import register, scenario


@pytest.fixture(autouse=True)
def registered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(register(tmp_path / "site"))


def test_registered_scenarios_are_found_without_importing_them() -> None:
    assert {"drift", "lost"} <= set(find_scenarios())
    assert load_scenario("drift") is scenario


def test_one_that_cannot_be_imported_says_what_to_do() -> None:
    with pytest.raises(ValueError, match=r"lost is registered but cannot be imported: .*install the clone"):
        load_scenario("lost")


def test_an_entry_point_that_is_no_scenario_says_what_it_is() -> None:
    with pytest.raises(ValueError, match=r"'builtins:list', which must be an eqfree\.Scenario: got <class 'list'>"):
        load_scenario("other")


def test_an_entry_point_that_is_broken_says_how() -> None:
    with pytest.raises(ValueError, match="'math:nothing' but cannot be loaded: AttributeError: module 'math' has no"):
        load_scenario("broken")


def test_an_unknown_one_is_answered_with_the_nearest() -> None:
    with pytest.raises(ValueError, match=r"got 'drfit'\. Did you mean `drift`\?"):
        ef.run("drfit")


def test_settings_are_given_nested_or_dotted_and_win_over_quick() -> None:
    assert ef.run("drift").values["walkers"].value == 100
    assert ef.run("drift", quick=True).values["walkers"].value == 10
    assert ef.run("drift", quick=True, walkers={"count": 4, "speed": 2.0}).values["walkers"].value == 4
    dotted: dict[str, Any] = {"walkers.speed": 2.0}
    study = ef.run("drift", quick=True, **dotted, times=[1, 3])
    assert (study.values["walkers"].value, study.values["speed"].value) == (10, 2.0)
    assert study.settings["times"] == [1.0, 3.0]


def test_progress_changes_nothing() -> None:
    assert list(Context().track(iter([3, 1]), "things")) == [3, 1]
