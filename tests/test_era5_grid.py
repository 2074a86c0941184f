"""Weights from cells to places: laws, a plane, an independent method, and the seams of the globe."""

import numpy as np
import pandas as pd
import pytest
import shapely
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

from era5_fetch.errors import GridError, VariableError
from era5_fetch.extraction import apply, extract
from era5_fetch.grid import polygon_weights, weights, within
from era5_fetch.neighbourhood import DISTANCE, EAST, MEAN, NORTH, RADIUS, SIZES, divergence, neighbourhood, vorticity


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
        (pd.DataFrame({"latitude": [np.nan], "longitude": [116.0]}, index=["a"]), "'a' at .* no place on Earth"),
        (pd.DataFrame({"latitude": [116.0], "longitude": [40.0]}, index=["a"]), "'a' at .* no place on Earth"),
        (pd.DataFrame({"latitude": ["40,5"], "longitude": [116.0]}, index=["a"]), "a latitude that is no number"),
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


# --- the neighbourhood of a place ---

CHINA = grid(np.arange(53.5, 18.4, -0.25), np.arange(73.5, 133.6, 0.25))
inner = st.lists(st.tuples(st.floats(19.7, 52.3), st.floats(74.7, 132.3)), min_size=1, max_size=5).map(
    lambda pairs: pd.DataFrame(pairs, columns=["latitude", "longitude"], index=[f"p{i}" for i in range(len(pairs))])
)


@given(places=inner, size=st.sampled_from(SIZES), slope=st.tuples(*[st.floats(-10, 10)] * 3))
def test_the_gradient_of_a_plane_is_its_slope(places, size, slope):
    cells = (slope[0] + slope[1] * CHINA["latitude"] + slope[2] * CHINA["longitude"]).values.ravel()
    found = {name: matrix @ cells for name, matrix in neighbourhood(CHINA, places, size=size).items()}
    degree = np.radians(1) * RADIUS / DISTANCE
    east = slope[2] / (degree * np.cos(np.radians(places["latitude"])))
    # values up to 2000, rounded in 81 products, times weights that sum up to less than 10 per 100 km
    error = 81 * np.finfo(float).eps * 2000 * 10
    assert np.abs(found[NORTH] - slope[1] / degree).max() < error
    assert np.abs(found[EAST] - east).max() < error


@given(places=inner, size=st.sampled_from(SIZES), order=orders)
def test_a_constant_has_itself_as_mean_and_no_gradient_however_cells_are_ordered(places, size, order):
    lift, roll, turn = order
    turned = grid(CHINA["latitude"][::lift], np.roll(CHINA["longitude"], roll) - turn)
    matrices = neighbourhood(turned, places, size=size)
    ones = np.ones(141 * 241)
    assert np.allclose(matrices[MEAN] @ ones, 1, atol=1e-14)
    assert np.allclose(matrices[EAST] @ ones, 0, atol=1e-13)
    assert np.allclose(matrices[NORTH] @ ones, 0, atol=1e-13)
    values = np.random.default_rng(5).normal(size=(141, 241))
    moved = np.roll(values[::lift], roll, axis=1)
    for name, matrix in neighbourhood(CHINA, places, size=size).items():
        assert np.allclose(matrices[name] @ moved.ravel(), matrix @ values.ravel(), atol=1e-10)


@pytest.mark.parametrize("size", SIZES)
def test_a_mean_is_of_the_cells_around_by_their_area(size):
    matrix = neighbourhood(CHINA, points(here=(36.05, 110.2)), size=size)[MEAN].toarray().reshape(141, 241)
    rows, columns = (np.flatnonzero(matrix.any(axis=a)) for a in (1, 0))
    half = size // 2 * 0.25
    assert CHINA["latitude"].values[rows[[0, -1]]].tolist() == [36 + half, 36 - half]
    assert CHINA["longitude"].values[columns[[0, -1]]].tolist() == [110.25 - half, 110.25 + half]
    edges = np.sin(np.radians(CHINA["latitude"].values[rows, None] + [-0.125, 0.125]))
    expected = np.diff(edges, axis=1) / np.diff(edges, axis=1).sum() / size
    assert np.allclose(matrix[np.ix_(rows, columns)], expected, rtol=1e-10)


def test_the_neighbourhood_reaches_across_the_seam_of_the_globe():
    for longitudes in (np.arange(0, 360, 10), np.arange(-180, 180, 10)):
        whole = grid(np.arange(90, -91, -10), longitudes)
        for longitude in (0, 180, -177):
            matrix = neighbourhood(whole, points(a=(5, longitude)), size=5)[MEAN]
            reached = longitudes[np.unique(matrix.indices % 36)]
            distance = np.abs((reached - longitude + 180) % 360 - 180)
            assert reached.size == 5
            assert distance.max() <= 25


@pytest.mark.parametrize(
    ("place", "size"), [((41, 116), 3), ((40.63, 116), 5), ((40, 115.1), 3), ((40, 117.4), 9), ((38, 116), 3)]
)
def test_near_the_edge_is_an_error_that_names_the_place(place, size):
    with pytest.raises(
        GridError, match=rf"'Xian' at .* E: {size} x {size} cells around it reach beyond the grid, 9 x 13"
    ):
        neighbourhood(BEIJING, points(Xian=place, Beijing=(40, 116.5)), size=size)


def test_at_a_pole_there_is_no_square():
    with pytest.raises(GridError, match="'pole'"):
        neighbourhood(GLOBE, points(pole=(90, 0)), size=3)


@given(holes=st.sets(st.integers(0, 8), max_size=9))
def test_a_mean_is_of_the_cells_left_and_a_gradient_of_all_or_none(holes):
    square = grid([41, 40, 39], [115, 116, 117])
    matrices = neighbourhood(square, points(a=(40, 116)), size=3)
    cells = np.random.default_rng(4).normal(size=(1, 9))
    cells[0, sorted(holes)] = np.nan
    mean = apply(matrices[MEAN], cells, differs=np.array([False]))[0, 0]
    weight = np.where(np.isnan(cells[0]), 0, matrices[MEAN].toarray()[0])
    slow = np.nansum(weight * cells[0]) / weight.sum() if len(holes) < 9 else np.nan
    assert mean == pytest.approx(slow, nan_ok=True, abs=1e-12)
    for name, middle in ((EAST, {1, 4, 7}), (NORTH, {3, 4, 5})):
        gradient = apply(matrices[name], cells, differs=np.array([True]))[0, 0]
        assert np.isnan(gradient) == bool(holes - middle)


def wind(latitude_slope, longitude_slope, path):
    """A file of wind that turns with a rigid rotation and spreads, on the sphere."""
    latitude, longitude = np.radians(CHINA["latitude"]), np.radians(CHINA["longitude"])
    zero = xr.zeros_like(latitude * longitude)
    u = zero + latitude_slope * np.cos(latitude) * RADIUS * 1e3
    v = zero + longitude_slope * RADIUS * 1e3 * np.cos(latitude)
    times = pd.date_range("2020-01-01", periods=2, freq="h")
    fields = {"u10": u, "v10": v}
    made = {n: f.expand_dims(valid_time=times).assign_attrs(units="m s**-1") for n, f in fields.items()}
    xr.Dataset(made).to_netcdf(path)
    return path


def test_solid_rotation_has_the_vorticity_of_the_sphere_and_no_divergence(tmp_path):
    spin, places = 1e-6, points(Beijing=(40, 116.5), Haikou=(20.1, 110.3))
    names = [f"{n}_{s}_5x5" for n in ("u10", "v10") for s in (MEAN, EAST, NORTH)]
    found = extract([wind(spin, 0.0, tmp_path / "a.nc")], names, places)
    # the plane over five cells of a cosine errs by their half width squared; places lie up to half a cell away
    tolerance = 2 * spin * (np.radians(0.5) ** 2 + np.radians(0.125))
    expected = 2 * spin * np.sin(np.radians(places["latitude"].to_numpy()))
    assert np.abs(vorticity(found).values - expected).max() < tolerance
    assert np.abs(divergence(found).values).max() < 1e-12
    assert vorticity(found).attrs["units"] == "s-1"


def test_wind_from_the_north_pole_converges_as_the_meridians_spread(tmp_path):
    rate, places = -1e-6, points(Beijing=(40, 116.5))
    names = [f"{n}_{s}_5x5" for n in ("u10", "v10") for s in (MEAN, EAST, NORTH)]
    found = extract([wind(0.0, rate, tmp_path / "a.nc")], names, places)
    expected = -2 * rate * np.sin(np.radians(40))  # of v = c cos(latitude): d(v cos)/d(latitude) / cos
    tolerance = 2 * abs(rate) * (np.radians(0.5) ** 2 + np.radians(0.125))
    assert np.abs(divergence(found).values - expected).max() < tolerance
    with pytest.raises(VariableError, match=r"vorticity needs .*; lacking: u10_mean_5x5: extract them too"):
        vorticity(found.drop_vars("u10_mean_5x5"))


def test_names_units_and_attributes_are_honest(tmp_path):
    path = wind(1e-6, 0.0, tmp_path / "a.nc")
    found = extract([path], ["10m_u_component_of_wind_gradient_north_3x3", "u10_mean_9x9", "u10"], points(a=(40, 116)))
    assert set(found.data_vars) == {"u10", "u10_mean_9x9", "u10_gradient_north_3x3"}
    gradient, mean = found["u10_gradient_north_3x3"].attrs, found["u10_mean_9x9"].attrs
    assert gradient["units"] == "1e-5 m s-1 m-1"
    assert "standard_name" not in gradient
    assert gradient["long_name"] == "eastward wind at 10 m, northward gradient over 3 x 3 cells around"
    assert (mean["units"], mean["standard_name"]) == ("m s-1", "eastward_wind")
    assert mean["cell_methods"] == "time: point area: mean"


def test_sizes_and_places_that_are_none_are_refused(tmp_path):
    path = wind(1e-6, 0.0, tmp_path / "a.nc")
    for name in ("u10_mean_4x4", "u10_mean_3x5"):
        with pytest.raises(VariableError, match="agreed 3x3, 5x5, 7x7, 9x9"):
            extract([path], [name], points(a=(40, 116)))
    with pytest.raises(VariableError, match="size 4"):
        neighbourhood(CHINA, points(a=(40, 116)), size=4)
    with pytest.raises(VariableError, match="no t2m in"):
        extract([path], ["t2m_mean_3x3"], points(a=(40, 116)))
