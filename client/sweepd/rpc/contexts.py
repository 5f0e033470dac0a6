"""Contexts: servers that an account is logged in to, in `$XDG_CONFIG_HOME/sweepd/config.toml`, mode 0600."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from sweepd.private_files import make_folder, replace_file

VARIABLE = "SWEEPD_CONTEXT"
DEFAULTS = ("entity", "project", "output")
"""Defaults that a context may set besides its server."""


class ConfigError(Exception):
    """The configuration file cannot be used; the message has its path and the reason."""


@dataclass(frozen=True, slots=True)
class Context:
    """Server with its token and defaults."""

    address: str
    token: str = field(repr=False)
    account: str = ""
    defaults: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Contexts:
    """Contents of the configuration file.

    Args:
        by_name: contexts by name.
        current: name of the current context unless SWEEPD_CONTEXT names another; empty if none.
        defaults: defaults while no context is in use.
    """

    by_name: Mapping[str, Context] = field(default_factory=dict)
    current: str = ""
    defaults: Mapping[str, str] = field(default_factory=dict)

    def chosen(self, environ: Mapping[str, str]) -> str:
        """Return the name of the context in use; empty if none."""
        return environ.get(VARIABLE) or self.current

    def of_address(self, address: str, environ: Mapping[str, str]) -> Context | None:
        """Return the context of a server address, preferably the one in use; None if there is none."""
        first = self.by_name.get(self.chosen(environ))
        found = (each for each in (first, *self.by_name.values()) if each is not None)
        return next((each for each in found if each.address == address), None)

    def defaults_in_use(self, environ: Mapping[str, str]) -> Mapping[str, str]:
        """Return the defaults for values that no flag, environment variable or file sets."""
        name = self.chosen(environ)
        if not name:
            return self.defaults
        return self.by_name[name].defaults if name in self.by_name else {}

    def with_context(self, name: str, context: Context) -> "Contexts":
        """Return the contexts with `context` added and current; defaults of a replaced context stay."""
        if name in self.by_name:
            context = replace(context, defaults=self.by_name[name].defaults)
        return replace(self, by_name={**self.by_name, name: context}, current=name)

    def without(self, name: str) -> "Contexts":
        """Return the contexts without `name`; if it was current, none is current."""
        remaining = {each: context for each, context in self.by_name.items() if each != name}
        return replace(self, by_name=remaining, current="" if self.current == name else self.current)

    def with_default(self, context: str, name: str, value: str) -> "Contexts":
        """Return the contexts with a default of `context` set; an empty value removes the default."""
        known = self.by_name[context].defaults if context else self.defaults
        defaults = {**known, name: value}
        if not value:
            del defaults[name]
        if not context:
            return replace(self, defaults=defaults)
        changed = replace(self.by_name[context], defaults=defaults)
        return replace(self, by_name={**self.by_name, context: changed})


def config_file(environ: Mapping[str, str]) -> Path:
    """Return the path of the configuration file."""
    base = environ.get("XDG_CONFIG_HOME") or Path(environ.get("HOME") or Path.home()) / ".config"
    return Path(base) / "sweepd" / "config.toml"


def read_contexts(environ: Mapping[str, str]) -> Contexts:
    """Return the contexts in the configuration file; empty if there is no file.

    Raises:
        ConfigError: the file cannot be read or is invalid.
    """
    path = config_file(environ)
    try:
        text = path.read_text()
        import tomllib  # imported here, because training scripts call this at startup, mostly without a file

        document = tomllib.loads(text)
    except FileNotFoundError:
        return Contexts()
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}") from error
    except ValueError:  # the message of the parser might quote a token
        raise ConfigError(f"{path} is not TOML; fix it, or remove it and log in again") from None
    try:
        return Contexts(
            by_name={
                str(name): Context(
                    str(each["address"]),
                    str(each["token"]),
                    str(each.get("account", "")),
                    _defaults(each),
                )
                for name, each in document.get("contexts", {}).items()
            },
            current=str(document.get("current-context", "")),
            defaults=_defaults(document),
        )
    except (KeyError, TypeError, AttributeError):
        raise ConfigError(f"{path} has no valid contexts; fix it, or remove it and log in again") from None


def write_contexts(contexts: Contexts, environ: Mapping[str, str]) -> Path:
    """Write `contexts` to the configuration file atomically; only this account can read it.

    Raises:
        OSError: the file cannot be written.
    """
    path = config_file(environ)
    make_folder(path.parent)
    lines = [f"current-context = {quoted(contexts.current)}"] if contexts.current else []
    lines += _default_lines("defaults", contexts.defaults)
    for name, context in sorted(contexts.by_name.items()):
        table = f"contexts.{quoted(name)}"
        lines += [
            "",
            f"[{table}]",
            f"address = {quoted(context.address)}",
            f"account = {quoted(context.account)}",
            f"token = {quoted(context.token)}",
            *_default_lines(f"{table}.defaults", context.defaults),
        ]
    replace_file(path, "\n".join(lines) + "\n")
    return path


def _defaults(table: Mapping[str, Mapping[str, object]]) -> dict[str, str]:
    values = table.get("defaults", {})
    return {name: str(values[name]) for name in DEFAULTS if name in values}


def _default_lines(table: str, defaults: Mapping[str, str]) -> list[str]:
    if not defaults:
        return []
    return ["", f"[{table}]", *(f"{name} = {quoted(value)}" for name, value in defaults.items())]


def quoted(text: str) -> str:
    """Return text as a TOML string."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join(c if c.isprintable() else f"\\U{ord(c):08x}" for c in escaped) + '"'
