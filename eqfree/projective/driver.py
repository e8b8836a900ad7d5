"""The driver of projective integration: what is told of the steps that a scheme makes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from eqfree.ensemble import Key, NotFiniteError
from eqfree.fields import OutOfBoundsError, short
from eqfree.projective.bursts import Ensemble
from eqfree.projective.events import Event
from eqfree.projective.state import Method, ProjectiveState
from eqfree.projective.steps import Made, Run
from eqfree.results import Cost, Crossing, Status, Trajectory
from eqfree.stepper import CoarseTimeStepper

__all__ = ["solve_projective"]

Array: TypeAlias = NDArray[np.float64]
Record: TypeAlias = Callable[[float, Array], ArrayLike]

_ROUND_OFF = 1e-9  # of the time span: an event so near a time that is to be told is there


def solve_projective(
    stepper: CoarseTimeStepper,
    t_span: tuple[float, float],
    macro0: ArrayLike,
    method: Method,
    key: Key = (),
    *,
    t_eval: Sequence[float] | Array | None = None,
    events: Event | Sequence[Event] = (),
    record: Record | None = None,
    groups: int | None = None,
    preliminary: float = 0.0,
    progress: Callable[[float], object] | None = None,
) -> Trajectory:
    """Integrate the unknown macroscopic equation by short bursts and long leaps.

    *How to choose.* ``groups``: the replicas are divided into so many groups that are projected side by side, and how
    far they spread is the standard error, whatever scheme and flow make of the noise. Eight give intervals by Student's
    t with 7 degrees of freedom; fewer give larger groups, whose noise a nonlinear flow bends less; more give a surer
    standard error.

    Parameters
    ----------
    stepper
        The coarse time-stepper.
    t_span
        Beginning and end in the model's time unit. An end before the beginning integrates back in time, by bursts that
        go forward: towards what the motion comes from, sources and saddles.
    macro0
        The macro state at the beginning, an array of any shape.
    method
        A scheme with its options, such as `eqfree.projective.RungeKutta4`.
    key
        Which noise; burst ``i`` of group ``g`` in step ``n`` uses ``(*key, n, i, g)``.
    t_eval
        Times to tell, from the beginning towards the end, of which the last ends the run; steps are shortened to end
        there. By default the end of every step.
    events
        ``event(time, macro) -> float``, one or several: their zeros are found, on a cubic through the step that they
        lie in, or in the preliminary burst. On the way out of what a population can be, and where no burst is possible
        from the end of the step, it is a parabola. As in `scipy.integrate.solve_ivp`, ``event.terminal`` (true, or
        after how many times) ends the run, and ``event.direction`` asks for one direction.
    record
        ``record(time, macro) -> array``: what to keep besides, at the times that are told.
    groups
        Of replicas; by default 8, or as many as there are replicas. A deterministic model has one.
    preliminary
        A burst so long before the first step, from whose end it starts: for a beginning far off the slow manifold.
    progress
        ``progress(share)``: is called after every step with how much of the time span is done, from 0 to 1.

    Returns
    -------
    Trajectory
        The macro states at the ends of the steps, or at ``t_eval``. A projected state that no population has (outside
        the bounds of the model's ``fields``, or with other totals than its ``conserved``) is moved to the nearest one
        that a population has: ``restored`` counts how often, ``moved`` says how far. If the micro-model returns what is
        not finite, or there is no such nearest state, `status` says so and everything before is there. Steps that
        their bursts would cover are simulated plainly and counted in ``simulated``.

    Raises
    ------
    ValueError
        For times that do not fit, a first macro state that cannot be lifted, more groups than replicas, or a
        ``conserved`` that is not linear.

    References
    ----------
    C. W. Gear and I. G. Kevrekidis, SIAM J. Sci. Comput. 24 (2003) 1091, doi:10.1137/S1064827501388157.

    Examples
    --------
    >>> import eqfree as ef
    >>> decay = ef.micro_model(lambda u, rng: u, lambda u, t, rng: u * np.exp(-t), lambda u: u, deterministic=True)
    >>> result = ef.solve_projective(ef.CoarseTimeStepper(decay), (0.0, 1.0), [1.0], ef.projective.Euler(0.1, 0.01))
    >>> result.success, result.cost.bursts
    (True, 10)
    """
    if not isinstance(stepper, CoarseTimeStepper):
        raise ValueError(f"A coarse time-stepper is needed, `CoarseTimeStepper(model, ...)`: got {short(stepper)}.")
    begin, end = _check_span(t_span)
    stops = _check_stops(t_eval, begin, end, preliminary)
    state = ProjectiveState.begin(stepper, begin, macro0, groups, end=float(stops[-1]))
    run = Run(Ensemble(stepper, state.groups[0]), method, key)
    story = _Story(
        run=run,
        state=state,
        begin=begin,
        end=float(stops[-1]),
        every=t_eval is None,
        events=[events] if callable(events) else list(events),
        record=record,
        progress=progress,
    )
    try:
        if t_eval is None or stops[0] == begin:
            story.tell()
        if preliminary:
            story.prepare(preliminary)
        story.go(stops[stops != begin].tolist())
    except NotFiniteError as error:
        story.status = Status.NOT_FINITE
        story.detail = " ".join([str(error), *getattr(error, "__notes__", [])])
    except OutOfBoundsError as error:
        story.status, story.detail = Status.INFEASIBLE, str(error)
    return story.trajectory(macro0)


@dataclass
class _Story:
    """What is told of a run, as it goes."""

    run: Run
    state: ProjectiveState
    begin: float
    end: float
    every: bool
    events: Sequence[Event]
    record: Record | None
    progress: Callable[[float], object] | None
    told: list[ProjectiveState] = field(default_factory=list)
    records: list[Array] = field(default_factory=list)
    crossings: list[Crossing] = field(default_factory=list)
    watched: Cost = field(default_factory=Cost)
    prepared: int = 0
    status: Status = Status.SUCCESS
    detail: str = ""

    def prepare(self, duration: float) -> None:
        """The preliminary burst, which is no step."""
        self._take(self.run.prepare(self.state, duration))
        self.prepared = 1
        if self.every and self.status is not Status.SUCCESS:
            self.tell()

    def go(self, stops: Sequence[float]) -> None:
        """From stop to stop, unless something ends the run before."""
        for stop in stops if self.status is Status.SUCCESS else ():
            for made in self.run.steps(self.state, stop):
                self._take(made)
                if self.progress is not None and not made.step.spent:
                    self.progress((self.state.time - self.begin) / (self.end - self.begin))
                if self.every and not made.step.spent:
                    self.tell()
                if self.status is not Status.SUCCESS:
                    break
            there = abs(self.state.time - stop) <= _ROUND_OFF * abs(self.end - self.begin)
            if there and not self.every:
                self.tell()
            if self.status is not Status.SUCCESS:
                return

    def tell(self) -> None:
        """Keep the state, and what the caller wants to keep of it."""
        self.told.append(self.state)
        if self.record is not None:
            self.records.append(np.asarray(self.record(self.state.time, self.state.macro)))

    def _take(self, made: Made) -> None:
        if made.step.spent:
            self.state, self.status = made.after, Status.BUDGET
            return
        self.state = made.after
        crossings, cost = self.run.crossings(self.events, made)
        self.watched += cost
        for crossing, path in crossings:
            self.crossings.append(crossing)
            if self._is_last(crossing):
                groups = self.run.feasible(path(crossing.time))
                self.state = replace(self.state, time=crossing.time, groups=groups)
                self.status = Status.EVENT
                break

    def _is_last(self, crossing: Crossing) -> bool:
        allowed = int(getattr(self.events[crossing.event], "terminal", 0))
        return 0 < allowed <= sum(one.event == crossing.event for one in self.crossings)

    def trajectory(self, macro0: ArrayLike) -> Trajectory:
        """All of it; without a row where nothing was to be told yet."""
        shape = (len(self.told), *np.shape(macro0))
        state = self.state
        controlled = state.step or self.status is Status.BUDGET
        return Trajectory(
            times=np.array([one.time for one in self.told]),
            macro=np.array([one.macro for one in self.told]).reshape(shape),
            stderr=np.array([one.stderr for one in self.told]).reshape(shape),
            cost=state.cost + self.watched,
            status=self.status,
            detail=" ".join(filter(None, [self.detail, *_remarks(state, state.number - self.prepared)])),
            fields=self.run.ensemble.stepper.fields,
            degrees=state.degrees,
            truncation=np.array([one.truncation for one in self.told]).reshape(shape) if controlled else None,
            crossings=tuple(self.crossings),
            records=np.array(self.records) if self.record is not None else None,
            restored=state.restored,
            moved=state.moved,
            simulated=state.simulated,
        )


def _remarks(state: ProjectiveState, steps: int) -> list[str]:
    remarks = []
    if state.simulated:
        remarks.append(
            f"{state.simulated} of {steps} steps were simulated plainly: their bursts would have covered them."
        )
    if state.restored:
        remarks.append(
            f"{state.restored} projected states were moved to the nearest that a population can have, by "
            f"{state.moved:.2g} of the largest number of a field at most."
        )
    return remarks


def _check_span(t_span: tuple[float, float]) -> tuple[float, float]:
    begin, end = map(float, t_span)
    if not (np.isfinite([begin, end]).all() and begin != end):
        raise ValueError(f"`t_span` must be (beginning, end), finite and two different times: got {tuple(t_span)}.")
    return begin, end


def _check_stops(t_eval: Sequence[float] | Array | None, begin: float, end: float, preliminary: float) -> Array:
    stops = np.array([end] if t_eval is None else t_eval, dtype=np.float64)
    forward = np.sign(end - begin)
    if not (
        stops.ndim == 1
        and len(stops)
        and (forward * np.diff(stops) > 0).all()
        and forward * (stops[0] - begin) >= 0
        and forward * (end - stops[-1]) >= 0
    ):
        raise ValueError(f"`t_eval` must go from {begin:g} towards {end:g}, and not beyond: got {short(stops)}.")
    first = np.append(stops[stops != begin], begin + forward * np.inf)[0]
    if not (0 <= preliminary < np.inf and (forward < 0 or preliminary < first - begin)):
        raise ValueError(
            f"`preliminary` must be a time, and end before the first that is to be told: got {preliminary:g} before "
            f"{first:g}. Leave it out, or shorten it."
        )
    return stops
