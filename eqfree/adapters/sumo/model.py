"""Vehicles that SUMO drives, as a micro-model."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from math import inf, nan
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from eqfree.adapters.sumo import simulation
from eqfree.adapters.sumo.files import without_departures
from eqfree.adapters.sumo.layout import Layout
from eqfree.adapters.sumo.population import Population, gaps
from eqfree.adapters.sumo.roads import Road
from eqfree.adapters.sumo.traffic import TOUCH, add_routes, advance, check_order, insert, observe
from eqfree.adapters.sumo.vehicles import Fleet, VehicleType, follow_safely, is_number
from eqfree.fields import short

__all__ = ["SumoMicroModel"]

Array = NDArray[np.float64]

_DIGITS = "40"  # after the decimal point, in files: what is read is what was written, to the bit
_PLAIN = ("--no-internal-links", "--time-to-teleport", "-1", "--collision.action", "none")  # a road of ours


@dataclass(frozen=True, eq=False)
class SumoMicroModel:
    """Vehicles that SUMO drives, in this process, through its library.

    lift puts vehicles where the road's macro state says, at the speeds that belong there, by inserting each; all are
    counted, and read back where they were put. evolve goes on with SUMO's simulation, which the process holds one of:
    a population that is neither packed nor the last one simulated is refused. Where drivers draw random numbers, each
    evolve begins SUMO anew from its own saved state, with a seed from its random stream: same key, same bits, in any
    process. Files are written to temporary folders, which are gone as soon as SUMO has read them.

    *How to choose.* ``step``: 0.1 s moves the IDM as smoothly as one may wish; Krauss's driver was made for 1 s, and
    its reaction time, ``time_headway``, must not be shorter than the step.

    Parameters
    ----------
    road
        `Ring`, `OpenRoad`, `RingAtDensity`, `RingOfHeadways`, or the user's own `Network`.
    vehicles
        The type that all are, or a `Fleet` of several.
    step
        SUMO's step length in s, in whole milliseconds.
    speed
        ``speed(gap) -> speed``: of the vehicles that are lifted, (n,) in m/s of (n,) in m; inf where nobody is ahead.
        Without it, the steady speed of each one's type. No vehicle begins faster than it can follow safely.
    cells : (cells + 1,)
        Edges in m of the cells in which distance and time are added up at every step, for `edie`; it takes
        several times as long.
    options
        Further options of SUMO's command line.

    Raises
    ------
    ValueError
        If the step is not of whole milliseconds, the cells do not ascend, or an argument is something else.

    References
    ----------
    P. Alvarez Lopez et al., IEEE ITSC (2018) 2575, doi:10.1109/ITSC.2018.8569938.

    Examples
    --------
    >>> from eqfree.adapters.sumo import RingAtDensity, VehicleType
    >>> model = SumoMicroModel(RingAtDensity(8), VehicleType("IDM"), step=0.1)
    >>> model.deterministic, model.fields[0]["unit"]
    (True, '1/m')
    """

    road: Road
    vehicles: VehicleType | Fleet
    step: float = 0.1
    speed: Callable[[Array], Array] | None = None
    cells: Array | Sequence[float] | None = None
    options: Sequence[str] = ()

    thread_safe = False

    def __post_init__(self) -> None:
        if not isinstance(self.road, Road) or isinstance(self.road, type):
            raise ValueError(
                f"`road` must be a road, such as Ring, OpenRoad, RingAtDensity, RingOfHeadways or Network: got "
                f"{short(self.road)}. Make one: RingAtDensity(50)."
            )
        if not isinstance(self.vehicles, VehicleType | Fleet):
            raise ValueError(
                f"`vehicles` must be a VehicleType or a Fleet: got {short(self.vehicles)}. Write VehicleType('IDM')."
            )
        if not (self.speed is None or callable(self.speed)):
            raise ValueError(f"`speed` must be a function speed(gap), or None: got {short(self.speed)}. Leave it out.")
        listed = isinstance(self.options, Sequence) and not isinstance(self.options, str)
        if not (listed and all(isinstance(option, str) for option in self.options)):
            raise ValueError(
                f"`options` must be a sequence of strings, each option and value one: got {short(self.options)}. Write "
                'options=("--lateral-resolution", "0.8").'
            )
        thousands = self.step * 1000 if is_number(self.step) else nan
        if not (0 < thousands < inf and abs(thousands - round(thousands)) < 1e-9 * thousands):
            raise ValueError(
                f"`step` must be of whole milliseconds, in s: got {self.step!r}. SUMO's clock has no finer."
            )
        if self.cells is not None:
            edges = np.array(self.cells, dtype=np.float64)
            if edges.ndim != 1 or len(edges) < 2 or not (np.diff(edges) > 0).all():
                raise ValueError(f"`cells` must be edges that ascend, in m: got {self.cells}.")
            object.__setattr__(self, "cells", edges)

    @property
    def fields(self) -> tuple[dict[str, Any], ...]:
        """The macro state, as the road has it."""
        return self.road.fields(min(one.length for one in self._fleet.types))

    @property
    def deterministic(self) -> bool:
        """Whether no random number has an effect."""
        return self._drivers_deterministic and self._fleet.uniform and not getattr(self.road, "displacement", 0.0)

    @property
    def time_step(self) -> float:
        """A duration must be a multiple of it, in s."""
        return self.step

    def __getattr__(self, name: str) -> Any:
        if name == "conserved":  # where the road has it
            return self.road.conserved  # type: ignore[attr-defined]
        raise AttributeError(name)

    def warm(self) -> None:
        """Load SUMO's library; a ValueError says what to install."""
        simulation.library()

    def lift(self, macro: Array, rng: Generator) -> Population:
        """Vehicles consistent with the macro state, each inserted and counted.

        Raises
        ------
        ValueError
            If they do not fit, or SUMO's library is missing.
        RuntimeError
            If SUMO left vehicles out or put them elsewhere: how many, and which.
        """
        macro = np.asarray(macro, dtype=np.float64)
        count, length = self.road.count(macro), self.road.length(macro)
        kinds = self._fleet.deal(count, rng)
        lengths = self._fleet.column("length", kinds)
        position = self.road.place(macro, lengths, rng)
        nobody = np.zeros(0 if self.cells is None else len(self.cells) - 1)
        still = Population(
            name=np.array([f"eqfree.{index}" for index in range(count)], dtype=np.str_),
            position=position,
            speed=np.zeros(count),
            vehicle_length=lengths,
            kind=kinds,
            laps=np.zeros(count, dtype=np.int64),
            length=length,
            ring=self.road.ring,
            driven=nobody,
            spent=nobody,
        )
        placed = replace(still, speed=self._speeds(still))
        with simulation.hold() as sumo:
            way = self._start(sumo, length, rng)
            insert(sumo, way, placed)
            return replace(observe(sumo, way, placed), length=way.length, generation=simulation.restate())

    def evolve(self, micro: Population, duration: float, rng: Generator) -> Population:
        """The vehicles after ``duration`` seconds.

        Raises
        ------
        ValueError
            If the duration is no multiple of the step.
        RuntimeError
            If the vehicles are no longer there (see `SumoMicroModel`), two overlap, or one is missing on a ring.
        """
        steps = round(duration / self.step)
        if not (steps >= 0 and abs(steps * self.step - duration) <= 1e-9 * max(duration, self.step)):
            raise ValueError(f"A duration must be a multiple of {self.step:g} s: got {duration:g} s.")
        if steps == 0:
            return micro
        with simulation.hold() as sumo:
            way = self._resume(sumo, micro, rng)
            cells = None if self.cells is None else np.asarray(self.cells)
            moved = advance(sumo, way, micro, steps, self.step, cells)
            after = replace(moved, time=micro.time + steps * self.step, generation=simulation.restate(), saved=[])
        if self.road.exact:
            check_order(after)
        return after

    def restrict(self, micro: Population) -> Array:
        """The macro state, as the road has it."""
        return self.road.read(micro)

    def pack(self, micro: Population) -> dict[str, NDArray[Any]]:
        """The vehicles as named arrays, SUMO's state among them; a RuntimeError if they are no longer there."""
        return micro.pack(self._state(micro))

    def unpack(self, packed: Mapping[str, NDArray[Any]]) -> Population:
        """The vehicles that were packed."""
        return Population.unpack(packed)

    def agent_updates(self, macro: Array, duration: float) -> float:
        """Vehicle updates that it takes to evolve the macro state; on an open road, those of the vehicles lifted."""
        return float(self.road.count(macro) * round(duration / self.step))

    @cached_property
    def _fleet(self) -> Fleet:
        return Fleet((self.vehicles,)) if isinstance(self.vehicles, VehicleType) else self.vehicles

    @property
    def _drivers_deterministic(self) -> bool:
        return self.road.exact and all(one.deterministic for one in self._fleet.types) and self._one_kind_arrives

    @property
    def _one_kind_arrives(self) -> bool:
        return self._fleet.uniform or not self.road.demand

    def _speeds(self, still: Population) -> Array:
        fleet, count, kinds = self._fleet, len(still), still.kind
        room = gaps(still)
        if (room < -TOUCH).any():
            raise ValueError(
                f"The vehicles must fit on the road: {count} vehicles on {still.length:g} m overlap by up to "
                f"{-room.min():.3g} m. Take a macro state that is less dense, or smoother."
            )
        wanted = fleet.steady_speed(room, kinds) if self.speed is None else np.asarray(self.speed(room), dtype=float)
        if wanted.shape != (count,) or not (wanted >= 0).all():
            raise ValueError(f"`speed` must return a speed that is not negative per gap, ({count},): got {wanted}.")
        wanted = np.minimum(wanted, fleet.column("maximum_speed", kinds))
        names = ("minimum_gap", "deceleration", "time_headway")
        return follow_safely(wanted, room, *(fleet.column(name, kinds) for name in names), ring=still.ring)

    def _start(self, sumo: Any, length: float, rng: Generator, state: bytes | None = None) -> Layout:
        """Begin SUMO on the road, empty or from a saved state; the files are gone when it has read them."""
        with TemporaryDirectory(prefix="eqfree-sumo-") as name:
            folder = Path(name)
            types = folder / "vehicles.add.xml"
            elements = [one.xml(f"eqfree_{kind}") for kind, one in enumerate(self._fleet.types)]
            files = [types, *(Path(file).resolve() for file in self.road.additional)]
            if state is None:
                begin = ["--insertion-checks", "none"]
                elements += self._arrivals()
            else:
                files[1:] = [without_departures(file, folder / f"{n}.add.xml") for n, file in enumerate(files[1:])]
                begin = ["--load-state", str(folder / "state.xml")]
                simulation.write_state(state, folder / "state.xml")
            types.write_text("\n".join(["<additional>", *elements, "</additional>"]), "utf-8")
            simulation.start(
                [
                    *("--net-file", str(self.road.network(folder, length))),
                    *("--additional-files", ",".join(map(str, files))),
                    *("--step-length", repr(self.step), "--seed", str(rng.integers(2**31 - 1))),
                    *("--precision", _DIGITS, "--save-state.precision", _DIGITS, "--no-step-log", "--no-warnings"),
                    *("--xml-validation", "never", "--xml-validation.net", "never"),
                    *(_PLAIN if self.road.exact else ()),
                    *begin,
                    *self.options,
                ]
            )
        way = self.road.way(sumo, length)
        add_routes(sumo, way)
        return way

    def _arrivals(self) -> list[str]:
        """SUMO's elements for the vehicles that arrive at an open road of ours."""
        if not self.road.demand:
            return []
        names, shares = (f"eqfree_{kind}" for kind in range(len(self._fleet.types))), self._fleet.shares
        chances = " ".join(map(repr, map(float, shares)))
        return [
            f'<vTypeDistribution id="eqfree_any" vTypes="{" ".join(names)}" probabilities="{chances}"/>',
            '<route id="eqfree_road" edges="road"/>',
            f'<flow id="eqfree_arrival" type="eqfree_any" route="eqfree_road" begin="{1 / self.road.demand!r}" '
            f'period="{1 / self.road.demand!r}" departLane="0" departPos="0" departSpeed="avg" insertionChecks="all"/>',
        ]

    def _state(self, micro: Population) -> bytes:
        if not micro.saved:
            with simulation.hold():
                if not simulation.is_current(micro.generation):
                    raise RuntimeError(
                        "These vehicles are gone: SUMO's library holds one simulation a process, and it has gone on or "
                        "another has begun. Pack a population that is to stay, and evolve what unpack returns."
                    )
                micro.saved.append(simulation.save())
        return micro.saved[0]

    def _resume(self, sumo: Any, micro: Population, rng: Generator) -> Layout:
        """SUMO as it was with these vehicles: as it is, or from its saved state with another seed."""
        if self._drivers_deterministic and simulation.is_current(micro.generation):
            return self.road.way(sumo, micro.length)
        state = self._state(micro)
        return self._start(sumo, micro.length, rng, state)
