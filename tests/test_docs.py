"""The pages of the documentation run, and print what they say."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from docs.execute import execute

PAGES = sorted((Path(__file__).parents[1] / "docs").glob("*.md"))
NEEDS = re.compile(r"<!-- needs: (\w+) -->")  # what `make setup` does not install


def test_there_are_pages() -> None:
    assert PAGES


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_prints_what_it_says(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = page.read_text("utf-8")
    for module in NEEDS.findall(text):
        pytest.importorskip(module, reason=f"the page needs {module}, which is not installed")
    monkeypatch.chdir(tmp_path)
    ran = list(execute(text, page.name))
    assert [printed for printed, _ in ran] == [said for _, said in ran]
    assert any(printed for printed, _ in ran)
