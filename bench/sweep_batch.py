"""What painting several pictures as one batch would gain: the encoder forwards and backwards, in batches of 1, 2 and 4.

    python bench/sweep_batch.py

Prints milliseconds a picture, in the types and sizes of a sweep. The encoder is nearly all of a painting step. Writes
outputs/bench/sweep_batch.json.
"""

import time
from pathlib import Path

import torch
from rich.table import Table

from console import console
from pochoir.config import load_config
from pochoir.experiments.versions import versions
from pochoir.files import write_json
from pochoir.stylization.encoder import Encoder, build_encoder

BATCHES = (1, 2, 4)
SIZES = ((86, 128), (171, 256), (341, 512))
ROUNDS = 7


def milliseconds(encoder: Encoder, layers: tuple[str, ...], batch: int, size: tuple[int, int]) -> float:
    """Median time a picture of one pass forwards and backwards."""
    pictures = torch.rand(batch, 3, *size, requires_grad=True)
    seconds = []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        features = encoder.features(pictures, layers)
        torch.stack([value.square().mean() for value in features.values()]).sum().backward()
        seconds.append(time.perf_counter() - started)
    return 1e3 * sorted(seconds)[ROUNDS // 2] / batch


def main() -> None:
    torch.set_flush_denormal(True)
    config = load_config("stylize").encoder
    encoder = build_encoder(config)
    table = Table(title="Milliseconds a picture")
    for column in ("type", "size", *(f"batch of {batch}" for batch in BATCHES)):
        table.add_column(column, justify="right")
    rows = []
    for dtype in (torch.bfloat16, torch.float32):
        cast = encoder.cast(dtype)
        for size in SIZES:
            times = [milliseconds(cast, config.layers, batch, size) for batch in BATCHES]
            rows.append({"dtype": str(dtype), "size": size, "milliseconds": dict(zip(BATCHES, times, strict=True))})
            table.add_row(str(dtype), f"{size[0]}×{size[1]}", *(f"{value:.0f}" for value in times))
    console.print(table)
    write_json(Path("outputs/bench/sweep_batch.json"), {"rows": rows, "versions": versions()})


if __name__ == "__main__":
    main()
