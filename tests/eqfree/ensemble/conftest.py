"""Processes for all tests of this folder: starting them costs more than the tests."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from multiprocessing import get_context

import pytest


@pytest.fixture(scope="package")
def processes() -> Iterator[Executor]:
    """An executor as users bring it; forked where eqfree is imported already."""
    context = get_context("forkserver")
    context.set_forkserver_preload(["eqfree.ensemble.workers"])
    with ProcessPoolExecutor(2, mp_context=context) as pool:
        yield pool
