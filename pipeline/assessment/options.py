"""The keys of ``assessment`` in a config."""

from __future__ import annotations

import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from pipeline.assessment.dust import DustEvent
from pipeline.standards.reference_state import ParticulateReference
from pipeline.standards.rounding import Printing
from pipeline.standards.versions import IN_FORCE, standards
from pipeline.vocabulary import POLLUTANTS

Panel = Literal["all", "constant"]
"""Which stations of a city count: all, or those whose days are valid in every year."""


class AssessmentOptions(BaseModel):
    """What is assessed, by which standard, and how it is printed."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    pollutants: tuple[str, ...] = Field(
        default=(), description="assessed beside those that are separated; an AQI asks for all six"
    )
    windows: tuple[Literal["year", "months_to_date", "trailing_twelve_months", "month"], ...] = Field(
        default=("year", "months_to_date", "trailing_twelve_months", "month")
    )
    periods: tuple[tuple[datetime.date, datetime.date], ...] = Field(
        default=(), description="other windows: [first day, last day]"
    )
    panels: tuple[Panel, ...] = Field(default=("all", "constant"), min_length=1)
    standard: str = Field(default=IN_FORCE, description="in_force, or one version for all dates")
    printing: Printing = "standard"
    particulate_reference: ParticulateReference = "as_reported"
    dust: tuple[DustEvent, ...] = ()
    attaining_since: int | None = Field(default=None, description="year that cities attaining are compared with")

    @field_validator("pollutants")
    @classmethod
    def _spelled(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for name in value:
            if name not in POLLUTANTS:
                raise ValueError(f"found {name!r}; allowed: {', '.join(POLLUTANTS)}")
        return value

    @field_validator("standard")
    @classmethod
    def _known(cls, value: str) -> str:
        allowed = (IN_FORCE, *standards())
        if value not in allowed:
            raise ValueError(f"found {value!r}; allowed: {', '.join(allowed)}")
        return value

    @field_validator("periods")
    @classmethod
    def _in_order(
        cls, value: tuple[tuple[datetime.date, datetime.date], ...]
    ) -> tuple[tuple[datetime.date, datetime.date], ...]:
        for start, end in value:
            if end < start:
                raise ValueError(f"starts {start} and ends {end}; allowed: [first day, last day], in order")
        return value
