"""Worlds driven by real weather: stations' own, completed where they do not measure by what they do measure.

The UCI Beijing files have temperature, dew point, pressure, rain and wind. Cloud follows from the diurnal range,
humidity and rain, radiation from cloud, the mixing height from season, wind, radiation and a stability nobody measured:
the physics feels them all. A kind of world shows methods everything, another the stations' own variables only.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import pandas as pd

from pipeline.benchmark.cases import Half
from pipeline.errors import InputError
from pipeline.stations import prsa
from pipeline.stations.frames import to_dataset
from pipeline.weather.features import daily
from pipeline.weather.stations import in_canonical_units
from pipeline.worlds.benchmark_worlds import HEATING
from pipeline.worlds.climates import NORTH_CHINA
from pipeline.worlds.counterfactuals import labelled_rng
from pipeline.worlds.emissions import EMISSION_HISTORIES
from pipeline.worlds.physics import O3_PHYSICS, PM25_PHYSICS, city_physics
from pipeline.worlds.weather import VARIABLES, clear_sky_radiation, from_frame
from pipeline.worlds.world import World, create

FIRST, LAST = pd.Timestamp("2013-03-01"), pd.Timestamp("2017-02-28")
MEASURED = ("t2m", "tmax", "tmin", "d2m", "u10", "v10", "sp", "tp")
COLUMNS = ("TEMP", "DEWP", "PRES", "RAIN", "WSPM", "wd")
LEAST_SHARE = 0.9
"""Share of days a station must have measured each variable on."""
STABILITY_MEMORY = 0.45


@dataclass(frozen=True)
class Real:
    """A world of one station's weather, years from March to February; ``number`` counts them."""

    number: int
    path: Path
    emissions: str
    kind: str
    seen: tuple[str, ...]
    year_start: str = "03-01"

    @property
    def name(self) -> str:
        """See ``Case``."""
        return f"real-{self.number:02d}-{self.emissions}-{self.path.name.split('_')[2]}-{len(self.seen)}"

    @property
    def half(self) -> Half:
        """See ``Case``: these worlds took no part in any choice."""
        return "check"

    def world(self) -> World:
        """See ``Case``."""
        weather = from_frame(completed_weather(self.path))
        days = pd.DatetimeIndex(weather.index, name="day")
        history = EMISSION_HISTORIES[self.emissions](days, heating=HEATING["north_china"])
        pm25 = list(PM25_PHYSICS)[self.number % 2]
        o3 = list(O3_PHYSICS)[self.number // 2 % 2]
        physics = city_physics("north_china", pm25=pm25, o3=o3)
        return create(self.name, {"city": weather}, {"city": history}, physics, seed=3000 + self.number)


def real(folder: Path, count: int | None = None) -> list[Real]:
    """Every emission history with the weather of a station, the stations in turn; each seen in full and in part.

    Raises InputError where ``folder`` holds no UCI Beijing files.
    """
    files = prsa.inputs(prsa.Options(reader="prsa", path=folder))
    if not files:
        raise InputError(f"{folder}: no files PRSA_Data_*.csv[.gz]; give --real-weather the folder that holds them")
    histories = list(EMISSION_HISTORIES)[:count]
    kinds = {"real weather": VARIABLES, "real weather, half of it seen": MEASURED}
    return [
        Real(number, files[number % len(files)], history, kind, seen)
        for kind, seen in kinds.items()
        for number, history in enumerate(histories)
    ]


@lru_cache(maxsize=8)
def completed_weather(path: Path) -> pd.DataFrame:
    """A station's daily weather with what it did not measure, ``VARIABLES`` in canonical units, no NaN."""
    return pd.concat([measured(path), derived(measured(path), name=path.name)], axis=1)[list(VARIABLES)]


def measured(path: Path) -> pd.DataFrame:
    """A station's own daily weather; gaps are bridged along a line from day to day. Raises InputError where many."""
    hours = in_canonical_units(prsa.read_file(path, list(COLUMNS)))
    names = [str(name) for name in hours.columns if name not in ("station", "time")]
    hourly = to_dataset(hours, names, resolution="hour", period=(FIRST.date(), LAST.date()), where=str(path))
    days = daily(hourly).isel(station=0)
    table = pd.DataFrame({name: days[name].to_numpy() for name in MEASURED}, index=days.get_index("time"))
    if (known := table.notna().mean()).min() < LEAST_SHARE:
        raise InputError(f"{path}: '{known.idxmin()}' is known on {known.min():.0%} of the days; use another station")
    return table.interpolate().bfill()


def derived(weather: pd.DataFrame, *, name: str) -> pd.DataFrame:
    """Cloud, radiation, mixing height and sea-level pressure that go with the measured ``weather``."""
    rng = labelled_rng(0, "mixing height", name)
    day_of_year = pd.DatetimeIndex(weather.index).day_of_year.to_numpy(dtype=float)
    calm_range = NORTH_CHINA.daily_range.on(day_of_year)
    overcast = (1.35 - (weather["tmax"] - weather["tmin"]) / calm_range) / 0.75
    moist = (12.0 - (weather["t2m"] - weather["d2m"])) / 12.0
    cloud = (0.6 * overcast + 0.3 * moist + 0.25 * (weather["tp"] > 0.5)).clip(0.02, 0.98)
    clear = clear_sky_radiation(NORTH_CHINA.latitude, day_of_year)
    radiation = clear * (1 - 0.7 * cloud**1.7)
    speed = np.sqrt(weather["u10"] ** 2 + weather["v10"] ** 2 + 0.36)
    shocks = rng.standard_normal(len(weather)) * np.sqrt(1 - STABILITY_MEMORY**2)
    stability = pd.Series(shocks).ewm(alpha=1 - STABILITY_MEMORY).mean().to_numpy() / (1 - STABILITY_MEMORY)
    height = NORTH_CHINA.mixing_height.on(day_of_year) + 0.3 * np.log(speed / speed.median())
    height += 0.22 * np.log(radiation / (0.7 * clear)) - 0.24 * stability
    sea_level = weather["sp"] * np.exp(NORTH_CHINA.elevation / (29.3 * weather["t2m"]))
    return pd.DataFrame({"tcc": cloud, "ssrd": radiation, "blh": np.exp(height), "msl": sea_level})
