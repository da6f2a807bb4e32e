"""Where to compute is found by what a machine has, and what it lacks is told before anything is computed."""

import importlib
from pathlib import Path
from typing import Any

import pytest
import torch

from pochoir import devices
from pochoir.config import load_config
from pochoir.devices import check_devices, device_of, fast_type, is_main_process
from pochoir.errors import ConfigError


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Pretend a machine of so many NVIDIA GPUs, and Apple's or not."""

    def pretend(*, cuda: int = 0, mps: bool = False) -> None:
        monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda > 0)
        monkeypatch.setattr(torch.cuda, "device_count", lambda: cuda)
        monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)

    return pretend


def test_words_mean_devices(machine: Any) -> None:
    machine(cuda=2)
    assert [device_of(word).type for word in ("auto", "cpu", "gpu", "cuda")] == ["cuda", "cpu", "cuda", "cuda"]
    machine(mps=True)
    assert [device_of(word).type for word in ("auto", "cpu", "gpu", "mps")] == ["mps", "cpu", "mps", "mps"]
    machine()
    assert [device_of(word).type for word in ("auto", "cpu")] == ["cpu", "cpu"]


@pytest.mark.parametrize("word", ["gpu", "cuda", "mps"])
def test_what_is_not_there_is_told(word: str, machine: Any) -> None:
    machine()
    with pytest.raises(
        ConfigError, match=f"device: torch finds no {word} on this machine; device=cpu works everywhere"
    ):
        device_of(word, "device")


def test_words_that_there_are_not(machine: Any) -> None:
    with pytest.raises(ConfigError, match="accelerator: 'gpus' is none of cpu, cuda, mps, gpu, auto"):
        device_of("gpus")


@pytest.mark.parametrize("accelerator", ["cpu", "auto"])
def test_what_is_everywhere_is_not_counted(accelerator: str, machine: Any) -> None:
    machine()
    check_devices(accelerator, 8)


def test_missing_ones_are_counted(machine: Any) -> None:
    machine(cuda=2)
    check_devices("gpu", 2)
    with pytest.raises(ConfigError, match=r"trainer\.devices: 3 × cuda asked for, but torch finds 2 "):
        check_devices("gpu", 3)
    with pytest.raises(ConfigError, match=r"trainer\.accelerator: torch finds no mps .*trainer\.accelerator=cpu"):
        check_devices("mps", 1)


def test_a_mac_has_one(machine: Any) -> None:
    machine(mps=True)
    check_devices("gpu", 1)
    check_devices("mps", 1)
    with pytest.raises(ConfigError, match="2 × mps asked for, but torch finds 1"):
        check_devices("gpu", 2)


@pytest.mark.parametrize(
    ("task", "overrides"),
    [
        ("stylize", ["content=builtin:portrait", "style=builtin:ink", "trainer.accelerator=gpu"]),
        ("partial", ["content=builtin:portrait", "style=builtin:ink", "trainer.accelerator=gpu"]),
        ("train_seg", ["trainer=gpu"]),
        ("predict_seg", ["input=builtin:portrait", "accelerator=gpu"]),
        ("eval_seg", ["accelerator=gpu"]),
    ],
)
def test_every_task_says_that_there_is_no_gpu(task: str, overrides: list[str], tmp_path: Path, machine: Any) -> None:
    machine()
    settings = load_config(task, overrides)
    key = "accelerator" if task in ("predict_seg", "eval_seg") else "trainer.accelerator"
    with pytest.raises(ConfigError, match=rf"^{key}: torch finds no gpu on this machine; {key}=cpu works"):
        importlib.import_module(f"pochoir.runs.{task}").run(settings, tmp_path)


@pytest.mark.parametrize(
    ("amx", "avx512", "amd", "fast"),
    [
        (False, False, True, torch.float32),
        (True, False, False, torch.bfloat16),
        (False, True, False, torch.float32),  # Intel's instructions without matrix units gain nothing
        (False, True, True, torch.bfloat16),
    ],
)
def test_a_processor_is_fast_in_what_it_has_units_for(
    amx: bool, avx512: bool, amd: bool, fast: torch.dtype, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By what it is: a clock would choose by how busy the machine is."""
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: amx, raising=False)
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: avx512, raising=False)
    monkeypatch.setattr(devices, "_is_amd", lambda: amd)
    devices._cpu_has_bfloat16_units.cache_clear()
    try:
        assert fast_type(torch.device("cpu")) is fast
    finally:
        devices._cpu_has_bfloat16_units.cache_clear()


@pytest.mark.parametrize(("units", "fast"), [(True, torch.bfloat16), (False, torch.float32)])
def test_a_gpu_likewise(units: bool, fast: torch.dtype, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: units or including_emulation)
    assert fast_type(torch.device("cuda")) is fast
    assert fast_type(torch.device("mps")) is torch.float32


@pytest.mark.parametrize(
    ("numbers", "main"),
    [
        ({}, True),
        ({"RANK": "0", "LOCAL_RANK": "0"}, True),
        ({"RANK": "1", "LOCAL_RANK": "0"}, False),  # torchrun's second machine
        ({"NODE_RANK": "1", "LOCAL_RANK": "0"}, False),  # Lightning's
        ({"SLURM_PROCID": "0"}, True),
        ({"SLURM_PROCID": "3"}, False),
        ({"SLURM_PROCID": "0", "LOCAL_RANK": "1"}, False),  # an interactive job, in which Lightning starts the others
    ],
)
def test_one_process_speaks_for_all(numbers: dict[str, str], main: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("RANK", "NODE_RANK", "LOCAL_RANK", "SLURM_PROCID"):
        monkeypatch.delenv(name, raising=False)
    for name, number in numbers.items():
        monkeypatch.setenv(name, number)
    assert is_main_process() is main
