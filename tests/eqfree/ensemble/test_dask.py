"""Dask: one cluster on this machine for all of these tests."""

from __future__ import annotations

import io
import multiprocessing
import os
import pickle
import re
import time
from collections.abc import Iterator
from contextlib import redirect_stderr
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.random import Generator
from numpy.typing import NDArray

import eqfree as ef
from eqfree.ensemble import Pool, WorkerDiedError
from eqfree.ensemble import dask as own
from tests.eqfree.ensemble.mortal import KEY, REPLICAS, guilty, hang, kill, mortal, samples
from tests.eqfree.models import OrnsteinUhlenbeck

Array = NDArray[np.float64]
distributed = pytest.importorskip("distributed", reason="dask is not installed")


@pytest.fixture(scope="module")
def said() -> Iterator[str]:
    """What is printed when the cluster starts; it is closed after the last test, and nothing of it is left."""
    before = set(multiprocessing.active_children())
    model, told = OrnsteinUhlenbeck(), io.StringIO()
    with redirect_stderr(told):
        for _ in range(2):
            assert samples(model, "dask") == samples(model, None)
    yield told.getvalue()
    own.close()
    assert set(multiprocessing.active_children()) <= before


cluster = pytest.mark.usefixtures("said")


@pytest.mark.slow
def test_the_address_of_the_dashboard_is_printed_once(said: str) -> None:
    (line,) = said.splitlines()
    assert line.startswith("eqfree: Dask on ")
    assert "dashboard at http://127.0.0.1:" in line or "no dashboard: bokeh is not installed" in line


@pytest.mark.slow
@cluster
def test_after_the_death_of_a_worker_all_results_are_there_bit_for_bit(tmp_path: Path) -> None:
    model = mortal(kill, once=tmp_path / "died")
    assert samples(model, "dask") == samples(model, None)
    assert (tmp_path / "died").exists()


@pytest.mark.slow
@cluster
def test_a_burst_that_ends_its_worker_each_time_is_named_and_can_be_replayed() -> None:
    stepper = ef.CoarseTimeStepper(mortal(kill), replicas=REPLICAS, executor=Pool("dask", tries=2))
    with pytest.raises(WorkerDiedError, match="the worker died of it, 2 times") as caught:
        stepper.burst([1.0], [1.0], KEY)
    assert f"This was replica {guilty(KEY)[0]} with key={KEY}, seed=0" in caught.value.__notes__[0]
    assert stepper.replay(caught.value).path.shape == (1, 1)


@pytest.mark.slow
@cluster
def test_a_burst_that_hangs_ends_at_its_time_limit() -> None:
    stepper = ef.CoarseTimeStepper(mortal(hang), replicas=REPLICAS, executor=Pool("dask", time_limit=1.0, tries=1))
    with pytest.raises(WorkerDiedError, match="its time limit of 1 s: it did not") as caught:
        stepper.burst([1.0], [1.0], KEY)
    assert " in hang\n" in caught.value.__notes__[0]
    assert f"replica {guilty(KEY)[0]} with key={KEY}" in caught.value.__notes__[1]


@pytest.mark.slow
@cluster
def test_an_error_of_the_user_is_raised_and_never_tried_again(tmp_path: Path) -> None:
    calls = tmp_path / "calls"

    def evolve(micro: Array, duration: float, rng: Generator) -> Array:
        with calls.open("a") as file:
            file.write("x")
        raise ZeroDivisionError("of the user")

    model = ef.micro_model(lambda macro, rng: macro, evolve, lambda micro: micro)
    with pytest.raises(ZeroDivisionError, match="of the user") as caught:
        ef.CoarseTimeStepper(model, replicas=1, executor=Pool("dask", tries=5))([1.0], 1.0)
    assert calls.read_text() == "x"
    assert "This was replica 0 with key=(), seed=0" in caught.value.__notes__[0]


@pytest.mark.slow
@cluster
def test_the_model_travels_to_no_worker_twice(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    table, folder = np.arange(100_000.0), tmp_path

    class Arrives:
        """Notes each time that it is opened, and where."""

        def __setstate__(self, state: dict[str, Any]) -> None:
            (folder / f"{os.getpid()} {time.monotonic_ns()}").touch()

        def __getstate__(self) -> dict[str, Any]:
            return {"table": table}

    arrives = Arrives()

    def evolve(micro: Array, duration: float, rng: Generator) -> Array:
        time.sleep(0.002 if arrives else 0.0)
        return micro + rng.normal(size=1)

    sizes: list[int] = []
    submit = distributed.Client.submit

    def weigh(self: Any, function: Any, work: Any, **options: Any) -> Any:
        sizes.append(len(pickle.dumps(work)))
        return submit(self, function, work, **options)

    monkeypatch.setattr(distributed.Client, "submit", weigh)
    model = ef.micro_model(lambda macro, rng: macro, evolve, lambda micro: micro)
    stepper = ef.CoarseTimeStepper(model, replicas=60, executor="dask")
    for key in range(3):
        stepper([1.0], 1.0, (key,))
    assert len(pickle.dumps(table)) > 800_000
    assert max(sizes) < 20_000
    opened = [path.name.split()[0] for path in tmp_path.iterdir()]
    assert len(opened) == len(set(opened)) > 0  # not all are there yet, where one has just been made anew


@pytest.mark.slow
@cluster
def test_a_closure_inside_a_model_runs_where_it_is() -> None:
    inner = OrnsteinUhlenbeck()

    def evolve(micro: Array, duration: float, rng: Generator) -> Array:
        return ef.CoarseTimeStepper(inner, replicas=2, executor=2)(micro, duration)

    outer = ef.micro_model(lambda macro, rng: macro, evolve, lambda micro: micro)
    assert samples(outer, "dask") == samples(outer, None)


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:9", "tcp://[::1:8786", "tls://127.0.0.1:9"])
def test_an_address_where_nobody_answers_is_refused(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also one that Dask cannot read, and one that needs certificates that nobody gave."""
    monkeypatch.setattr(own, "_PATIENCE", 0.2)
    stepper = ef.CoarseTimeStepper(OrnsteinUhlenbeck(), executor=address)
    with pytest.raises(ValueError, match=f"a Dask scheduler that answers: got '{re.escape(address)}', and "):
        stepper([1.0], 1.0)


@pytest.mark.parametrize("address", ["tcp://", "tcp://127.0.0.1:x", "tcp://127.0.0.1", "tcp://:", "http://host:8786"])
def test_an_address_without_host_and_port_is_refused_before_anything_runs(address: str) -> None:
    with pytest.raises(ValueError, match=f"as 'tcp://host:8786': got '{address}'"):
        ef.CoarseTimeStepper(OrnsteinUhlenbeck(), executor=address)


def test_without_dask_one_line_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(own, "find_spec", lambda name: None)
    with pytest.raises(ValueError, match=r'^Dask is not installed\. Install it with `pip install "eqfree\[dask\]"`\.$'):
        ef.CoarseTimeStepper(OrnsteinUhlenbeck(), executor="dask")
