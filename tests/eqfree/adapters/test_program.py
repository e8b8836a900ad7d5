"""Any executable is a micro-model: what it is asked, what it may answer, and what happens if it does not."""

from __future__ import annotations

import fcntl
import io
import json
import os
import pickle
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import zipfile
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.random import PCG64, Generator
from numpy.typing import NDArray

import eqfree as ef
from eqfree.adapters.messages import Json, Npz
from eqfree.adapters.orphans import _Watcher
from eqfree.adapters.program import ProgramError, SubprocessMicroModel
from eqfree.ensemble import NotFiniteError

HERE = Path(__file__).parent

# Guests arrive at a rate, each leaves at rate 1: from n of them the mean is arrivals + (n - arrivals) exp(-t).
QUEUE = """
import json, random, sys
ask = json.load(sys.stdin)
arrivals, count, left = ask["parameters"]["arrivals"], ask["state"], ask["duration"]
if count is None:
    count = int(ask["macro"][0] + random.Random(ask["lift_seed"]).random())
draw = random.Random(ask["seed"])
while (wait := draw.expovariate(arrivals + count)) < left:
    left -= wait
    count += 1 if draw.random() * (arrivals + count) < arrivals else -1
print(json.dumps({"macro": [count], "state": count}))
"""
ARRIVALS = 40.0
WIND = 1.5

# Logistic growth to 2 at rate 1, exactly, without noise.
LOGISTIC = """
import json, math, sys
ask = json.load(sys.stdin)
grown = ask["macro"][0] * math.exp(ask["duration"])
print(json.dumps({"macro": [grown / (1 + (grown - ask["macro"][0]) / 2)]}))
"""

# Adds one to each number and keeps a count of the calls; notes what it was asked in the file that it is told.
NOTES = """
import json, sys
ask = json.load(sys.stdin)
with open(sys.argv[1], "a") as file: file.write(json.dumps(ask) + "\\n")
calls = (ask["state"] or {"calls": 0})["calls"] + 1
print(json.dumps({"macro": [part + 1 for part in ask["macro"]], "state": {"calls": calls}}))
"""
STATELESS = "import json, sys; print(json.dumps({'macro': [2 * part for part in json.load(sys.stdin)['macro']]}))"


def python(code: str, *arguments: str) -> list[str]:
    return [sys.executable, "-I", "-S", "-c", code, *arguments]


def generator(seed: int = 0) -> Generator:
    return Generator(PCG64(seed))


def ask(model: SubprocessMicroModel, macro: Any = (1.0, 2.0)) -> NDArray[np.float64]:
    micro = model.lift(np.array(macro, dtype=float), generator(1))
    return model.restrict(model.evolve(micro, 1.0, generator(2)))


def queue() -> SubprocessMicroModel:
    return SubprocessMicroModel(python(QUEUE), {"arrivals": ARRIVALS}, fields=[{"name": "guests", "bounds": (0, 1e6)}])


def compiled(source: Path, program: Path) -> list[str]:
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("there is no C compiler `cc`; the same is tested with a program in Python")
    subprocess.run([compiler, "-O2", "-o", program, source, "-lm"], check=True)
    return [str(program)]


@pytest.fixture(scope="module")
def walkers(tmp_path_factory: pytest.TempPathFactory) -> SubprocessMicroModel:
    place = tmp_path_factory.mktemp("walkers")
    return SubprocessMicroModel(compiled(HERE / "walkers.c", place / "walkers"), {"wind": WIND})


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where temporary files are made, and nothing else."""
    place = tmp_path / "temporary"
    place.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(place))
    return place


def walk(macro: NDArray[np.float64], time: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean and variance of an Ornstein-Uhlenbeck process with unit rate and diffusion."""
    return np.stack([WIND + (macro[0] - WIND) * np.exp(-time), 1 + (macro[1] - 1) * np.exp(-2 * time)], axis=-1)


def test_a_c_program_is_read_along_a_burst_as_the_exact_law_says(walkers: SubprocessMicroModel) -> None:
    macro = np.array([0.5, 2.0])
    burst = ef.CoarseTimeStepper(walkers, replicas=30, executor=2, seed=3).burst(macro, [0.0, 0.3, 1.0])
    exact = walk(macro, burst.times)
    assert burst.mean[0] == pytest.approx(exact[0], abs=1e-12)
    assert (np.abs(burst.mean[1:] - exact[1:]) < 4 * burst.stderr[1:]).all()


@pytest.mark.slow
def test_the_steady_state_of_a_c_program_is_the_exact_one(walkers: SubprocessMicroModel) -> None:
    stepper = ef.CoarseTimeStepper(walkers, replicas=8, executor=2, seed=5)
    steady = ef.find_fixed_point(stepper, [0.5, 2.0], duration=0.5)
    assert steady.success
    assert (np.abs(steady.macro - [WIND, 1.0]) < 4 * steady.stderr).all()
    assert (steady.stderr < 0.05).all()


def test_a_projection_of_a_c_program_follows_the_exact_path(walkers: SubprocessMicroModel) -> None:
    stepper = ef.CoarseTimeStepper(walkers, replicas=16, executor=2, seed=7)
    macro = np.array([0.0, 1.0])
    method = ef.projective.RungeKutta4(step=0.5, burst=0.1)
    path = ef.solve_projective(stepper, (0.0, 1.5), macro, method)
    difference = np.abs(path.macro[1:, 0] - walk(macro, path.times)[1:, 0])
    assert (difference < 4 * path.stderr[1:, 0] + 1e-3).all()  # the scheme's own error, at a fourth order, is less
    assert path.stderr[-1, 0] < 0.1


def check_queue(model: SubprocessMicroModel, replicas: int) -> None:
    burst = ef.CoarseTimeStepper(model, replicas=replicas, executor=2, seed=1).burst([10.4], [0.5, 1.0])
    exact = ARRIVALS + (10.4 - ARRIVALS) * np.exp(-burst.times)
    assert (np.abs(burst.mean[:, 0] - exact) < 4 * burst.stderr[:, 0]).all()
    assert (burst.stderr < 3).all()


def test_a_python_program_is_read_along_a_burst_as_the_exact_law_says() -> None:
    check_queue(queue(), replicas=6)


def test_the_c_program_of_the_page_is_read_along_a_burst_as_the_exact_law_says(tmp_path: Path) -> None:
    block = re.search(r"```c\n(.*?)```", (HERE.parents[2] / "docs" / "your_simulator.md").read_text("utf-8"), re.DOTALL)
    assert block is not None
    source = tmp_path / "guests.c"
    source.write_text(block[1], "utf-8")
    check_queue(SubprocessMicroModel(compiled(source, tmp_path / "guests"), {"arrivals": ARRIVALS}), replicas=40)


def test_the_steady_state_of_a_python_program_is_the_exact_one() -> None:
    model = SubprocessMicroModel(python(LOGISTIC), deterministic=True)
    steady = ef.find_fixed_point(ef.CoarseTimeStepper(model), [1.5], duration=1.0)
    assert steady.success
    assert steady.macro[0] == pytest.approx(2.0, abs=1e-6)


def test_same_key_gives_the_same_bits_on_threads_and_another_key_others() -> None:
    here, there, other = (
        ef.CoarseTimeStepper(queue(), replicas=2, executor=executor)
        .burst([30.4], [0.5, 1.0], key, samples=True)
        .samples
        for executor, key in ((None, (3,)), (2, (3,)), (None, (4,)))
    )
    assert np.array_equal(np.array(here), np.array(there))
    assert not np.array_equal(np.array(here), np.array(other))


@pytest.mark.slow
def test_same_key_gives_the_same_bits_in_other_processes() -> None:
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        here, there = (
            ef.CoarseTimeStepper(queue(), replicas=3, executor=executor).burst([30.4], [0.5, 1.0], samples=True).samples
            for executor in (None, pool)
        )
    assert np.array_equal(np.array(here), np.array(there))


def test_requests_hold_what_the_protocol_says(tmp_path: Path) -> None:
    notes = tmp_path / "notes"
    model = SubprocessMicroModel(python(NOTES, str(notes)), {"rate": np.float64(0.5), "names": ["a"]})
    micro = model.lift(np.array([[1.0, 0.1]])[0], generator(1))
    assert np.array_equal(model.restrict(micro), [1.0, 0.1])
    rng = generator(2)
    for duration in (0.25, 0.5):
        micro = model.evolve(micro, duration, rng)
    first, second = map(json.loads, notes.read_text().splitlines())
    seeds = generator(2).integers(2**63, size=2).tolist()
    assert first == {
        "macro": [1.0, 0.1],
        "shape": [2],
        "duration": 0.25,
        "time": 0.0,
        "seed": seeds[0],
        "lift_seed": int(generator(1).integers(2**63)),
        "state": None,
        "parameters": {"rate": 0.5, "names": ["a"]},
    }
    known = {"macro": [2.0, 1.1], "duration": 0.5, "time": 0.25, "seed": seeds[1], "lift_seed": None}
    assert second == first | known | {"state": {"calls": 1}}
    assert np.array_equal(model.restrict(micro), [3.0, 2.1])


def test_a_program_without_a_state_is_read_at_its_end_and_no_further() -> None:
    stepper = ef.CoarseTimeStepper(SubprocessMicroModel(python(STATELESS), deterministic=True))
    assert np.array_equal(stepper.burst([[1.0], [2.0]][0], [0.0, 1.0]).mean, [[1.0], [2.0]])
    with pytest.raises(ProgramError, match="can be read at 0 and once more unless the program answers a `state`"):
        stepper.burst([1.0], [0.5, 1.0])


def test_populations_pack_into_named_arrays_and_go_on_as_they_were(tmp_path: Path) -> None:
    model = SubprocessMicroModel(python(NOTES, str(tmp_path / "notes")))
    lifted = model.lift(np.array([1.0]), generator(1))
    evolved = model.evolve(lifted, 1.0, generator(2))
    for micro in (lifted, evolved):
        packed = model.pack(micro)
        again = model.unpack(packed)
        assert all(isinstance(array, np.ndarray) and array.dtype.kind in "iuf" for array in packed.values())
        assert all(not np.shares_memory(packed[name], array) for name, array in model.pack(again).items())
        onward = [model.pack(model.evolve(one, 0.5, generator(3))) for one in (micro, again)]
        assert all(np.array_equal(onward[0][name], onward[1][name]) for name in onward[0])
    path = ef.CoarseTimeStepper(model, replicas=1).simulate([1.0], [1.0, 2.0, 3.0])
    assert np.array_equal(path.macro, [[2.0], [3.0], [4.0]])


COUNTS = """
import sys
print("busy")
with open(sys.argv[2], "w") as file: file.write('{"macro": %d}' % open(sys.argv[1]).read().count("macro"))
"""
TO_A_FILE = """
import sys
sys.stdin.read()
with open(sys.argv[1].removeprefix("--out="), "w") as file: file.write('{"macro": 3}')
"""


def test_files_stand_in_for_input_and_output_and_vanish(temporary: Path) -> None:
    assert ask(SubprocessMicroModel(python(COUNTS, "{input}", "{output}")), 7.0) == 1.0
    assert ask(SubprocessMicroModel(python(TO_A_FILE, "--out={output}")), 7.0) == 3.0
    for code in ("raise SystemExit(2)", "import time; time.sleep(30)", "pass", "import os, sys; os.mkdir(sys.argv[1])"):
        with pytest.raises(ProgramError):
            ask(SubprocessMicroModel(python(code, "{output}"), time_limit=0.5))
    assert not list(temporary.iterdir())


NUMPY = """
import sys, numpy as np
ask = np.load(sys.argv[1], allow_pickle=False)
state = ask["state.sum"] if "state.sum" in ask else np.zeros(2, np.uint64)
state += np.array([ask["seed"], ask["parameters.step"]], np.uint64)
macro = np.asfortranarray(ask["macro"] + ask["duration"])
np.savez(sys.argv[2], **{"macro": macro, "state.sum": state, "state.name": "crowd"})
"""


@pytest.mark.slow
def test_npz_carries_arrays_both_ways(temporary: Path) -> None:
    command = [sys.executable, "-c", NUMPY, "{input}", "{output}"]
    model = SubprocessMicroModel(command, {"step": 3}, format="npz")
    macro = np.arange(6.0).reshape(2, 3)
    rng = generator(2)
    micro = model.lift(macro, generator(1))
    for _ in range(2):
        micro = model.evolve(model.unpack(model.pack(micro)), 0.5, rng)
    assert np.array_equal(model.restrict(micro), macro + 1)
    seeds = generator(2).integers(2**63, size=2).astype(np.uint64)
    assert np.array_equal(model.pack(micro)["state.sum"], [seeds.sum(), 6])
    assert model.pack(micro)["state.name"] == "crowd"
    assert not list(temporary.iterdir())


def test_an_empty_state_says_that_the_macro_state_is_all() -> None:
    answer = io.BytesIO()
    np.savez(answer, macro=np.ones(2), state=np.empty(0))
    assert Npz().decode(answer.getvalue(), 1000).state == {}
    assert Npz().decode(npz(macro=np.ones(2)), 1000).state is None
    assert Json().decode(b'{"macro": 1, "state": {}}', 1000).state is not None
    assert Json().decode(b'{"macro": 1, "state": null}', 1000).state is None


def test_a_program_that_talks_before_it_listens_blocks_nobody() -> None:
    code = """
import json, sys
sys.stderr.write("x" * 300000)
sys.stdout.write(" " * 300000)
sys.stdout.flush()
print(json.dumps({"macro": json.load(sys.stdin)["macro"]}))
"""
    macro = np.linspace(0, 1, 20_000)
    assert np.array_equal(ask(SubprocessMicroModel(python(code)), macro), macro)


def test_a_program_need_not_read_what_it_is_sent() -> None:
    code = "import os; os.close(0); print('{\"macro\": [%s]}' % ', '.join('5' * 20000))"
    assert (ask(SubprocessMicroModel(python(code)), np.zeros(20_000)) == 5.0).all()


SAY = "import sys; sys.stdin.read(); sys.stdout.write(sys.argv[1])"
FAULTS = {
    "status": (
        python("import sys; sys.stderr.write('one\\nno such wind\\n'); sys.exit(3)"),
        "exit status 3.*no such wind",
    ),
    "signal": (python("import os; os.kill(os.getpid(), 11)"), "ended by the signal SIGSEGV"),
    "nothing": (python("pass"), "answered nothing"),
    "no JSON": (python(SAY, "speed: 3"), "is no JSON .*speed: 3"),
    "no object": (python(SAY, "[1, 2]"), "is no object with a `macro`: \\[1, 2\\]"),
    "no macro": (python(SAY, '{"makro": [1, 2]}'), "is no object with a `macro`: {'makro'"),
    "text": (python(SAY, '{"macro": ["1", "2"]}'), "no array of numbers"),
    "null": (python(SAY, '{"macro": [1, null]}'), "no array of numbers"),
    "ragged": (python(SAY, '{"macro": [[1, 2], [3]]}'), "no array of numbers"),
    "shape": (python(SAY, '{"macro": [1, 2, 3]}'), r"a `macro` of shape \(3,\) to one of shape \(2,\)"),
    "too much": (python("while True: print('x' * 1000)"), "wrote more than the 2000 bytes allowed"),
    "too slow": (python("import time; print('{}', flush=True); time.sleep(60)"), "time limit of 2 s and was killed"),
    "deep": (python(SAY, "[" * 1900), "is no JSON"),
    "no file": (python("pass", "{output}"), "ended well and wrote no {output} file"),
    "a folder": (python("import os, sys; os.mkdir(sys.argv[1])", "{output}"), "something else than a file"),
    "too large a file": (
        python("import sys; open(sys.argv[1], 'w').write('x' * 3000)", "{output}"),
        "3000 bytes, more than",
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize(("command", "told"), FAULTS.values(), ids=FAULTS.keys())
def test_a_program_that_does_not_answer_is_told_in_one_line(command: list[str], told: str) -> None:
    limit = 2.0 if "sleep" in command[-1] else 60.0
    with pytest.raises(ProgramError, match=told) as caught:
        ask(SubprocessMicroModel(command, time_limit=limit, largest=2000))
    assert "\n" not in str(caught.value)
    assert caught.value.command[0] == command[0]


def test_a_macro_state_that_is_not_finite_is_a_numerical_failure() -> None:
    with pytest.raises(NotFiniteError, match=r"answered a `macro` of \[nan  1.\]"):
        ask(SubprocessMicroModel(python(SAY, '{"macro": [NaN, 1]}')))


def test_an_error_says_how_to_run_the_program_again() -> None:
    stepper = ef.CoarseTimeStepper(
        SubprocessMicroModel(python("import sys; sys.exit(len(sys.stdin.read()) % 200 + 5)"))
    )
    with pytest.raises(ProgramError) as caught:
        stepper([1.0], 0.5)
    with pytest.raises(ProgramError, match=str(caught.value)):
        stepper.replay(caught.value)
    assert str(caught.value) == str(pickle.loads(pickle.dumps(caught.value)))
    note = next(note for note in caught.value.__notes__ if note.startswith("To ask it again: "))
    by_hand = subprocess.run(["sh", "-c", note.removeprefix("To ask it again: ")], check=False)
    assert f"exit status {by_hand.returncode}." in str(caught.value)
    assert json.loads(caught.value.request)["macro"] == [1.0]


@pytest.mark.slow
def test_a_time_limit_ends_whatever_the_program_has_started(tmp_path: Path) -> None:
    code = """
import fcntl, os, signal, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
lock = open(sys.argv[1], "w")
fcntl.flock(lock, fcntl.LOCK_EX)
if os.fork() == 0:
    time.sleep(20)
    open(sys.argv[2], "w")
else:
    print("{}", flush=True)
    time.sleep(20)
"""
    lock, survived = tmp_path / "lock", tmp_path / "survived"
    with pytest.raises(ProgramError, match="was killed"):
        ask(SubprocessMicroModel(python(code, str(lock), str(survived)), time_limit=1.0))
    with lock.open() as file:
        fcntl.flock(file, fcntl.LOCK_EX)  # waits until nobody holds it any more
    assert not survived.exists()


def test_an_interrupt_ends_the_program(tmp_path: Path) -> None:
    code = """
import fcntl, os, signal, sys, time
lock = open(sys.argv[1], "w")
fcntl.flock(lock, fcntl.LOCK_EX)
os.kill(int(sys.argv[3]), signal.SIGUSR1)
time.sleep(20)
open(sys.argv[2], "w")
"""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    lock, survived = tmp_path / "lock", tmp_path / "survived"
    before = signal.signal(signal.SIGUSR1, interrupt)
    try:
        with pytest.raises(KeyboardInterrupt):
            ask(SubprocessMicroModel(python(code, str(lock), str(survived), str(os.getpid()))))
    finally:
        signal.signal(signal.SIGUSR1, before)
    with lock.open() as file:
        fcntl.flock(file, fcntl.LOCK_EX)
    assert not survived.exists()


def test_a_program_ends_with_the_process_that_called_it_however_that_ends(tmp_path: Path) -> None:
    """By SIGKILL, which nothing can be done about in that process; what the program has started ends too."""
    code = """
import fcntl, os, signal, sys, time
lock = open(sys.argv[1], "w")
fcntl.flock(lock, fcntl.LOCK_EX)
caller = os.getppid()
if os.fork() == 0:
    os.kill(caller, signal.SIGKILL)
time.sleep(20)
open(sys.argv[2], "w")
"""
    lock, survived = tmp_path / "lock", tmp_path / "survived"
    caller = """
import sys
from eqfree.adapters.calls import call
call(sys.argv[1:], None, folder=None, time_limit=60.0, largest=100, listen=True)
"""
    command = [sys.executable, "-c", caller, *python(code, str(lock), str(survived))]
    assert subprocess.run(command, check=False, timeout=60).returncode == -signal.SIGKILL
    with lock.open() as file:
        fcntl.flock(file, fcntl.LOCK_EX)
    assert not survived.exists()


def test_programs_end_with_their_caller_even_if_somebody_has_killed_the_shell_that_sees_to_it() -> None:
    watcher = _Watcher()
    watcher.tell("begun", 2**30)
    assert watcher._shell is not None
    os.killpg(watcher._shell.pid, signal.SIGKILL)
    watcher._shell.wait()
    with subprocess.Popen(["sleep", "20"], start_new_session=True) as process:
        watcher.tell("begun", process.pid)
        watcher.close()
        assert process.wait() == -signal.SIGKILL


def test_a_group_that_has_ended_is_left_alone() -> None:
    watcher = _Watcher()
    with subprocess.Popen(["sleep", "20"], start_new_session=True) as process:
        for change, group in (("begun", process.pid), ("begun", 2**30), ("ended", process.pid), ("ended", 2**29)):
            watcher.tell(change, group)
        watcher.close()
        assert process.poll() is None
        process.kill()


@pytest.mark.slow
def test_a_program_that_has_ended_is_not_waited_for_where_others_hold_its_output() -> None:
    command = ["sh", "-c", "sleep 20 & echo '{\"macro\": [3, 4]}'"]
    assert np.array_equal(ask(SubprocessMicroModel(command, time_limit=15.0)), [3.0, 4.0])


def test_commands_that_cannot_be_run_are_refused_at_once(tmp_path: Path) -> None:
    plain = tmp_path / "plain.txt"
    plain.write_text("no program")
    for command, told in {
        "./walkers --wind 3": r"no shell takes it apart: .* Write command=\['./walkers', '--wind', '3'\]",
        ("no-such-walkers",): "'no-such-walkers' is not there",
        (str(plain),): "plain.txt' is not executable",
        (sys.executable, 3): "Turn numbers into text",
        (): "the program and its arguments: got",
        None: "the program and its arguments: got None",
        3: "the program and its arguments: got 3",
    }.items():
        with pytest.raises(ValueError, match=told):
            SubprocessMicroModel(command)  # type: ignore[arg-type]
    plain.chmod(0o755)
    plain.write_bytes(b"\x00\x01")
    with pytest.raises(ProgramError, match=r"`plain.txt` could not be started: Exec format error"):
        ask(SubprocessMicroModel([str(plain)]))


@pytest.mark.parametrize(
    ("option", "told"),
    [
        ({"format": "xml"}, "`format` must be 'json' or 'npz': got 'xml'"),
        ({"format": ["json"]}, r"`format` must be 'json' or 'npz': got \['json'\]"),
        ({"time_limit": 0}, "`time_limit` must be a positive number of seconds: got 0"),
        ({"time_limit": "60"}, "`time_limit` must be a positive number of seconds: got '60'"),
        ({"time_limit": True}, "`time_limit` must be a positive number of seconds: got True"),
        ({"largest": 0.5}, "`largest` must be a positive number of bytes: got 0.5"),
        ({"folder": "nowhere"}, "`folder` must be one that is there: got 'nowhere'"),
        ({"folder": 3}, "`folder` must be one that is there: got 3"),
        ({"fields": 3}, "`fields` must be a sequence of fields, or of mappings of their arguments: got 3"),
        ({"fields": [3]}, "`fields` must be a sequence of fields"),
        ({"parameters": {"a": float("nan")}}, "`parameters` must be names and values that json can hold: got .*nan"),
        ({"parameters": {"a": object()}}, "`parameters` must be names and values that json can hold"),
        ({"parameters": {"a": {}}, "format": "npz"}, "`parameters` must be names and values that npz can hold"),
        ({"parameters": 3}, "`parameters` must be names and values"),
    ],
)
def test_options_that_make_no_sense_are_refused(option: dict[str, Any], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        SubprocessMicroModel([sys.executable], **option)


def test_a_program_runs_where_it_is_told_wherever_the_caller_goes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path)
    model = SubprocessMicroModel(
        python("import os; print('{\"macro\": %d}' % os.getcwd().endswith('here'))"), folder="here"
    )
    monkeypatch.chdir("/")
    assert ask(model, 0.0) == 1.0


def npz(**arrays: Any) -> bytes:
    content = io.BytesIO()
    np.savez(content, **arrays)
    return content.getvalue()


def claimed(shape: tuple[int, ...]) -> bytes:
    """An npz whose array says that it is larger than it is."""
    member = io.BytesIO()
    np.lib.format.write_array_header_1_0(member, {"descr": "<f8", "fortran_order": False, "shape": shape})
    return archive(member.getvalue() + bytes(16))


def archive(member: bytes) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr("macro.npy", member)
    return content.getvalue()


HOSTILE = {
    "is no npz": b"speed: 3",
    "is no npz .*begins with": npz(macro=np.ones(3))[:-30],
    "has no array `macro`": npz(makro=np.ones(3)),
    "where only numbers and characters are read": npz(macro=np.array([{}], dtype=object)),
    "is not as long as its shape": claimed((10**12,)),
    "is not as long as its shape .*9999": claimed((9999999999, 9999999999)),
    "claims to hold 1000000 bytes of arrays, more than the 1000": archive(bytes(10**6)),
    "whose header cannot be read": archive(b"\x93NUMPX" + bytes(100)),
}


@pytest.mark.parametrize(("told", "content"), HOSTILE.items(), ids=HOSTILE.keys())
def test_an_npz_that_is_not_what_it_says_is_refused_before_it_is_read(told: str, content: bytes) -> None:
    with pytest.raises(ValueError, match=told):
        Npz().decode(content, 1000)


@pytest.mark.parametrize("form", [Json(), Npz()], ids=["json", "npz"])
def test_damaged_answers_are_answers_or_are_refused(form: Any) -> None:
    whole = {
        Json: b'{"macro": [1.5, -2e3], "state": {"x": [1, 2], "name": "caf\\u00e9"}}',
        Npz: npz(macro=np.ones((2, 2)), **{"state.x": np.arange(4)}),
    }[type(form)]
    rng = generator(9)
    refused = 0
    for _ in range(300):
        damaged = np.frombuffer(whole, np.uint8).copy()
        damaged[rng.integers(len(damaged), size=rng.integers(1, 4))] = rng.integers(256)
        try:
            assert form.decode(damaged[: rng.integers(len(damaged) // 2, len(damaged) + 1)].tobytes(), 10**5)
        except ValueError:
            refused += 1
    assert 0 < refused <= 300
