"""The outlook and its verification in the document, and what is kept of both in the run folder."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr

from pipeline.config import Config
from pipeline.readings import mean_of
from pipeline.store import Run, written_whole
from pipeline.weekly.index import Entry
from pipeline.weekly.means import ORDER
from pipeline.weekly.notes import without_folders
from pipeline.weekly.outlook import archive, verification
from pipeline.weekly.outlook.ahead import outlook_of_place
from pipeline.weekly.outlook.forecast import leads
from pipeline.weekly.outlook.prepare import Prepared, base_of
from pipeline.weekly.outlook.verification import Key, Later

VERIFICATION = "weekly/verification.csv"
Arrays = Mapping[str, Any]


def add(document: Entry, prepared: Prepared, series: Mapping[str, Mapping[str, xr.Dataset]], config: Config) -> Any:
    """Lays the outlook of every place and the verification into the document; returns the table of scores.

    ``series`` are the cities' (``ahead.series``) by pollutant; a region's are the means of its cities'.
    """
    # of cities whose models the forecast cannot drive, and of all others then, only the past is known
    names = ("past",) if prepared.days is None else ("past", "ahead")
    places = _places(document, series, names)
    later = Later(list(places), prepared.asked.past, *(_stacked(places, name) for name in ("actual", "reference")))
    scored = verification.pairs(prepared.past, later, utc_offset=config.utc_offset)
    if prepared.days is not None and prepared.forecast is not None and prepared.told is not None:
        widths = verification.half_widths(scored, needed=config.weekly.outlook.correct_from)
        issued, days = prepared.forecast.issued, prepared.asked.ahead
        for place in document["places"]:
            for pollutant, own in place["pollutants"].items():
                key = (place["level"], place["key"], pollutant)
                ahead = outlook_of_place(
                    places[key],
                    days,
                    leads(days, issued, config.utc_offset),
                    kinds=prepared.days.kinds,
                    errors=widths.get(key, {}),
                    limits=config.weekly.limits("week"),
                )
                own["outlook"] = {"issued": prepared.told["issued"], "source": prepared.told["source"], **ahead}
    table = verification.table(scored)
    document["verification"] = verification.of_document(table)
    if prepared.told is not None:
        why = prepared.told["why"]
        told = why and {language: without_folders(text) for language, text in why.items()}
        document["outlook"] = {**prepared.told, "why": told}
    return table


def _places(
    document: Entry, series: Mapping[str, Mapping[str, xr.Dataset]], names: tuple[str, ...]
) -> dict[Key, Arrays]:
    wanted = [f"{name}_{what}" for name in names for what in ("actual", "reference")]
    found: dict[Key, Arrays] = {}
    for place in document["places"]:
        for pollutant in place["pollutants"]:
            own = [series[city][pollutant][wanted] for city in place["cities"] if pollutant in series.get(city, {})]
            mean = own[0] if len(own) == 1 else mean_of(own)
            found[place["level"], place["key"], pollutant] = {
                str(name): values.transpose("past", "ahead", *ORDER, missing_dims="ignore").to_numpy()
                for name, values in mean.data_vars.items()
            }
    return found


def _stacked(places: Mapping[Key, Arrays], name: str) -> np.ndarray:
    """The past days of all places, (place, day)."""
    return np.stack([place[f"past_{name}"] for place in places.values()])


def keep(run: Run, document: Entry, prepared: Prepared, table: Any, *, config: Config, key: str) -> None:
    """Writes the table of scores where there are past outlooks, and keeps the outlook that was issued now."""
    made_of = {"models": document["models"], "week": document["week"]["label"]}
    if prepared.past:
        with written_whole(run.path(VERIFICATION)) as partial:
            table.to_csv(partial, index=False, float_format="%.6g", encoding="utf-8")
        run.record(VERIFICATION, key, made_of)
    if prepared.forecast is not None and prepared.days is not None:
        told = {"version": document["version"], "models": document["models"], "base": base_of(config)}
        told |= {"made": document["made"], "corrected_leads": (prepared.told or {}).get("corrected_leads", [])}
        said = archive.said_of(document["places"])
        archive.keep(prepared.archive, prepared.forecast, said, utc_offset=config.utc_offset, made_of=told)
