"""The motorway by the heterogeneous multiscale method: a conservation law whose flow its drivers answer."""

from __future__ import annotations

from eqfree.scenario import Context
from scenarios.part import Part, join
from scenarios.traffic.equal import run_equal
from scenarios.traffic.mixed import run_mixed
from scenarios.traffic.settings import Settings
from scenarios.traffic.unstable import run_unstable

__all__ = ["run_motorway"]


def run_motorway(settings: Settings, context: Context) -> Part:
    """A jam and a Riemann step on a ring road, advanced by a conservation law, beside every car.

    Equal drivers, for whom density says all; a fleet with trucks, whose share is carried along and whose order is
    chance; and equal drivers among whom waves grow, whom no law can follow.

    Parameters
    ----------
    settings
        ``motorway`` says which road.
    context
        Shows progress.

    Raises
    ------
    ValueError
        If the cells do not divide the ring.
    """
    settings.motorway.edges()
    return join(run(settings, context) for run in (run_equal, run_mixed, run_unstable))
