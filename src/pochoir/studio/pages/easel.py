"""The easel: a picture that is painted, as it grows, and the finished one with all that can be done with it."""

from collections.abc import Callable
from functools import partial
from html import escape
from typing import Any

from nicegui import ui

from pochoir.studio.jobs import Job, Lane
from pochoir.studio.pages import parts
from pochoir.studio.pages.look import LABELS
from pochoir.studio.painting import Painted, bundle, keep
from pochoir.studio.state import Studio
from pochoir.studio.tabs import Tab, by_name
from pochoir.studio.wishes import Look, Wish, is_picture, label_of, refined

LOOK_SECONDS = 0.3
BEFORE = 12
"""Percent of a finished picture's width that show the photo at first: what was painted is not to be hidden by it."""
SAID = ("It is being painted.", "A quarter is painted.", "Half is painted.", "Three quarters are painted.")
"""What a screen reader hears on the way."""


class Easel:
    """Shows the job that a tab has begun last, and the pictures of its photo: all that were optimised, and the last of
    several in a row that were painted at once.

    refine: paints the picture by another look. ended: called when a job has come to its end, in whichever way.
    """

    def __init__(self, studio: Studio, tab: Tab, *, refine: Callable[[Look], None], ended: Callable[[], Any]) -> None:
        self.studio = studio
        self.tab = tab
        self.refine = refine
        self.ended = ended
        self.jobs: list[Job] = []
        self.job: Job | None = None
        self.at_once = False
        self.pictures: list[Painted] = []
        self.painted: Painted | None = None
        self._wish: Wish | None = None
        self._other: ui.label | None = None
        self._follows = True
        self._photo = ""
        self._fitting = ""
        self._seen = 0
        self._shown: Job | None = None
        self._over: Job | None = None
        with ui.element("div").classes("w-full scroll-mt-16") as self._place:
            self._said = ui.label("").classes("only-read").props("role=status")
            self._picture_seen()
        ui.timer(LOOK_SECONDS, self._look_after)

    @property
    def is_busy(self) -> bool:
        return self.job is not None and not self.job.is_over

    def clear(self, photo: str, size: tuple[int, int]) -> None:
        """Put up a new photo: its address, and its (width, height). What was painted of another one goes."""
        if self.is_busy and self.job is not None:
            self._lane.drop(self.job)
            ui.notify("The painting that was going on was ended, as another photo was opened.", type="warning")
        for picture in self.pictures:
            picture.discard()
        self.pictures.clear()
        self.job = self.painted = None
        self._photo, self._fitting = photo, parts.fitting(size)
        self._said.set_text("")
        self._picture_seen.refresh()

    def begin(self, job: Job, *, at_once: bool, follow: bool) -> None:
        """Put a job into the queue: of the device, or the short one for what is painted at once.

        follow: whether the page goes to where the picture is.
        """
        self.job, self.at_once, self._follows = job, at_once, follow
        self.jobs.append(job)
        self._lane.submit(job)
        self._picture_seen.refresh()
        self._come_into_view()

    def stop(self) -> None:
        """End the painting with what is there."""
        if self.job is not None:
            self._lane.stop(self.job)

    def compare(self, wish: Wish) -> None:
        """Say of the picture whether something else is chosen by now."""
        self._wish = wish
        if self._other is not None and self.painted is not None:
            self._other.set_visibility(self.painted.wish != wish)

    @property
    def _lane(self) -> Lane:
        return self.studio.short if self.at_once else self.studio.long

    def _put_up(self, painted: Painted) -> None:
        if self.pictures and self.pictures[-1].wish.look.quality == painted.wish.look.quality == "at_once":
            self.pictures.pop().discard()
        self.pictures.append(painted)
        self.painted = painted

    def _show_again(self, painted: Painted) -> None:
        self.painted = painted
        self._picture_seen.refresh()

    def _come_into_view(self) -> None:
        if not self._follows:
            return
        scroll = f"getHtmlElement({self._place.id}).scrollIntoView({{block: 'start'}})"
        with self._place:
            ui.run_javascript(f"setTimeout(() => {scroll}, 250)")  # once its pictures have their size

    @ui.refreshable_method
    def _picture_seen(self) -> None:
        job, painted = self.job, self.painted
        if job is None and painted is None:
            return
        with ui.element("section").classes("sheet w-full").props("aria-label=Picture"):
            if job is not None and not job.is_over:
                self._progress_seen(job)
                return
            if job is not None and job.error:
                parts.heading("It could not be painted")
                ui.label(by_name(job.error)).classes("whitespace-pre-wrap text-negative mb-4").props("role=alert")
            if painted is not None:
                self._result_seen(painted)

    def _progress_seen(self, job: Job) -> None:
        with ui.row().classes("items-center justify-between w-full"):
            parts.heading("Painting")
            if not self.at_once:
                stop = ui.button("Stop", icon="stop", on_click=self.stop)
                stop.props("no-caps outline dense color=negative data-key=stop")
        self.told = ui.label("").classes("quiet")
        self.bar = ui.linear_progress(value=0, show_value=False).props("rounded aria-label='Progress' instant-feedback")
        self.growing = (
            ui.interactive_image(self._photo).classes("w-full rounded-lg overflow-hidden mt-2").style(self._fitting)
        )
        self.growing.props('alt="The picture so far"')
        self._seen, self._shown = 0, job

    def _result_seen(self, painted: Painted) -> None:
        with ui.row().classes("items-center justify-between w-full mb-2"):
            parts.heading("Your picture")
            size = ui.switch("Actual pixels").props("dense")
        self._other = ui.label("This picture is of earlier choices.").classes("quiet mb-2")
        self._other.set_visibility(self._wish is not None and painted.wish != self._wish)
        before, after = self.tab.show(painted.before), self.tab.show(painted.result)
        scroller = ui.element("div").classes("scroller")
        with scroller:
            ui.html(
                f'<div class="compare" style="{self._fitting}; --cut: {BEFORE}%">'
                f'<img src="{before}" alt="Before"><img src="{after}" alt="After">'
                '<span class="tag" style="left:8px">before</span><span class="tag" style="right:8px">after</span>'
                '<span class="handle" aria-hidden="true">↔</span>'
                f'<input type="range" min="0" max="100" value="{BEFORE}" step="1" aria-label="Before and after" '
                "oninput=\"this.parentNode.style.setProperty('--cut', this.value + '%')\"></div>",
                sanitize=False,
            ).classes("result")
        size.on_value_change(lambda event: scroller.classes(**{"add" if event.value else "remove": "actual"}))
        for note in painted.notes:
            ui.label(note).classes("quiet")
        with ui.row().classes("gap-2 mt-3"):
            parts.link("Download PNG", "download", self.tab.show(painted.download) + "?save=1")
            if painted.alpha is not None:
                parts.link("Stencil", "content_cut", self.tab.show(painted.alpha) + "?save=1")
            ui.button("All of it (ZIP)", icon="folder_zip", on_click=self._bundle).props("no-caps outline dense")
            following = refined(painted.wish.look)
            unpictured = ", ".join(label_of(style) for style in painted.wish.styles if not is_picture(style))
            if following is not None and not unpictured:
                label = f"Refine: {LABELS[following.quality]}"
                button = ui.button(label, icon="auto_awesome", on_click=lambda: self.refine(following))
                button.props("no-caps outline dense data-key=refine").tooltip(
                    "Goes on from this picture"
                    if painted.wish.look.quality == "at_once"
                    else "Takes more time, and begins again with the photo: large shapes are settled first"
                )
            ui.button("Keep in the gallery", icon="photo_library", on_click=self._keep).props("no-caps outline dense")
        if unpictured:
            told = f"To refine this, drop a picture on the styles: only the painter knows {unpictured}."
            ui.label(told).classes("quiet mt-2")
        self._others_seen(painted)
        with ui.expansion("The same by the command", icon="terminal").classes("w-full mt-2"):
            ended = any("ended early" in note for note in painted.notes)
            if ended:
                ui.label("This picture was ended early; the command paints on to the end.").classes("quiet")
            ui.label("In a folder with the photo (and your own paintings):").classes("quiet")
            parts.code(painted.asked.command())
            ui.label("Or saved there as experiment/picture.yaml:").classes("quiet mt-2")
            parts.code(painted.asked.experiment())

    def _others_seen(self, painted: Painted) -> None:
        if len(self.pictures) < 2:
            return
        ui.label("Pictures of this photo").classes("quiet mt-3")
        with ui.element("div").classes("strip one-row").props("role=group aria-label='Pictures of this photo'"):
            for number, one in enumerate(self.pictures, start=1):
                address, quality = self.tab.show(one.result) + "?thumbnail=1", LABELS[one.wish.look.quality]
                label = f"{quality}: {', '.join(map(label_of, one.wish.styles))}"
                show = partial(self._show_again, one)
                with parts.toggle("style", show, pressed=one is painted, key=f"picture-{number}") as button:
                    ui.html(f'<img src="{address}" alt=""><span>{escape(label)}</span>', sanitize=False)
                button.props["aria-label"], button.props["title"] = f"Picture {number}: {label}", label

    async def _look_after(self) -> None:
        """Called a few times a second: how far the painting is."""
        job = self.job
        if job is None or job is self._over:
            return
        if job.is_over:
            self._over = job
            self.tab.growing = None
            if job.result is not None:
                self._put_up(job.result)
            told = "It could not be painted." if job.error else "It was ended."
            self._said.set_text(told if job.result is None else "The picture is painted.")
            await self._picture_seen.refresh()
            self._come_into_view()
            self.ended()
            return
        if job is not self._shown:
            return  # the page is not as far yet
        self.bar.set_value(job.done)
        self._said.set_text(SAID[min(int(job.done * len(SAID)), len(SAID) - 1)])
        self.told.set_text(_told(job, self.studio))
        if job.glimpses != self._seen and job.glimpse is not None:
            self._seen, self.tab.growing = job.glimpses, job.glimpse
            self.growing.set_source(f"/growing/{self.tab.token}?n={job.number}.{job.glimpses}")

    async def _bundle(self) -> None:
        if self.painted is not None:
            content = await parts.told(bundle, self.painted)
            if content is not None:
                ui.download.content(content, f"{self.painted.download.stem}.zip", "application/zip")

    async def _keep(self) -> None:
        place = await parts.told(keep, self.painted, self.studio.outputs)
        if place is not None:
            ui.notify(f"Kept in {place}", type="positive")


def _told(job: Job, studio: Studio) -> str:
    if job.state == "waiting":
        return studio.told_of_waiting(job)
    if job.is_stopped:
        return "Ends with what is there …"
    if job.seconds_left is None:
        return "Begins …"
    if job.done == 1:
        return "Is being saved …"
    minutes, seconds = divmod(round(job.seconds_left), 60)
    return f"About {minutes} min {seconds} s left" if minutes else f"About {seconds} s left"
