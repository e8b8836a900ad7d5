"""Files as a disk, a careless hand or somebody hostile damages them: seeded, so that each can be made again."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from random import Random

__all__ = ["mutate"]

_LONGEST = 200_000  # bytes; what is longer is a matter of size, not of content

_WORDS = (
    *("nan", "-nan", "inf", "-inf", "NaN", "Infinity", "1e999", "-1e999", "-1", "0", "-0.0", "1e-320", "1e308"),
    *("9" * 25, "9" * 5000, "0x" + "f" * 6000, "-" + "9" * 30, "1" + "0" * 400, "1_000_000_000", "1e9", "4e18"),
    *("[" * 4, "[" * 3000, "{a=" * 1500, "]" * 4, "{", "}", "=", ".", ",", ",,,,", '"', '"""', "'", "#", "\\", "\r"),
    *("\n", "\n\n\n", "\t", "\0", "\x1b[31m", "\u202e", "\ufeff", "é", "∅", "true", "null", "{}", "[]", '""', '"x"'),
    *("a." * 400 + "a=1\n", "[100000,100000,100000]", "[[1]]", "x" * 5000, "x, " * 2000, "../../../", "\U0001f600"),
    *("__import__('os')", "!!python/object", "1 eV", "1e99 eV", "0 K", "1/0", "unit time = s\n", "99X + ", "<->"),
    *("veh/0s", "-5,-5\n", "1,2,3,4,5,6,7,8\n", "2020-01-01", "1979-05-27T07:32:00", '"\\ud800"', "{" * 900),
)
_TOKENS = (*(word.encode() for word in _WORDS), b"\xff\xfe", b"\xc3", b"\x80" * 3, b"\x00" * 64)

_NUMBER = re.compile(rb"\d+(?:\.\d*)?(?:[eE][+-]?\d+)?")

_Mutation = Callable[[Random, bytes, Sequence[bytes]], bytes]


def _span(rng: Random, content: bytes) -> tuple[int, int]:
    start = rng.randrange(len(content) + 1)
    return start, min(len(content), start + int(rng.expovariate(1 / 40)) + 1)


def _flip(rng: Random, content: bytes, _: Sequence[bytes]) -> bytes:
    flipped = bytearray(content)
    for _bit in range(rng.choice((1, 1, 2, 8))):
        if flipped:
            flipped[rng.randrange(len(flipped))] ^= 1 << rng.randrange(8)
    return bytes(flipped)


def _cut(rng: Random, content: bytes, _: Sequence[bytes]) -> bytes:
    return content[: rng.randrange(len(content) + 1)]


def _delete(rng: Random, content: bytes, _: Sequence[bytes]) -> bytes:
    start, end = _span(rng, content)
    return content[:start] + content[end:]


def _repeat(rng: Random, content: bytes, _: Sequence[bytes]) -> bytes:
    start, end = _span(rng, content)
    return content[:start] + content[start:end] * rng.choice((2, 2, 3, 50, 1000)) + content[end:]


def _insert(rng: Random, content: bytes, _: Sequence[bytes]) -> bytes:
    place = rng.randrange(len(content) + 1)
    return content[:place] + rng.choice(_TOKENS) + content[place:]


def _renumber(rng: Random, content: bytes, _: Sequence[bytes]) -> bytes:
    numbers = list(_NUMBER.finditer(content))
    if not numbers:
        return content
    chosen = rng.choice(numbers)
    return content[: chosen.start()] + rng.choice(_TOKENS) + content[chosen.end() :]


def _move(rng: Random, content: bytes, _: Sequence[bytes]) -> bytes:
    start, end = _span(rng, content)
    rest = content[:start] + content[end:]
    place = rng.randrange(len(rest) + 1)
    return rest[:place] + content[start:end] + rest[place:]


def _swap_lines(rng: Random, content: bytes, _: Sequence[bytes]) -> bytes:
    lines = content.split(b"\n")
    one, other = rng.randrange(len(lines)), rng.randrange(len(lines))
    lines[one], lines[other] = lines[other], lines[one]
    return b"\n".join(lines)


def _splice(rng: Random, content: bytes, others: Sequence[bytes]) -> bytes:
    other = rng.choice(others)
    start, end = rng.randrange(len(other) + 1), rng.randrange(len(other) + 1)
    place = rng.randrange(len(content) + 1)
    return content[:place] + other[min(start, end) : max(start, end)] + content[place:]


_MUTATIONS: tuple[_Mutation, ...] = (
    *(_flip, _cut, _delete, _repeat, _insert, _insert, _renumber, _renumber, _renumber, _move, _swap_lines, _splice),
)


def mutate(rng: Random, content: bytes, others: Sequence[bytes]) -> bytes:
    """A damaged copy: one to four of bits flipped, ends cut, spans deleted, repeated or moved, tokens, splices.

    >>> mutate(Random(1), b"seed = 1", [b"other"]) == mutate(Random(1), b"seed = 1", [b"other"])
    True
    """
    for _ in range(rng.choice((1, 1, 1, 2, 2, 3, 4))):
        content = rng.choice(_MUTATIONS)(rng, content, others)[:_LONGEST]
    return content
