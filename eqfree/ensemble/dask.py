"""Dask: a cluster of one's own on this machine, or a scheduler elsewhere."""

from __future__ import annotations

import atexit
import logging
import os
import re
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from threading import Lock
from time import perf_counter
from typing import Any, ClassVar
from weakref import WeakKeyDictionary

from eqfree.ensemble.pools import Backend
from eqfree.ensemble.workers import keep_blob

__all__ = ["Dask", "check_address", "close"]

_ADDRESS = re.compile(r"(tcp|tls)://.+:\d+")
_PATIENCE = 10.0  # seconds that a scheduler may take to answer


def check_address(address: str) -> None:
    """Refuse what is neither "dask" nor the address of a scheduler, and either where Dask is missing.

    Raises
    ------
    ValueError
        With what to give, or what to install.

    Examples
    --------
    >>> check_address("dusk")
    Traceback (most recent call last):
    ...
    ValueError: `executor` must be 'dask' or the address of a Dask scheduler, as 'tcp://host:8786': got 'dusk'.
    """
    if address != "dask" and not _ADDRESS.fullmatch(address):
        raise ValueError(
            f"`executor` must be 'dask' or the address of a Dask scheduler, as 'tcp://host:8786': got {address!r}."
        )
    if find_spec("distributed") is None:
        raise ValueError('Dask is not installed. Install it with `pip install "eqfree[dask]"`.')


@dataclass(frozen=True, eq=False)
class Dask(Backend):
    """The workers of a Dask scheduler."""

    address: str = "dask"

    probes_first: ClassVar[bool] = True
    dies_together: ClassVar[bool] = False

    @property
    def _client(self) -> Any:
        return _connect(self.address)

    @property
    def overhead(self) -> float:  # type: ignore[override]
        """Seconds of a worker that a chunk costs, measured on this scheduler once."""
        return _overhead(self._client)

    @property
    def shares_files(self) -> bool:
        """Those of a cluster on this machine."""
        return self.address == "dask"

    @property
    def workers(self) -> int:
        """The threads of all workers that are there now."""
        return _threads(self._client)

    @property
    def known(self) -> set[str]:
        """The programs that this scheduler's workers were given."""
        return _known.setdefault(self._client, set())

    def submit(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """A future. By default Dask would merge tasks with equal arguments."""
        return self._client.submit(function, *arguments, pure=False, retries=0)

    def spread(self, digest: str, blob: bytes) -> bool:
        """Give each worker the program once; whoever joins later says that it does not know it."""
        self._client.run(keep_blob, digest, blob, on_error="ignore")
        return True

    def deaths(self, error: BaseException) -> int:
        """As many as the scheduler allowed before it gave up."""
        from distributed import KilledWorker

        return error.allowed_failures + 1 if isinstance(error, KilledWorker) else 0

    def renew(self) -> bool:
        """The nanny of a worker does."""
        return True

    def cancel(self, futures: Sequence[Any]) -> None:
        """Take back what has not begun."""
        if futures:
            self._client.cancel(list(futures))


_known: WeakKeyDictionary[Any, set[str]] = WeakKeyDictionary()
_overheads: WeakKeyDictionary[Any, float] = WeakKeyDictionary()
_lock = Lock()
_clients: dict[tuple[str, int], tuple[Any, Any]] = {}  # client and cluster, by address and by process


def _connect(address: str) -> Any:
    with _lock:
        client, _ = _clients.get((address, os.getpid()), (None, None))
        if client is None or client.status in ("closed", "closing"):
            client, cluster = _start() if address == "dask" else (_client(address), None)
            _clients[address, os.getpid()] = client, cluster
            _close_at_exit()
    return client


def _client(address: Any) -> Any:
    try:
        return import_module("distributed").Client(address, set_as_default=False, timeout=_PATIENCE)
    except Exception as error:  # of whatever kind: addresses are read in many places there
        raise ValueError(
            f"`executor` must be the address of a Dask scheduler that answers: got {address!r}, and {error}. "
            "Start one with `dask scheduler`."
        ) from error


def _start() -> tuple[Any, Any]:
    """A cluster on loopback, a worker a core. A death is reported at once: whom to blame is decided here.

    By default Dask closes the nanny of a worker that is not there 15 s after it died, also where it has been made anew
    and has died again: the cluster would end up without workers, and its tasks would wait for ever.
    """
    import_module("dask").config.set({"distributed.deploy.lost-worker-timeout": "1000d"})
    cluster = import_module("distributed").LocalCluster(
        n_workers=_cores(),
        threads_per_worker=1,
        processes=True,
        host="127.0.0.1",
        dashboard_address="127.0.0.1:0",
        scheduler_kwargs={"allowed_failures": 0},
        silence_logs=logging.CRITICAL,  # what dies is told of by an error, once
    )
    dashboard = (
        f"dashboard at {cluster.dashboard_link}" if find_spec("bokeh") else "no dashboard: bokeh is not installed"
    )
    print(f"eqfree: Dask on {_cores()} workers, {dashboard}", file=sys.stderr)
    return _client(cluster), cluster


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _threads(client: Any) -> int:
    threads: dict[str, int] = client.nthreads()
    return max(sum(threads.values()), 1)


def _overhead(client: Any) -> float:
    """Seconds a worker and empty task, once connections are there; the least of a few, as others are at work too."""
    if client not in _overheads:
        workers, rounds = _threads(client), []
        for each in (1, 4, 4, 4):
            began = perf_counter()
            client.gather(client.map(_nothing, range(each * workers), pure=False))
            rounds.append((perf_counter() - began) / each)
        _overheads[client] = min(rounds[1:])
    return _overheads[client]


def _nothing(number: int) -> int:
    return number


def close() -> None:
    """Close the clients and clusters that this process opened; the next burst opens new ones.

    >>> close()
    """
    for name in [name for name in _clients if name[1] == os.getpid()]:
        client, cluster = _clients.pop(name)
        client.close()
        if cluster is not None:
            cluster.close()


@cache
def _close_at_exit() -> None:
    atexit.register(close)
