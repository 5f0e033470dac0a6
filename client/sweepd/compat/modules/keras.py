"""W&B's callbacks for Keras: metrics, checkpoints, tables of predictions."""

import math
import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Literal

import sweepd
from sweepd.compat.modules.callbacks import run_of
from sweepd.compat.modules.errors import Error
from sweepd.compat.modules.top_level import termwarn

_keras = import_module("tf_keras" if "tf_keras" in sys.modules and "keras" not in sys.modules else "keras")
_callbacks = _keras.callbacks

__all__ = ["WandbCallback", "WandbEvalCallback", "WandbMetricsLogger", "WandbModelCheckpoint"]


class WandbMetricsLogger(_callbacks.Callback):  # type: ignore[misc,name-defined]  # known only at run time
    """Callback that logs the metrics of `fit` and the learning rate.

    Args:
        log_freq: `epoch`, `batch`, or a number of batches.
        initial_global_step: number of batches trained before resuming.

    Raises:
        Error: `log_freq` is invalid, or no run is active.
    """

    def __init__(
        self, log_freq: Literal["epoch", "batch"] | int = "epoch", initial_global_step: int = 0
    ) -> None:
        super().__init__()
        run_of("WandbMetricsLogger")
        every = {"epoch": 0, "batch": 1}.get(log_freq, -1) if isinstance(log_freq, str) else log_freq
        if every < 0:
            raise Error(f"WandbMetricsLogger: log_freq must be epoch, batch or a number, not {log_freq!r}")
        self.log_freq = every or None
        self.global_batch = 0
        self.global_step = initial_global_step
        kind, step = ("epoch", "epoch") if self.log_freq is None else ("batch", "batch_step")
        sweepd.define_metric(f"{kind}/{step}")
        sweepd.define_metric(f"{kind}/*", step_metric=f"{kind}/{step}")

    def on_epoch_end(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        """Log the means and validation metrics of an epoch."""
        sweepd.log({**_prefixed("epoch", logs), "epoch/epoch": epoch, **self._rate("epoch")})

    def on_train_batch_end(self, batch: int, logs: Mapping[str, float] | None = None) -> None:
        """Log a batch if `log_freq` selects its number."""
        self.global_step += 1
        if self.log_freq is None or batch % self.log_freq:
            return
        sweepd.log({**_prefixed("batch", logs), "batch/batch_step": self.global_batch, **self._rate("batch")})
        self.global_batch += self.log_freq

    def _rate(self, kind: str) -> dict[str, float]:
        try:
            rate = self.model.optimizer.learning_rate
            if callable(rate) and not hasattr(rate, "shape"):
                rate = rate(self.global_step)
            return {f"{kind}/learning_rate": float(rate)}
        except (AttributeError, TypeError, ValueError, RuntimeError) as error:
            termwarn(f"the learning rate cannot be logged: {error}", repeat=False)
            return {}


class WandbModelCheckpoint(_callbacks.ModelCheckpoint):  # type: ignore[misc,name-defined]
    """Variant of Keras' `ModelCheckpoint` that also stores each written file with the run."""

    def __init__(self, filepath: str, *arguments: object, **named: object) -> None:
        super().__init__(filepath, *arguments, **named)
        run_of("WandbModelCheckpoint")
        self._epoch = 0
        self._last_stored: tuple[str, int] | None = None

    def on_epoch_begin(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        """Record the number of the epoch."""
        super().on_epoch_begin(epoch, logs)
        self._epoch = epoch

    def on_train_batch_end(self, batch: int, logs: Mapping[str, float] | None = None) -> None:
        """Store the checkpoint if one was written after this batch."""
        super().on_train_batch_end(batch, logs)
        if self.save_freq != "epoch":
            self._store(self._epoch, batch, logs)

    def on_epoch_end(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        """Store the checkpoint if one was written after this epoch."""
        super().on_epoch_end(epoch, logs)
        if self.save_freq == "epoch":
            self._store(epoch, 0, logs)

    def _store(self, epoch: int, batch: int, logs: Mapping[str, float] | None) -> None:
        try:
            path = Path(str(self.filepath).format(epoch=epoch + 1, batch=batch + 1, **(logs or {})))
        except KeyError as error:  # Keras has warned, or the metric appears later
            termwarn(f"the checkpoint is not saved: its file name needs {error}", repeat=False)
            return
        if not path.exists():
            return
        written = (str(path), path.stat().st_mtime_ns)
        if written == self._last_stored or sweepd.run is None:
            return
        self._last_stored = written
        aliases = ["latest", f"epoch_{epoch}"]
        sweepd.log_artifact(path, f"run_{sweepd.run.id}_model", "model", aliases)


class WandbEvalCallback(_callbacks.Callback):  # type: ignore[misc,name-defined]
    """Callback that logs tables of examples and predictions; a subclass fills them in two methods.

    Args:
        data_table_columns: names of the columns of the table of examples.
        pred_table_columns: names of the columns of the table of predictions.
    """

    def __init__(self, data_table_columns: Sequence[str], pred_table_columns: Sequence[str]) -> None:
        super().__init__()
        run_of("WandbEvalCallback")
        self.data_table_columns = list(data_table_columns)
        self.pred_table_columns = list(pred_table_columns)

    def add_ground_truth(self, logs: Mapping[str, float] | None = None) -> None:
        """Add rows to `data_table` with its method `add_data`."""
        raise NotImplementedError(f"{type(self).__name__}.add_ground_truth")

    def add_model_predictions(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        """Add rows to `pred_table` with its method `add_data`."""
        raise NotImplementedError(f"{type(self).__name__}.add_model_predictions")

    def on_train_begin(self, logs: Mapping[str, float] | None = None) -> None:
        """Log the table of examples."""
        self.init_data_table(self.data_table_columns)
        self.add_ground_truth(logs)
        self.log_data_table()

    def on_epoch_end(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        """Create, fill and log the table of predictions of an epoch."""
        self.init_pred_table(self.pred_table_columns)
        self.add_model_predictions(epoch, logs)
        self.log_pred_table()

    def init_data_table(self, column_names: Sequence[str]) -> None:
        """Create the table of examples."""
        self.data_table = sweepd.Table(columns=list(column_names))

    def init_pred_table(self, column_names: Sequence[str]) -> None:
        """Create a table of predictions."""
        self.pred_table = sweepd.Table(columns=list(column_names))

    def log_data_table(self, name: str = "val", type: str = "dataset", table_name: str = "val_data") -> None:  # noqa: A002
        """Log the table of examples."""
        sweepd.log({table_name: self.data_table}, commit=False)

    def log_pred_table(
        self,
        type: str = "evaluation",  # noqa: A002
        table_name: str = "eval_data",
        aliases: Sequence[str] | None = None,
    ) -> None:
        """Log the table of predictions."""
        sweepd.log({table_name: self.pred_table}, commit=False)


class WandbCallback(_callbacks.Callback):  # type: ignore[misc,name-defined]
    """Former callback of W&B, which logs the metrics of `fit` and the best epoch.

    Args:
        monitor: metric that determines the best epoch.
        verbose: no effect.
        mode: `min`, `max`, or `auto`: `max` for names that contain acc, auc or fmeasure.
        options: no effect; weights, gradients and predictions are not logged.
    """

    def __init__(
        self, monitor: str = "val_loss", verbose: int = 0, mode: str = "auto", **options: object
    ) -> None:
        super().__init__()
        run_of("WandbCallback")
        given = sorted(name for name, value in options.items() if value is not None and value is not False)
        if given:
            termwarn(f"WandbCallback: arguments without effect: {', '.join(given)}", repeat=False)
        self.monitor = monitor
        rises = any(word in monitor for word in ("acc", "auc", "fmeasure"))
        self._sign = -1 if mode == "max" or (mode == "auto" and rises) else 1
        self._best: float | None = None

    def on_epoch_end(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        """Log the metrics of the epoch, and update the best epoch so far."""
        logs = dict(logs or {})
        sweepd.log({"epoch": epoch, **logs})
        value = logs.get(self.monitor)
        if value is None or not math.isfinite(value):  # NaN is never the best
            return
        if self._best is None or self._sign * value < self._sign * self._best:
            self._best = value
            sweepd.summary.update({f"best_{self.monitor}": value, "best_epoch": epoch})


def _prefixed(kind: str, logs: Mapping[str, float] | None) -> dict[str, float]:
    return {f"{kind}/{name}": value for name, value in (logs or {}).items()}
