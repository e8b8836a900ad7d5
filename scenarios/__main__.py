"""Run every registered scenario in its quick form: ``python -m scenarios``."""

import sys
from tempfile import TemporaryDirectory

from eqfree.cli import main
from eqfree.scenario import find_scenarios

if __name__ == "__main__":
    with TemporaryDirectory() as folder:
        sys.exit(
            max(
                (main(["run", name, "--quick", "--out", f"{folder}/{name}"]) for name in find_scenarios()),
                default=0,
            )
        )
