"""Box physics with memory from day to day: two forms each for PM2.5 and for the daily maximum 8-h ozone.

All share one signature: ``run(weather, emissions, unobserved) -> concentrations`` with the day as the
leading dimension and any trailing dimensions that broadcast, so that thousands of counterfactuals step
through the days together. Concentrations are in [ug m-3], gases at the 298.15 K reference.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from pipeline.worlds.air import Air, Physics, Unobserved, air, relative_humidity, sector
from pipeline.worlds.ozone import OzoneBudget, OzoneIsopleth
from pipeline.worlds.particles import PrecursorReservoir, VentilatedBox

__all__ = [
    "O3_PHYSICS",
    "PM25_PHYSICS",
    "Air",
    "OzoneBudget",
    "OzoneIsopleth",
    "Physics",
    "PrecursorReservoir",
    "Unobserved",
    "VentilatedBox",
    "air",
    "city_physics",
    "relative_humidity",
    "sector",
]

PM25_PHYSICS: Mapping[str, VentilatedBox | PrecursorReservoir] = MappingProxyType(
    {"box": VentilatedBox(), "reservoir": PrecursorReservoir()}
)
O3_PHYSICS: Mapping[str, OzoneIsopleth | OzoneBudget] = MappingProxyType(
    {"isopleth": OzoneIsopleth(), "budget": OzoneBudget()}
)
# scales that bring the annual PM2.5 at emissions of 1 to 35-70 ug m-3
PM25_SCALE = {
    "north_china": {"box": 0.72, "reservoir": 1.25},
    "sichuan_basin": {"box": 0.35, "reservoir": 0.62},
    "coastal_south": {"box": 0.42, "reservoir": 0.75},
    "yangtze_delta": {"box": 0.55, "reservoir": 0.9},
}
# where ozone turns relative to the emissions (the coast near its ridge), and how productive the air is
O3_TURN = {
    "north_china": {"isopleth": (1.0, 1.0), "budget": (1.0, 1.0)},
    "sichuan_basin": {"isopleth": (1.3, 1.15), "budget": (1.3, 0.95)},
    "coastal_south": {"isopleth": (1.7, 1.3), "budget": (1.7, 0.55)},
    "yangtze_delta": {"isopleth": (1.15, 1.1), "budget": (1.15, 0.95)},
}


def city_physics(climate: str, *, pm25: str, o3: str) -> dict[str, Physics]:
    """Both pollutants' physics by the names of their forms, at the size of a city in this climate."""
    turn, production = O3_TURN[climate][o3]
    return {
        "pm25": PM25_PHYSICS[pm25].scaled(PM25_SCALE[climate][pm25]),
        "o3": O3_PHYSICS[o3].turned(turn, production=production),
    }
