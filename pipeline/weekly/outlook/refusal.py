"""Why there is no outlook, as the page says it in either language."""

from __future__ import annotations

from pipeline.errors import InputError
from pipeline.weekly.wording import say

Reason = dict[str, str]
"""The same by language, ``en`` and ``zh``."""


class NoOutlook(InputError):
    """An outlook that cannot be made: a phrase of ``pipeline.weekly.wording`` and its values; its line is English."""

    def __init__(self, phrase: str, **values: object) -> None:
        self.reason: Reason = {"en": say(phrase, "en", **values), "zh": say(phrase, "zh", **values)}
        super().__init__(self.reason["en"])


def reason_of(error: InputError) -> Reason:
    """What an error says; of one that has no phrase of its own the Chinese quotes the English."""
    if isinstance(error, NoOutlook):
        return error.reason
    return {"en": str(error), "zh": say("no_outlook_other", "zh", told=str(error))}
