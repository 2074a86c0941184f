"""The annual report of a run: every number once, with its interval, then tables, figures, sentences, claims, document.

Data flows one way: run folder -> facts -> tables, figures, sentences, claims -> document -> supplement. All of it lies
in ``RUN/report/YEAR`` (or ``YEAR-MM`` of a year that is not whole), and as one zip beside it. Made twice, it is the
same bytes; what a run lacks is said in its place, and the rest is made.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.progress import say
from pipeline.stages import run

if TYPE_CHECKING:
    from pipeline.config import Config


@dataclass(frozen=True)
class Asked:
    """What is asked: the year (by the calendar year it starts in), its last month YYYY-MM, and a file of claims."""

    year: int
    through: str | None = None
    claims: Path | None = None


def report(config: Config, folder: Path, asked: Asked, *, scheduler: str | None = None) -> Path:
    """Makes or completes the report that is ``asked`` for, and first the run in ``folder``; returns its page.

    A report of a month before the data's end is that of a run cut there, in a folder of its own beside it. A year or
    month that the run does not have is a ConfigError or NothingToDo.
    """
    from pipeline.report.making import Making, as_of

    config, folder = as_of(config, folder, asked)
    run(config, folder, scheduler=scheduler)
    making = Making.of(config, folder, asked, scheduler)
    if making.fresh():
        say(f"report: nothing has changed since {making.page} was made; nothing to do")
        return making.page
    facts = making.facts()
    claims, sensitivity = making.claims(facts), making.sensitivity()
    parts = {}
    for language in config.languages:
        drawn = making.drawn(facts, sensitivity, language)
        parts[language] = making.parts(facts, claims, sensitivity, drawn, language=language)
    making.documents(parts, facts)
    making.supplement(facts)
    say(f"report: {len(facts)} numbers; {making.page}")
    return making.page
