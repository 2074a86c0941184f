"""Station lists: the national network's 站点列表 in its several dialects, and our own ``station,name,city,...``.

The network's columns are 监测点编码, 监测点名称, 城市, 经度, 纬度 and, in newer lists, 对照点, 省级行政区, 地级行政区.
Marks in a name say that a station was closed, ``(停运161122)`` or ``（已停运）``, or stands in the city's background,
``(对照点)``. A list's 对照点 = Y also marks stations that were closed since: they were assessed while they reported,
and are no background.
"""

from __future__ import annotations

import datetime
import io
import re
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from pipeline.errors import InputError
from pipeline.stations.frames import ends_within_a_row, numeric, require

NETWORK_COLUMNS = {
    "监测点编码": "station",
    "监测点名称": "name",
    "城市": "city",
    "经度": "longitude",
    "纬度": "latitude",
    "对照点": "background",
    "地级行政区": "prefecture",
}
COLUMNS = ["name", "city", "prefecture", "latitude", "longitude", "closed", "background"]
"""Of a list, indexed by station: names and places as written, degrees, and what the marks say.

``closed`` is the ISO date of closure, ``yes`` where none is told, or empty; ``prefecture`` and ``city`` may be empty.
"""
NEEDED = ("station", "city", "latitude", "longitude")
MISSING = ("", "-", "—")
CLOSED = re.compile(r"[（(][^（()）]*停[运用][^（()）]*[)）]")
BACKGROUND = re.compile(r"[（(]\s*对照点\s*[)）]")
CLOSED_ON = re.compile(r"(?<!\d)(?:20)?(\d\d)(\d\d)(\d\d)(?!\d)")
LIMITS = {"latitude": 90.0, "longitude": 180.0}
KILOMETRES_PER_DEGREE = 111.2
"""Of latitude: a great circle of 40,030 km (mean radius 6,371 km) by 360."""
MOVED = 1.0
"""Kilometres from which two lists' coordinates of a station are told as different (a cell of ERA5 has about 28)."""


def read_stations(paths: Path | Sequence[Path]) -> pd.DataFrame:
    """The stations of one list or several, columns ``COLUMNS``, indexed by station; see ``read_lists``."""
    return read_lists(paths)[0]


def read_lists(paths: Path | Sequence[Path]) -> tuple[pd.DataFrame, list[str]]:
    """One list's stations or the union of several', and notes on what they differ in; the newest list is the last.

    A station's facts are those of the newest list that has it; coordinates and closures that it lacks are an older
    list's. A missing column or an unreadable file is an InputError.
    """
    lists, notes = zip(*[read_list(path) for path in ([paths] if isinstance(paths, Path) else paths)], strict=True)
    merged, of_merging = merge(lists)
    return merged, [*(note for of_list in notes for note in of_list), *of_merging]


def read_list(path: Path) -> tuple[pd.DataFrame, list[str]]:
    """One list, columns ``COLUMNS``, indexed by station, and notes.

    A code that the network lists twice with the same facts is taken once and told; with other facts its last row
    counts, and that is told. Refused in one line: a code twice in a list of our own columns, an empty code, a
    coordinate that is no number or lies off the globe.
    """
    raw = _sheet(path) if path.suffix.lower() in (".xlsx", ".xlsm") else _text(path)
    raw = raw.rename(columns=lambda name: str(name).strip())
    of_network = "监测点编码" in raw
    frame = raw.rename(columns=NETWORK_COLUMNS) if of_network else raw
    require(frame, NEEDED, where=str(path))
    for name in ("station",) if of_network else ("station", "city"):
        if frame[name].isna().any():
            row = int(np.flatnonzero(frame[name].isna())[0])
            raise InputError(f"{path}: column {name!r} is empty in row {row + 2}; agreed a name")
    frame = _on_the_globe(numeric(frame, list(LIMITS), where=str(path)), path)
    frame = _described(frame)
    kept, notes = _once(frame, path, refuse=not of_network)
    return kept.set_index("station")[COLUMNS], notes


def _sheet(path: Path) -> pd.DataFrame:
    try:
        return pd.read_excel(path, dtype=str, na_values=list(MISSING), engine="openpyxl")
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise InputError(
            f"{path}: not a whole Excel workbook ({' '.join(str(error).split())}); export it again"
        ) from None


def _text(path: Path) -> pd.DataFrame:
    try:
        if ends_within_a_row(path):
            raise ValueError("its last row has fewer fields than its header")
        text = decoded(path.read_bytes())
        if text.lstrip()[:1] in ("<", "{", ""):
            raise ValueError("it holds no table")
        return pd.read_csv(io.StringIO(text), dtype=str, na_values=list(MISSING))
    except (OSError, ValueError) as error:  # pandas' and the codecs' errors are ValueErrors
        raise InputError(
            f"{path}: not a whole CSV file ({' '.join(str(error).split())}); fetch or export it again"
        ) from None


def decoded(content: bytes) -> str:
    """Text in UTF-8, after any number of byte-order marks, or in GB18030; neither is a ValueError."""
    try:
        return content.decode("utf-8").lstrip("\ufeff")
    except UnicodeDecodeError:
        return content.decode("gb18030").lstrip("\ufeff")


def _on_the_globe(frame: pd.DataFrame, path: Path) -> pd.DataFrame:
    for name, limit in LIMITS.items():
        off = np.flatnonzero(frame[name].abs() > limit)
        if len(off):
            raise InputError(
                f"{path}: column {name!r}, row {off[0] + 2}: found {frame[name].iloc[off[0]]:g}, agreed -{limit:g} to "
                f"{limit:g} degrees; are latitude and longitude in each other's column?"
            )
    return frame


def _described(frame: pd.DataFrame) -> pd.DataFrame:
    """``COLUMNS`` of a list whose columns have our names."""
    text = {
        name: (frame[name] if name in frame else pd.Series(index=frame.index, dtype=str))
        .fillna("")
        .astype(str)
        .str.strip()
        for name in ("station", "name", "city", "prefecture", "background", "closed")
    }
    written = text["name"].where(text["name"] != "", text["station"])
    marked = [closure(name) for name in written]
    closed = [given or mark for given, mark in zip(text["closed"], marked, strict=True)]
    yes = text["background"].str.upper().isin(["Y", "YES", "TRUE", "1", "是"])
    background = written.str.contains(BACKGROUND) | (yes & (pd.Series(closed, index=frame.index) == ""))
    name = written.str.replace(CLOSED, "", regex=True).str.replace(BACKGROUND, "", regex=True).str.strip()
    return frame[["latitude", "longitude"]].assign(
        station=text["station"],
        name=name.where(name != "", text["station"]),
        city=text["city"],
        prefecture=text["prefecture"],
        closed=closed,
        background=background,
    )


def closure(name: str) -> str:
    """What a station's name says of its closure: an ISO date, ``yes``, or nothing."""
    mark = CLOSED.search(name)
    if mark is None:
        return ""
    date = CLOSED_ON.search(mark.group())
    try:
        return datetime.date(2000 + int(date[1]), int(date[2]), int(date[3])).isoformat() if date else "yes"
    except ValueError:  # no such day
        return "yes"


def _once(frame: pd.DataFrame, path: Path, *, refuse: bool) -> tuple[pd.DataFrame, list[str]]:
    repeated = frame["station"].duplicated()
    if refuse and repeated.any():
        raise InputError(f"{path}: station {frame.loc[repeated, 'station'].iloc[0]!r} is listed twice; agreed once")
    notes = []
    same = frame.duplicated()
    if same.any():
        notes.append(f"stations: {path.name} lists {_some(frame.loc[same, 'station'])} twice with the same facts")
    frame = frame[~same]
    twice = frame["station"].duplicated(keep="last")
    if twice.any():
        notes.append(
            f"stations: {path.name} lists {_some(frame.loc[twice, 'station'])} twice with different facts; "
            "the last counts"
        )
    return frame[~twice], notes


def merge(lists: Sequence[pd.DataFrame]) -> tuple[pd.DataFrame, list[str]]:
    """The union of lists, oldest first, and what they do not agree on; see ``read_lists``."""
    merged, notes = lists[0], []
    for newer in lists[1:]:
        notes += _differences(merged, newer)
        filled = newer.assign(
            closed=newer["closed"].mask(newer["closed"] == "", merged["closed"].reindex(newer.index).fillna("")),
            prefecture=newer["prefecture"].mask(
                newer["prefecture"] == "", merged["prefecture"].reindex(newer.index).fillna("")
            ),
        )
        # a pair of coordinates is one list's or the other's
        lacking = filled[["latitude", "longitude"]].isna().any(axis=1)
        for name in LIMITS:
            filled[name] = filled[name].mask(lacking, merged[name].reindex(filled.index))
        # where only the older list tells of the closure, the newer's mark means that
        filled["background"] &= (filled["closed"] == "") | (newer["closed"] != "")
        merged = pd.concat([filled, merged.loc[merged.index.difference(filled.index)]])
    return merged.sort_index(), notes


def _differences(older: pd.DataFrame, newer: pd.DataFrame) -> list[str]:
    both = older.index.intersection(newer.index)
    one, other = older.loc[both], newer.loc[both]
    far = kilometres(one, other)
    facts = {
        "have another name": one["name"] != other["name"],
        "have another city": one["city"] != other["city"],
        "are background in one only": one["background"] != other["background"],
        f"moved by {MOVED:g} km or more": far >= MOVED,
    }
    notes = [
        f"stations: between the lists {_some(both[differ])} {what}" for what, differ in facts.items() if differ.any()
    ]
    if (far >= MOVED).any():
        notes[-1] += f", {far.idxmax()} most ({far.max():.0f} km); the newer list's coordinates count"
    gone = older.index.difference(newer.index)
    if len(gone):
        notes.append(f"stations: the newer list lacks {_some(gone)}; kept from the older")
    return notes


def kilometres(one: pd.DataFrame, other: pd.DataFrame) -> pd.Series:
    """Distance between the coordinates of the same stations in two lists; NaN where a list has none."""
    north = one["latitude"] - other["latitude"]
    east = (one["longitude"] - other["longitude"]) * np.cos(np.deg2rad(one["latitude"]))
    distance: pd.Series = KILOMETRES_PER_DEGREE * np.hypot(north, east)
    return distance


def _some(stations: Iterable[str]) -> str:
    listed = [str(station) for station in stations]
    shown = ", ".join(listed[:5])
    return f"{len(listed)} stations ({shown}{' ...' if len(listed) > 5 else ''})"


def codes_by_name(names: Iterable[str], stations: pd.DataFrame, *, city: str) -> Mapping[str, str]:
    """Name -> code of the stations of ``city`` (as the list writes it) that are called so in the list.

    The city's own files say 万柳, 昌平 or 顺义 where the list says 海淀万柳, 昌平镇 or 顺义新城: after the name itself,
    a listed name that ends so, then the name with 镇, then with 新城, when just one is. A district before another
    place's name (房山燕山) is not the district's own station. Names without a code are left out.
    """
    listed = stations.loc[stations["city"] == city, "name"]
    found: dict[str, str] = {}
    for name in names:
        meant = [listed == name, listed.str.endswith(name), listed == f"{name}镇", listed == f"{name}新城"]
        first = next((listed.index[which] for which in meant if which.any()), listed.index[:0])
        if len(first) == 1:
            found[name] = str(first[0])
    return found
