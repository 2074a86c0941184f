"""Tables with a row for each place and hour, as archives print them: dirt is listed, the rest is read."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from pipeline.stations import blocks
from pipeline.stations.rejections import Row, row


def read_lines(lines: Sequence[str], *, needed: Sequence[str], file: str) -> tuple[pd.DataFrame | None, list[Row]]:
    """Lines of a CSV file as a frame of text; None, and a row, when a column is missing or rows break."""
    try:
        frame = pd.read_csv(io.StringIO("\n".join(lines) + "\n"), dtype=str)
    except (pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        return None, [row(file, "unknown_layout", " ".join(str(error).split()))]
    if absent := [name for name in needed if name not in frame]:
        found = ", ".join(map(str, frame.columns[:10]))
        return None, [row(file, "unknown_layout", f"column {absent[0]!r} is missing; found {found}")]
    return frame, []


def with_numbers(frame: pd.DataFrame, columns: Mapping[str, str], *, file: str) -> tuple[pd.DataFrame, list[Row]]:
    """``station``, ``time`` and, for our name -> column, numbers; text that is none is NaN and listed."""
    rows: list[Row] = []
    values = {}
    for name, column in columns.items():
        found = pd.to_numeric(frame[column], errors="coerce").to_numpy(dtype=float)
        wrong = (np.isnan(found) & frame[column].notna().to_numpy()) | np.isinf(found)
        for number in np.flatnonzero(wrong).tolist():
            station, time, text = (frame[key].iloc[number] for key in ("station", "time", column))
            place = {"station": str(station), "variable": name, "start": time, "end": time, "values": 1}
            rows.append(row(file, "text_value", repr(text), **place))
        values[name] = np.where(wrong, np.nan, found)
    return frame[["station", "time"]].assign(**values), rows


def block_of(frame: pd.DataFrame, columns: Mapping[str, str], *, file: str) -> tuple[blocks.Block, list[Row]]:
    """A frame of text with ``station`` and ``time`` as one block; rows without either are listed and left out."""
    placed = frame["station"].notna() & frame["time"].notna()
    rows = []
    if not placed.all():
        first = frame[~placed].iloc[0].head(5).to_dict()
        rows.append(row(file, "unknown_layout", f"{int((~placed).sum())} rows without station or whole hour: {first}"))
    numbers, told = with_numbers(frame[placed], columns, file=file)
    found, twice = blocks.of_rows(numbers, list(columns), file=file)
    block, differing = blocks.joined(found, list(columns), file=file)
    return block, [*rows, *told, *twice, *differing]
