"""What every test stands on: no display, the same examples each time, the real files where they are."""

import os
from pathlib import Path

import pytest
import small_world
from filelock import FileLock
from hypothesis import HealthCheck, settings

os.environ["MPLBACKEND"] = "Agg"  # read when matplotlib is imported, here and in subprocesses
# small matrices: more threads only wait for each other, here as in the tasks of a run
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")

# A busy machine is no failure: neither deadlines nor slow generation. More: --hypothesis-profile=explore
settings.register_profile("ci", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("explore", settings.get_profile("ci"), derandomize=False, max_examples=1000)
settings.load_profile("ci")

SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what uses the real files; skip what is so marked where they are absent."""
    absent = pytest.mark.skip(reason="the real files are not there: no folder ../shared/data beside the checkout")
    for item in items:
        if "shared_data" in getattr(item, "fixturenames", ()):
            item.add_marker("shared_data")
        if item.get_closest_marker("shared_data") and not SHARED_DATA.is_dir():
            item.add_marker(absent)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real files; a test that asks for it is skipped where it is absent."""
    return SHARED_DATA


@pytest.fixture(scope="session")
def frozen(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The config of the small world and the folder of its run, which ends with 2022: newer weather waits in its files.

    Made once for all workers. Tests copy the folder before they change it.
    """
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "frozen"
    config, run = folder / "world" / "config.yml", folder / "run" / "small"
    with FileLock(f"{folder}.lock"):
        if not run.is_dir():
            small_world.write(config.parent, FROZEN)
            small_world.weather().drop(columns="fog").to_csv(config.parent / "weather.csv", index=False)
            (config.parent / "forecast").mkdir()
            made = run.with_name("part")
            outcome = small_world.tianbang("run", config, "--out", made)
            assert outcome.code == 0, outcome.err
            made.rename(run)
    return config, run


FROZEN = {
    "period": ["2021-01-01", "2022-12-31"],
    "model": {"members": 4, "methods": []},
    "levels": ["city", "region"],
    "weekly": {"outlook": {"from": "forecast"}},
}
