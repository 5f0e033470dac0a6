"""Settings of `init` and their precedence."""

import pytest

from sweepd.script.errors import UsageError
from sweepd.script.settings import RunOptions, Settings, run_options, tags


def test_arguments_take_precedence_over_settings_and_those_over_variables() -> None:
    environment = {
        "SWEEPD_PROJECT": "of the environment",
        "SWEEPD_ENTITY": "e",
        "SWEEPD_TAGS": "a, b,,a",
        "SWEEPD_MODE": "offline",
        "SWEEPD_RUN_GROUP": "g",
    }
    settings = Settings(project="of the settings", run_name="n", start_method="thread")
    found = run_options({"project": "of the call", "name": None}, settings, environment)
    assert found == RunOptions(
        project="of the call", entity="e", tags=("a", "b"), mode="offline", group="g", name="n"
    )
    assert run_options({}, {"project": "of the settings"}, environment).project == "of the settings"
    assert run_options({}, None, environment).project == "of the environment"
    assert run_options({}, None, {}) == RunOptions()
    loud = run_options({}, {"silent": False}, {"SWEEPD_SILENT": "true"})
    assert (loud.silent, run_options({}, None, {"SWEEPD_SILENT": "true"}).silent) == (False, True)


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        (None, ()),
        ("", ()),
        ("one", ("one",)),
        (["a", "b", "a"], ("a", "b")),
        (("a",), ("a",)),
        ({"a"}, ("a",)),
    ],
)
def test_tags_may_be_text_or_a_list(given: object, meant: tuple[str, ...]) -> None:
    assert tags(given) == meant


@pytest.mark.parametrize(
    ("name", "given", "meant"),
    [
        ("id", "Exp.7_B", "exp-7_b"),
        ("id", "größe", "gr--e"),
        ("mode", "dryrun", "offline"),
        ("mode", "run", "online"),
        ("mode", "disabled", "disabled"),
        ("resume", True, "auto"),
        ("resume", "allow", "allow"),
        ("resume", False, None),
        ("resume", "false", None),
    ],
)
def test_values_of_older_versions_are_accepted(name: str, given: object, meant: str | None) -> None:
    assert getattr(run_options({name: given}, None, {}), name) == meant


@pytest.mark.parametrize(
    ("name", "wrong", "complaint"),
    [
        ("mode", "off", "mode must be one of online, offline, disabled, not 'off'"),
        ("resume", "perhaps", "resume must be one of allow"),
        ("tags", 3, "tags must be text, not int"),
        ("id", "../up", "an id must have 1 to 64"),
        ("id", "a/b", "an id must have 1 to 64"),
        ("id", "é", "an id must have 1 to 64"),
        ("id", "..", "an id must have 1 to 64"),
        ("id", "x" * 65, "an id must have 1 to 64"),
    ],
)
def test_unknown_values_are_refused(name: str, wrong: object, complaint: str) -> None:
    with pytest.raises(UsageError, match=complaint):
        run_options({name: wrong}, None, {})


def test_settings_can_be_read_under_the_names_of_wandb() -> None:
    settings = RunOptions(project="p", id="r1", tags=("a",)).settings()
    assert (settings.project, settings.run_id, settings.run_tags, settings.mode) == (
        "p",
        "r1",
        ("a",),
        "online",
    )
    assert settings.anything_else is None
