"""The demo: writes the files of the sample world or of the generated nation, runs on them, compares with the truth."""

from __future__ import annotations

import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline import __version__
from pipeline.config import Config, load
from pipeline.progress import say
from pipeline.stages import run
from pipeline.store import digest, write_text

if TYPE_CHECKING:
    from pipeline.nation import NationOptions


def demo(folder: Path, *, seed: int, scheduler: str | None = None) -> Path:
    """Makes the sample world in ``folder/inputs`` and runs on it; returns the path of the page."""
    page, _ = _run(folder, seed, scheduler)
    return page


def demo_beside_forest(folder: Path, *, seed: int, scheduler: str | None = None) -> Path:
    """The demo, and the error of a random forest resampled in the usual way beside ours (a minute more)."""
    import pandas as pd

    from pipeline.known_truth import forest_error
    from pipeline.stages import Keys, tasks
    from pipeline.store import Run

    page, config = _run(folder, seed, scheduler)
    store = Run(folder)
    table = pd.read_csv(folder / "tables" / "truth.csv")
    say(forest_error(store, tasks(config, store, Keys(config, {})), table, year_start=config.year_start))
    return page


def demo_nation(folder: Path, options: NationOptions, *, scheduler: str | None = None) -> Path:
    """Generates a nation in ``folder/inputs``, runs on it and makes the report of its last year; returns its page.

    Run and report are compared with the truth that was planted: ``tables/truth.csv``, and the report's claims.
    """
    from pipeline.known_truth import summary
    from pipeline.report import Asked, report

    config, truth = load(nation_inputs(folder, options)), folder / "inputs" / "truth"
    run(config, folder, scheduler=scheduler, truth=truth / "truth.nc")
    say(summary(folder / "tables" / "truth.csv"))
    asked = Asked(int(options.through[:4]), options.through, truth / "claims.yml")
    return report(config, folder, asked, scheduler=scheduler)


def nation_inputs(folder: Path, options: NationOptions) -> Path:
    """The generated nation's files for these options, written once; returns the path of its config."""
    from pipeline import nation

    key = digest(["generated nation", __version__, asdict(options)])
    stamp, config = folder / "inputs" / "nation.txt", folder / "inputs" / "config.yml"
    if not stamp.exists() or stamp.read_text(encoding="utf-8") != key:
        started = time.monotonic()
        config = nation.write(folder / "inputs", options).config
        write_text(stamp, key)
        say(f"nation: written in {time.monotonic() - started:.0f} s to {config.parent}")
    return config


def _run(folder: Path, seed: int, scheduler: str | None) -> tuple[Path, Config]:
    from pipeline.known_truth import summary

    config = load(inputs(folder, seed=seed))
    page = run(config, folder, scheduler=scheduler, truth=folder / "inputs" / "truth" / "truth.nc")
    say(summary(folder / "tables" / "truth.csv"))
    return page, config


def inputs(folder: Path, *, seed: int) -> Path:
    """The sample world's files for a seed, written once; returns the path of its config."""
    key = digest(["sample world", seed])
    stamp, config = folder / "inputs" / "seed.txt", folder / "inputs" / "config.yml"
    if not stamp.exists() or stamp.read_text(encoding="utf-8") != key:
        from pipeline import sample_world

        started = time.monotonic()
        config = sample_world.write(folder / "inputs", seed=seed).config
        write_text(stamp, key)
        say(f"sample world: written in {time.monotonic() - started:.1f} s to {config.parent}")
    return config
