"""The benchmark: methods of the field and ours on worlds whose truth is known.

Truth and answers are stored one by one, so that what is there already is not computed again: a key says which world,
which method and which code made it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from threadpoolctl import threadpool_limits

import models
from pipeline import worlds
from pipeline.benchmark import figure, page
from pipeline.benchmark.cases import Case, simulated
from pipeline.benchmark.contestants import TREES, Contestant, chosen
from pipeline.benchmark.real_weather import real
from pipeline.benchmark.scoring import answers
from pipeline.benchmark.summary import Answered, long_table
from pipeline.benchmark.truth import truth
from pipeline.clusters import at
from pipeline.progress import say, tracked
from pipeline.store import Run, digest, file_digest, write_text, written_whole
from pipeline.workers import each

__all__ = ["DRAWS", "Options", "benchmark"]

DRAWS = 160
HERE = Path(__file__).parent
CODE = [
    *sorted(Path(models.__file__).parent.rglob("*.py")),
    *sorted(Path(worlds.__file__).parent.glob("*.py")),
    *(HERE / f"{name}.py" for name in ("cases", "truth", "scoring", "real_weather")),
    *(HERE.parent / name for name in ("samples.py", "weather/features.py")),
]


@dataclass(frozen=True)
class Options:
    """What is compared: ``worlds`` of the simulated weather (None: all), ``methods`` by name (empty: all)."""

    worlds: int | None = None
    methods: tuple[str, ...] = ()
    draws: int = DRAWS
    trees: int = TREES
    real_weather: Path | None = None


@dataclass(frozen=True)
class Job:
    """Something to compute for a case and keep: its truth, or with a ``contestant`` a method's answers."""

    folder: Path
    case: Case
    draws: int
    code: str
    name: str = ""
    contestant: Contestant | None = None

    @property
    def artefact(self) -> str:
        """Where it is kept in the folder."""
        return f"answers/{self.case.name}-{self.name}.json" if self.contestant else f"truth/{self.case.name}.json"

    @property
    def key(self) -> str:
        """What it depends on."""
        return digest([self.code, repr(self.case), self.draws, repr(self.contestant)])

    def compute(self) -> dict[str, Any]:
        """The truth, or the method's answers beside it."""
        if self.contestant is None:
            return truth(self.case, draws=self.draws)
        return answers(self.case, self.contestant, kept(Job(self.folder, self.case, self.draws, self.code)))


def benchmark(folder: Path, options: Options, *, scheduler: str | None = None, page_path: Path | None = None) -> str:
    """Compares the methods, writes tables and figure to ``folder``, and returns the printed tables.

    ``page_path``: a Markdown page whose results are brought up to date, with the figure in ``docs`` beside it.
    """
    contestants = chosen(options.methods, options.trees)
    cases: list[Case] = [*simulated(options.worlds)]
    if options.real_weather:
        cases += real(options.real_weather, options.worlds)
    code = digest([file_digest(path) for path in CODE])
    truths = [Job(folder, case, options.draws, code) for case in cases]
    _all(truths, "truth", scheduler)
    jobs = [Job(folder, case, options.draws, code, name, one) for name, one in contestants.items() for case in cases]
    _all(jobs, "methods", scheduler)
    answered = [Answered(job.case.kind, job.case.name, job.case.half, job.name, kept(job)) for job in jobs]
    return _written(folder, answered, contestants, page_path)


def kept(job: Job) -> dict[str, Any]:
    """What a job left in the folder."""
    text = (job.folder / job.artefact).read_text(encoding="utf-8")
    return dict(json.loads(text))


def carry_out(job: Job) -> None:
    """Computes and keeps what is not there yet."""
    run = Run(job.folder)
    if run.fresh(job.artefact, job.key):
        return
    with threadpool_limits(1):
        found = job.compute()
    write_text(run.path(job.artefact), json.dumps(found, indent=None))
    run.record(job.artefact, job.key, {"case": job.case.name, "method": job.name, "draws": job.draws})


def _all(jobs: Sequence[Job], stage: str, scheduler: str | None) -> None:
    for _ in tracked(each(carry_out, jobs, scheduler=at(scheduler)), stage=stage, total=len(jobs)):
        pass


def _written(
    folder: Path, answered: Sequence[Answered], contestants: Mapping[str, Contestant], page_path: Path | None
) -> str:
    table = long_table(answered)
    with written_whole(folder / "tables" / "benchmark.csv") as partial:
        table.to_csv(partial, index=False, float_format="%.6g")
    text = page.results(table, answered, contestants)
    write_text(folder / "benchmark.md", text + "\n")
    kind = answered[0].kind
    drawn = figure.draw(table, kind, contestants, folder / "figures")
    if page_path:
        page.update(page_path, text)
        for path in drawn:
            with written_whole(page_path.parent / "docs" / path.name) as partial:
                partial.write_bytes(path.read_bytes())
    say(f"tables and figure: {folder}")
    return text
