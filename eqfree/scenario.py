"""What a scenario is, and how it is found and run: settings, run, draw."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

from eqfree.fields import short
from eqfree.settings import ScenarioSettings, build_settings, nearest

if TYPE_CHECKING:
    from eqfree.ensemble import ExecutorLike
    from eqfree.results import Study
    from eqfree.store import Figure

__all__ = ["Context", "Scenario", "ScenarioSettings", "Track", "find_scenarios", "load_scenario", "run"]

_GROUP = "eqfree.scenarios"


S = TypeVar("S", bound=ScenarioSettings)
T = TypeVar("T")


class Track(Protocol):
    """What tells the user how far a loop has come."""

    def __call__(self, items: Iterable[T], label: str, /) -> Iterable[T]:
        """The same items, counted as they are taken."""
        ...


def _in_silence(items: Iterable[T], _: str, /) -> Iterable[T]:
    return items


@dataclass(frozen=True)
class Context:
    """What a run is given besides its settings.

    Attributes
    ----------
    executor
        For the scenario's steppers, as theirs.
    track
        ``for density in context.track(densities, "densities")`` shows progress where somebody watches.
    """

    executor: ExecutorLike = None
    track: Track = _in_silence


@dataclass(frozen=True)
class Scenario(Generic[S]):
    """A question that agents and methods answer together.

    Register one under the entry-point group ``eqfree.scenarios`` and `eqfree run` finds it.

    Attributes
    ----------
    name, summary
        What happens, in a word and in a line.
    settings
        The class of its settings.
    run
        ``run(settings, context) -> Study``: computes. Settings that do not fit together are a ValueError.
    draw
        ``draw(study) -> figures`` by name.
    film
        ``film(study) -> movies`` by name, where there are any: each is written like a figure, to a file of its format.
    """

    name: str
    summary: str
    settings: type[S]
    run: Callable[[S, Context], Study]
    draw: Callable[[Study], Mapping[str, Figure]]
    film: Callable[[Study], Mapping[str, Figure]] | None = None


def run(name: str, /, *, quick: bool = False, executor: ExecutorLike = None, **settings: Any) -> Study:
    """Run a scenario.

    Parameters
    ----------
    name
        Of a registered scenario; ``eqfree list`` lists them.
    quick
        The small version; ``settings`` still win.
    executor
        As of `CoarseTimeStepper`.
    settings
        By name; those of a group as a mapping, ``road={"cars": 60}``, or dotted, ``**{"road.cars": 60}``.

    Raises
    ------
    ValueError
        For an unknown scenario or a setting that it refuses.

    Examples
    --------
    >>> run("weather")
    Traceback (most recent call last):
    ValueError: A scenario must be one of ...
    """
    scenario = load_scenario(name)
    layers = [scenario.settings.quick] if quick else []
    return scenario.run(build_settings(scenario.settings, *layers, settings, scenario=name), Context(executor))


def find_scenarios() -> dict[str, EntryPoint]:
    """The registered scenarios by name, not yet imported.

    >>> all(entry.group == "eqfree.scenarios" for entry in find_scenarios().values())
    True
    """
    return {entry.name: entry for entry in sorted(entry_points(group=_GROUP), key=lambda entry: entry.name)}


def load_scenario(name: str) -> Scenario[Any]:
    """Import a registered scenario.

    Raises
    ------
    ValueError
        If none of that name is registered, what it needs is not installed, or what is registered is broken; says
        what to do.

    Examples
    --------
    >>> load_scenario("weather")
    Traceback (most recent call last):
    ValueError: A scenario must be one of ...
    """
    found = find_scenarios()
    if name not in found:
        raise ValueError(
            f"A scenario must be one of {', '.join(found) or '(none is registered)'}: got {short(name)}. "
            + nearest(name, found, otherwise="`pip install -e .` in a clone registers those that come with it.")
        )
    entry = found[name]
    try:
        scenario = entry.load()
    except ImportError as error:
        raise ValueError(
            f"The scenario {name} is registered but cannot be imported: {error}. Scenarios and their populations "
            "come with the clone, not with the wheel: install the clone, `pip install -e .`."
        ) from error
    except Exception as error:
        raise ValueError(
            f"The scenario {name} is registered as '{entry.value}' but cannot be loaded: {type(error).__name__}: "
            f"{error}. Ask whoever registered it."
        ) from error
    if not isinstance(scenario, Scenario):
        raise ValueError(
            f"The scenario {name} is registered as '{entry.value}', which must be an eqfree.Scenario: got "
            f"{short(scenario)}. Ask whoever registered it."
        )
    return scenario
