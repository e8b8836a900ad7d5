"""The queue before a bottleneck: how long it is, and the cumulative curves that it lies between."""

from __future__ import annotations

from typing import TYPE_CHECKING

from analysis import style

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

__all__ = ["draw_queue"]


def draw_queue(queue: pd.DataFrame) -> Figure:
    """Length of the queue over time, and cumulative counts at the bottleneck, by a law and by the counts.

    Cumulative curves are drawn oblique, less what passes in the mean over the table: what waits is the distance from
    arrivals down to departures, and would hardly be seen between curves of thousands.

    M. J. Cassidy and J. R. Windover, Transp. Res. Rec. 1484 (1995) 73 (oblique counts).

    Parameters
    ----------
    queue
        Columns time (s), queue and queue_by_counts (m), arrivals_by_counts, departures and departures_by_counts (1).

    Examples
    --------
    >>> import pandas as pd
    >>> table = pd.DataFrame({"time": [0.0, 60.0], "arrivals_by_counts": [0.0, 40.0]})
    >>> table = table.assign(queue=0.0, queue_by_counts=0.0, departures=[0, 30], departures_by_counts=[0, 30])
    >>> [axes.get_xlabel() for axes in draw_queue(table).axes]
    ['time (min)', 'time (min)']
    """
    made = style.figure(style.PAGE, 3.0)
    lengths, curves = made.subplots(1, 2)
    minutes, arrivals = queue["time"] / 60, queue["arrivals_by_counts"]
    in_the_mean = (arrivals.iloc[-1] - arrivals.iloc[0]) / (minutes.iloc[-1] - minutes.iloc[0])
    usual = in_the_mean * (minutes - minutes.iloc[0])
    law = {"color": style.MAIN, "linewidth": style.LINE, "label": "conservation law"}
    counts = {"color": style.SECOND, "linewidth": style.LINE, "linestyle": (0, (4, 2)), "label": "cumulative counts"}

    lengths.plot(minutes, queue["queue"] / 1000, **law)
    lengths.plot(minutes, queue["queue_by_counts"] / 1000, **counts)
    lengths.set_ylim(bottom=0)
    style.finish(lengths, "time (min)", "length of the queue (km)")

    curves.plot(minutes, queue["departures"] - usual, **law)
    curves.plot(minutes, queue["departures_by_counts"] - usual, **counts)
    curves.plot(
        minutes, arrivals - usual, color=style.DEMPHASISED, linewidth=style.LINE, label="arrivals, had nobody to wait"
    )
    style.finish(curves, "time (min)", f"vehicles past the bottleneck,\nless {60 * in_the_mean:.4g} an hour")
    style.legend_below(made, curves)
    return made
