"""Pictures of networks, data and results.

Every drawing function takes arrays and returns a matplotlib Figure; none shows or saves it. output.py does that.
"""

from nn_from_scratch.figures.answers import calibration, confusion_cells, confusion_matrix
from nn_from_scratch.figures.distributions import distributions
from nn_from_scratch.figures.images import augmented, handwriting, mistakes, samples
from nn_from_scratch.figures.learning import learning_curves
from nn_from_scratch.figures.learning_rates import learning_rate_sweep, range_test
from nn_from_scratch.figures.output import METADATA, check, check_endings, open_windows, save, show
from nn_from_scratch.figures.regions import decision_regions, points
from nn_from_scratch.figures.stages import feature_maps
from nn_from_scratch.figures.weights import weight_figures

__all__ = [
    "METADATA",
    "augmented",
    "calibration",
    "check",
    "check_endings",
    "confusion_cells",
    "confusion_matrix",
    "decision_regions",
    "distributions",
    "feature_maps",
    "handwriting",
    "learning_curves",
    "learning_rate_sweep",
    "mistakes",
    "open_windows",
    "points",
    "range_test",
    "samples",
    "save",
    "show",
    "weight_figures",
]
