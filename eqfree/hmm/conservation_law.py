"""Conservation laws in one dimension whose flow is a closure's answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property, reduce
from math import inf
from operator import add
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from eqfree.fields import Field
from eqfree.hmm.bottleneck import Bottleneck
from eqfree.hmm.boundary import Open, Ring
from eqfree.hmm.finite_volume import Cells, Scheme
from eqfree.hmm.flux import Flux, FluxCurve
from eqfree.hmm.flux_surface import FluxSurface
from eqfree.hmm.joint import Joint, first_share, share_of
from eqfree.results import Cost

__all__ = ["ConservationLaw"]

Array: TypeAlias = NDArray[np.float64]
Indices: TypeAlias = NDArray[np.intp]

_BENT = 0.01  # of the fastest wave: what a slope may rise and fall by as interpolants do
_FIELDS = ("density", "passed", "waiting")
_ROUND_OFF = 1e-9  # of the largest flow or density


@dataclass(frozen=True, eq=False)
class ConservationLaw:
    """Density that is conserved, and shares that move with it, on the cells of a road.

    ∂ρ/∂t + ∂q/∂x = 0 with q = Q(ρ) - D(ρ) ∂ρ/∂x, and ∂(ρs)/∂t + ∂(sq)/∂x = 0 for each share s, of which the first may
    change the flow, Q(ρ, s). Faces pass the Godunov flow of their Riemann problem, whatever the shape of Q; where the
    flux changes, the smaller of upstream demand and downstream supply (Lebacque, ISTTT 13 (1996) 647; Daganzo,
    Transp. Res. B 29 (1995) 79, doi:10.1016/0191-2615(94)00022-R). The gradient term is centred, with D averaged over
    the jump by Simpson's rule, and left out where the flux changes and at the ends; where the share changes, ρ ahead is
    the density at which those behind would move as fast, so that a contact at equal velocity is none.

    *How to choose.* The error of a front is a cell or two wide; cells so wide that they hold ten individuals make
    sense of a density. Lengths, densities and times are in the closure's own units.

    Parameters
    ----------
    flux
        A `FluxCurve`, a `FluxSurface`, or anything that keeps the protocol `Flux`.
    edges : (cell + 1,)
        Increasing places of the faces.
    boundary
        `Ring` or `Open`.
    bottlenecks
        Where another flux is in force.
    shares
        Names of the advected shares; a surface reads the first.
    density_unit, length_unit
        Labels of the fields.

    Raises
    ------
    ValueError
        For edges that do not increase, bottlenecks outside the road or on top of each other, shares that do not fit
        or whose names others have,
        or a road that can be filled while its flow at jam density is not zero.

    Examples
    --------
    >>> from scipy.interpolate import PPoly
    >>> from eqfree.hmm import FluxCurve
    >>> law = ConservationLaw(FluxCurve(PPoly([[-1.0], [1.0], [0.0]], [0.0, 1.0])), np.linspace(0, 1, 11))
    >>> from eqfree.hmm import FirstOrder
    >>> round(law.largest_step(np.full(10, 0.5), FirstOrder()), 12)
    0.1
    """

    flux: Flux
    edges: Array
    boundary: Ring | Open = field(default_factory=Ring)
    bottlenecks: Sequence[Bottleneck] = ()
    shares: Sequence[str] = ()
    density_unit: str = "1"
    length_unit: str = "1"

    def __post_init__(self) -> None:
        object.__setattr__(self, "edges", _as_edges(self.edges))
        self._refuse_names()
        self._refuse_bottlenecks()
        if any(isinstance(flux, FluxSurface) for flux in self._fluxes) and not self.shares:
            raise ValueError("A flow of density and share needs the share: name it in `shares`.")
        if isinstance(self.boundary, Open) and len(self.boundary.shares) != len(self.shares):
            raise ValueError(
                f"Those who arrive need a value for each of the shares {list(self.shares)}: "
                f"got {len(self.boundary.shares)}."
            )
        self._refuse_overfilling()

    def _refuse_names(self) -> None:
        names = self.shares
        if isinstance(names, str):
            raise ValueError(f"`shares` must be a list of names: got {names!r}. Write {[names]}.")
        if not all(isinstance(name, str) for name in names):
            raise ValueError(f"`shares` must be a list of names: got {list(names)}.")
        if len(set(names)) < len(names):
            raise ValueError(f"`shares` must name each share once: got {list(names)}.")
        if taken := [name for name in names if name in _FIELDS or name.endswith(("_passed", "_waiting"))]:
            raise ValueError(f"`shares` must not have the names of other fields: got {taken}.")

    def _refuse_bottlenecks(self) -> None:
        if isinstance(self.bottlenecks, Bottleneck):
            raise ValueError("`bottlenecks` must be a list: got one Bottleneck. Write [Bottleneck(...)].")
        edges = self.edges
        for bottleneck in self.bottlenecks:
            begin, end = bottleneck.begin, bottleneck.end
            if not (edges[0] <= begin < edges[-1] and (end <= edges[-1] or end == inf)):
                raise ValueError(
                    f"A bottleneck must lie on the road, from {edges[0]:g} to {edges[-1]:g}: "
                    f"got one from {begin:g} to {end:g}."
                )
            if not self._covered(bottleneck).any():
                raise ValueError(
                    f"A bottleneck must hold the centre of a cell: got one from {begin:g} to {end:g}. "
                    "Lengthen it, or narrow the cells."
                )
        if (twice := np.sum([self._covered(item) for item in self.bottlenecks], axis=0) > 1).any():
            raise ValueError(f"Bottlenecks must not overlap: got two at {self.centres[np.argmax(twice)]:g}.")

    @property
    def centres(self) -> Array:
        """Middles of the cells."""
        return np.asarray((self.edges[:-1] + self.edges[1:]) / 2)

    @cached_property
    def cells(self) -> Cells:
        """What a scheme sees: widths, spacing, neighbours."""
        count = len(self.edges) - 1
        left, right = np.arange(-1, count), np.arange(count + 1)
        zones = np.concatenate([self._zones[-1:], self._zones, self._zones[:1]])
        smooth = zones[:-1] == zones[1:]
        if isinstance(self.boundary, Open):
            smooth[[0, -1]] = False
            left, right = np.clip(left, 0, None), np.clip(right, None, count - 1)
        left, right = left % count, right % count
        widths = np.diff(self.edges)
        return Cells(widths, (widths[left] + widths[right]) / 2, left, right, smooth)

    @property
    def fields(self) -> tuple[Field, ...]:
        """Density and shares in the cells, what has passed each face so far, who waits outside, and their shares."""
        x, x_unit = {"x": self.centres}, {"x": self.length_unit}
        face, face_unit = {"face": self.edges}, {"face": self.length_unit}
        jam = max(flux.largest_density for flux in self._fluxes)
        return (
            Field("density", self.density_unit, x, x_unit, (0.0, jam)),
            *(Field(name, "1", x, x_unit, (0.0, 1.0)) for name in self.shares),
            Field("passed", "1", face, face_unit),
            *(Field(f"{name}_passed", "1", face, face_unit) for name in self.shares),
            Field("waiting"),
            *(Field(f"{name}_waiting") for name in self.shares),
        )

    @property
    def cost(self) -> Cost:
        """What it took to know the fluxes, once; what solving takes is the cost of a result."""
        return reduce(add, (flux.cost for flux in {id(flux): flux for flux in self._fluxes}.values()), Cost())

    def in_cells(self, density: ArrayLike, shares: ArrayLike) -> tuple[Array, Array]:
        """Densities (cell,) and shares (share, cell) as arrays; of a single share, (cell,) will do.

        Raises
        ------
        ValueError
            If they have other shapes.
        """
        density, shares = np.array(density, dtype=np.float64), np.array(shares, dtype=np.float64)
        count, wanted = len(self.centres), (len(self.shares), len(self.centres))
        if density.shape != (count,):
            raise ValueError(f"A density is needed for each of {count} cells: got shape {density.shape}.")
        if shares.shape == ((count,) if len(self.shares) == 1 else (0,)):
            shares = shares.reshape(wanted)
        if shares.shape != wanted:
            raise ValueError(
                f"A share is needed of each of {list(self.shares)} in each of {count} cells, shape {wanted}: "
                f"got shape {shares.shape}."
            )
        return density, shares

    def jam(self, shares: Array) -> Array:
        """The largest density in each cell, (cell,), where the shares are (share, cell)."""
        jam = np.empty(len(self.centres))
        for zone, flux in enumerate(self._fluxes):
            cells = self._zones == zone
            jam[cells] = flux.jam_density(first_share(shares, cells))
        return jam

    def inflected(self, density: Array, shares: Array) -> NDArray[np.bool_]:
        """In which cells the flow bends both ways between the densities of a cell and of two on each side, (cell,)."""
        low = high = density
        for _ in range(2):
            down, up = self.cells.jumps(low), self.cells.jumps(high)
            low = np.min([low, low - down[:-1], low + down[1:]], axis=0)
            high = np.max([high, high - up[:-1], high + up[1:]], axis=0)
        inflected = np.zeros(len(density), dtype=np.bool_)
        for zone, flux in enumerate(self._fluxes):
            cells = self._zones == zone
            curves, least = flux.curves(first_share(shares, cells)), _BENT * flux.fastest
            if (curves.bent > least).any():
                inflected[cells] = curves.bends(low[cells], high[cells]).min(axis=0) > least
        return inflected

    def largest_step(self, density: ArrayLike, scheme: Scheme, shares: ArrayLike = ()) -> float:
        """The largest step of time for which a scheme keeps densities and shares within their bounds.

        With ν the scheme's largest Courant number: 1 / (max |Q'| / (ν Δx) + 2 max D / Δx²). D is taken over the
        densities that are there or, where ends, bottlenecks or shares can make others, over all densities and shares.

        *How to choose.* 0.9 of it.
        """
        density, shares = self.in_cells(density, shares)
        closed = isinstance(self.boundary, Ring) and not self.bottlenecks and isinstance(self.flux, FluxCurve)
        bounds = (density.min(), density.max()) if closed else (0.0, inf)
        rate = np.empty(len(density))
        widths, spacing = self.cells.widths, self.cells.spacing
        for zone, flux in enumerate(self._fluxes):
            cells = self._zones == zone
            rate[cells] = flux.fastest / scheme.courant_limit / widths[cells]
            known = np.asarray(flux.shares) if isinstance(flux, FluxSurface) else first_share(shares, cells)
            if (gradients := flux.gradients(known)) is not None:
                coefficient = gradients.largest(*bounds).max()
                rate[cells] += coefficient * (1 / spacing[:-1] + 1 / spacing[1:])[cells] / widths[cells]
        return float(1 / rate.max())

    def euler(self, scheme: Scheme, values: Array, time: float, step: float) -> Array:
        """One Euler step of everything that is conserved, of which Runge-Kutta steps are made.

        ``values`` are densities, densities of each share, what has passed the faces of each, and who waits
        outside of each, one after the other.
        """
        rows, count = 1 + len(self.shares), len(self.centres)
        mass = values[: rows * count].reshape(rows, count)
        means = np.vstack([mass[0], share_of(mass)])
        before, after = scheme.traces(self.cells, mass[0], means[1:], self)
        flows = np.zeros((rows, count + 1))
        for joint in self._joints:
            flows[:, joint.faces] = joint.flows(means, before, after, self.cells.spacing)
        waiting = values[-rows:]
        if isinstance(self.boundary, Open):
            arriving = self.boundary.arriving(time) * np.append(1.0, self.boundary.arriving_shares(time))
            flows[:, 0] = self._entering(waiting + step * arriving, before, step)
            leaving = min(self._outbound(after), self.boundary.leaving(time))
            flows[:, -1] = leaving * np.append(1.0, after[1:, -1])
            waiting = np.maximum(waiting + step * (arriving - flows[:, 0]), 0.0)
        density = mass - step * np.diff(flows) / self.cells.widths
        passed = values[rows * count : -rows] + step * flows.ravel()
        return np.concatenate([density.ravel(), passed, waiting])

    def _entering(self, outside: Array, before: Array, step: float) -> Array:
        """The flow into the first cell, and of it each share, where those ``outside`` are well mixed."""
        shares = share_of(outside)
        flux, share = self._fluxes[self._zones[0]], first_share(shares[:, np.newaxis], slice(0, 1))
        ahead = flux.matched(before[0, :1], first_share(before[1:], slice(0, 1)), share)
        room = float(flux.curves(share).supply(ahead)[0])
        return np.asarray(min(outside[0] / step, room) * np.append(1.0, shares))

    def _outbound(self, after: Array) -> float:
        """The largest flow that leaves the last cell."""
        last = slice(-1, None)
        return float(self._fluxes[self._zones[-1]].curves(first_share(after[1:], last)).demand(after[0, last])[0])

    def _refuse_overfilling(self) -> None:
        """A full cell takes nobody in: otherwise it fills beyond jam density where its own way out is narrow."""
        outflow = self.boundary.outflow if isinstance(self.boundary, Open) else inf
        for flux in self._fluxes:
            for table in flux.tables if isinstance(flux, FluxSurface) else [flux]:
                curves = table.curves(np.zeros(1))
                jam = float(curves.largest_density[0])
                full = float(curves(jam)[0])
                narrow = bool(self.bottlenecks) or isinstance(flux, FluxSurface) or callable(outflow) or outflow < full
                if narrow and full > _ROUND_OFF * curves.capacity[0]:
                    raise ValueError(
                        "Where a bottleneck, a limited outflow or those of another share can fill the road, the flow "
                        f"at jam density must be zero: got {full:.4g} at density {jam:.4g}. "
                        "Extend the flux to where nobody moves."
                    )

    @property
    def _fluxes(self) -> list[Flux]:
        """Of the road, then of each bottleneck."""
        return [self.flux, *(bottleneck.flux for bottleneck in self.bottlenecks)]

    @cached_property
    def _zones(self) -> Indices:
        """Of each cell, the place in `_fluxes`."""
        zones = np.zeros(len(self.edges) - 1, dtype=np.intp)
        for number, bottleneck in enumerate(self.bottlenecks, start=1):
            zones[self._covered(bottleneck)] = number
        return zones

    @cached_property
    def _joints(self) -> list[Joint]:
        inner = slice(1, -1) if isinstance(self.boundary, Open) else slice(None)
        left, right = self.cells.left_of, self.cells.right_of
        faces = np.arange(len(self.edges))[inner]
        pairs = np.column_stack([self._zones[left[faces]], self._zones[right[faces]]])
        joints = []
        for pair in np.unique(pairs, axis=0):
            here = faces[(pairs == pair).all(axis=1)]
            drop = self.bottlenecks[pair[1] - 1].capacity_drop if pair[1] > 0 else 0.0
            fluxes = self._fluxes[pair[0]], self._fluxes[pair[1]]
            joints.append(Joint(here, left[here], right[here], *fluxes, pair[0] == pair[1], drop))
        return joints

    def _covered(self, bottleneck: Bottleneck) -> NDArray[np.bool_]:
        return np.asarray((self.centres >= bottleneck.begin) & (self.centres < bottleneck.end))


def _as_edges(edges: ArrayLike) -> Array:
    try:
        places = np.array(edges, dtype=np.float64)
    except (TypeError, ValueError):
        places = np.empty(0)
    if places.ndim != 1 or len(places) < 3 or not np.isfinite(places).all() or not (np.diff(places) > 0).all():
        raise ValueError(f"`edges` must be finite and increasing, those of two cells or more: got {edges!r}.")
    return places
