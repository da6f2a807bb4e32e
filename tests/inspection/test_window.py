"""A window of the desktop: pictures are seen in it, and it says when it was closed."""

import os

import numpy as np
import pytest

from pochoir.inspection.window import Window, window

tkinter = pytest.importorskip("tkinter", reason="Python came without tkinter")


@pytest.mark.skipif(not os.environ.get("DISPLAY"), reason="no desktop to show a window on (DISPLAY)")
def test_pictures_are_shown_until_somebody_closes_it() -> None:
    with window("a film") as shown:
        assert isinstance(shown, Window)
        picture = np.zeros((40, 60, 3), np.uint8)
        picture[:20] = 255, 0, 10
        shown.show(picture)
        assert shown._picture.width() == 60
        assert shown._picture.get(5, 5) == (255, 0, 10)
        shown.show(picture[::-1])
        assert shown._picture.get(5, 5) == (0, 0, 0)
        assert shown.is_open
        shown._root.focus_force()
        shown._root.event_generate("<Escape>")
        shown._root.update()
        assert not shown.is_open


def test_without_a_desktop_there_is_none_and_a_message(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.delenv("DISPLAY", raising=False)
    with window("a film") as shown:
        assert shown is None
    assert "no window can be shown" in caplog.text
