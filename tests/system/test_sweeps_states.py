"""P19, P21, P22: every command in every state, and repeated calls."""

from __future__ import annotations

import asyncio

from component.scheduler.scripted_agent import ScriptedAgent
from component.scheduler.scripted_agent import held as held_of
from sweepd import v1
from system.installation import Installation
from system.wire import OnTheWire, Wire, failure, through_the_gateway

TEXT = "program: t.py\nmethod: random\nmetric: {name: loss}\nparameters: {x: {min: 0.0, max: 1.0}}\n"
COMMANDS = ("pause", "resume", "stop", "cancel")
PENDING, RUNNING, PAUSED = v1.SWEEP_STATE_PENDING, v1.SWEEP_STATE_RUNNING, v1.SWEEP_STATE_PAUSED
STOPPED, CANCELLED, FINISHED = v1.SWEEP_STATE_STOPPED, v1.SWEEP_STATE_CANCELLED, v1.SWEEP_STATE_FINISHED

AFTER: dict[str, dict[str, v1.SweepState.ValueType]] = {
    "pending": {"pause": PAUSED, "resume": PENDING, "stop": STOPPED, "cancel": CANCELLED},
    "running": {"pause": PAUSED, "resume": RUNNING, "stop": RUNNING, "cancel": CANCELLED},
    "paused": {"pause": PAUSED, "resume": RUNNING, "stop": RUNNING, "cancel": CANCELLED},
    "paused before its first run": {
        "pause": PAUSED,
        "resume": PENDING,
        "stop": STOPPED,
        "cancel": CANCELLED,
    },
    "stopping": {"pause": PAUSED, "resume": RUNNING, "stop": RUNNING, "cancel": CANCELLED},
}
ENDED = ("stopped", "cancelled", "finished")


async def command(wire: Wire, name: str, sweep: str, request_id: str = "") -> v1.Sweep:
    """Call a command."""
    match name:
        case "pause":
            return (
                await wire.sweeps.PauseSweep(v1.PauseSweepRequest(name=sweep, request_id=request_id))
            ).sweep
        case "resume":
            return (
                await wire.sweeps.ResumeSweep(v1.ResumeSweepRequest(name=sweep, request_id=request_id))
            ).sweep
        case "stop":
            return (await wire.sweeps.StopSweep(v1.StopSweepRequest(name=sweep, request_id=request_id))).sweep
        case _:
            return (
                await wire.sweeps.CancelSweep(v1.CancelSweepRequest(name=sweep, request_id=request_id))
            ).sweep


async def kills_reported(agent: ScriptedAgent, ref: v1.AttemptRef) -> None:
    """Act as an agent that receives a kill command, and report the end."""
    stop = (await agent.receive("stop_run")).stop_run
    assert stop.mode == v1.STOP_MODE_KILL
    await agent.exit(ref, cause=v1.EXIT_CAUSE_COMMANDED, code=None)


async def sweep_in_state(
    wire: Wire, state: str, agents: list[ScriptedAgent]
) -> tuple[str, v1.AttemptRef | None]:
    """Create a sweep and bring it into a state; return its name and its live run."""
    sweep = (await wire.create(TEXT)).name
    if state in ("pending", "paused before its first run"):
        if state != "pending":
            await command(wire, "pause", sweep)
        return sweep, None
    agent = await ScriptedAgent(wire.channel, sweep).__aenter__()
    agents.append(agent)
    await agent.offer()
    ref = await agent.start_process(await agent.next_start())
    if state in ("paused", "stopping", "stopped"):
        await command(wire, "pause" if state == "paused" else "stop", sweep)
    if state == "cancelled":
        await asyncio.gather(command(wire, "cancel", sweep), kills_reported(agent, ref))
    if state == "stopped":
        await agent.exit(ref)
        await agent.acked_exit(ref)
    return sweep, ref


def test_each_command_in_each_state(on_the_wire: OnTheWire) -> None:
    async def scenario(wire: Wire) -> None:
        agents: list[ScriptedAgent] = []
        try:
            for state, after in AFTER.items():
                for name in COMMANDS:
                    sweep, ref = await sweep_in_state(wire, state, agents)
                    if name == "cancel" and ref is not None:
                        await asyncio.gather(command(wire, name, sweep), kills_reported(agents[-1], ref))
                    else:
                        await command(wire, name, sweep)
                    found = await wire.get(sweep)
                    assert found.state == after[name], (state, name, found)
                    stopping = name == "stop" or (state == "stopping" and name != "cancel")
                    assert (found.ending == v1.SWEEP_ENDING_STOP) == stopping, (state, name, found)
            for state in ENDED[:2]:
                sweep, _ = await sweep_in_state(wire, state, agents)
                for name in COMMANDS:
                    refused = await failure(command(wire, name, sweep))
                    assert (refused.code, refused.reason) == ("FAILED_PRECONDITION", "wrong-state")
                    assert refused.metadata["state"] == state
                    assert refused.metadata["verb"] == name
        finally:
            for agent in agents:
                await agent.__aexit__(None, None, None)

    on_the_wire(scenario)


def test_each_refused_command_reports_the_reason_and_has_its_exit_code(installation: Installation) -> None:
    server = installation.start_server()
    capped = TEXT.replace("method", "run_cap: 1\nmethod")
    sweep = installation.create(capped)

    async def scenario(wire: Wire) -> None:
        async with ScriptedAgent(wire.channel, sweep) as agent:
            await agent.offer()
            ref = await agent.start_process(await agent.next_start())
            installation.ctl("wait", sweep, "--timeout", "0", code=7)
            await agent.exit(ref)
            await agent.acked_exit(ref)

    through_the_gateway(server, scenario)
    installation.ctl("wait", sweep, "--timeout", "0")
    for name in COMMANDS:
        done = installation.ctl(name, sweep, *(["--yes"] if name == "cancel" else []), code=1)
        assert f"cannot {name}" in done.stderr
        assert "finished" in done.stderr
        assert done.stdout == ""
        assert (
            "error:"
            in installation.ctl(name, "nowhere", *(["--yes"] if name == "cancel" else []), code=3).stderr
        )
    assert "--yes" in installation.ctl("cancel", sweep, code=2).stderr
    cancelled = installation.create(TEXT)
    installation.ctl("cancel", cancelled, "--yes")
    installation.ctl("wait", cancelled, "--timeout", "0", code=8)
    stopped = installation.create(TEXT)
    installation.ctl("stop", stopped)
    installation.ctl("wait", stopped, "--timeout", "0", code=0)
    agent = installation.start_agent(stopped)
    assert agent.process.wait(20) != 0
    assert "stopped" in agent.log()


def test_no_run_is_handed_out_after_pause_has_returned(on_the_wire: OnTheWire) -> None:
    """Agents make offers continuously while the sweep is paused and resumed repeatedly."""

    async def scenario(wire: Wire) -> None:
        sweep = (await wire.create(TEXT)).name
        async with ScriptedAgent(wire.channel, sweep, slots=64) as agent:
            for _ in range(10):
                await agent.offer(8)
                paused = await command(wire, "pause", sweep)
                before = (await wire.get(sweep)).run_counts
                await agent.offer(64)
                await agent.send(heartbeat=v1.Heartbeat())
                after = await wire.get(sweep)
                assert paused.state == after.state == PAUSED
                assert after.run_counts == before
                await command(wire, "resume", sweep)
                await agent.offer(0)
        async with ScriptedAgent(wire.channel, sweep) as agent:
            await command(wire, "pause", sweep)
            await agent.offer()
            count = len(await wire.all_runs(sweep))
            await command(wire, "resume", sweep)
            start = await agent.next_start()
            assert start.number <= count + 1

    on_the_wire(scenario)


def test_a_repeated_call_has_the_effect_and_the_response_of_the_first(installation: Installation) -> None:
    server = installation.start_server()
    installation.write("sweep.yaml", TEXT)
    twice = [installation.ctl("create", "sweep.yaml", "-q", "--request-id", "once").stdout for _ in range(2)]
    assert twice[0] == twice[1] != ""
    assert len(installation.ctl("list", "-o", "name").stdout.splitlines()) == 1
    assert installation.ctl("create", "sweep.yaml", "-q", "--request-id", "x" * 65, code=None).returncode in (
        1,
        2,
    )

    async def scenario(wire: Wire) -> None:
        first = await wire.create(TEXT, request_id="r1")
        assert await wire.create(TEXT, request_id="r1") == first
        reused = await failure(wire.create(TEXT + "run_cap: 3\n", request_id="r1"))
        assert (reused.code, reused.reason) == ("FAILED_PRECONDITION", "request-id-reused")
        reused = await failure(command(wire, "pause", first.name, "r1"))
        assert reused.reason == "request-id-reused"
        paused = await command(wire, "pause", first.name, "r2")
        await command(wire, "resume", first.name, "r3")
        assert await command(wire, "pause", first.name, "r2") == paused  # the response of the first …
        assert (await wire.get(first.name)).state == PENDING  # … and no second effect
        at_once = await asyncio.gather(*(wire.create(TEXT, request_id="r4") for _ in range(20)))
        assert len({sweep.name for sweep in at_once}) == 1
        stopped = await command(wire, "stop", first.name, "r5")
        again = await command(wire, "stop", first.name, "r5")  # would be refused if it were not a repeat
        assert again == stopped

    through_the_gateway(server, scenario)
    server_address = server.address
    server.stop()
    server = installation.start_server(listen=server_address)

    async def after_a_restart(wire: Wire) -> None:
        first = await wire.create(TEXT, request_id="r1")
        assert len({sweep.name for sweep in [first, await wire.create(TEXT, request_id="r1")]}) == 1
        assert first.state == PENDING  # the response of that time; by now the sweep is stopped
        assert (await wire.get(first.name)).state == STOPPED

    through_the_gateway(server, after_a_restart)


def test_a_final_state_is_kept_whatever_agents_report(on_the_wire: OnTheWire) -> None:
    async def scenario(wire: Wire) -> None:
        sweep = (await wire.create(TEXT)).name
        async with ScriptedAgent(wire.channel, sweep) as agent:
            await agent.offer()
            start = await agent.next_start()
            ref = await agent.start_process(start)
            await agent.observe(ref, 1, 0.5)
            await agent.exit(ref, 1, keys=["loss"])
            await agent.acked_exit(ref)
            before = await wire.run(start.run)
            await agent.start_process(start)
            await agent.observe(ref, 2, 0.1)
            await agent.exit(ref, 2, code=1, keys=["other"])
            await agent.exit(ref, 1, cause=v1.EXIT_CAUSE_COMMANDED, code=None)
            await agent.exit(ref, 1, cause=v1.EXIT_CAUSE_HANDED_BACK, code=None)
            await agent.exit(ref, 1, cause=v1.EXIT_CAUSE_ORPHANED, code=None)
            await agent.send(command_result=v1.CommandResult(command_id=start.command_id, error="cannot"))
            for _ in range(4):
                assert (await agent.acked_exit(ref)).run_state == v1.RUN_STATE_FINISHED
            assert await wire.run(start.run) == before
        held = held_of(start, 3)
        async with ScriptedAgent(wire.channel, sweep, held=[held]) as late:
            (verdict,) = (await late.receive("welcome")).welcome.verdicts
            assert verdict.fate in (v1.ATTEMPT_FATE_DELIVER, v1.ATTEMPT_FATE_STOP)
            await late.exit(v1.AttemptRef(run_handle=3, attempt=1), 1, code=2)
            await late.acked_exit(v1.AttemptRef(run_handle=3, attempt=1))
        assert await wire.run(start.run) == before
        assert (await wire.get(sweep)).best_value == 0.5

    on_the_wire(scenario)
