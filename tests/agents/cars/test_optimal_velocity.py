"""Values: Bando et al. 1995, exact dispersion and an independent program (references, ov_*); Marschler et al. 2014."""

from dataclasses import replace
from math import cos, cosh, pi, sin, tanh

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.linalg import solve_continuous_lyapunov

from agents.cars import (
    CAR,
    Cars,
    Collision,
    Drivers,
    Fleet,
    OptimalVelocity,
    RingOfHeadways,
    Vehicle,
    headways,
    ring_growth,
    wave_speed,
)
from agents.cars.optimal_velocity import Velocity, tanh_velocity

RNG = np.random.default_rng(0)
BANDO = Vehicle(name="bando", length=0.0, minimum_gap=0.0, time_headway=1.0, desired_speed=1 + tanh(2))
LAW = OptimalVelocity(sensitivity=1.0)
MARSCHLER = OptimalVelocity(sensitivity=1.7, inflection=1.2, step=0.2)


def marschler(level: float) -> Vehicle:
    """The vehicle with V(s) = level (tanh(s - 1.2) + tanh 1.2)."""
    return Vehicle(
        name="marschler", length=0.0, minimum_gap=0.0, desired_speed=level * (1 + tanh(1.2)), time_headway=1 / level
    )


def test_the_default_is_the_function_of_bando() -> None:
    gap = np.linspace(0.0, 6.0, 13)
    assert tanh_velocity(gap, Drivers.of([BANDO], [0] * 13)) == pytest.approx(np.tanh(gap - 2) + tanh(2), abs=1e-14)


def measured_growth(headway: float, cars: int) -> float:
    """The slope of log |mode 1| of a small wave, between 40 and 100 time units after it was made."""
    place = np.arange(cars)
    ring = RingOfHeadways(LAW, BANDO, cars, cars * headway)
    state = ring.lift(headway + 1e-6 * np.cos(2 * pi * place / cars), RNG)
    sizes = []
    for duration in (40.0, 60.0):
        state = ring.evolve(state, duration, RNG)
        sizes.append(abs(headways(state) @ np.exp(2j * pi * place / cars)))
    return float(np.log(sizes[1] / sizes[0]) / 60.0)


@pytest.mark.parametrize("side", [-1, 1])
@pytest.mark.parametrize("cars", [10, 40])
def test_uniform_flow_loses_stability_where_it_should(cars: int, side: int) -> None:
    """Exact: unstable where V'(b) = sech²(b - 2) > a/(1 + cos(2π/N)); both limits to 0.5 % from measured growth."""
    neutral = 2 + side * float(np.arccosh(np.sqrt(1 + cos(2 * pi / cars))))
    outside, inside = neutral * (1 + side * 0.005), neutral * (1 - side * 0.005)
    assert measured_growth(outside, cars) < 0 < measured_growth(inside, cars)


def exact_growth(headway: float, cars: int, mode: int) -> float:
    """max Re z of z² + a z - a V'(e^{iα} - 1) = 0, α = 2πk/N, a = 1, V' = sech²(b - 2)."""
    slope = np.cosh(headway - 2) ** -2
    return float(np.roots([1, 1, -slope * (np.exp(2j * pi * mode / cars) - 1)]).real.max())


@pytest.mark.parametrize("headway", [1.0, 1.5, 2.0, 3.5])
def test_a_wave_grows_as_the_dispersion_relation_says(headway: float) -> None:
    assert measured_growth(headway, 20) == pytest.approx(exact_growth(headway, 20, 1), rel=2e-3, abs=2e-5)


@pytest.mark.parametrize("headway", [1.0, 1.5, 2.0, 3.5])
@pytest.mark.parametrize("cars", [2, 7, 20])
def test_the_growth_on_a_ring_is_that_of_its_fastest_mode(headway: float, cars: int) -> None:
    fastest = max(exact_growth(headway, cars, mode) for mode in range(1, cars))
    assert ring_growth(LAW, BANDO, headway, cars) == pytest.approx(fastest, abs=1e-11)


def test_a_jam_has_the_extremes_and_the_speed_of_the_reference() -> None:
    """100 cars on 200, one displaced by 0.1, the last 40 of 4000 time units; the reference is good to 1e-3."""
    drivers = Fleet.of(BANDO).deck(100)
    position = np.linspace(0.0, 198.0, 100)
    position[0] += 0.1
    cars = LAW.advance(Cars(position, tanh_velocity(np.full(100, 2.0), drivers), drivers, 200.0), 3960.0, RNG)
    snapshots = [cars]
    for _ in range(80):
        snapshots.append(LAW.advance(snapshots[-1], 0.5, RNG))
    ahead = np.array([headways(snapshot) for snapshot in snapshots])
    speed = np.array([snapshot.speed for snapshot in snapshots])
    assert (ahead.min(), ahead.max()) == pytest.approx((0.32278851831642896, 3.677134427812234), abs=1e-3)
    assert (speed.min(), speed.max()) == pytest.approx((0.031528866639957374, 1.8965150652443241), abs=1e-3)
    assert wave_speed(snapshots) == pytest.approx(-0.14793865041721443, abs=2e-3)


def test_cars_bumper_to_bumper_stand() -> None:
    drivers = Fleet.of(BANDO).deck(3)
    cars = LAW.advance(Cars(np.array([0.0, 0.0, 50.0]), np.zeros(3), drivers, 100.0), 0.125, RNG)
    assert cars.speed[0] == pytest.approx(0.0, abs=0.05)
    assert cars.speed[1] > 0.1


def test_any_velocity_runs_and_the_compiled_one_is_no_other() -> None:
    given = OptimalVelocity(sensitivity=1.0, velocity=tanh_velocity)
    ring = RingOfHeadways(given, BANDO, 12, 24.0)
    cars = ring.lift(2 + 0.5 * np.cos(2 * pi * np.arange(12) / 12), RNG)
    assert ring.evolve(cars, 20.0, RNG).position == pytest.approx(LAW.advance(cars, 20.0, RNG).position, abs=1e-9)
    many = given.advance_all([cars, cars], 20.0, [RNG, RNG])
    assert (many[1].position == ring.evolve(cars, 20.0, RNG).position).all()


def test_the_gap_of_any_velocity_is_its_inverse() -> None:
    def hyperbolic(gap: NDArray[np.float64], drivers: Drivers) -> NDArray[np.float64]:
        return drivers.desired_speed * gap / (10.0 + gap)

    law, drivers = OptimalVelocity(velocity=hyperbolic), Drivers.of([Vehicle(desired_speed=30.0)], [0] * 3)
    gap = law.steady_gap(np.array([3.0, 15.0, 31.0]), drivers)
    assert gap == pytest.approx([10 / 9, 10.0, np.inf], rel=1e-12)


def test_an_inflection_of_its_own_makes_the_function_of_marschler() -> None:
    gap, drivers = np.linspace(0.0, 4.0, 9), Drivers.of([marschler(0.88)], [0] * 9)
    speed = MARSCHLER.steady_speed(gap, drivers)
    assert speed == pytest.approx(0.88 * (np.tanh(gap - 1.2) + tanh(1.2)), abs=1e-15)
    assert MARSCHLER.steady_gap(speed, drivers) == pytest.approx(gap, abs=1e-12)


@pytest.mark.parametrize("factor", [0.995, 1.0, 1.005])
def test_the_ring_of_marschler_loses_stability_at_the_exact_hopf_point(factor: float) -> None:
    """Exact: level a/((1 + cos θ) sech²(L/N - h)) = 0.8868849824, frequency 0.0890932, θ = 2π/N."""
    cars, angle, slope = 60, 2 * pi / 60, cosh(1 - 1.2) ** -2
    hopf = 1.7 / ((1 + cos(angle)) * slope)
    frequency = hopf * slope * sin(angle)
    assert (hopf, frequency) == pytest.approx((0.8868849824, 0.0890932), abs=1e-7)
    wave = np.exp(1j * angle * np.arange(cars))
    ring = RingOfHeadways(MARSCHLER, marschler(factor * hopf), cars, 60.0)
    first = ring.evolve(ring.lift(1 + 1e-5 * wave.real, RNG), 40.0, RNG)  # the other root decays at 1.7
    second = ring.evolve(first, 20.0, RNG)
    measured = complex(np.log((headways(second) @ wave.conj()) / (headways(first) @ wave.conj()))) / 20
    exact = max(np.roots([1, 1.7, -1.7 * factor * hopf * slope * (wave[1] - 1)]), key=lambda z: z.real)
    assert measured == pytest.approx(exact, abs=1e-8)
    assert np.sign(exact.real.round(12)) == np.sign(factor - 1)
    assert measured.imag == pytest.approx(frequency, rel=0.01)


# Marschler, Sieber, Berkemer, Kawamoto & Starke, SIAM J. Appl. Dyn. Syst. 13 (2014) 1202, their ring of 60 cars on 60:
# the fold of its travelling waves, by collocation of the equation of the wave in a program of its own.
FOLD, WAVE_SPEED = 0.8799665349337735, -0.8566978655569082  # level of V, cars per time unit
# fmt: off
WAVE = np.array([
    1.3320074936, 1.3152184498, 1.2783287562, 1.2257385058, 1.1652884044, 1.1060989144,
    1.0551499518, 1.0154737661, 0.9867682526, 0.9670404678, 0.9539431201, 0.9454422892,
    0.9400045726, 0.9365583018, 0.9343868922, 0.9330237635, 0.9321700137, 0.9316360672,
    0.9313024310, 0.9310940761, 0.9309640051, 0.9308828229, 0.9308321616, 0.9308005505,
    0.9307808289, 0.9307685285, 0.9307608624, 0.9307560944, 0.9307531459, 0.9307513526,
    0.9307503150, 0.9307498103, 0.9307497457, 0.9307501448, 0.9307511650, 0.9307531550,
    0.9307567721, 0.9307631979, 0.9307745238, 0.9307944307, 0.9308293836, 0.9308907277,
    0.9309983581, 0.9311871352, 0.9315180627, 0.9320976522, 0.9331111410, 0.9348784605,
    0.9379455065, 0.9432240318, 0.9521804037, 0.9670193437, 0.9906703466, 1.0261693236,
    1.0750145176, 1.1349057496, 1.1988197659, 1.2571860027, 1.3016891107, 1.3273468737,
])
# fmt: on


def travelling() -> tuple[RingOfHeadways, Cars]:
    """The ring at the fold, and its wave h(n - ct), whose speeds u(n - ct) have u(n + 1) - u(n) = -c h'(n)."""
    ring = RingOfHeadways(MARSCHLER, marschler(FOLD), 60, 60.0)
    cars = ring.lift(WAVE + (1 - WAVE.mean()), RNG)
    mode = 2j * pi * np.fft.fftfreq(60)
    mode[[0, 30]] = 1.0
    speed = -WAVE_SPEED * mode * np.fft.fft(WAVE) / np.expm1(mode)
    speed[0], speed[30] = 60 * cars.speed.mean(), 0.0  # what drives them sums up to nothing
    return ring, replace(cars, speed=np.fft.ifft(speed).real)


def test_the_wave_at_the_fold_travels_backwards_unchanged() -> None:
    """Twenty cars on, it is 3e-7 from itself, at half the step 2e-8: the error of the scheme."""
    ring, cars = travelling()
    later = ring.evolve(cars, 20 / -WAVE_SPEED, RNG)
    assert np.roll(headways(later), 20) == pytest.approx(headways(cars), abs=1e-6)
    assert np.roll(later.speed, 20) == pytest.approx(cars.speed, abs=1e-6)


def test_the_wave_at_the_fold_nearly_heals_from_steady_speeds() -> None:
    """From its headways alone, speeds heal within 10 time units and leave them 7.5e-4 from a wave 0.4 high."""
    ring, cars = travelling()
    healed = ring.evolve(ring.lift(headways(cars), RNG), 10.0, RNG)
    later = ring.evolve(healed, 20 / -WAVE_SPEED, RNG)
    assert np.roll(headways(later), 20) == pytest.approx(headways(healed), abs=1e-3)


@pytest.mark.slow
def test_noise_gives_uniform_flow_the_exact_covariance() -> None:
    """A P + P A* + diag(0, s²) = 0, mode by mode: headways h' = (e^{iα} - 1) v, speeds dv = a (V' h - v) dt + s dW."""
    cars, level, noise = 6, 0.4, 0.005  # the slowest mode decays at 0.113
    slope = level * cosh(1 - 1.2) ** -2
    expected = np.zeros((2, 2))
    for mode in range(1, cars):
        turn = np.exp(2j * pi * mode / cars) - 1
        drift = np.array([[0, turn], [1.7 * slope, -1.7]])
        expected += solve_continuous_lyapunov(drift, -np.diag([0, noise**2])).real / cars
    expected[1, 1] += noise**2 / (2 * 1.7) / cars  # mode 0: the headways sum up to the ring
    ring = RingOfHeadways(replace(MARSCHLER, noise=noise, step=0.05), marschler(level), cars, 6.0)
    uniform = ring.lift(np.ones(cars), RNG)
    rngs = [np.random.default_rng([3, replica]) for replica in range(1000)]
    deviations = [
        np.stack([headways(micro) - 1, micro.speed - uniform.speed])
        for micro in ring.law.advance_all([uniform] * 1000, 40.0, rngs)
    ]
    samples = np.array([deviation @ deviation.T / cars for deviation in deviations])
    error = samples.std(axis=0, ddof=1) / np.sqrt(1000)
    assert (error < 0.05 * np.sqrt(np.outer(np.diag(expected), np.diag(expected)))).all()
    assert (np.abs(samples.mean(axis=0) - expected) < 4 * error).all()


@pytest.mark.slow
def test_the_noise_is_of_second_weak_order() -> None:
    """Cars far apart: dv = a (v0 - v) dt + s dW, with the exact variance s²/(2a) when time has passed."""
    steps, errors, count = (0.8, 0.4), [], 50_000
    for step in steps:
        law = OptimalVelocity(sensitivity=1.0, noise=0.5, step=step)
        cars = RingOfHeadways(law, CAR, count, 1e3 * count).lift(np.full(count, 1e3), RNG)
        rng, variances = np.random.default_rng(11), []
        for duration in [16.0] + 19 * [4.0]:
            cars = law.advance(cars, duration, rng)
            variances.append(np.mean((cars.speed - CAR.desired_speed) ** 2))
        errors.append(np.mean(variances) / (0.5**2 / 2) - 1)
    assert np.log(errors[0] / errors[1]) / np.log(2) == pytest.approx(2, abs=0.15), errors


def jam(law: OptimalVelocity) -> Cars:
    return RingOfHeadways(law, BANDO, 12, 24.0).lift(2 + 0.5 * np.cos(2 * pi * np.arange(12) / 12), RNG)


def test_noise_that_is_below_round_off_changes_no_bit() -> None:
    quiet, faint = LAW.advance(jam(LAW), 30.0, RNG), replace(LAW, noise=1e-300).advance(jam(LAW), 30.0, RNG)
    assert (quiet.position == faint.position).all()
    assert (quiet.speed == faint.speed).all()
    assert LAW.deterministic
    assert not replace(LAW, noise=1e-300).deterministic


def test_the_noise_of_any_velocity_is_that_of_the_compiled_one() -> None:
    compiled, given = (OptimalVelocity(velocity=velocity, noise=0.1) for velocity in (None, tanh_velocity))
    one, other = (law.advance(jam(law), 20.0, np.random.default_rng(5)) for law in (compiled, given))
    assert one.position == pytest.approx(other.position, abs=1e-9)
    assert one.speed == pytest.approx(other.speed, abs=1e-9)
    assert np.abs(one.speed - LAW.advance(jam(LAW), 20.0, RNG).speed).max() > 0.01


def test_the_same_generator_gives_the_same_noise_whatever_the_cars_do() -> None:
    law = OptimalVelocity(noise=0.1)
    rngs = [np.random.default_rng(5) for _ in range(3)]
    nudged = replace(jam(law), position=jam(law).position + 1e-6 * np.arange(12))
    first, again, beside = (
        law.advance(cars, 20.0, rng) for cars, rng in zip((jam(law), jam(law), nudged), rngs, strict=True)
    )
    assert (first.position == again.position).all()
    assert 0 < np.abs(first.position - beside.position).max() < 1e-3
    assert rngs[0].bit_generator.state == rngs[2].bit_generator.state


def test_noise_makes_no_car_reverse_and_needs_no_car() -> None:
    law, drivers = OptimalVelocity(noise=0.5), Drivers.of([CAR], [0] * 50)
    later = law.advance(Cars(np.linspace(0.0, 367.5, 50), np.zeros(50), drivers, 375.0), 1.0, np.random.default_rng(1))
    assert later.speed.min() == 0.0
    assert later.speed.max() > 0.1
    nobody = Cars(np.empty(0), np.empty(0), Drivers.of([], []), 100.0, ring=False)
    assert len(law.advance(nobody, 1.0, RNG)) == 0


@pytest.mark.parametrize("velocity", [None, tanh_velocity])
def test_noisy_cars_that_overlap_collide_at_once(velocity: Velocity | None) -> None:
    """At 60 m/s, 1 m behind a car that stands: through it in the first step, and behind it again 5 s later."""
    crash = Cars(np.array([0.0, 6.0]), np.array([60.0, 0.0]), Drivers.of([CAR], [0, 0]), 2000.0)
    law = OptimalVelocity(velocity=velocity, noise=0.01, step=0.2)
    with pytest.raises(Collision, match=r"^At t = 0\.2 s car 0 .* overlaps car 1"):
        law.advance(crash, 5.0, RNG)


def test_options_that_are_none_are_refused() -> None:
    with pytest.raises(ValueError, match=r"`sensitivity` .* got 0"):
        OptimalVelocity(sensitivity=0.0)
    with pytest.raises(ValueError, match=r"`inflection` .* got -1"):
        OptimalVelocity(inflection=-1.0)
    with pytest.raises(ValueError, match=r"`inflection` belongs to `tanh_velocity`: got 1\.2"):
        OptimalVelocity(velocity=tanh_velocity, inflection=1.2)
    with pytest.raises(ValueError, match=r"`noise` .* got nan"):
        OptimalVelocity(noise=float("nan"))
