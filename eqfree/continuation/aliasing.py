"""Whether an oscillation is taken for a slower one: its multiplier at one duration cannot tell, at two it can."""

from __future__ import annotations

from math import pi

import numpy as np

from eqfree.results import Spectrum
from eqfree.stepper import CoarseTimeStepper

__all__ = ["aliased", "refuse_frequency", "shorter"]

_SHORTER = 0.618  # of a duration, at which it is read again: multiples of 2π then lie as far apart as may be
_SAME = 0.45  # radians within which two angles agree
_TURNS = 6  # that an oscillation may have made unseen


def aliased(spectrum: Spectrum, place: int, again: Spectrum) -> float | None:
    """The frequency of an oscillation that makes more than half a turn between readings; None if it makes less.

    ``again`` are the multipliers of the same steady state over another duration; that of the same disturbance is found
    by its vector, and its angle must be that of a frequency ω = (arg μ + 2πk)/duration, of which k = 0 is the one that
    a single duration tells.

    Parameters
    ----------
    spectrum, place
        The multipliers, and which of them.
    again
        Over a shorter duration.

    Examples
    --------
    >>> def turning(duration, frequency=2.0):
    ...     pair = np.exp(1j * frequency * duration) * np.ones(1)
    ...     return Spectrum(pair, np.zeros((1, 2, 2)), np.ones((1, 2)) * [1, 1j], ("",), duration)
    >>> aliased(turning(1.0), 0, turning(0.6)), round(aliased(turning(2.0), 0, turning(1.2)), 9)
    (None, 2.0)
    """
    vectors = again.vectors[again.own].reshape(int(again.own.sum()), -1)
    if not len(vectors):
        return None
    same = int(np.argmax(np.abs(vectors.conj() @ spectrum.vectors[place].ravel())))
    seen, angle = np.angle(again.multipliers[again.own][same]), float(np.angle(spectrum.multipliers[place]))
    turns = np.array(sorted(range(-_TURNS, _TURNS + 1), key=abs))
    told = (angle + 2 * pi * turns) * again.duration / spectrum.duration
    apart = np.abs(np.angle(np.exp(1j * (told - seen))))
    number = int(np.argmax(apart < _SAME)) if (apart < _SAME).any() else int(np.argmin(apart))
    return None if turns[number] == 0 else float(abs(angle + 2 * pi * turns[number]) / spectrum.duration)


def shorter(stepper: CoarseTimeStepper, duration: float) -> float | None:
    """A duration that the model can be simulated for, at which multipliers are read again; None if there is none.

    >>> import eqfree as ef
    >>> model = ef.micro_model(lambda u, rng: u, lambda u, t, rng: u, lambda u: u, time_step=0.5)
    >>> shorter(ef.CoarseTimeStepper(model), 2.0), shorter(ef.CoarseTimeStepper(model), 0.5)
    (1.0, None)
    """
    step = getattr(stepper.model, "time_step", None)
    if step is None:
        return _SHORTER * duration
    steps = round(_SHORTER * duration / step)
    return float(steps * step) if 0 < steps < round(duration / step) else None


def refuse_frequency(frequency: float, duration: float) -> str:
    """What is said of an oscillation that is too fast for a duration.

    >>> refuse_frequency(2.0, 3.0)
    'An oscillation of frequency 2 must be read at least every π/ω = 1.5708: got duration=3. Shorten `duration`.'
    """
    return (
        f"An oscillation of frequency {frequency:.5g} must be read at least every π/ω = {pi / frequency:.5g}: got "
        f"duration={duration:g}. Shorten `duration`."
    )
