"""Random keys and their streams, replicas, and the executors that they run on."""

from eqfree.ensemble.dispatch import Arrived, Workers, as_executor
from eqfree.ensemble.failure import WorkerDiedError
from eqfree.ensemble.keys import Key, check_key, generator, streams
from eqfree.ensemble.pools import ExecutorLike, Pool
from eqfree.ensemble.program import NotFiniteError, Program, check_reading
from eqfree.ensemble.tasks import AdvanceOutcome, AdvanceTask, BurstOutcome, BurstTask, LiftTask, Task

__all__ = [
    "AdvanceOutcome",
    "AdvanceTask",
    "Arrived",
    "BurstOutcome",
    "BurstTask",
    "ExecutorLike",
    "Key",
    "LiftTask",
    "NotFiniteError",
    "Pool",
    "Program",
    "Task",
    "WorkerDiedError",
    "Workers",
    "as_executor",
    "check_key",
    "check_reading",
    "generator",
    "streams",
]
