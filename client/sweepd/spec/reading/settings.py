"""Reads the keys that say how the runs of a sweep are handled, whatever they search."""

from dataclasses import dataclass

from sweepd.spec.limits import (
    MAX_AGENT_FAILURES,
    MAX_LABEL_LENGTH,
    MAX_LABELS,
    MAX_METADATA_BYTES,
    MAX_REPEATS,
    MAX_RETRIES,
)
from sweepd.spec.point import Json, canonical_json
from sweepd.spec.reading.fields import Fields
from sweepd.spec.reading.json_value import is_finite, read_json
from sweepd.spec.reading.keys import GUARD_KEYS, RETRY_KEYS
from sweepd.spec.reading.metrics_from import read_metrics_from
from sweepd.spec.reading.nodes import SequenceNode
from sweepd.spec.sweep_spec import Aggregate, Compat, Guard, MetricsFrom, Retry
from sweepd.spec.wording import shown


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What the file says of repeats, failures, time, labels and scripts."""

    repeats: int
    aggregate: Aggregate
    retry: Retry
    guard: Guard
    canary: bool
    sweep_timeout: float | None
    requires: dict[str, str]
    tags: tuple[str, ...]
    metadata: dict[str, Json]
    compat: Compat | None
    metrics_from: MetricsFrom | None


def read_settings(fields: Fields) -> Settings:
    """Return the settings; what is unusable has its default, after recording why."""
    repeats = fields.integer("repeats", 1, MAX_REPEATS)
    return Settings(
        repeats=repeats or 1,
        aggregate=_aggregate(fields, repeats),
        retry=_retry(fields),
        guard=_guard(fields),
        canary=fields.boolean("canary") or False,
        sweep_timeout=fields.duration("sweep_timeout"),
        requires=_requires(fields),
        tags=_tags(fields),
        metadata=_metadata(fields),
        compat=fields.choice("compat", Compat),
        metrics_from=read_metrics_from(fields),
    )


def _aggregate(fields: Fields, repeats: int | None) -> Aggregate:
    aggregate = fields.choice("aggregate", Aggregate) or Aggregate.MEAN
    if "aggregate" not in fields:
        return aggregate
    if "repeats" not in fields:
        fields.error("missing-key", "needs `repeats`, the number of runs of each point", key="aggregate")
    elif repeats == 1:
        place = fields.node.entries["aggregate"].place
        fields.findings.warning(place, "aggregate", "no-effect", "has no effect on points of one run")
        return Aggregate.MEAN
    return aggregate


def _retry(fields: Fields) -> Retry:
    inner = fields.inner("retry", "a mapping with the keys `infrastructure` and `failure`")
    if inner is None:
        return Retry()
    inner.check_keys(RETRY_KEYS, "`retry`")
    default = Retry()
    infrastructure = inner.integer("infrastructure", 0, MAX_RETRIES)
    failure = inner.integer("failure", 0, MAX_RETRIES)
    return Retry(
        infrastructure=default.infrastructure if infrastructure is None else infrastructure,
        failure=default.failure if failure is None else failure,
    )


def _guard(fields: Fields) -> Guard:
    inner = fields.inner("guard", "a mapping with the keys `agent` and `sweep`")
    if inner is None:
        return Guard()
    inner.check_keys(GUARD_KEYS, "`guard`")
    agent = inner.integer("agent", 1, MAX_AGENT_FAILURES)
    share = inner.number("sweep")
    if share is not None and not 0 < share <= 1:
        message = f"must be a share: more than 0, at most 1, not {shown(share)}"
        inner.error("out-of-range", message, key="sweep")
        share = None
    return Guard(agent=agent or Guard().agent, sweep=None if share is None else float(share))


def _requires(fields: Fields) -> dict[str, str]:
    inner = fields.inner("requires", "a mapping from labels to their values")
    if inner is None or not _is_short(fields, "requires", len(inner.node.entries), "labels"):
        return {}
    labels: dict[str, str] = {}
    for key in inner.node.entries:
        value = inner.text(key)
        for text in (key, value or "x"):
            if not 1 <= len(text) <= MAX_LABEL_LENGTH or not text.isprintable():
                message = f"a label and its value have 1 to {MAX_LABEL_LENGTH} printable characters"
                inner.error("bad-name", message, key=key)
        if key and not key.strip():
            inner.error("bad-name", "a label must not be blank", key=key)
        labels[key] = value or ""
    return labels


def _tags(fields: Fields) -> tuple[str, ...]:
    node = fields.node_at("tags")
    if isinstance(node, SequenceNode) and not _is_short(fields, "tags", len(node.items), "tags"):
        return ()
    tags = fields.texts("tags", "a list of texts")
    seen: set[str] = set()
    for index, tag in tags.items():
        if len(tag) > MAX_LABEL_LENGTH or not tag.isprintable():
            message = f"a tag has at most {MAX_LABEL_LENGTH} printable characters"
            fields.item_error("tags", index, "bad-name", message)
        elif tag in seen:
            fields.item_error("tags", index, "duplicate-value", f"the tag {shown(tag)} is given twice")
        seen.add(tag)
    return tuple(tags.values())


def _is_short(fields: Fields, key: str, count: int, what: str) -> bool:
    if count > MAX_LABELS:
        fields.error("out-of-range", f"{count:,} {what}; at most {MAX_LABELS} are allowed", key=key)
    return count <= MAX_LABELS


def _metadata(fields: Fields) -> dict[str, Json]:
    inner = fields.inner("metadata", "a mapping")
    if inner is None:
        return {}
    metadata = {
        key: read_json(fields.findings, entry.node, inner.path_of(key))
        for key, entry in inner.node.entries.items()
    }
    if not is_finite(metadata):
        return {}
    size = len(canonical_json(metadata))
    if size > MAX_METADATA_BYTES:
        message = f"{size:,} bytes of JSON; at most {MAX_METADATA_BYTES:,} are stored"
        fields.error("too-large", message, key="metadata")
    return metadata
