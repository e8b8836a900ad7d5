"""SUMO's vehicles as a micro-model: its library in this process, lifted by insertion, every vehicle counted.

It needs the package ``libsumo``: ``pip install eqfree[sumo]``, in a clone ``pip install -e ".[sumo]"``.
"""

from eqfree.adapters.sumo.model import SumoMicroModel
from eqfree.adapters.sumo.population import Population, gaps, headways
from eqfree.adapters.sumo.readings import Profile, edie, flow
from eqfree.adapters.sumo.roads import Network, OpenRoad, Ring, RingAtDensity, RingOfHeadways
from eqfree.adapters.sumo.simulation import close
from eqfree.adapters.sumo.vehicles import Fleet, VehicleType

__all__ = [
    "Fleet",
    "Network",
    "OpenRoad",
    "Population",
    "Profile",
    "Ring",
    "RingAtDensity",
    "RingOfHeadways",
    "SumoMicroModel",
    "VehicleType",
    "close",
    "edie",
    "flow",
    "gaps",
    "headways",
]
