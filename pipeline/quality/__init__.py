"""What is rejected and why: one table of rules, and the only maker of NaN.

Nothing is imputed. Readers reject files and what is no number; ``screened`` rejects values of observations; both list
what they rejected with the columns of ``pipeline.contracts.REJECTED``.
"""

from pipeline.quality.report import file_notes, notes, report_rows, summary
from pipeline.quality.rules import RULES, Options, Rule
from pipeline.quality.screening import Entry, judged_together, plausible, screened

__all__ = [
    "RULES",
    "Entry",
    "Options",
    "Rule",
    "file_notes",
    "judged_together",
    "notes",
    "plausible",
    "report_rows",
    "screened",
    "summary",
]
