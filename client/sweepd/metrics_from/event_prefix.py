"""Prefix of the tags of an event file: its folders in TensorBoard, without those that only name a run."""

import re

# Names that writers and people give to the folder of one run: they differ from run to run, so that no key
# with them could be an objective.
_OF_A_RUN = re.compile(
    r"""
      [A-Z][a-z]{2}\d{2}_\d{2}-\d{2}-\d{2}_.+    # SummaryWriter: Dec01_20-15-00_host
    | version_\d+                                # Lightning
    | [A-Z][A-Z0-9]+_\d+                         # Stable-Baselines3: PPO_1
    | (?i:run|exp|experiment|trial|job|attempt)[-_.]?\d+
    | \d+(?:\.\d+)?                              # a number, or a Unix time, as add_hparams has it
    | .*\d{4}-?\d{2}-?\d{2}.*                    # a date
    | \d{2}[-_.]\d{2}[-_.]\d{2}                  # the time of day below it
    | [0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12} | [0-9a-f]{16,}
    | .*=.*                                      # parameters: lr=0.1,depth=3
    """,
    re.VERBOSE,
)
# Names of folders in which those of runs are.
_OF_RUNS = frozenset({"runs", "logs", "lightning_logs", "tb_logs", "tensorboard", "tensorboard_logs", "tb"})


def event_prefix(name: str, run_id: str = "") -> str:
    """Return what comes before the tags of an event file, with a slash at its end; empty: nothing does.

    Args:
        name: of the file, relative to the folder that is read.
        run_id: id of the run; a folder with it in its name is the run's own.
    """
    folders = name.split("/")[:-1]
    while folders and _names_a_run(folders[0], run_id):
        del folders[0]
    return "".join(f"{folder}/" for folder in folders)


def _names_a_run(folder: str, run_id: str) -> bool:
    return folder in _OF_RUNS or bool(run_id and run_id in folder) or _OF_A_RUN.fullmatch(folder) is not None
