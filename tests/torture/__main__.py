"""All of it, with full counts: ``python -m tests.torture``."""

import sys

from tests.torture import files, kills

if __name__ == "__main__":
    sys.exit(max(files.main(["--count", "10000"]), kills.main(["--count", "50"])))
