"""Train: point to annotated photos, look at what is in them, train, watch, and use the result."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from nicegui import ui

from pochoir.studio.jobs import Job
from pochoir.studio.pages import parts
from pochoir.studio.state import Studio
from pochoir.studio.tabs import Tab
from pochoir.studio.training import LENGTHS, Curves, Training, curves, dataset_of, planned, train

LOOK_SECONDS = 1.0
BUILT_IN = "figures"
NAMES = {"loss": "loss", "mask_ap": "mask AP", "box_ap": "box AP", "mask_ap50": "mask AP at IoU .5"}


class TrainPart:
    """A tab's training. Data checks end with the tab; a training goes on without it, and is in the gallery."""

    def __init__(self, studio: Studio, tab: Tab, use: Callable[[str], None]) -> None:
        self.studio = studio
        self.tab = tab
        self.use = use
        self.place = ""
        self.source = "folder"
        self.length = "short"
        self.training: Training | None = None
        self.job: Job | None = None
        self.checks: list[Job] = []
        self._drawn: list[tuple[Path, float]] = []
        self._found: Curves = {}
        self._finished: Job | None = None
        self._plans = False
        self._build()

    @property
    def is_busy(self) -> bool:
        return self.job is not None and not self.job.is_over

    def _build(self) -> None:
        with ui.element("div").classes("grid grid-cols-1 lg:grid-cols-[380px_minmax(0,1fr)] gap-4 w-full"):
            with ui.element("section").classes("sheet w-full").props("aria-label='What to train on'"):
                parts.heading("Annotated photos")
                folders = {"folder": "a folder, or an annotation file", BUILT_IN: "drawn figures, to try it"}
                radio = ui.radio(folders, value=self.source, on_change=lambda e: self._from(e.value)).props("dense")
                radio.classes("mt-2")
                self.given = ui.input("Folder, or COCO JSON", on_change=lambda e: setattr(self, "place", e.value or ""))
                self.given.props("outlined dense").classes("w-full mt-2")
                readable = ", ".join(map(str, self.studio.settings.folders)) or "none yet"
                told = f"Folders that may be read: {readable}. pochoir studio folders=[photos] names them."
                ui.label(told).classes("quiet mt-1").style("overflow-wrap: anywhere")
                parts.heading("How long").classes("mt-4")
                lengths = {name: text for name, (text, _) in LENGTHS.items()}
                ui.radio(lengths, value=self.length, on_change=lambda e: setattr(self, "length", e.value)).props(
                    "dense"
                )
                self._buttons_seen()
            with ui.element("section").classes("sheet w-full min-w-0").props("aria-label='Training'"):
                self._run_seen()
        ui.timer(LOOK_SECONDS, self._look_after)

    def _from(self, source: str) -> None:
        self.source = source
        self.given.set_enabled(source == "folder")

    @ui.refreshable_method
    def _buttons_seen(self) -> None:
        with ui.row().classes("gap-2 mt-4"):
            check = ui.button("Check the data", icon="fact_check", on_click=lambda: self.begin(check=True))
            check.props("no-caps outline").set_enabled(not self.is_busy)
            start = ui.button("Train", icon="school", on_click=lambda: self.begin(check=False))
            start.props("no-caps unelevated color=accent").set_enabled(not self.is_busy)
            if self.is_busy:
                ui.button("Stop", icon="stop", on_click=self.stop).props("no-caps outline color=negative")

    @ui.refreshable_method
    def _run_seen(self) -> None:
        training, job = self.training, self.job
        if training is None or job is None:
            parts.heading("Trained since the studio was started" if self.studio.trainings else "Nothing is trained yet")
            ui.label("Check the data first: it says what is in it, and what is odd.").classes("quiet mt-1")
            self._others_seen()
            return
        parts.heading("What is in the data" if training.checks else "Training")
        self.status = ui.label("").classes("quiet").props("role=status aria-live=polite")
        if job.error:
            ui.label(job.error).classes("whitespace-pre-wrap text-negative mt-2").props("role=alert")
        self.chart: Any = None
        if not training.checks:
            self.chart = ui.echart(_options(self._found)).classes("w-full h-64")
            self.chart.props('role=img aria-label="Losses and AP"')
        with ui.row().classes("gap-2"):
            if job.is_over and training.weights is not None:
                use = partial(self.use, str(training.weights))
                ui.button("Use it in Paint", icon="brush", on_click=use).props("no-caps unelevated")
            if job.state == "stopped" and not training.checks:
                ui.button("Go on", icon="play_arrow", on_click=self.go_on).props("no-caps outline")
        self.pictures = ui.column().classes("w-full gap-3 mt-3")
        with ui.expansion("What it says", icon="notes", value=training.checks).classes("w-full mt-2"):
            self.log = ui.element("pre").classes("command").props("tabindex=0 aria-label='Messages of the run'")
            with self.log:
                self.lines = ui.label("")
        with ui.expansion("The same by the command", icon="terminal").classes("w-full"):
            parts.code(training.command)
        self._others_seen()
        self._drawn = []

    def _others_seen(self) -> None:
        """Trainings that are not shown, to be looked at."""
        for training, job in reversed(self.studio.trainings):
            if job is not self.job:
                what = "Look at" if job.is_over else "Watch"
                button = ui.button(f"{what}: {job.title}", on_click=partial(self.watch, training, job))
                button.props("no-caps outline").classes("mt-2")

    async def begin(self, *, check: bool) -> None:
        """Check the settings, and put the run into the device's queue."""
        if self._plans or self.is_busy:  # a second click
            return
        source, place, length = self.source, self.place, "default" if check else self.length

        def plan() -> Training:
            told = ["dataset=figures"] if source == BUILT_IN else dataset_of(place, self.studio.readable)
            return planned(told, self.studio.outputs, length, check=check)

        self._plans = True
        try:
            training = await parts.told(plan)
        finally:
            self._plans = False
        if training is None:
            return
        title = f"{'checking' if check else 'training on'} {BUILT_IN if source == BUILT_IN else place}"
        await self._submit(training, title)

    async def go_on(self) -> None:
        """Train on from the checkpoint of one that was stopped."""
        training, job = self.training, self.job
        if training is None or job is None or not job.is_over:  # a second click
            return
        if (training, job) not in self.studio.trainings:
            ui.notify("It goes on already, from another tab.", type="warning")
            return
        self.studio.trainings.remove((training, job))
        await self._submit(training, job.title)

    async def _submit(self, training: Training, title: str) -> None:
        job = Job(title, lambda job: train(training, job))
        if training.checks:
            self.checks.append(job)
        else:
            self.studio.trainings.append((training, job))
        self.studio.long.submit(job)
        await self.watch(training, job)

    async def watch(self, training: Training, job: Job) -> None:
        """Look at a training, which another tab may have begun."""
        if training is not self.training:
            self._found = {}
        self.training, self.job = training, job
        await self._buttons_seen.refresh()
        await self._run_seen.refresh()

    def stop(self) -> None:
        """End it as Ctrl-C does: with a checkpoint."""
        if self.job is not None:
            self.studio.long.stop(self.job)

    async def _look_after(self) -> None:
        job, training = self.job, self.training
        if job is None or training is None or job is self._finished:
            return
        over = job.is_over
        if over:
            self._finished = job
            await self._buttons_seen.refresh()
            await self._run_seen.refresh()
        self.status.set_text(_status(job, training, self.studio))
        self.lines.set_text(training.log())
        self._show(training)
        if self.chart is not None:
            self._found = await parts.in_thread(curves, training.folder)
            self.chart.options.clear()
            self.chart.options.update(_options(self._found))
            self.chart.update()

    def _show(self, training: Training) -> None:
        found = [(path, path.stat().st_mtime) for path in training.pictures]
        if found == self._drawn:
            return
        self._drawn = found
        self.pictures.clear()
        with self.pictures:
            for path, _ in found:
                label = path.relative_to(training.folder).with_suffix("").as_posix()
                ui.label(label.replace("/", ": ")).classes("quiet")
                parts.picture(self.tab.show(path), label)


def _status(job: Job, training: Training, studio: Studio) -> str:
    if job.state == "waiting":
        return studio.told_of_waiting(job)
    if job.state == "running":
        if job.is_stopped:
            return "Ends after this step, with a checkpoint …"
        left = training.time_left()
        return f"About {left} left" if left else "Runs"
    if job.is_stopped and not training.metrics:
        return f"Stopped; what was learned so far is in {training.folder}."
    best = training.metrics.get("best")
    if best:
        return f"Finished: mask AP {best['mask_ap']:.3f} after epoch {best['epoch']:g}. {training.folder}"
    return {"failed": "Failed", "stopped": "Stopped"}.get(job.state, f"Finished. {training.folder}")


def _options(found: Curves) -> dict[str, Any]:
    """An ECharts figure: losses to the left, AP to the right, over steps."""
    shown = {tag: points for tag, points in found.items() if tag.rpartition("/")[2] in NAMES}
    series = [
        {
            "name": NAMES[tag.rpartition("/")[2]],
            "type": "line",
            "showSymbol": tag.startswith("val/") or len(points) == 1,  # one point makes no line
            "yAxisIndex": 1 if tag.startswith("val/") else 0,
            "data": [[step, round(value, 4)] for step, value in points],
        }
        for tag, points in shown.items()
    ]
    return {
        "animation": False,
        "legend": {"top": 0, "type": "scroll"},
        "tooltip": {"trigger": "axis"},
        "grid": {"left": 50, "right": 50, "top": 40, "bottom": 35},
        "xAxis": {"type": "value", "name": "step", "nameLocation": "middle", "nameGap": 22},
        "yAxis": [{"type": "value", "name": "loss", "min": 0}, {"type": "value", "name": "AP", "min": 0, "max": 1}],
        "series": series,
    }
