"""Servers that an account has logged in to: `$XDG_CONFIG_HOME/sweepd/config.toml`, readable by it alone."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

VARIABLE = "SWEEPD_CONTEXT"


class ConfigError(Exception):
    """The file cannot be used; the message names it and says why."""


@dataclass(frozen=True, slots=True)
class Context:
    """A server, and the token for it."""

    address: str
    token: str = field(repr=False)
    account: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contexts:
    """What the file holds. `current`: the one that is used when nothing else is said; empty: none."""

    by_name: Mapping[str, Context] = field(default_factory=dict)
    current: str = ""

    def chosen(self, environ: Mapping[str, str]) -> str:
        """Name of the context in use; empty: none."""
        return environ.get(VARIABLE) or self.current

    def of_address(self, address: str, environ: Mapping[str, str]) -> Context | None:
        """The context of a server, that in use before others."""
        first = self.by_name.get(self.chosen(environ))
        found = (each for each in (first, *self.by_name.values()) if each is not None)
        return next((each for each in found if each.address == address), None)

    def having(self, name: str, context: Context) -> "Contexts":
        """These with one more, or another one under the name; it is in use."""
        return Contexts(by_name={**self.by_name, name: context}, current=name)

    def without(self, name: str) -> "Contexts":
        """These without one; if it was in use, none is."""
        left = {each: context for each, context in self.by_name.items() if each != name}
        return Contexts(by_name=left, current="" if self.current == name else self.current)

    def using(self, name: str) -> "Contexts":
        """These with another one in use."""
        return replace(self, current=name)


def config_file(environ: Mapping[str, str]) -> Path:
    """Where the contexts are kept."""
    base = environ.get("XDG_CONFIG_HOME") or Path(environ.get("HOME") or Path.home()) / ".config"
    return Path(base) / "sweepd" / "config.toml"


def read_contexts(environ: Mapping[str, str]) -> Contexts:
    """Return what the file holds; nothing if there is none.

    Raises:
        ConfigError: it cannot be read.
    """
    path = config_file(environ)
    try:
        text = path.read_text()
        import tomllib  # only where there is a file: a training script looks here as it begins

        document = tomllib.loads(text)
    except FileNotFoundError:
        return Contexts()
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}") from error
    except ValueError:  # the parser's own words would quote the file, and with it a token
        raise ConfigError(f"{path} is no TOML; mend it, or remove it and log in again") from None
    try:
        return Contexts(
            by_name={
                str(name): Context(str(each["address"]), str(each["token"]), str(each.get("account", "")))
                for name, each in document.get("contexts", {}).items()
            },
            current=str(document.get("current-context", "")),
        )
    except (KeyError, TypeError, AttributeError):
        raise ConfigError(f"{path} holds no contexts; mend it, or remove it and log in again") from None


def write_contexts(contexts: Contexts, environ: Mapping[str, str]) -> Path:
    """Keep `contexts`; the file is replaced as a whole, and only this account can read it.

    Raises:
        OSError: it cannot be written.
    """
    path = config_file(environ)
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    lines = [f"current-context = {quoted(contexts.current)}"] if contexts.current else []
    for name, context in sorted(contexts.by_name.items()):
        lines += [
            "",
            f"[contexts.{quoted(name)}]",
            f"address = {quoted(context.address)}",
            f"account = {quoted(context.account)}",
            f"token = {quoted(context.token)}",
        ]
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as stream:
        stream.write("\n".join(lines) + "\n")
    draft.replace(path)
    return path


def quoted(text: str) -> str:
    """A TOML string."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join(c if c.isprintable() else f"\\U{ord(c):08x}" for c in escaped) + '"'
