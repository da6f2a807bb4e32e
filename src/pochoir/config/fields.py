"""How the dataclasses of settings declare ranges, and checks that several of them share."""

import math
from dataclasses import field
from typing import Any


def setting(default: Any, *, low: float | None = None, high: float | None = None, choices: tuple[str, ...] = ()) -> Any:
    """A dataclass field with its inclusive range or its allowed words."""
    return field(default=default, metadata={"low": low, "high": high, "choices": choices})


def not_whole(config: Any, *names: str) -> list[str]:
    """Problems of fields that are a share below 1 and a count from 1 on."""
    values = {name: getattr(config, name) for name in names}
    return [
        f"{name}: {value:g} is neither a share below 1 nor a whole number"
        for name, value in values.items()
        if value is not None and math.isfinite(value) and value > 1 and value != round(value)
    ]
