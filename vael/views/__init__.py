"""Views: a run → figures, animations, a report. They ask tasks for arrays and `figures` for pictures.

    vael.draw(run, "manifold")        # a matplotlib Figure, which displays itself in a notebook
    vael.animate(run, "samples")      # the path of a GIF in the run's folder
    vael.report(run)                  # the path of one self-contained HTML file

`VIEWS` names every kind of figure, `ANIMATIONS` every kind of animation.
"""

from vael.views.animate import ANIMATIONS, animate
from vael.views.base import Look, View
from vael.views.draw import VIEWS, draw, kinds_for, save_figures
from vael.views.report import report

__all__ = ["ANIMATIONS", "VIEWS", "Look", "View", "animate", "draw", "kinds_for", "report", "save_figures"]
