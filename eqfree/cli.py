"""The command line: `eqfree list | run | resume | show`.

Exit status: 0; 1 a check failed; 2 bad input; 3 a numerical failure; 130 and 143 interrupted.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias, TypeVar

import typer

# Everything else is imported where it is used: `eqfree --help` answers at once.
if TYPE_CHECKING:
    from rich.console import Console

    from eqfree.ensemble import ExecutorLike
    from eqfree.results import Check, Cost, Study
    from eqfree.running import Run
    from eqfree.scenario import Scenario, Track

__all__ = ["main"]

CHECK_FAILED, BAD_INPUT, NUMERICAL_FAILURE = 1, 2, 3

T = TypeVar("T")

_Workers: TypeAlias = Annotated[
    str | None,
    typer.Option(
        metavar="N|dask|ADDRESS",
        help="Where replicas run: so many threads or processes, a local Dask cluster, or one at tcp://HOST:PORT; "
        "default this thread.",
    ),
]
_TimeLimit: TypeAlias = Annotated[
    float | None,
    typer.Option(metavar="SECONDS", help="For one burst, in processes, before it is tried again; default none."),
]
_Interval: TypeAlias = Annotated[float, typer.Option(metavar="SECONDS", help="Between checkpoints.")]

app = typer.Typer(
    help="Equation-free computation for agent-based models.",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


class _Interrupted(BaseException):
    """A signal that asks the program to end."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.status = 128 + number
        self.kept = "nothing was left half-written."


def main(args: Sequence[str] | None = None) -> int:
    """Run the command line; the exit status.

    Parameters
    ----------
    args
        Without the program's name; None takes ``sys.argv``, and an interruption then ends the process.

    Examples
    --------
    >>> main(["show", "nowhere"])
    2
    """
    try:
        with _interruptible():
            status = app(args=args, prog_name="eqfree", standalone_mode=False)
    except _Interrupted as interruption:
        _say(f"Interrupted: {interruption.kept}", interruption.status)
        if args is None:
            _abandon_workers(interruption.status)
        return interruption.status
    except typer.TyperException as error:
        return _say(f"{error.format_message()} `eqfree --help` and `eqfree COMMAND --help` list the usage.", BAD_INPUT)
    except (ValueError, OSError, ArithmeticError, RuntimeError) as error:
        kept = getattr(error, "eqfree_kept", "")
        if not _is_numerical(error):
            return _say(f"{error}{kept}", BAD_INPUT)
        notes = getattr(error, "__notes__", [])
        return _say(" ".join([f"Numerical failure: {error}", *notes]) + kept, NUMERICAL_FAILURE)
    except MemoryError as error:
        return _say(f"The settings must describe something that fits into memory: {error}. Make it smaller.", BAD_INPUT)
    return int(status or 0)


@app.command("list")
def list_() -> None:
    """List the scenarios."""
    from rich.table import Table

    from eqfree.scenario import find_scenarios, load_scenario

    table = Table("scenario", "what happens", box=None, padding=(0, 2, 0, 0))
    for name in find_scenarios():
        try:
            table.add_row(name, load_scenario(name).summary)
        except ValueError as error:
            table.add_row(name, str(error))
    if not table.rows:
        raise ValueError("No scenario is registered. `pip install -e .` in a clone registers those that come with it.")
    _console().print(table)


@app.command(add_help_option=False)
def run(
    context: typer.Context,
    name: Annotated[
        str | None, typer.Argument(metavar="NAME", help="One of `eqfree list`.", show_default=False)
    ] = None,
    assignments: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="One setting, such as seed=1; may be given again."),
    ] = None,
    config: Annotated[Path | None, typer.Option(metavar="FILE.toml", help="Settings from a TOML file.")] = None,
    quick: Annotated[bool, typer.Option("--quick", help="The small version.")] = False,
    out: Annotated[Path | None, typer.Option(metavar="DIR", help="Where to; default results/NAME.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print the study as JSON and nothing else.")] = False,
    workers: _Workers = None,
    time_limit: _TimeLimit = None,
    interval: _Interval = 30.0,
    fresh: Annotated[bool, typer.Option("--fresh", help="Give up an interrupted run that DIR keeps.")] = False,
    movie: Annotated[
        str | None, typer.Option(metavar="FORMAT", help="Movies too, where the scenario has any: gif or mp4.")
    ] = None,
    usage: Annotated[bool, typer.Option("--help", help="Show this and, with NAME, its settings.")] = False,
) -> int:
    """Run a scenario and keep its result in a folder."""
    from eqfree.running import begin_run
    from eqfree.scenario import load_scenario
    from eqfree.settings import build_settings, parse_assignment, read_config

    if usage:
        typer.echo(context.get_help())
    if name is None:
        if usage:
            return 0
        raise ValueError("`eqfree run NAME` needs the name of a scenario: got none. `eqfree list` lists them.")
    scenario = load_scenario(name)
    if usage:
        _print_settings(scenario)
        return 0
    settings = build_settings(
        scenario.settings,
        scenario.settings.quick if quick else {},
        read_config(config) if config else {},
        *(parse_assignment(text, scenario.settings) for text in assignments or ()),
        scenario=name,
    )
    _check_movie(movie, scenario)
    executor = _executor(workers, time_limit)
    folder = out or Path("results", name)
    begun = begin_run(folder, scenario, settings, movie=movie, interval=interval, fresh=fresh)
    return _complete(begun, executor, json)


@app.command()
def resume(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Where `eqfree run` was interrupted.")],
    json: Annotated[bool, typer.Option("--json", help="Print the study as JSON and nothing else.")] = False,
    workers: _Workers = None,
    time_limit: _TimeLimit = None,
    interval: _Interval = 30.0,
) -> int:
    """Go on with a run that was interrupted, to the same bits as if it had not been."""
    from eqfree.running import resume_run

    executor = _executor(workers, time_limit)
    resumed = resume_run(folder, interval=interval, tell=lambda sentence: _say(sentence, 0))
    return _complete(resumed, executor, json)


@app.command()
def show(folder: Annotated[Path, typer.Argument(metavar="DIR", help="Where `eqfree run` wrote.")]) -> int:
    """Print a stored run again."""
    from eqfree.store import load_study

    study = load_study(folder)
    _print_study(study)
    return _status(study)


def _complete(begun: Run, executor: ExecutorLike, json: bool) -> int:
    from eqfree.scenario import Context

    try:
        with _progress() as track:
            study, files = begun.complete(Context(executor, track))
    except _Interrupted as interruption:
        if begun.is_kept:
            interruption.kept = f"what was computed is kept. {_goes_on(begun)}"
        raise
    except Exception as error:
        if begun.is_kept:
            vars(error)["eqfree_kept"] = f" What was computed is kept: {_goes_on(begun)}"
        raise
    if json:
        _print_json(study)
    else:
        _print_study(study)
        _console().print(f"Written to {begun.folder}: {', '.join(files)}")
    return _status(study)


def _goes_on(begun: Run) -> str:
    return f"`eqfree resume {begun.folder}` goes on."


# --- reading ---------------------------------------------------------------------------------------------------------


def _executor(workers: str | None, time_limit: float | None) -> ExecutorLike:
    """What the words of the command line mean."""
    where: int | str | None = workers
    if workers is not None and workers != "dask" and "://" not in workers:
        if not workers.isdecimal() or int(workers) < 1:
            raise ValueError(
                "`--workers` must be a number from 1 on, `dask`, or a scheduler's address such as "
                f"tcp://127.0.0.1:8786: got {workers!r}."
            )
        where = int(workers)
    if time_limit is None:
        return where
    from eqfree.ensemble import Pool

    return Pool(where or os.cpu_count() or 1, time_limit)


def _check_movie(movie: str | None, scenario: Scenario[Any]) -> None:
    """Refuse a movie that cannot be made, before anything is computed."""
    import shutil

    if movie is None:
        return
    if movie not in ("gif", "mp4"):
        raise ValueError(f"`--movie` must be gif or mp4: got {movie!r}.")
    if scenario.film is None:
        raise ValueError(f"`--movie` is for scenarios that have one: {scenario.name} has none. Leave it out.")
    if movie == "mp4" and shutil.which("ffmpeg") is None:
        raise ValueError("`--movie mp4` needs the program ffmpeg, which is not installed. Install it, or take gif.")


# --- printing --------------------------------------------------------------------------------------------------------


def _say(message: str, status: int) -> int:
    line = "".join(character for character in " ".join(message.split()) if character.isprintable())
    print(f"eqfree: {line}", file=sys.stderr)
    return status


def _console() -> Console:
    from rich.console import Console

    # A pipe or a file has no edge at which a table should be folded.
    width = None if sys.stdout.isatty() else 10_000
    return Console(width=width, markup=False, emoji=False, highlight=False)


def _print_json(study: Study) -> None:
    import json

    print(json.dumps(study.to_json(), indent=2, allow_nan=False))


def _status(study: Study) -> int:
    if study.failures:
        return NUMERICAL_FAILURE
    return 0 if study.ok else CHECK_FAILED


def _print_study(study: Study) -> None:
    console = _console()
    _print_table(
        console,
        "",
        ["value", "this run", "±", "unit"],
        [[name, f"{value.value:.7g}", _error(value.stderr), _unit(value.unit)] for name, value in study.values.items()],
    )
    if study.checks:
        _print_table(
            console,
            "This run beside the exact or published value",
            ["quantity", "this run", "±", "relation", "expected", "tolerance", "unit", "source", "ok"],
            [_check_row(check) for check in study.checks],
        )
    for failure in study.failures:
        console.print(f"Failed: {failure}", soft_wrap=True, markup=False, highlight=False)
    for note in study.notes:
        console.print(f"Note: {note}")
    console.print(_cost(study.cost))


def _check_row(check: Check) -> list[str]:
    from eqfree.results import Relation

    return [
        check.quantity,
        f"{check.measured:.7g}",
        _error(check.stderr),
        check.relation.value,
        f"{check.expected:.7g}",
        f"{check.tolerance:.3g}" + (" standard errors" if check.relation is Relation.COVERS else ""),
        _unit(check.unit),
        check.source,
        "yes" if check.ok else "NO",
    ]


def _error(stderr: float) -> str:
    return f"{stderr:.2g}" if stderr else ""


def _unit(unit: str) -> str:
    return "" if unit == "1" else unit


def _cost(cost: Cost) -> str:
    parts = [f"{cost.wall:.1f} s"]
    if cost.bursts:
        parts.append(f"{cost.bursts} bursts over {cost.micro_time:.4g} of micro time")
    if cost.agent_updates:
        parts.append(f"{cost.agent_updates:.3g} agent updates")
    return "Cost: " + ", ".join(parts)


def _print_settings(scenario: Scenario[Any]) -> None:
    import json

    from eqfree.settings import list_settings

    quick = scenario.settings.quick
    _print_table(
        _console(),
        f"Settings of {scenario.name}: {scenario.summary}",
        ["setting", "type", "default", "--quick", "meaning and unit"],
        [
            [
                setting.name,
                setting.expected,
                json.dumps(setting.default, ensure_ascii=False) if setting.default is not None else "",
                json.dumps(quick[setting.name], ensure_ascii=False) if setting.name in quick else "",
                setting.meaning,
            ]
            for setting in list_settings(scenario.settings)
        ],
    )


def _print_table(console: Console, title: str, columns: list[str], rows: list[list[str]]) -> None:
    from rich import box
    from rich.table import Table

    if title:
        console.print(f"\n{title}")
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for column in columns:
        table.add_column(column, overflow="fold", min_width=len(column))
    for row in rows:
        table.add_row(*row)
    console.print(table)


def _is_numerical(error: Exception) -> bool:
    from numpy.linalg import LinAlgError  # a ValueError to Python

    return isinstance(error, (ArithmeticError, RuntimeError, LinAlgError))


# --- while it runs ---------------------------------------------------------------------------------------------------


@contextmanager
def _interruptible() -> Iterator[None]:
    """SIGINT and SIGTERM raise `_Interrupted`, once: whoever insists gets Python's own way."""
    if threading.current_thread() is not threading.main_thread():  # signals arrive elsewhere
        yield
        return
    numbers = (signal.SIGINT, signal.SIGTERM)
    former = {number: signal.getsignal(number) for number in numbers}

    def restore() -> None:
        for number, handler in former.items():
            signal.signal(number, handler)

    def interrupt(number: int, _: FrameType | None) -> None:
        restore()
        raise _Interrupted(number)

    def insist(swallowed: Any) -> None:
        """A signal that arrives in a finaliser cannot be raised from there: it comes once more, a moment later."""
        if not isinstance(swallowed.exc_value, _Interrupted):
            hook(swallowed)
            return
        listen()
        again = threading.Timer(0.05, os.kill, (os.getpid(), swallowed.exc_value.status - 128))
        again.daemon = True
        again.start()

    def listen() -> None:
        for number in numbers:
            if former[number] is not signal.SIG_IGN:
                signal.signal(number, interrupt)

    hook, sys.unraisablehook = sys.unraisablehook, insist
    listen()
    try:
        yield
    finally:
        restore()
        sys.unraisablehook = hook


def _abandon_workers(status: int) -> None:
    """End what is still being computed: it would be waited for at exit, and nothing of it is going to be written."""
    import multiprocessing

    for child in multiprocessing.active_children():
        child.terminate()
    if any(thread.name.startswith("eqfree") for thread in threading.enumerate()):  # these cannot be ended alone
        with suppress(OSError):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(status)


@contextmanager
def _progress() -> Iterator[Track]:
    """Bars on a terminal's standard error, once the run has taken two seconds."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    bars = Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=Console(stderr=True),
        transient=True,
        redirect_stdout=False,
    )

    def track(items: Iterable[T], label: str, /) -> Iterable[T]:
        task = bars.add_task(label, total=len(items) if isinstance(items, Sequence) else None)
        try:
            for item in items:
                yield item
                bars.advance(task)
        finally:
            bars.remove_task(task)

    patience = threading.Timer(2.0, bars.start)
    patience.daemon = True
    if bars.console.is_terminal:
        patience.start()
    try:
        yield track
    finally:
        patience.cancel()
        if patience.is_alive():
            patience.join()
        if bars.live.is_started:
            bars.stop()
