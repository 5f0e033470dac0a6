"""Daemon with real processes: start, restarts of services, shutdown, and refused starts."""

import json
import os
import signal
import socket
import time
from pathlib import Path

import pytest

from component.kernel.small_processes import SWEEPD, Home
from processes import alive
from sweepd_kernel.process.data_folder import holder_of
from waiting import until


def serves_after_a_restart(home: Home, service: str, *, restarts: int = 1) -> bool:
    row = home.status()[service]
    return (row.state, row.restarts) == ("serving", restarts)


def test_a_daemon_prints_its_address_and_records_the_states_of_its_services(home: Home) -> None:
    began = time.monotonic()
    daemon = home.up()
    assert time.monotonic() - began < 5.0
    assert daemon.line == f"sweepd ready grpc={daemon.address} data={home.data}\n"
    rows = home.status()
    assert list(rows) == ["metric-store", "suggestion", "scheduler", "gateway"]
    assert {row.state for row in rows.values()} == {"serving"}
    assert rows["gateway"].address == daemon.address
    entry = home.entry(daemon.address)
    assert entry.data == str(home.data)
    assert entry.services["scheduler"] == rows["scheduler"].address


@pytest.mark.parametrize("service", ["metric-store", "suggestion", "scheduler", "gateway"])
def test_a_killed_service_is_restarted_at_the_same_address(home: Home, service: str) -> None:
    home.up()
    before = home.status()
    os.kill(before[service].pid, signal.SIGKILL)
    until(lambda: serves_after_a_restart(home, service))
    after = home.status()
    assert after[service].address == before[service].address
    assert after[service].restarts == 1
    others = [name for name in before if name != service]
    assert [after[name].pid for name in others] == [before[name].pid for name in others]


def test_restarts_of_a_failing_service_back_off(home: Home) -> None:
    home.up()
    killed_at: list[float] = []
    for restarts in range(3):
        until(lambda count=restarts: home.status()["scheduler"].restarts == count)  # type: ignore[misc]
        until(lambda: home.status()["scheduler"].pid != 0)
        killed_at.append(time.monotonic())
        os.kill(home.status()["scheduler"].pid, signal.SIGKILL)
    until(lambda: serves_after_a_restart(home, "scheduler", restarts=3))
    assert "restarts in 0.2 s" in home.stderr()
    assert "restarts in 0.4 s" in home.stderr()
    assert "restarts in 0.8 s" in home.stderr()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_daemon_exits_with_0_in_time_and_leaves_neither_processes_nor_state_files(
    home: Home, number: signal.Signals
) -> None:
    daemon = home.up()
    pids = [row.pid for row in home.status().values()]
    began = time.monotonic()
    assert daemon.end(number) == 0
    assert time.monotonic() - began < 10.0
    assert not [pid for pid in pids if alive(pid)]
    assert holder_of(home.data) is None
    assert not list((home.path / "state").rglob("*.toml"))
    assert not (home.data / "status.json").exists()


def test_services_are_stopped_in_order(home: Home) -> None:
    home.up().end()
    stopped = [line.split()[2] for line in home.stderr().splitlines() if line.endswith(" stopping")]
    assert stopped == ["gateway", "scheduler", "suggestion", "metric-store"]


def test_a_hanging_service_does_not_prevent_the_exit_of_the_daemon(home: Home) -> None:
    daemon = home.up()
    pid = home.status()["metric-store"].pid
    os.kill(pid, signal.SIGSTOP)
    began = time.monotonic()
    daemon.process.send_signal(signal.SIGTERM)
    until(lambda: " gateway stopping" in home.stderr())  # it has received the first signal
    assert daemon.end(signal.SIGTERM) == 0  # the second signal shortens the shutdown
    assert time.monotonic() - began < 5.0
    assert not alive(pid)


def test_a_killed_daemon_leaves_no_services_and_can_be_restarted_at_once(home: Home) -> None:
    daemon = home.up()
    before = home.status()
    daemon.process.kill()
    restarted = home.up()
    assert not [row.pid for row in before.values() if alive(row.pid)]
    assert restarted.address == daemon.address
    assert {name: row.address for name, row in home.status().items()} == {
        name: row.address for name, row in before.items()
    }


def test_ports_are_kept_over_restarts_unless_they_are_taken(home: Home) -> None:
    home.up().end()
    kept = {path.parent.name: int(path.read_text()) for path in home.data.glob("*/port")}
    assert set(kept) == {"metric-store", "suggestion", "scheduler", "gateway"}
    with socket.create_server(("127.0.0.1", kept["scheduler"])):
        home.up()
        rows = home.status()
    assert int(rows["scheduler"].address.rpartition(":")[2]) != kept["scheduler"]
    assert int(rows["metric-store"].address.rpartition(":")[2]) == kept["metric-store"]


def test_a_second_daemon_on_the_same_data_is_refused_in_one_line(home: Home) -> None:
    daemon = home.up()
    second = home.run("up", "--data", str(home.data), "--listen", "127.0.0.1:0")
    assert second.returncode == 1
    held = f"{home.data} is in use by process {daemon.process.pid}, a server at {daemon.address}"
    assert second.stderr == f"error: {held}\n"
    assert second.stdout == ""


def test_in_the_background_a_running_server_is_reused_unless_its_arguments_differ(home: Home) -> None:
    daemon = home.up("--lease", "3s")
    for flags in [(), ("--lease", "3s", "--listen", daemon.address)]:
        second = home.run("up", "-d", "--data", str(home.data), *flags)
        assert second.returncode == 0, second.stderr
        assert second.stdout == daemon.line
        message = f"a server is already running on {home.data} (process {daemon.process.pid})\n"
        assert second.stderr == message
    for flags in [("--lease", "4s"), ("--listen", "127.0.0.1:1")]:
        other = home.run("up", "-d", "--data", str(home.data), *flags)
        assert other.returncode == 1
        assert other.stdout == ""
        assert other.stderr == (
            f"error: a server is already running on {home.data}, at {daemon.address}, with --lease 3s; "
            "`sweepd down` ends it, so that it can be restarted with other arguments\n"
        )


def test_two_concurrent_starts_in_the_background_return_the_same_server(home: Home) -> None:
    arguments = ("up", "-d", "--data", str(home.data), "--listen", "127.0.0.1:0")
    both = [home.begin(*arguments) for _ in range(2)]
    try:
        outputs = {each.communicate(timeout=20)[0] for each in both}
        assert [each.returncode for each in both] == [0, 0], home.stderr()
        assert len(outputs) == 1
    finally:
        home.run("down", "--data", str(home.data), command=SWEEPD)


@pytest.mark.parametrize("detach", [[], ["-d"]])
def test_a_second_daemon_on_the_same_port_is_refused_in_one_line(home: Home, detach: list[str]) -> None:
    daemon = home.up()
    second = home.run("up", *detach, "--data", str(home.path / "other"), "--listen", daemon.address)
    assert second.returncode == 1
    assert second.stderr.startswith(f"error: cannot listen on {daemon.address}: it is in use")
    assert second.stderr.count("\n") == 1


def test_without_listen_the_default_port_or_a_free_one_is_used(home: Home) -> None:
    first = home.up(listen=None)
    second = home.up(listen=None, data=home.path / "other")
    assert second.address != first.address
    second.end()
    assert home.up(listen=None, data=home.path / "other").address == second.address


@pytest.mark.parametrize("listen", ["0.0.0.0:0", "192.0.2.7:0", "example.org:0"])
def test_an_address_that_other_machines_reach_is_refused(home: Home, listen: str) -> None:
    refused = home.run("up", "--data", str(home.data), "--listen", listen)
    assert refused.returncode == 1
    assert refused.stderr.startswith(f"error: cannot listen on {listen}: without encryption")
    assert refused.stderr.count("\n") == 1


def test_an_unknown_flag_is_a_usage_error(home: Home) -> None:
    assert home.run("up", "--data", str(home.data), "--lease", "3s", "--leese", "3s").returncode == 2
    assert not home.data.exists()


def test_up_in_the_background_returns_when_ready_and_down_waits_for_the_end(home: Home) -> None:
    launched = home.run("up", "-d", "--data", str(home.data), "--listen", "127.0.0.1:0")
    assert launched.returncode == 0, launched.stderr
    try:
        assert launched.stdout.startswith("sweepd ready grpc=127.0.0.1:")
        assert launched.stdout.endswith(f" data={home.data}\n")
        pids = [row.pid for row in home.status().values()]
        assert len(pids) == 4
    finally:
        ended = home.run("down", "--data", str(home.data), command=SWEEPD)
    assert ended.returncode == 0
    assert not [pid for pid in pids if alive(pid)]
    assert "serving" in (home.data / "sweepd.log").read_text()


def test_exit_codes_of_status_and_down_without_a_server(home: Home) -> None:
    assert home.run("status", "--data", str(home.data), command=SWEEPD).returncode == 3
    assert home.run("down", "--data", str(home.data), command=SWEEPD).returncode == 0


def test_status_imports_neither_grpc_nor_a_database(home: Home) -> None:
    home.up()
    code = (
        "import sys; from sweepd_kernel.main import main; main(sys.argv[1:]);"
        "print([m for m in ('grpc', 'sqlalchemy', 'asyncio', 'sqlite3') if m in sys.modules])"
    )
    shown = home.run(code, "status", "--data", str(home.data), command=[SWEEPD[0], "-c"])
    assert shown.stdout.endswith("[]\n"), shown.stdout


def test_a_start_waits_for_unavailable_storage(home: Home) -> None:
    database = home.data / "scheduler" / "small.db"
    database.mkdir(parents=True)  # a folder at the path of the database, which cannot be opened
    process = home.begin("up", "--data", str(home.data), "--listen", "127.0.0.1:0")
    until(lambda: "scheduler cannot start yet" in home.stderr())
    assert str(home.data / "scheduler") in home.stderr()
    assert home.status()["scheduler"].state == "waiting"
    database.rmdir()
    assert process.stdout is not None
    assert process.stdout.readline().startswith("sweepd ready")


def test_in_the_background_unavailable_storage_fails_the_start_and_is_named(home: Home) -> None:
    (home.data / "scheduler" / "small.db").mkdir(parents=True)
    launched = home.run("up", "-d", "--data", str(home.data), "--listen", "127.0.0.1:0")
    assert launched.returncode == 1
    assert launched.stderr.startswith("error: the scheduler service cannot write")
    assert str(home.data / "scheduler") in launched.stderr
    assert holder_of(home.data) is None


def test_token_files_are_readable_only_by_the_account(home: Home) -> None:
    home.up()
    for name in ("access-token", "service-token"):
        assert (home.data / name).stat().st_mode & 0o777 == 0o600
    entry = next((home.path / "state").rglob("*.toml"))
    assert entry.stat().st_mode & 0o777 == 0o600


def test_the_status_file_is_json_with_the_pid(home: Home) -> None:
    home.up()
    document = json.loads(Path(home.data / "status.json").read_text())
    assert document["pid"] == holder_of(home.data)


def test_importing_the_services_starts_no_threads(home: Home) -> None:
    code = (
        "import os; from sweepd_kernel.process.up import load_services;"
        "print([s.name for s in load_services()]);"
        "print(len(os.listdir('/proc/self/task')))"
    )
    loaded = home.run(code, command=[SWEEPD[0], "-c"])
    assert loaded.stdout.splitlines() == ["['metric-store', 'suggestion', 'scheduler', 'gateway']", "1"]
