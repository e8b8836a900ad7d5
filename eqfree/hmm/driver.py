"""The driver of conservation laws: the loop over steps that a scheme supplies."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import inf, isfinite
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from eqfree.fields import short
from eqfree.hmm.conservation_law import ConservationLaw
from eqfree.hmm.finite_volume import Muscl, Scheme
from eqfree.hmm.joint import share_of
from eqfree.journal import clock
from eqfree.results import Cost, Trajectory

__all__ = ["ConservationState", "iter_conservation_law", "solve_conservation_law"]

Array: TypeAlias = NDArray[np.float64]

_ROUND_OFF = 1e-9  # of a step, or of jam density


@dataclass(frozen=True)
class ConservationState:
    """All that the driver carries from step to step.

    Attributes
    ----------
    number
        Steps made.
    time
        Where it is.
    density : (cell,)
    share_density : (share, cell)
        Density times share.
    passed : (1 + share, face)
        How much has gone through each face since the beginning, and of it each share.
    waiting : (1 + share,)
        How many have arrived and found no room, and of them each share.
    """

    number: int
    time: float
    density: Array
    share_density: Array
    passed: Array
    waiting: Array

    @property
    def shares(self) -> Array:
        """The shares, (share, cell); zero where nobody is."""
        return share_of(np.vstack([self.density, self.share_density]))

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Named arrays, from which `from_arrays` makes the same state again."""
        return {name: np.asarray(value) for name, value in vars(self).items()}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> ConservationState:
        """The state that `to_arrays` was asked of."""
        return cls(
            number=int(arrays["number"]),
            time=float(arrays["time"]),
            density=arrays["density"],
            share_density=arrays["share_density"],
            passed=arrays["passed"],
            waiting=arrays["waiting"],
        )

    @classmethod
    def begin(cls, law: ConservationLaw, time: float, density: ArrayLike, shares: ArrayLike = ()) -> ConservationState:
        """The state of a road before the first step.

        Raises
        ------
        ValueError
            For densities or shares that do not fit the cells, or lie outside [0, jam density] and [0, 1].

        Examples
        --------
        >>> from scipy.interpolate import PPoly
        >>> from eqfree.hmm import FluxCurve
        >>> law = ConservationLaw(FluxCurve(PPoly([[-1.0], [1.0], [0.0]], [0.0, 1.0])), np.linspace(0, 1, 3))
        >>> ConservationState.begin(law, 0.0, [0.2, 0.4]).passed
        array([[0., 0., 0.]])
        """
        density, shares = law.in_cells(density, shares)
        if (outside := ~((shares >= 0) & (shares <= 1))).any():
            raise ValueError(f"Shares must lie in [0, 1]: got {short(shares[outside])}.")
        jam = law.jam(shares)
        slack = _ROUND_OFF * jam  # a run ends with what the next can begin with
        if (outside := ~((density >= -slack) & (density <= jam + slack))).any():
            raise ValueError(
                f"Densities must lie between 0 and jam density, {jam[outside].min():g} there: "
                f"got {short(density[outside])} at {short(law.centres[outside])}."
            )
        density, rows = np.clip(density, 0.0, jam), 1 + len(shares)
        return cls(0, time, density, density * shares, np.zeros((rows, len(law.edges))), np.zeros(rows))


def iter_conservation_law(
    law: ConservationLaw,
    end: float,
    state: ConservationState,
    scheme: Scheme | None = None,
    courant: float = 0.9,
    step: float = inf,
) -> Iterator[ConservationState]:
    """The states after each step from ``state`` on until time ``end``.

    A step is ``courant`` times the law's largest, no longer than ``step``. A pure function from state to state: a
    loop that stops anywhere and goes on from the state's arrays gives the same bits.

    Raises
    ------
    ValueError
        For a state that does not fit the road, an end before it, a Courant number outside (0, 1], or a step that is not
        positive.

    Examples
    --------
    >>> from scipy.interpolate import PPoly
    >>> from eqfree.hmm import FluxCurve
    >>> law = ConservationLaw(FluxCurve(PPoly([[-1.0], [1.0], [0.0]], [0.0, 1.0])), np.linspace(0, 1, 3))
    >>> start = ConservationState.begin(law, 0.0, [0.2, 0.4])
    >>> [state.time for state in iter_conservation_law(law, 0.5, start, courant=1.0)]
    [0.25, 0.5]
    """
    if not (isfinite(end) and end >= state.time):
        raise ValueError(f"`end` must be finite, and no earlier than the state's time, {state.time:g}: got {end:g}.")
    if not 0 < courant <= 1:
        largest = law.largest_step(state.density, _as_scheme(scheme), state.shares)
        raise ValueError(
            f"`courant` must lie in (0, 1], a share of the largest stable step, {largest:.6g}: got {courant:g}."
        )
    if not step > 0:
        raise ValueError(f"`step` must be positive: got {step:g}.")
    _refuse_another_road(law, state)
    return _steps(law, end, state, _as_scheme(scheme), courant, step)


def solve_conservation_law(
    law: ConservationLaw,
    t_span: tuple[float, float],
    density0: ArrayLike,
    shares0: ArrayLike = (),
    *,
    scheme: Scheme | None = None,
    t_eval: Sequence[float] | Array | None = None,
    courant: float = 0.9,
    step: float | None = None,
) -> Trajectory:
    """Integrate a conservation law from given densities.

    *How to choose.* The scheme: `Muscl`, the default, for everything smooth and for most roads; `FirstOrder` where
    nothing else should be believed. ``courant``: as large as can be, since every step adds diffusion.

    Parameters
    ----------
    law
        Flux, road, ends and bottlenecks.
    t_span
        Beginning and end, increasing, in the closure's unit.
    density0 : (cell,)
        Densities at the beginning.
    shares0 : (share, cell)
        Advected shares at the beginning; of a single one, (cell,) will do.
    scheme
        `FirstOrder`, `Muscl` with its options, or another `Scheme`.
    t_eval
        Increasing times to tell, of which the last ends the run; steps are shortened to end there. By default the end
        of every step.
    courant
        Share of the largest stable step to take, in (0, 1].
    step
        A step of time instead, no longer than the largest stable one.

    Returns
    -------
    Trajectory
        Rows of density (cell), each share (cell), cumulative count through the faces (face), the same of each share,
        how many wait outside, and the same of each share: ``fields`` names them, ``to_xarray`` takes them apart. Cell
        by cell, density times width has grown by exactly what passed the left face and not the right one. Given the
        flux nothing is random, and the standard errors are zero; those of the flux are its own. The cost is that of
        solving alone: no micro-solves, and the wall seconds. What it took to know the flux is ``law.cost``, once.

    Raises
    ------
    ValueError
        For times that do not increase, densities outside [0, jam density], shares outside [0, 1], a Courant number
        above one or a step that breaks the Courant condition: the largest one is named.

    References
    ----------
    S. Gottlieb, C.-W. Shu and E. Tadmor, SIAM Rev. 43 (2001) 89, doi:10.1137/S003614450036757X.

    Examples
    --------
    >>> from scipy.interpolate import PPoly
    >>> from eqfree.hmm import FluxCurve
    >>> law = ConservationLaw(FluxCurve(PPoly([[-1.0], [1.0], [0.0]], [0.0, 1.0])), np.linspace(0, 1, 11))
    >>> result = solve_conservation_law(law, (0.0, 1.0), np.linspace(0.1, 0.5, 10), t_eval=[0.0, 1.0])
    >>> result.to_xarray()["density"].sum("x").round(12).values
    array([3., 3.])
    """
    if len(t_span) != 2 or not (np.isfinite(t_span).all() and t_span[0] < t_span[1]):
        raise ValueError(f"`t_span` must be (beginning, end), finite and increasing: got {tuple(t_span)}.")
    begin, end = map(float, t_span)
    stops = None if t_eval is None else np.asarray(t_eval, dtype=np.float64)
    if stops is not None and not (
        stops.ndim == 1 and len(stops) and (np.diff(stops) > 0).all() and begin <= stops[0] and stops[-1] <= end
    ):
        raise ValueError(f"`t_eval` must increase within [{begin:g}, {end:g}]: got {short(stops)}.")
    wall = clock()
    scheme = _as_scheme(scheme)
    state = ConservationState.begin(law, begin, density0, shares0)
    if step is not None:
        largest = law.largest_step(state.density, scheme, state.shares)
        if not 0 < step <= largest:
            raise ValueError(
                f"`step` must be positive and keep the Courant condition: got {step:g}. The largest is {largest:.6g}."
            )
        courant = 1.0
    told = [state] if stops is None or stops[0] == begin else []
    for stop in [end] if stops is None else stops[stops > begin]:
        steps = iter_conservation_law(law, float(stop), told[-1] if told else state, scheme, courant, step or inf)
        told += steps if stops is None else deque(steps, maxlen=1)
    rows = np.array([_row(state) for state in told])
    return Trajectory(
        times=np.array([state.time for state in told]),
        macro=rows,
        stderr=np.zeros_like(rows),
        cost=Cost(wall=clock() - wall),
        fields=law.fields,
    )


def _as_scheme(scheme: Scheme | None) -> Scheme:
    if isinstance(scheme, type):
        raise ValueError(f"`scheme` must be a scheme, as Muscl() is: got the class {scheme.__name__}.")
    return scheme or Muscl()


def _refuse_another_road(law: ConservationLaw, state: ConservationState) -> None:
    law.in_cells(state.density, state.share_density)
    rows, faces = 1 + len(law.shares), len(law.edges)
    if state.passed.shape != (rows, faces):
        raise ValueError(
            f"A state must say how many have passed each of {faces} faces, shape {(rows, faces)}: "
            f"got shape {state.passed.shape}."
        )
    if state.waiting.shape != (rows,):
        raise ValueError(f"A state must say how many wait outside, shape {(rows,)}: got shape {state.waiting.shape}.")


def _steps(
    law: ConservationLaw, end: float, state: ConservationState, scheme: Scheme, courant: float, step: float
) -> Iterator[ConservationState]:
    while state.time < end:
        largest = min(step, courant * law.largest_step(state.density, scheme, state.shares))
        at_end = end - state.time <= largest * (1 + _ROUND_OFF)
        state = _next(law, scheme, state, end - state.time if at_end else largest)
        yield replace(state, time=end) if at_end else state
        if at_end:
            return


def _next(law: ConservationLaw, scheme: Scheme, state: ConservationState, step: float) -> ConservationState:
    parts = [state.density, state.share_density, state.passed, state.waiting]
    values = scheme.advance(
        lambda values, time: law.euler(scheme, values, time, step),
        np.concatenate([part.ravel() for part in parts]),
        state.time,
        step,
    )
    density, share_density, passed, waiting = np.split(values, np.cumsum([part.size for part in parts])[:-1])
    return ConservationState(
        number=state.number + 1,
        time=state.time + step,
        density=density,
        share_density=share_density.reshape(state.share_density.shape),
        passed=passed.reshape(state.passed.shape),
        waiting=waiting,
    )


def _row(state: ConservationState) -> Array:
    parts = (state.density, state.shares.ravel(), state.passed.ravel(), state.waiting)
    return np.concatenate(parts)
