"""Lattices of one kind of sites and one length of hops: what theory has exact values for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import sqrt
from types import MappingProxyType

import numpy as np
from numpy.typing import ArrayLike, NDArray

from agents.ions.crystal import Crystal, Hop, HopRule

__all__ = [
    "LATTICES",
    "body_centred_cubic",
    "chain",
    "diamond",
    "face_centred_cubic",
    "honeycomb",
    "layered",
    "simple_cubic",
    "square",
    "triangular",
]

_FACES = ((0.0, 0.0, 0.0), (0.0, 0.5, 0.5), (0.5, 0.0, 0.5), (0.5, 0.5, 0.0))


def chain(spacing: float) -> Crystal:
    """Sites along a line, ``spacing`` (m) apart; 2 hops from each.

    >>> chain(3e-10).ways
    2
    """
    return _alike(_positive(spacing) * np.eye(1), ((0.0,),), spacing)


def square(spacing: float) -> Crystal:
    """Sites in a plane at the corners of squares, ``spacing`` (m) apart; 4 hops from each.

    >>> square(3e-10).ways
    4
    """
    return _alike(_positive(spacing) * np.eye(2), ((0.0, 0.0),), spacing)


def triangular(spacing: float) -> Crystal:
    """Sites in a plane at the corners of equal triangles, ``spacing`` (m) apart; 6 hops from each.

    One site in a rhombic cell, turned so that a column of cells is a line across x.

    >>> triangular(3e-10).ways
    6
    """
    return _alike(_positive(spacing) * np.array([[sqrt(0.75), 0.5], [0.0, 1.0]]), ((0.0, 0.0),), spacing)


def honeycomb(spacing: float) -> Crystal:
    """Sites in a plane at the corners of equal hexagons, ``spacing`` (m) apart; 3 hops from each, 2 sites a cell.

    >>> honeycomb(3e-10).ways
    3
    """
    edges = _positive(spacing) * sqrt(3) * np.array([[sqrt(0.75), 0.5], [0.0, 1.0]])
    return _alike(edges, ((0.0, 0.0), (1 / 3, 1 / 3)), spacing)


def simple_cubic(spacing: float) -> Crystal:
    """Sites at the corners of cubes, ``spacing`` (m) apart; 6 hops from each.

    >>> simple_cubic(3e-10).ways
    6
    """
    return _alike(_positive(spacing) * np.eye(3), ((0.0, 0.0, 0.0),), spacing)


def body_centred_cubic(spacing: float) -> Crystal:
    """Corners and centres of cubes, nearest sites ``spacing`` (m) apart; 8 hops from each, 2 sites a cubic cell.

    >>> body_centred_cubic(3e-10).ways
    8
    """
    return _alike(_positive(spacing) * 2 / sqrt(3) * np.eye(3), ((0.0, 0.0, 0.0), (0.5, 0.5, 0.5)), spacing)


def face_centred_cubic(spacing: float) -> Crystal:
    """Corners and faces of cubes, nearest sites ``spacing`` (m) apart; 12 hops from each, 4 sites a cubic cell.

    >>> face_centred_cubic(3e-10).ways
    12
    """
    return _alike(_positive(spacing) * sqrt(2) * np.eye(3), _FACES, spacing)


def diamond(spacing: float) -> Crystal:
    """The sites of diamond, nearest ones ``spacing`` (m) apart; 4 hops from each, 8 sites a cubic cell.

    >>> diamond(3e-10).ways
    4
    """
    places = np.concatenate([np.array(_FACES), np.array(_FACES) + 0.25])
    return _alike(_positive(spacing) * 4 / sqrt(3) * np.eye(3), places, spacing)


def layered(spacing: float, layer_spacing: float | None = None) -> Crystal:
    """Square layers, one above the other along z: hops ``"in_plane"`` (4 from each) and ``"between"`` (2).

    Parameters
    ----------
    spacing
        Distance of sites in a layer (m).
    layer_spacing
        Distance of the layers (m); twice ``spacing`` if not told.

    Raises
    ------
    ValueError
        If a distance is not positive.

    Examples
    --------
    >>> sorted({hop.kind for hop in layered(3e-10, 5e-10).hops})
    ['between', 'in_plane']
    """
    between = 2 * _positive(spacing) if layer_spacing is None else _positive(layer_spacing)
    return Crystal(
        np.diag([spacing, spacing, between]),
        np.zeros((1, 3)),
        ("site",),
        (Hop(0, 0, (1, 0, 0), "in_plane"), Hop(0, 0, (0, 1, 0), "in_plane"), Hop(0, 0, (0, 0, 1), "between")),
    )


LATTICES: Mapping[str, Callable[[float], Crystal]] = MappingProxyType(
    {
        make.__name__: make
        for make in (
            chain,
            square,
            triangular,
            honeycomb,
            simple_cubic,
            body_centred_cubic,
            face_centred_cubic,
            diamond,
            layered,
        )
    }
)
"""By name, each made of the distance of nearest sites (m)."""


def _positive(spacing: float) -> float:
    if not 0 < spacing < np.inf:
        raise ValueError(f"`spacing`, the distance of nearest sites in m, must be positive: got {spacing}.")
    return spacing


def _alike(vectors: NDArray[np.float64], positions: ArrayLike, spacing: float) -> Crystal:
    """One kind of sites, joined to the nearest: the next are at least 1.15 times as far in every lattice here."""
    places = np.asarray(positions, dtype=float)
    return Crystal.joined(vectors, places, ("site",) * len(places), (HopRule("site", "site", 1.05 * spacing),))
