import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd
import pytest

import analysis
from analysis import style


def picture(_: int) -> bytes:
    table = pd.DataFrame({"density": [10.0, 20.0, 30.0], "growth_rate": [-0.01, 0.0, 0.01]})
    content = BytesIO()
    analysis.draw_growth(table, [20.0]).savefig(content, format="png", metadata={"Software": None})
    return content.getvalue()


def test_drawing_leaves_no_global_figure_behind() -> None:
    picture(0)
    assert plt.get_fignums() == []


@pytest.mark.slow
def test_threads_draw_the_same_picture() -> None:
    alone = picture(0)
    with ThreadPoolExecutor(2) as pool:
        assert all(drawn == alone for drawn in pool.map(picture, range(4)))


def test_importing_is_cheap_until_something_is_drawn() -> None:
    code = "import sys, analysis; sys.exit(any(name in sys.modules for name in ('matplotlib', 'seaborn', 'pandas')))"
    assert subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parents[2], check=False).returncode == 0


def test_every_public_name_can_be_imported() -> None:
    assert all(callable(getattr(analysis, name)) for name in dir(analysis))


def test_shades_are_distinct_and_grow_lighter() -> None:
    lightness = [sum(int(shade[i : i + 2], 16) for i in (1, 3, 5)) for shade in style.shades(5)]
    assert lightness == sorted(set(lightness))
