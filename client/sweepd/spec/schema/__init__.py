"""The JSON Schema of sweep files, for editors, made of the tables and limits that the reader works by.

A schema says less than the reader: it knows no distributions' arithmetic and no expressions. Whatever the
reader accepts it accepts, too. docs/sweep-file.schema.json is what `schema_text` returns.
"""

from sweepd.spec.schema.sweep import schema_text, sweep_schema

__all__ = ["schema_text", "sweep_schema"]
