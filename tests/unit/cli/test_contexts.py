"""Contents of `config.toml`."""

from __future__ import annotations

from pathlib import Path

import pytest

from sweepd.rpc.contexts import ConfigError, Context, Contexts, config_file, read_contexts, write_contexts


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    return {"XDG_CONFIG_HOME": str(tmp_path)}


def test_defaults_are_stored_in_the_current_context_and_read_back(environ: dict[str, str]) -> None:
    kept = (
        Contexts()
        .with_default("", "project", "mnist")
        .with_context("lab", Context("lab:7333", "swp_x", "ada"))
    )
    kept = kept.with_default("lab", "project", 'a "b"').with_default("lab", "output", "json")
    write_contexts(kept, environ)
    assert read_contexts(environ) == kept
    assert kept.defaults_in_use(environ) == {"project": 'a "b"', "output": "json"}
    assert kept.defaults_in_use({"SWEEPD_CONTEXT": "other"}) == {}
    assert kept.without("lab").defaults_in_use(environ) == {"project": "mnist"}
    assert kept.with_default("lab", "project", "").defaults_in_use(environ) == {"output": "json"}


def test_a_second_login_preserves_the_defaults_of_its_context() -> None:
    kept = Contexts().with_context("lab", Context("lab:7333", "swp_x")).with_default("lab", "entity", "acme")
    again = kept.with_context("lab", Context("lab:7333", "swp_y"))
    assert (again.by_name["lab"].token, again.defaults_in_use({})) == ("swp_y", {"entity": "acme"})


@pytest.mark.parametrize(
    "text", ["defaults = 1\n", "[contexts.x]\naddress = 'a'\ntoken = 'b'\ndefaults = 2\n"]
)
def test_malformed_defaults_are_refused(environ: dict[str, str], text: str) -> None:
    path = config_file(environ)
    path.parent.mkdir(parents=True)
    path.write_text(text)
    with pytest.raises(ConfigError, match="has no valid contexts"):
        read_contexts(environ)
