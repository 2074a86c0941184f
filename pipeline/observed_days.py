"""From a reader's hours to assessed days: screened and assessed a calendar year at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd
import xarray as xr

from pipeline import quality, standards
from pipeline.assessment.cities import city_days_of_hours
from pipeline.config import Config
from pipeline.contracts import check
from pipeline.errors import InputError
from pipeline.stations import READERS, STREAMED
from pipeline.stations.rejections import joined_tables
from pipeline.stations.spans import Spans, of_observed
from pipeline.vocabulary import pollutant


@dataclass(frozen=True)
class ObservedDays:
    """Assessed days (station, time), what was rejected of their hours, and that summed up by rule.

    ``ozone_of_city_hours`` (place, time) is MDA8 of the mean hours of each city; None without hours of O3.
    """

    days: xr.Dataset
    rejected: pd.DataFrame
    quality: pd.DataFrame
    ozone_of_city_hours: xr.DataArray | None


def spans_of(config: Config) -> Spans:
    """What a run reads: an archive a year at a time, files at once."""
    options = config.read_from
    if options.reader in STREAMED:
        return STREAMED[options.reader].spans(options, pollutants=config.assessed_pollutants, period=config.period)
    found = READERS[options.reader].read(
        options, pollutants=config.assessed_pollutants, period=config.period, utc_offset=config.utc_offset
    )
    return of_observed(found, config.period)


def observed_days(spans: Spans, config: Config, cities: Mapping[str, Sequence[str]]) -> ObservedDays:
    """The days of the period. A pollutant that is to be separated and has no valid day is an InputError.

    Values are judged within their calendar year, with the weeks around it in sight, so that no result depends on how
    long the period is or on how much of it is in memory.
    """
    names = config.assessed_pollutants
    held, left = dict.fromkeys(names, 0), dict.fromkeys(names, 0)
    days: dict[str, list[xr.DataArray]] = {name: [] for name in names}
    ozone, rejected, resolution = [], [spans.rejected], "hour"
    for span in spans.parts:
        here = [name for name in names if name in span.data]
        check(span.data, here, seam="reader -> quality")
        screened, by_rules = quality.screened(span.data, pollutant, config.quality, within=span.within)
        rejected += [span.rejected, by_rules]
        _count(held, span.data.sel(time=slice(span.within[0], span.within[-1])))
        _count(left, screened)
        resolution = screened.attrs["resolution"]
        for name, values in standards.daily(screened).data_vars.items():
            days[str(name)].append(values)
        if "o3" in here and resolution == "hour" and cities:
            ozone.append(city_days_of_hours(screened["o3"], cities))
        del span, screened  # a year of hours is let go before the next one is read
    axis = pd.date_range(*config.period, freq="D", name="time", unit="ns")
    assessed = xr.Dataset({name: _joined(days.pop(name), axis) for name in names}, attrs={"resolution": "day"})
    check(assessed, names, seam="standards -> samples")
    table = joined_tables(rejected).sort_values(["file", "variable", "station", "start", "rule"], ignore_index=True)
    of_cities = _joined(ozone, axis) if ozone else None
    _require_valid_days(assessed, left, config)
    return ObservedDays(assessed, table, quality.summary(table, held), of_cities)


def _joined(parts: Sequence[xr.DataArray], axis: pd.DatetimeIndex) -> xr.DataArray:
    return xr.concat(parts, dim="time", combine_attrs="override").reindex(time=axis)


def _count(counts: dict[str, int], data: xr.Dataset) -> None:
    for name in map(str, data.data_vars):
        counts[name] += int(data[name].notnull().sum())


def _require_valid_days(days: xr.Dataset, left: Mapping[str, int], config: Config) -> None:
    for name in config.pollutants:
        if not bool(days[name].notnull().any()):
            raise InputError(
                f"observations: '{name}' has no valid day from {config.period[0]} to {config.period[1]} among "
                f"{left[name]} valid values; correct `pollutants`, `period`, the path or, for daily values, "
                "`resolution: day`"
            )
