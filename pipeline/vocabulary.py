"""The one table of names: quantities, their units, plausible ranges and driver groups.

Units are agreed here and nowhere else. Readers and weather sources convert once, at the door.
"""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from typing import Literal

GAS_FACTOR = 273.15 / 298.15
"""Concentration at 298.15 K of a gas reported at 273.15 K (GB 3095-2012 amendment, in force 2018-09-01)."""


@dataclass(frozen=True)
class Pollutant:
    """What is measured: unit, plausible hourly range, and how its days are assessed (HJ 663)."""

    units: str
    valid_range: tuple[float, float]
    standard_name: str
    english: str
    chinese: str
    daily: Literal["mean", "mda8"] = "mean"
    statistics: tuple[str, ...] = ("mean",)
    gas: bool = False


POLLUTANTS: dict[str, Pollutant] = {
    "pm25": Pollutant("ug m-3", (0, 2000), "mass_concentration_of_pm2p5_ambient_aerosol_particles_in_air",
                      "PM2.5", "PM2.5"),
    "pm10": Pollutant("ug m-3", (0, 5000), "mass_concentration_of_pm10_ambient_aerosol_particles_in_air",
                      "PM10", "PM10"),
    "o3": Pollutant("ug m-3", (0, 1000), "mass_concentration_of_ozone_in_air", "O3", "臭氧",
                    daily="mda8", statistics=("mean", "p90"), gas=True),
    "no2": Pollutant("ug m-3", (0, 1000), "mass_concentration_of_nitrogen_dioxide_in_air", "NO2", "二氧化氮",
                     gas=True),
    "nox": Pollutant("ug m-3", (0, 3000), "mass_concentration_of_nox_expressed_as_nitrogen_dioxide_in_air",
                     "NOx", "氮氧化物", gas=True),
    "so2": Pollutant("ug m-3", (0, 3000), "mass_concentration_of_sulfur_dioxide_in_air", "SO2", "二氧化硫",
                     gas=True),
    "co": Pollutant("mg m-3", (0, 100), "mass_concentration_of_carbon_monoxide_in_air", "CO", "一氧化碳",
                    gas=True),
}  # fmt: skip


def pollutant(name: str) -> Pollutant:
    """The vocabulary's entry for ``name``; an unknown name is any non-negative concentration, assessed by its mean."""
    return POLLUTANTS.get(name, Pollutant("ug m-3", (0, 1e5), "", name, name))


def meant_pollutant(name: str) -> str | None:
    """The vocabulary's pollutant that ``name`` spells but for case and punctuation (``PM2.5``); None when none."""
    known = {re.sub(r"\W|_", "", ours): ours for ours in POLLUTANTS}
    return known.get(re.sub(r"\W|_", "", name.lower()))


DriverGroup = Literal["temperature", "wind", "mixing", "moisture", "radiation", "other"]

GROUPS: dict[DriverGroup, tuple[str, str]] = {
    "temperature": ("temperature", "气温"),
    "wind": ("wind and transport", "风与传输"),
    "mixing": ("mixing height", "混合层高度"),
    "moisture": ("moisture and rain", "湿度与降水"),
    "radiation": ("radiation and cloud", "辐射与云"),
    "other": ("other", "其他"),
}
"""Driver groups, in the order they are printed, with English and Chinese names."""


@dataclass(frozen=True)
class WeatherVariable:
    """A weather quantity: canonical unit, plausible range, how hours make a day, its driver group."""

    units: str
    valid_range: tuple[float, float]
    standard_name: str
    group: DriverGroup
    daily: Literal["mean", "sum", "maximum", "minimum"] = "mean"


WEATHER: dict[str, WeatherVariable] = {
    "t2m": WeatherVariable("K", (180, 340), "air_temperature", "temperature"),
    "tmax": WeatherVariable("K", (180, 340), "air_temperature", "temperature", "maximum"),
    "tmin": WeatherVariable("K", (180, 340), "air_temperature", "temperature", "minimum"),
    "t850": WeatherVariable("K", (180, 340), "air_temperature", "temperature"),
    "t925": WeatherVariable("K", (180, 340), "air_temperature", "temperature"),
    "d2m": WeatherVariable("K", (170, 320), "dew_point_temperature", "moisture"),
    "rh": WeatherVariable("%", (0, 110), "relative_humidity", "moisture"),
    "tp": WeatherVariable("mm", (0, 2000), "lwe_thickness_of_precipitation_amount", "moisture", "sum"),
    "tcwv": WeatherVariable("kg m-2", (0, 120), "atmosphere_mass_content_of_water_vapor", "moisture"),
    "u10": WeatherVariable("m s-1", (-80, 80), "eastward_wind", "wind"),
    "v10": WeatherVariable("m s-1", (-80, 80), "northward_wind", "wind"),
    "wind_speed": WeatherVariable("m s-1", (0, 90), "wind_speed", "wind"),
    "wind_direction": WeatherVariable("degree", (0, 360), "wind_from_direction", "wind"),
    "u850": WeatherVariable("m s-1", (-100, 100), "eastward_wind", "wind"),
    "v850": WeatherVariable("m s-1", (-100, 100), "northward_wind", "wind"),
    "u500": WeatherVariable("m s-1", (-120, 120), "eastward_wind", "wind"),
    "v500": WeatherVariable("m s-1", (-120, 120), "northward_wind", "wind"),
    "w500": WeatherVariable("Pa s-1", (-50, 50), "lagrangian_tendency_of_air_pressure", "wind"),
    "msl": WeatherVariable("Pa", (85000, 110000), "air_pressure_at_mean_sea_level", "wind"),
    "sp": WeatherVariable("Pa", (40000, 110000), "surface_air_pressure", "wind"),
    "blh": WeatherVariable("m", (0, 12000), "atmosphere_boundary_layer_thickness", "mixing"),
    "ssrd": WeatherVariable("W m-2", (0, 1500), "surface_downwelling_shortwave_flux_in_air", "radiation"),
    "tcc": WeatherVariable("1", (0, 1.01), "cloud_area_fraction", "radiation"),
    "lcc": WeatherVariable("1", (0, 1.01), "low_type_cloud_area_fraction", "radiation"),
}  # fmt: skip


HIGHEST_AT_LEAST: dict[str, float] = {"blh": 50.0, "rh": 2.0, "ssrd": 50.0, "tp": 1.0}
"""What the highest day of a year exceeds anywhere: a record that stays below is in km, shares, MJ m-2 d-1 or m."""


def weather_variable(name: str) -> WeatherVariable:
    """The vocabulary's entry for ``name``; an unknown name is any number, in the group ``other``."""
    most = sys.float_info.max
    return WEATHER.get(name, WeatherVariable("unknown", (-most, most), "", "other"))


def group_of(driver: str) -> DriverGroup:
    """The driver group of a weather variable or of a feature derived from it (``t2m``, ``t2m_lag1`` ...).

    Names the vocabulary does not know belong to ``other``.
    """
    stem = re.sub(r"^log_|(_afternoon)?(_lag\d+|_mean\d+)?$", "", driver)
    return WEATHER[stem].group if stem in WEATHER else _DERIVED.get(stem, "other")


_DERIVED: dict[str, DriverGroup] = {
    "diurnal_range": "temperature",
}

TO_CANONICAL: dict[tuple[str, str], tuple[float, float]] = {
    ("degC", "K"): (1, 273.15),
    ("C", "K"): (1, 273.15),
    ("degF", "K"): (5 / 9, 459.67 * 5 / 9),
    ("hPa", "Pa"): (100, 0),
    ("mbar", "Pa"): (100, 0),
    ("kPa", "Pa"): (1000, 0),
    ("m", "mm"): (1000, 0),
    ("kg m-2", "mm"): (1, 0),
    ("inch", "mm"): (25.4, 0),
    ("1", "%"): (100, 0),
    ("%", "1"): (0.01, 0),
    ("km h-1", "m s-1"): (1 / 3.6, 0),
    ("knot", "m s-1"): (0.514444, 0),
    ("mg m-3", "ug m-3"): (1000, 0),
    ("ug m-3", "mg m-3"): (0.001, 0),
    ("km", "m"): (1000, 0),
    ("J m-2 h-1", "W m-2"): (1 / 3600, 0),
    ("J m-2 d-1", "W m-2"): (1 / 86400, 0),
    ("MJ m-2 d-1", "W m-2"): (1e6 / 86400, 0),
}
"""(found, agreed) -> (factor, offset): agreed = found * factor + offset."""

PPB_TO_MICROGRAM: dict[str, float] = {"o3": 1.9620, "no2": 1.8805, "nox": 1.8805, "so2": 2.6187, "co": 1.1449}
"""ug m-3 per ppb at 298.15 K and 1013.25 hPa (molar mass / 24.465 L)."""

SPELLINGS: dict[str, str] = {
    "µg/m³": "ug m-3", "μg/m³": "ug m-3", "ug/m3": "ug m-3", "µg/m3": "ug m-3", "µg m-3": "ug m-3",
    "µg m⁻³": "ug m-3", "ug/m^3": "ug m-3", "mg/m3": "mg m-3", "mg/m³": "mg m-3", "°C": "degC",
    "celsius": "degC", "m/s": "m s-1", "m s**-1": "m s-1", "km/h": "km h-1", "W/m2": "W m-2", "W m**-2": "W m-2",
    "percent": "%", "fraction": "1", "(0 - 1)": "1", "J m**-2": "J m-2 h-1", "J m-2": "J m-2 h-1", "J/m2": "J m-2 h-1",
    "kelvin": "K",
}  # fmt: skip


def conversion(name: str, found: str) -> tuple[float, float] | None:
    """(factor, offset) that takes ``name`` from unit ``found`` to its agreed unit; None when not known."""
    agreed = WEATHER[name].units if name in WEATHER else pollutant(name).units
    found = SPELLINGS.get(found, found)
    if found == agreed:
        return 1.0, 0.0
    if found in ("ppb", "ppm") and name in PPB_TO_MICROGRAM:
        per_ppb = PPB_TO_MICROGRAM[name]
        return (per_ppb if found == "ppb" else 1000 * per_ppb) / (1000 if agreed == "mg m-3" else 1), 0.0
    if name not in WEATHER and name not in POLLUTANTS:
        return 1.0, 0.0
    return TO_CANONICAL.get((found, agreed))


def units_known_for(name: str) -> list[str]:
    """Every unit that ``conversion`` accepts for ``name``, for error messages."""
    agreed = WEATHER[name].units if name in WEATHER else pollutant(name).units
    gases = ["ppb", "ppm"] if name in PPB_TO_MICROGRAM else []
    return [agreed, *gases, *(found for found, to in TO_CANONICAL if to == agreed)]
