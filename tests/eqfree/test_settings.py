"""Settings are layered, read from text, and refused in one line."""

import re
from typing import Any

import pytest
from pydantic import Field, ValidationError

from eqfree.settings import ScenarioSettings, build_settings, list_settings, parse_assignment
from tests.demonstration import DriftSettings


def built(*layers: dict[str, Any]) -> DriftSettings:
    return build_settings(DriftSettings, *layers, scenario="drift")


def test_later_layers_win_and_keep_the_rest_of_a_group() -> None:
    settings = built({"walkers": {"count": 5, "speed": 2.0}}, {"walkers.count": 6}, {"seed": 1})
    assert (settings.walkers.count, settings.walkers.speed, settings.seed) == (6, 2.0, 1)


def test_layers_are_left_as_they_were() -> None:
    layer = {"walkers": {"count": 5}}
    built(layer, {"walkers.count": 6})
    assert layer == {"walkers": {"count": 5}}


def test_settings_are_frozen() -> None:
    settings: Any = built()
    with pytest.raises(ValidationError, match="frozen"):
        settings.seed = 3


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("seed=7", 7),
        ("walkers.speed = 2.5", 2.5),
        ("walkers.speed=fast", "fast"),
        ("times=[10, 20]", [10, 20]),
        ("times=10,20.5", [10, 20.5]),
        ("times=10", [10]),
        ("walkers.legs=left", ["left"]),
        ("walkers.legs=left, right", ["left", "right"]),
        ("title=a,b", "a,b"),
        ("title=2024", "2024"),
        ('title="quoted"', "quoted"),
        ("title=x=y", "x=y"),
        ("title=", ""),
        ("title=1\nseed=2", "1\nseed=2"),
        ("track_file=2024-01-01", "2024-01-01"),
        ("scatter=none", "none"),
        ("scatter=0.5", 0.5),
        ("apart=true", True),
        ("unknown=[1", "[1"),
    ],
)
def test_a_value_is_toml_where_it_can_be_and_else_text(text: str, value: object) -> None:
    (read,) = parse_assignment(text, DriftSettings).values()
    assert read == value
    assert type(read) is type(value)


@pytest.mark.parametrize("text", ["seed", "=3", "", " = "])
def test_an_assignment_has_a_key_and_an_equals_sign(text: str) -> None:
    with pytest.raises(ValueError, match="must be given as KEY=VALUE"):
        parse_assignment(text, DriftSettings)


HELP = "`eqfree run drift --help` lists the settings."
KNOWN = ", ".join(setting.name for setting in list_settings(DriftSettings))


@pytest.mark.parametrize(
    ("given", "line"),
    [
        (
            {"walkers.count": 0},
            f"`walkers.count` must be an integer >= 1 and <= 10000 (how many walk [1]): got 0. {HELP}",
        ),
        (
            {"walkers.count": "many"},
            f"`walkers.count` must be an integer >= 1 and <= 10000 (how many walk [1]): got 'many'. {HELP}",
        ),
        (
            {"walkers.speed": float("nan")},
            f"`walkers.speed` must be a number > 0 (mean speed [m/s]): got nan. {HELP}",
        ),
        (
            {"times": [1.0, -1.0]},
            f"`times[1]` must be a number > 0 (when they are looked at [s]): got -1.0. {HELP}",
        ),
        (
            {"times": []},
            f"`times` must be a list of numbers > 0, at least 1 (when they are looked at [s]): got []. {HELP}",
        ),
        (
            {"scatter": [1, "x"]},
            f"`scatter` must be a number or none (spread of the speeds [m/s]): got [1, 'x']. {HELP}",
        ),
        (
            {"walkers.legs": ["middle"]},
            f"`walkers.legs[0]` must be one of left, right (legs they use [1]): got 'middle'. {HELP}",
        ),
        ({"walkers": 3}, f"`walkers` must be a table of count, speed, legs (who walks): got 3. {HELP}"),
        (
            {"walkers.cout": 3},
            f"A setting of drift must be one of {KNOWN}: got 'walkers.cout'. Did you mean `walkers.count`?",
        ),
        (
            {"zzz": 3},
            f"A setting of drift must be one of {KNOWN}: got 'zzz'. `eqfree run drift --help` explains them.",
        ),
        (
            {"walkers.legs": ["left", "left"]},
            "`walkers.legs` must differ: got ['left', 'left']. Name each leg once.",
        ),
        (
            {"seed": -1, "walkers.count": 0, "zzz": 1},
            "`seed` must be an integer >= 0 and < 2**128 (seed of every random number; the same seed, the same bits): "
            f"got -1. {HELP} (and 2 more)",
        ),
    ],
)
def test_a_refusal_is_one_line_that_says_what_was_expected_given_and_to_do(given: dict[str, Any], line: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(line)}$"):
        built(given)


def test_every_setting_has_a_default_and_a_description() -> None:
    with pytest.raises(TypeError, match="`length` of Bare needs a default and a description"):

        class Bare(ScenarioSettings):
            length: float = 3.0

    with pytest.raises(TypeError, match="`length` of Needy needs a default and a description"):

        class Needy(ScenarioSettings):
            length: float = Field(description="length [m]")


def test_settings_are_listed_with_groups_opened() -> None:
    listed = {setting.name: setting for setting in list_settings(DriftSettings)}
    assert listed["walkers.legs"].default == ["left"]
    assert listed["walkers.speed"].meaning == "mean speed [m/s]"
    assert listed["track_file"].expected == "a path"
    assert "walkers" not in listed
