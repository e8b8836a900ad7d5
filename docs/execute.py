"""Runs the code of a page of the documentation: `python docs/execute.py docs/PAGE.md` prints each block's output."""

from __future__ import annotations

import io
import re
import sys
from collections.abc import Iterator
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

__all__ = ["blocks", "execute"]

_BLOCK = re.compile(r"```python\n(.*?)```(?:\n\n```text\n(.*?)```)?", re.DOTALL)


def blocks(page: str) -> list[tuple[str, str]]:
    """Code and what the page says that it prints, nothing where it says nothing.

    >>> blocks("```python\\nprint(1)\\n```\\n\\n```text\\n1\\n```")
    [('print(1)\\n', '1\\n')]
    """
    return _BLOCK.findall(page)


def execute(page: str, name: str) -> Iterator[tuple[str, str]]:
    """What each block prints, and what the page says, one after the other in one namespace.

    >>> list(execute("```python\\nprint(1)\\n```", "a page"))
    [('1\\n', '')]
    """
    namespace: dict[str, Any] = {"__name__": name}
    for code, said in blocks(page):
        printed = io.StringIO()
        with redirect_stdout(printed):
            exec(compile(code, name, "exec"), namespace)
        yield printed.getvalue(), said


if __name__ == "__main__":
    for path in map(Path, sys.argv[1:]):
        for printed, _ in execute(path.read_text("utf-8"), str(path)):
            sys.stdout.write(printed + "\n")
