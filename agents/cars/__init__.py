"""Cars on one lane: drivers, laws of driving, lifting and readings."""

from agents.cars.counts import RoadOfCounts, count_at
from agents.cars.equilibrium import equilibrium_gaps, equilibrium_speed
from agents.cars.fleet import BRISK, CAR, CAUTIOUS, TRUCK, AnyFleet, DistributedFleet, Drivers, Fleet, Vehicle
from agents.cars.follow_the_leader import FollowTheLeader
from agents.cars.idm import IDM
from agents.cars.inflow import advance_open_road, waiting
from agents.cars.law import Law
from agents.cars.lifting import place_at_density, place_on_profile
from agents.cars.models import Road
from agents.cars.nagel_schreckenberg import NagelSchreckenberg
from agents.cars.newell import Newell
from agents.cars.optimal_velocity import OptimalVelocity
from agents.cars.readings import (
    CellReadings,
    crossings,
    density_profile,
    edie,
    flow,
    headway_deviation,
    mean_headway,
    speed_profile,
    wave_speed,
)
from agents.cars.rings import RingAtDensity, RingOfHeadways, RingOfSpread
from agents.cars.road import Cars, Collision, check, gaps, headways, pack, unpack
from agents.cars.safe_distance import SafeDistance
from agents.cars.stability import largest_stable_ring, ring_growth

__all__ = [
    "BRISK",
    "CAR",
    "CAUTIOUS",
    "IDM",
    "TRUCK",
    "AnyFleet",
    "Cars",
    "CellReadings",
    "Collision",
    "DistributedFleet",
    "Drivers",
    "Fleet",
    "FollowTheLeader",
    "Law",
    "NagelSchreckenberg",
    "Newell",
    "OptimalVelocity",
    "RingAtDensity",
    "RingOfHeadways",
    "RingOfSpread",
    "Road",
    "RoadOfCounts",
    "SafeDistance",
    "Vehicle",
    "advance_open_road",
    "check",
    "count_at",
    "crossings",
    "density_profile",
    "edie",
    "equilibrium_gaps",
    "equilibrium_speed",
    "flow",
    "gaps",
    "headway_deviation",
    "headways",
    "largest_stable_ring",
    "mean_headway",
    "pack",
    "place_at_density",
    "place_on_profile",
    "ring_growth",
    "speed_profile",
    "unpack",
    "waiting",
    "wave_speed",
]
