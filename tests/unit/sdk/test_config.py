"""The configuration of a run: precedence and access."""

import argparse
import copy
import json
import math
import pickle
from pathlib import Path

import numpy as np
import pytest
import yaml

from sweepd.script.errors import ConfigError
from sweepd.script.run.config import Config, chosen, on_change


def a_config() -> Config:
    config = Config({"lr": 0.5, "opt": {"momentum": 0.9}})
    config.setdefaults({"lr": 0.1, "epochs": 3, "opt": {"momentum": 0.0, "nesterov": True}})
    return config


def group(config: Config, name: str) -> Config:
    inner = config[name]
    assert isinstance(inner, Config)
    return inner


def test_values_of_the_sweep_take_precedence_over_defaults_even_within_groups() -> None:
    assert a_config() == {"lr": 0.5, "epochs": 3, "opt": {"momentum": 0.9, "nesterov": True}}


def test_values_of_the_sweep_take_precedence_over_an_argparse_namespace() -> None:
    config = Config({"lr": 0.5})
    config.setdefaults(argparse.Namespace(lr=0.1, epochs=3))
    assert config == {"lr": 0.5, "epochs": 3}


def test_items_and_attributes_are_the_same_at_every_depth() -> None:
    config = a_config()
    assert config["opt"] == config.opt
    opt = group(config, "opt")
    assert opt.momentum == opt["momentum"] == 0.9
    opt.nesterov = False
    config["epochs"] = 4
    assert config.epochs == 4
    assert config == {"lr": 0.5, "epochs": 4, "opt": {"momentum": 0.9, "nesterov": False}}


def test_it_is_written_as_yaml_like_any_mapping() -> None:
    config = a_config()
    plain = {"lr": 0.5, "epochs": 3, "opt": {"momentum": 0.9, "nesterov": True}}
    assert (
        yaml.safe_dump(dict(config)) == yaml.safe_dump(config) == yaml.dump(config) == yaml.safe_dump(plain)
    )


def test_a_name_with_dots_is_one_flat_key() -> None:
    config = Config({"model.lr": 0.5})
    config.setdefaults({"model.lr": 0.1, "model": {"lr": 1}})
    assert config == {"model.lr": 0.5, "model": {"lr": 1}}


def test_values_of_the_sweep_can_be_neither_assigned_nor_updated_nor_deleted() -> None:
    config = a_config()
    config.lr = 1
    config["lr"] = 1
    config.update({"lr": 1}, allow_val_change=True)
    config |= {"lr": 1}
    group(config, "opt").update({"momentum": 1}, allow_val_change=True)
    config.opt = {"momentum": 1, "dampening": 2}
    config["opt"] = 7
    del config["lr"]
    assert config == {"lr": 0.5, "epochs": 3, "opt": {"momentum": 0.9, "nesterov": True, "dampening": 2}}


def test_update_replaces_a_value_only_when_allowed() -> None:
    config = a_config()
    config.update({"epochs": 3, "seed": 1})
    with pytest.raises(ConfigError, match="'epochs' is 3, not 5"):
        config.update({"epochs": 5})
    config.update({"epochs": 5}, allow_val_change=True)
    assert (config.epochs, config.seed) == (5, 1)


def test_the_error_for_a_missing_value_names_it() -> None:
    config = a_config()
    with pytest.raises(AttributeError, match="'momentum'"):
        _ = config.momentum
    with pytest.raises(KeyError, match="momentum"):
        _ = config["momentum"]
    assert getattr(config, "momentum", None) is None


def test_a_configuration_behaves_like_a_dictionary() -> None:
    config = a_config()
    plain = {"lr": 0.5, "epochs": 3, "opt": {"momentum": 0.9, "nesterov": True}}
    assert json.loads(json.dumps(config)) == dict(**config) == plain
    assert copy.deepcopy(config) == pickle.loads(pickle.dumps(config)) == config.as_dict() == plain
    assert type(config.as_dict()["opt"]) is dict


def test_every_assignment_is_observed_even_in_groups() -> None:
    config, observed = a_config(), []
    on_change(config, lambda: observed.append(config.as_dict()))
    config.seed = 1
    group(config, "opt").nesterov = False
    config.new = {"a": 1}
    group(config, "new").a = 2
    del config["seed"]
    config.lr = 7
    assert len(observed) == 5
    assert observed[-1] == config


@pytest.mark.parametrize("wrong", [3, ["lr"]])
def test_a_configuration_is_a_mapping_or_has_attributes(wrong: object) -> None:
    with pytest.raises(TypeError, match="a mapping, a namespace or the path of a YAML file"):
        Config({}).update(wrong)


def test_a_configuration_may_be_a_yaml_file_of_plain_values_or_of_wandbs_form(tmp_path: Path) -> None:
    file = tmp_path / "config.yaml"
    file.write_text("wandb_version: 1\nlr: {desc: null, value: 0.1}\nepochs: 3\n")
    config = Config({"epochs": 5})
    config.setdefaults(file)
    assert config == {"lr": 0.1, "epochs": 5}
    for content, complaint in (
        ("- 1", "does not contain a mapping"),
        ("a: [", "cannot be read"),
        (None, "cannot be read"),
    ):
        if content is None:
            file.unlink()
        else:
            file.write_text(content)
        with pytest.raises(ConfigError, match=complaint):
            config.update(str(file))


def test_flags_of_absl_are_read_as_their_values() -> None:
    class FlagValues:
        def flag_values_dict(self) -> dict[str, object]:
            return {"lr": 0.1}

    config = Config({})
    config.update(FlagValues())
    assert config == {"lr": 0.1}


def test_only_included_keys_are_read() -> None:
    values = {"lr": 0.1, "epochs": 3}
    assert chosen(values, ["lr"], None) == {"lr": 0.1}
    assert chosen(values, None, ["lr"]) == {"epochs": 3}
    with pytest.raises(ConfigError, match="not both"):
        chosen(values, ["lr"], ["epochs"])


def test_removing_items_keeps_those_of_the_sweep() -> None:
    config = Config({"lr": 0.5})
    config.update({"a": 1, "b": 2, "c": 3})
    assert config.pop("lr") == 0.5
    assert config.pop("a") == 1
    assert config.pop("gone", None) is None
    assert config.popitem() == ("c", 3)
    config.clear()
    assert config == {"lr": 0.5}
    with pytest.raises(KeyError):
        config.popitem()
    with pytest.raises(KeyError):
        config.pop("gone")


def test_values_set_together_are_one_change() -> None:
    changes: list[int] = []
    config = Config({})
    on_change(config, lambda: changes.append(len(config)))
    config.update(dict.fromkeys(map(str, range(1_000)), 1))
    config.setdefaults({"more": 1, "1": 2})
    config["one"] = 1
    config.clear()
    assert changes == [1_000, 1_001, 1_002, 0]


def test_a_group_that_contains_itself_is_refused_by_name() -> None:
    circle: dict[str, object] = {}
    circle["inner"] = circle
    config = Config({})
    with pytest.raises(ConfigError, match="contains itself"):
        config["circle"] = circle
    assert config == {}


def test_an_update_with_equal_values_is_allowed() -> None:
    config = Config({"opt": {"k": 1}})
    same: dict[str, object] = {"w": np.zeros(3), "nan": math.nan, "opt": {"l": 2}}
    config.update(same)
    config.update({"w": np.zeros(3), "nan": float("nan"), "opt": {"k": 9, "l": 2}})
    for changed in ({"w": np.ones(3)}, {"w": np.zeros(4)}, {"opt": {"l": 3}}):
        with pytest.raises(ConfigError, match="allow_val_change=True"):
            config.update(changed)
    config.update({"w": 1, "opt": {"l": 3}}, allow_val_change=True)
    assert config == {"opt": {"k": 1, "l": 3}, "w": 1, "nan": config["nan"]}
