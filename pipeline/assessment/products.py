"""The tables of an assessment, from what a run holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import xarray as xr

from pipeline.assessment.days_by_grade import aqi_days
from pipeline.assessment.guidelines import guidelines
from pipeline.assessment.network import Network
from pipeline.assessment.options import AssessmentOptions
from pipeline.assessment.tables import assessment, attainment, ozone_two_ways


def network_of(
    days: xr.Dataset,
    stations: Mapping[str, Mapping[str, Any]],
    regions: Mapping[str, Sequence[str]],
    *,
    year_start: str = "01-01",
) -> Network:
    """The network of a run: days (station, time), station -> its ``city`` and whether it is ``assessed``, regions.

    Cities are those that have stations that count, in order; stations without days are left out.
    """
    observed = set(map(str, days["station"].to_numpy()))
    cities: dict[str, list[str]] = {}
    for name, about in sorted(stations.items(), key=lambda item: (str(item[1]["city"]), item[0])):
        if name in observed and about.get("assessed", True):
            cities.setdefault(str(about["city"]), []).append(name)
    return Network(days, cities, regions, year_start)


def products(
    network: Network, options: AssessmentOptions, *, ozone_of_city_hours: xr.DataArray | None = None
) -> dict[str, pd.DataFrame]:
    """The tables of an assessment by their names; ``ozone_two_ways`` is empty without the days of city hours."""
    found = assessment(network, options)
    return {
        "assessment": found,
        "aqi_days": aqi_days(network, options),
        "attainment": attainment(found, network.regions, since=options.attaining_since),
        "guidelines": guidelines(network, options),
        "ozone_two_ways": ozone_two_ways(network, ozone_of_city_hours, options),
    }
