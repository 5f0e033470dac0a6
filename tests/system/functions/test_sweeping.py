"""Sweeps of dictionaries, and of functions that return one."""

from __future__ import annotations

from pathlib import Path

from system.functions.callers import Caller, Home


def test_findings_of_a_dictionary_are_those_of_a_file(home: Home, caller: Caller) -> None:
    done = caller.run(
        """
        try:
            sweepd.sweep(lambda: {"method": "gird", "parameters": {"lr": {"min": 2, "max": 1}}})
        except sweepd.SweepError as error:
            print(error)
        try:
            sweepd.sweep(7)
        except ValueError as error:
            print(error)
        config = {"method": "random", "parameters": {"x": {"min": 0.0, "max": 1}}}
        print(sweepd.sweep({**config, "project": "Mine Own"}))
        print(sweepd.sweep({**config, "project": "theirs"}, project="p"))
        """
    )
    text = done.stdout
    assert "method: " in text
    assert "parameters.lr" in text
    assert "did you mean `grid`?" in text
    assert "a sweep is a dictionary, or a function that returns one, not int" in text
    first, second = text.splitlines()[-3], text.splitlines()[-1]
    assert home.client.sweep(f"local/mine-own/{first}").id == first
    assert home.client.sweep(f"local/p/{second}").id == second


def test_a_sweep_that_does_not_end_automatically_prints_how_to_end_it(home: Home, caller: Caller) -> None:
    done = caller.run(
        """
        import warnings
        config = {"method": "random", "program": "train.py", "parameters": {"x": {"min": 0.0, "max": 1.0}}}
        print(sweepd.sweep(config))
        print(sweepd.sweep({**config, "run_cap": 5}))
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            sweep = sweepd.Client().create(config, project="default")
            sweepd.Client().create({**config, "run_cap": 5}, project="default")
        (one,) = (each for each in caught if "run_cap" in str(each.message))
        print(sweep.name, one.category.__name__, one.filename, one.message)
        """
    )
    lines = done.stdout.splitlines()
    (message_line,) = (line for line in done.stderr.splitlines() if "run_cap" in line)
    assert message_line == (
        "warning: no run_cap: the sweep runs until it is stopped, by `Sweep.stop()` or "
        f"`sweepctl stop local/train/{lines[1]}`"
    )
    name, category, file, message = lines[-1].split(" ", 3)
    assert (category, Path(file).parent) == ("SweepWarning", caller.folder)
    assert message.endswith(f"`sweepctl stop {name}`")


def test_a_function_that_imports_wandb_gets_sweepd_if_the_sweep_has_compat(
    home: Home, caller: Caller
) -> None:
    done = caller.run(
        """
        def train():
            import wandb
            wandb.log({"loss": wandb.config.x})
        config = {"method": "grid", "metric": {"name": "loss"}, "parameters": {"x": {"values": [1, 2]}}}
        sweep = sweepd.sweep({**config, "compat": "wandb"})
        sweepd.agent(sweep, train)
        print(sweep)
        """
    )
    runs = home.client.sweep(done.stdout.splitlines()[-1]).runs()
    assert [(run.state, run.value) for run in runs] == [("finished", 1), ("finished", 2)]


def test_a_sweep_can_have_prior_runs(home: Home, caller: Caller) -> None:
    first = home.grid(1, 2, metric={"name": "loss"})
    done = caller.run(
        """
        def train():
            sweepd.log({"loss": sweepd.config.x})
        sweepd.agent(first, train)
        config = {"method": "grid", "metric": {"name": "loss"}, "parameters": {"x": {"values": [1, 2, 3]}}}
        second = sweepd.sweep(config, prior_runs=[f"{first}-1", f"{first}-2"])
        sweepd.agent(second, train)
        print(second)
        """,
        first=first.id,
    )
    assert "the sweep begins with 2 of the prior runs" in done.stderr
    second = home.client.sweep(done.stdout.splitlines()[-1])
    assert [run.params for run in second.runs(state="finished")] == [{"x": 3}]
    assert done.stdout.count("Agent Starting Run: ") == 3
