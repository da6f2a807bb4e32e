"""Sweeps through the scripts: failed jobs, continuing, launchers, optimisers, and what is refused."""

import csv
import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import numpy as np
import pytest
import yaml
from hydra import initialize_config_module
from hydra.core.global_hydra import GlobalHydra
from hydra.types import RunMode
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData

from pochoir.errors import ConfigError
from pochoir.experiments.multirun import refuse_shared_folders
from pochoir.images import write_image

ROOT = Path(__file__).parents[2]
FAST = ["size=48", "recipe.steps=[2]", "milestones=0", "trainer.enable_progress_bar=false", "encoder.precision=float32"]


OF_LAUNCHERS = {
    "joblib": "hydra.launcher.n_jobs=2",
    "submitit_local": "hydra.launcher.timeout_min=5",
    "ray": "+hydra.launcher.ray.init.num_cpus=2",
}
"""Launchers of several processes, and a setting of each; Ray has an environment of its own (the extra `cluster`)."""


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    folder = tmp_path_factory.mktemp("files")
    rng = np.random.default_rng(0)
    for name in ("content", "style"):
        write_image(folder / f"{name}.png", rng.integers(0, 255, (48, 64, 3), dtype=np.uint8))
    return [f"content={folder / 'content.png'}", f"style={folder / 'style.png'}"]


def run(script: str, *arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / "scripts" / f"{script}.py"), *arguments]
    environment = {**os.environ, "COLUMNS": "200"}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def rows(sweep: Path) -> list[dict[str, str]]:
    with (sweep / "summary.csv").open() as file:
        return list(csv.DictReader(file))


LAYERS = "encoder.style_layers=[relu1_1],[relu9_9]"


@pytest.fixture(scope="module")
def sweep(files: list[str], tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, subprocess.CompletedProcess[str]]:
    """Two weights by two lists of layers, one of which does not exist."""
    folder = tmp_path_factory.mktemp("sweep")
    command = ["-m", *files, *FAST, "recipe.style_weight=1,10", LAYERS, "hydra.sweep.dir=sweep"]
    return folder, run("stylize", *command, folder=folder)


def test_failed_jobs_are_in_the_table_and_in_the_exit_code(
    sweep: tuple[Path, subprocess.CompletedProcess[str]],
) -> None:
    folder, result = sweep
    assert result.returncode == 3, result.stderr
    assert {"summary.csv", "contact_sheet.png", "metrics.png"} <= {path.name for path in (folder / "sweep").iterdir()}
    table = rows(folder / "sweep")
    assert [row["status"] for row in table] == ["finished", "failed", "finished", "failed"]
    assert "did you mean" in table[1]["error"]
    assert float(table[2]["loss"]) == pytest.approx(float(table[2]["objective"]))
    assert "2 of 4 jobs finished" in result.stdout
    assert "relu9_9" in (folder / "sweep" / "3" / "run.md").read_text()


def test_a_sweep_finds_a_folder_of_its_own(files: list[str], tmp_path: Path) -> None:
    result = run("stylize", "-m", *files, *FAST, "seed=1,2", folder=tmp_path)
    assert result.returncode == 0, result.stderr
    (found,) = (tmp_path / "outputs/stylize/sweeps").iterdir()
    assert [row["status"] for row in rows(found)] == ["finished", "finished"]


def test_tensorboard_has_readable_names_and_swept_hyperparameters(
    sweep: tuple[Path, subprocess.CompletedProcess[str]],
) -> None:
    events = next((sweep[0] / "sweep" / "2").glob("*/events*")).parent
    assert events.name == "style_weight=10 style_layers=relu1_1"
    read = EventAccumulator(str(events)).Reload()
    content = read.PluginTagToContent("hparams")["_hparams_/session_start_info"]
    hparams = HParamsPluginData.FromString(content).session_start_info.hparams
    assert {name: value.number_value or value.string_value for name, value in hparams.items()} == {
        "recipe.style_weight": 10,
        "encoder.style_layers": "relu1_1",
    }
    assert read.Scalars("saved/loss")[0].value > 0
    assert "custom_scalars__config__" in read.Tags()["tensors"]


def test_a_sweep_that_was_broken_off_goes_on(sweep: tuple[Path, subprocess.CompletedProcess[str]]) -> None:
    """One job is finished, one was being painted, two were not begun."""
    folder, first = sweep
    status = folder / "sweep" / "2" / "status.json"
    status.write_text(json.dumps({**json.loads(status.read_text()), "status": "running"}))
    finished = (folder / "sweep" / "0" / "status.json").stat().st_mtime_ns
    before = rows(folder / "sweep")
    result = run("stylize", *first.args[2:], folder=folder)
    assert result.returncode == 3
    assert (folder / "sweep" / "0" / "status.json").stat().st_mtime_ns == finished
    assert "sweep/0: finished already" in result.stdout
    assert json.loads(status.read_text())["status"] == "finished"
    assert [row["loss"] for row in rows(folder / "sweep")] == [row["loss"] for row in before]


def test_an_interrupted_sweep_has_a_table_as_far_as_it_came(files: list[str], tmp_path: Path) -> None:
    command = [sys.executable, str(ROOT / "scripts" / "stylize.py"), "-m", *files, *FAST, "recipe.steps=[2],[900000]"]
    with subprocess.Popen([*command, "hydra.sweep.dir=sweep"], cwd=tmp_path, stdout=subprocess.DEVNULL) as process:
        deadline = time.monotonic() + 120
        while not (tmp_path / "sweep" / "1" / "plan.json").exists() and time.monotonic() < deadline:
            time.sleep(0.1)
        process.send_signal(signal.SIGINT)
    assert process.returncode != 0
    assert [row["status"] for row in rows(tmp_path / "sweep")] == ["finished"]


def test_jobs_called_by_their_overrides_are_found_and_continued(files: list[str], tmp_path: Path) -> None:
    """The slashes of content=/…/content.png make folders within folders; the second job is broken off."""
    naming = "hydra.sweep.subdir='${hydra.job.override_dirname}'"
    words = ["-m", *files, *FAST, "recipe.steps=[2],[200]", naming, "hydra.sweep.dir=sweep"]
    command = [sys.executable, str(ROOT / "scripts" / "stylize.py"), *words]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, text=True) as process:
        deadline = time.monotonic() + 120
        while not list(tmp_path.glob("sweep/**/last.ckpt")) and time.monotonic() < deadline:
            time.sleep(0.05)  # that of the second: two steps are over before one is written
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate()
    assert process.returncode == 130
    assert out.rstrip().endswith(f"hydra.sweep.dir={tmp_path / 'sweep'}")
    (first,) = rows(tmp_path / "sweep")
    assert (first["status"], first["recipe.steps"]) == ("finished", "[2]")
    assert (tmp_path / "sweep" / first["job"] / "result.png").exists()
    assert first["job"].count("/") > 1
    again = run("stylize", *words, folder=tmp_path)
    assert again.returncode == 0, again.stderr
    assert "2 of 2 jobs finished" in again.stdout
    assert "finished already" in again.stdout
    assert [row["recipe.steps"] for row in rows(tmp_path / "sweep")] == ["[2]", "[200]"]
    assert rows(tmp_path / "sweep")[0] == first


@pytest.mark.parametrize(
    ("subdir", "message"),
    [
        ("all", "all puts job 1 into 'all', as job 0; leave it at ${hydra.job.num}"),
        ("${content}/${seed}", "puts job 2 into 'a/0', as job 0"),
        ("${recipe.style_weight}/${content}", "puts job 1 into '1/a/b', within the folder of job 0"),
        ("../${hydra.job.num}", "puts job 0 into '../0', which is not in the sweep's folder"),
        ("/tmp/${hydra.job.num}", "puts job 0 into '/tmp/0', which is not in the sweep's folder"),
        ("x/../.", "puts job 0 into 'x/../.', which is not in the sweep's folder"),
        ("a${now:%S}_${hydra.job.num}", "would be another when the sweep is continued"),
        ("x" * 300 + "${hydra:job.num}", "a longer name than disks take"),
    ],
)
def test_jobs_without_a_folder_of_their_own_are_refused(subdir: str, message: str) -> None:
    words = ["recipe.style_weight=1,10", "content=a,a/b", f"hydra.sweep.subdir={subdir}"]
    with initialize_config_module("pochoir.conf", version_base="1.3"):
        loader: Any = GlobalHydra.instance().config_loader()
        config = loader.load_configuration("stylize", words, RunMode.MULTIRUN)
        with pytest.raises(ConfigError) as caught:
            refuse_shared_folders(config)
    assert message in str(caught.value)


def test_another_sweep_does_not_go_into_the_same_folder(
    sweep: tuple[Path, subprocess.CompletedProcess[str]],
) -> None:
    folder, first = sweep
    result = run("stylize", *first.args[2:], "seed=7", folder=folder)
    assert result.returncode == 2
    assert "holds another sweep" in result.stderr
    assert not list((folder / "sweep").glob("*/.hydra/*seed=7*"))


@pytest.mark.parametrize(
    "settings",
    [("trainer=ddp", "trainer.accelerator=cpu", "optim.lr=0.1,0.2"), ("trainer.num_nodes=1,2",)],
)
def test_jobs_that_would_start_processes_are_refused(tmp_path: Path, settings: tuple[str, ...]) -> None:
    result = run("train_seg", "-m", *settings, folder=tmp_path)
    assert result.returncode == 2
    assert "hydra/launcher=joblib" in result.stderr
    assert not list(tmp_path.rglob("status.json"))


@pytest.mark.parametrize("launcher", OF_LAUNCHERS)
def test_other_launchers_come_to_the_same(launcher: str, files: list[str], tmp_path: Path) -> None:
    pytest.importorskip(f"hydra_plugins.hydra_{launcher.removesuffix('_local')}_launcher")
    command = ["-m", *files, *FAST, "recipe.style_weight=1,10"]
    settings = [f"hydra/launcher={launcher}", OF_LAUNCHERS[launcher]]
    apart = run("stylize", *command, "hydra.sweep.dir=a", *settings, folder=tmp_path)
    assert apart.returncode == 0, apart.stderr
    assert run("stylize", *command, "hydra.sweep.dir=b", folder=tmp_path).returncode == 0
    tables = [
        [(row["job"], row["recipe.style_weight"], round(float(row["loss"]), 5)) for row in rows(tmp_path / name)]
        for name in ("a", "b")
    ]
    assert tables[0] == tables[1]
    assert len(tables[0]) == 2


def test_a_pattern_is_a_job_for_each_file(files: list[str], tmp_path: Path) -> None:
    """By a launcher that reads the overrides once more, in other processes."""
    pytest.importorskip("hydra_plugins.hydra_joblib_launcher")
    names = ["a b, c.png", "d=[1].png"]
    for name in (*names, "._a b, c.png"):
        write_image(tmp_path / "photos" / name, np.full((48, 48, 3), 99, dtype=np.uint8))
    command = ["-m", "content=glob:photos/*", files[1], *FAST, "seed=1,2", "hydra/launcher=joblib"]
    result = run("stylize", *command, "hydra.sweep.dir=sweep", folder=tmp_path)
    assert result.returncode == 0, result.stderr
    told = [(row["content"], row["seed"], row["status"]) for row in rows(tmp_path / "sweep")]
    assert told == [(f"photos/{name}", seed, "finished") for name in names for seed in ("1", "2")]
    alone = run("stylize", "content=glob:photos/*", files[1], folder=tmp_path)
    assert alone.returncode == 2
    assert "wants the option -m" in alone.stderr


def test_an_optimiser_gets_finite_objectives(files: list[str], tmp_path: Path) -> None:
    pytest.importorskip("hydra_plugins.hydra_optuna_sweeper")
    experiment = ["experiment=optimize_recipe", *files, *FAST, "hydra.sweeper.n_trials=3", "hydra.sweep.dir=o"]
    result = run("stylize", *experiment, folder=tmp_path)
    assert result.returncode == 0, result.stderr
    objectives = [float(row["objective"]) for row in rows(tmp_path / "o")]
    assert len(objectives) == 3
    best = yaml.safe_load((tmp_path / "o" / "optimization_results.yaml").read_text())
    assert best["best_value"] == pytest.approx(min(objectives))


def test_a_single_run_has_a_page(files: list[str], tmp_path: Path) -> None:
    result = run("stylize", *files, *FAST, "hydra.run.dir=one", folder=tmp_path)
    assert result.returncode == 0, result.stderr
    page = (tmp_path / "one" / "run.md").read_text()
    assert "pochoir stylize content=" in page
    assert "| recipe.steps | [2] |" in page
    assert "| seed |" not in page
    assert (tmp_path / "one" / "result.png").exists()


def test_a_live_tensorboard_shows_the_hyperparameters(sweep: tuple[Path, subprocess.CompletedProcess[str]]) -> None:
    """Asked as the browser asks it."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "tensorboard.main", "--logdir", str(sweep[0] / "sweep"), "--port", str(port)]
    server = subprocess.Popen([*command, "--host", "127.0.0.1", "--load_fast=false"], stderr=subprocess.DEVNULL)
    try:
        plugin = f"http://127.0.0.1:{port}/data/plugin/hparams"
        asked = {
            "experimentName": "",
            "allowedStatuses": ["STATUS_UNKNOWN", "STATUS_SUCCESS", "STATUS_RUNNING"],
            "colParams": [{"metric": {"group": "", "tag": "saved/loss"}}],
            "startIndex": 0,
            "sliceSize": 9,
        }
        question = Request(f"{plugin}/session_groups", json.dumps(asked).encode(), {"Content-Type": "application/json"})
        groups: list[dict[str, Any]] = []
        for _ in range(200):
            try:
                with urlopen(question, timeout=60) as answer:
                    groups = json.load(answer)["sessionGroups"]
            except OSError:  # it has not started yet
                groups = []
            if len(groups) == 2:
                break
            time.sleep(0.3)
    finally:
        server.terminate()
        server.wait()
    shown = {group["hparams"]["recipe.style_weight"]: group["metricValues"][0]["value"] for group in groups}
    told = {float(row["recipe.style_weight"]): float(row["loss"]) for row in rows(sweep[0] / "sweep") if row["loss"]}
    assert shown == pytest.approx(told)
