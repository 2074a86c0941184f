"""The table of variables: one name leads to one variable, and ecCodes agrees about each."""

import subprocess
import sys
from collections import Counter

import pytest

from era5_fetch.errors import DecodeError, VariableError
from era5_fetch.lexicon import PRESSURE, SINGLE, Kind, flattened, identify, variable
from era5_fetch.units import conversion, spelled

EVERY = [*SINGLE.values(), *PRESSURE.values()]


@pytest.mark.parametrize("table", [SINGLE, PRESSURE])
def test_no_two_variables_share_a_name_or_a_parameter(table):
    names = Counter(name for v in table.values() for name in v.names)
    parameters = Counter(v.parameter for v in table.values())
    assert [n for n, times in (names | parameters).items() if times > 1] == []


@pytest.mark.parametrize("known", EVERY, ids=lambda v: f"{v.name}-{v.parameter}")
def test_the_table_says_what_eccodes_says(known):
    eccodes = pytest.importorskip("eccodes")
    edition = 2 if known.parameter > 260_000 else 1
    message = eccodes.codes_grib_new_from_samples(f"regular_ll_sfc_grib{edition}")
    eccodes.codes_set(message, "centre", "ecmf")
    eccodes.codes_set(message, "paramId", known.parameter)
    assert eccodes.codes_get(message, "shortName") in known.names
    assert eccodes.codes_get(message, "cfVarName") == known.name
    factor, _ = conversion(known.name, eccodes.codes_get(message, "units"), known.unit)
    assert factor == (1000 if known.unit == "mm" else 1 / 3600 if known.kind is Kind.ACCUMULATED else 1)
    eccodes.codes_release(message)


@pytest.mark.parametrize("known", SINGLE.values(), ids=lambda v: v.name)
def test_every_name_of_every_dialect_leads_to_its_variable(known):
    assert {identify(name) for name in known.names} == {known}
    assert identify("a name of tomorrow", parameter=known.parameter) == known


@pytest.mark.parametrize("known", PRESSURE.values(), ids=lambda v: v.name)
def test_a_variable_on_levels_is_flattened_and_found_again(known):
    for level in (1000, 850, 500, 300, 100):
        flat = {identify(name, level=level) for name in known.names}
        assert len(flat) == 1
        assert identify(flattened(known.name, level)) in flat


def test_numbers_and_names_of_the_climate_community_lead_to_the_same_variables():
    assert [identify(name).name for name in ("167", "167.128", "tas", "psl", "ps", "clt")] == [
        *("t2m", "t2m", "t2m", "msl", "sp", "tcc")
    ]
    assert {identify(name, level=850).name for name in ("130", "ta", "var130")} == {"t850"}
    assert identify("zg", level=500) is None  # a height, where z is a geopotential
    assert identify("850") is None


def test_wind_at_100_m_is_not_wind_at_100_hpa():
    assert variable("u100").long_name == "eastward wind at 100 m"
    assert variable("u100hPa").level == 100
    assert identify("t850hPa") is None


def test_what_attribution_asks_for_is_there_with_its_kind():
    instant = "t2m d2m u10 v10 u100 v100 msl sp blh tcc lcc mcc hcc cape tcwv swvl1 skt sst zust".split()
    levels = [f"{name}{level}" for name in "tuvqzw" for level in (1000, 925, 850, 700, 600, 500)]
    assert {variable(name).kind for name in instant + levels} == {Kind.INSTANT}
    assert {variable(name).kind for name in "tp cp sf ssrd strd ssr str sshf slhf tisr".split()} == {Kind.ACCUMULATED}


def test_a_name_nobody_knows_is_an_error_that_lists_those_known():
    with pytest.raises(VariableError, match=r"no variable 't2n'; known: t2m, d2m"):
        variable("t2n")


def test_only_what_cannot_be_negative_has_a_tiny():
    assert variable("u10").tiny == 0
    assert variable("tp").tiny == pytest.approx(0.02)


def test_google_has_its_own_name_for_the_ground():
    assert variable("z").arco_name == "geopotential_at_surface"
    assert variable("t2m").arco_name == variable("t2m").request == "2m_temperature"


@pytest.mark.parametrize(
    ("found", "agreed"),
    [
        ("m s**-1", "m s-1"),
        ("(0 - 1)", "1"),
        ("m of water equivalent", "m"),
        ("(Code table 4.213)", "1"),
        (" kg  m**-2", "kg m-2"),
        ("furlong", "furlong"),
    ],
)
def test_units_are_respelled(found, agreed):
    assert spelled(found) == agreed


@pytest.mark.parametrize(
    ("found", "agreed", "value", "is_now"),
    [
        ("m", "mm", 0.002, 2),
        ("J m**-2", "W m-2", 3.6e6, 1000),
        ("hPa", "Pa", 1013, 101_300),
        ("C", "K", 0, 273.15),
    ],
)
def test_units_are_converted(found, agreed, value, is_now):
    factor, offset = conversion("x", found, agreed)
    assert value * factor + offset == pytest.approx(is_now)


def test_a_unit_nobody_agreed_is_an_error_that_shows_both():
    with pytest.raises(DecodeError, match="'t2m' is in 'ppb', agreed 'K'"):
        conversion("t2m", "ppb", "K")


def test_importing_the_package_loads_no_heavy_library():
    code = (
        "import sys, time; start = time.process_time(); import era5_fetch; "
        "took = time.process_time() - start; heavy = {'numpy', 'pandas', 'xarray', 'scipy', 'netCDF4'}; "
        "print(sorted(heavy & set(sys.modules)), took < 0.1)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split("\n")[0] == "[] True"


def test_the_package_gives_what_it_lists_and_nothing_else():
    import era5_fetch

    assert all(callable(getattr(era5_fetch, name)) for name in era5_fetch.__all__)
    assert set(era5_fetch.__all__) <= set(dir(era5_fetch))
    with pytest.raises(AttributeError, match="no attribute 'close'"):
        era5_fetch.close  # noqa: B018
