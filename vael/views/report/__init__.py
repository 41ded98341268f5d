"""The report: one self-contained HTML file about one run or several.

`findings` says in words what the numbers mean, `summary` what was trained where, `page` puts all on one page
(`page.html`, a Jinja template).
"""

from vael.views.report.findings import Finding, find
from vael.views.report.page import report

__all__ = ["Finding", "find", "report"]
