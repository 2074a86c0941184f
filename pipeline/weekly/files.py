"""The files of the index: ``weekly/index.json`` (schema ``tianbang-index/1``), ``index.csv``, ``index.nc`` (CF-1.11).

``index.schema.json`` beside them is the document's JSON Schema (2020-12); for people there is ``index.html``
(``pipeline.weekly.page``).

The columns of the table and the keys of the document are public, see METHODS.md.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import ExitStack
from importlib import resources
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from pipeline.store import Run, written_whole
from pipeline.vocabulary import GROUPS
from pipeline.weekly import page
from pipeline.weekly.days import KINDS
from pipeline.weekly.index import Entry
from pipeline.weekly.means import REFERENCES
from pipeline.weekly.windows import WINDOWS

SCHEMA = "tianbang-index/1"
JSON, CSV, NETCDF, PAGE, JSON_SCHEMA = (
    f"weekly/index.{suffix}" for suffix in ("json", "csv", "nc", "html", "schema.json")
)
EVENTS = "weekly/events.csv"
FILES = (JSON, CSV, EVENTS, NETCDF, PAGE, JSON_SCHEMA)
CHANGES = ("previous", "last_year", "five_years")
OBSERVED = ("value", "days", "last_year", "change", "weather", "weather_low", "weather_high")
ENDS = ("", "_low", "_high")
DRIVERS = {"driver_": None, "driver_previous_": "previous", "driver_last_year_": "last_year"}
"""Beginnings of columns: the groups' shares in the base index less 100, and in its changes."""
NO_KIND = -1
FLAGS = {
    "flag_values": np.arange(NO_KIND, len(KINDS), dtype=np.int8),
    "flag_meanings": " ".join(["no_day", *KINDS]),
}
"""Of CF, for the kinds of days."""
OUTLOOK_PARTS = {
    "mci": ("mci", "estimate"),
    "low": ("mci_low", "lower end of the 90 % interval"),
    "high": ("mci_high", "upper end of the 90 % interval"),
    "forecast_error": (
        "forecast_error",
        "half-width of past errors in the interval, unknown where they are not in it,",
    ),
}
"""Names and meaning of the variables of an outlook by the document's keys."""
COLUMNS = (
    "level", "name", "pollutant", "window", "start", "end", "days", "missing", "kind", "reference", "mci", "mci_low",
    "mci_high", "class", "rank", "of", "percentile",
    *(f"{name}{end}" for name in (f"change_{change}" for change in CHANGES) for end in ENDS),
    *(f"{name}{group}{end}" for name in DRIVERS for group in GROUPS for end in ENDS),
    *(f"observed_{name}" for name in OBSERVED), "units", "lead", "issued", "forecast_error",
)  # fmt: skip
"""Of ``index.csv``: a row for each place, pollutant, window and reference, and for each day and the week ahead.

Changes and drivers belong to the base and to windows; ``lead``, ``issued`` and ``forecast_error`` (empty where it
is not in the interval) to days and the week ahead.
"""
EVENT_COLUMNS = (
    "level", "name", "pollutant", "window", "start", "end", "kind", "event", "days", "judged_days",
    "usual_days", "years",
)  # fmt: skip
"""Of ``events.csv``: a row for each place, pollutant and event that matters for it, of the week and the week ahead."""
DAY_AHEAD, WEEK_AHEAD = "day_ahead", "week_ahead"
"""Windows of the rows of an outlook, whose ``kind`` is that of their days: forecast."""


def write(run: Run, document: Entry, key: str, made_of: Mapping[str, Any]) -> None:
    """All of the files with their manifests; where one cannot be made, those of before stay as they were."""
    with ExitStack() as stack:
        # renamed when all are written
        partial = {artefact: stack.enter_context(written_whole(run.path(artefact))) for artefact in FILES}
        text = json.dumps(document, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
        partial[JSON].write_text(text, encoding="utf-8")
        table(document).to_csv(partial[CSV], index=False, float_format="%.8g", encoding="utf-8")
        event_table(document).to_csv(partial[EVENTS], index=False, float_format="%.6g", encoding="utf-8")
        dataset(document).to_netcdf(partial[NETCDF])
        page.write(document, partial[PAGE])
        partial[JSON_SCHEMA].write_text(json_schema(), encoding="utf-8")
    for artefact in FILES:
        run.record(artefact, key, made_of)


def json_schema() -> str:
    """The JSON Schema of the document."""
    return resources.files("pipeline.weekly").joinpath("index.schema.json").read_text(encoding="utf-8")


def table(document: Entry) -> pd.DataFrame:
    """The document's windows and what is ahead as a table, columns ``COLUMNS``."""
    rows = []
    for place in document["places"]:
        for pollutant, found in place["pollutants"].items():
            own = {"level": place["level"], "name": place["key"], "pollutant": pollutant, "units": found["units"]}
            windows = [
                _row(name, found["windows"][name], reference)
                for name in WINDOWS
                for reference in REFERENCES
                if found["windows"][name][reference] is not None
            ]
            rows += [own | row for row in [*windows, *_ahead(found.get("outlook"))]]
    table = pd.DataFrame(rows, columns=list(COLUMNS))
    whole = ["days", "missing", "rank", "of", "lead"]
    return table.astype(dict.fromkeys(whole, "Int64"))


def _row(name: str, window: Entry, reference: str) -> Entry:
    own = window[reference]
    row = {
        "window": name, "start": window["start"], "end": window["end"], "days": window["days"],
        "missing": len(window["missing"]), "kind": _kind(window) or "", "reference": reference, "mci": own["mci"],
        "mci_low": own["low"], "mci_high": own["high"],
        **{key: own[key] for key in ("class", "rank", "of", "percentile")},
        **{f"observed_{key}": window["observed"][key] for key in OBSERVED},
    }  # fmt: skip
    if reference == "base":
        row |= {f"change_{change}{end}": window["change"][f"{change}{end}"] for change in CHANGES for end in ENDS}
        for name, change in DRIVERS.items():
            for share in window["drivers"] if change is None else window["drivers_of_change"][change]:
                row |= {f"{name}{share['group']}{end}": share[end.strip("_") or "points"] for end in ENDS}
    return row


def event_table(document: Entry) -> pd.DataFrame:
    """The events of the week and of the week ahead as a table, columns ``EVENT_COLUMNS``."""
    rows = []
    for place in document["places"]:
        for pollutant, found in place["pollutants"].items():
            own = {"level": place["level"], "name": place["key"], "pollutant": pollutant}
            week, ahead = found["windows"]["week"], (found.get("outlook") or {}).get("week")
            for name, window in (("week", week), (WEEK_AHEAD, ahead)):
                if window is not None:
                    kind = window["kind"] if name == WEEK_AHEAD else _kind(window) or ""
                    shared = {"window": name, "start": window["start"], "end": window["end"], "kind": kind}
                    rows += [own | shared | event for event in window["events"]]
    return pd.DataFrame(rows, columns=list(EVENT_COLUMNS)).astype({"years": "Int64"})


def _kind(window: Entry) -> str | None:
    """The kind of the least sure day of a window; None where it has no day."""
    return list(window["kinds"])[-1] if window["kinds"] else None


def _ahead(outlook: Entry | None) -> list[Entry]:
    """Rows of the days and the week ahead; none without an outlook."""
    if outlook is None:
        return []
    rows = [
        {"window": DAY_AHEAD, **day, "start": day["date"], "end": day["date"], "days": 1} for day in outlook["days"]
    ]
    if week := outlook["week"]:
        rows.append({"window": WEEK_AHEAD, **week, "days": 7})
    shared = {"issued": outlook["issued"], "reference": "base", "missing": 0}
    return [{**shared, **row, "mci_low": row["low"], "mci_high": row["high"]} for row in rows]


def dataset(document: Entry) -> xr.Dataset:
    """The document's windows with dims (place, pollutant, window, reference) and drivers by ``group``; CF-1.11.

    ``kind`` (place, pollutant, window) is a flag for the least sure day. Days ahead have the dim ``ahead`` in
    ``outlook_mci`` with its interval, the week ahead is ``outlook_week_mci`` (place, pollutant); only with an outlook.
    """
    places = [f"{place['level']}:{place['key']}" for place in document["places"]]
    pollutants = list(dict.fromkeys(name for place in document["places"] for name in place["pollutants"]))
    shape = (len(places), len(pollutants), len(WINDOWS), len(REFERENCES))
    index = {name: np.full(shape, np.nan) for name in ("mci", "mci_low", "mci_high", "percentile")}
    drivers = np.full((*shape[:3], len(GROUPS)), np.nan)
    kinds = np.full(shape[:3], NO_KIND, dtype=np.int8)
    for i, place in enumerate(document["places"]):
        for name, found in place["pollutants"].items():
            for k, window in enumerate(WINDOWS):
                own, at = found["windows"][window], (i, pollutants.index(name), k)
                for r, reference in enumerate(REFERENCES):
                    for key, source in zip(index, ("mci", "low", "high", "percentile"), strict=True):
                        value = (own[reference] or {}).get(source)
                        index[key][*at, r] = np.nan if value is None else value
                if (kind := _kind(own)) is not None:
                    kinds[at] = KINDS.index(kind)
                for share in own["drivers"]:
                    drivers[*at, list(GROUPS).index(share["group"])] = share["points"]
    dims = ("place", "pollutant", "window", "reference")
    names = {
        "mci": "meteorological condition index: 100 at the reference's weather, below favourable",
        "mci_low": "lower end of the 90 % interval of the index",
        "mci_high": "upper end of the 90 % interval of the index",
        "percentile": "percentile among the same windows of all years on record, low is favourable",
    }
    found = {
        name: (dims, values, {"units": "%" if name == "percentile" else "1", "long_name": names[name]})
        for name, values in index.items()
    }
    found["driver"] = (
        (*dims[:3], "group"),
        drivers,
        {"units": "1", "long_name": "shares of the driver groups in the index less 100, base reference"},
    )
    found["kind"] = (dims[:3], kinds, {"long_name": "kind of the least sure day of the window", **FLAGS})
    described = {
        "place": (places, "level and key of the place"),
        "pollutant": (pollutants, "pollutant"),
        "window": (list(WINDOWS), "week; month, year and seasonal year to date"),
        "reference": (list(REFERENCES), "period whose emissions and weather the index refers to"),
        "group": (list(GROUPS), "group of drivers"),
    }
    coordinates = {
        name: (name, np.array(values, dtype=object), {"long_name": text}) for name, (values, text) in described.items()
    }
    ends = {f"window_{end}": _bounds(document, end) for end in ("start", "end")}
    attributes = {
        "Conventions": "CF-1.11",
        "title": f"Weekly meteorological condition index (tianbang {document['version']})",
        "source": "frozen separations of emissions and weather, and the newest weather",
        "week": document["week"]["label"],
        "models_sha256": document["models"],
        "references": "; ".join(
            f"{name} {period['label']}" for name, period in document["references"].items() if period is not None
        ),
    }
    whole = xr.Dataset(found, coords={**coordinates, **ends}, attrs=attributes)
    return whole.merge(_dataset_ahead(document, pollutants), combine_attrs="override")


def _dataset_ahead(document: Entry, pollutants: list[str]) -> xr.Dataset:
    """The index of the days and the week ahead; empty without an outlook."""
    ahead = [
        ((i, pollutants.index(name)), outlook)
        for i, place in enumerate(document["places"])
        for name, found in place["pollutants"].items()
        if (outlook := found.get("outlook"))
    ]
    days = {row["date"]: row for _, outlook in ahead for row in outlook["days"]}
    if not days:
        return xr.Dataset()
    dates = sorted(days)
    shape = (len(document["places"]), len(pollutants))
    variables: dict[str, tuple[Any, ...]] = {}
    for source, (name, meaning) in OUTLOOK_PARTS.items():
        by_day, by_week = np.full((*shape, len(dates)), np.nan), np.full(shape, np.nan)
        for at, outlook in ahead:
            for row in outlook["days"]:
                by_day[*at, dates.index(row["date"])] = np.nan if row[source] is None else row[source]
            if outlook["week"] is not None and outlook["week"][source] is not None:
                by_week[at] = outlook["week"][source]
        what = f"{meaning} of the index ahead at the base reference, by forecast weather"
        variables[f"outlook_{name}"] = (("place", "pollutant", "ahead"), by_day, _of_index(what))
        variables[f"outlook_week_{name}"] = (("place", "pollutant"), by_week, _of_index(f"{what}, first seven days"))
    kinds = np.array([KINDS.index(days[date]["kind"]) for date in dates], dtype=np.int8)
    variables["outlook_kind"] = ("ahead", kinds, {"long_name": "kind of the day ahead", **FLAGS})
    return xr.Dataset(
        variables,
        coords={
            "ahead": ("ahead", np.array(dates, dtype="datetime64[ns]"), {"long_name": "day ahead"}),
            "lead": ("ahead", [days[date]["lead"] for date in dates], {"units": "days", "long_name": "lead"}),
        },
        attrs={"outlook_issued": ahead[0][1]["issued"], "outlook_source": ahead[0][1]["source"]},
    )


def _of_index(long_name: str) -> dict[str, str]:
    return {"units": "1", "long_name": long_name}


def _bounds(document: Entry, end: str) -> tuple[str, np.ndarray, dict[str, str]]:
    first = next(iter(document["places"][0]["pollutants"].values()))["windows"]
    days = np.array([first[name][end] for name in WINDOWS], dtype="datetime64[ns]")
    return "window", days, {"long_name": f"{'first' if end == 'start' else 'last'} day of the window"}
