"""A window of the desktop that shows pictures as they come."""

import logging
from contextlib import AbstractContextManager, nullcontext
from io import BytesIO
from types import TracebackType

from PIL import Image

from pochoir.images import Pixels

log = logging.getLogger(__name__)


class Window:
    """`is_open` until it is closed, by the mouse, Escape or q. `with` closes it.

    Raises `ImportError` where Python came without tkinter, and tkinter's `TclError` where there is no desktop.
    """

    def __init__(self, title: str) -> None:
        import tkinter

        self.is_open = True
        self._root = tkinter.Tk()
        self._root.title(title)
        self._label = tkinter.Label(self._root, text="…")
        self._label.pack()
        self._picture = tkinter.PhotoImage()
        self._root.protocol("WM_DELETE_WINDOW", self._end)
        for key in ("<Escape>", "q"):
            self._root.bind(key, lambda _: self._end())

    def show(self, pixels: Pixels) -> None:
        """Show a picture `[H, W, 3]` uint8, and hear what was pressed."""
        buffer = BytesIO()
        Image.fromarray(pixels).save(buffer, "PPM")
        self._picture.configure(data=buffer.getvalue())
        self._label.configure(image=self._picture, text="")
        self._root.update()

    def _end(self) -> None:
        self.is_open = False

    def __enter__(self) -> "Window":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._root.destroy()


def window(title: str) -> AbstractContextManager[Window | None]:
    """A window; None, and a message why, where none can be shown."""
    try:
        return Window(title)
    except Exception as error:  # tkinter, which may be missing, names its own errors
        log.warning("no window can be shown (%s); what is painted is recorded all the same", error)
        return nullcontext()
