"""The command ``tianbang``. Heavy libraries are imported inside the commands: help is at hand at once."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from pipeline import __version__

app = typer.Typer(
    name="tianbang",
    help="天帮忙: how much of a change of air quality was the weather, how much the emissions.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
runs_app = typer.Typer(help="The runs of a folder: list them, compare two, remove old ones.", no_args_is_help=True)
app.add_typer(runs_app, name="runs")
archive_app = typer.Typer(help="The growing archive of station observations.", no_args_is_help=True)
app.add_typer(archive_app, name="archive")

INTERRUPTED = 130


class LogFormat(StrEnum):
    """How progress is told on standard error."""

    text = "text"
    json = "json"


class IndexFormat(StrEnum):
    """How ``tianbang index`` prints."""

    table = "table"
    csv = "csv"
    json = "json"


Out = Annotated[Path | None, typer.Option("--out", help="The run folder; by default runs/NAME.")]
Scheduler = Annotated[
    str | None, typer.Option(help="Address of a Dask scheduler; by default processes on this machine.")
]


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"tianbang {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
    log: Annotated[LogFormat, typer.Option("--log", help="Progress as lines for people or JSON.")] = LogFormat.text,
) -> None:
    from pipeline.progress import speak_json

    speak_json(log is LogFormat.json)


@app.command()
def run(
    config: Annotated[Path, typer.Argument(help="A YAML config, such as configs/beijing.yml.")],
    out: Out = None,
    settings: Annotated[
        list[str] | None, typer.Option("--set", help="KEY=VALUE laid over the config; repeatable.")
    ] = None,
    scheduler: Scheduler = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Continue a run that is there; without it one is made or continued.")
    ] = False,
) -> None:
    """Separate weather from emissions: tables, netCDF, figures and a page, from station data and weather.

    What is already made of the same config and files is kept, so that an interrupted run goes on where it ended.
    """
    from pipeline.config import load
    from pipeline.errors import ConfigError
    from pipeline.stages import run as run_stages

    loaded = load(config, settings or ())
    folder = (out or Path("runs") / loaded.name).resolve()
    if resume and not folder.is_dir():
        raise ConfigError(f"--resume: found no run folder {folder}; allowed: one that is there, or no --resume")
    typer.echo(run_stages(loaded, folder, scheduler=scheduler))


@app.command()
def demo(
    out: Out = None,
    seed: Annotated[int, typer.Option(help="Seed of the sample world.")] = 1,
    forest: Annotated[bool, typer.Option("--forest", help="The error of a resampled random forest too.")] = False,
    nation: Annotated[bool, typer.Option("--nation", help="A generated nation of China's cities instead.")] = False,
    cities: Annotated[int | None, typer.Option(help="With --nation: so many cities; by default all 339.")] = None,
    through: Annotated[str, typer.Option(help="With --nation: the last month, YYYY-MM.")] = "2025-09",
    members: Annotated[int, typer.Option(min=2, help="With --nation: members of the ensemble.")] = 10,
    scheduler: Scheduler = None,
) -> None:
    """The whole chain on the sample world: writes its files, runs on them, compares with the planted truth."""
    from pipeline.demo import demo as plain
    from pipeline.demo import demo_beside_forest, demo_nation

    if nation:
        from pipeline.nation import NationOptions

        options = NationOptions(cities=cities, through=through, members=members, seed=seed)
        typer.echo(demo_nation((out or Path("runs") / "nation").resolve(), options, scheduler=scheduler))
        return
    run_demo = demo_beside_forest if forest else plain
    typer.echo(run_demo((out or Path("runs") / "demo").resolve(), seed=seed, scheduler=scheduler))


@app.command()
def benchmark(
    out: Out = None,
    worlds: Annotated[int | None, typer.Option(min=1, help="How many worlds; by default all.")] = None,
    methods: Annotated[str, typer.Option(help="Methods by name, with commas between; by default all.")] = "",
    draws: Annotated[int, typer.Option(min=1, help="Draws of what is unobserved behind the truth.")] = 160,
    trees: Annotated[int, typer.Option(min=1, help="Trees of the field's forests.")] = 100,
    real_weather: Annotated[
        Path | None, typer.Option(help="Folder of the UCI Beijing files: worlds of real weather too.")
    ] = None,
    page: Annotated[Path | None, typer.Option(help="A Markdown page to bring up to date.")] = None,
    scheduler: Scheduler = None,
) -> None:
    """Methods of the field and ours, compared on worlds whose truth is known: tables and a figure."""
    from pipeline.benchmark import Options, benchmark

    names = tuple(name.strip() for name in methods.split(",") if name.strip())
    options = Options(worlds, names, draws, trees, real_weather)
    folder = (out or Path("runs") / "benchmark").resolve()
    typer.echo(benchmark(folder, options, scheduler=scheduler, page_path=page))


@app.command()
def bau(
    config: Annotated[Path, typer.Argument(help="A YAML config, such as configs/beijing.yml.")],
    event: Annotated[str, typer.Option(help="Name of one of the config's interventions.")] = "",
    first: Annotated[str, typer.Option("--from", help="First day of an event, YYYY-MM-DD.")] = "",
    last: Annotated[str, typer.Option("--to", help="Last day of an event, YYYY-MM-DD.")] = "",
    out: Out = None,
    settings: Annotated[
        list[str] | None, typer.Option("--set", help="KEY=VALUE laid over the config; repeatable.")
    ] = None,
    scheduler: Scheduler = None,
) -> None:
    """Business as usual: an event's days against a model of the days before it, beside placebo dates."""
    from pipeline.business_as_usual import business_as_usual, event_of
    from pipeline.config import load

    loaded = load(config, settings or ())
    folder = (out or Path("runs") / loaded.name).resolve()
    typer.echo(business_as_usual(loaded, folder, event_of(loaded, event, first, last), scheduler=scheduler))


@app.command()
def report(
    config: Annotated[Path, typer.Argument(help="A YAML config, such as configs/beijing.yml.")],
    year: Annotated[int, typer.Option(help="The year reported, labelled by the calendar year it starts in.")],
    through: Annotated[
        str | None, typer.Option(help="The last month, YYYY-MM: the report as of its end; by default the year's last.")
    ] = None,
    claims: Annotated[
        Path | None, typer.Option(help="A YAML file of statements to check; by default those of the 2025 report.")
    ] = None,
    out: Out = None,
    settings: Annotated[
        list[str] | None, typer.Option("--set", help="KEY=VALUE laid over the config; repeatable.")
    ] = None,
    scheduler: Scheduler = None,
) -> None:
    """The annual report of a run: HTML, PDF in each language, figures, tables, claims checked, data supplement."""
    from pipeline.config import load
    from pipeline.report import Asked
    from pipeline.report import report as make_report

    loaded = load(config, settings or ())
    folder = (out or Path("runs") / loaded.name).resolve()
    typer.echo(make_report(loaded, folder, Asked(year, through, claims), scheduler=scheduler))


@app.command()
def index(
    config: Annotated[Path, typer.Argument(help="A YAML config, such as configs/beijing.yml.")],
    week: Annotated[str | None, typer.Option(help="A week, such as 2025-W40.")] = None,
    latest: Annotated[bool, typer.Option("--latest", help="The last whole week with weather; the default.")] = False,
    outlook: Annotated[
        bool, typer.Option("--outlook", help="The ten days ahead too, from the forecast of `weekly.outlook`.")
    ] = False,
    out: Out = None,
    form: Annotated[IndexFormat, typer.Option("--format", help="What is printed.")] = IndexFormat.table,
    settings: Annotated[
        list[str] | None, typer.Option("--set", help="KEY=VALUE laid over the config; repeatable.")
    ] = None,
    scheduler: Scheduler = None,
    fill: Annotated[
        bool, typer.Option("--fill", help="As --outlook; days that have no weather yet by forecasts, marked so.")
    ] = False,
    check: Annotated[
        bool, typer.Option("--check", help="Only whether the weather of --week is there: exit code 7 if not.")
    ] = False,
    catch_up: Annotated[
        bool, typer.Option("--catch-up", help="Every week that has weather and was not issued, in order.")
    ] = False,
    since: Annotated[
        str | None, typer.Option(help="With --catch-up: from this week on, and what would be other now too.")
    ] = None,
) -> None:
    """The meteorological condition index of a week, from the models a run has kept and the newest weather."""
    import datetime

    from pipeline.config import load
    from pipeline.operations import alerts
    from pipeline.weekly import files, terminal
    from pipeline.weekly.catching_up import Asked, check_week, require_one
    from pipeline.weekly.catching_up import catch_up as catch_up_weeks
    from pipeline.weekly.issue import issue

    require_one(week=week, since=since, latest=latest, check=check, catch_up=catch_up)
    loaded = load(config, settings or ())
    folder = (out or Path("runs") / loaded.name).resolve()
    now = datetime.datetime.now(datetime.UTC)
    if check and week is not None:
        typer.echo(check_week(loaded, folder, week=week, now=now))
        return
    if catch_up:
        asked = Asked(since, outlook=outlook, fill=fill, scheduler=scheduler)
        try:
            typer.echo(catch_up_weeks(loaded, folder, now=now, asked=asked))
        finally:
            alerts.tell_of_newest(folder, loaded.alerts, now=now)
        return
    document = issue(loaded, folder, week=week, now=now, scheduler=scheduler, outlook=outlook, fill=fill)
    alerts.tell(alerts.alarms(document, loaded.alerts, now=now), loaded.alerts)
    if form is IndexFormat.table:
        typer.echo(terminal.as_text(document))
    else:
        printed = {IndexFormat.csv: files.CSV, IndexFormat.json: files.JSON}[form]
        typer.echo((folder / printed).read_text(encoding="utf-8"), nl=form is IndexFormat.json)


@app.command()
def ingest(
    config: Annotated[Path, typer.Argument(help="A YAML config with the keys `observations` and `archive`.")],
) -> None:
    """Append what is new in a folder of station files to the archive; safe to interrupt, run again to continue."""
    from pipeline.archive.ingest import ingest as append
    from pipeline.archive.settings import settings_of

    found = settings_of(config)
    typer.echo(append(found.observations, found.archive, utc_offset=found.utc_offset))


@app.command()
def serve(
    folder: Annotated[Path, typer.Argument(metavar="RUN", help="The folder of a run.")],
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port on 127.0.0.1; 0 takes any that is free.")] = 8765,
) -> None:
    """Show a run folder in the browser: on this machine only, read-only, until Ctrl-C."""
    from pipeline.serve import serve as serve_folder

    serve_folder(folder, port, tell=typer.echo)


@app.command()
def doctor(
    config: Annotated[Path | None, typer.Argument(help="A config whose archive, weather and index to look at.")] = None,
    out: Out = None,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Is this machine fit for work: Python, packages, fonts, key, disk, clock, fresh inputs; and what to do if not."""
    from pipeline.config import load
    from pipeline.operations import doctor as of_machine

    loaded = None if config is None else load(config)
    folder = (out or Path("runs") / (loaded.name if loaded else "")).resolve()
    checks = of_machine.doctor(of_machine.here(folder), loaded)
    typer.echo(of_machine.as_json(checks) if as_json else of_machine.as_text(checks))
    if any(check.state == "wrong" for check in checks):
        raise typer.Exit(1)


@runs_app.command("list")
def list_runs(
    folder: Annotated[Path, typer.Argument(help="A folder that holds runs.")] = Path("runs"),
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """The runs, the newest first: when they were made, by which version, of which config, how large they are."""
    from pipeline.operations import runs

    found = runs.runs(folder)
    typer.echo(runs.as_json(found) if as_json else runs.listed(found))


@runs_app.command()
def compare(
    first: Annotated[Path, typer.Argument(help="A run folder.")],
    second: Annotated[Path, typer.Argument(help="Another one.")],
    table: Annotated[Path | None, typer.Option(help="A CSV file to write: one row a table.")] = None,
) -> None:
    """What the tables of two runs say differently: rows, numbers, the largest difference and where it is."""
    from pipeline.operations import runs
    from pipeline.store import written_whole

    found = runs.compared(first, second)
    if table is not None:
        with written_whole(table) as partial:
            found.to_csv(partial, index=False, float_format="%.6g")
    typer.echo(runs.as_text(found))


@runs_app.command()
def prune(
    folder: Annotated[Path, typer.Argument(help="A folder that holds runs.")],
    older_than: Annotated[int, typer.Option(min=0, help="Days since a run was finished.")],
    yes: Annotated[bool, typer.Option("--yes", help="Remove them; without it they are only listed.")] = False,
) -> None:
    """Remove runs that were finished long ago; never the newest one, nor one that was not finished."""
    import datetime

    from pipeline.operations import runs

    old = runs.prune(folder, older_than=older_than, now=datetime.datetime.now(datetime.UTC), dry_run=not yes)
    for run_folder in old:
        typer.echo(f"{'removed' if yes else 'would be removed'}: {run_folder.folder}")
    typer.echo(f"{len(old)} runs {'removed' if yes else 'to remove; add --yes'}")


@archive_app.command()
def status(
    path: Annotated[Path, typer.Argument(help="An archive, or a config that names one.")],
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
    rejected: Annotated[
        Path | None, typer.Option(help="A CSV file to write: every file and value that was not taken.")
    ] = None,
) -> None:
    """What the archive holds: days, gaps, stations, last hour, what was rejected by rule."""
    from pipeline.archive import status as of_archive
    from pipeline.archive.settings import archive_of

    found = of_archive.status(archive_of(path))
    if rejected is not None:
        of_archive.write_rejected(archive_of(path), rejected)
    typer.echo(of_archive.as_json(found) if as_json else of_archive.as_text(found))


def main() -> None:
    """Runs the command; whatever is refused is one line on standard error and a non-zero exit."""
    from pipeline.errors import TianbangError

    try:
        app()
    except TianbangError as error:
        typer.echo(f"tianbang: {error}", err=True)
        sys.exit(error.exit_code)
    except OSError as error:  # a full disk, a folder that may not be written
        typer.echo(f"tianbang: {error.filename or 'the run folder'}: {error.strerror or error}", err=True)
        sys.exit(1)
    except SystemExit as stop:
        # typer turns Ctrl-C into this exit code before anyone else sees it
        if stop.code == INTERRUPTED:
            typer.echo("tianbang: interrupted; run the same command again to continue", err=True)
        raise


if __name__ == "__main__":
    main()
