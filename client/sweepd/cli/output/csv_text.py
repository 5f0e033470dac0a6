"""CSV as every command writes it: one line a row, and nothing that a terminal or a spreadsheet obeys."""

import csv
import io
import re
from collections.abc import Iterable, Sequence

from sweepd.spec.point import Json
from sweepd.views.text import clean, json_text

# What spreadsheets take for the beginning of a formula; the last four are the wide forms of the others.
_FORMULA = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?|[+-]?Infinity", re.ASCII)


def csv_text(headings: Sequence[str], rows: Iterable[Sequence[Json]], *, raw: bool = False) -> str:
    """Return a table as CSV. `raw`: texts exactly as they are.

    Else control characters are made visible, line feeds included, and a text that a spreadsheet would take
    for a formula begins with an apostrophe. Numbers stay numbers.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([_text(heading, raw=raw) for heading in headings])
    writer.writerows([_cell(value, raw=raw) for value in row] for row in rows)
    return text.getvalue()


def _cell(value: Json, *, raw: bool) -> str:
    if value is None:
        return ""
    return _text(value, raw=raw) if isinstance(value, str) else json_text(value)


def _text(text: str, *, raw: bool) -> str:
    if raw:
        return text
    harmless = clean(text)
    return f"'{harmless}" if harmless.startswith(_FORMULA) and not _NUMBER.fullmatch(harmless) else harmless
