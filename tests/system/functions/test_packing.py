"""Pickling of functions: their references arrive in a separate process."""

from __future__ import annotations

from system.functions.callers import Caller, Home


def test_closures_lambdas_and_modules_beside_the_script_arrive_in_a_fresh_process(
    home: Home, caller: Caller
) -> None:
    (caller.folder / "beside.py").write_text("def twice(x):\n    return 2 * x\n")
    done = caller.run(
        """
        import os, sys
        import beside
        offset, big = 1000, list(range(100_000))

        def maker(factor):
            class Model:  # a class of a function of the main module
                def loss(self, x):
                    return beside.twice(x) * factor + offset + len(big)
            def train():
                run = sweepd.init(config={"x": -1, "extra": "mine"})
                assert os.getpid() != main and sys.argv[0].endswith("caller.py"), sys.argv
                assert os.getcwd() == here
                sweepd.log({"loss": Model().loss(sweepd.config.x)})
                print(f"x={sweepd.config.x} of {run.id}")
            return train

        main, here = os.getpid(), os.getcwd()
        sweep = sweepd.sweep(
            {"method": "grid", "metric": {"name": "loss"}, "parameters": {"x": {"values": [1, 2]}}}
        )
        sweepd.agent(sweep, maker(3))
        assert "SWEEPD_RUN_ID" not in os.environ
        sweepd.agent(f"default/{other}", lambda: print("lambda", sweepd.config["x"]), count=1)
        import threading
        assert threading.active_count() == 1
        """,
        other=home.grid(5).id,
    )
    shown = done.stdout.splitlines()
    sweep = home.client.sweep(shown[0].removeprefix("Create sweep with ID: "))
    assert [run.value for run in sweep.runs()] == [101_006, 101_012]
    first = f"{sweep.id}-1"
    assert shown[1:4] == [f"Agent Starting Run: {first} with config:", "\tx: 1", f"x=1 of {first}"]
    assert shown[-1] == "lambda 5"
    assert done.stderr == ""


def test_a_function_can_itself_pickle_names_of_the_main_module(home: Home, caller: Caller) -> None:
    """Data loaders and `torch.save` pickle by name in the main module."""
    done = caller.run(
        """
        import multiprocessing, pickle

        class Weights:
            value = 7

        def square(x):
            return x * x

        def train():
            with multiprocessing.get_context("fork").Pool(2) as pool:
                print(pool.map(square, [1, 2, 3]), type(pickle.loads(pickle.dumps(Weights()))) is Weights)

        sweepd.agent(sweep, train)
        """,
        sweep=home.grid(1).name,
    )
    assert "[1, 4, 9] True" in done.stdout


def test_an_unpicklable_object_is_named_before_anything_starts(home: Home, caller: Caller) -> None:
    done = caller.run(
        """
        import threading
        class Store:
            def __init__(self):
                self.rows, self.guard = [], threading.Lock()
        store = Store()
        def train():
            def inner():
                store.rows.append(1)
            inner()
        try:
            sweepd.agent("abc", train)
        except sweepd.FunctionError as error:
            print(error)
        """
    )
    assert done.stdout == (
        "train refers to store.guard (_thread.lock), which cannot be sent to another process: cannot "
        "pickle '_thread.lock' object; create it inside the function, or call agent(…, "
        "in_process=True)\n"
    )


def test_memory_of_runs_is_released(home: Home, caller: Caller) -> None:
    done = caller.run(
        """
        import pathlib, re
        def train():
            hold = bytearray(200 * 2**20)
            hold[::4096] = b"x" * len(hold[::4096])
        sweepd.agent(sweep, train)
        # Of this program alone; what `getrusage` tells includes what started it.
        status = pathlib.Path("/proc/self/status").read_text()
        print("peak", int(re.search("VmHWM:[^0-9]*([0-9]+) kB", status)[1]) // 1024)
        """,
        sweep=home.grid(1).name,
    )
    assert int(done.stdout.split("peak ")[1]) < 150
