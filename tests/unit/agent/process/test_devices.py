"""Devices of slots."""

from __future__ import annotations

from pathlib import Path

import pytest

from sweepd_agent.process.devices import DevicesError, devices_of_slots, listed_devices, parse_devices

LISTING = """GPU 0: NVIDIA A100-SXM4-40GB (UUID: GPU-5d5ba0d6)
  MIG 3g.20gb     Device  0: (UUID: MIG-c6d4f1ef)
  MIG 3g.20gb     Device  1: (UUID: MIG-cba663e8)
GPU 1: NVIDIA A100-SXM4-40GB (UUID: GPU-0d86b2f5)
"""


def nvidia_smi(folder: Path, script: str) -> dict[str, str]:
    """Return an environment whose only program is a fake nvidia-smi."""
    program = folder / "nvidia-smi"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    return {"PATH": str(folder)}


@pytest.mark.parametrize(
    ("text", "devices"),
    [
        ("0,1,2,3", ("0", "1", "2", "3")),
        (" GPU-5d , MIG-c6/1/0", ("GPU-5d", "MIG-c6/1/0")),
        ("7", ("7",)),
        ("00,1", ("0", "1")),
    ],
)
def test_devices_are_named_by_index_or_id_as_written(text: str, devices: tuple[str, ...]) -> None:
    assert parse_devices(text) == devices


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "not a list"),
        ("0,,1", "not a list"),
        ("0 1", "not a list"),
        ("-1", "not a list"),
        ("1,-1", "not a list"),
        ("0,0", "twice"),
        ("0,00", "twice"),
    ],
)
def test_an_invalid_list_of_devices_is_refused(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        parse_devices(text)


def test_each_slot_gets_its_number_of_devices_in_order() -> None:
    assert devices_of_slots(2, 2, ("0", "1", "2", "3", "4"), {}) == (("0", "1"), ("2", "3"))
    assert devices_of_slots(3, 0, None, {"PATH": ""}) == ((), (), ())


@pytest.mark.parametrize(
    ("visible", "devices"),
    [
        ("2,3", ("2", "3")),
        ("GPU-a, MIG-b", ("GPU-a", "MIG-b")),
        ("2,-1,3", ("2",)),
        ("", ()),
        ("NoDevFiles", ()),
    ],
)
def test_the_agents_own_devices_are_divided(visible: str, devices: tuple[str, ...]) -> None:
    environ = {"CUDA_VISIBLE_DEVICES": visible, "PATH": ""}
    if devices:
        assert devices_of_slots(len(devices), 1, None, environ) == tuple((device,) for device in devices)
    with pytest.raises(DevicesError, match="CUDA_VISIBLE_DEVICES"):
        devices_of_slots(len(devices) + 1, 1, None, environ)


def test_devices_are_detected_if_none_are_given(tmp_path: Path) -> None:
    environ = nvidia_smi(tmp_path, f'[ "$1" = -L ] && /bin/cat <<E\n{LISTING}E')
    assert devices_of_slots(3, 1, None, environ) == (("MIG-c6d4f1ef",), ("MIG-cba663e8",), ("GPU-0d86b2f5",))


@pytest.mark.parametrize("script", ["echo no devices were found; exit 6", "exit 0"])
def test_a_machine_without_devices_has_none(tmp_path: Path, script: str) -> None:
    with pytest.raises(DevicesError, match=r"needs 1 GPU; found 0 GPUs \(nvidia-smi\)"):
        devices_of_slots(1, 1, None, nvidia_smi(tmp_path, script))


def test_too_few_devices_are_reported_in_one_line_with_their_number() -> None:
    with pytest.raises(DevicesError) as raised:
        devices_of_slots(4, 2, ("0",), {})
    assert str(raised.value) == "--slots 4 with --gpus-per-run 2 needs 8 GPUs; found 1 GPU (--gpus)"
    with pytest.raises(DevicesError, match="nvidia-smi is not installed; list the GPUs with --gpus 0,1,…"):
        devices_of_slots(1, 1, None, {"PATH": "/nowhere"})
    with pytest.raises(DevicesError, match="twice"):
        devices_of_slots(1, 1, None, {"CUDA_VISIBLE_DEVICES": "1,1"})


def test_partitions_of_a_device_count_as_that_device() -> None:
    assert listed_devices(LISTING) == ("MIG-c6d4f1ef", "MIG-cba663e8", "GPU-0d86b2f5")
    assert listed_devices("No devices found.\n") == ()
