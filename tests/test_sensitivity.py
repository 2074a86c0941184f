"""How much the headline depends on choices: the table, its laws, its figure, and the panel of stations."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import matplotlib
import numpy as np
import pandas as pd
import pytest

from pipeline.config import load
from pipeline.figures import style, texts_of
from pipeline.figures.fonts import find_cjk_font, unwritable
from pipeline.regions import definitions
from pipeline.report.figures.sensitivity import paint, rows_of
from pipeline.report.sensitivity import (
    SENSITIVITY,
    SHRINKS,
    WHOLE_YEARS,
    Headline,
    Subject,
    mean_of_cities,
    read_cities,
    region_definitions,
    sensitivity,
)
from pipeline.report.sensitivity_wording import note_in, summary, variant_in
from pipeline.stages import keys, tasks
from pipeline.store import Run
from tests import small_world
from tests.small_world import content, tianbang

HEADLINE = Headline(2022, 2021)
MOVED_ON = pd.Timestamp("2022-01-01")
CLEANER = 0.6
MODEL = {"members": 4, "methods": ["additive", "regression"]}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run of the small world, whose stations stay where they are."""
    path = tmp_path_factory.mktemp("still")
    config = small_world.write(path, {"model": MODEL, "pollutants": ["o3"]})
    assert tianbang("run", config, "--out", path / "run").code == 0
    return path


@pytest.fixture(scope="module")
def table(folder: Path) -> pd.DataFrame:
    return sensitivity(load(folder / "config.yml"), folder / "run", HEADLINE)


@pytest.fixture(scope="module")
def moved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same world in which Eastham's second station is closed after a year and another, cleaner one is opened."""
    path = tmp_path_factory.mktemp("moved")
    config = small_world.write(path, {"model": MODEL, "pollutants": ["o3"]})
    observed = pd.read_csv(path / "observations.csv", parse_dates=["time"])
    second = observed[observed["station"] == "E2"]
    new = second[second["time"] >= MOVED_ON].assign(station="E3", o3=lambda frame: CLEANER * frame["o3"])
    rest = observed[(observed["station"] != "E2") | (observed["time"] < MOVED_ON)]
    pd.concat([rest, new]).to_csv(path / "observations.csv", index=False)
    weather = pd.read_csv(path / "weather.csv")
    pd.concat([weather, weather[weather["station"] == "E2"].assign(station="E3")]).to_csv(
        path / "weather.csv", index=False
    )
    stations = pd.read_csv(path / "stations.csv")
    pd.concat([stations, stations[stations["station"] == "E2"].assign(station="E3")]).to_csv(
        path / "stations.csv", index=False
    )
    assert tianbang("run", config, "--out", path / "run").code == 0
    return path


def only(table: pd.DataFrame, **wanted: object) -> pd.DataFrame:
    chosen = pd.Series(True, table.index)
    for name, value in wanted.items():
        chosen &= table[name] == value
    return table[chosen]


# --- laws


def test_every_headline_is_the_number_of_the_run(table: pd.DataFrame, folder: Path) -> None:
    attribution = pd.read_csv(folder / "run/tables/attribution.csv")
    index = pd.read_csv(folder / "run/tables/index.csv", dtype={"period": str})
    own = only(attribution, level="region", period_from=2021, period_to=2022).set_index("statistic")
    of_year = only(index, level="region", frequency="year", period="2022").iloc[0]
    heads = table[table["headline"]]
    assert set(heads["choice"]) == {"base_year", "panel", "method", "reference_period"}
    for row in heads.itertuples():
        if row.quantity == "mci_change_percent":
            expected = [of_year["mci"] - 100, of_year["mci_low"] - 100, of_year["mci_high"] - 100]
        else:
            part = {"weather": "meteorology", "emissions": "emissions"}[row.quantity]
            expected = [own.loc[row.statistic, f"{part}{end}"] for end in ("", "_low", "_high")]
        # six digits are printed, of an index about 100
        assert [row.value, row.low, row.high] == pytest.approx(expected, rel=1e-5, abs=6e-4)


def test_other_methods_are_those_of_the_runs_table(table: pd.DataFrame, folder: Path) -> None:
    methods = pd.read_csv(folder / "run/tables/methods.csv")
    own = only(methods, level="region", period_from=2021, period_to=2022).set_index("method")
    for row in only(table, choice="method", quantity="weather").itertuples():
        assert row.value == pytest.approx(own.loc[row.variant, "meteorology"], rel=1e-5)
    noted = only(table, choice="method", variant="additive", quantity="weather")["note"]
    assert set(noted) == {f"shrinks={SHRINKS['o3']['additive']}"}


def test_where_no_station_changed_both_panels_are_the_same_and_nothing_is_separated_anew(
    table: pd.DataFrame, folder: Path
) -> None:
    panels = only(table, choice="panel")
    wide = panels.pivot_table(index=["statistic", "quantity"], columns="variant", values="value")
    np.testing.assert_array_equal(wide["all"], wide["constant"])
    assert not list((folder / "run/readings").glob("*-constant.nc"))


def test_the_order_of_regions_changes_nothing(table: pd.DataFrame, folder: Path) -> None:
    small_world.write_config(folder, {"model": MODEL, "regions": {"Plain": ["Westham", "Eastham"]}}, "other.yml")
    other = sensitivity(load(folder / "other.yml"), folder / "run", HEADLINE)
    pd.testing.assert_frame_equal(table, other, rtol=1e-6)
    assert list(table.columns) == list(SENSITIVITY)


def test_a_run_of_cities_alone_has_a_row_for_each_city(folder: Path) -> None:
    config = load(folder / "config.yml", ["levels=[city]"])
    found = sensitivity(config, folder / "run", HEADLINE)
    assert set(found["name"]) == {"Eastham", "Westham"}
    assert set(found["level"]) == {"city"}


def test_a_part_of_a_year_is_told_by_its_months_and_not_by_other_methods(folder: Path) -> None:
    part = sensitivity(load(folder / "config.yml"), folder / "run", Headline(2023, 2021, months=2))
    index = pd.read_csv(folder / "run/tables/index.csv", dtype={"period": str}).query("level == 'region'")
    months = index[index["period"].isin(["2023-01", "2023-02"])]
    change = only(part, quantity="mci_change_percent", choice="reference_period", variant="base_year")["value"].iloc[0]
    assert months["change_percent"].min() <= change <= months["change_percent"].max()
    assert "method" not in set(part["choice"])
    table = sensitivity(load(folder / "config.yml"), folder / "run", HEADLINE)
    of_whole = only(part, choice=WHOLE_YEARS).set_index(["quantity", "variant"])["value"]
    of_method = only(table, choice="method").set_index(["quantity", "variant"])["value"]
    pd.testing.assert_series_equal(of_whole, of_method)


# --- regions


def test_a_definition_with_the_same_air_gives_the_headline_and_one_with_other_cities_does_not(folder: Path) -> None:
    config, run = load(folder / "config.yml"), Run(folder / "run")
    cities = read_cities(run, tasks(config, run, keys(config)))
    east, west = (cities[name, "o3"] for name in ("Eastham", "Westham"))
    members = definitions()["bth_2_36"].cities
    others = [code for code in definitions()["bth_2_26"].cities if code not in members]
    assert others  # Taiyuan and others moved to the Fenwei plain
    for of_others in (east, west):
        given = dict.fromkeys([(code, "o3") for code in members], east) | dict.fromkeys(
            [(code, "o3") for code in others], of_others
        )
        mean = mean_of_cities(members, "o3", given)
        assert mean is not None
        subject = Subject("region", "bth_2_36", "o3", members, HEADLINE, mean)
        rows = pd.DataFrame(region_definitions(subject, config, given, (None, "")))
        weather = only(rows, quantity="weather", statistic="mean").set_index("variant")["value"]
        same = weather["bth_2_26"] == pytest.approx(weather["bth_2_36"], rel=1e-5)
        assert same == (of_others is east)
        assert list(rows[rows["headline"]]["variant"].unique()) == ["bth_2_36"]


# --- stations


@pytest.mark.slow
def test_a_station_that_moved_biases_all_stations_and_not_the_constant_panel(moved: Path, table: pd.DataFrame) -> None:
    found = sensitivity(load(moved / "config.yml"), moved / "run", HEADLINE)
    own = only(found, choice="panel", quantity="emissions", statistic="mean").set_index("variant")["value"]
    still = only(table, choice="panel", variant="all", quantity="emissions", statistic="mean")["value"].iloc[0]
    # one of two stations of one of two cities fell by two fifths: a tenth of some 85 ug m-3, times one half for Westham
    bias = -0.5 * 0.5 * (1 - CLEANER) * 85
    assert own["all"] - still == pytest.approx(bias, rel=0.25)
    assert abs(own["constant"] - still) < 0.2 * abs(bias)
    notes = only(found, choice="panel", variant="constant")["note"]
    assert set(notes) == {"differ=1/2"}


def test_the_other_panel_is_separated_once_and_a_run_of_it_takes_it_over(moved: Path) -> None:
    folder, config = moved, load(moved / "config.yml")
    first = sensitivity(config, folder / "run", HEADLINE)
    before = content(folder / "run")
    pd.testing.assert_frame_equal(first, sensitivity(config, folder / "run", HEADLINE))
    assert content(folder / "run") == before
    readings = {name: kept for name, kept in before.items() if name.startswith("readings")}
    assert sum(name.endswith("-constant.nc") for name in readings) == 1
    again = tianbang("run", folder / "config.yml", "--out", folder / "run", "--set", "panel=constant")
    assert again.code == 0
    assert {name: kept for name, kept in content(folder / "run").items() if name.startswith("readings")} == readings
    attribution = pd.read_csv(folder / "run/tables/attribution.csv")
    own = only(attribution, level="region", period_from=2021, period_to=2022, statistic="mean").iloc[0]
    told = only(first, choice="panel", variant="constant", quantity="weather", statistic="mean")["value"].iloc[0]
    assert own["meteorology"] == pytest.approx(told, rel=1e-5)


def test_where_too_many_cities_differ_the_table_says_how_many(moved: Path, tmp_path: Path) -> None:
    shutil.copytree(moved, tmp_path / "copy")
    for path in (tmp_path / "copy/run").rglob("*-constant*"):
        path.unlink()
    config = load(tmp_path / "copy/config.yml")
    found = sensitivity(config, tmp_path / "copy/run", HEADLINE, most_cities=0)
    skipped = only(found, choice="panel", variant="constant")
    assert skipped["value"].isna().all()
    assert set(skipped["note"]) == {"skipped=1"}
    assert note_in("en", "skipped=1").startswith("not computed: 1 cities")


# --- words and figure


def test_the_sentence_counts_the_headline_once(table: pd.DataFrame) -> None:
    rows = rows_of(table, "Plain", "o3", "mean")
    weather = only(rows, quantity="weather", statistic="mean")
    choices = 1 + int((~weather["headline"] & weather["value"].notna()).sum())
    assert re.search(rf"in \d+ of {choices}\.", summary(only(rows, statistic="mean"), "en"))
    assert f"{choices}种选择中" in summary(only(rows, statistic="mean"), "zh")


def test_a_definition_is_called_by_its_cities() -> None:
    assert variant_in("en", "definition", "yrd_31") == "31 cities"
    assert variant_in("zh", "definition", "bth_2_36") == "38市"


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_figure_has_a_line_for_every_variant_and_a_glyph_for_every_character(
    table: pd.DataFrame, language: str
) -> None:
    if language == "zh" and find_cjk_font() is None:
        pytest.skip("no font with Chinese characters")
    rows = rows_of(table, "Plain", "o3", "p90")
    with matplotlib.rc_context(style.settings(language)):
        figure = paint(rows, language, years=(2021, 2022), source="")
        lacking = unwritable(texts_of(figure), matplotlib.rcParams["font.family"])
    written = texts_of(figure)
    for choice, variant in rows[["choice", "variant"]].drop_duplicates().to_numpy():
        name = variant_in(language, choice, variant)
        assert name in written or f"{name} †" in written
    assert not lacking


def test_the_methods_that_shrink_are_those_of_the_benchmark() -> None:
    page = (Path(__file__).parents[1] / "BENCHMARK.md").read_text(encoding="utf-8").split("### Real weather")[0]
    names = {
        "additive": "additive model (splines)",
        "boosting": "gradient boosting, weather resampled",
        "forest": "random forest, all but the trend resampled",
        "fixed-emission": "fixed emission (forest of two years)",
    }
    for pollutant, heading in (("pm25", "**PM2.5.**"), ("o3", "**O3.**")):
        block = page.split(heading)[1]
        slopes = {method: float(re.search(rf"\| {re.escape(name)} \| [\d.]+ \| ([\d.]+)", block)[1])
                  for method, name in names.items()}  # fmt: skip
        assert {method: slope for method, slope in slopes.items() if slope < 0.85} == SHRINKS[pollutant]
