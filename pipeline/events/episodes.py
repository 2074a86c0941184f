"""Runs of days of an event."""

from __future__ import annotations

import numpy as np
import pandas as pd


def episodes(flag: pd.Series) -> pd.DataFrame:
    """Runs of consecutive days that are 1: columns start, end (both days of it) and days, in order of time.

    ``flag`` (1, 0 or NaN) has consecutive days as its index. A day that is not known ends a run.
    """
    there = flag.to_numpy() == 1
    edges = np.flatnonzero(np.diff(np.concatenate([[False], there, [False]]).astype(int)))
    days = pd.DatetimeIndex(flag.index)
    first, last = edges[::2], edges[1::2] - 1
    return pd.DataFrame({"start": days[first], "end": days[last], "days": last - first + 1})
