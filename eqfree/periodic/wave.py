"""Travelling waves: fixed points of the coarse map once the shift along the ring is taken out."""

from __future__ import annotations

from dataclasses import replace
from math import pi, sqrt
from typing import Any, TypeAlias

import numpy as np
from numpy.random import Generator
from numpy.typing import ArrayLike, NDArray

from eqfree.coarse_map import check_map
from eqfree.ensemble import Key
from eqfree.fields import check_bounds
from eqfree.fixed_points import Method, find_fixed_point
from eqfree.micro import MicroModel, conserved_of
from eqfree.results import Status, TravellingWave
from eqfree.stability import coarse_multipliers
from eqfree.stepper import CoarseTimeStepper

__all__ = ["Aligned", "find_travelling_wave", "shift"]

Array: TypeAlias = NDArray[np.float64]

_FLAT = 1e-6  # of the size of a profile: a template's wave that is smaller holds nothing in place
_POINT, _SPECTRUM, _SPEED = range(3)  # keys


class Aligned:
    """A micro-model whose macro state is held where a template is: how far it moved along the ring is taken out.

    Every replica is shifted so that its longest wave has the phase of the template's: the first Fourier mode, or
    whichever is the template's largest (Budanur et al. 2015). So phases that diffuse do not blur the mean.

    Parameters
    ----------
    model
        On a ring of equal places along the first axis of its macro state.
    template : (place, ...)
        Where the profile is held.

    Raises
    ------
    ValueError
        If the template is uniform.

    References
    ----------
    Budanur, Cvitanović, Davidchack & Siminos, Phys. Rev. Lett. 114 (2015) 084102,
    doi:10.1103/PhysRevLett.114.084102.

    Examples
    --------
    >>> import eqfree as ef
    >>> still = ef.micro_model(lambda u, rng: u, lambda u, t, rng: u, lambda u: u, deterministic=True)
    >>> wave = np.cos(2 * np.pi * np.arange(8) / 8)
    >>> np.abs(Aligned(still, wave).restrict(np.roll(wave, 3)) - wave).max() < 1e-12
    np.True_
    """

    burst_batch = None  # a batch restricts as the model does

    def __init__(self, model: MicroModel, template: Array) -> None:
        self.model, self.template = model, template
        mode = np.abs(_modes(template))
        self.wave = 1 + int(np.argmax(mode[1:])) if len(mode) > 1 else 0
        if len(mode) < 2 or not mode[self.wave] > _FLAT * np.abs(template).max(initial=1e-300) * len(template):
            raise ValueError(
                "A travelling wave needs a template that is not uniform, of two places or more: got one that holds "
                "nothing in place. Start from a wave."
            )

    def __getattr__(self, name: str) -> Any:
        if name in ("model", "template", "wave"):  # not there yet: while it is unpickled
            raise AttributeError(name)
        return getattr(self.model, name)

    def conserved(self, macro: Array) -> Array:
        """What the model conserves, and the phase beyond the template's, which is zero: a linear function."""
        kept = conserved_of(self.model)
        phase = (_modes(macro)[self.wave] * _modes(self.template)[self.wave].conj()).imag
        return np.append(np.empty(0) if kept is None else np.ravel(kept(macro)), phase)

    def lift(self, macro: Array, rng: Generator) -> Any:
        """A population with this profile."""
        return self.model.lift(macro, rng)

    def evolve(self, micro: Any, duration: float, rng: Generator) -> Any:
        """The population after ``duration``."""
        return self.model.evolve(micro, duration, rng)

    def restrict(self, micro: Any) -> Array:
        """The profile, where the template is."""
        macro = np.array(self.model.restrict(micro), dtype=np.float64)
        return shift(macro, -self.moved(macro))

    def moved(self, macro: Array) -> float:
        """How far a profile is beyond the template, in parts of the ring, up to a wavelength."""
        ratio = _modes(macro)[self.wave] / _modes(self.template)[self.wave]
        return float(-np.angle(ratio)) / (2 * pi * self.wave)


def shift(macro: Array, distance: float) -> Array:
    """A profile on a ring moved towards larger places by so many parts of it, by the trigonometric polynomial.

    >>> shift(np.array([1.0, 0.0, -1.0, 0.0]), 0.25).round(9) + 0.0
    array([ 0.,  1.,  0., -1.])
    """
    places = len(macro)
    waves = np.fft.rfftfreq(places) * places
    turned = np.exp(-2j * pi * waves * distance)
    if places % 2 == 0:
        turned[-1] = turned[-1].real
    spectrum = np.fft.rfft(macro, axis=0)
    return np.asarray(np.fft.irfft(turned.reshape(-1, *(1,) * (macro.ndim - 1)) * spectrum, places, axis=0))


def find_travelling_wave(
    stepper: CoarseTimeStepper,
    macro0: ArrayLike,
    duration: float,
    key: Key = (),
    *,
    method: Method | None = None,
    key_sets: int = 4,
    multipliers: int = 0,
    difference: float | None = None,
) -> TravellingWave:
    """A profile that moves along a ring without changing, and its speed, which is an unknown.

    The coarse map is read in the frame of the wave: every replica is shifted back to where ``macro0`` is, see
    `Aligned`, and a fixed point of what is left is the wave (its slice of the group of shifts). The speed is the mean
    shift over the duration. Any duration will do, so that models with a ``time_step`` have waves too. For a wave whose
    period is the unknown, and for branches of waves, give `find_fixed_point` and `PseudoArclength` the symmetry
    `eqfree.Rotation`.

    *How to choose.* ``duration``: as for `find_fixed_point`, and shorter than half the time in which the wave moves by
    its own wavelength, or it is taken for a slower one.

    Parameters
    ----------
    stepper
        Of a model on a ring of equal places along the first axis of its macro state.
    macro0
        Near the wave, (place, ...).
    duration
        Between the two readings.
    key, method, key_sets, difference
        As in `find_fixed_point`.
    multipliers
        How many are computed besides the trivial ones; 0 for none. That of a shift counts as conserved: shifts are
        taken out.

    Returns
    -------
    TravellingWave
        Also where none was found: ``message`` says why.

    Raises
    ------
    ValueError
        If macro0 is uniform, or as `find_fixed_point`.

    Examples
    --------
    >>> import eqfree as ef
    >>> place = 2 * np.pi * np.arange(16) / 16
    >>> def drift(u, t, rng):  # to the right by 0.3 places a unit of time, towards an amplitude of 1
    ...     size = 2 * abs(np.fft.rfft(u)[1]) / 16
    ...     return shift(u * (1 + (1 / size - 1) * (1 - np.exp(-t))), 0.3 * t / 16)
    >>> model = ef.micro_model(lambda u, rng: u, drift, lambda u: u, deterministic=True)
    >>> wave = ef.find_travelling_wave(ef.CoarseTimeStepper(model), 0.8 * np.cos(place), duration=2.0)
    >>> wave.success, round(16 * wave.speed, 6), round(float(wave.macro.max()), 6)
    (True, 0.3, 1.0)
    """
    check_map(stepper, duration)
    state = np.array(macro0, dtype=np.float64)
    check_bounds(stepper.fields, state)
    if state.ndim < 1:
        raise ValueError(f"A ring has places along the first axis: got a macro state of shape {state.shape}.")
    frame = Aligned(stepper.model, state)
    aligned = replace(stepper, model=frame)
    found = find_fixed_point(
        aligned, state, duration, (*key, _POINT), method=method, key_sets=key_sets, difference=difference
    )
    cost, spectrum, speed, stderr = found.cost, None, np.nan, np.nan
    if found.success:
        enough = stepper if stepper.deterministic else stepper.with_replicas(found.replicas)
        times = np.array([stepper.healing, stepper.healing + duration])
        burst = enough.burst(found.lifted, times, (*key, _SPEED), samples=True)
        assert burst.samples is not None  # asked for
        moved = np.array([frame.moved(late) - frame.moved(early) for early, late in burst.samples])
        length = 1 / frame.wave
        moved = (moved + length / 2) % length - length / 2
        speed = float(moved.mean()) / duration
        stderr = float(moved.std(ddof=1)) / sqrt(len(moved)) / duration if len(moved) > 1 else 0.0
        cost = cost + burst.cost
        if multipliers:
            spectrum = coarse_multipliers(
                replace(enough, model=frame),
                found.lifted,
                duration,
                multipliers,
                (*key, _SPECTRUM),
                difference=difference,
            )
            cost = cost + spectrum.cost
    return TravellingWave(
        macro=found.macro,
        stderr=found.stderr,
        speed=speed,
        speed_stderr=stderr,
        status=Status.WAVE if found.success else found.status,
        duration=duration,
        replicas=found.replicas,
        cost=cost,
        spectrum=spectrum,
        degrees=found.degrees,
        detail=found.detail,
        fields=found.fields,
    )


def _modes(macro: Array) -> NDArray[np.complex128]:
    """Fourier modes over the places, (wave,), of the first number at each."""
    return np.asarray(np.fft.rfft(macro.reshape(len(macro), -1)[:, 0]))
