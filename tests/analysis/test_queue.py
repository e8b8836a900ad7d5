"""The queue over time: what is drawn is what the table holds, both ways."""

from __future__ import annotations

import numpy as np
import pandas as pd

from analysis import draw_queue


def queue() -> pd.DataFrame:
    time = np.linspace(0.0, 7200.0, 13)
    table = pd.DataFrame({"time": time, "arrivals_by_counts": 0.3 * time + 50 * np.sin(np.pi * time / 7200)})
    table["queue"] = 1000 * np.sin(np.pi * time / 7200)
    table["queue_by_counts"] = table["queue"] + 20.0
    table["departures"] = 0.3 * time
    table["departures_by_counts"] = 0.3 * time + 1.0
    return table


def test_lengths_are_drawn_both_ways() -> None:
    lengths, _ = draw_queue(queue()).axes
    law, counts = lengths.get_lines()
    np.testing.assert_array_equal(law.get_xdata(), queue()["time"] / 60)
    np.testing.assert_array_equal(law.get_ydata(), queue()["queue"] / 1000)
    np.testing.assert_array_equal(counts.get_ydata(), queue()["queue_by_counts"] / 1000)
    assert (law.get_label(), counts.get_label()) == ("conservation law", "cumulative counts")


def test_cumulative_curves_are_less_the_mean_and_as_far_apart_as_many_wait() -> None:
    _, curves = draw_queue(queue()).axes
    law, counts, arrivals = (np.asarray(line.get_ydata()) for line in curves.get_lines())
    np.testing.assert_allclose(law, np.zeros(13), atol=1e-9)
    np.testing.assert_allclose(counts, np.ones(13))
    np.testing.assert_allclose(arrivals - law, 50 * np.sin(np.pi * queue()["time"] / 7200), atol=1e-9)
    assert "less 1080 an hour" in curves.get_ylabel()


def test_a_table_that_begins_later_is_less_the_same_mean() -> None:
    _, curves = draw_queue(queue().iloc[6:]).axes
    arrivals = np.asarray(curves.get_lines()[2].get_ydata())
    assert arrivals[-1] - arrivals[0] == 0
