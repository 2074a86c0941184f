"""Plans: whatever the period, the variables and what is held, everything is asked for once and nothing twice."""

import json
from collections import Counter
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from era5_fetch import lexicon
from era5_fetch.errors import GridError, PeriodError, RequestError, VariableError
from era5_fetch.period import hours
from era5_fetch.plan import Cost, Holding, covers, plan, published, remaining, split, table, to_json
from era5_fetch.request import HOURS, PRESSURE_LEVELS, SINGLE_LEVELS, Request, normalised

NAMES = ["t2m", "blh", "msl", "tp", "ssrd", "mx2t", "avg_sdswrf", "t850", "u850", "t925", "q1000"]
NAMES = [name for name in NAMES if lexicon.identify(name)]

some_names = st.lists(st.sampled_from(NAMES), min_size=1, unique=True)
some_periods = st.tuples(
    st.datetimes(pd.Timestamp("2019-12-20"), pd.Timestamp("2020-03-10")).map(pd.Timestamp),
    st.integers(1, 60).map(lambda days: pd.Timedelta(days=days)),
).map(lambda pair: (pair[0], pair[0] + pair[1]))


def asked(requests: list[Request]) -> Counter[tuple[str, pd.Timestamp]]:
    """How often each variable is asked for at each hour, as the server would read it."""
    found: Counter[tuple[str, pd.Timestamp]] = Counter()
    for request in requests:
        levels = [int(n) for n in request.inputs.get("pressure_level", [])] or [None]
        names = [lexicon.identify(v, level=n).name for v in request.inputs["variable"] for n in levels]
        days = [f"{request.inputs['year'][0]}-{request.inputs['month'][0]}-{day}" for day in request.inputs["day"]]
        times = [pd.Timestamp(f"{day} {time}") for day in days for time in request.inputs["time"]]
        found.update((name, time) for name in names for time in times)
    return found


def wanted(names: list[str], period) -> Counter[tuple[str, pd.Timestamp]]:
    days = hours(period).normalize().unique()
    return Counter((n, d + pd.Timedelta(hours=h)) for n in names for d in days for h in range(HOURS))


@given(names=some_names, period=some_periods, limit=st.sampled_from([24, 500, 5000, 60_000]))
def test_a_plan_asks_for_every_variable_and_whole_day_once(names, period, limit):
    requests = plan(names, period, fields_limit=limit)
    assert asked(requests) == wanted(names, period)
    assert all(request.fields <= limit for request in requests)
    assert len({request.digest for request in requests}) == len(requests)


@given(names=some_names, period=some_periods)
def test_a_request_is_of_one_month_one_dataset_and_one_kind_of_step(names, period):
    for request in plan(names, period):
        known = [lexicon.variable(name) for name in request.variables]
        assert len({v.kind for v in known}) == 1
        assert {v.level is None for v in known} == {request.dataset == SINGLE_LEVELS}
        assert request.hours.to_period("M").nunique() == 1
        assert request.fields == len(request.variables) * request.hours.size


@given(names=some_names, period=some_periods)
def test_what_was_sent_gives_back_its_request(names, period):
    for request in plan(names, period, area=[41, 115, 39, 118]):
        again = Request.from_inputs(request.dataset, json.loads(json.dumps(request.inputs)))
        assert again == request
        assert again.digest == request.digest


@given(data=st.data(), names=some_names, period=some_periods)
def test_halves_hold_what_the_whole_holds(data, names, period):
    (whole, *_) = plan(names, period)
    parts = [whole]
    for _ in range(data.draw(st.integers(0, 6))):
        part = data.draw(st.sampled_from(parts))
        if len(part.variables) * len(part.days) > 1:
            parts.remove(part)
            parts.extend(split(part))
    assert asked(parts) == asked([whole])


def test_one_variable_on_one_day_cannot_be_split():
    (request,) = plan(["t2m"], "2020-01-01")
    with pytest.raises(RequestError, match="2020-01-01 t2m: too large for the server"):
        split(request)


@given(data=st.data(), names=some_names, period=some_periods)
def test_what_is_held_and_what_is_left_are_the_whole(data, names, period):
    requests = plan(names, period)
    parts = [part for request in requests for part in (split(request) if request.fields > HOURS else (request,))]
    held = data.draw(st.lists(st.sampled_from(parts), unique_by=lambda part: part.digest))
    left = remaining(requests, [Holding(part, part.hours[-1]) for part in held])
    assert asked(held) + asked(left) == wanted(names, period)


def test_a_day_that_ends_too_early_is_left_as_a_whole():
    (request,) = plan(["t2m"], "2020-01")
    (left,) = remaining([request], [Holding(request, pd.Timestamp("2020-01-30 22:00"))])
    assert left.days == (30, 31)


def test_a_smaller_area_is_served_and_a_larger_one_is_not():
    (held,) = plan(["t2m", "blh"], "2020-01", area=[41, 115, 39, 118])
    holding = [Holding(held, held.hours[-1])]
    assert remaining(plan(["blh"], "2020-01-05", area=[40.5, 116, 40, 117]), holding) == []
    beyond = plan(["blh"], "2020-01-05", area=[40.5, 116, 40, 118.1])
    assert remaining(beyond, holding) == beyond
    assert remaining(plan(["blh"], "2020-01-05"), holding) != []


@pytest.mark.parametrize(
    ("outer", "inner", "so"),
    [
        (None, None, True),
        (None, (1, 2, 0, 3), True),
        ((1, 2, 0, 3), None, False),
        ((10, 170, 0, 190), (5, -179, 1, -175), True),
        ((10, -10, 0, 10), (5, 350, 1, 355), True),
        ((10, -10, 0, 10), (5, 350, 1, 371), False),
        ((90, -180, -90, 179.75), (5, 170, 1, 190), True),
    ],
)
def test_an_area_covers_another_whatever_turn_it_is_written_in(outer, inner, so):
    assert covers(outer, inner) is so


def test_the_order_of_asking_makes_no_other_request():
    one, other = plan(["t2m", "blh"], "2020-01"), plan(["blh", "2m_temperature", "t2m"], "2020-01")
    assert one == other
    assert one[0].digest == other[0].digest
    assert one[0].digest != replace(one[0], area=(1.0, 0.0, 0.0, 1.0)).digest


def test_inputs_are_the_same_in_any_form_a_server_may_give_them_back():
    (request,) = plan(["t2m"], "2020-01-05", area=[41, 115, 39, 118])
    loose = request.inputs | {"year": 2020, "data_format": ["netcdf"], "area": [41, 115, 39, 118.0]}
    assert normalised(loose) == normalised(request.inputs)
    turned = request.inputs | {"area": [39, 118, 41, 115]}
    assert normalised(turned) != normalised(request.inputs)


def test_an_area_is_widened_to_the_cells_it_reaches_into():
    (request,) = plan(["t2m"], "2020-01-05", area=[41.1, 115.1, 38.9, 117.9])
    assert request.area == (41.25, 115.0, 38.75, 118.0)
    assert request.shape == (11, 13)
    assert request.estimated_bytes == 24 * 11 * 13 * 2  # 24 hours of 16-bit values


@given(
    st.lists(
        st.tuples(st.floats(-89, 89, allow_subnormal=False), st.floats(-180, 180, allow_subnormal=False)), min_size=1
    )
)
def test_points_lie_inside_their_box_with_a_cell_to_spare(places):
    points = pd.DataFrame(places, columns=["latitude", "longitude"])
    north, west, south, east = plan(["t2m"], "2020-01-05", points=points)[0].area
    assert points["latitude"].between(max(south + 0.25, -90), min(north - 0.25, 90)).all()
    offset = (points["longitude"] - west) % 360
    assert (offset <= east - west + 1e-9).all()
    assert east - west < 360


def test_the_box_of_points_on_both_sides_of_the_date_line_is_small():
    points = pd.DataFrame({"latitude": [10.0, 11.0], "longitude": [179.5, -179.5]})
    (request,) = plan(["t2m"], "2020-01-05", points=points)
    assert request.area == (11.25, 179.25, 9.75, 180.75)


def test_days_that_have_not_begun_are_pending():
    asked_for, pending = published(plan(["t2m"], ("2026-11-18", "2026-11-21")), pd.Timestamp("2026-11-19 07:00"))
    assert [request.days for request in asked_for] == [(18, 19)]
    assert pending.equals(hours(("2026-11-20", "2026-11-21")))


@pytest.mark.parametrize(
    ("arguments", "error", "says"),
    [
        ((["t2n"], "2020"), VariableError, "no variable 't2n'"),
        ((["t2m"], "2020-13"), PeriodError, "cannot read '2020-13'"),
        ((["t2m"], ("2020-02", "2020-01")), PeriodError, "holds no hour"),
        ((["t2m"], ("", "2017")), PeriodError, "cannot read ''"),
        ((["t2m"], ("2017", "")), PeriodError, "cannot read ''"),
        ((["t2m"], "NaT"), PeriodError, "cannot read 'NaT'"),
        ((["t2m"], ("2017", pd.NaT)), PeriodError, "cannot read NaT"),
        ((["t2m"], "99999"), PeriodError, "cannot read '99999'"),
        ((["t2m"], "2999"), PeriodError, "cannot read '2999'"),
        ((["t2m"], ("1939-12-31", "1940-01-02")), PeriodError, "1939-12-31 is before 1940-01-01, when ERA5 begins"),
    ],
)
def test_what_cannot_be_planned_is_said(arguments, error, says):
    with pytest.raises(error, match=says):
        plan(*arguments)


@pytest.mark.parametrize(
    ("place", "says"),
    [
        ({"area": [39, 115, 41, 118]}, r"agreed \[north, west, south, east\]"),
        ({"area": [41, 115, 39]}, r"agreed \[north, west, south, east\]"),
        ({"points": pd.DataFrame({"lat": [1.0]})}, "lack the columns"),
        ({"points": pd.DataFrame({"latitude": [1.0], "longitude": ["116E"]})}, "a longitude that is no number"),
        ({"points": pd.DataFrame({"latitude": [np.nan], "longitude": [1.0]})}, "no place on Earth"),
        (
            {"points": pd.DataFrame({"latitude": [40.0, 95.0], "longitude": [1.0, 2.0]}, index=["a", "b"])},
            "'b' at 95 N, 2 E: no place on Earth",
        ),
        (
            {"points": pd.DataFrame({"latitude": [40.0, 41.0], "longitude": [1.0, 2.0]}, index=["a", "a"])},
            r"\['a'\] are there twice",
        ),
        ({"area": [41, 115, 39, 118], "points": pd.DataFrame()}, "agreed one of them"),
    ],
)
def test_a_place_that_is_none_is_said(place, says):
    with pytest.raises(GridError, match=says):
        plan(["t2m"], "2020", **place)


def test_the_table_and_the_json_say_the_same():
    requests = plan(["t2m", "blh", "tp", "t850"], "2020-01", area=[41, 115, 39, 118])
    costs = [Cost(float(request.fields), 60_000.0) for request in requests]
    told = json.loads(to_json(requests, costs))
    lines = table(requests, costs).splitlines()
    assert [row["dataset"] for row in told] == [SINGLE_LEVELS, SINGLE_LEVELS, PRESSURE_LEVELS]
    assert [row["fields"] for row in told] == [744, 1488, 744]
    assert [row["cost"] for row in told] == [744.0, 1488.0, 744.0]
    assert all(row["inputs"]["area"] == [41, 115, 39, 118] for row in told)
    assert len(lines) == len(requests) + 2
    assert lines[2].split() == ["2020-01", "31", "instant", "1488", "0.3", "1488/60000", "blh", "t2m"]
    assert lines[-1].split() == ["3", "in", "all", "2976", "0.7"]
