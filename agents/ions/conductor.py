"""Ions whose conductivity is read: the micro-model that a device asks."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import ceil, floor, inf, log
from typing import TypeAlias

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from agents.ions.box import Box
from agents.ions.constants import BOLTZMANN, ELEMENTARY_CHARGE
from agents.ions.gas import LatticeGas
from agents.ions.independent import Independent
from agents.ions.landscape import Landscape, Species
from agents.ions.lifting import gibbs
from agents.ions.material import Material
from agents.ions.population import Ions

__all__ = ["Conducting", "Conductor"]

Array: TypeAlias = NDArray[np.float64]

_IONS = (Species(),)
_SIEMENS = ELEMENTARY_CHARGE / BOLTZMANN  # e²/k, in A K/V
_SITES, _DISORDERED_SITES, _INTERACTING_SITES = 27, 64, 216  # of the smallest box
_SAMPLES = 10**6  # of disorder, so that hardly two boxes have the same
_SHORT, _REPELLED, _DISORDERED = 1.0, 4.0, 8.0  # hops of an ion after which charge has forgotten, measured


@dataclass(frozen=True, eq=False)
class Conducting:
    """Ions at a temperature, and what was read of them so far; the difference of two of these is a reading.

    Attributes
    ----------
    gas
        By which they go on: their temperature, and the sample of the disorder that they are in.
    known
        How often they would hop, were their sites independent.
    ions
        Where they are.
    seconds
        While they were watched.
    charge : (axis, axis)
        What the mean square displacement of charge grew by in that time (e² m²), a sum over windows.
    doubled : (axis, axis)
        The same by windows twice as long: where it is another, windows are too short.
    tracer : (species, axis, axis)
        The same of the ions one by one, summed over those of a species (m²).
    hops
        Of all ions.
    """

    gas: LatticeGas
    known: Independent
    ions: Ions
    seconds: float
    charge: Array
    doubled: Array
    tracer: Array
    hops: int

    def __deepcopy__(self, memo: object) -> Conducting:
        return self  # nobody writes into it: evolving makes a new one


@dataclass(frozen=True, eq=False)
class Conductor:
    """Ions in a box whose conductivity is read: the macro state is (1/(kT) in 1/eV, occupied share of the sites).

    Nothing of the macro state moves; what is asked of it is how far charge comes. With J the sum of charge times
    displacement of all ions over a window w, the conductivity is

    sigma = (<J_k J_k> + 2 <J_k J_k+1>) / (2 w V kT),

    the second term being what a window cuts off at its ends; more lags may be added. *Time is in units of the mean time
    between two hops of an ion* at the temperature and concentration asked, as independent ions that exclude each other
    have it: seconds vary by decades with temperature. Ions are lifted by the Gibbs law of the box.

    *How to choose.* ``window``: hops of an ion after which charge has forgotten the last ones; by windows twice as long
    the conductivity must stay the same. One where all barriers of a kind are alike, eight where they are not, if they
    spread by up to 1.4 kT; beyond, memory grows fast: at 3.5 kT eight hops say six times too much. A box: small. The
    noise does not fall with the number of ions, the relative variance being 2 + 4 ``lags`` over the windows times the
    axes; what they cost does grow with it. What a small box conducts too much or too little, because its number of ions
    is whole and does not fluctuate, is known for independent sites to first order in one over their number, and taken
    off.

    Parameters
    ----------
    landscape
        The box and its energies.
    species
        The ions.
    shares
        What part of the ions each species is.
    window
        Of charge, in hops of an ion (1).
    tracer_window
        Of the ions one by one, not shorter than the former; infinite, there is one a reading.
    lags
        Windows of memory that are added; none, where all rates are equal and there is no memory.
    samples
        Of the disorder, of which each lift takes one; with one, all take that of the landscape.

    Raises
    ------
    ValueError
        If a window is not positive, the second is shorter than the first, or shares do not add up to 1.

    References
    ----------
    Einstein relation of charge: R. Kubo, J. Phys. Soc. Jpn. 12 (1957) 570, doi:10.1143/JPSJ.12.570.

    Examples
    --------
    >>> from agents.ions import Hopping
    >>> from agents.ions.lattices import simple_cubic
    >>> model = Conductor(Landscape(Box(simple_cubic(3e-10), (3, 3, 3)), Hopping({"hop": 0.35})))
    >>> start = model.lift(np.array([38.7, 1 / 3]), np.random.default_rng(0))
    >>> end = model.evolve(start, 1000.0, np.random.default_rng(1))
    >>> model.restrict(end).round(3), bool(0.8 < end.hops / (1000 * 9) < 1.2)
    (array([38.7  ,  0.333]), True)
    """

    landscape: Landscape
    species: tuple[Species, ...] = _IONS
    shares: tuple[float, ...] = (1.0,)
    window: float = _SHORT
    tracer_window: float = inf
    lags: int = 1
    samples: int = 1

    thread_safe = True
    deterministic = False

    def __post_init__(self) -> None:
        if not (0 < self.window < inf and self.tracer_window >= self.window):
            raise ValueError(
                "`window` must be positive and `tracer_window` not shorter: got "
                f"{self.window:g} and {self.tracer_window:g}."
            )
        if len(self.shares) != len(self.species) or min(self.shares) < 0 or abs(sum(self.shares) - 1) > 1e-9:
            raise ValueError(f"`shares` of {len(self.species)} species must add up to 1: got {self.shares}.")
        if self.samples < 1 or self.lags < 0:
            raise ValueError(f"`samples` must be 1 or more, `lags` 0 or more: got {self.samples} and {self.lags}.")

    @classmethod
    def of(
        cls,
        material: Material,
        *,
        tracer_window: float = inf,
        cells: int | None = None,
        seed: int = 0,
    ) -> Conductor:
        """The ions of a material, in a box of so many cells along each axis; of disorder every lift has its own sample.

        Without a number of cells, as few as make 27 sites, or 64 where barriers or energies are disordered. Where ions
        interact, 216, and an even number of cells, into which their order fits: at a third of a simple cubic lattice
        and 2.3 kT of repulsion, 3 cells along an edge conduct 2.7 times too much, 5 cells 2.3 times; 6 as 8.

        >>> from agents.ions.material import read_material
        >>> len(Conductor.of(read_material("llzo_like")).landscape.box)
        72
        """
        axes, basis = material.crystal.axes, len(material.crystal.kinds)
        hopping = material.hopping
        disordered = hopping.barrier_disorder is not None or hopping.energy_disorder is not None
        interacting = bool(np.any(hopping.interaction))
        sites = _INTERACTING_SITES if interacting else _DISORDERED_SITES if disordered else _SITES
        edge = cells or max(ceil((sites / basis) ** (1 / axes) - 1e-9), 1)
        if interacting and cells is None:
            edge += edge % 2
        landscape = Landscape(Box(material.crystal, (edge,) * axes), hopping, seed)
        samples = _SAMPLES if disordered else 1
        window = _DISORDERED if disordered else _REPELLED if interacting else _SHORT
        return cls(landscape, material.species, material.shares, window, max(tracer_window, window), samples=samples)

    def gas(self, inverse: float, landscape: Landscape | None = None) -> LatticeGas:
        """The ions at 1/(kT) in 1/eV, in a sample of the disorder.

        Raises
        ------
        ValueError
            If that is no inverse temperature.
        """
        if not 0 < inverse < inf:
            raise ValueError(f"1/(kT) must be positive and finite (1/eV): got {inverse:g}.")
        where = self.landscape if landscape is None else landscape
        return LatticeGas(where, 1 / (BOLTZMANN * inverse), species=self.species, sampler=gibbs(), columns=1)

    def check(self, share: float) -> None:
        """Refuse a share of the sites at which nothing could hop.

        Raises
        ------
        ValueError
            If the box would be full or empty.
        """
        sites = len(self.landscape.box)
        if not 1 <= share * sites <= sites - 1:
            raise ValueError(
                f"Ions can hop where there are ions and vacancies: got a share of {share:g} in a box of {sites} sites. "
                f"Take one from {1 / sites:.3g} to {1 - 1 / sites:.6g}, or a larger box."
            )

    def lift(self, macro: Array, rng: Generator) -> Conducting:
        """Ions in equilibrium; their number is the whole one above or below what is asked, right in the mean.

        Raises
        ------
        ValueError
            If nothing could hop: the box would be full or empty.
        """
        inverse, share = (float(value) for value in np.asarray(macro))
        self.check(share)
        land = self.landscape
        if self.samples > 1:
            land = replace(land, seed=land.seed + int(rng.integers(self.samples)))
        sites, axes = len(land.box), land.box.axes
        whole = floor(share * sites + rng.random()) / sites
        gas = self.gas(inverse, land)
        ions = gas.lift(whole * np.array(self.shares)[:, np.newaxis], rng)
        known = Independent.of(gas, len(ions.site), share)
        nothing = np.zeros((axes, axes))
        return Conducting(gas, known, ions, 0.0, nothing, nothing, np.zeros((len(self.species), axes, axes)), 0)

    def evolve(self, micro: Conducting, duration: float, rng: Generator) -> Conducting:
        """The ions after a ``duration`` in mean times between two hops of an ion, and what was read of them."""
        if duration == 0:
            return micro
        seconds = duration * micro.known.period
        parts = max(1, round(duration / self.tracer_window))
        windows = max(1, ceil(duration / parts / self.window - 1e-9))
        ions, charges, tracer = micro.ions, [], micro.tracer.copy()
        for _ in range(parts):
            before = ions.displacement
            ions, read = micro.gas.watch(ions, windows, seconds / parts / windows, rng)
            charges.append(np.einsum("wsa,s->wa", read.collective, [one.charge for one in self.species]))
            way = ions.displacement - before
            for kind in range(len(tracer)):
                tracer[kind] += way[ions.species == kind].T @ way[ions.species == kind]
        moved = np.concatenate(charges)
        pairs = moved[: len(moved) // 2 * 2].reshape(-1, 2, moved.shape[1]).sum(axis=1)
        return replace(
            micro,
            ions=ions,
            seconds=micro.seconds + seconds,
            charge=micro.charge + _spread(moved, self.lags),
            doubled=micro.doubled + _spread(pairs, self.lags) * (len(moved) / max(2 * len(pairs), 1)),
            tracer=tracer,
            hops=micro.hops + int(ions.hops.sum() - micro.ions.hops.sum()),
        )

    def restrict(self, micro: Conducting) -> Array:
        """1/(kT) in 1/eV, and the share of the sites that is occupied."""
        return np.array([1 / (BOLTZMANN * micro.gas.temperature), len(micro.ions.site) / len(self.landscape.box)])

    def agent_updates(self, macro: Array, duration: float) -> float:
        """Hops."""
        return float(np.asarray(macro)[1] * len(self.landscape.box) * duration)

    def warm(self) -> None:
        """Compile what is needed."""
        self.gas(1.0).warm()

    def conductivity(self, before: Conducting, after: Conducting) -> Array:
        """Conductivity times temperature between the two, (axis, axis) in S K/m (in 2-D S K), of a box without end."""
        return self.box_conductivity(before, after) / after.known.excess

    def box_conductivity(self, before: Conducting, after: Conducting) -> Array:
        """The same of the box as it is, with its fixed number of ions."""
        grown = (after.charge - before.charge) / (2 * (after.seconds - before.seconds))
        return np.asarray(_SIEMENS * grown / self.landscape.box.volume)

    def doubled_conductivity(self, before: Conducting, after: Conducting) -> Array:
        """The same as the first by windows twice as long, (axis, axis) in S K/m."""
        grown = (after.doubled - before.doubled) / (2 * (after.seconds - before.seconds))
        return np.asarray(_SIEMENS * grown / self.landscape.box.volume / after.known.excess)

    def tracer_conductivity(self, before: Conducting, after: Conducting) -> Array:
        """What it would be if ions moved independently of each other, (axis, axis) in S K/m; over the former it is the
        Haven ratio."""
        charges = np.array([one.charge**2 for one in self.species])
        grown = np.einsum("sab,s->ab", after.tracer - before.tracer, charges) / (2 * (after.seconds - before.seconds))
        return np.asarray(_SIEMENS * grown / self.landscape.box.volume / after.known.excess)

    def observe(self, before: Conducting, after: Conducting, duration: float) -> Array:
        """ln(sigma T / (S K/m)), sigma being the mean over the axes; its bias, -3/(windows × axes), is far below noise.

        Raises
        ------
        ValueError
            If that is no number, because far too few hops were read.
        """
        mean = float(np.trace(self.conductivity(before, after))) / self.landscape.box.axes
        if not mean > 0:
            raise ValueError(
                f"The conductivity must come out positive: got sigma T = {mean:.3g} S K/m from "
                f"{after.hops - before.hops} hops. Read more of them."
            )
        return np.array([log(mean)])


def _spread(windows: Array, lags: int) -> Array:
    """Sum over the windows of J J, and of J with the J of later windows both ways, (window, axis) -> (axis, axis)."""
    total = windows.T @ windows
    for lag in range(1, min(lags, len(windows) - 1) + 1):
        later = windows[:-lag].T @ windows[lag:] * (len(windows) / (len(windows) - lag))
        total += later + later.T
    return np.asarray(total)
