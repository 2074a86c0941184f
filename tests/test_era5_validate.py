"""A file is held against its request: hours, cells, variables, ranges, and what is preliminary."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from loopback.era5_files import bytes_of, dataset, times_of, zipped

from era5_fetch import canonical
from era5_fetch.errors import ContentError, FileError
from era5_fetch.plan import plan
from era5_fetch.validate import Unpublished, check, check_file

AREA = [40.5, 116, 40, 117]
(REQUEST,) = plan(["t2m", "blh"], ("2020-01-30", "2020-01-31"), area=AREA)
RAW = dataset(REQUEST.inputs)


def test_what_was_asked_for_passes_in_any_form():
    for form in (RAW, canonical(RAW)):
        report = check(form, REQUEST)
        assert report.hours.equals(REQUEST.hours)
        assert report.pending.empty
        assert report.preliminary.empty
        assert report.missing_share == {"t2m": 0.0, "blh": 0.0}
        assert report.out_of_range == {}
        assert report.note == ""
        assert report.span == (REQUEST.hours[0], REQUEST.hours[-1])


@given(gone=st.sets(st.integers(0, 47), min_size=1, max_size=47))
def test_any_hour_the_server_trims_is_missed(gone):
    trimmed = RAW.isel(valid_time=[i for i in range(48) if i not in gone])
    first = f"{REQUEST.hours[min(gone)]:%Y-%m-%d %H:%M}"
    with pytest.raises(ContentError, match=f"{48 - len(gone)} of 48 hours came, missing {first}") as refused:
        check(trimmed, REQUEST)
    assert "\n" not in str(refused.value)


@given(there=st.integers(1, 47), published=st.integers(0, 48))
def test_the_newest_hours_may_be_missing_only_while_they_are_new(there, published):
    trimmed = RAW.isel(valid_time=slice(there))
    until = REQUEST.hours[0] + pd.Timedelta(hours=published - 1)
    if published <= there:
        report = check(trimmed, REQUEST, published_until=until)
        assert report.pending.equals(REQUEST.hours[there:])
        assert report.note == f"{48 - there} hours not published yet"
    else:
        with pytest.raises(ContentError, match="the server trimmed them"):
            check(trimmed, REQUEST, published_until=until)


def test_a_hole_is_no_lateness():
    holed = RAW.isel(valid_time=[*range(20), *range(21, 48)])
    with pytest.raises(ContentError, match="47 of 48 hours came, missing 2020-01-30 20:00"):
        check(holed, REQUEST, published_until=pd.Timestamp("2019"))


def test_nothing_at_all_of_what_is_new_is_not_yet_an_error_of_the_file():
    with pytest.raises(Unpublished, match="none of its hours is published yet"):
        check(RAW.isel(valid_time=slice(0)), REQUEST, published_until=pd.Timestamp("2019"))


@pytest.mark.parametrize("block", [20, 4_000_000])
def test_a_hole_in_an_hour_that_is_there_is_refused_with_its_size_and_first_hour(monkeypatch, block):
    monkeypatch.setattr("era5_fetch.validate.BLOCK", block)
    holed = RAW.copy(deep=True)
    holed["blh"][7, 0] = np.nan
    holed["blh"][9, 1, :2] = np.nan
    count, every = RAW.sizes["longitude"] + 2, RAW["blh"].size
    with pytest.raises(ContentError, match=f"{count} of {every} values of blh are missing from 2020-01-30 07:00 on"):
        check(holed, REQUEST)
    with pytest.raises(ContentError, match="t2m are missing from 2020-01-30 00:00"):
        check(RAW.where(np.random.default_rng(3).random(RAW["t2m"].shape) < 0.2), REQUEST)


def test_an_hour_of_nothing_but_nan_is_missing():
    holed = RAW.copy(deep=True)
    holed["blh"][7] = np.nan
    with pytest.raises(ContentError, match="missing 2020-01-30 07:00"):
        check(holed, REQUEST)


def test_the_sea_surface_has_no_temperature_on_land():
    (request,) = plan(["sst"], "2020-01-05", area=AREA)
    assert check(dataset(request.inputs) * np.nan, request).missing_share == {"sst": 1.0}
    coast = dataset(request.inputs)
    coast["sst"][:, :, 0] = np.nan
    report = check(coast, request)
    assert report.missing_share == {"sst": 1 / coast.sizes["longitude"]}
    assert report.note == "20.0% of sst absent"
    assert report.hours.equals(request.hours)


def test_a_variable_that_is_not_there_is_named():
    with pytest.raises(ContentError, match="the file lacks blh, it holds t2m"):
        check(RAW[["t2m"]], REQUEST)


@pytest.mark.parametrize(
    "other", [{"latitude": slice(1, None)}, {"longitude": slice(None, -1)}, {"latitude": slice(None, None, 2)}]
)
def test_another_grid_than_asked_for_is_refused(other):
    with pytest.raises(ContentError, match=r"asked for 40 to 40.5 N, 116 to 117 E"):
        check(RAW.isel(other), REQUEST)


def test_the_grid_may_be_written_from_the_other_side():
    turned = RAW.assign_coords(longitude=RAW["longitude"] - 360).isel(latitude=slice(None, None, -1))
    assert check(turned, REQUEST).hours.equals(REQUEST.hours)


def test_values_beyond_their_range_are_counted_and_most_of_them_refused():
    odd = RAW.copy(deep=True)
    odd["t2m"][3, 0, :2] = 900
    report = check(odd, REQUEST)
    assert report.out_of_range == {"t2m": 2}
    assert report.note == "2 values of t2m outside 170..350"
    with pytest.raises(ContentError, match=r"values of t2m lie outside 170..350 K: the file is not what it says"):
        check(RAW.assign(t2m=(RAW["t2m"] - 273).assign_attrs(units="K")), REQUEST)


def test_preliminary_hours_are_known():
    mixed = dataset(REQUEST.inputs, final_until=pd.Timestamp("2020-01-31"))
    report = check(mixed, REQUEST)
    assert report.preliminary.equals(REQUEST.hours[24:])
    assert report.span == (REQUEST.hours[0], REQUEST.hours[-1], REQUEST.hours[-1])


def test_a_file_is_read_in_pieces_and_by_its_first_bytes(tmp_path, monkeypatch):
    path = tmp_path / "x.part"
    path.write_bytes(zipped(REQUEST.dataset, REQUEST.inputs))
    whole = check_file(path, REQUEST)
    monkeypatch.setattr("era5_fetch.validate.BLOCK", 20)
    pieces = check_file(path, REQUEST)
    assert pieces.hours.equals(whole.hours)
    assert (pieces.missing_share, pieces.out_of_range) == (whole.missing_share, whole.out_of_range)


@given(where=st.floats(0.01, 0.99))
def test_a_file_cut_anywhere_is_refused(where, tmp_path_factory):
    path = tmp_path_factory.mktemp("cut") / "x.nc"
    path.write_bytes(WHOLE[: int(where * len(WHOLE))])
    with pytest.raises(FileError):
        check_file(path, REQUEST)


WHOLE = bytes_of(RAW)


def test_pressure_levels_are_told_apart():
    (request,) = plan(["t850", "t925", "u850", "u925"], "2020-01-05", area=AREA)
    assert check(dataset(request.inputs), request).hours.equals(request.hours)
    fewer = request.inputs | {"pressure_level": ["850"]}
    with pytest.raises(ContentError, match="lacks t925, u925"):
        check(dataset(fewer), request)


def test_the_globe_is_a_grid_too():
    request = replace(REQUEST, area=None, variables=("t2m",), days=(30,))
    assert check(dataset(request.inputs, times=times_of(request.inputs)), request).hours.size == 24
    with pytest.raises(ContentError, match="asked for the globe"):
        check(RAW.isel(valid_time=slice(24)), request)
