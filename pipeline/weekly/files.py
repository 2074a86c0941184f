"""The files of the index: ``weekly/index.json`` (schema ``tianbang-index/1``), ``index.csv``, ``index.nc`` (CF-1.11).

For people there is ``index.html`` (``pipeline.weekly.page``).

The columns of the table and the keys of the document are public, see METHODS.md.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from pipeline.store import Run, write_text, written_whole
from pipeline.vocabulary import GROUPS
from pipeline.weekly import page
from pipeline.weekly.index import Entry
from pipeline.weekly.means import REFERENCES
from pipeline.weekly.windows import WINDOWS

SCHEMA = "tianbang-index/1"
JSON, CSV, NETCDF, PAGE = (f"weekly/index.{suffix}" for suffix in ("json", "csv", "nc", "html"))
FILES = (JSON, CSV, NETCDF, PAGE)
CHANGES = ("previous", "last_year", "five_years")
OBSERVED = ("value", "days", "last_year", "change", "weather", "weather_low", "weather_high")
ENDS = ("", "_low", "_high")
COLUMNS = (
    "level", "name", "pollutant", "window", "start", "end", "days", "missing", "kind", "reference", "mci", "mci_low",
    "mci_high", "class", "rank", "of", "percentile",
    *(f"{name}{end}" for name in (f"change_{change}" for change in CHANGES) for end in ENDS),
    *(f"{name}{end}" for name in (f"driver_{group}" for group in GROUPS) for end in ENDS),
    *(f"observed_{name}" for name in OBSERVED), "units",
)  # fmt: skip
"""Of ``index.csv``: a row for each place, pollutant, window and reference. Changes and drivers belong to the base."""


def write(run: Run, document: Entry, key: str, made_of: Mapping[str, Any]) -> None:
    """All of the files, each whole or not at all, with their manifests."""
    write_text(run.path(JSON), json.dumps(document, ensure_ascii=False, separators=(",", ":"), allow_nan=False))
    with written_whole(run.path(CSV)) as partial:
        table(document).to_csv(partial, index=False, float_format="%.8g", encoding="utf-8")
    with written_whole(run.path(NETCDF)) as partial:
        dataset(document).to_netcdf(partial)
    page.write(document, run.path(PAGE))
    for artefact in FILES:
        run.record(artefact, key, made_of)


def table(document: Entry) -> pd.DataFrame:
    """The document's windows as a table, columns ``COLUMNS``."""
    rows = [
        _row(place, pollutant, found["units"], name, found["windows"][name], reference)
        for place in document["places"]
        for pollutant, found in place["pollutants"].items()
        for name in WINDOWS
        for reference in REFERENCES
        if found["windows"][name][reference] is not None
    ]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _row(place: Entry, pollutant: str, units: str, name: str, window: Entry, reference: str) -> Entry:
    own = window[reference]
    row = {
        "level": place["level"], "name": place["key"], "pollutant": pollutant, "window": name, "start": window["start"],
        "end": window["end"], "days": window["days"], "missing": len(window["missing"]), "reference": reference,
        "kind": list(window["kinds"])[-1] if window["kinds"] else "", "mci": own["mci"], "mci_low": own["low"],
        "mci_high": own["high"], **{key: own[key] for key in ("class", "rank", "of", "percentile")},
        **{f"observed_{key}": window["observed"][key] for key in OBSERVED}, "units": units,
    }  # fmt: skip
    if reference == "base":
        row |= {f"change_{change}{end}": window["change"][f"{change}{end}"] for change in CHANGES for end in ENDS}
        for share in window["drivers"]:
            row |= {f"driver_{share['group']}{end}": share[end.strip("_") or "points"] for end in ENDS}
    return row


def dataset(document: Entry) -> xr.Dataset:
    """The document's windows with dims (place, pollutant, window, reference) and drivers by ``group``; CF-1.11."""
    places = [f"{place['level']}:{place['key']}" for place in document["places"]]
    pollutants = list(dict.fromkeys(name for place in document["places"] for name in place["pollutants"]))
    shape = (len(places), len(pollutants), len(WINDOWS), len(REFERENCES))
    index = {name: np.full(shape, np.nan) for name in ("mci", "mci_low", "mci_high", "percentile")}
    drivers = np.full((*shape[:3], len(GROUPS)), np.nan)
    for i, place in enumerate(document["places"]):
        for name, found in place["pollutants"].items():
            for k, window in enumerate(WINDOWS):
                own, at = found["windows"][window], (i, pollutants.index(name), k)
                for r, reference in enumerate(REFERENCES):
                    for key, source in zip(index, ("mci", "low", "high", "percentile"), strict=True):
                        value = (own[reference] or {}).get(source)
                        index[key][*at, r] = np.nan if value is None else value
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
    return xr.Dataset(found, coords={**coordinates, **ends}, attrs=attributes)


def _bounds(document: Entry, end: str) -> tuple[str, np.ndarray, dict[str, str]]:
    first = next(iter(document["places"][0]["pollutants"].values()))["windows"]
    days = np.array([first[name][end] for name in WINDOWS], dtype="datetime64[ns]")
    return "window", days, {"long_name": f"{'first' if end == 'start' else 'last'} day of the window"}
