"""Discovery of the server of an account."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sweepd.rpc.discovery import (
    NoServerError,
    ServerEntry,
    Target,
    current_address,
    read_entry,
    remove_entry,
    resolve,
    write_entry,
)


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    return {"XDG_STATE_HOME": str(tmp_path)}


def an_entry(port: int = 7333, token: str = "secret") -> ServerEntry:
    return ServerEntry(
        address=f"127.0.0.1:{port}",
        token=token,
        data="/data",
        services={"scheduler": "127.0.0.1:9", "metric-store": "127.0.0.1:8"},
    )


def test_an_entry_survives_a_round_trip_and_is_readable_by_its_account_only(environ: dict[str, str]) -> None:
    path = write_entry(an_entry(), environ)
    assert path.name == "127.0.0.1_7333.toml"
    assert path.stat().st_mode & 0o777 == 0o600
    assert read_entry("127.0.0.1:7333", environ) == an_entry()


@given(st.text())
def test_an_entry_may_have_any_folder_name(tmp_path_factory: pytest.TempPathFactory, data: str) -> None:
    environ = {"XDG_STATE_HOME": str(tmp_path_factory.mktemp("state"))}
    text = data.encode("utf-8", "ignore").decode()
    entry = ServerEntry(address="[::1]:1", token="t", data=text)
    write_entry(entry, environ)
    assert read_entry("[::1]:1", environ) == entry


def test_without_a_server_the_error_names_the_remedy(environ: dict[str, str]) -> None:
    with pytest.raises(NoServerError, match="sweepd up"):
        resolve(None, environ)


def test_the_server_started_last_is_current(environ: dict[str, str]) -> None:
    write_entry(an_entry(1, "one"), environ)
    write_entry(an_entry(2, "two"), environ)
    assert resolve(None, environ) == Target("127.0.0.1:2", "two")
    assert resolve("127.0.0.1:1", environ) == Target("127.0.0.1:1", "one")


def test_a_flag_overrides_the_environment_which_overrides_the_current_server(
    environ: dict[str, str],
) -> None:
    write_entry(an_entry(1, "one"), environ)
    write_entry(an_entry(2, "two"), environ)
    environ["SWEEPD_ADDRESS"] = "127.0.0.1:1"
    assert resolve(None, environ) == Target("127.0.0.1:1", "one")
    assert resolve("127.0.0.1:2", environ) == Target("127.0.0.1:2", "two")
    for mine in ("mine", "mine\n"):
        environ["SWEEPD_TOKEN"] = mine
        assert resolve(None, environ) == Target("127.0.0.1:1", "mine")


def test_an_entry_that_cannot_be_written_leaves_no_partial_file(
    environ: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError("no room")

    path = write_entry(an_entry(), environ)
    monkeypatch.setattr(Path, "replace", refuse)
    with pytest.raises(OSError, match="no room"):
        write_entry(an_entry(token="another"), environ)
    assert sorted(each.name for each in path.parent.iterdir()) == ["127.0.0.1_7333.toml", "current"]


def test_host_and_default_port_can_be_left_out_of_an_address(environ: dict[str, str]) -> None:
    write_entry(an_entry(), environ)
    assert resolve("localhost", environ) == Target("127.0.0.1:7333", "secret")
    assert resolve("localhost:7333", environ) == Target("127.0.0.1:7333", "secret")
    assert resolve("elsewhere:1", environ) == Target("elsewhere:1", None)


def test_removing_an_entry_unsets_the_current_server_only_if_it_was_that(environ: dict[str, str]) -> None:
    write_entry(an_entry(1), environ)
    write_entry(an_entry(2), environ)
    remove_entry("127.0.0.1:1", environ)
    assert current_address(environ) == "127.0.0.1:2"
    remove_entry("127.0.0.1:2", environ)
    assert current_address(environ) is None
    remove_entry("127.0.0.1:2", environ)


@pytest.mark.parametrize("content", ["", "no toml [", "token = 3", "address = 'x'"])
def test_an_unreadable_entry_is_ignored(environ: dict[str, str], content: str) -> None:
    write_entry(an_entry(), environ).write_text(content)
    assert read_entry("127.0.0.1:7333", environ) is None
