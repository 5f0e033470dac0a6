"""Names of the keys of a sweep file, from the table of keys."""

from sweepd.spec.keys.rules import RULES
from sweepd.spec.keys.sweep import ALL_KEYS, GUARD, METRIC, METRICS_FROM, RETRY, UNSUPPORTED
from sweepd.spec.keys.sweep import WITHOUT_EFFECT as _WITHOUT_EFFECT
from sweepd.spec.keys.unsupported import CONTROLLER
from sweepd.spec.keys.unsupported import SCHEDULER_KEYS as _SCHEDULER_KEYS
from sweepd.spec.keys.unsupported import STOP_WHEN_KEYS as _STOP_WHEN_KEYS

LATER_KEYS = tuple(key.name for key in UNSUPPORTED)
KEYS = tuple(key.name for key in ALL_KEYS if key.name not in LATER_KEYS)
WITHOUT_EFFECT = tuple(key.name for key in _WITHOUT_EFFECT)
METRIC_KEYS = tuple(key.name for key in METRIC.keys)
RULE_KEYS = {name: tuple(key.name for key in rule.keys) for name, rule in RULES.items()}
RETRY_KEYS = tuple(key.name for key in RETRY.keys)
GUARD_KEYS = tuple(key.name for key in GUARD.keys)
CONTROLLER_KEYS = tuple(key.name for key in CONTROLLER.keys)
SCHEDULER_KEYS = tuple(key.name for key in _SCHEDULER_KEYS)
STOP_WHEN_KEYS = tuple(key.name for key in _STOP_WHEN_KEYS)
METRICS_FROM_KEYS = tuple(key.name for key in METRICS_FROM.keys)
