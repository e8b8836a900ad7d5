"""SUMO's vehicles as a micro-model: lifted faithfully, driven reproducibly, read by Edie's definitions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.random import PCG64, Generator
from scipy.optimize import brentq

import eqfree as ef

libsumo: Any = pytest.importorskip("libsumo", reason="SUMO's library is not installed: pip install -e '.[sumo]'")

from eqfree.adapters.sumo import (  # noqa: E402
    Fleet,
    Network,
    OpenRoad,
    Population,
    Ring,
    RingAtDensity,
    RingOfHeadways,
    SumoMicroModel,
    VehicleType,
    close,
    edie,
    flow,
    headways,
)
from eqfree.adapters.sumo.vehicles import MODELS  # noqa: E402

IDM = VehicleType("IDM", 0.73, 1.67, time_headway=1.6, minimum_gap=2.0, maximum_speed=120 / 3.6)
DAWDLING = VehicleType("Krauss", 0.73, 1.67, time_headway=1.6, minimum_gap=2.0, maximum_speed=120 / 3.6)
SAFE = VehicleType("Krauss", 0.73, 1.67, time_headway=1.6, minimum_gap=2.0, maximum_speed=120 / 3.6, imperfection=0.0)
LONG = VehicleType("Krauss", length=12.0, maximum_speed=80 / 3.6)
CELLS = np.linspace(0.0, 1000.0, 5)

LANES = "".join(
    f"""<edge id="{edge}" from="{a}" to="{b}">
    <lane id="{edge}_0" index="0" speed="30" length="490" shape="{x},-5 {y},-5"/>
    <lane id="{edge}_1" index="1" speed="30" length="490" shape="{x},-2 {y},-2"/></edge>"""
    for edge, a, b, x, y in (("first", "west", "middle", 0, 490), ("second", "middle", "east", 510, 1000))
)
NETWORK = f"""<net version="1.20">
<edge id=":middle_0" function="internal">
<lane id=":middle_0_0" index="0" speed="30" length="20" shape="490,-5 510,-5"/>
<lane id=":middle_0_1" index="1" speed="30" length="20" shape="490,-2 510,-2"/></edge>
{LANES}
<junction id="east" type="dead_end" x="1000" y="0" incLanes="second_0 second_1" intLanes="" shape="1000,0 1000,-6"/>
<junction id="middle" type="priority" x="500" y="0" incLanes="first_0 first_1" intLanes=":middle_0_0 :middle_0_1"
 shape="510,0 510,-6 490,-6 490,0"><request index="0" response="00" foes="00" cont="0"/>
<request index="1" response="00" foes="00" cont="0"/></junction>
<junction id="west" type="dead_end" x="0" y="0" incLanes="" intLanes="" shape="0,0 0,-6"/>
<connection from="first" to="second" fromLane="0" toLane="0" via=":middle_0_0" dir="s" state="M"/>
<connection from="first" to="second" fromLane="1" toLane="1" via=":middle_0_1" dir="s" state="M"/>
<connection from=":middle_0" to="second" fromLane="0" toLane="0" dir="s" state="M"/>
<connection from=":middle_0" to="second" fromLane="1" toLane="1" dir="s" state="M"/>
</net>"""
ARRIVALS = """<additional><vType id="theirs" length="7"/><route id="through" edges="first second"/>
<flow id="f" type="theirs" route="through" begin="2" end="3600" period="4" departSpeed="max"/></additional>"""


def random(seed: int) -> Generator:
    return Generator(PCG64(seed))


@pytest.fixture
def network(tmp_path: Path) -> Network:
    (tmp_path / "own.net.xml").write_text(NETWORK, "utf-8")
    (tmp_path / "own.add.xml").write_text(ARRIVALS, "utf-8")
    edges = np.linspace(0.0, 1000.0, 6)
    return Network(tmp_path / "own.net.xml", ("first", "second"), edges, (tmp_path / "own.add.xml",), lanes=2)


def idm_speed(gap: float) -> float:
    """Treiber, Hennecke & Helbing, Phys. Rev. E 62 (2000) 1805, eq. 5, solved by another method."""
    v0 = IDM.maximum_speed
    speed: float = brentq(lambda v: (2 + 1.6 * v) / np.sqrt(1 - (v / v0) ** 4) - gap, 0, v0 * (1 - 1e-9), xtol=1e-12)
    return speed


@pytest.mark.slow
@pytest.mark.parametrize("vehicle", [IDM, SAFE, DAWDLING], ids=["idm", "safe", "dawdling"])
def test_a_thousand_vehicles_are_where_they_were_put_and_do_not_brake_for_nothing(vehicle: VehicleType) -> None:
    edges = np.linspace(0.0, 40_000.0, 5)
    densities = np.array([0.010, 0.030, 0.020, 0.040])
    model = SumoMicroModel(Ring(edges), vehicle, step=0.5)
    micro = model.lift(densities, random(0))
    number = np.arange(1000) + 0.5  # vehicle k where the cumulative count passes k - 1/2
    asked = np.interp(number, np.concatenate(([0.0], np.cumsum(densities * 10_000))), edges)
    assert len(micro) == 1000
    assert np.abs(micro.position - asked).max() < 1e-3
    for second in range(2):
        after = model.evolve(micro, 0.5, random(second))
        change = (after.speed - micro.speed) / 0.5
        assert -vehicle.deceleration - 1e-9 <= change.min() <= change.max() <= vehicle.acceleration + 1e-9
        micro = after


def test_vehicles_that_sumo_leaves_out_are_counted_and_named() -> None:
    """SUMO holds back, without a word, who is beyond a number that an option says."""
    model = SumoMicroModel(RingAtDensity(20), SAFE, options=("--max-num-vehicles", "12"))
    with pytest.raises(RuntimeError, match=r"SUMO inserted 12 of 20 vehicles; missing are .* and 3 more"):
        model.lift(np.array([0.02]), random(0))


def test_a_vehicle_that_sumo_refuses_is_an_error(tmp_path: Path) -> None:
    file = tmp_path / "own.net.xml"
    file.write_text(NETWORK.replace('speed="30" length="490"', 'speed="30" length="490" allow="bus"'), "utf-8")
    model = SumoMicroModel(Network(file, ("first", "second"), [0.0, 1000.0]), SAFE)
    with pytest.raises(RuntimeError, match=r"eqfree\.0"):
        model.lift(np.array([0.01]), random(0))


def test_vehicles_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="must fit on the road: 10 vehicles"):
        SumoMicroModel(RingAtDensity(10), Fleet((IDM, LONG), (0.5, 0.5))).lift(np.array([0.19]), random(0))


@pytest.mark.parametrize("density", [0.002, 0.02, 0.05, 0.12])
def test_idm_on_a_ring_drives_at_the_published_equilibrium_speed(density: float) -> None:
    model = SumoMicroModel(RingAtDensity(6), IDM, step=0.5, speed=lambda gap: np.full_like(gap, 1.0))
    healed = model.evolve(model.lift(np.array([density]), random(0)), 1500.0, random(1))
    speed = flow(healed, model.evolve(healed, 10.0, random(2)), 10.0) / density
    assert speed == pytest.approx(idm_speed(1 / density - IDM.length), rel=1e-6)


def test_krauss_without_dawdling_keeps_its_headway_in_time() -> None:
    """Equal speeds: gap = minGap + tau v (Krauss 1998), to the half step by which SUMO integrates."""
    model = SumoMicroModel(RingAtDensity(6), SAFE, step=0.1)
    healed = model.evolve(model.lift(np.array([0.04]), random(0)), 200.0, random(1))
    assert healed.speed == pytest.approx((25 - 5 - 2) / 1.6, rel=1e-3)


def test_leaders_are_seen_across_the_joints_of_a_ring_and_laps_are_counted() -> None:
    """Four vehicles on 100 m for hundreds of laps: nobody collides, nobody is lost, and all share the road alike."""
    model = SumoMicroModel(RingOfHeadways(4, 100.0), IDM, step=0.5)
    before = model.lift(np.array([20.0, 30.0, 25.0, 25.0]), random(0))
    healed = model.evolve(before, 1000.0, random(1))
    after = model.evolve(healed, 3000.0, random(2))
    assert headways(after) == pytest.approx(25.0, abs=1e-6)
    assert after.position - healed.position == pytest.approx(3000 * idm_speed(20.0), rel=1e-6)
    assert after.laps.min() > 100


@pytest.mark.parametrize(
    ("road", "macro", "vehicle"),
    [
        (RingAtDensity(12, displacement=0.3), np.array([0.03]), IDM),
        (RingAtDensity(12, displacement=0.3), np.array([0.03]), DAWDLING),
        (Ring(CELLS), np.array([0.01, 0.03, 0.02, 0.04]), Fleet((DAWDLING, LONG), (0.75, 0.25))),
        (OpenRoad(CELLS, demand=0.3), np.array([0.01, 0.03, 0.02, 0.04]), IDM),
        (OpenRoad(CELLS, demand=0.3), np.array([0.01, 0.03, 0.02, 0.04]), Fleet((DAWDLING, LONG), (0.75, 0.25))),
        (RingAtDensity(12), np.array([0.03]), VehicleType("EIDM")),
    ],
    ids=["idm", "krauss", "ring of two kinds", "open road", "open road of two kinds", "a driver who remembers"],
)
def test_same_stream_same_bits_whatever_was_simulated_in_between(road: Any, macro: Any, vehicle: Any) -> None:
    model = SumoMicroModel(road, vehicle, step=0.5, cells=CELLS)
    micro = model.evolve(model.lift(macro, random(3)), 4.0, random(4))
    packed = model.pack(micro)
    onward = model.evolve(micro, 6.0, random(5))
    again, repeated = model.unpack(packed), model.lift(macro, random(3))
    SumoMicroModel(RingAtDensity(3), IDM).lift(np.array([0.01]), random(0))
    assert all(np.array_equal(array, model.pack(again)[name]) for name, array in packed.items())
    for other in (again, model.unpack(packed)):
        reached = model.evolve(other, 6.0, random(5))
        for name in ("name", "position", "speed", "driven", "spent"):
            assert np.array_equal(getattr(reached, name), getattr(onward, name))
        assert (reached.entered, reached.left, reached.time) == (onward.entered, onward.left, onward.time)
    repeated = model.evolve(model.lift(macro, random(3)), 4.0, random(4))
    assert np.array_equal(repeated.position, micro.position)
    if not model.deterministic and vehicle != IDM:
        assert not np.array_equal(model.evolve(again, 6.0, random(6)).position, onward.position)


def test_a_population_whose_simulation_has_gone_on_is_refused() -> None:
    model = SumoMicroModel(RingAtDensity(4), IDM)
    first = model.lift(np.array([0.02]), random(0))
    second = model.evolve(first, 1.0, random(1))
    with pytest.raises(RuntimeError, match="These vehicles are gone"):
        model.evolve(first, 1.0, random(2))
    model.lift(np.array([0.03]), random(3))
    with pytest.raises(RuntimeError, match="These vehicles are gone"):
        model.pack(second)


def test_a_simulation_that_is_not_ours_is_left_alone(tmp_path: Path) -> None:
    close()
    (tmp_path / "own.net.xml").write_text(NETWORK, "utf-8")
    libsumo.start(["sumo", "--net-file", str(tmp_path / "own.net.xml"), "--no-step-log"])
    try:
        with pytest.raises(RuntimeError, match="Another simulation of SUMO"):
            SumoMicroModel(RingAtDensity(4), IDM).lift(np.array([0.02]), random(0))
        assert libsumo.simulation.isLoaded()
    finally:
        libsumo.close()


def test_edies_profile_adds_up_to_the_flow_of_the_ring() -> None:
    """The mean of flow over cells is distance / (length × time); of density, vehicles / length: both exact."""
    model = SumoMicroModel(Ring(CELLS), DAWDLING, step=0.5, cells=CELLS)
    before = model.lift(np.array([0.01, 0.05, 0.02, 0.03]), random(0))
    after = model.evolve(before, 60.0, random(1))
    profile = edie(before, after, CELLS)
    assert profile.flow.mean() == pytest.approx(flow(before, after, 60.0), rel=1e-12)
    assert profile.density.sum() * 250 == pytest.approx(len(before), rel=1e-12)
    assert profile.speed == pytest.approx(profile.flow / profile.density)


def test_an_open_road_in_steady_flow_carries_its_demand() -> None:
    """What flows in equals what flows in any cell (conservation), and every vehicle is accounted for."""
    model = SumoMicroModel(OpenRoad(CELLS, demand=0.25), IDM, step=0.5, cells=CELLS)
    begun = model.lift(np.array([0.01, 0.0, 0.0, 0.01]), random(0))
    before = model.evolve(begun, 200.0, random(1))
    after = model.evolve(before, 400.0, random(2))
    assert after.entered - before.entered == 100
    assert len(begun) + after.entered - after.left == len(after)
    assert edie(before, after, CELLS).flow == pytest.approx(0.25, rel=1e-3)


@pytest.mark.parametrize("road", [Ring(CELLS), OpenRoad(CELLS)], ids=["ring", "open road"])
def test_nobody_and_a_single_vehicle_are_populations_too(road: Any) -> None:
    model = SumoMicroModel(road, IDM, step=0.5, cells=CELLS)
    for density, speed in ((0.0, []), (0.001, [IDM.maximum_speed])):
        begun = model.lift(np.full(4, density), random(0))
        after = model.evolve(begun, 10.0, random(1))
        assert len(begun) == len(after) == round(1000 * density)
        assert after.speed == pytest.approx(speed, rel=1e-3)


def test_a_users_network_is_lifted_along_its_way_and_its_own_flows_go_on(network: Network) -> None:
    model = SumoMicroModel(network, VehicleType(), step=0.5, cells=network.edges)
    densities = np.array([0.02, 0.04, 0.06, 0.04, 0.02])
    begun = model.lift(densities, random(0))
    assert np.abs(model.restrict(begun) - densities).max() <= 1 / 200  # a vehicle: one went from the junction
    assert not ((begun.position > 490.001) & (begun.position < 509.999)).any()
    packed = model.pack(begun)
    after = model.evolve(begun, 20.0, random(1))
    assert after.entered == 5  # at 2, 6, 10, 14 and 18 s
    assert np.array_equal(model.evolve(model.unpack(packed), 20.0, random(1)).position, after.position)
    on_the_road = [edie(begun, after, network.edges).density.sum() * 200, (len(begun) + len(after)) / 2]
    assert min(len(begun), len(after)) < on_the_road[0] < max(on_the_road[1] * 1.2, len(begun))


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("<net><edge", "broken"),
        ("<net></net>", "has no first"),
        ("<routes/>", "whose root is <net>"),
        ('<!DOCTYPE net [<!ENTITY a "a">]><net/>', "no document type"),
        (NETWORK[:1000], "broken"),
    ],
)
def test_a_file_that_is_no_network_is_refused_before_sumo_sees_it(tmp_path: Path, content: str, complaint: str) -> None:
    file = tmp_path / "own.net.xml"
    file.write_text(content, "utf-8")
    with pytest.raises(ValueError, match=complaint):
        Network(file, ("first",), CELLS)


def test_after_a_network_that_sumo_refuses_the_next_simulation_begins(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "own.net.xml"
    file.write_text(NETWORK.replace('length="490"', 'length="many"'), "utf-8")
    with pytest.raises(RuntimeError, match="SUMO cannot begin"):
        SumoMicroModel(Network(file, ("first", "second"), [0.0, 1000.0]), SAFE).lift(np.array([0.01]), random(0))
    assert "Invalid Number Format (double) many" in capfd.readouterr().err
    assert len(SumoMicroModel(RingAtDensity(4), IDM).lift(np.array([0.02]), random(0))) == 4


def test_a_route_that_is_not_connected_is_refused(network: Network) -> None:
    backwards = Network(network.file, ("second", "first"), CELLS)
    with pytest.raises(ValueError, match="no lane leads from second to first"):
        SumoMicroModel(backwards, SAFE).lift(np.full(4, 0.01), random(0))


def test_a_packed_population_that_is_damaged_is_refused() -> None:
    model = SumoMicroModel(RingAtDensity(4), IDM)
    packed = model.pack(model.lift(np.array([0.02]), random(0)))
    close()
    for state in (packed["state"][:-9], packed["state"][::-1]):
        with pytest.raises(ValueError, match="is damaged"):
            model.evolve(model.unpack({**packed, "state": state}), 1.0, random(0))


def test_durations_and_steps_that_sumo_cannot_keep_are_refused() -> None:
    with pytest.raises(ValueError, match="whole milliseconds"):
        SumoMicroModel(RingAtDensity(4), IDM, step=0.0001)
    model = SumoMicroModel(RingAtDensity(4), IDM, step=0.5)
    with pytest.raises(ValueError, match=r"multiple of 0\.5 s"):
        model.evolve(model.lift(np.array([0.02]), random(0)), 0.7, random(0))


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"road": None}, "`road` must be a road, .*: got None"),
        ({"road": Ring}, "`road` must be a road, .*: got <class"),
        ({"vehicles": "IDM"}, r"`vehicles` must be a VehicleType or a Fleet: got 'IDM'. Write VehicleType\('IDM'\)"),
        ({"step": "1"}, "`step` must be of whole milliseconds, in s: got '1'"),
        ({"step": True}, "`step` must be of whole milliseconds, in s: got True"),
        ({"speed": "x"}, r"`speed` must be a function speed\(gap\), or None: got 'x'"),
        ({"options": "--foo"}, "`options` must be a sequence of strings, .*: got '--foo'"),
        ({"options": ("--lateral-resolution", 0.8)}, "`options` must be a sequence of strings"),
    ],
)
def test_arguments_of_another_kind_are_refused(options: dict[str, Any], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        SumoMicroModel(**{"road": RingAtDensity(4), "vehicles": IDM, **options})


@pytest.mark.parametrize("vehicles", [2.5, 4.0, "4", True])
def test_vehicles_are_counted_in_whole_numbers(vehicles: Any) -> None:
    for make in (lambda: RingAtDensity(vehicles), lambda: RingOfHeadways(vehicles, 100.0)):
        with pytest.raises(ValueError, match="`vehicles` must be a whole number: got"):
            make()
    assert RingAtDensity(np.int64(4)).vehicles == 4  # type: ignore[arg-type]


def test_drivers_that_sumo_does_not_know_are_refused() -> None:
    for model in ("XYZ", "krauss", 3):
        with pytest.raises(ValueError, match=rf"car-following model of SUMO's, Krauss, .*: got '?{model}"):
            VehicleType(model)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="`acceleration` of a vehicle type must be positive and finite: got '1'"):
        VehicleType(acceleration="1")  # type: ignore[arg-type]


@pytest.mark.parametrize("name", [name for name in MODELS if name != "CC"])
def test_drivers_whom_we_know_are_known_to_sumo(name: str) -> None:
    """All but CC, which drives in platoons and wants to be told their lanes."""
    assert len(SumoMicroModel(RingAtDensity(2), VehicleType(name)).lift(np.array([0.01]), random(0))) == 2


@pytest.mark.slow
def test_projection_follows_sumos_ring_and_finds_its_steady_state() -> None:
    """A wave on six headways dies out; the uniform ring is steady."""
    brisk = VehicleType("IDM", 1.5, 1.67, time_headway=1.6, minimum_gap=2.0, maximum_speed=120 / 3.6)
    wave = 40 + 3 * np.cos(2 * np.pi * np.arange(6) / 6)
    stepper = ef.CoarseTimeStepper(SumoMicroModel(RingOfHeadways(6, 240.0), brisk, step=0.25))
    directly = stepper.simulate(wave, [10.0, 20.0])
    projected = ef.solve_projective(stepper, (0.0, 20.0), wave, ef.projective.Euler(2.0, 1.0))
    assert projected.success, projected.message
    assert np.abs(projected.macro[-1] - directly.macro[-1]).max() < 0.25 * np.abs(wave - 40).max()
    steady = ef.find_fixed_point(stepper, wave, 20.0)
    assert steady.success, steady.message
    assert steady.macro == pytest.approx(40.0, abs=1e-4)


@pytest.mark.slow
def test_same_bits_in_processes() -> None:
    def read(before: Population, after: Population, duration: float) -> list[float]:
        return [flow(before, after, duration)]

    model = SumoMicroModel(RingAtDensity(8, displacement=0.3), DAWDLING, step=0.5)
    bursts = [
        ef.CoarseTimeStepper(model, replicas=3, executor=executor, seed=11).burst(
            [0.03], (2.0, 5.0), (4,), read, samples=True
        )
        for executor in (None, 2)
    ]
    assert np.array_equal(bursts[0].observed.mean, bursts[1].observed.mean)  # type: ignore[union-attr]
    assert bursts[0].observed.stderr.item() > 0  # type: ignore[union-attr]


@pytest.mark.slow
def test_nothing_is_left_of_two_hundred_simulations(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No file, and no memory: each burst of drivers who dawdle begins SUMO twice."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    model = SumoMicroModel(RingAtDensity(4), DAWDLING, step=0.5)

    def resident() -> float:
        return int(Path("/proc/self/statm").read_text("ascii").split()[1]) * 4096 / 1e6

    def burst(number: int) -> None:
        model.evolve(model.lift(np.array([0.03]), random(number)), 1.0, random(number))

    for number in range(30):
        burst(number)
    before = resident()
    for number in range(30, 100):
        burst(number)
    assert not list(tmp_path.iterdir())
    assert resident() - before < 5
