"""W&B's scikit-learn plots, accepted but not drawn."""

from sweepd.compat.modules.top_level import termwarn

__all__ = [
    "plot_calibration_curve",
    "plot_class_proportions",
    "plot_classifier",
    "plot_clusterer",
    "plot_confusion_matrix",
    "plot_elbow_curve",
    "plot_feature_importances",
    "plot_learning_curve",
    "plot_outlier_candidates",
    "plot_precision_recall",
    "plot_regressor",
    "plot_residuals",
    "plot_roc",
    "plot_silhouette",
    "plot_summary_metrics",
]


def _accepted(*_arguments: object, **_named: object) -> None:
    """Warn once that nothing is drawn."""
    termwarn("plots of scikit-learn models are not drawn; log their values to store them", repeat=False)


plot_calibration_curve = plot_class_proportions = plot_classifier = plot_clusterer = _accepted
plot_confusion_matrix = plot_elbow_curve = plot_feature_importances = plot_learning_curve = _accepted
plot_outlier_candidates = plot_precision_recall = plot_regressor = plot_residuals = _accepted
plot_roc = plot_silhouette = plot_summary_metrics = _accepted
