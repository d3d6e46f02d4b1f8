"""Reports: Markdown for files, tables for the terminal."""

from sidecritic.reports.markdown import to_markdown
from sidecritic.reports.tables import to_tables

__all__ = ["to_markdown", "to_tables"]
