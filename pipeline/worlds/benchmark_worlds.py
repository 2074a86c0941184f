"""The benchmark's worlds: climates x physics x emission histories, each made from its specification."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from pipeline.worlds.climates import CLIMATES
from pipeline.worlds.emissions import EMISSION_HISTORIES
from pipeline.worlds.physics import O3_PHYSICS, PM25_PHYSICS, city_physics
from pipeline.worlds.weather import Drift, simulate
from pipeline.worlds.world import World, create

HEATING = {"north_china": 0.45, "sichuan_basin": 0.15, "coastal_south": 0.08, "yangtze_delta": 0.22}
CLIMATE_NAMES = tuple(HEATING)
PARALLEL = Drift(wind=0.10, mixing_height=0.10)  # ventilation improves while emissions fall


@dataclass(frozen=True)
class WorldSpec:
    """All that determines a world of one city."""

    name: str
    climate: str
    pm25: str
    o3: str
    emissions: str
    first_year: int
    years: int
    seed: int


def worlds() -> list[WorldSpec]:
    """Every emission history in three climates, with physics, length and seed varied: 30 worlds and more."""
    return [_spec(number, history, turn) for number, (history, turn) in enumerate(_grid())]


def build(spec: WorldSpec) -> World:
    """The world of a specification, made in about a tenth of a second."""
    days = pd.date_range(f"{spec.first_year}-01-01", f"{spec.first_year + spec.years - 1}-12-31", name="day")
    drift = PARALLEL if spec.emissions == "decline_with_weather_trend" else Drift()
    weather = simulate(CLIMATES[spec.climate], days, seed=spec.seed, drift=drift)
    shrinking = spec.emissions == "heating_shrinks"
    heating = HEATING[spec.climate] + (0.25 if shrinking else 0.0)
    history = EMISSION_HISTORIES[spec.emissions](days, heating=heating)
    physics = city_physics(spec.climate, pm25=spec.pm25, o3=spec.o3)
    return create(spec.name, {"city": weather}, {"city": history}, physics, seed=spec.seed)


def _grid() -> list[tuple[str, int]]:
    extra = [("lockdown", 3), ("week_intervention", 3)]
    return [(history, turn) for turn in range(3) for history in EMISSION_HISTORIES] + extra


def _spec(number: int, history: str, turn: int) -> WorldSpec:
    position = list(EMISSION_HISTORIES).index(history)
    climate = CLIMATE_NAMES[(position + turn) % len(CLIMATE_NAMES)]
    pm25 = list(PM25_PHYSICS)[(position // 2 + turn) % 2]
    o3 = list(O3_PHYSICS)[(position // 4 + turn // 2 + position) % 2]
    return WorldSpec(
        name=f"{history}-{climate}-{pm25}-{o3}",
        climate=climate,
        pm25=pm25,
        o3=o3,
        emissions=history,
        first_year=2013 + number % 3,
        years=6 + (number * 7) % 5,
        seed=1000 + number,
    )
