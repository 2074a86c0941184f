"""The generated nation's air: a world a city, whose emissions went the way of its region.

Cities of a block (a key region, or a part of the rest of the country) have a part of what is unobserved in common.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import numpy.typing as npt
import pandas as pd

from pipeline.worlds.air import air
from pipeline.worlds.benchmark_worlds import HEATING
from pipeline.worlds.counterfactuals import labelled_rng
from pipeline.worlds.emissions import (
    Constructor,
    EmissionHistory,
    Intervention,
    decline,
    flat,
    plateau,
    rise,
    step,
    v_shape,
    with_intervention,
)
from pipeline.worlds.nation_places import NationPlaces
from pipeline.worlds.nation_weather import NationWeather, city_days, nearest_climate
from pipeline.worlds.physics import O3_PHYSICS, O3_TURN, PM25_PHYSICS, Physics
from pipeline.worlds.sample_weather import SHARED
from pipeline.worlds.world import World, create

FloatArray = npt.NDArray[np.float64]

LOCKDOWN = ("2020-01-24", "2020-04-02", 0.80)  # first day, last day, what was left of the emissions
DUST_DAYS = 4  # a year, each spring, in the blocks of the north
NORTH = 33.0  # degrees of latitude, from which dust comes


@dataclass(frozen=True)
class Course:
    """How a region's air is and how its emissions went: PM2.5 of the first year [ug m-3], forms of the physics.

    ``strength`` is given to the constructor under ``parameter``; single cities differ from it by a fifth.
    """

    level: float
    pm25: str
    o3: str
    emissions: Constructor
    parameter: str = ""
    strength: float = 0.0


COURSES: Mapping[str, Course] = MappingProxyType(
    {
        "bth_2_36": Course(52.0, "box", "isopleth", decline, "rate", 0.06),
        "fwp_13": Course(48.0, "box", "isopleth", decline, "rate", 0.02),
        "yrd_31": Course(37.0, "box", "budget", plateau, "rate", 0.08),
        "prd_9": Course(23.0, "box", "budget", rise, "rate", 0.02),
        "cy_16": Course(38.0, "reservoir", "budget", step, "size", 0.20),
        "mid_yangtze_22": Course(39.0, "reservoir", "isopleth", v_shape, "rate", 0.07),
    }
)
"""By key region; what they differ in is what an attribution has to find."""
ELSEWHERE = Course(29.0, "box", "isopleth", decline, "rate", 0.03)
STEADY = Course(26.0, "reservoir", "budget", flat)
STEADY_PARTS = ("part 5", "part 6")
"""The south-west and the north-west, where nothing changes but the season."""


def course_of(block: str) -> Course:
    """The course of a block of cities."""
    return COURSES.get(block, STEADY if block in STEADY_PARTS else ELSEWHERE)


def lockdown(days: pd.DatetimeIndex) -> Intervention | None:
    """The ten weeks of early 2020, where the record holds them."""
    start, end = pd.Timestamp(LOCKDOWN[0]), pd.Timestamp(LOCKDOWN[1])
    return Intervention(start, end, LOCKDOWN[2]) if days[0] <= start and end <= days[-1] else None


def city_world(places: NationPlaces, weather: NationWeather, city: str, *, seed: int) -> World:
    """The world of one city, of its code; in whatever company it is made it is the same."""
    about = places.cities[city]
    course, climate = course_of(about.block), nearest_climate(about.latitude, about.longitude)
    rng = labelled_rng(seed, "city", city)
    history = _history(course, weather.days, HEATING[climate], rng)
    frame, level = city_days(places, weather, city), course.level * np.exp(0.12 * rng.standard_normal())
    of_block = int(labelled_rng(seed, "block", about.block).integers(2**31))

    def of_scale(scale: float) -> World:
        turn, production = O3_TURN[climate][course.o3]
        physics: dict[str, Physics] = {
            "pm25": PM25_PHYSICS[course.pm25].scaled(scale),
            "o3": O3_PHYSICS[course.o3].turned(turn, production=production),
        }
        return create(city, {city: frame}, {city: history}, physics, seed=of_block, shared=SHARED)

    first_year = weather.days.year == weather.days.year[0]
    # PM2.5 is in proportion to the scale
    return of_scale(float(level / of_scale(1.0).actual["pm25"][0, first_year].mean()))


def _history(course: Course, days: pd.DatetimeIndex, heating: float, rng: np.random.Generator) -> EmissionHistory:
    own_heating, own_strength = (
        heating * (1 + 0.15 * rng.uniform(-1, 1)),
        course.strength * (1 + 0.2 * rng.uniform(-1, 1)),
    )
    given = {course.parameter: own_strength} if course.parameter else {}
    history = course.emissions(days, heating=own_heating, **given)
    event = lockdown(days)
    return with_intervention(history, event) if event else history


def city_air(world: World, *, dust: FloatArray) -> dict[str, FloatArray]:
    """A city's actual days of the six pollutants, dims (day,): [ug m-3], CO in [mg m-3].

    PM2.5 and O3 are the physics'; of them and of the emissions over the ventilation the others are made, no more than
    plausible. ``dust`` (day,) comes on top of PM10, and a tenth of it of PM2.5.
    """
    (city,) = world.places
    frame = world.weather_frame(city)
    state = air({str(name): frame[name].to_numpy() for name in frame})
    emissions = world.emissions.sel(place=city).to_numpy()
    trapped = (500 / (state.mixing_height + 100)) ** 0.5 * (2 / state.wind) ** 0.4
    pm25, o3 = (world.actual[name].sel(place=city).to_numpy() for name in ("pm25", "o3"))
    return {
        "pm25": pm25 + 0.1 * dust,
        "pm10": 1.25 * pm25 + 8 * state.wind / (1 + 0.3 * state.rain) + dust,
        "so2": 9 * emissions * trapped,
        "no2": 28 * emissions * trapped,
        "o3": o3,
        "co": 0.65 * (emissions * trapped) ** 0.8,
    }


def dust_starts(block: str, days: pd.DatetimeIndex, *, seed: int) -> list[pd.Timestamp]:
    """First days of the spring's dust, two days each, in a block of cities."""
    found = []
    for year in sorted(set(days.year)):
        rng = labelled_rng(seed, "dust", block, str(year))
        after = sorted(rng.choice(np.arange(0, 70, 5), DUST_DAYS // 2, replace=False).tolist())
        found += [pd.Timestamp(year, 3, 10) + pd.Timedelta(days=offset) for offset in after]
    return [start for start in found if days[0] <= start and start + pd.Timedelta(days=1) <= days[-1]]


def dust_of(places: NationPlaces, city: str, days: pd.DatetimeIndex, *, seed: int) -> FloatArray:
    """The dust of a city's days [ug m-3], none in the south; dims (day,)."""
    found, about = np.zeros(len(days)), places.cities[city]
    if about.latitude < NORTH:
        return found
    rng = labelled_rng(seed, "dust", city)
    for start in dust_starts(about.block, days, seed=seed):
        for day in (start, start + pd.Timedelta(days=1)):
            found[days == day] = 420 * np.exp(0.4 * rng.standard_normal())
    return found
