"""Weights from cells to places: laws, a plane, an independent method, and the seams of the globe."""

import numpy as np
import pandas as pd
import pytest
import shapely
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

from era5_fetch.errors import GridError
from era5_fetch.extract import apply
from era5_fetch.grid import polygon_weights, weights, within


def grid(latitude, longitude) -> xr.Dataset:
    return xr.Dataset(coords={"latitude": np.asarray(latitude, float), "longitude": np.asarray(longitude, float)})


def points(**places) -> pd.DataFrame:
    return pd.DataFrame(places, index=["latitude", "longitude"]).T.astype(float)


BEIJING = grid(np.arange(41, 38.9, -0.25), np.arange(115, 118.1, 0.25))
GLOBE = grid(np.arange(90, -91, -10), np.arange(0, 360, 10))
somewhere = st.tuples(st.floats(39, 41), st.floats(115, 118))
many = st.lists(somewhere, min_size=1, max_size=8).map(
    lambda pairs: pd.DataFrame(pairs, columns=["latitude", "longitude"], index=[f"p{i}" for i in range(len(pairs))])
)
orders = st.tuples(st.sampled_from([1, -1]), st.integers(0, 12), st.sampled_from([0, 360]))


@given(places=many, slope=st.tuples(*[st.floats(-10, 10)] * 3))
def test_bilinear_gives_a_plane_back_exactly(places, slope):
    def plane(latitude, longitude):
        return slope[0] + slope[1] * latitude + slope[2] * longitude

    cells = plane(BEIJING["latitude"], BEIJING["longitude"]).values.ravel()
    # four products and their sum, each rounded at the size of the terms; a fraction snaps within 1e-5 degree
    error = 16 * np.finfo(float).eps * 1500 + 1e-5 * (abs(slope[1]) + abs(slope[2]))
    found = weights(BEIJING, places) @ cells
    assert np.abs(found - plane(places["latitude"], places["longitude"])).max() <= error


@given(places=many, order=orders, method=st.sampled_from(["nearest", "bilinear"]))
def test_the_order_of_cells_and_the_sign_of_longitudes_change_nothing(places, order, method):
    lift, roll, turn = order
    other = grid(BEIJING["latitude"][::lift], np.roll(BEIJING["longitude"], roll) - turn)
    values = xr.DataArray(np.random.default_rng(0).normal(size=(9, 13)), dims=["latitude", "longitude"])
    moved = values.isel(latitude=slice(None, None, lift)).roll(longitude=roll)
    found = weights(other, places, method=method) @ moved.values.ravel()
    # turning 115 degrees by 360 rounds in the 14th digit, of fractions of 0.25 degree
    assert np.allclose(found, weights(BEIJING, places, method=method) @ values.values.ravel(), atol=1e-11)


@given(data=st.data(), places=many, method=st.sampled_from(["nearest", "bilinear"]))
def test_permuted_points_permute_their_rows(data, places, method):
    order = data.draw(st.permutations(range(len(places))))
    straight = weights(BEIJING, places, method=method).toarray()
    assert np.array_equal(weights(BEIJING, places.iloc[order], method=method).toarray(), straight[order])


@given(places=many, method=st.sampled_from(["nearest", "bilinear"]))
def test_rows_are_means(places, method):
    matrix = weights(BEIJING, places, method=method)
    assert np.allclose(matrix.sum(axis=1), 1, atol=4 * np.finfo(float).eps)
    assert (matrix.data > 0).all()
    assert np.diff(matrix.indptr).max() <= (1 if method == "nearest" else 4)


@given(places=many)
def test_xarrays_own_interpolation_agrees(places):
    values = xr.DataArray(np.random.default_rng(1).normal(size=(9, 13)), BEIJING.coords, ["latitude", "longitude"])
    theirs = values.interp(latitude=("p", places["latitude"]), longitude=("p", places["longitude"]))
    ours = weights(BEIJING, places) @ values.values.ravel()
    assert np.abs(ours - theirs).max() < 1e-5 / 0.25 * 10  # a snapped fraction, times the range of the values


@given(places=many)
def test_nearest_is_the_nearest_on_each_axis(places):
    cells = (weights(BEIJING, places, method="nearest") @ np.arange(9 * 13)).astype(int)
    for name, number in (("latitude", cells // 13), ("longitude", cells % 13)):
        reached = np.abs(BEIJING[name].values[number] - places[name])
        best = np.abs(BEIJING[name].values[:, None] - places[name].to_numpy()).min(axis=0)
        assert np.allclose(reached, best, atol=1e-5)


@pytest.mark.parametrize("method", ["nearest", "bilinear"])
def test_a_tenth_of_a_degree_west_of_greenwich_is_one_place(method):
    two = points(east=(51.5, 359.9), west=(51.5, -0.1))
    matrix = weights(GLOBE, two, method=method).toarray()
    assert np.allclose(matrix[0], matrix[1], atol=1e-12)


@pytest.mark.parametrize("longitudes", [np.arange(0, 360, 10), np.arange(-180, 180, 10), np.arange(0, 361, 10)])
def test_the_globe_has_no_seam(longitudes):
    whole = grid([10, 0, -10], longitudes)
    wave = np.cos(np.radians(whole["longitude"])).broadcast_like(whole["latitude"] * whole["longitude"])
    places = points(greenwich=(5, -3), date_line=(5, 177), beyond=(5, -177))
    found = weights(whole, places) @ wave.transpose("latitude", "longitude").values.ravel()
    curvature = np.radians(10) ** 2 / 8  # of linear interpolation of a cosine over 10 degrees
    assert np.abs(found - np.cos(np.radians(places["longitude"]))).max() < curvature


def test_a_grid_across_the_date_line_has_no_inside_in_its_gap():
    pacific = grid([1, 0], [-179, -178, 178, 179, -180])
    assert weights(pacific, points(there=(0.5, 179.5))).nnz == 4
    with pytest.raises(GridError, match=r"'greenwich' at 0.5 N, 0 E"):
        weights(pacific, points(greenwich=(0.5, 0)))


@pytest.mark.parametrize("place", [(41.2, 116), (38.9, 116), (40, 114.8), (40, 118.2)])
def test_a_point_outside_is_an_error_that_names_it_and_the_box(place):
    outside = r"'Xian' at .* E: outside the grid, 9 x 13, 39 to 41 N, 115 to 118 E"
    with pytest.raises(GridError, match=outside):
        weights(BEIJING, points(Xian=place))
    with pytest.raises(GridError, match=r"'Xian' .* and 1 more"):
        weights(BEIJING, points(Xian=place, Beijing=(40, 116), Lanzhou=(36, 104)))


def test_nearest_reaches_half_a_cell_beyond_the_outer_centres():
    edge = points(edge=(41.12, 118.12))
    assert weights(BEIJING, edge, method="nearest").indices.tolist() == [12]
    with pytest.raises(GridError, match="'edge'"):
        weights(BEIJING, edge)
    with pytest.raises(GridError, match="'edge'"):
        weights(BEIJING, points(edge=(41.13, 116)), method="nearest")


def test_a_corner_is_inside_and_is_its_cell_alone():
    corner = points(corner=(41 + 1e-6, 118 + 1e-6))
    assert weights(BEIJING, corner).toarray()[0].nonzero()[0].tolist() == [12]


def test_one_cell_is_a_grid_too():
    assert weights(grid([40], [116]), points(a=(40, 116))).toarray().tolist() == [[1.0]]
    with pytest.raises(GridError, match="'b'"):
        weights(grid([40], [116]), points(b=(40, 116.1)))


@pytest.mark.parametrize(
    ("places", "message"),
    [
        (pd.DataFrame({"lat": [40.0]}, index=["a"]), r"lack the columns \['latitude', 'longitude'\]"),
        (pd.DataFrame({"latitude": [40.0, 40], "longitude": [116.0, 117]}, index=["a", "a"]), "twice"),
        (pd.DataFrame({"latitude": [np.nan], "longitude": [116.0]}, index=["a"]), r"\['a'\] have no place"),
        (pd.DataFrame({"latitude": [116.0], "longitude": [40.0]}, index=["a"]), r"\['a'\] have no place"),
        (pd.DataFrame({"latitude": [], "longitude": []}), "no points"),
    ],
)
def test_points_that_are_none_are_refused(places, message):
    with pytest.raises(GridError, match=message):
        weights(BEIJING, places)


@given(places=many, holes=st.sets(st.integers(0, 9 * 13 - 1)))
def test_cells_without_value_leave_the_mean_to_the_others(places, holes):
    cells = np.random.default_rng(2).normal(size=(3, 9 * 13))
    cells[1, sorted(holes)] = np.nan
    matrix = weights(BEIJING, places)
    found = apply(matrix, cells)
    for point, row in enumerate(matrix.toarray()):
        counted = row * ~np.isnan(cells[1])
        slow = np.nansum(row * cells[1]) / counted.sum() if counted.any() else np.nan
        assert found[1, point] == pytest.approx(slow, nan_ok=True, abs=1e-12)
        assert found[[0, 2], point] == pytest.approx((row * cells[[0, 2]]).sum(1), abs=1e-12)


def test_a_polygon_of_whole_cells_is_their_mean_by_area():
    places = {"tall": shapely.box(115.875, 39.125, 116.125, 40.625)}
    matrix = polygon_weights(BEIJING, places).toarray().reshape(9, 13)
    rows = np.flatnonzero(matrix.any(axis=1))
    edges = np.radians(BEIJING["latitude"].values[rows, None] + [-0.125, 0.125])
    expected = np.diff(np.sin(edges), axis=1).ravel()
    assert np.allclose(matrix[rows, 4], expected / expected.sum(), rtol=1e-12)
    assert matrix.sum() == pytest.approx(1)
    assert matrix[:, 4].sum() == pytest.approx(1)


def test_a_polygon_may_lie_across_the_seam_of_the_grid():
    fiji = shapely.box(172, -16, 188, -12)
    matrix = polygon_weights(GLOBE, {"Fiji": fiji}).toarray().reshape(19, 36)
    assert matrix.sum() == pytest.approx(1)
    # 10 of the 16 degrees lie in the cell at 180, 3 on either side
    assert matrix.sum(axis=0)[[17, 18, 19]] == pytest.approx([3 / 16, 10 / 16, 3 / 16])
    turned = grid(GLOBE["latitude"], np.arange(-180, 180, 10))
    assert polygon_weights(turned, {"Fiji": fiji}).toarray().sum() == pytest.approx(1)


def test_a_polygon_beyond_the_grid_is_an_error_that_names_it():
    with pytest.raises(GridError, match="'Hebei' reaches beyond the grid, 9 x 13"):
        polygon_weights(BEIJING, {"Hebei": shapely.box(113, 36, 119, 42)})


@pytest.mark.parametrize("turn", [0, 360])
@pytest.mark.parametrize(
    ("area", "rows", "columns"),
    [
        ([10, -20, -10, 30], 3, 6),
        ([90, -180, -90, 180], 19, 36),
        ([90, 0, -90, 360], 19, 36),
        ([0, 170, 0, -170], 1, 3),
        ([5, 0, 0, 0], 1, 1),
    ],
)
def test_an_area_holds_its_edges_and_may_cross_any_seam(area, rows, columns, turn):
    inside = within(GLOBE.assign_coords(longitude=GLOBE["longitude"] - turn), area)
    assert (inside["latitude"].sum(), inside["longitude"].sum()) == (rows, columns)


def test_an_area_may_end_less_than_a_step_beyond_the_grid():
    inside = within(BEIJING, [41.2, 114.8, 38.8, 118.2])
    assert inside["latitude"].all()
    assert inside["longitude"].all()


@pytest.mark.parametrize("area", [[42, 115, 39, 118], [41, 114, 39, 118], [41, 115, 39, 119], [41, 0, 39, 10]])
def test_an_area_beyond_the_grid_is_an_error_that_shows_both(area):
    with pytest.raises(GridError, match=r"reaches beyond the grid, 9 x 13, 39 to 41 N"):
        within(BEIJING, area)


@pytest.mark.parametrize("area", [[39, 115, 41, 118], [41, 115, 39], [100, 115, 39, 118]])
def test_what_is_no_area_is_refused(area):
    with pytest.raises(GridError, match=r"agreed \[north, west, south, east\]"):
        within(BEIJING, area)
