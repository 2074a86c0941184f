"""What every page stands on: a template engine that escapes, files that travel with a package, one look."""

from __future__ import annotations

from importlib import resources

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined

BASE = "pipeline.page_base"


def environment(package: str) -> Environment:
    """Templates of ``package`` and those all pages share: text is escaped, a name that is not given is an error."""
    return Environment(
        loader=ChoiceLoader([PackageLoader(package, "templates"), PackageLoader(BASE, "templates")]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def template_file(package: str, name: str) -> str:
    """The text of a file beside a package's templates."""
    return (resources.files(package) / "templates" / name).read_text(encoding="utf-8")


def style(package: str, name: str) -> str:
    """The look all pages share, then what one page adds."""
    return "\n".join([template_file(BASE, "base.css"), template_file(package, name)])


def language_switch() -> str:
    """The script of pages that hold every language at once: its buttons show one and hide the others."""
    return template_file(BASE, "switch.js")
