"""Recording of a standalone run: the context of its script, and samples of what its processes use."""

import asyncio
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

from sweepd_agent.agent import Agent
from sweepd_agent.context.recorder import Recorder, forget_before
from sweepd_agent.context.sampler import Sampler
from sweepd_agent.process import proc
from sweepd_agent.standalone.run import StandaloneFolder

# A script that is over since so many seconds ran in what is here now. One that took no longer than the
# start of its agent would have no surroundings otherwise.
_STILL_TRUE = 10.0


def recorder_of(folder: StandaloneFolder) -> Recorder | None:
    """Return what finds out where a script runs; None where that cannot be found out any more.

    What an earlier attempt has left is removed: this one may run other code.
    """
    run, script = folder.run(), folder.script()
    if run is None or script is None:
        return None
    forget_before(folder.path, run.started)
    over_for = 0.0 if run.ended is None else time.time() - run.ended
    lives = run.ended is not None or proc.start_ticks(script.pid) == script.start
    if script.boot != proc.boot_id() or script.directory is None or not lives or over_for > _STILL_TRUE:
        return None
    return Recorder(
        ThreadPoolExecutor(1, thread_name_prefix="context"),
        time.monotonic,
        directory=script.directory,
        interpreter=script.interpreter,
    )


def begin_to_sample(agent: Agent, environ: Mapping[str, str], every: float) -> "asyncio.Task[None] | None":
    """Take samples of what a script uses while it lives; None if it does not."""
    # The process id of one that is gone may be another's by now.
    if not any(each.process is not None and each.process.alive for each in agent.live_attempts()):
        return None
    thread = ThreadPoolExecutor(1, thread_name_prefix="samples")
    sampler = Sampler(agent.live_attempts, environ, thread, time.monotonic, every=every)
    sampling = asyncio.create_task(sampler.run())
    sampling.add_done_callback(agent.fail)
    return sampling
