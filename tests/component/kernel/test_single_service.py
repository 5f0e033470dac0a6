"""One real service started without the daemon, as by an init system."""

import signal
import socket
import subprocess

import grpc
import pytest

from blocking_channel import channel
from component.kernel.small_processes import SWEEPD, Home
from sweepd.rpc.failure import Failure
from sweepd.v1 import metric_service_pb2 as v1
from sweepd.v1.metric_service_pb2_grpc import MetricServiceStub
from sweepd.v1.pairing_pb2 import DatabaseState
from waiting import until


def start(home: Home, *flags: str) -> "tuple[subprocess.Popen[str], str]":
    process = home.begin("metric-store", "--data", str(home.data), *flags, command=SWEEPD)
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line.startswith("sweepd metric-store ready grpc=127.0.0.1:"), home.stderr()
    return process, line.rpartition("=")[2].strip()


def healthy(address: str) -> bool:
    with channel(address, None) as opened:
        check: grpc.UnaryUnaryMultiCallable[bytes, bytes] = opened.unary_unary("/grpc.health.v1.Health/Check")
        try:
            return check(b"", timeout=2.0) == b"\x08\x01"
        except grpc.RpcError:
            return False


def test_only_callers_with_the_service_token_are_served(home: Home) -> None:
    _, address = start(home)
    assert healthy(address)
    token = (home.path / "state" / "sweepd" / "service-token").read_text().strip()
    with channel(address, token) as opened:
        scheduler = DatabaseState(id="5" * 32, place="scheduler.sqlite")
        MetricServiceStub(opened).PairDatabases(v1.PairDatabasesRequest(scheduler=scheduler), timeout=5)
        MetricServiceStub(opened).ListSummaries(v1.ListSummariesRequest(sweep="a/b/c"), timeout=5)
    with channel(address, "of-nobody-of-nobody") as opened, pytest.raises(grpc.RpcError) as caught:
        MetricServiceStub(opened).ListSummaries(v1.ListSummariesRequest(sweep="a/b/c"), timeout=5)
    assert Failure.of(caught.value).code == "UNAUTHENTICATED"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_service_exits_with_0_and_serves_at_the_same_port_after_a_restart(
    home: Home, number: signal.Signals
) -> None:
    process, address = start(home)
    process.send_signal(number)
    assert process.wait(10) == 0
    assert start(home)[1] == address


def test_a_second_service_on_the_same_data_or_port_is_refused_in_one_line(home: Home) -> None:
    process, address = start(home)
    same_data = home.run("metric-store", "--data", str(home.data), command=SWEEPD)
    assert same_data.returncode == 1
    assert same_data.stderr == f"error: metric-store: {home.data} is in use by process {process.pid}\n"
    other = str(home.path / "other")
    same_port = home.run("metric-store", "--data", other, "--listen", address, command=SWEEPD)
    assert same_port.returncode == 1
    assert f"error: metric-store: cannot listen on {address}: it is in use" in same_port.stderr
    assert healthy(address)


def test_an_address_that_other_machines_reach_is_refused(home: Home) -> None:
    refused = home.run("metric-store", "--data", str(home.data), "--listen", "0.0.0.0:0", command=SWEEPD)
    assert refused.returncode == 1
    assert "without encryption" in refused.stderr


def test_unavailable_storage_is_reported_to_callers_until_it_is_available(home: Home) -> None:
    home.data.write_text("a file where the folder belongs")
    with socket.create_server(("127.0.0.1", 0)) as probe:
        address = f"127.0.0.1:{probe.getsockname()[1]}"
    process = home.begin("metric-store", "--data", str(home.data), "--listen", address, command=SWEEPD)
    until(lambda: "cannot write" in home.stderr())
    token = (home.path / "state" / "sweepd" / "service-token").read_text().strip()
    with channel(address, token) as opened, pytest.raises(grpc.RpcError) as caught:
        MetricServiceStub(opened).ListSummaries(v1.ListSummariesRequest(), timeout=5, wait_for_ready=True)
    error = Failure.of(caught.value)
    assert (error.code, error.reason) == ("UNAVAILABLE", "storage-unavailable")
    assert error.metadata == {"service": "metric-store", "place": str(home.data)}
    assert not healthy(address)
    home.data.unlink()
    assert process.stdout is not None
    assert process.stdout.readline() == f"sweepd metric-store ready grpc={address}\n"
    assert healthy(address)


def test_an_unknown_service_is_a_usage_error(home: Home) -> None:
    assert home.run("nonsense", command=SWEEPD).returncode == 2
    assert home.run("--help", command=SWEEPD).returncode == 0
    assert home.run("up", "--help", command=SWEEPD).returncode == 0
    assert home.run("metric-store", "--help", command=SWEEPD).returncode == 0
