"""Run every registered scenario in its quick form, two at a time: ``python -m scenarios``."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory

from eqfree.scenario import find_scenarios


def run_quickly(name: str) -> "subprocess.CompletedProcess[str]":
    """Run one of them as its users do; its messages are with what it prints."""
    eqfree = Path(sys.executable).with_name("eqfree")
    with TemporaryDirectory() as folder:
        return subprocess.run(
            [eqfree, "run", name, "--quick", "--out", f"{folder}/{name}"],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )


if __name__ == "__main__":
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # threads that wait must not spin: the other needs the core
    worst = 0
    with ThreadPoolExecutor(2) as pool:
        for run in pool.map(run_quickly, find_scenarios()):
            print(run.stdout, end="", flush=True)
            worst = max(worst, run.returncode if run.returncode >= 0 else 1)
    sys.exit(worst)
