"""What a run computes on is looked for before it starts."""

import pytest
import torch

from pochoir.devices import check_devices
from pochoir.errors import ConfigError


@pytest.mark.parametrize("accelerator", ["cpu", "auto"])
def test_what_is_everywhere_is_not_looked_for(accelerator: str) -> None:
    check_devices(accelerator, 8)


def test_missing_ones_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    check_devices("gpu", 2)
    with pytest.raises(ConfigError, match=r"3 × gpu asked for, but torch finds 2 .*trainer.accelerator=cpu"):
        check_devices("gpu", 3)
    with pytest.raises(ConfigError, match="1 × mps asked for, but torch finds 0"):
        check_devices("mps", 1)


def test_a_mac_has_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    check_devices("gpu", 1)
    check_devices("mps", 1)
