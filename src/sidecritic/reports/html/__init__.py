"""The report as one HTML file: sections with pictures, no script, no network."""

from sidecritic.reports.html.blocks import Block, Picture, Report
from sidecritic.reports.html.page import to_html, to_report_markdown

__all__ = ["Block", "Picture", "Report", "to_html", "to_report_markdown"]
