"""Resources of clients: threads, processes, closing, and errors without a server."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

import sweepd
from sweepd import AsyncClient, Client, ClientError, DeniedError, UnreachableError
from system.installation import BIN
from system.objects.conftest import Here
from waiting import until

_NEVER = {"program": "t.py", "method": "random", "parameters": {"a": {"min": 0, "max": 9}}}
"""A sweep that no agent works for: waiting for it never ends."""


def new_threads(before: list[threading.Thread]) -> set[threading.Thread]:
    """Return the threads started since; threads of an earlier test may still be ending."""
    return set(threading.enumerate()) - set(before)


def test_a_closed_client_leaves_no_thread_and_makes_no_calls(here: Here) -> None:
    before = threading.enumerate()
    with Client(here.server.address, token=here.server.access_token) as client:
        sweep = client.sweep(here.ended)
        changes = sweep.watch()
        next(changes)
        assert not new_threads(before)
    assert not new_threads(before)
    client.close()
    with pytest.raises(ClientError, match="the client is closed"):
        sweep.refresh()
    with pytest.raises(ClientError, match="the client is closed"):
        next(client.sweeps())


def test_a_closed_asynchronous_client_leaves_no_thread(here: Here) -> None:
    before = threading.enumerate()

    async def use() -> None:
        async with AsyncClient(here.server.address, token=here.server.access_token) as client:
            sweep = await client.sweep(here.ended)
            async for change in sweep.watch():
                assert change.sweep == sweep
                break
        with pytest.raises(ClientError, match="the client is closed"):
            await sweep.refresh()

    asyncio.run(use())
    until(lambda: not new_threads(before))


def test_a_blocked_wait_raises_when_the_client_is_closed(here: Here) -> None:
    messages: list[str] = []
    client = Client(here.server.address, token=here.server.access_token)
    sweep = client.create(_NEVER)

    def wait() -> None:
        changes = sweep.watch()
        next(changes)
        messages.append("watches")
        with pytest.raises(ClientError) as raised:
            next(changes)
        messages.append(str(raised.value))

    thread = threading.Thread(target=wait)
    thread.start()
    until(lambda: messages)
    client.close()
    thread.join(30)
    assert messages == ["watches", "the client is closed"]


def test_an_awaiting_task_raises_when_the_client_is_closed(here: Here) -> None:
    """It does not raise CancelledError, since no code has cancelled the task."""

    async def use() -> None:
        client = AsyncClient(here.server.address, token=here.server.access_token)
        changes = (await client.create(_NEVER)).watch()
        await anext(changes)
        next_change = asyncio.ensure_future(anext(changes))
        await asyncio.sleep(0)  # until the task waits
        await client.close()
        with pytest.raises(ClientError, match="the client is closed"):
            await next_change

    asyncio.run(use())


def test_a_client_can_be_used_after_a_cancelled_wait(here: Here) -> None:
    async def use() -> str:
        async with AsyncClient(here.server.address, token=here.server.access_token) as client:
            sweep = await client.create(_NEVER)
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(sweep.wait(), 0.2)
            return (await sweep.cancel()).state

    assert asyncio.run(use()) == "cancelled"


def test_a_blocking_client_works_where_an_event_loop_runs(blocking: Client, here: Here) -> None:
    async def use() -> list[int]:
        return [run.number for run in blocking.sweep(here.ended).runs()]

    assert asyncio.run(use()) == [1, 2, 3, 4, 5, 6]


def test_a_client_works_from_threads_and_in_a_forked_process(blocking: Client, here: Here) -> None:
    sweep = blocking.sweep(here.ended)
    found: list[str] = []
    threads = [threading.Thread(target=lambda: found.append(sweep.run(1).state)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert found == ["finished"] * 4
    # A separate process: forking the test process is unsafe, as it has threads.
    done = _python(
        "import os, sweepd\n"
        "client = sweepd.Client()\n"
        f"sweep = client.sweep({here.ended!r})\n"
        "child = os.fork()\n"
        "if not child:\n"
        "    print(sweep.refresh().state, sweep.best().number, flush=True)\n"
        "    os._exit(0)\n"
        "status = os.waitpid(child, 0)[1]\n"
        "print(status, sweep.refresh().state)\n",
        here.installation.environment,
    )
    assert done.stdout.split() == ["finished", "1", "0", "finished"], done


def test_clients_find_the_server_as_sweepctl_does(here: Here) -> None:
    code = f"import sweepd\nwith sweepd.Client() as c: print(c.sweep({here.ended!r}).state, c.address)"
    done = _python(code, here.installation.environment)
    assert done.stdout.split() == ["finished", here.server.address], done


def test_without_a_server_the_error_names_the_remedy(tmp_path: Path) -> None:
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "XDG_STATE_HOME": str(tmp_path)}
    done = _python("import sweepd\nsweepd.Client()", environment)
    assert done.returncode == 1
    assert "UnreachableError: no server is known" in done.stderr
    assert "`sweepd up -d`" in done.stderr
    assert "`sweepctl login ADDRESS`" in done.stderr


def test_a_server_that_does_not_answer_is_named() -> None:
    with Client("127.0.0.1:1", token="t") as client, pytest.raises(UnreachableError) as raised:
        client.sweep("a/b/c")
    assert "no server answers at 127.0.0.1:1 (connection refused)" in str(raised.value)
    assert "`sweepd up -d`" in str(raised.value)
    with pytest.raises(ConnectionError), Client("127.0.0.1:1") as client:
        client.sweep("a/b/c").wait()


def test_a_wrong_token_is_denied(here: Here) -> None:
    with Client(here.server.address, token="wrong") as client, pytest.raises(DeniedError):
        client.sweep(here.ended)


def test_a_stored_login_is_used_and_its_scope_enforced(here: Here, tmp_path: Path) -> None:
    """Log in with a read-only token in a separate home."""
    created = here.installation.ctl("token", "create", "--scope", "read", "--project", "local/objects")
    home = {"PATH": here.installation.environment["PATH"], "HOME": str(tmp_path)}
    login = [str(BIN / "sweepctl"), "login", here.server.address, "--token-file", "-"]
    subprocess.run(login, env=home, input=created.stdout, text=True, check=True, timeout=60)
    code = (
        "import sweepd\n"
        "with sweepd.Client() as client:\n"
        "    sweep, = client.sweeps()\n"
        "    print(sweep.name, sweep.best().number)\n"
        "    for call in (sweep.resume, lambda: client.sweep('local/other/nothing')):\n"
        "        try:\n"
        "            call()\n"
        "        except sweepd.ClientError as error:\n"
        "            print(type(error).__name__, error)\n"
    )
    done = _python(code, home)
    name, denied, missing = done.stdout.splitlines()
    assert name == f"{here.ended} 1"
    assert denied.startswith("DeniedError")
    assert "write" in denied
    assert missing.startswith("NotFoundError")
    lost = _python("import sweepd\nsweepd.Client()", {**home, "SWEEPD_CONTEXT": "nowhere"})
    assert "NotFoundError: there is no context nowhere" in lost.stderr


def test_the_objects_are_loaded_only_when_used() -> None:
    code = (
        "import sys, sweepd\n"
        "assert not {'grpc', 'yaml', 'click'} & set(sys.modules)\n"
        "sweepd.Client\n"
        "assert 'grpc' in sys.modules\n"
        "assert not {'numpy', 'pandas', 'polars', 'pyarrow', 'rich'} & set(sys.modules)\n"
    )
    done = _python(code, dict(os.environ))
    assert done.returncode == 0, done.stderr
    assert sweepd.Client is Client


def _python(code: str, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
