"""Which molecules a network has, and how it is projected: steps and bursts from its rates."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import inf, isfinite, sqrt

import numpy as np

from agents.molecules import CARRIED, WellMixed, read_network
from scenarios.reaction.equations import count_reactions, find_rates
from scenarios.reaction.settings import ProjectionSettings, Settings

__all__ = ["Plan", "is_comparable", "model_of", "plan_projection"]

_MOLECULES, _MOST_MOLECULES = 1000.0, 1e12  # of the most abundant species
_MANY = 500.0
_VOLUMES = {"brusselator": 1000.0, "schlogl": 10.0}
_STARTS = {
    "brusselator": {"X": 1.0, "Y": 4.468893056209},  # on the cycle of the rate equations, where X = 1 increases
    "schlogl": {"X": 800.0},  # above the upper state; from 250, between the two, molecules go to either
}
_DURATIONS = {"brusselator": 6.0, "michaelis_menten": 50.0}  # less than a period, after which molecules are out of step
_DURATION = 10.0
_STEP = 0.5  # in times of the fastest motion that is followed
_STEPS, _MOST_STEPS = 10, 5000
_BURST = 1 / 16  # of a step, where nothing has to heal
_HEALING = 3.0  # times of the slowest motion that is to die
_BURSTS = 2  # of a step
_MOST = 3e9  # reactions of all populations


@dataclass(frozen=True)
class Plan:
    """How a network is projected, in its unit of time.

    Attributes
    ----------
    duration, step, burst, healing
        Over which time, and by which steps and bursts.
    followed
        The fastest rate that is followed.
    dying
        The slowest rate that dies within every burst; infinite where none does.
    """

    duration: float
    step: float
    burst: float
    healing: float
    followed: float
    dying: float

    @property
    def cut(self) -> float:
        """The rate, in the middle of the gap, from which on motion is taken to have died; infinite where none does."""
        return sqrt(self.followed * self.dying) if isfinite(self.dying) else inf

    @property
    def words(self) -> str:
        """How, and why so."""
        dying = f", rates from {self.dying:.3g} on die" if isfinite(self.dying) else ""
        return (
            f"steps of {self.step:.3g} with {_BURSTS} bursts of {self.burst:.3g}, of which {self.healing:.3g} heal; "
            f"the fastest rate that is followed is {self.followed:.3g}{dying}."
        )


def model_of(settings: Settings) -> WellMixed:
    """The network's molecules, from where its comparison means something.

    Raises
    ------
    ValueError
        If the network cannot be read, starts from nothing and no volume is given, or the volume holds no molecule or
        far too many.
    """
    network = read_network(settings.network)
    if settings.network in _STARTS:
        start = _STARTS[settings.network]
        network = replace(network, initial=np.array([start[name] for name in network.species]))
    most = float(network.initial.max())
    if settings.volume is None and not most > 0:
        raise ValueError(f"The network {settings.network} starts from nothing: give concentrations in it, or `volume`.")
    volume = settings.volume or _VOLUMES.get(settings.network, _MOLECULES / (most or 1.0))
    if most > 0 and not 1 <= most * volume <= _MOST_MOLECULES:
        raise ValueError(
            f"`volume` must hold between one molecule and {_MOST_MOLECULES:g}: got {volume:g} for a concentration of "
            f"at most {most:g}. Without it there are {_MOLECULES:g} molecules or some more."
        )
    return WellMixed(network, volume)


def is_comparable(model: WellMixed, settings: Settings, plan: Plan) -> bool:
    """Whether the mean of molecules is what a projection must come to.

    So it is of many molecules of a carried network for no longer than is usual, after which those that oscillate are
    out of step; files may hold anything.

    >>> settings = Settings()
    >>> model = model_of(settings)
    >>> is_comparable(model, settings, plan_projection(model, settings))
    True
    """
    many = float(model.network.initial.max()) * model.volume >= _MANY
    return many and settings.network in CARRIED and plan.duration <= _DURATIONS.get(settings.network, _DURATION)


def plan_projection(model: WellMixed, settings: Settings) -> Plan:
    """Steps and bursts from the eigenvalues of the rate equations along their solution, where they are not given.

    Raises
    ------
    ValueError
        If the exact simulation would never end, or healing, burst and step do not fit into each other.
    """
    given = settings.projection
    duration = given.duration or _DURATIONS.get(settings.network, _DURATION)
    reactions = count_reactions(model.network, duration, model.volume, _MOST / settings.replicas)
    if not isfinite(reactions):
        raise ValueError(
            f"An exact simulation of {settings.network} must take less than {_MOST:g} reactions: got more, in "
            f"{settings.replicas} populations with `volume` {model.volume:g} over {duration:g}. Take a smaller "
            "`volume`, fewer `replicas` or a shorter `projection.duration`."
        )
    rates = find_rates(model.network, duration, model.volume)
    step = given.step or min(_STEP / rates.followed if rates.followed > 0 else inf, duration / _STEPS)
    healing = given.healing if given.healing is not None else _HEALING / rates.dying
    burst = given.burst or (2 * healing or _BURST * step)
    _check(given, duration, step, burst, healing)
    return Plan(duration, step, burst, healing, rates.followed, rates.dying)


def _check(given: ProjectionSettings, duration: float, step: float, burst: float, healing: float) -> None:
    if not burst > healing:
        raise ValueError(
            f"A burst must be longer than its healing: got projection.burst={burst:g} with "
            f"projection.healing={healing:g}. Lengthen the burst, or shorten the healing."
        )
    if not step > _BURSTS * burst and (given.step or given.burst or given.healing):
        raise ValueError(
            f"A step must be longer than its {_BURSTS} bursts: got projection.step={step:g} with "
            f"projection.burst={burst:g}. Lengthen the step, or shorten the burst."
        )
    if duration / step > _MOST_STEPS:
        raise ValueError(
            f"A projection must take at most {_MOST_STEPS} steps: got steps of {step:.3g} over {duration:g}. Lengthen "
            "`projection.step`, or shorten `projection.duration`."
        )
