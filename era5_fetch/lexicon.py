"""The one table of variables: names in every dialect, units, kinds, ranges and CF names.

Sources: ECMWF parameter database (https://codes.ecmwf.int/grib/param-db), ERA5 data documentation
(https://confluence.ecmwf.int/display/CKB/ERA5%3A+data+documentation), CF standard name table.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING

from era5_fetch.errors import VariableError

if TYPE_CHECKING:
    from collections.abc import Mapping


class Kind(StrEnum):
    """What a value at time t stands for."""

    INSTANT = "instantaneous"
    ACCUMULATED = "accumulated over the hour that ends at t"
    MEAN = "mean rate over the hour that ends at t"
    MAXIMUM = "maximum over the hour that ends at t"
    MINIMUM = "minimum over the hour that ends at t"


@dataclass(frozen=True)
class Variable:
    """One quantity, by all its names.

    `plausible` is the range of one hour anywhere on Earth, in `unit`; a lower bound of zero says that the
    quantity cannot be negative. `also` are further names met in files: old netCDF short names, ERA5-Land.
    """

    name: str
    parameter: int
    """ECMWF paramId: the name that does not change."""
    request: str
    """The CDS's long name; Google's ARCO store uses the same, but for `arco`."""
    grib: str
    """GRIB shortName, as ecCodes gives it today."""
    unit: str
    """The unit of the canonical Dataset."""
    plausible: tuple[float, float]
    long_name: str
    standard_name: str = ""
    kind: Kind = Kind.INSTANT
    also: tuple[str, ...] = ()
    arco: str = ""
    absent_in_places: bool = False
    """Has no value at some cells by nature: the sea on land, the base of no cloud, convection in stable air
    (https://confluence.ecmwf.int/display/CKB/ERA5%3A+data+documentation)."""
    level: int | None = None
    """Pressure [hPa], of a variable flattened from pressure levels."""

    @property
    def names(self) -> frozenset[str]:
        """Every name of every dialect."""
        return frozenset({self.name, self.request, self.grib, self.arco, *self.also} - {""})

    @property
    def arco_name(self) -> str:
        """The long name in Google's ARCO store."""
        return self.arco or self.request

    @property
    def tiny(self) -> float:
        """How far below zero packing may push a non-negative quantity, in `unit`: 1e-4 of its range."""
        return 1e-4 * self.plausible[1] if self.plausible[0] == 0 else 0.0


_ACCUMULATED, _MEAN = Kind.ACCUMULATED, Kind.MEAN
_TEMPERATURE, _WIND, _FLUX, _DEPTH = (170.0, 350.0), (-120.0, 120.0), (0.0, 1600.0), (0.0, 200.0)
_EXCHANGE, _FRACTION = (-2500.0, 2500.0), (0.0, 1.0)
_SHORTWAVE, _LONGWAVE = (
    "surface_downwelling_shortwave_flux_in_air",
    "surface_downwelling_longwave_flux_in_air",
)
_NET_SHORTWAVE, _NET_LONGWAVE = "surface_net_downward_shortwave_flux", "surface_net_downward_longwave_flux"
_LIQUID = "lwe_thickness_of_"

# fmt: off
_SINGLE = (
    Variable("t2m", 167, "2m_temperature", "2t", "K", _TEMPERATURE, "air temperature at 2 m",
             "air_temperature"),
    Variable("d2m", 168, "2m_dewpoint_temperature", "2d", "K", _TEMPERATURE, "dew point at 2 m",
             "dew_point_temperature"),
    Variable("mx2t", 201, "maximum_2m_temperature_since_previous_post_processing", "mx2t", "K", _TEMPERATURE,
             "maximum air temperature at 2 m", "air_temperature", Kind.MAXIMUM),
    Variable("mn2t", 202, "minimum_2m_temperature_since_previous_post_processing", "mn2t", "K", _TEMPERATURE,
             "minimum air temperature at 2 m", "air_temperature", Kind.MINIMUM),
    Variable("skt", 235, "skin_temperature", "skt", "K", (160.0, 370.0), "skin temperature",
             "surface_temperature"),
    Variable("sst", 34, "sea_surface_temperature", "sst", "K", (265.0, 315.0), "sea surface temperature",
             "sea_surface_temperature", absent_in_places=True),
    Variable("stl1", 139, "soil_temperature_level_1", "stl1", "K", _TEMPERATURE,
             "soil temperature, 0 to 7 cm", "soil_temperature"),
    Variable("u10", 165, "10m_u_component_of_wind", "10u", "m s-1", _WIND, "eastward wind at 10 m",
             "eastward_wind"),
    Variable("v10", 166, "10m_v_component_of_wind", "10v", "m s-1", _WIND, "northward wind at 10 m",
             "northward_wind"),
    Variable("u100", 228246, "100m_u_component_of_wind", "100u", "m s-1", _WIND, "eastward wind at 100 m",
             "eastward_wind"),
    Variable("v100", 228247, "100m_v_component_of_wind", "100v", "m s-1", _WIND, "northward wind at 100 m",
             "northward_wind"),
    Variable("i10fg", 228029, "instantaneous_10m_wind_gust", "i10fg", "m s-1", (0.0, 150.0), "gust at 10 m",
             "wind_speed_of_gust"),
    Variable("fg10", 49, "10m_wind_gust_since_previous_post_processing", "10fg", "m s-1", (0.0, 150.0),
             "strongest gust at 10 m", "wind_speed_of_gust", Kind.MAXIMUM),
    Variable("zust", 228003, "friction_velocity", "zust", "m s-1", (0.0, 10.0), "friction velocity"),
    Variable("fsr", 244, "forecast_surface_roughness", "fsr", "m", (0.0, 20.0), "roughness length",
             "surface_roughness_length"),
    Variable("blh", 159, "boundary_layer_height", "blh", "m", (0.0, 8000.0), "boundary layer height",
             "atmosphere_boundary_layer_thickness"),
    Variable("sp", 134, "surface_pressure", "sp", "Pa", (45000.0, 110000.0), "surface pressure",
             "surface_air_pressure"),
    Variable("msl", 151, "mean_sea_level_pressure", "msl", "Pa", (85000.0, 110000.0),
             "pressure at mean sea level", "air_pressure_at_mean_sea_level"),
    Variable("tp", 228, "total_precipitation", "tp", "mm", _DEPTH, "precipitation",
             _LIQUID + "precipitation_amount", _ACCUMULATED),
    Variable("cp", 143, "convective_precipitation", "cp", "mm", _DEPTH, "convective precipitation",
             _LIQUID + "convective_precipitation_amount", _ACCUMULATED),
    Variable("lsp", 142, "large_scale_precipitation", "lsp", "mm", _DEPTH, "large-scale precipitation",
             _LIQUID + "stratiform_precipitation_amount", _ACCUMULATED),
    Variable("sf", 144, "snowfall", "sf", "mm", _DEPTH, "snowfall, water equivalent",
             _LIQUID + "snowfall_amount", _ACCUMULATED),
    Variable("smlt", 45, "snowmelt", "smlt", "mm", _DEPTH, "snowmelt, water equivalent", "", _ACCUMULATED),
    Variable("ro", 205, "runoff", "ro", "mm", _DEPTH, "runoff", "", _ACCUMULATED),
    Variable("e", 182, "evaporation", "e", "mm", (-5.0, 5.0),
             "evaporation, water equivalent, negative upward", "", _ACCUMULATED, ("total_evaporation",)),
    Variable("avg_tprate", 235055, "mean_total_precipitation_rate", "avg_tprate", "kg m-2 s-1", (0.0, 0.056),
             "precipitation rate", "precipitation_flux", _MEAN, ("mtpr",)),
    Variable("ssrd", 169, "surface_solar_radiation_downwards", "ssrd", "W m-2", _FLUX,
             "downward short-wave radiation at the surface", _SHORTWAVE, _ACCUMULATED),
    Variable("ssrdc", 228129, "surface_solar_radiation_downward_clear_sky", "ssrdc", "W m-2", _FLUX,
             "downward short-wave radiation at the surface under a clear sky",
             _SHORTWAVE + "_assuming_clear_sky", _ACCUMULATED),
    Variable("fdir", 228021, "total_sky_direct_solar_radiation_at_surface", "fdir", "W m-2", _FLUX,
             "direct short-wave radiation at the surface", "surface_direct_downwelling_shortwave_flux_in_air",
             _ACCUMULATED),
    Variable("tisr", 212, "toa_incident_solar_radiation", "tisr", "W m-2", _FLUX,
             "short-wave radiation from the sun at the top of the atmosphere", "toa_incoming_shortwave_flux",
             _ACCUMULATED),
    Variable("uvb", 57, "downward_uv_radiation_at_the_surface", "uvb", "W m-2", (0.0, 250.0),
             "downward ultraviolet radiation at the surface", "", _ACCUMULATED),
    Variable("ssr", 176, "surface_net_solar_radiation", "ssr", "W m-2", _FLUX,
             "net downward short-wave radiation at the surface", _NET_SHORTWAVE, _ACCUMULATED),
    Variable("strd", 175, "surface_thermal_radiation_downwards", "strd", "W m-2", (0.0, 700.0),
             "downward long-wave radiation at the surface", _LONGWAVE, _ACCUMULATED),
    Variable("str", 177, "surface_net_thermal_radiation", "str", "W m-2", (-700.0, 200.0),
             "net downward long-wave radiation at the surface", _NET_LONGWAVE, _ACCUMULATED),
    Variable("sshf", 146, "surface_sensible_heat_flux", "sshf", "W m-2", _EXCHANGE,
             "sensible heat flux, positive downward", "surface_downward_sensible_heat_flux", _ACCUMULATED),
    Variable("slhf", 147, "surface_latent_heat_flux", "slhf", "W m-2", _EXCHANGE,
             "latent heat flux, positive downward", "surface_downward_latent_heat_flux", _ACCUMULATED),
    Variable("avg_sdswrf", 235035, "mean_surface_downward_short_wave_radiation_flux", "avg_sdswrf", "W m-2",
             _FLUX, "downward short-wave radiation at the surface", _SHORTWAVE, _MEAN, ("msdwswrf",)),
    Variable("avg_snswrf", 235037, "mean_surface_net_short_wave_radiation_flux", "avg_snswrf", "W m-2", _FLUX,
             "net downward short-wave radiation at the surface", _NET_SHORTWAVE, _MEAN, ("msnswrf",)),
    Variable("avg_sdlwrf", 235036, "mean_surface_downward_long_wave_radiation_flux", "avg_sdlwrf", "W m-2",
             (0.0, 700.0), "downward long-wave radiation at the surface", _LONGWAVE, _MEAN, ("msdwlwrf",)),
    Variable("avg_snlwrf", 235038, "mean_surface_net_long_wave_radiation_flux", "avg_snlwrf", "W m-2",
             (-700.0, 200.0), "net downward long-wave radiation at the surface", _NET_LONGWAVE, _MEAN,
             ("msnlwrf",)),
    Variable("avg_ishf", 235033, "mean_surface_sensible_heat_flux", "avg_ishf", "W m-2", _EXCHANGE,
             "sensible heat flux, positive downward", "surface_downward_sensible_heat_flux", _MEAN,
             ("msshf",)),
    Variable("avg_slhtf", 235034, "mean_surface_latent_heat_flux", "avg_slhtf", "W m-2", _EXCHANGE,
             "latent heat flux, positive downward", "surface_downward_latent_heat_flux", _MEAN, ("mslhf",)),
    Variable("tcc", 164, "total_cloud_cover", "tcc", "1", _FRACTION, "cloud cover", "cloud_area_fraction"),
    Variable("lcc", 186, "low_cloud_cover", "lcc", "1", _FRACTION, "low cloud cover",
             "low_type_cloud_area_fraction"),
    Variable("mcc", 187, "medium_cloud_cover", "mcc", "1", _FRACTION, "medium cloud cover",
             "medium_type_cloud_area_fraction"),
    Variable("hcc", 188, "high_cloud_cover", "hcc", "1", _FRACTION, "high cloud cover",
             "high_type_cloud_area_fraction"),
    Variable("cbh", 228023, "cloud_base_height", "cbh", "m", (0.0, 30000.0), "cloud base above the ground",
             absent_in_places=True),
    Variable("tcwv", 137, "total_column_water_vapour", "tcwv", "kg m-2", (0.0, 110.0),
             "water vapour in the column", "atmosphere_mass_content_of_water_vapor"),
    Variable("tcw", 136, "total_column_water", "tcw", "kg m-2", (0.0, 130.0), "water in the column"),
    Variable("tco3", 206, "total_column_ozone", "tco3", "kg m-2", (0.0, 0.015), "ozone in the column",
             "atmosphere_mass_content_of_ozone"),
    Variable("cape", 59, "convective_available_potential_energy", "cape", "J kg-1", (0.0, 15000.0),
             "convective available potential energy", "atmosphere_convective_available_potential_energy"),
    Variable("cin", 228001, "convective_inhibition", "cin", "J kg-1", (0.0, 10000.0), "convective inhibition",
             "atmosphere_convective_inhibition", absent_in_places=True),
    Variable("swvl1", 39, "volumetric_soil_water_layer_1", "swvl1", "m3 m-3", _FRACTION,
             "volumetric soil water, 0 to 7 cm", "volume_fraction_of_condensed_water_in_soil"),
    Variable("sd", 141, "snow_depth", "sd", "m", (0.0, 11.0), "snow on the ground, water equivalent",
             _LIQUID + "surface_snow_amount", also=("snow_depth_water_equivalent",)),
    Variable("rsn", 33, "snow_density", "rsn", "kg m-3", (0.0, 920.0), "snow density", "snow_density"),
    Variable("snowc", 260038, "snow_cover", "snowc", "%", (0.0, 100.0), "snow cover (ERA5-Land)",
             "surface_snow_area_fraction"),
    Variable("fal", 243, "forecast_albedo", "fal", "1", _FRACTION, "albedo", "surface_albedo"),
    Variable("slt", 43, "soil_type", "slt", "1", (0.0, 7.0), "soil type, a code"),
    Variable("lsm", 172, "land_sea_mask", "lsm", "1", _FRACTION, "share of land", "land_area_fraction"),
    Variable("z", 129, "geopotential", "z", "m2 s-2", (-5000.0, 90000.0), "geopotential of the surface",
             "surface_geopotential", arco="geopotential_at_surface"),
)

_PRESSURE = (
    Variable("t", 130, "temperature", "t", "K", _TEMPERATURE, "air temperature", "air_temperature"),
    Variable("u", 131, "u_component_of_wind", "u", "m s-1", _WIND, "eastward wind", "eastward_wind"),
    Variable("v", 132, "v_component_of_wind", "v", "m s-1", _WIND, "northward wind", "northward_wind"),
    Variable("q", 133, "specific_humidity", "q", "kg kg-1", (0.0, 0.05), "specific humidity",
             "specific_humidity"),
    Variable("z", 129, "geopotential", "z", "m2 s-2", (-8000.0, 65000.0), "geopotential", "geopotential"),
    Variable("w", 135, "vertical_velocity", "w", "Pa s-1", (-50.0, 50.0),
             "vertical velocity, positive downward", "lagrangian_tendency_of_air_pressure"),
    Variable("r", 157, "relative_humidity", "r", "%", (-10.0, 200.0), "relative humidity",
             "relative_humidity"),
)
# fmt: on

SINGLE: Mapping[str, Variable] = MappingProxyType({v.name: v for v in _SINGLE})
"""Single-level variables by our name."""
PRESSURE: Mapping[str, Variable] = MappingProxyType({v.name: v for v in _PRESSURE})
"""Pressure-level variables by our name, without the level."""
LEVELS = range(500, 1001)
"""Pressure levels [hPa] with plain names; beyond them u100 would be the wind at 100 m and at 100 hPa."""

_CMOR = {
    "tas": "t2m", "tdps": "d2m", "ts": "skt", "uas": "u10", "vas": "v10", "psl": "msl", "ps": "sp", "zmla": "blh",
    "pr": "tp", "rsds": "ssrd", "rlds": "strd", "clt": "tcc", "prw": "tcwv",
}  # fmt: skip
_CMOR_ON_LEVELS = {"ta": "t", "ua": "u", "va": "v", "hus": "q", "wap": "w", "hur": "r"}
"""Names of the climate community's tables (CMIP6, CORDEX) for the same quantities; its zg is a height, not z."""

_BY_NAME = {name: v for v in _SINGLE for name in v.names} | {also: SINGLE[name] for also, name in _CMOR.items()}
_BY_NAME_ON_LEVELS = {name: v for v in _PRESSURE for name in v.names} | {
    also: PRESSURE[name] for also, name in _CMOR_ON_LEVELS.items()
}
_BY_PARAMETER = {v.parameter: v for v in _SINGLE}
_BY_PARAMETER_ON_LEVELS = {v.parameter: v for v in _PRESSURE}
_NUMBERED = re.compile(r"(?:var|param)?(\d+)(?:\.128(?:\.\d+)?)?")
_FLATTENED = re.compile(r"([a-z]+)(\d{3,4})(hPa)?")


def flattened(name: str, level: int) -> str:
    """The name of a variable at one pressure level [hPa]: t850; outside 500 to 1000 hPa, u100hPa."""
    return f"{name}{level}" if level in LEVELS else f"{name}{level}hPa"


def at_level(variable: Variable, level: int) -> Variable:
    """The pressure-level variable at one level [hPa], as a variable of its own."""
    return replace(
        variable,
        name=flattened(variable.name, level),
        long_name=f"{variable.long_name} at {level} hPa",
        level=level,
    )


def identify(name: str, *, parameter: int | None = None, level: int | None = None) -> Variable | None:
    """The variable behind a name of any dialect or an ECMWF paramId; None when the table has none.

    The paramId comes first: names change with the version of ecCodes. `level` [hPa] is the level the
    field lies on, None for single levels; a flattened name such as t850 carries its own.
    """
    number = parameter or _numbered(name)
    plain = name if name in _BY_NAME else _plain(name)
    if level is None:
        return _BY_PARAMETER.get(number) or _BY_NAME.get(plain) or _unflattened(name)
    found = _BY_PARAMETER_ON_LEVELS.get(number) or _BY_NAME_ON_LEVELS.get(plain)
    return None if found is None else at_level(found, level)


def _numbered(name: str) -> int:
    """The paramId in a name that is one: var167 (CDO), param167.128.0 (wgrib, CDO), 167.128 (MARS); -1 of any other."""
    match = _NUMBERED.fullmatch(name)
    return int(match[1]) if match else -1


def _plain(name: str) -> str:
    """A name without what NCAR and others add: VAR_2T, T2M; capitals of one letter mean other things elsewhere."""
    bare = name.removeprefix("VAR_")
    return bare.lower() if bare != name or len(name) > 1 else name


def _unflattened(name: str) -> Variable | None:
    match = _FLATTENED.fullmatch(name)
    if match is None or match[1] not in PRESSURE or flattened(match[1], int(match[2])) != name:
        return None
    return at_level(PRESSURE[match[1]], int(match[2]))


def variable(name: str) -> Variable:
    """The variable of any dialect's name, pressure levels flattened (t850).

    Raises
    ------
    VariableError
        The table does not know the name.
    """
    found = identify(name)
    if found is None:
        known = f"{', '.join(SINGLE)}; with a level from 500 to 1000: {', '.join(PRESSURE)}"
        raise VariableError(f"no variable {name!r}; known: {known}")
    return found
