"""Run every registered scenario in its quick form, two at a time: ``python -m scenarios``."""

import os
import sys
from concurrent.futures import ProcessPoolExecutor
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from multiprocessing import get_context
from tempfile import TemporaryDirectory

from eqfree.cli import main
from eqfree.scenario import find_scenarios


def run_quickly(name: str) -> tuple[int, str]:
    """Run one of them: its exit status, and all that it says."""
    said = StringIO()
    with TemporaryDirectory() as folder, redirect_stdout(said), redirect_stderr(said):
        status = main(["run", name, "--quick", "--out", f"{folder}/{name}"])
    return status, said.getvalue()


if __name__ == "__main__":
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # threads that wait must not spin: the other needs the core
    worst = 0
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        for status, said in pool.map(run_quickly, find_scenarios()):
            print(said, end="", flush=True)
            worst = max(worst, status)
    sys.exit(worst)
