"""Files that anybody may have written are read whole, or refused with a reason; populations have the same rules."""

from pathlib import Path
from types import ModuleType

import pytest

import agents.documents
import eqfree.documents

BOTH = pytest.mark.parametrize("documents", [eqfree.documents, agents.documents], ids=["eqfree", "agents"])


@BOTH
def test_a_text_of_just_the_largest_size_is_read(documents: ModuleType, tmp_path: Path) -> None:
    path = tmp_path / "one.txt"
    path.write_bytes("\ufeffzwölf".encode())
    assert documents.read_text(path, 9) == "zwölf"
    with pytest.raises(ValueError, match="it has 9 bytes, where 8 are the most"):
        documents.read_text(path, 8)


@BOTH
def test_a_file_that_does_not_tell_its_size_is_not_read_further(documents: ModuleType) -> None:
    path = Path("/proc/self/status")
    if not path.is_file():
        pytest.skip("this system has no such files")
    with pytest.raises(ValueError, match="it has more than 10 bytes"):
        documents.read_text(path, 10)


@BOTH
@pytest.mark.parametrize(
    ("content", "reason"), [(b"\xff", "no text in UTF-8"), (b"a\0b", "a character 0")], ids=["UTF-8", "zero"]
)
def test_what_is_no_text_is_refused(documents: ModuleType, content: bytes, reason: str, tmp_path: Path) -> None:
    (tmp_path / "one.txt").write_bytes(content)
    with pytest.raises(ValueError, match=reason):
        documents.read_text(tmp_path / "one.txt", 10)


@BOTH
@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("a." * 100 + "a = 1", "more than 64 dots"),
        ("a = " + "[" * 5000, "too deep"),
        ("a = " + "x" * 5000, "Invalid value"),
    ],
    ids=["dots", "lists", "nothing"],
)
def test_toml_that_would_take_all_memory_is_refused(documents: ModuleType, text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason) as error:
        documents.parse_toml(text)
    assert len(str(error.value)) <= 200


@BOTH
def test_numbers_in_long_rows_are_no_dots_of_a_key(documents: ModuleType) -> None:
    rows = [[0.5, 0.25]] * 100
    assert documents.parse_toml(f"positions = {rows}") == {"positions": rows}
