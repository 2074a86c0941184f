"""What every document of the weekly index must be."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker

from pipeline.weekly.files import json_schema


@cache
def validator() -> Draft202012Validator:
    """Of the schema that stands beside the document, itself checked."""
    schema = json.loads(json_schema())
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema, format_checker=FormatChecker())


def valid(document: Mapping[str, Any]) -> None:
    """Fails with the first place where the document is not what its schema says."""
    for error in validator().iter_errors(json.loads(json.dumps(document))):
        raise AssertionError(f"{error.json_path}: {error.message}")
