"""Configuration of a run, in which values of the sweep override those of the script."""

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol, Self

from sweepd.script.errors import ConfigError
from sweepd.script.notices import Notices


class _Items(Protocol):
    _KIND: str

    def __getitem__(self, key: str, /) -> object: ...
    def __setitem__(self, key: str, value: object, /) -> None: ...
    def __delitem__(self, key: str, /) -> None: ...


class ItemAttributes:
    """Mixin that exposes the items of a mapping as attributes; other attributes need `object.__setattr__`.

    `_KIND` is the noun for the mapping in messages.
    """

    __slots__ = ()

    def __getattr__(self: _Items, name: str) -> object:
        if name.startswith("__") and name.endswith("__"):  # copy, pickle and notebooks probe for these
            raise AttributeError(name)
        try:
            return self[name]
        except KeyError:
            raise AttributeError(f"the {self._KIND} has no value {name!r}") from None

    def __setattr__(self: _Items, name: str, value: object) -> None:
        self[name] = value

    def __delattr__(self: _Items, name: str) -> None:
        try:
            del self[name]
        except KeyError:
            raise AttributeError(f"the {self._KIND} has no value {name!r}") from None


# Argument of `init` and `update`: a mapping, an object with attributes such as an argparse namespace, or the
# path of a YAML file.
Values = Mapping[str, object] | object


class Config(ItemAttributes, dict[str, object]):
    """Dictionary whose items are also attributes, at every depth; the values of the sweep are read-only.

    Defaults, assignments and `update` do not change the values of the sweep. Groups of parameters are merged
    key by key. All other values behave as in any dictionary.
    """

    __slots__ = ("_changed", "_is_batching", "_swept")

    _KIND = "configuration"

    _changed: Callable[[], None]
    # True while several assignments count as one change.
    _is_batching: bool
    _swept: Mapping[str, object]

    def __init__(self, swept: Mapping[str, object]) -> None:
        super().__init__()
        object.__setattr__(self, "_changed", lambda: None)
        object.__setattr__(self, "_is_batching", False)
        object.__setattr__(self, "_swept", swept)
        for key, value in swept.items():
            super().__setitem__(key, self._stored_form(key, value))
        register_with_yaml(Config)

    def __setitem__(self, key: str, value: object) -> None:
        """Assign a value, unless the sweep determines it.

        Raises:
            ConfigError: a group contains itself, or is nested too deeply.
        """
        if not self._merge_into_swept(key, value):
            try:
                stored = self._stored_form(key, value)
            except RecursionError:
                raise ConfigError(f"the value of {key!r} is nested too deeply, or contains itself") from None
            super().__setitem__(key, stored)
            self._report_change()

    def __delitem__(self, key: str) -> None:
        """Delete a value, unless the sweep determines it."""
        if key not in self._swept:
            super().__delitem__(key)
            self._report_change()

    def __ior__(self, values: object) -> Self:  # type: ignore[override,misc]  # dict's would bypass the sweep
        self.update(values, allow_val_change=True)
        return self

    def __reduce__(self) -> tuple[type[dict[str, object]], tuple[dict[str, object]]]:
        return dict, (self.as_dict(),)  # pickled as a plain dictionary

    def as_dict(self) -> dict[str, object]:
        """Return a copy of the configuration as plain dictionaries."""
        return {
            key: value.as_dict() if isinstance(value, Config) else value for key, value in list(self.items())
        }

    def update(self, values: Values, allow_val_change: bool = False) -> None:  # type: ignore[override]  # as W&B's
        """Set several values, except those that the sweep determines.

        Raises:
            ConfigError: a value would change without `allow_val_change`, or a YAML file is invalid.
        """
        new = as_mapping(values)
        if not allow_val_change:
            self._check_unchanged(new)
        with self._one_change():
            for key, value in new.items():
                self[key] = value

    def setdefaults(self, values: Values) -> None:
        """Set the values whose keys are missing, also within groups."""
        with self._one_change():
            for key, value in as_mapping(values).items():
                present = self.get(key)
                if isinstance(present, Config) and isinstance(value, Mapping):
                    present.setdefaults(value)
                elif key not in self:
                    self[key] = value

    def persist(self) -> None:
        """Do nothing: every change is stored automatically."""

    def setdefault(self, key: str, default: object = None) -> object:
        """Return the value of `key`; set it to `default` first if the key is missing."""
        if key not in self:
            self[key] = default
        return self[key]

    def pop(self, key: str, *default: object) -> object:
        """Return a value; delete it unless the sweep determines it."""
        value: object = super().pop(key, *default) if key not in self._swept else self[key]
        self._report_change()
        return value

    def popitem(self) -> tuple[str, object]:
        """Return and delete the last item that the sweep does not determine."""
        for key in reversed(self):
            if key not in self._swept:
                return key, self.pop(key)
        raise KeyError("the configuration contains only the values of the sweep")

    def clear(self) -> None:
        """Delete all values that the sweep does not determine."""
        with self._one_change():
            for key in list(self):
                del self[key]

    @contextmanager
    def _one_change(self) -> Iterator[None]:
        object.__setattr__(self, "_is_batching", True)
        try:
            yield
        finally:
            object.__setattr__(self, "_is_batching", False)
            self._changed()

    def _report_change(self) -> None:
        if not self._is_batching:
            self._changed()

    def _check_unchanged(self, new: Mapping[str, object]) -> None:
        for key, value in new.items():
            present = self.get(key)
            if key in self._swept:
                if isinstance(present, Config) and isinstance(value, Mapping):
                    present._check_unchanged(value)  # noqa: SLF001 (of the same class)
            elif key in self and not _are_equal(present, value):
                raise ConfigError(
                    f"{key!r} is {present!r}, not {value!r}: pass allow_val_change=True to replace it"
                )

    def _merge_into_swept(self, key: str, value: object) -> bool:
        """Return True if the sweep determines `key`; for a group, assign the values not set by the sweep."""
        if key not in self._swept:
            return False
        present = self.get(key)
        if isinstance(present, Config) and isinstance(value, Mapping):
            for inner, inner_value in value.items():
                present[inner] = inner_value
        return True

    def _stored_form(self, key: str, value: object) -> object:
        """Return the value to store: mappings become nested configurations, other values stay unchanged."""
        if not isinstance(value, Mapping):
            return value
        swept = self._swept.get(key)
        group = Config(swept if isinstance(swept, Mapping) else {})
        for inner, inner_value in value.items():
            group[inner] = inner_value
        on_change(group, self._changed)
        return group


def _are_equal(present: object, value: object) -> bool:
    try:
        equal: object = present == value
        every: object = getattr(equal, "all", None)  # method of arrays
        return (
            present is value
            or bool(every() if callable(every) else equal)
            or (present != present and value != value)  # NaN
        )
    except Exception:  # noqa: BLE001 (foreign objects may raise anything)
        return False


def on_change(config: Config, changed: Callable[[], None]) -> None:
    """Register `changed` as the callback for changes; not a method, because attribute names are keys."""
    object.__setattr__(config, "_changed", changed)
    for value in config.values():
        if isinstance(value, Config):
            on_change(value, changed)


def as_mapping(values: Values) -> Mapping[str, object]:
    """Return the values of a mapping, of an object that has them as attributes, or of a YAML file.

    Raises:
        TypeError: the argument has another type.
        ConfigError: the file cannot be read or does not contain a mapping.
    """
    if isinstance(values, Mapping):
        return values
    if isinstance(values, str | Path):
        return _read_yaml(Path(values))
    flags: object = getattr(values, "flag_values_dict", None)  # absl's
    if callable(flags):
        named: object = flags()
        if isinstance(named, Mapping):
            return named
    try:
        return vars(values)
    except TypeError:
        kind = type(values).__name__
        raise TypeError(
            f"config: expected a mapping, a namespace or the path of a YAML file, not {kind}"
        ) from None


def chosen(
    values: Mapping[str, object], include: list[str] | None, exclude: list[str] | None
) -> Mapping[str, object]:
    """Return the values selected by a list of keys to include or a list of keys to exclude.

    Raises:
        ConfigError: both lists are given.
    """
    if include and exclude:
        raise ConfigError("init: pass config_include_keys or config_exclude_keys, not both")
    return {
        key: value
        for key, value in values.items()
        if (not include or key in include) and (not exclude or key not in exclude)
    }


def _read_yaml(path: Path) -> Mapping[str, object]:
    """Return the values of a YAML file with entries `name: value` or, as W&B writes, `name: {value: …}`."""
    try:
        import yaml  # only needed here
    except ModuleNotFoundError as error:
        raise ConfigError(f"config: reading {path} requires PyYAML") from error
    try:
        document: object = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise ConfigError(f"config: {path} cannot be read: {error}") from error
    if not isinstance(document, Mapping):
        raise ConfigError(f"config: {path} does not contain a mapping of names to values")
    return {
        str(key): value["value"] if isinstance(value, Mapping) and "value" in value else value
        for key, value in document.items()
        if key not in ("wandb_version", "_wandb")
    }


DEFAULTS_FILE = "config-defaults.yaml"


def file_defaults(notices: Notices) -> Mapping[str, object]:
    """Return the values of W&B's defaults file; empty if it is missing or, with a warning, unreadable."""
    path = Path(DEFAULTS_FILE)
    if not path.is_file():
        return {}
    try:
        return as_mapping(path)
    except ConfigError as error:
        notices.once(DEFAULTS_FILE, f"{error}; its values are ignored")
        return {}


_registered = False


def register_with_yaml(kind: type[dict[str, object]]) -> None:
    """Register a dictionary subclass with PyYAML, if loaded, so that PyYAML can dump its objects."""
    global _registered
    yaml: object = None if _registered else sys.modules.get("yaml")
    for name in ("SafeDumper", "CSafeDumper", "Dumper", "CDumper"):
        known: object = getattr(getattr(yaml, name, None), "yaml_representers", None)
        if isinstance(known, dict) and dict in known:
            known[kind] = known[dict]  # in place: `add_representer` would copy the table
            _registered = True
