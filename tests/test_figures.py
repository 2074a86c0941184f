"""Figures: every glyph has a font, bytes repeat, nothing is fetched, nothing is drawn twice."""

import logging
import re
import subprocess
import sys
import urllib.request
import warnings
from dataclasses import dataclass
from itertools import pairwise

import matplotlib
import numpy as np
import pandas as pd
import pytest
import xarray as xr
from PIL import Image
from visual import overlaps

from models.calendar import calendar
from pipeline import figures, tables, wording
from pipeline.attribution import file_name
from pipeline.config import validate
from pipeline.figures import dependence, driver_shares, fonts, joint_dependence, place_map, style, subjects, trend
from pipeline.readings import index_periods
from pipeline.store import Run
from pipeline.vocabulary import GROUPS

YEARS = (2019, 2020, 2021)
MEMBERS = 5
SHARES = (0.5, 0.9, -0.3, -0.2, 0.1, 0.0)
"""Parts of the weather's part that the driver groups have in made readings; there is no driver of the last."""


@dataclass(frozen=True)
class Key:
    """What the store asks of a run's keys."""

    products: str = "made"
    made_of: tuple = (("config", "0" * 64), ("seed", 1), ("inputs", {"observations.csv": "1" * 64}))

    def __post_init__(self):
        object.__setattr__(self, "made_of", dict(self.made_of))

    @property
    def inputs(self):
        return self.made_of["inputs"]


def made(level, name, pollutant="pm25", *, seed=1, years=YEARS, meteorology=None, units="ug m-3"):
    """Readings with known numbers, in the shape of ``pipeline.readings``; ``meteorology`` fixes estimate and spread."""
    rng = np.random.default_rng(seed)
    days = pd.date_range(f"{years[0]}-01-01", f"{years[-1]}-12-31", freq="D")
    statistics = ["mean", "p90"] if pollutant == "o3" else ["mean"]
    periods = [(period, own) for period, own in index_periods(calendar(days)) if period.frequency != "week"]
    season = 50 + 20 * np.cos(2 * np.pi * np.asarray(days.day_of_year) / 365.25)
    normalized = season - 3 * np.asarray((days - days[0]).days) / 365.25
    observed = normalized + rng.normal(0, 5, len(days))
    pairs = [(p, q) for i, p in enumerate(years) for q in years[i + 1 :]]
    estimate, spread = meteorology or (-4.0, 0.5)
    parts = estimate + spread * rng.standard_normal((len(statistics), len(pairs), MEMBERS + 1))
    parts[..., 0] = estimate
    index = 100 + 10 * rng.standard_normal((len(periods), 1)) + rng.standard_normal((len(periods), MEMBERS + 1))
    own = [days_of for _, days_of in periods]
    values = np.array([[observed[i].mean() for i in own] for _ in statistics])
    shares = parts[0][None] * np.array(SHARES)[:, None, None]
    normalized_value = np.array([normalized[i].mean() for i in own])[:, None] + 0.2 * rng.standard_normal(
        (1, MEMBERS + 1)
    )
    member = ("statistic", "pair", "member")
    return xr.Dataset(
        {
            "meteorology": (member, parts),
            "emissions": (member, parts[..., ::-1] / 2),
            "interaction": (member, parts / 10),
            "observed_from": (("statistic", "pair"), np.full(parts.shape[:2], 50.0)),
            "observed_to": (("statistic", "pair"), np.full(parts.shape[:2], 43.5)),
            "predicted_from": (("statistic", "pair"), np.full(parts.shape[:2], 50.0)),
            "predicted_to": (("statistic", "pair"), np.full(parts.shape[:2], 44.0)),
            "days_compared": (("statistic", "pair"), np.full(parts.shape[:2], 365)),
            "days_observed": (("statistic", "pair"), np.full(parts.shape[:2], 365)),
            "index_actual": (("period", "member"), index),
            "index_reference": (("period", "member"), np.full_like(index, 100.0)),
            "days": ("period", [len(i) for i in own]),
            "driver_share": (("group", "pair", "member"), shares),
            "normalized_value": (("period", "member"), normalized_value),
            "predicted": ("time", normalized),
            "observed_value": (("statistic", "period"), values),
            "observed_days": ("period", [len(i) for i in own]),
            "valid": ("period", np.ones(len(own))),
            "observed": ("time", observed),
            "normalized": ("time", normalized),
            "held_out": ("time", normalized),
            "reporting": ("time", np.full(len(days), 3)),
            "outside_percent": 2.5,
        },
        coords={
            "statistic": statistics,
            "group": list(GROUPS),
            "pair": [f"{p}-{q}" for p, q in pairs],
            "period_from": ("pair", [p for p, _ in pairs]),
            "period_to": ("pair", [q for _, q in pairs]),
            "frequency": ("period", [period.frequency for period, _ in periods]),
            "label": ("period", [period.label for period, _ in periods]),
            "start": ("period", pd.DatetimeIndex([period.start for period, _ in periods])),
            "end": ("period", pd.DatetimeIndex([period.end for period, _ in periods])),
            "time": days,
        },
        attrs={"level": level, "name": name, "pollutant": pollutant, "units": units},
    )


def config_of(folder, **more):
    """A config whose files are there, and empty."""
    (folder / "table.csv").touch()
    keys = {
        "name": "made",
        "period": ["2019-01-01", "2021-12-31"],
        "base_period": ["2019-01-01", "2019-12-31"],
        "observations": {"reader": "table", "path": "table.csv"},
        "weather": {"source": "table", "path": "table.csv"},
    }
    return validate({**keys, **more}, folder=folder, where="made")


def frames_of(readings):
    names = ("attribution", "drivers", "index", "concentrations", "trends", "changepoints", "events", "skill")
    return {name: getattr(tables, name)(readings) for name in names}


def stations_of(*names, latitude=40.0):
    """Stations on a line, a third of a degree apart."""
    return {
        name: {"name": f"站{i}", "city": "Beijing", "latitude": latitude + i / 3, "longitude": 116 + i / 3}
        for i, name in enumerate(names)
    }


def planned(readings, folder, *, stations=None, **more):
    return figures.plan(config_of(folder, **more), readings, frames_of(readings), stations or {})


@pytest.fixture(autouse=True)
def no_missing_glyph(caplog):
    """Whatever matplotlib says about glyphs, as a warning or in its log, is a failure."""
    with warnings.catch_warnings():
        warnings.filterwarnings("error", message=".*[Gg]lyph.*")
        with caplog.at_level(logging.WARNING, logger="matplotlib"):
            yield
    assert not [line for line in caplog.messages if "lyph" in line or "font" in line.lower()]


def with_dependence(readings):
    """Readings with curves of eight drivers, on the place's own grids, and the joint means of two."""
    drivers = ["t2m", "rh", "log_blh", "log_wind_speed", "log_tp", "sp", "diurnal_range", "fog"]
    grid = np.linspace(0, 1, 15)
    curve = 50 * np.exp(np.linspace(1, 0.1, len(drivers))[:, None] * (grid - 0.5))
    values = np.array([273 + 30 * grid, 20 + 70 * grid, 200 + 1500 * grid, 5 * grid, 20 * grid, 99000 + 4000 * grid,
                       3 + 12 * grid, grid])  # fmt: skip
    days = np.maximum(0, 15 - 40 * np.abs(grid[:, None] - grid))
    return readings.assign(
        dependence=(("driver", "grid", "member"), curve[..., None] * (1 + 0.05 * np.arange(MEMBERS + 1))),
        dependence_value=(("driver", "grid"), values),
        dependence_days=(("driver", "grid"), np.tile(days.sum(axis=0), (len(drivers), 1))),
        joint=(("first_grid", "second_grid"), curve[0][:, None] * curve[1] / 50),
        joint_days=(("first_grid", "second_grid"), days),
        joint_first=("first_grid", values[0], {"driver": "t2m"}),
        joint_second=("second_grid", values[2], {"driver": "log_blh"}),
    ).assign_coords(driver=drivers)


STEP = "2020-07-01"


def stepped(readings, *, percent=-30.0, date=STEP):
    """Readings whose observations fall by ``percent`` from ``date`` on."""
    factor = np.where(readings["time"] >= np.datetime64(date), 1 + percent / 100, 1.0)
    return readings.assign(observed=readings["observed"] * factor)


def everything(folder, pollutants=("pm25", "o3")):
    readings = [with_dependence(made("region", "北京及周边", name)) for name in pollutants]
    readings += [made("station", place, name, seed=2) for place in ("A", "B") for name in pollutants]
    return planned(readings, folder, stations=stations_of("A", "B"))


def test_every_figure_is_drawn_as_png_and_svg_with_a_manifest_and_every_glyph(tmp_path):
    store, key = Run(tmp_path / "run"), Key()
    found = everything(tmp_path)
    assert {figure.language for figure in found} == {"en", "zh"}
    assert {figure.kind for figure in found} == {"trend", "index", "bars", "drivers", "dependence", "joint", "map"}
    for drawn in (figure.draw(store, key) for figure in found):
        assert drawn.note is None
        assert all(store.fresh(artefact, key.products) for artefact in drawn.artefacts.values())
        with Image.open(store.path(drawn.artefacts["png"])) as picture:
            assert picture.width == style.WIDTH * style.DOTS_PER_INCH
        svg = store.path(drawn.artefacts["svg"]).read_text(encoding="utf-8")
        assert "<svg" in svg
        assert "<text" not in svg  # outlines need no font where they are read


def test_equal_figures_are_equal_bytes(tmp_path):
    first, second = Run(tmp_path / "first"), Run(tmp_path / "second")
    for figure in everything(tmp_path, pollutants=("pm25",)):
        for suffix, artefact in figure.draw(first, Key()).artefacts.items():
            assert (
                first.path(artefact).read_bytes()
                == second.path(figure.draw(second, Key()).artefacts[suffix]).read_bytes()
            )
            assert b"Date" not in first.path(artefact).read_bytes()


def test_a_figure_that_is_fresh_is_not_drawn_again(tmp_path, monkeypatch):
    (figure, *_), store = everything(tmp_path), Run(tmp_path / "run")
    drawn = figure.draw(store, Key())
    monkeypatch.setattr(style, "settings", lambda language: pytest.fail("drawn again"))
    assert figure.draw(store, Key()) == drawn


def test_drawing_leaves_the_settings_of_matplotlib_alone(tmp_path):
    before = dict(matplotlib.rcParams)
    everything(tmp_path)[0].draw(Run(tmp_path / "run"), Key())
    assert dict(matplotlib.rcParams) == before


def test_no_map_is_downloaded(tmp_path, monkeypatch):
    def refuse(*arguments, **keywords):
        raise AssertionError("a download")

    monkeypatch.setattr(urllib.request, "urlopen", refuse)
    maps = [figure for figure in everything(tmp_path) if figure.kind == "map"]
    assert all(figure.draw(Run(tmp_path / "run"), Key()).artefacts for figure in maps)


@pytest.mark.parametrize("years", [(2020, 2021), tuple(range(2013, 2025))], ids=["2 years", "12 years"])
def test_no_two_labels_overlap_and_none_leaves_the_figure(tmp_path, years):
    names = [f"1{i:03}A" for i in range(12)]
    regions = [made("region", "Fenwei Plain 汾渭平原", pollutant, years=years) for pollutant in ("o3", "pm25")]
    readings = [stepped(with_dependence(region)) for region in regions]
    readings += [made("station", name, years=years[-2:], seed=i) for i, name in enumerate(names)]
    period = [f"{years[0]}-01-01", f"{years[-1]}-12-31"]
    for figure in planned(readings, tmp_path, stations=stations_of(*names), period=period, base_period=period):
        with matplotlib.rc_context(style.settings(figure.language)):
            assert overlaps(figure.paint()) == ([], []), (figure.kind, figure.language)


def test_names_may_hold_dollars_and_marks_of_any_kind(tmp_path):
    store = Run(tmp_path / "run")
    for figure in planned([made("region", "A$^$B --><script>&", "my$gas")], tmp_path, languages=["en"]):
        drawn = figure.draw(store, Key())
        assert drawn.artefacts
        assert "<script>" not in store.path(drawn.artefacts["svg"]).read_text(encoding="utf-8")


def test_a_chinese_font_is_found_and_writes_every_phrase():
    family = figures.find_cjk_font()
    assert family
    chinese = [chinese for _, chinese in wording.PHRASES.values()]
    assert fonts.unwritable([*chinese, *(zh for _, zh in wording.UNITS.values())], fonts.families("zh")) == []
    english = [english for english, _ in wording.PHRASES.values()]
    signs = [*wording.POLLUTANT_SIGNS.values(), "µg m⁻³ −+–…"]
    assert fonts.unwritable([*english, *signs], fonts.families("en")) == []


def test_the_packaged_font_is_taken_where_no_font_is_installed(monkeypatch):
    monkeypatch.setattr(fonts, "_installed", lambda: None)
    assert figures.find_cjk_font() == "Noto Sans SC"


def test_an_installed_font_goes_before_the_packaged_one(monkeypatch):
    monkeypatch.setattr(fonts, "CJK_FAMILIES", ("DejaVu Serif",))
    monkeypatch.setattr(fonts, "_packaged", lambda: pytest.fail("not asked"))
    assert figures.find_cjk_font() == "DejaVu Serif"


def test_without_a_chinese_font_chinese_figures_are_left_out_with_a_note(tmp_path, monkeypatch):
    monkeypatch.setattr(fonts, "CJK_FAMILIES", ())
    monkeypatch.setattr(fonts, "PACKAGED_FONT", ("no_such_package", "no.otf"))
    drawn = [figure.draw(Run(tmp_path / "run"), Key()) for figure in planned([made("region", "Beijing")], tmp_path)]
    assert {bool(one.artefacts): one.figure.language for one in drawn} == {True: "en", False: "zh"}
    assert {one.note for one in drawn if not one.artefacts} == {wording.phrase("no_cjk_font", "en")}


def test_a_name_that_no_font_can_write_is_a_note_and_not_a_box(tmp_path):
    (figure, *_) = planned([made("region", "\U000132f9")], tmp_path, languages=["en"])
    drawn = figure.draw(Run(tmp_path / "run"), Key())
    assert not drawn.artefacts
    assert "\U000132f9" in drawn.note
    assert not (tmp_path / "run" / "figures").exists()


def test_a_region_with_one_city_is_drawn_once():
    readings = [made("region", "R"), made("city", "C"), made("city", "D", seed=3), made("station", "S")]
    chosen = subjects.select(readings)
    assert chosen.drawn == (("region", "R"), ("city", "D"))
    assert chosen.repeated == {("city", "C"): ("region", "R")}
    assert chosen.left_out == 0


def test_many_cities_leave_the_figures_to_the_regions():
    readings = [made("region", f"R{i}", seed=i) for i in range(3)] + [
        made("city", f"C{i}", seed=10 + i) for i in range(9)
    ]
    chosen = subjects.select(readings)
    assert chosen.drawn == tuple(("region", f"R{i}") for i in range(3))
    assert chosen.left_out == 9


def test_cities_are_the_highest_level_where_there_are_no_regions():
    readings = [made("city", f"C{i:02}", seed=i) for i in range(subjects.TOP_LIMIT + 3)]
    assert len(subjects.select(readings).drawn) == subjects.TOP_LIMIT
    assert subjects.select([made("station", "S")]).drawn == ()


def test_places_of_a_pollutant_share_their_axes(tmp_path):
    readings = [made("region", "R", seed=1), made("region", "Q", seed=5, meteorology=(-30.0, 1.0))]
    found = planned(readings, tmp_path, languages=["en"])
    for kind in ("trend", "index", "bars", "drivers"):
        with matplotlib.rc_context(style.settings("en")):
            canvases = [figure.paint() for figure in found if figure.kind == kind]
        limits = [[axes.get_ylim() for axes in canvas.axes] for canvas in canvases]
        assert limits[0] == limits[1]


def test_a_map_needs_two_places_with_coordinates(tmp_path):
    readings = [made("station", "A"), made("station", "B", seed=2)]
    unknown = {name: {**facts, "latitude": float("nan")} for name, facts in stations_of("A", "B").items()}
    for stations, expected in (({}, 0), (unknown, 0), (stations_of("A"), 0), (stations_of("A", "B"), 1)):
        assert len(place_map.points(frames_of(readings)["attribution"], stations)) == expected


def test_a_map_of_cities_stands_at_the_mean_of_their_stations():
    readings = [made("city", "Beijing"), made("city", "Xi'an", seed=2)]
    stations = {**stations_of("A", "B"), "C": {"name": "C", "city": "Xi'an", "latitude": 34.0, "longitude": 109.0}}
    (places,) = place_map.points(frames_of(readings)["attribution"], stations)
    assert places.rows.set_index("name").loc["Beijing", "latitude"] == pytest.approx(40 + 1 / 6)
    assert (places.first, places.last) == (2019, 2021)


@pytest.mark.parametrize("latitude", [-35.0, -0.1, 0.0, 51.5, 69.0])
def test_a_map_may_lie_anywhere(tmp_path, latitude):
    readings = [made("station", "A"), made("station", "B", seed=2)]
    stations = stations_of("A", "B", latitude=latitude)
    (figure,) = planned(readings, tmp_path, stations=stations, languages=["en"])
    with matplotlib.rc_context(style.settings("en")):
        canvas = figure.paint()
        canvas.draw_without_rendering()
    assert {"A", "B"} <= set(figures.texts_of(canvas))


def subject_of(readings, folder):
    """The first subject of some readings."""
    return subjects.subjects_of(config_of(folder), readings, frames_of(readings))[0]


def painted(figures_planned, kind):
    (figure,) = [figure for figure in figures_planned if figure.kind == kind and figure.language == "en"]
    with matplotlib.rc_context(style.settings("en")):
        return figure, figure.paint()


def test_the_trend_is_drawn_with_the_slope_of_the_table(tmp_path):
    readings = [made("region", "R")]
    subject = subject_of(readings, tmp_path)
    months = subjects.series_of(subject)["normalized"]
    row = trend.slopes(subject)["normalized"]
    line = trend.line_of(row, months)
    assert line[-1] - line[0] == pytest.approx(row["slope"] * (months.index[-1] - months.index[0]).days / 365.25)
    assert np.median(months - line) == pytest.approx(0, abs=1e-9)
    planted = -3.0  # a year, by ``made``
    assert row["slope"] == pytest.approx(planted, rel=0.01)
    figure, canvas = painted(planned(readings, tmp_path), "trend")
    interval = f"[{wording.signed(row['slope_low'], 2)}, {wording.signed(row['slope_high'], 2)}]"
    assert any(interval in text for text in figures.texts_of(canvas))
    assert interval in figure.alt


def test_a_change_point_is_marked_at_the_date_that_was_planted(tmp_path):
    readings = [stepped(made("region", "R", years=tuple(range(2016, 2024))))]
    period = ["2016-01-01", "2023-12-31"]
    figure, canvas = painted(planned(readings, tmp_path, period=period, base_period=period), "trend")
    planted = style.day_number(STEP)
    (axes,) = canvas.axes
    marks = [line.get_xdata()[0] for line in axes.lines if len(set(line.get_xdata())) == 1]
    assert marks == [planted]
    spans = [patch.get_extents().transformed(axes.transData.inverted()) for patch in axes.patches]
    assert any(span.x0 <= planted <= span.x1 for span in spans)
    assert STEP[:7] in figure.alt


def test_the_waterfall_ends_at_the_weathers_part(tmp_path):
    subject = subject_of([made("region", "R")], tmp_path)
    steps = driver_shares.rows(subject)
    change = subject.attribution.query("period_from == 2019 and period_to == 2021").iloc[0]
    *groups, last = steps.to_dict("records")
    assert groups[0]["start"] == 0
    for before, after in pairwise(groups):
        assert after["start"] == pytest.approx(before["start"] + before["value"])
    assert groups[-1]["start"] + groups[-1]["value"] == pytest.approx(change["meteorology"])
    assert (last["group"], last["start"]) == ("all", 0.0)
    assert [last[name] for name in ("value", "low", "high")] == [
        change[name] for name in ("meteorology", "meteorology_low", "meteorology_high")
    ]
    assert [step["group"] for step in groups] == [group for group in GROUPS if group != "other"]


def test_a_share_is_pale_where_its_interval_holds_zero(tmp_path):
    wide = planned([made("region", "R", meteorology=(-4.0, 30.0))], tmp_path)
    narrow = planned([made("region", "R", meteorology=(-4.0, 0.1))], tmp_path)
    for found, alpha in ((wide, driver_shares.PALE), (narrow, driver_shares.FULL)):
        _, canvas = painted(found, "drivers")
        assert {patch.get_alpha() for patch in canvas.axes[0].patches} == {alpha}


def test_dependence_is_drawn_only_where_there_is_one(tmp_path):
    kinds = {figure.kind for figure in planned([made("region", "R")], tmp_path)}
    assert not kinds & {"dependence", "joint"}


def test_a_region_of_one_city_shows_the_dependence_of_that_city(tmp_path):
    readings = [made("region", "R"), with_dependence(made("city", "C"))]
    found = planned(readings, tmp_path, languages=["en"])
    assert {figure.place for figure in found if figure.kind in ("dependence", "joint")} == {("region", "R")}
    two_cities = [made("region", "R", seed=7), with_dependence(made("city", "C")), made("city", "D", seed=3)]
    found = planned(two_cities, tmp_path, languages=["en"])
    assert {figure.place for figure in found if figure.kind == "dependence"} == {("city", "C")}


def test_the_drivers_that_move_the_concentration_most_are_shown_in_readable_units(tmp_path):
    data = with_dependence(made("region", "R"))
    assert dependence.shown(data) == ["t2m", "rh", "log_blh", "log_wind_speed", "log_tp", "sp"]
    assert dependence.printed("t2m", np.array([273.15])) == pytest.approx(0)
    assert dependence.printed("sp", np.array([101325.0])) == pytest.approx(1013.25)
    assert dependence.printed("diurnal_range", np.array([9.0])) == pytest.approx(9)
    labels = [dependence.label(name, "en") for name in ("t2m", "log_blh", "diurnal_range", "fog")]
    assert labels == ["temperature (°C)", "boundary-layer height (m)", "diurnal range (K)", "fog"]
    assert dependence.label("log_wind_speed", "zh") == "风速（m s⁻¹）"


def test_the_joint_figure_is_blank_where_there_were_no_days():
    data = with_dependence(made("region", "R"))
    shown = joint_dependence.known(data)
    assert (np.isnan(shown) == (data["joint_days"].to_numpy() == 0)).all()
    assert np.isnan(shown).any()


def test_the_first_year_is_the_base_period_s_or_the_first_there_is(tmp_path):
    attribution = frames_of([made("region", "R")])["attribution"]
    for base, expected in (("2020", 2020), ("2021", 2019)):
        config = config_of(tmp_path, base_period=[f"{base}-01-01", f"{base}-12-31"])
        assert subjects.first_year(config, attribution) == expected
    config = config_of(tmp_path, year_start="03-01", base_period=["2020-01-01", "2020-12-31"])
    assert subjects.first_year(config, attribution) == 2019


def test_a_place_with_one_year_has_no_bars_and_no_shares_but_is_drawn(tmp_path):
    found = planned([made("region", "R", years=(2020,))], tmp_path, languages=["en"])
    assert [figure.kind for figure in found] == ["trend", "index"]
    assert all(figure.draw(Run(tmp_path / "run"), Key()).artefacts for figure in found)


def test_figures_live_under_their_language_and_a_safe_name(tmp_path):
    artefacts = {figure.artefact("png") for figure in planned([made("region", "a/../b")], tmp_path)}
    assert all(re.fullmatch(r"figures/(en|zh)/[\w-]+\.png", artefact) for artefact in artefacts)
    assert any(file_name("a/../b") in artefact for artefact in artefacts)


def test_planning_imports_no_map_library():
    code = "import sys, pipeline.figures; assert not {'cartopy', 'matplotlib.pyplot'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
