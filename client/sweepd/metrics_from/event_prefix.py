"""Prefix of the tags of an event file: its folders in TensorBoard, without those that only name a run."""

import re

# Names that no two runs have: a key with one of them could be no objective.
_OF_ONE_RUN = re.compile(
    r"""
      [A-Z][a-z]{2}\d{2}_\d{2}-\d{2}-\d{2}_.+    # SummaryWriter: Dec01_20-15-00_host
    | .*\d{4}-?\d{2}-?\d{2}.*                    # a date
    | \d{2}[-_.]\d{2}[-_.]\d{2}                  # the time of day below it
    | [0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12} | [0-9a-f]{16,}
    """,
    re.VERBOSE,
)
# Names that writers and people give to the folder of one run, and sometimes to what is inside a run.
_OF_A_RUN = re.compile(
    r"""
      version_\d+                                # Lightning
    | [A-Z][A-Z0-9]+_\d+                         # Stable-Baselines3: PPO_1
    | (?i:run|exp|experiment|trial|job|attempt)[-_.]?\d+
    | \d+(?:\.\d+)?                              # a number, or a Unix time, as add_hparams has it
    | .*=.*                                      # parameters: lr=0.1,depth=3
    """,
    re.VERBOSE,
)
# Names of folders in which those of runs are.
_OF_RUNS = frozenset({"runs", "logs", "lightning_logs", "tb_logs", "tensorboard", "tensorboard_logs", "tb"})


def event_prefix(name: str, run: str = "") -> str:
    """Return what comes before the tags of an event file, with a slash at its end; empty: nothing does.

    Args:
        name: of the file, relative to the folder that is read.
        run: full name of the run; folders of that name, or one with its id, are the run's own.
    """
    folders = _without_full_name(name.split("/")[:-1], run.split("/"))
    kept = [folder for folder in folders if not _names_one_run(folder, run.rpartition("/")[2])]
    while kept and (kept[0] in _OF_RUNS or _OF_A_RUN.fullmatch(kept[0])):
        del kept[0]
    return "".join(f"{folder}/" for folder in kept)


def _without_full_name(folders: list[str], parts: list[str]) -> list[str]:
    for start in range(len(folders)):
        if folders[start : start + len(parts)] == parts:
            return folders[:start] + folders[start + len(parts) :]
    return folders


def _names_one_run(folder: str, run_id: str) -> bool:
    return bool(run_id and run_id in folder) or _OF_ONE_RUN.fullmatch(folder) is not None
