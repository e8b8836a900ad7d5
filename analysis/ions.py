"""Ions that hop: conductivity over temperature, correlation, the ions in their lattice, polarisation, screening."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from analysis import style
from analysis.tables import check_table

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["draw_arrhenius", "draw_correlation", "draw_ions", "draw_polarisation", "draw_screening"]

_ERRORS = 1.96  # standard errors to either side that hold 95 % of a normal distribution
_LOOKS = ((style.SECOND, "s"), (style.HIGHLIGHT, "D"), (style.INK, "^"), (style.MEASURED, "v"))
_SPECIES = (style.MAIN, style.HIGHLIGHT, style.SECOND, style.INK)
_VACANT = "vacant"
_BAR = 0.24  # height of a material in the picture of a screening (inches)


def draw_arrhenius(points: pd.DataFrame, fit: pd.DataFrame, measured: pd.DataFrame | None = None) -> Figure:
    """Conductivity times temperature over the inverse temperature: a straight line where Arrhenius' law holds.

    Parameters
    ----------
    points
        What was simulated, a row a temperature: columns temperature (K), conductivity and stderr (S/m). Bars hold 95 %,
        1.96 standard errors to either side.
    fit
        The fitted line and the interval of its mean: columns temperature (K), conductivity, low and high (S/m).
    measured
        Published values: columns name, temperature (K) and conductivity (S/m).

    Raises
    ------
    ValueError
        If points or fit have no row, or a table lacks a column.

    Examples
    --------
    >>> import pandas as pd
    >>> points = pd.DataFrame({"temperature": [300.0, 350.0], "conductivity": [0.01, 0.06], "stderr": [1e-4, 5e-4]})
    >>> fit = points[["temperature", "conductivity"]].assign(low=[0.009, 0.05], high=[0.011, 0.07])
    >>> draw_arrhenius(points, fit).axes[0].get_xlabel()
    '1000 / temperature (1/K)'
    """
    place = ["temperature", "conductivity"]
    check_table(points, "points", [*place, "stderr"], finite=place)
    check_table(fit, "fit", [*place, "low", "high"], finite=place)
    made = style.figure(0.6 * style.PAGE, 3.6)
    axes = made.subplots()
    style.finish(axes, "1000 / temperature (1/K)", "conductivity × temperature (S K/m)")
    axes.set_yscale("log")
    line = fit.sort_values("temperature")
    inverse, kelvin = 1000 / line["temperature"], line["temperature"]
    axes.fill_between(inverse, line["low"] * kelvin, line["high"] * kelvin, color=style.MAIN, alpha=0.2, linewidth=0)
    axes.plot(inverse, line["conductivity"] * kelvin, color=style.MAIN, linewidth=style.LINE, label="fit, 95 %")
    kelvin = points["temperature"]
    axes.errorbar(
        1000 / kelvin,
        points["conductivity"] * kelvin,
        yerr=_ERRORS * points["stderr"] * kelvin,
        **_marks(style.MAIN, "o"),
        label="simulated ions",
    )
    if measured is not None and len(measured):
        check_table(measured, "measured", ["name", *place], finite=place)
        for number, (name, rows) in enumerate(measured.groupby("name", sort=False)):
            colour, marker = _LOOKS[number % len(_LOOKS)]
            kelvin = rows["temperature"]
            look = _marks(colour, marker)
            axes.errorbar(1000 / kelvin, rows["conductivity"] * kelvin, **look, label=str(name), zorder=4)
    above = axes.secondary_xaxis("top", functions=(_thousandth, _thousandth))
    above.set_xlabel("temperature (K)", fontsize=style.TEXT, color=style.INK)
    above.tick_params(labelsize=style.SMALL, colors=style.INK, width=style.THIN, length=3)
    style.legend_below(made, axes, columns=2)
    return made


def draw_correlation(points: pd.DataFrame, curves: pd.DataFrame) -> Figure:
    """The correlation factor of tracers over the share of sites that are occupied.

    Parameters
    ----------
    points
        What was simulated: columns concentration, factor, stderr.
    curves
        What theory says: columns name, concentration, factor.

    Raises
    ------
    ValueError
        If a table has no row or lacks a column.

    Examples
    --------
    >>> import pandas as pd
    >>> points = pd.DataFrame({"concentration": [0.2, 0.8], "factor": [0.94, 0.74], "stderr": [0.002, 0.001]})
    >>> curves = points[["concentration", "factor"]].assign(name="theory")
    >>> draw_correlation(points, curves).axes[0].get_ylabel()
    'tracer correlation factor (1)'
    """
    place = ["concentration", "factor"]
    check_table(points, "points", [*place, "stderr"], finite=place)
    check_table(curves, "curves", ["name", *place], finite=place)
    made = style.figure(style.COLUMN, 3.0)
    axes = made.subplots()
    style.finish(axes, "occupied share of the sites (1)", "tracer correlation factor (1)")
    for number, (name, rows) in enumerate(curves.groupby("name", sort=False)):
        colour = (style.DEMPHASISED, style.INK, *style.shades(3))[number % 5]
        axes.plot(rows["concentration"], rows["factor"], color=colour, linewidth=style.LINE, label=str(name))
    look = _marks(style.MAIN, "o")
    axes.errorbar(
        points["concentration"], points["factor"], yerr=_ERRORS * points["stderr"], **look, label="simulated ions"
    )
    axes.set_xlim(0, 1)
    style.legend_below(made, axes, columns=2)
    return made


def draw_ions(sites: pd.DataFrame, bonds: pd.DataFrame | None = None) -> Figure:
    """Ions on the sites of their lattice, in a plane or in space; what is vacant is open.

    Parameters
    ----------
    sites
        A row a site: columns x, y (and z, in space; nm) and ion, the name of what is there, ``"vacant"`` where
        nothing is.
    bonds
        The hops that are drawn, a row a hop: columns x, y (and z), to_x, to_y (and to_z; nm).

    Raises
    ------
    ValueError
        If a table lacks a column, there is no site, or a place is not finite.

    Examples
    --------
    >>> import pandas as pd
    >>> sites = pd.DataFrame({"x": [0.0, 0.3], "y": [0.0, 0.0], "ion": ["ions", "vacant"]})
    >>> draw_ions(sites).axes[0].get_xlabel()
    'x (nm)'
    """
    axes_of_space = ["x", "y", "z"] if "z" in sites else ["x", "y"]
    check_table(sites, "sites", [*axes_of_space, "ion"], finite=axes_of_space)
    made = style.figure(style.COLUMN + 0.3, style.COLUMN + 0.3)
    axes: Any = made.add_subplot(projection="3d" if len(axes_of_space) == 3 else None)
    axes.set_aspect("equal")
    for axis in axes_of_space:
        getattr(axes, f"set_{axis}label")(f"{axis} (nm)", fontsize=style.TEXT, color=style.INK)
    axes.tick_params(labelsize=style.SMALL, colors=style.INK)
    if bonds is not None and len(bonds):
        ends = [f"to_{axis}" for axis in axes_of_space]
        check_table(bonds, "bonds", [*axes_of_space, *ends], finite=[*axes_of_space, *ends])
        gap = np.full(len(bonds), np.nan)  # one broken line is drawn far faster than many
        paths = [np.column_stack([bonds[a], bonds[b], gap]).ravel() for a, b in zip(axes_of_space, ends, strict=True)]
        axes.plot(*paths, color=style.DEMPHASISED, linewidth=0.5 * style.THIN, alpha=0.5, zorder=1)
    names = [name for name in dict.fromkeys(sites["ion"]) if name != _VACANT]
    size = float(np.clip(2500 / len(sites), 3, 60))
    for number, name in enumerate([*names, _VACANT]):
        rows = sites[sites["ion"] == name]
        if not len(rows):
            continue
        places = [rows[axis] for axis in axes_of_space]
        if name == _VACANT:
            axes.scatter(*places, s=size, facecolors="none", edgecolors=style.DEMPHASISED, linewidths=0.5, label=name)
        else:
            colour = _SPECIES[number % len(_SPECIES)]
            axes.scatter(*places, s=size, color=colour, edgecolors="white", linewidths=0.3, label=str(name), zorder=2)
    style.legend_below(made, axes, columns=3)
    return made


def draw_polarisation(profiles: pd.DataFrame, exact: pd.DataFrame) -> Figure:
    """How ions pile up before an electrode that blocks them, beside the exact profile.

    Parameters
    ----------
    profiles
        Columns way (how it was had), x (nm), share and stderr (occupied share of the sites, 1). Bars hold 95 %.
    exact
        Columns x (nm), share.

    Raises
    ------
    ValueError
        If a table has no row or lacks a column.

    Examples
    --------
    >>> import pandas as pd
    >>> exact = pd.DataFrame({"x": [0.0, 1.0], "share": [0.1, 0.4]})
    >>> draw_polarisation(exact.assign(way="projection", stderr=0.01), exact).axes[0].get_xlabel()
    'distance from the electrode (nm)'
    """
    check_table(profiles, "profiles", ["way", "x", "share", "stderr"], finite=["x", "share"])
    check_table(exact, "exact", ["x", "share"], finite=["x", "share"])
    made = style.figure(0.6 * style.PAGE, 3.2)
    axes = made.subplots()
    style.finish(axes, "distance from the electrode (nm)", "occupied share of the sites (1)")
    axes.plot(exact["x"], exact["share"], color=style.INK, linewidth=style.LINE, label="exact, steady", zorder=3)
    looks = ((style.MAIN, "o"), *_LOOKS)
    for number, (way, rows) in enumerate(profiles.groupby("way", sort=False)):
        colour, marker = looks[number % len(looks)]
        look = _marks(colour, marker)
        axes.errorbar(rows["x"], rows["share"], yerr=_ERRORS * rows["stderr"], **look, label=str(way))
    axes.set_ylim(bottom=0)
    style.legend_below(made, axes, columns=3)
    return made


def draw_screening(table: pd.DataFrame) -> Figure:
    """Materials sorted by their conductivity, the best above, with what was measured of each.

    Parameters
    ----------
    table
        A row a material: columns material, conductivity, stderr (S/m), activation_energy (eV), and measured (S/m; NaN
        where nothing is known). Bars hold 95 %.

    Raises
    ------
    ValueError
        If there is no row, a column lacks, or a conductivity is not a number above 0.

    Examples
    --------
    >>> import pandas as pd
    >>> row = {"material": "a", "conductivity": 0.1, "stderr": 0.01, "activation_energy": 0.3, "measured": 0.2}
    >>> draw_screening(pd.DataFrame([row])).axes[0].get_xlabel()
    'conductivity (S/m)'
    """
    columns = ["material", "conductivity", "stderr", "activation_energy", "measured"]
    check_table(table, "table", columns, finite=["conductivity"])
    if not (table["conductivity"] > 0).all():
        raise ValueError(
            f"`table` must have conductivities above 0: got {table['conductivity'].min():g}. Leave out what does not "
            "conduct."
        )
    rows = table.sort_values("conductivity").reset_index(drop=True)
    made = style.figure(0.7 * style.PAGE, 1.2 + _BAR * len(rows))
    axes = made.subplots()
    style.finish(axes, "conductivity (S/m)", "")
    axes.set_xscale("log")
    known = np.concatenate([rows["conductivity"], rows["measured"].dropna()])
    left = 10.0 ** (np.floor(np.log10(known.min())) - 1)  # a bar on a log axis needs a foot
    places = np.arange(len(rows))
    axes.barh(places, rows["conductivity"] - left, left=left, height=0.6, color=style.MAIN, alpha=0.85, zorder=1)
    below = np.minimum(_ERRORS * rows["stderr"], 0.999 * rows["conductivity"])  # a log axis has no 0
    axes.errorbar(
        rows["conductivity"],
        places,
        xerr=[below, _ERRORS * rows["stderr"]],
        fmt="none",
        ecolor=style.INK,
        elinewidth=style.THIN,
        capsize=2,
        label="simulated, 95 %",
    )
    if rows["measured"].notna().any():
        axes.plot(rows["measured"], places, **_marks(style.SECOND, "s"), label="measured", zorder=3)
    axes.set_yticks(places, [str(name) for name in rows["material"]])
    axes.set_xlim(left, 30 * known.max())
    _write_energies(axes, rows)
    style.legend_below(made, axes, columns=2)
    return made


def _write_energies(axes: Axes, rows: pd.DataFrame) -> None:
    """The activation energy right of each bar, and of its measured value."""
    ends = rows[["conductivity", "measured"]].max(axis=1)
    for place, (end, energy) in enumerate(zip(ends, rows["activation_energy"], strict=True)):
        if np.isfinite(energy):
            axes.annotate(
                f"{energy:.2f} eV",
                (end, place),
                xytext=(6, 0),
                textcoords="offset points",
                verticalalignment="center",
                fontsize=style.SMALL,
                color=style.INK,
            )


def _marks(colour: str, marker: str) -> dict[str, Any]:
    return {
        "color": colour,
        "linestyle": "none",
        "marker": marker,
        "markersize": style.MARKER,
        "markeredgewidth": style.THIN,
        "markerfacecolor": colour if marker == "o" else "white",
    }


def _thousandth(values: Any) -> Any:
    """1000 over it, both ways; matplotlib also asks at 0."""
    with np.errstate(divide="ignore"):
        return 1000 / np.asarray(values, dtype=np.float64)
