"""Pictures of a training run: the fit report, and single pictures to look closer.

Each is a matplotlib figure of its own: no pyplot, no backend chosen, no setting changed; matplotlib loads at the first.
"""

from cutedl.report.compare import compare_reports
from cutedl.report.gradients import plot_gradients
from cutedl.report.matrix import plot_confusion_matrix
from cutedl.report.mistakes import plot_mistakes
from cutedl.report.page import fit_report
from cutedl.report.rates import plot_lr_find
from cutedl.report.weights import plot_weights

__all__ = [
    "compare_reports",
    "fit_report",
    "plot_confusion_matrix",
    "plot_gradients",
    "plot_lr_find",
    "plot_mistakes",
    "plot_weights",
]
