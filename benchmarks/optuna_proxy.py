"""Optuna's gRPC storage proxy, for comparison: on PostgreSQL if it is installed, else on SQLite."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

SERVE = """
import sys, optuna
optuna.logging.set_verbosity(optuna.logging.ERROR)
from optuna.storages import RDBStorage, run_grpc_proxy_server
run_grpc_proxy_server(RDBStorage(sys.argv[1]), host="127.0.0.1", port=int(sys.argv[2]))
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proxy:
    """Running proxy, the kind of its database, and the ids of its processes."""

    port: int
    storage: str
    processes: tuple[int, ...]


def free_port() -> int:
    """Return a port without a listener."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@contextmanager
def running_postgresql() -> Iterator[tuple[str, int] | None]:
    """Start PostgreSQL with durable commits; yield its URL and process id, or None if it is not installed."""
    binaries = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    if not binaries:
        yield None
        return
    with tempfile.TemporaryDirectory(prefix="peer-pg-") as folder:
        data = Path(folder) / "data"
        account: dict[str, object] = {}
        if os.geteuid() == 0:
            nobody = pwd.getpwnam("nobody")
            shutil.chown(folder, nobody.pw_uid, nobody.pw_gid)
            account = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": folder}
        subprocess.run(  # type: ignore[call-overload]  # the account's keywords are there only for root
            [
                binaries[-1] / "initdb",
                "-A",
                "trust",
                "-U",
                "peer",
                "--no-sync",
                "--locale=C",
                "--encoding=UTF8",
                "-D",
                data,
            ],
            check=True,
            **account,
            **quiet,
        )
        server = subprocess.Popen(  # type: ignore[call-overload]
            [binaries[-1] / "postgres", "-D", data, "-k", folder, "-c", "listen_addresses="],
            **account,
            **quiet,
        )
        try:
            url = f"postgresql+psycopg://peer@/postgres?host={folder}"
            _wait_until_connected(url)
            yield url, server.pid
        finally:
            server.send_signal(signal.SIGINT)
            server.wait(20)


def _wait_until_connected(url: str) -> None:
    import sqlalchemy

    deadline = time.monotonic() + 20
    while True:
        try:
            sqlalchemy.create_engine(url).connect().close()
        except sqlalchemy.exc.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
        else:
            return


@contextmanager
def running_proxy() -> Iterator[Proxy]:
    """Start the proxy on PostgreSQL, or if that is not installed, on SQLite; end it with the block."""
    with tempfile.TemporaryDirectory(prefix="peer-") as folder, running_postgresql() as postgresql:
        url = postgresql[0] if postgresql else f"sqlite:///{folder}/peer.db"
        port = free_port()
        server = subprocess.Popen([sys.executable, "-c", SERVE, url, str(port)], stderr=subprocess.DEVNULL)
        try:
            _wait_until_listening(port)
            pids = (server.pid, postgresql[1]) if postgresql else (server.pid,)
            yield Proxy(port=port, storage="PostgreSQL" if postgresql else "SQLite", processes=pids)
        finally:
            server.kill()
            server.wait()


def _wait_until_listening(port: int) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise RuntimeError("the peer did not start")


def trials_per_second(proxy: Proxy, clients: int, seconds: float, *, points: bool) -> float:
    """Return the trials (or singly reported points) per second of `clients` clients, each in a thread."""
    import optuna
    from optuna.storages import GrpcStorageProxy

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
    name = f"study-{clients}-{points}"
    optuna.create_study(study_name=name, storage=GrpcStorageProxy(host="127.0.0.1", port=proxy.port))
    counts = [0] * clients
    stop = threading.Event()
    barrier = threading.Barrier(clients + 1)

    def work(index: int) -> None:
        storage = GrpcStorageProxy(host="127.0.0.1", port=proxy.port)
        study = optuna.load_study(study_name=name, storage=storage, sampler=optuna.samplers.RandomSampler())
        trial = study.ask()
        barrier.wait()
        while not stop.is_set():
            if points:
                trial.report(0.5, counts[index])
            else:
                trial.suggest_float("x", 0, 1)
                study.tell(trial, 0.5)
                trial = study.ask()
            counts[index] += 1

    threads = [threading.Thread(target=work, args=(index,)) for index in range(clients)]
    for thread in threads:
        thread.start()
    barrier.wait()
    began = time.perf_counter()
    time.sleep(seconds)
    stop.set()
    done, took = sum(counts), time.perf_counter() - began
    for thread in threads:
        thread.join()
    return done / took
