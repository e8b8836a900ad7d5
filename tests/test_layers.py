"""The arrows of the design hold: who imports whom, and what `import eqfree` costs."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_the_contracts_of_import_linter_hold() -> None:
    linter = Path(sys.executable).with_name("lint-imports")
    process = subprocess.run([linter, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert process.returncode == 0, process.stdout + process.stderr


def test_importing_eqfree_is_light() -> None:
    script = (
        "import sys, eqfree\n"
        "heavy = {'numba', 'scipy', 'pandas', 'xarray', 'matplotlib', 'pydantic', 'typer', 'rich'}\n"
        "print(*sorted(heavy & set(sys.modules)))"
    )
    process = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert process.stdout == "\n"
