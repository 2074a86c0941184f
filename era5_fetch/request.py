"""One request to the CDS: whole days of one month, one kind of step, one dataset."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import pandas as pd

from era5_fetch import lexicon
from era5_fetch.errors import VariableError

if TYPE_CHECKING:
    from collections.abc import Mapping

Area: TypeAlias = tuple[float, float, float, float]
"""North, west, south, east [degrees] of the outermost cells; east is greater than west, beyond 180 if need be."""
DataFormat: TypeAlias = Literal["netcdf", "grib"]

SINGLE_LEVELS = "reanalysis-era5-single-levels"
PRESSURE_LEVELS = "reanalysis-era5-pressure-levels"
STEP = 0.25
"""Grid step of ERA5 as the CDS gives it [degrees]."""
HOURS = 24
BYTES_A_VALUE = 2
"""ERA5's GRIB packs a value into 16 bits; netCDF's deflated float32 of the same values is about as long."""
_ORDERED = frozenset({"area"})


@dataclass(frozen=True)
class Request:
    """What one job of the CDS is asked for; the same request is the same file, by its `digest`."""

    dataset: str
    variables: tuple[str, ...]
    """Our names, levels with them (t850); of pressure levels each quantity at each level."""
    year: int
    month: int
    days: tuple[int, ...]
    area: Area | None = None
    """None is the globe."""
    data_format: DataFormat = "netcdf"

    def __post_init__(self) -> None:
        """Put variables and days in order: the order of asking makes no other request."""
        object.__setattr__(self, "variables", tuple(sorted(set(self.variables))))
        object.__setattr__(self, "days", tuple(sorted(set(self.days))))

    @classmethod
    def from_inputs(cls, dataset: str, inputs: Mapping[str, Any]) -> Request:
        """The request of what was sent: the inverse of `inputs`.

        Raises
        ------
        VariableError
            The table does not know a name.
        """
        levels: list[int | None] = [int(level) for level in inputs.get("pressure_level", [])] or [None]
        area = inputs.get("area")
        return cls(
            dataset=dataset,
            variables=tuple(_name(name, level) for name in inputs["variable"] for level in levels),
            year=int(inputs["year"][0]),
            month=int(inputs["month"][0]),
            days=tuple(int(day) for day in inputs["day"]),
            area=None if area is None else (area[0], area[1], area[2], area[3]),
            data_format=inputs["data_format"],
        )

    @cached_property
    def inputs(self) -> dict[str, Any]:
        """The request in the form of the CDS."""
        known = [lexicon.variable(name) for name in self.variables]
        levels = sorted({v.level for v in known if v.level is not None})
        return {
            "product_type": ["reanalysis"],
            "variable": sorted({v.request for v in known}),
            **({"pressure_level": [str(level) for level in levels]} if levels else {}),
            "year": [f"{self.year}"],
            "month": [f"{self.month:02d}"],
            "day": [f"{day:02d}" for day in self.days],
            "time": [f"{hour:02d}:00" for hour in range(HOURS)],
            **({} if self.area is None else {"area": list(self.area)}),
            "data_format": self.data_format,
            "download_format": "unarchived",
        }

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the dataset and the normalised inputs."""
        text = json.dumps([self.dataset, normalised(self.inputs)], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()

    @cached_property
    def hours(self) -> pd.DatetimeIndex:
        """The hours (UTC) the file is to hold."""
        starts = pd.DatetimeIndex([pd.Timestamp(self.year, self.month, day) for day in self.days])
        each = pd.to_timedelta(range(HOURS), unit="h")
        return pd.DatetimeIndex([start + hour for start in starts for hour in each], name="time").as_unit("ns")

    @property
    def fields(self) -> int:
        """Maps asked for: variables times hours; what the CDS's limits count."""
        return len(self.variables) * len(self.days) * HOURS

    @property
    def shape(self) -> tuple[int, int]:
        """Latitudes and longitudes of the grid asked for."""
        if self.area is None:
            return round(180 / STEP) + 1, round(360 / STEP)
        north, west, south, east = self.area
        return round((north - south) / STEP) + 1, min(round((east - west) / STEP) + 1, round(360 / STEP))

    @property
    def estimated_bytes(self) -> int:
        """The size of the file to come, to plan with."""
        return self.fields * self.shape[0] * self.shape[1] * BYTES_A_VALUE

    @property
    def step(self) -> str:
        """What its values stand for: instant, accumulated, mean, maximum or minimum."""
        return lexicon.variable(self.variables[0]).kind.name.lower()

    @property
    def label(self) -> str:
        """The request in a few words, for a line of a log."""
        days = f"{self.days[0]:02d}" if len(self.days) == 1 else f"{self.days[0]:02d}..{self.days[-1]:02d}"
        names = self.variables if len(self.variables) <= 4 else (*self.variables[:3], f"{len(self.variables) - 3} more")
        return f"{self.year}-{self.month:02d}-{days} {', '.join(names)}"


def _name(request: str, level: int | None) -> str:
    known = lexicon.identify(request, level=level)
    if known is None:
        raise VariableError(f"no variable {request!r} at level {level}, agreed those of the lexicon")
    return known.name


def normalised(inputs: Mapping[str, Any]) -> dict[str, list[str]]:
    """Inputs in the one form in which two alike are equal: lists of text, sorted but for the area."""
    listed = {key: value if isinstance(value, list | tuple) else [value] for key, value in inputs.items()}
    text = {key: [f"{v:g}" if isinstance(v, int | float) else str(v) for v in values] for key, values in listed.items()}
    return {key: values if key in _ORDERED else sorted(values) for key, values in text.items()}
