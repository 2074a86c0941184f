"""Notes of an index as the document holds them: in both languages, and without folders of the machine that made it."""

from __future__ import annotations

import re
import string
from collections.abc import Mapping

from pipeline.weekly.wording import PHRASES, say
from pipeline.wording import Language

PREFIX = "note_"
"""Of the phrases that notes are made of."""
OTHER = "note_other"
FOLDERS = re.compile(r"(?<![\w:/.~-])(?:/|[A-Za-z]:\\)(?:[^\s/\\:;,'\"()]+[/\\])+")
"""The folders of an absolute path; addresses of the web and fractions are none."""


def note_in_both(note: str) -> dict[Language, str]:
    """A note in English and Chinese; one that no phrase makes is quoted in Chinese."""
    told = without_folders(note)
    for key, (english, _) in PHRASES.items():
        if key.startswith(PREFIX) and key != OTHER and (found := _values(english, told)) is not None:
            return {"en": told, "zh": say(key, "zh", **found)}
    return {"en": told, "zh": say(OTHER, "zh", told=told)}


def without_folders(text: str) -> str:
    """The text with the last part alone of every absolute path."""
    return FOLDERS.sub("", text)


def _values(template: str, told: str) -> Mapping[str, str] | None:
    """The values with which a template says ``told``; None where it does not."""
    parts = string.Formatter().parse(template)
    pattern = "".join(re.escape(text) + (f"(?P<{name}>.+)" if name else "") for text, name, _, _ in parts)
    found = re.fullmatch(pattern, told, re.DOTALL)
    return None if found is None else found.groupdict()
