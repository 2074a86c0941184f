"""A process that fetches: cache, address and key, then variables, first and last day. To be killed."""

import logging
import os
import sys
from pathlib import Path

import pandas as pd

from era5_fetch.patience import Patience
from era5_fetch.progress import Lines
from era5_fetch.sources import Settings
from era5_fetch.sources.cds import Cds

PATIENCE = Patience(retries=(0.05,) * 4, queue_full=(0.1,) * 20, polls=(0.02, 0.05), timeout=(5, 20))
AREA = [40.5, 116, 39.5, 117]
NOW = pd.Timestamp("2026-11-24 06:00")

if __name__ == "__main__":
    cache, url, variables, first, last = sys.argv[1:6]
    if "DEBUG" in os.environ:
        logging.basicConfig(level=logging.DEBUG)
    settings = Settings(Path(cache), url=url, patience=PATIENCE, teller=Lines(every=0.0), now=NOW)
    found = Cds(settings).open(variables.split(","), (first, last), area=AREA)
    print(dict(found.sizes), sum(float(field.sum(dtype="f8")) for field in found.data_vars.values()))
