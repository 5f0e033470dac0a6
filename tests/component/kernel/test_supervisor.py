"""The daemon with real processes: ready, killed, restarted, ended, refused."""

import json
import os
import signal
import socket
import time
from pathlib import Path

import pytest

from component.kernel.small_processes import SWEEPD, Home, alive, eventually
from sweepd_kernel.process.data_folder import holder_of


def serves_after_a_restart(home: Home, service: str, *, restarts: int = 1) -> bool:
    row = home.status()[service]
    return (row.state, row.restarts) == ("serving", restarts)


def test_it_says_once_where_it_serves_and_notes_how_its_services_stand(home: Home) -> None:
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
def test_a_service_that_is_killed_comes_back_at_the_same_address(home: Home, service: str) -> None:
    home.up()
    before = home.status()
    os.kill(before[service].pid, signal.SIGKILL)
    assert eventually(lambda: serves_after_a_restart(home, service))
    after = home.status()
    assert after[service].address == before[service].address
    assert after[service].restarts == 1
    others = [name for name in before if name != service]
    assert [after[name].pid for name in others] == [before[name].pid for name in others]


def test_a_service_that_keeps_dying_is_started_less_and_less_often(home: Home) -> None:
    home.up()
    died: list[float] = []
    for restarts in range(3):
        assert eventually(lambda count=restarts: home.status()["scheduler"].restarts == count)  # type: ignore[misc]
        assert eventually(lambda: home.status()["scheduler"].pid != 0)
        died.append(time.monotonic())
        os.kill(home.status()["scheduler"].pid, signal.SIGKILL)
    assert eventually(lambda: serves_after_a_restart(home, "scheduler", restarts=3))
    assert "starts again in 0.2 s" in home.stderr()
    assert "starts again in 0.4 s" in home.stderr()
    assert "starts again in 0.8 s" in home.stderr()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_with_0_in_time_and_leaves_nothing(home: Home, number: signal.Signals) -> None:
    daemon = home.up()
    pids = [row.pid for row in home.status().values()]
    began = time.monotonic()
    assert daemon.end(number) == 0
    assert time.monotonic() - began < 10.0
    assert not [pid for pid in pids if alive(pid)]
    assert holder_of(home.data) is None
    assert not list((home.path / "state").rglob("*.toml"))
    assert not (home.data / "status.json").exists()


def test_its_services_end_in_order_when_it_does(home: Home) -> None:
    home.up().end()
    stopped = [line.split()[2] for line in home.stderr().splitlines() if line.endswith(" stopping")]
    assert stopped == ["gateway", "scheduler", "suggestion", "metric-store"]


def test_a_service_that_hangs_cannot_keep_it_from_ending(home: Home) -> None:
    daemon = home.up()
    pid = home.status()["metric-store"].pid
    os.kill(pid, signal.SIGSTOP)
    began = time.monotonic()
    daemon.process.send_signal(signal.SIGTERM)
    assert eventually(lambda: " gateway stopping" in home.stderr())  # it has received the first one
    assert daemon.end(signal.SIGTERM) == 0  # the second signal shortens it
    assert time.monotonic() - began < 5.0
    assert not alive(pid)


def test_killed_itself_it_takes_its_services_along_and_can_be_started_at_once(home: Home) -> None:
    daemon = home.up()
    before = home.status()
    daemon.process.kill()
    again = home.up()
    assert not [row.pid for row in before.values() if alive(row.pid)]
    assert again.address == daemon.address
    assert {name: row.address for name, row in home.status().items()} == {
        name: row.address for name, row in before.items()
    }


def test_ports_are_kept_over_restarts_and_given_up_when_taken(home: Home) -> None:
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


def test_in_the_background_a_server_that_runs_already_will_do_unless_another_is_asked_for(home: Home) -> None:
    daemon = home.up("--lease", "3s")
    for flags in [(), ("--lease", "3s", "--listen", daemon.address)]:
        second = home.run("up", "-d", "--data", str(home.data), *flags)
        assert second.returncode == 0, second.stderr
        assert second.stdout == daemon.line
        message = f"a server runs on {home.data} already (process {daemon.process.pid})\n"
        assert second.stderr == message
    for flags in [("--lease", "4s"), ("--listen", "127.0.0.1:1")]:
        other = home.run("up", "-d", "--data", str(home.data), *flags)
        assert other.returncode == 1
        assert other.stdout == ""
        assert other.stderr == (
            f"error: a server runs on {home.data} already, at {daemon.address}, with --lease 3s; `sweepd "
            "down` ends it, so that it can be restarted with other arguments\n"
        )


def test_of_two_that_are_started_in_the_background_at_once_both_find_it_running(home: Home) -> None:
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


def test_without_a_wish_the_usual_port_is_taken_or_a_free_one(home: Home) -> None:
    first = home.up(listen=None)
    second = home.up(listen=None, data=home.path / "other")
    assert second.address != first.address
    second.end()
    assert home.up(listen=None, data=home.path / "other").address == second.address


@pytest.mark.parametrize("listen", ["0.0.0.0:0", "192.0.2.7:0", "example.org:0"])
def test_it_does_not_listen_where_other_machines_hear_it(home: Home, listen: str) -> None:
    refused = home.run("up", "--data", str(home.data), "--listen", listen)
    assert refused.returncode == 1
    assert refused.stderr.startswith(f"error: cannot listen on {listen}: without encryption")
    assert refused.stderr.count("\n") == 1


def test_a_flag_that_no_service_knows_is_a_usage_error(home: Home) -> None:
    assert home.run("up", "--data", str(home.data), "--lease", "3s", "--leese", "3s").returncode == 2
    assert not home.data.exists()


def test_in_the_background_it_returns_when_ready_and_down_waits_for_the_end(home: Home) -> None:
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


def test_status_and_down_of_nothing(home: Home) -> None:
    assert home.run("status", "--data", str(home.data), command=SWEEPD).returncode == 3
    assert home.run("down", "--data", str(home.data), command=SWEEPD).returncode == 0


def test_status_loads_neither_grpc_nor_a_database(home: Home) -> None:
    home.up()
    code = (
        "import sys; from sweepd_kernel.main import main; main(sys.argv[1:]);"
        "print([m for m in ('grpc', 'sqlalchemy', 'asyncio', 'sqlite3') if m in sys.modules])"
    )
    shown = home.run(code, "status", "--data", str(home.data), command=[SWEEPD[0], "-c"])
    assert shown.stdout.endswith("[]\n"), shown.stdout


def test_storage_that_is_unavailable_at_the_start_is_waited_for(home: Home) -> None:
    place = home.data / "scheduler" / "small.db"
    place.mkdir(parents=True)  # a folder where the database belongs: it cannot be opened
    process = home.begin("up", "--data", str(home.data), "--listen", "127.0.0.1:0")
    assert eventually(lambda: "scheduler cannot start yet" in home.stderr())
    assert str(home.data / "scheduler") in home.stderr()
    assert home.status()["scheduler"].state == "waiting"
    place.rmdir()
    assert process.stdout is not None
    assert process.stdout.readline().startswith("sweepd ready")


def test_in_the_background_storage_that_is_unavailable_ends_the_start_with_its_place(home: Home) -> None:
    (home.data / "scheduler" / "small.db").mkdir(parents=True)
    launched = home.run("up", "-d", "--data", str(home.data), "--listen", "127.0.0.1:0")
    assert launched.returncode == 1
    assert launched.stderr.startswith("error: the scheduler service cannot write")
    assert str(home.data / "scheduler") in launched.stderr
    assert holder_of(home.data) is None


def test_tokens_can_be_read_by_the_account_alone(home: Home) -> None:
    home.up()
    for name in ("access-token", "service-token"):
        assert (home.data / name).stat().st_mode & 0o777 == 0o600
    entry = next((home.path / "state").rglob("*.toml"))
    assert entry.stat().st_mode & 0o777 == 0o600


def test_the_state_is_readable_by_programs(home: Home) -> None:
    home.up()
    document = json.loads(Path(home.data / "status.json").read_text())
    assert document["pid"] == holder_of(home.data)


def test_to_import_the_services_starts_no_thread_that_a_fork_would_lose(home: Home) -> None:
    code = (
        "import os; from sweepd_kernel.process.up import load_services;"
        "print([s.name for s in load_services()]);"
        "print(len(os.listdir('/proc/self/task')))"
    )
    loaded = home.run(code, command=[SWEEPD[0], "-c"])
    assert loaded.stdout.splitlines() == ["['metric-store', 'suggestion', 'scheduler', 'gateway']", "1"]
