"""Meaning of the valid sweep files of wandb/, written from the behaviour of W&B."""

from dataclasses import dataclass

from sweepd.spec.point import Point

PYTHON = ("/usr/bin/env", "python")


@dataclass(frozen=True, slots=True)
class Expected:
    """Expected meaning of a file.

    Args:
        size: number of points; None: infinite.
        argv: the arguments of the first run of a grid, or of `point`.
        point: a point that a random method may draw; empty: the first of the grid.
        warnings: code and path of each.
    """

    size: int | None
    argv: tuple[str, ...]
    point: Point | None = None
    warnings: tuple[str, ...] = ()


RIGHT = {
    "accelerate": Expected(
        None,
        (
            *("accelerate", "launch", "--num_processes", "2", "--mixed_precision=fp16"),
            *("train_text_to_image_lora.py", "--output_dir=/scratch/out", "--gradient_checkpointing", "True"),
            *("--learning_rate", "1e-05", "--rank", "8"),
        ),
        {"rank": 8, "learning_rate": 1e-05, "gradient_checkpointing": True},
        ("changed-name project",),
    ),
    "anchors": Expected(
        4, (*PYTHON, "train.py", "--decay=0", "--momentum=0", "--student_lr=0.1", "--teacher_lr=0.1")
    ),
    "args_json_file": Expected(2, ("python", "train.py", "--config", "point.json")),
    "boolean_flags": Expected(4, (*PYTHON, "ppo.py", "--norm-adv", "--num-envs=4")),
    "categorical_written": Expected(3, (*PYTHON, "train.py", "--epochs=100", "--optimizer=adam")),
    "comments_everywhere": Expected(3, (*PYTHON, "train.py", "--dataset=cifar10")),
    "config_files": Expected(3, (*PYTHON, "main.py", "fit", "--config=runs/mlp.yaml")),
    "cuda_devices": Expected(
        2,
        (
            *("/usr/bin/env", "CUDA_VISIBLE_DEVICES=0", "WANDB_MODE=offline"),
            *("python", "-u", "train.py", "--seed=1"),
        ),
    ),
    "embedded_args": Expected(
        2,
        ("bash", "-c", "python ${program} ${args}"),
        None,
        ("embedded-macro command[2]", "embedded-macro command[2]"),
    ),
    "environment": Expected(5, ("bash", "run.sh", "/data/cifar", "--fold=0", "train.py")),
    "exponents": Expected(
        None,
        (*PYTHON, "train.py", "--lr=0.01", "--units=64"),
        {"lr": 0.01, "units": 64},
        ("exponent-bounds parameters.lr", "exponent-bounds parameters.units"),
    ),
    "exponents_meant_as_bounds": Expected(
        None,
        (*PYTHON, "train.py", "--batch_size=64", "--lr=1.005"),
        {"lr": 1.005, "batch_size": 64},
        ("exponent-bounds parameters.lr",),
    ),
    "function_agent": Expected(
        6, (), {"optimizer": "adam", "fc_layer_size": 128, "epochs": 1}, ("no-program ",)
    ),
    "hydra_append": Expected(
        6,
        ("python", "main.py", "+model/backbone=vit_b", "+seed=1", "hydra/launcher=basic"),
        None,
        ("slash-in-name parameters.model/backbone",),
    ),
    "hydra_override": Expected(
        2, ("/usr/bin/env", "python3", "main.py", "--multirun", "++optim.lr=0.1", "++optim.name=sgd")
    ),
    "hydra_overrides": Expected(
        None,
        (
            *(*PYTHON, "src/train.py", "logger=wandb"),
            "hydra.run.dir=logs/${now:%Y-%m-%d}/${oc.env:USER}",
            *("datamodule.batch_size=64", "experiment=cifar/resnet18", "model.optimizer.lr=0.001"),
            *("model.optimizer.weight_decay=0.0001", "trainer.max_epochs=50"),
        ),
        {
            "experiment": "cifar/resnet18",
            "datamodule.batch_size": 64,
            "model.optimizer.lr": 1e-3,
            "model.optimizer.weight_decay": 1e-4,
            "trainer.max_epochs": 50,
        },
        # Macros of Hydra itself are passed unchanged, as with W&B.
        ("unknown-macro command[4]", "unknown-macro command[4]"),
    ),
    "hyperband_max_iter": Expected(3, (*PYTHON, "train.py", "--hidden_size=256"), {"hidden_size": 256}),
    "hyperband_min_iter": Expected(3, (*PYTHON, "train.py", "--hidden_size=64"), {"hidden_size": 64}),
    "launch_job": Expected(None, (), {"learning_rate": 0.05, "batch_size": 16}, ("no-program ",)),
    "list_in_value": Expected(
        1,
        (*PYTHON, "train.py", "--bs=32", "--lr=[0.1, 0.01]"),
        None,
        ("constant-list parameters.lr.value",),
    ),
    "lists_and_mappings": Expected(
        9,
        (
            *(*PYTHON, "train.py", "--augmentation={'flip': True, 'rotate': 15}", "--kernel_sizes=[3, 5]"),
            *("--layers=[64, 64]", "--resume=None"),
        ),
        None,
        ("constant-list parameters.kernel_sizes.value",),
    ),
    "minimal_random": Expected(
        None,
        (*PYTHON, "train.py", "--batch_size=16", "--learning_rate=0.0001"),
        {"batch_size": 16, "learning_rate": 0.0001},
    ),
    "mixed_bounds": Expected(
        None,
        (*PYTHON, "train.py", "--dropout=0.0", "--gamma=0.95", "--layers=3"),
        {"dropout": 0.0, "gamma": 0.95, "layers": 3},
    ),
    "modules": Expected(5, (*PYTHON, "-m", "scripts.train", "--seed=0")),
    "multi_line_texts": Expected(2, (*PYTHON, "train.py", "--prompt=a cat\non a mat")),
    "nested": Expected(
        None,
        (
            *(*PYTHON, "train.py", "--data={'validation_split': 0.15}"),
            "--model={'booster': 'gbtree', 'max_depth': 12, 'subsample': 0.75}",
            "--optimizer={'adam': {'beta1': 0.9}}",
        ),
        {
            "data": {"validation_split": 0.15},
            "model": {"booster": "gbtree", "max_depth": 12, "subsample": 0.75},
            "optimizer": {"adam": {"beta1": 0.9}},
        },
        ("no-effect early_terminate.s",),
    ),
    "nested_json": Expected(
        2, (*PYTHON, "train.py", '{"amp": true, "net": {"act": "gelu", "width": 64}}')
    ),
    "no_early_termination": Expected(2, (*PYTHON, "train.py", "--lr=1e-05")),
    "numbers_of_every_kind": Expected(
        6,  # 1E3 and 1_000 are one value
        (
            *(*PYTHON, "train.py", "--a=1e-05", "--b=007", "--c=16", "--d=2023-01-31", "--e=True"),
            *("--f=on", "--g=None", "--h=3.0", "--i=3", "--j=none"),
        ),
    ),
    "probabilities": Expected(
        2_991 * 5 * 4 * 2,  # 10 to 3000 trees; "sqrt" is listed twice
        (
            *(*PYTHON, "run_experiment.py", "--model__bootstrap=True", "--model__max_depth=None"),
            *("--model__max_features=sqrt", "--model__n_estimators=3000", "--model_type=sklearn"),
        ),
        {
            "model_type": "sklearn",
            "model__n_estimators": 3000,
            "model__max_features": "sqrt",
            "model__max_depth": None,
            "model__bootstrap": True,
        },
    ),
    "quantised": Expected(
        None,
        (
            *(*PYTHON, "train.py", "--batch_size=256", "--hidden=144", "--mix=0.25", "--momentum=0.9"),
            *("--noise=-0.1", "--scale=2.5"),
        ),
        {"batch_size": 256, "momentum": 0.9, "hidden": 144, "noise": -0.1, "scale": 2.5, "mix": 0.25},
    ),
    "quoted_arguments": Expected(
        None,
        (
            *(*PYTHON, "main.py", "--algorithms", "PPO", "--other_algorithms", "", "--n_envs", "4"),
            *("--use_wandb", "true", "--clip", "0.5"),
            *("--ppo_batch_size=590", "--ppo_ent_coef=1e-08", "--ppo_lr=0.0005"),
        ),
        {"ppo_lr": 0.0005, "ppo_batch_size": 590, "ppo_ent_coef": 1e-8},
    ),
    "single_values": Expected(1, (*PYTHON, "evaluate.py", "--checkpoint=best.pt", "--split=test")),
    "torchrun": Expected(
        4,
        (
            *("/usr/bin/env", "torchrun", "--standalone", "--nproc_per_node=4", "train_ddp.py"),
            *("--bf16", "true", "--lr=0.0001", "--warmup-steps=100"),
        ),
    ),
    "unicode": Expected(
        3, (*PYTHON, "train.py", "--sprache=日本語"), None, ("changed-name project",)
    ),
    "uv_run": Expected(
        None,
        (
            *("uv", "run", "--frozen", "train.py", "--config-file", "configs/base.yaml"),
            *("--depth=8", "--dropout=0.25"),
        ),
        {"dropout": 0.25, "depth": 8},
    ),
    "wildcards": Expected(5, (*PYTHON, "./my scripts/train model.py", "--glob=data/*.csv")),
    "json_file": Expected(4, (*PYTHON, "train.py", "--lr=0.0001", "--note=None", "--use_bn=True")),
}  # fmt: skip
