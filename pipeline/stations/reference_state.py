"""The reference state of China's national network, and the day it changed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from pipeline.contracts import Observed
from pipeline.stations import blocks, rejections
from pipeline.vocabulary import GAS_FACTOR, pollutant

GAS_REFERENCE_UNTIL = pd.Timestamp("2018-09-01")
"""Gases were reported at 273.15 K before this day, at 298.15 K since (MEE announcement 2018 No. 29)."""


def at_298_kelvin(block: blocks.Block) -> blocks.Block:
    """Gases of hours that end by 2018-09-01 00:00 taken from 273.15 K to 298.15 K."""
    factor = np.where(block.labels <= GAS_REFERENCE_UNTIL, GAS_FACTOR, 1.0)
    values = {name: array * factor if pollutant(name).gas else array for name, array in block.values.items()}
    return blocks.Block(block.stations, block.labels, values)


def observed(
    found: list[blocks.Block], names: list[str], rows: list[rejections.Row], *, files: tuple[Path, ...]
) -> Observed:
    """Blocks as printed, of a batch's files, as observations at 298.15 K."""
    file = files[0].name if len(files) == 1 else ""
    block, more = blocks.joined(found, names, file=file)
    return Observed(blocks.dataset(at_298_kelvin(block)), rejections.table([*rows, *more]))
