"""What the README shows runs as it stands."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pipeline.frame import attribute
from pipeline.worlds.benchmark_worlds import build, worlds

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def world():
    return build(worlds()[1])


def test_the_python_example_runs_and_prints_its_tables(world, capsys):
    weather = world.weather_frame("city")
    weather["wind_speed"] = np.hypot(weather["u10"], weather["v10"])
    weather["rh"] = 60.0 + 10 * np.sin(np.arange(len(weather)))
    air = world.series("city", "pm25").to_frame("pm25")
    (block,) = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    code = block.replace("base_year=2016", f"base_year={world.days[0].year}")
    exec(compile(code, "README.md", "exec"), {"air": air, "weather": weather})
    printed = capsys.readouterr().out
    assert "meteorology" in printed
    assert "100.0" in printed


def test_a_frame_gives_the_same_as_its_parts_say(world):
    found = attribute(world.series("city", "pm25"), world.weather_frame("city"))
    parts = found.parts
    total = parts["meteorology"] + parts["emissions"] + parts["unobserved"] + parts["residual"]
    assert np.allclose(total, parts["observed_change"])
    assert found.index.query("period == @found.index.period[0]")["mci"].iloc[0] == pytest.approx(100)
    assert found.skill["r2"] > 0.5


def test_series_that_share_no_day_are_refused(world):
    later = world.weather_frame("city").set_axis(world.days + pd.Timedelta(days=9000))
    with pytest.raises(ValueError, match="share no day"):
        attribute(world.series("city", "pm25"), later)
