"""Adapter to the YAML library: feeds a document, with source positions, to the composer.

No other module of `spec` imports the library. The parser yields events one by one and builds no objects.
"""

from io import StringIO
from itertools import islice

import yaml
from yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from sweepd.spec.finding import Place
from sweepd.spec.loading.scalars import resolve, with_tag
from sweepd.spec.loading.tree import MERGE_KEY, Composer, LoadError, Scalar

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_MAPPING_TAGS = frozenset({None, "!", "tag:yaml.org,2002:map"})
_SEQUENCE_TAGS = frozenset({None, "!", "tag:yaml.org,2002:seq"})


def feed(text: str, composer: Composer) -> None:
    """Feed the single document of a text to the composer.

    Raises:
        LoadError: the text is not YAML, uses unsupported features of YAML, or exceeds a limit.
    """
    documents = 0
    try:
        for event in yaml.parse(text, Loader=_LOADER):
            if isinstance(event, DocumentStartEvent):
                documents += 1
                if documents > 1:
                    raise LoadError(
                        "several-documents", "a second document; only one is allowed", _place(event)
                    )
            else:
                _feed_event(event, composer)
    except yaml.MarkedYAMLError as error:
        raise _syntax_error(error, text) from None
    except yaml.YAMLError as error:
        raise LoadError("yaml-syntax", f"not YAML: {error}", None) from None


def _feed_event(event: Event, composer: Composer) -> None:
    place = _place(event)
    match event:
        case ScalarEvent():
            _feed_scalar(event, place, composer)
        case MappingStartEvent():
            _check_tag(event.tag, _MAPPING_TAGS, place)
            composer.start(place, mapping=True, anchor=event.anchor)
        case SequenceStartEvent():
            _check_tag(event.tag, _SEQUENCE_TAGS, place)
            composer.start(place, mapping=False, anchor=event.anchor)
        case MappingEndEvent() | SequenceEndEvent():
            composer.end()
        case AliasEvent():
            composer.alias(str(event.anchor), place)
        case _:  # starts and ends of stream and document
            pass


def _feed_scalar(event: ScalarEvent, place: Place, composer: Composer) -> None:
    if composer.wants_key:
        # A key is the text as written: `on:` stays "on", `1:` stays "1".
        _value(event, place)
        composer.key(event.value, place, merges=event.value == MERGE_KEY and event.implicit[0])
    else:
        composer.scalar(_value(event, place), place, event.anchor)


def _value(event: ScalarEvent, place: Place) -> Scalar:
    try:
        if event.tag is not None:
            return with_tag(event.tag, event.value)
        return resolve(event.value) if event.implicit[0] else str(event.value)
    except LookupError:
        raise _foreign_tag(event.tag, place) from None
    except ValueError as error:
        raise LoadError("bad-value", f"not readable as a value: {error}", place) from None


def _check_tag(tag: str | None, legal: frozenset[str | None], place: Place) -> None:
    if tag not in legal:
        raise _foreign_tag(tag, place)


def _foreign_tag(tag: object, place: Place) -> LoadError:
    short = str(tag).replace("tag:yaml.org,2002:", "!!")[:60]
    return LoadError("yaml-tag", f"the tag {short} is not supported; remove it", place)


def _syntax_error(error: yaml.MarkedYAMLError, text: str) -> LoadError:
    mark = error.problem_mark or error.context_mark
    place = Place(mark.line + 1, mark.column + 1) if mark else None
    what = " ".join(part for part in (error.context, error.problem) if part)
    if mark is not None and _is_indented_by_tab(text, mark.line):
        what = "tabs cannot indent; use spaces"
    return LoadError("yaml-syntax", f"not YAML: {what}", place)


def _is_indented_by_tab(text: str, line: int) -> bool:
    written = next(islice(StringIO(text), line, None), "")
    return "\t" in written[: len(written) - len(written.lstrip())]


def _place(event: Event) -> Place:
    mark = event.start_mark
    assert mark is not None, "the parser marks every event"
    return Place(mark.line + 1, mark.column + 1)
