"""What a Mesa model holds: put back to what it was when it was built, and compared with another."""

from __future__ import annotations

import inspect
import random
from collections import deque
from collections.abc import Iterator, Mapping
from enum import Enum
from functools import cached_property
from itertools import zip_longest
from types import BuiltinFunctionType, FunctionType, ModuleType
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary, WeakSet, ref

import numpy as np

if TYPE_CHECKING:
    from mesa import Model

__all__ = ["Built", "first_difference"]

_PLAIN = (bool, int, float, complex, str, bytes, type(None), Enum, np.generic)
_NAMED = (type, FunctionType, BuiltinFunctionType, ModuleType)
_RECORDS = ("model_vars", "tables", "_agent_records", "_agenttype_records")


class Built:
    """A model as it was built: its plain attributes and what its data collector had recorded are remembered."""

    def __init__(self, model: Model, next_id: int) -> None:
        self.model, self.next_id = model, next_id
        self._holders = [
            vars(one) for one in (model, getattr(model, "datacollector", None)) if hasattr(one, "__dict__")
        ]
        self._names = [set(held) for held in self._holders]
        self._plain = [
            {name: value for name, value in held.items() if isinstance(value, _PLAIN)} for held in self._holders
        ]
        self._records = {name: _copied(records) for name, records in self._collected()}

    def restore(self) -> None:
        """Put them back, in place."""
        for held, names, plain in zip(self._holders, self._names, self._plain, strict=True):
            for name in set(held) - names:
                del held[name]
            held.update(plain)
        for name, records in self._collected():
            records.clear()
            records.update(_copied(self._records[name]))

    def _collected(self) -> list[tuple[str, dict[Any, Any]]]:
        collector = getattr(self.model, "datacollector", None)
        return [(name, getattr(collector, name)) for name in _RECORDS if hasattr(collector, name)]


def _copied(records: Mapping[Any, Any]) -> dict[Any, Any]:
    return {
        key: _copied(value) if isinstance(value, dict) else list(value) if isinstance(value, list) else value
        for key, value in records.items()
    }


def first_difference(one: Any, other: Any) -> str | None:
    """Where two objects begin to differ in what they hold, down to the last attribute; None where they do not.

    What `functools.cached_property` remembers, and the order of a set's members, are no difference.

    >>> first_difference({"wealth": [1, 2]}, {"wealth": [1, 3]})
    "model['wealth'][1]"
    """
    for (path, held), (other_path, other_held) in zip_longest(_walk(one), _walk(other), fillvalue=("", "")):
        if path != other_path or held != other_held:
            return path or other_path
    return None


def _walk(root: Any) -> Iterator[tuple[str, str]]:
    """Paths and what is there, without recursion; an object that was met before is told by its number."""
    met: dict[int, int] = {}
    kept = []  # so that no two objects have one id
    ahead = [("model", root)]
    while ahead:
        path, here = ahead.pop()
        if isinstance(here, _PLAIN):
            yield path, repr(here)
        elif isinstance(here, _NAMED):
            yield path, here.__name__
        elif id(here) in met:
            yield path, f"object {met[id(here)]}"
        else:
            met[id(here)] = len(met)
            kept.append(here)
            told, inside = _inside(here)
            yield path, f"{type(here).__name__} {told}"
            ahead += [(path + name, value) for name, value in reversed(inside)]


def _inside(here: Any) -> tuple[str, list[tuple[str, Any]]]:
    """What an object is by itself, and what it holds, by name."""
    if isinstance(here, random.Random):
        return str(here.getstate()), []
    if isinstance(here, np.random.Generator):
        return str(here.bit_generator.state), []
    if isinstance(here, np.ndarray):
        return f"{here.dtype} {here.shape}", [("", here.tolist())] if here.dtype.hasobject else [("", here.tobytes())]
    if isinstance(here, set | frozenset | WeakSet):
        return str(len(here)), [("", sorted(repr(one) for one in here if isinstance(one, _PLAIN)))]
    if isinstance(here, WeakKeyDictionary):
        return str(len(here)), _items(dict(here.items()))
    if isinstance(here, ref):
        return "", [("()", here())]
    if inspect.ismethod(here):
        return here.__func__.__name__, [(".__self__", here.__self__)]
    holds: list[tuple[str, Any]] = []
    if isinstance(here, Mapping):
        holds = _items(here)
    elif isinstance(here, list | tuple | deque):
        holds = [(f"[{place}]", value) for place, value in enumerate(here)]
    return str(len(holds)), holds + _attributes(here)


def _items(here: Mapping[Any, Any]) -> list[tuple[str, Any]]:
    inside: list[tuple[str, Any]] = []
    for place, (key, value) in enumerate(here.items()):
        if isinstance(key, _PLAIN) or (isinstance(key, tuple) and all(isinstance(part, _PLAIN) for part in key)):
            inside.append((f"[{key!r}]", value))
        else:
            inside += [(f".keys()[{place}]", key), (f".values()[{place}]", value)]
    return inside


def _attributes(here: Any) -> list[tuple[str, Any]]:
    kinds = type(here).__mro__
    remembered = {name for kind in kinds for name, value in vars(kind).items() if isinstance(value, cached_property)}
    slots = [name for kind in kinds for name in _slots(kind) if name not in ("__dict__", "__weakref__")]
    held = {name: getattr(here, name) for name in slots if hasattr(here, name)} | getattr(here, "__dict__", {})
    return [(f".{name}", value) for name, value in held.items() if name not in remembered]


def _slots(kind: type) -> tuple[str, ...]:
    slots = vars(kind).get("__slots__", ())
    return (slots,) if isinstance(slots, str) else tuple(slots)
