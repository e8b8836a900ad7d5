"""What tells one question from another."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import numpy as np

__all__ = ["mark_of"]


def mark_of(*parts: Any) -> bytes:
    """Sixteen bytes that tell one question from another: of numbers, texts, arrays and sequences or mappings of them.

    >>> mark_of("burst", 1) == mark_of("burst", 2)
    False
    """
    digest = hashlib.blake2b(digest_size=16)
    _feed(digest, parts)
    return digest.digest()


def _feed(digest: Any, part: Any) -> None:
    if isinstance(part, np.ndarray) and part.dtype.kind in "biufcUSMm":
        digest.update(f"{part.dtype.str}{part.shape}".encode())
        digest.update(np.ascontiguousarray(part).reshape(-1).view(np.uint8).data)
    elif isinstance(part, Mapping):
        _feed(digest, [*part.items()])
    elif isinstance(part, (list, tuple)):
        digest.update(f"({len(part)}".encode())
        for one in part:
            _feed(digest, one)
    elif isinstance(part, bytes):
        digest.update(b"%d:%b" % (len(part), part))
    elif isinstance(part, (int, float, str)):
        digest.update(f"{type(part).__name__}:{part!r};".encode())
    else:  # a population that is no arrays: by its kind alone
        digest.update(type(part).__qualname__.encode())
