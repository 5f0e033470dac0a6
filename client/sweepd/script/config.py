"""The parameters of a run as its script sees them: the sweep's values, over the script's own."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Self

from sweepd.script.errors import ConfigError
from sweepd.script.yaml_dumpers import introduce

# What `init` and `update` take: a mapping, an object with attributes such as an argparse namespace, or the
# path of a YAML file.
Values = Mapping[str, object] | object


class Config(dict[str, object]):
    """A dictionary whose items are attributes too, at every depth, and whose swept values stay.

    What the sweep decided wins over defaults, over assignments and over `update`: those leave it as it is. A
    group of parameters is merged key by key. Everything else behaves as in a dictionary of the script's own.
    """

    __slots__ = ("_changed", "_quiet", "_swept")

    _changed: Callable[[], None]
    # Several values are being taken over: that is one change.
    _quiet: bool
    _swept: Mapping[str, object]

    def __init__(self, swept: Mapping[str, object]) -> None:
        super().__init__()
        object.__setattr__(self, "_changed", lambda: None)
        object.__setattr__(self, "_quiet", False)
        object.__setattr__(self, "_swept", swept)
        for key, value in swept.items():
            super().__setitem__(key, self._adopted(key, value))
        introduce(Config)

    def __getattr__(self, name: str) -> object:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(f"the configuration has no value {name!r}") from None

    def __setattr__(self, name: str, value: object) -> None:
        self[name] = value

    def __delattr__(self, name: str) -> None:
        try:
            del self[name]
        except KeyError:
            raise AttributeError(f"the configuration has no value {name!r}") from None

    def __setitem__(self, key: str, value: object) -> None:
        """Assign `value`, except over what the sweep decided.

        Raises:
            ConfigError: a group holds itself, or others too many levels deep.
        """
        if not self._decides(key, value):
            try:
                adopted = self._adopted(key, value)
            except RecursionError:
                raise ConfigError(f"the value of {key!r} is nested too deep, or holds itself") from None
            super().__setitem__(key, adopted)
            self._tell()

    def __delitem__(self, key: str) -> None:
        """Delete `key`, unless the sweep decided it."""
        if key not in self._swept:
            super().__delitem__(key)
            self._tell()

    def __ior__(self, values: object) -> Self:  # type: ignore[override,misc]  # dict's would bypass the sweep
        self.update(values, allow_val_change=True)
        return self

    def __reduce__(self) -> tuple[type[dict[str, object]], tuple[dict[str, object]]]:
        return dict, (self.as_dict(),)  # another process gets the values; the rules stay with the run

    def as_dict(self) -> dict[str, object]:
        """Return plain dictionaries of the same content."""
        return {
            key: value.as_dict() if isinstance(value, Config) else value for key, value in list(self.items())
        }

    def update(self, values: Values, allow_val_change: bool = False) -> None:  # type: ignore[override]  # as W&B's
        """Take `values` over, except where the sweep decided.

        Raises:
            ConfigError: one of them differs from a value that is there, and `allow_val_change` is not given.
        """
        new = as_mapping(values)
        if not allow_val_change:
            self._refuse_changes(new)
        with self._as_one():
            for key, value in new.items():
                self[key] = value

    def setdefaults(self, values: Values) -> None:
        """Take over those of `values` for which there is none yet, within groups too."""
        with self._as_one():
            for key, value in as_mapping(values).items():
                present = self.get(key)
                if isinstance(present, Config) and isinstance(value, Mapping):
                    present.setdefaults(value)
                elif key not in self:
                    self[key] = value

    def persist(self) -> None:
        """Do nothing: every change is kept as it is made."""

    def setdefault(self, key: str, default: object = None) -> object:
        """Return the value of `key`, after setting it to `default` if there is none."""
        if key not in self:
            self[key] = default
        return self[key]

    def pop(self, key: str, *default: object) -> object:
        """Return a value and delete it, unless the sweep decided it."""
        value: object = super().pop(key, *default) if key not in self._swept else self[key]
        self._tell()
        return value

    def popitem(self) -> tuple[str, object]:
        """Return the last item that is the script's own, and delete it."""
        for key in reversed(self):
            if key not in self._swept:
                return key, self.pop(key)
        raise KeyError("the configuration has no value of the script's own")

    def clear(self) -> None:
        """Delete what is the script's own."""
        with self._as_one():
            for key in list(self):
                del self[key]

    @contextmanager
    def _as_one(self) -> Iterator[None]:
        object.__setattr__(self, "_quiet", True)
        try:
            yield
        finally:
            object.__setattr__(self, "_quiet", False)
            self._changed()

    def _tell(self) -> None:
        if not self._quiet:
            self._changed()

    def _refuse_changes(self, new: Mapping[str, object]) -> None:
        for key, value in new.items():
            present = self.get(key)
            if key in self._swept:
                if isinstance(present, Config) and isinstance(value, Mapping):
                    present._refuse_changes(value)  # noqa: SLF001 (of the same class)
            elif key in self and not _same(present, value):
                raise ConfigError(
                    f"{key!r} is {present!r}, not {value!r}: say allow_val_change=True to replace it"
                )

    def _decides(self, key: str, value: object) -> bool:
        """Return whether the sweep has a say in `key`; what it leaves open of a group is taken over here."""
        if key not in self._swept:
            return False
        present = self.get(key)
        if isinstance(present, Config) and isinstance(value, Mapping):
            for inner, inner_value in value.items():
                present[inner] = inner_value
        return True

    def _adopted(self, key: str, value: object) -> object:
        """Return `value` as it is kept: groups as configurations of their own."""
        if not isinstance(value, Mapping):
            return value
        swept = self._swept.get(key)
        group = Config(swept if isinstance(swept, Mapping) else {})
        for inner, inner_value in value.items():
            group[inner] = inner_value
        on_change(group, self._changed)
        return group


def _same(present: object, value: object) -> bool:
    try:
        equal: object = present == value
        every: object = getattr(equal, "all", None)  # of arrays
        return (
            present is value
            or bool(every() if callable(every) else equal)
            or (present != present and value != value)  # NaN
        )
    except Exception:  # noqa: BLE001 (foreign objects raise what they like)
        return False


def on_change(config: Config, changed: Callable[[], None]) -> None:
    """Have `changed` called after each assignment from now on; no method, to leave the names to the keys."""
    object.__setattr__(config, "_changed", changed)
    for value in config.values():
        if isinstance(value, Config):
            on_change(value, changed)


def as_mapping(values: Values) -> Mapping[str, object]:
    """Return the values of a mapping, of an object that has them as attributes, or of a YAML file.

    Raises:
        TypeError: it is none of these.
        ConfigError: the file cannot be read, or holds no mapping.
    """
    if isinstance(values, Mapping):
        return values
    if isinstance(values, str | Path):
        return _of_file(Path(values))
    flags: object = getattr(values, "flag_values_dict", None)  # absl's
    if callable(flags):
        named: object = flags()
        if isinstance(named, Mapping):
            return named
    try:
        return vars(values)
    except TypeError:
        kind = type(values).__name__
        raise TypeError(f"config: a mapping, a namespace or the path of a YAML file, not {kind}") from None


def chosen(
    values: Mapping[str, object], include: list[str] | None, exclude: list[str] | None
) -> Mapping[str, object]:
    """Return the values to be taken.

    Raises:
        ConfigError: both are given.
    """
    if include and exclude:
        raise ConfigError("init: config_include_keys or config_exclude_keys, not both")
    return {
        key: value
        for key, value in values.items()
        if (not include or key in include) and (not exclude or key not in exclude)
    }


def _of_file(path: Path) -> Mapping[str, object]:
    """Read `name: value`, or `name: {value: …}` as W&B writes it."""
    try:
        import yaml  # needed for this alone
    except ModuleNotFoundError as error:
        raise ConfigError(f"config: {path} can only be read where PyYAML is installed") from error
    try:
        document: object = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise ConfigError(f"config: {path} cannot be read: {error}") from error
    if not isinstance(document, Mapping):
        raise ConfigError(f"config: {path} holds no mapping of names to values")
    return {
        str(key): value["value"] if isinstance(value, Mapping) and "value" in value else value
        for key, value in document.items()
        if key not in ("wandb_version", "_wandb")
    }
