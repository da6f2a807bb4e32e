"""The page: its head, the three parts, and what is the same in all of them."""

from importlib.resources import files

from nicegui import context, ui

from pochoir.studio.pages.gallery import GalleryPart
from pochoir.studio.pages.paint import PaintPart
from pochoir.studio.pages.train import TrainPart
from pochoir.studio.state import Studio

PARTS = {"Paint": "brush", "Train": "school", "Gallery": "photo_library"}
COLORS = {
    "primary": "#274c5e",
    "secondary": "#6b7f4f",
    "accent": "#b94f28",
    "info": "#274c5e",
    "positive": "#4a7a4f",
    "negative": "#b3382c",
}


def build(studio: Studio) -> None:
    """Declare the page; each tab that opens it gets a state of its own, which goes when it is closed."""
    here = files("pochoir.studio.pages")
    style, script = (here.joinpath(f"studio.{kind}").read_text() for kind in ("css", "js"))
    ui.add_css(style, shared=True)
    ui.add_body_html(f"<script>{script}</script>", shared=True)

    @ui.page("/")
    def page() -> None:
        tab = studio.open_tab()
        ui.on_exception(_tell)
        ui.colors(**COLORS)
        with ui.header().classes("items-center gap-4 px-4 py-1 no-wrap"):
            ui.label("Pochoir").classes("text-lg font-semibold").props("role=heading aria-level=1")
            with ui.tabs().props("dense no-caps inline-label aria-label='Parts of the studio'") as tabs:
                for name, icon in PARTS.items():
                    ui.tab(name, icon=icon)
        with ui.element("main").classes("w-full max-w-7xl mx-auto p-3 sm:p-5") as main:
            with ui.tab_panels(tabs, value="Paint", animated=False).props("keep-alive").classes("w-full"):
                with ui.tab_panel("Paint"):
                    paint = PaintPart(studio, tab)

                def use(weights: str) -> None:
                    paint.use_segmenter(weights)
                    tabs.set_value("Paint")

                with ui.tab_panel("Train"):
                    train = TrainPart(studio, tab, use)
                with ui.tab_panel("Gallery"):
                    gallery = GalleryPart(studio, tab, use)
            tabs.on_value_change(lambda event: gallery.refresh() if event.value == "Gallery" else None)
        ui.skip_link(target=main)
        context.client.on_delete(lambda: studio.close_tab(tab, [*paint.easel.jobs, *train.checks]))


def _tell(error: Exception) -> None:
    """A fault of the page's own; where it lies stands in the terminal."""
    ui.notify(f"That did not work ({type(error).__name__}: {error})", type="negative", timeout=10000)
