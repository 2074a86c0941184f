"""A run whose regions are definitions: cities are codes, stations find theirs by the list, wrong keys are told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import small_world

from pipeline.config import load
from pipeline.daily import daily
from pipeline.errors import ConfigError

STATIONS = """station,name,city,latitude,longitude
E1,a,北京,30.1,114.3
E2,b,北京市,30.2,114.4
W1,c,天津,31,115
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The small world, its stations in Beijing and Tianjin."""
    small_world.write(tmp_path)
    (tmp_path / "stations.csv").write_text(STATIONS, encoding="utf-8")
    return tmp_path


def config_of(folder: Path, **keys: Any) -> Path:
    """The small world's config with other keys."""
    return small_world.write_config(folder, {"regions": ["bth_2_36", "nation"], **keys})


def test_cities_are_codes_and_both_spellings_are_one_city(folder: Path) -> None:
    found = daily(load(config_of(folder))).places
    assert found.regions == {"bth_2_36": ("110000", "120000"), "nation": ("110000", "120000")}
    assert found.of_city("110000") == ["E1", "E2"]


def test_the_run_has_the_regions_by_their_keys_and_lists_what_it_rejected(folder: Path) -> None:
    outcome = small_world.tianbang("run", config_of(folder), "--out", folder / "run")
    assert outcome.code == 0, outcome.err
    names = pd.read_csv(folder / "run/tables/attribution.csv").query("level == 'region'")["name"]
    assert set(names) == {"bth_2_36", "nation"}
    assert {"quality.csv", "rejected.csv"} <= {path.name for path in (folder / "run/tables").iterdir()}


@pytest.mark.parametrize(
    ("keys", "line"),
    [
        ({"regions": ["bth_2_26", "bth_2_36"]}, "define the same region"),
        ({"quality": {"stuck": 1}}, "unknown key; known here: rules"),
        ({"quality": {"rules": ["stale"]}}, "found 'stale'; allowed"),
    ],
)
def test_what_is_not_agreed_is_told_by_key(folder: Path, keys: dict[str, Any], line: str) -> None:
    with pytest.raises(ConfigError, match=line):
        load(config_of(folder, **keys))
