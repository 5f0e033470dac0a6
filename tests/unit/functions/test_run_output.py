from __future__ import annotations

from sweepd.functions.agent_console import RunOutput, ending, heading

RUN = "local/demo/k3x9v2ab-1"


def test_a_heading_is_one_line_for_the_run_and_one_for_each_value() -> None:
    params = {"lr": 0.001, "name": "a\nb\x1b[2J", "layers": [1, 2], "opt": {"beta": 0.9}, "none": None}
    assert list(heading(RUN, 1, params)) == [
        "Agent Starting Run: k3x9v2ab-1 with config:",
        "\tlr: 0.001",
        "\tname: a\\nb\\x1b[2J",
        "\tlayers: [1, 2]",
        '\topt: {"beta": 0.9}',
        "\tnone: null",
    ]
    assert next(heading(RUN, 3, {})) == "Agent Starting Run: k3x9v2ab-1 (attempt 3) with config:"
    assert len(list(heading(RUN, 1, {"x": "y" * 1000}))[1]) < 250


def test_output_of_one_slot_is_shown_unbuffered() -> None:
    output = RunOutput(RUN, named=False)
    assert output.take("50%\r") == "50%\r"
    assert output.take("100%") == "100%"
    assert output.end() == "\n"  # the next output starts a new line


def test_lines_of_several_slots_are_labelled_by_run_and_never_mixed() -> None:
    output = RunOutput(RUN, named=True)
    assert output.take("one\ntw") == "[k3x9v2ab-1] one\n"
    assert output.take("o\n") == "[k3x9v2ab-1] two\n"
    assert output.take("no newline") == ""
    assert output.end() == "[k3x9v2ab-1] no newline\n"


def test_an_endless_line_is_split_instead_of_buffered() -> None:
    output = RunOutput(RUN, named=True)
    assert output.take("x" * 10_000) == "[k3x9v2ab-1] " + "x" * 10_000 + "\n"
    assert output.end() == ""


def test_of_endless_output_the_beginning_and_the_end_are_shown() -> None:
    output = RunOutput(RUN, named=False)
    shown = "".join(output.take(f"line {number}\n") for number in range(100_000))
    assert len(shown) == 256 * 1024
    end = output.end()
    assert end.splitlines()[:1] == [""]  # the first part ended in the middle of a line
    assert end.splitlines()[1].startswith("… ")
    assert "sweepctl logs local/demo/k3x9v2ab-1" in end
    assert end.endswith("line 99998\nline 99999\n")
    assert len(end) < 9_000


def test_omitted_output_is_reported_on_a_separate_line() -> None:
    output = RunOutput(RUN, named=False)
    assert output.take("x" * 300_000)[-1] == "x"
    left_out, tail = output.end().splitlines()[1:]
    assert left_out.startswith("… ")
    assert tail == "x" * 8192


def test_output_slightly_over_the_limit_is_shown_completely() -> None:
    output = RunOutput(RUN, named=False)
    text = "x" * (256 * 1024) + "the end\n"
    assert output.take(text) + output.end() == text


def test_only_a_run_that_did_not_finish_gets_a_final_line() -> None:
    assert ending(RUN, {"cause": "exited", "exit_code": 0}) is None
    assert ending(RUN, {"cause": "exited", "exit_code": 2}) == "Run k3x9v2ab-1 failed with exit code 2"
    assert ending(RUN, {"cause": "signaled", "signal": 11}) == "Run k3x9v2ab-1 failed by signal 11"
    stopped = {"cause": "commanded", "message": "a rule\nsaid so"}
    assert ending(RUN, stopped) == "Run k3x9v2ab-1 was stopped: a rule\\nsaid so"
    assert ending(RUN, {"cause": "handed back"}) == "Run k3x9v2ab-1 ended: handed back"
