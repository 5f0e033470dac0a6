"""Sweeps of dictionaries, and of functions that return one."""

from __future__ import annotations

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


def test_a_sweep_begins_with_prior_runs(home: Home, caller: Caller) -> None:
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
