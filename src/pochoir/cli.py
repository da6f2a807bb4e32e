"""The command `pochoir <task> overrides…`: a table of tasks, Hydra, errors for people, exit codes."""

import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import hydra
from hydra._internal.utils import get_args_parser  # Hydra's own options, which stand among the overrides
from hydra.errors import HydraException
from omegaconf import DictConfig
from omegaconf.errors import OmegaConfBaseException

from pochoir import __version__
from pochoir.config import SCHEMAS, Request
from pochoir.errors import ConfigError, PochoirError, fail, suggestion
from pochoir.files import storage_error

TASKS = {
    "stylize": "paint photos in the style of paintings",
    "partial": "paint chosen objects of a photo, or everything but them",
    "film": "paint chosen objects of a film, or everything but them",
    "train_seg": "fine-tune a segmenter on annotated photos",
    "train_painter": "train a network that paints at once",
    "predict_seg": "find objects in photos",
    "eval_seg": "measure a segmenter by COCO AP",
    "export_seg": "a segmenter's weights as a small file",
    "export_painter": "a painter as a small file, or for other programs",
    "studio": "a page in the browser: paint, train and compare by hand",
    "compare": "runs and sweeps side by side",
}
BROKEN_PIPE = 141
"""What a shell gives for a program that SIGPIPE ended."""
HELP = """pochoir {version}: cut a stencil with Mask R-CNN, paint by neural style transfer, paint through it.

pochoir <task> [key=value …]      settings and their defaults: pochoir <task> --cfg job
pochoir <task> -m key=a,b,c       a sweep
pochoir <task> -m 'content=glob:photos/*.jpg'     a job for each file

{tasks}

Tab completion in bash (zsh and fish likewise):  eval "$(pochoir -sc install=bash)"
"""


def main(task: str | None = None) -> None:
    """Run a task: the command's first word, or the one whose script this is."""
    program, *words = sys.argv
    if task is None:
        task, words = _chosen(words)
    try:
        if task == "compare":
            _compare(words)
        else:
            _run(task, words, program)
    except PochoirError as error:
        fail(error)
    except (HydraException, OmegaConfBaseException) as error:
        fail(ConfigError(str(error)))
    except BrokenPipeError:  # whoever reads what is printed has seen enough, such as head
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(BROKEN_PIPE)
    except OSError as error:
        if (known := storage_error(error)) is None:
            raise
        fail(known)


def _chosen(words: list[str]) -> tuple[str, list[str]]:
    if words[:1] == ["-sc"] or words[:1] == ["--shell-completion"]:
        return _completed(words)
    if not words or words[0] in {"-h", "--help", "help"}:
        listed = "\n".join(f"  {name:14} {summary}" for name, summary in TASKS.items())
        print(HELP.format(version=__version__, tasks=listed))
        sys.exit()
    if words[0] == "--version":
        print(__version__)
        sys.exit()
    if words[0] not in TASKS:
        known = ", ".join(TASKS) + suggestion(words[0], TASKS)
        fail(ConfigError(f"'{words[0]}' is no task; there are {known}"))
    return words[0], words[1:]


def _completed(words: list[str]) -> tuple[str, list[str]]:
    """Hydra completes the settings of one task; the tasks themselves are completed here."""
    program, *typed = os.environ.get("COMP_LINE", "").split(" ")
    if words[-1].startswith("query"):
        if len(typed) < 2:
            print(" ".join(name for name in TASKS if name.startswith("".join(typed))))
            sys.exit()
        if typed[0] not in SCHEMAS:
            sys.exit()
        if typed[-1].startswith("experiment="):
            print(" ".join(f"experiment={name}" for name in Request(typed[0]).choices()["experiment"]))
            sys.exit()
    task, *typed = typed or ["stylize"]
    os.environ["COMP_LINE"] = " ".join([program, *typed])
    return task, words


def _run(task: str, words: list[str], program: str) -> None:
    arguments = get_args_parser().parse_intermixed_args(words)
    options = [word for word in words if word not in arguments.overrides]
    overrides = arguments.overrides
    if not (arguments.shell_completion or arguments.hydra_help):
        folders = [] if arguments.config_dir is None else [Path(arguments.config_dir).resolve()]
        request = Request(task, overrides, folders, arguments.multirun)
        if not (arguments.cfg or arguments.info or arguments.help):
            request.check()
        if arguments.help:
            print(f"pochoir {task}: {TASKS[task]}\n\nTo choose from:")
            for group, choices in request.choices().items():
                print(f"  {group:12} {', '.join(choices)}")
            print("\nSettings, as they are with what is given:")
        overrides = request.words()
    as_typed = sys.argv
    os.environ.setdefault("HYDRA_FULL_ERROR", "1")  # errors come here instead of being printed by Hydra

    def job(config: DictConfig) -> float | None:
        sys.argv = as_typed  # Lightning starts further processes by it
        from pochoir.runs.job import run_job

        try:
            return run_job(task, config)
        except PochoirError as error:  # here, before Hydra has a word to say
            fail(error)

    sys.argv = [program, *options, *overrides]
    decorate: Callable = hydra.main(version_base="1.3", config_path="pkg://pochoir.conf", config_name=task)
    decorate(job)()


def _compare(words: Sequence[str]) -> None:
    import argparse
    from datetime import datetime

    parser = argparse.ArgumentParser(
        prog="pochoir compare", description="A table in the terminal, and one HTML page with the pictures."
    )
    parser.add_argument("runs", nargs="+", help="folders of runs or of sweeps, or patterns of them")
    default = Path("outputs/compare") / f"{datetime.now():%Y-%m-%d_%H-%M-%S}.html"
    parser.add_argument("--html", type=Path, default=default, help="where the page goes (default: outputs/compare/)")
    arguments = parser.parse_args(words)
    from pochoir.experiments.comparison import compare

    compare(arguments.runs, arguments.html)
