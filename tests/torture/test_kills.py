"""Four runs, killed at random moments and resumed, end with the bits of an undisturbed one."""

from pathlib import Path

import pytest

from tests.torture import kills
from tests.torture.wanderers import register

SMALL = ("parts=enzyme", "enzyme.separations=[0.01]", "enzyme.steps=[4]", "enzyme.checked_steps=4", "enzyme.replicas=2")
CASES = [
    kills.Case("wander", [], interval=0.02),
    kills.Case("reaction", [word for setting in SMALL for word in ("--set", setting)], interval=0.02),
]


@pytest.mark.slow
def test_runs_that_are_killed_and_resumed_come_to_the_same_bits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(register(tmp_path / "site")))
    made = kills.torture(CASES, 4)
    assert [fault for kill in made for fault in kill.faults] == []
    assert len(made) == 4
    assert any(kill.kept for kill in made)  # something was resumed, and not only begun again
