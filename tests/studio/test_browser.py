"""The page as a person uses it, in a real browser: painting, training, looking, and what is refused."""

import base64
import json
import re
import time
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from pochoir.assets import located
from pochoir.experiments.records import SWEEP
from pochoir.files import write_bytes, write_json
from pochoir.images import read_rgb, read_settings, write_image

PORTRAIT = Path(located("builtin:portrait"))
DROP = """([data, name, type]) => {
  const bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
  const dataTransfer = new DataTransfer();
  dataTransfer.items.add(new File([bytes], name, { type }));
  const told = { dataTransfer, bubbles: true, cancelable: true };
  document.querySelector(".zone, .drawable").dispatchEvent(new DragEvent("drop", told));
}"""
PASTE = DROP.replace("dataTransfer, bubbles", "clipboardData: dataTransfer, bubbles").replace(
    'new DragEvent("drop"', 'new ClipboardEvent("paste"'
)


def drop(page: Any, path: Path, name: str = "", script: str = DROP) -> None:
    kind = "image/png" if path.suffix == ".png" else "image/jpeg"
    page.evaluate(script, [base64.b64encode(path.read_bytes()).decode(), name or path.name, kind])


def photo_of(page: Any) -> Any:
    image = page.locator(".drawable img")
    image.wait_for()
    page.wait_for_function("document.querySelector('.drawable img').naturalWidth > 0")
    return image


def click_on(page: Any, x: float, y: float) -> None:
    """A place of the photo in shares of its width and height."""
    image = photo_of(page)
    image.scroll_into_view_if_needed()
    place = image.bounding_box()
    image.click(position={"x": place["width"] * x, "y": place["height"] * y})


def aim(page: Any, text: str) -> None:
    page.locator("[aria-label='What gets the style'] button", has_text=text).click()


def style(page: Any, name: str) -> None:
    page.locator(".strip").get_by_role("button", name=re.compile(f"^{name}")).click()


def painted(page: Any, button: str, file: Path) -> Path:
    page.wait_for_selector(".compare")
    with page.expect_download() as download:
        page.get_by_text(button).click()
    download.value.save_as(file)
    return file


def test_drop_a_portrait_click_on_her_choose_ink(page: Any, tmp_path: Path) -> None:
    drop(page, PORTRAIT, "grace.jpg")
    click_on(page, 0.5, 0.7)
    page.get_by_role("button", name="person 1: as in the photo").wait_for()
    style(page, "ink")
    got = painted(page, "Download PNG", tmp_path / "got.png")
    alpha = read_rgb(painted(page, "Stencil", tmp_path / "alpha.png"))[..., 0]
    before, after = read_rgb(PORTRAIT), read_rgb(got)
    assert (after[alpha == 0] == before[alpha == 0]).all()
    assert (after[alpha == 255] != before[alpha == 255]).any(axis=1).mean() > 0.5
    told = json.loads(read_settings(got) or "")
    assert (told["content"], told["style"], told["region.indices"]) == ("grace.jpg", "builtin:ink", [0])
    page.get_by_text("The same by the command").click()
    command = page.locator("pre.command").first.inner_text()
    assert command.startswith("pochoir partial content=grace.jpg style=builtin:ink 'region.indices=[0]' method=painter")
    page.get_by_role("slider", name="Before and after").press("ArrowRight")
    assert page.locator(".compare").evaluate("element => element.style.getPropertyValue('--cut')") == "13%"


def test_settings_of_a_picture_are_read_back(page: Any, tmp_path: Path) -> None:
    page.get_by_text("Take the built-in portrait").click()
    click_on(page, 0.5, 0.7)
    page.get_by_role("slider", name="Soft edge, pixels").press("End")
    style(page, "waves")
    got = painted(page, "Download PNG", tmp_path / "got.png")
    assert json.loads(read_settings(got) or "")["region.feather"] == 30
    page.reload()
    page.wait_for_selector(".zone")
    drop(page, got)
    page.get_by_text("The settings in the picture were read").wait_for()
    page.get_by_role("button", name="person 1: waves").first.wait_for()
    assert page.get_by_role("slider", name="Soft edge, pixels").input_value() == "30"
    again = painted_by_hand(page, tmp_path / "again.png")
    assert (read_rgb(again) == read_rgb(got)).all()
    page.get_by_role("button", name="Paint over the picture instead").click()
    page.get_by_text("The settings in the picture were read").wait_for(state="hidden")
    style(page, "ink")
    over = json.loads(read_settings(painted(page, "Download PNG", tmp_path / "over.png")) or "")
    assert over["content"] == got.name


def test_a_painted_picture_whose_photo_is_missing_says_what_it_is_and_what_to_drop(page: Any, tmp_path: Path) -> None:
    told = {"content": "grace.jpg", "style": "mine.png", "region.name": "object", "region.indices": [0]}
    told |= {"method": "painter", "recipe.steps": [1]}
    picture = tmp_path / "picture.png"
    write_image(picture, read_rgb(PORTRAIT), settings=json.dumps(told))
    write_image(tmp_path / "mine.png", np.random.default_rng(0).integers(0, 255, (64, 64, 3), dtype=np.uint8))
    drop(page, picture)
    page.get_by_text(
        "This is the painted picture itself: grace.jpg, the photo it was made of, is not at hand"
    ).wait_for()
    page.get_by_text("drop grace.jpg here, mine.png on the styles, then the picture once more").wait_for()
    drop(page, PORTRAIT, "grace.jpg")
    page.get_by_text("This is the painted picture itself").wait_for(state="hidden")
    drop(page, picture)
    page.get_by_text("Drop mine.png on the styles, then the picture once more").wait_for()
    page.set_input_files("[data-uploader=style] input[type=file]", tmp_path / "mine.png")
    page.get_by_role("button", name="person 1: mine").first.wait_for()
    drop(page, picture)
    page.get_by_text("Paint makes it again").wait_for()
    page.get_by_role("button", name="person 1: mine").first.wait_for()


def painted_by_hand(page: Any, file: Path) -> Path:
    page.get_by_role("button", name="Paint", exact=True).click()
    return painted(page, "Download PNG", file)


def test_a_box_and_a_background_are_optimised_watched_and_ended(page: Any, tmp_path: Path) -> None:
    drop(page, PORTRAIT, script=PASTE)
    place = photo_of(page).bounding_box()
    page.mouse.move(place["x"] + 0.58 * place["width"], place["y"] + 0.76 * place["height"])
    page.mouse.down()
    page.mouse.move(place["x"] + 0.8 * place["width"], place["y"] + 0.85 * place["height"])
    assert page.locator(".band").count() == 1
    page.mouse.move(place["x"] + 0.92 * place["width"], place["y"] + 0.9 * place["height"])
    page.mouse.up()
    aim(page, "object 3")  # beside two that were found
    style(page, "glass")  # which the painter does not know
    aim(page, "Background")
    style(page, "strokes")
    page.get_by_role("button", name="default", exact=True).click()
    page.get_by_role("button", name="Paint", exact=True).click()
    page.get_by_role("button", name="Stop").wait_for()
    page.locator("img[src*='/growing/']").wait_for()
    page.get_by_role("button", name="Stop").click()
    page.get_by_text("ended early").first.wait_for()
    got = painted(page, "Download PNG", tmp_path / "got.png")
    assert (read_rgb(got) != read_rgb(PORTRAIT)).any()


def test_a_style_before_the_photo_is_painted_at_once_and_refined(page: Any) -> None:
    style(page, "ink")
    page.get_by_text("First comes a photo.").wait_for()
    page.get_by_text("Take the built-in portrait").click()
    page.get_by_role("button", name="Refine: quick").click()
    page.get_by_role("button", name="Refine: default").wait_for()
    page.get_by_text("The same by the command").click()
    command = page.locator("pre.command").first.inner_text()
    assert "style=builtin:ink init=painter painter.weights=painter.safetensors recipe=finish" in command
    page.get_by_role("button", name="at once", exact=True).click()
    page.get_by_role("button", name="Refine: quick").wait_for()
    style(page, "great wave")  # which has no picture
    page.get_by_text("To refine this, drop a picture on the styles: only the painter knows great wave.").wait_for()
    page.get_by_role("button", name="quick", exact=True).click()
    page.get_by_text("Only the painter knows great wave: choose 'at once'").wait_for()
    dim = page.locator(".strip .dim")
    assert dim.evaluate_all("all => all.map((one) => one.title)") == ["great wave (at once only)"]
    page.get_by_role("button", name="at once", exact=True).click()
    dim.wait_for(state="detached")
    assert page.get_by_role("button", name=re.compile("^Refine")).count() == 0


def test_nobody_is_found_a_box_is_and_takes_a_picture_that_is_called_as_a_style_of_the_painter(
    page: Any, tmp_path: Path
) -> None:
    meadow = np.full((90, 120, 3), (60, 120, 50), dtype=np.uint8)
    meadow[30:60, 40:80] = (200, 30, 30)
    write_image(tmp_path / "meadow.png", meadow)
    write_image(tmp_path / "ink.png", np.random.default_rng(0).integers(0, 255, (64, 64, 3), dtype=np.uint8))
    drop(page, tmp_path / "meadow.png")
    page.get_by_text("Nobody was found").wait_for()
    page.get_by_text("A box by numbers").click()
    page.get_by_role("button", name="Find the object").click()
    page.get_by_role("button", name="object 1: as in the photo").wait_for()
    page.set_input_files("[data-uploader=style] input[type=file]", tmp_path / "ink.png")
    page.get_by_text("No painter knows all of these styles").wait_for()
    got = painted_by_hand(page, tmp_path / "got.png")
    told = json.loads(read_settings(got) or "")
    assert (told["style"], told["box"], told["init"]) == ("ink.png", [30, 22, 90, 67], "content")


def test_a_name_is_shown_as_it_is_and_limits_are_told(page: Any, tmp_path: Path) -> None:
    drop(page, PORTRAIT, "<img src=x onerror=alert(1)>.jpg")
    photo_of(page)
    click_on(page, 0.5, 0.7)
    style(page, "ink")
    page.wait_for_selector(".compare")
    assert page.locator("img[src=x]").count() == 0
    large = tmp_path / "large.png"
    write_image(large, np.random.default_rng(0).integers(0, 255, (1000, 1000, 3), dtype=np.uint8))
    page.set_input_files("[data-uploader=photo] input[type=file]", large)
    page.get_by_text("has more than 2 MB").wait_for()


def test_a_name_may_have_letters_that_addresses_give_a_meaning(page: Any, tmp_path: Path) -> None:
    drop(page, PORTRAIT, "a #1 & 50%20off.jpg")
    photo_of(page)
    style(page, "ink")
    got = painted(page, "Download PNG", tmp_path / "got.png")
    assert json.loads(read_settings(got) or "")["content"] == "a #1 & 50%20off.jpg"
    page.wait_for_function("[...document.querySelectorAll('.compare img')].every((image) => image.naturalWidth)")
    widths = page.locator(".compare img").evaluate_all("images => images.map((image) => image.naturalWidth)")
    assert widths[0] == widths[1] == read_rgb(got).shape[1]  # also where the picture is smaller than the photo
    page.get_by_text("is painted with a long side of 96 pixels").wait_for()


def test_what_was_optimised_stays_at_hand(page: Any) -> None:
    page.get_by_text("Take the built-in portrait").click()
    photo_of(page)
    style(page, "ink")
    page.get_by_role("button", name="Refine: quick").click()
    page.get_by_role("button", name="Refine: default").wait_for()
    page.get_by_role("button", name="at once", exact=True).click()
    pictures = page.get_by_role("group", name="Pictures of this photo").get_by_role("button")
    pictures.nth(2).wait_for()
    style(page, "waves")
    page.wait_for_function("document.querySelector('a[download]')?.href.includes('waves')")
    assert pictures.count() == 3  # of those painted at once in a row the last one
    pictures.nth(1).click()
    page.get_by_text("This picture is of earlier choices.").wait_for()
    page.get_by_role("button", name="Refine: default").wait_for()


def test_who_is_clicked_on_after_a_style_stays_as_in_the_photo(page: Any, tmp_path: Path) -> None:
    page.get_by_text("Take the built-in portrait").click()
    photo_of(page)
    style(page, "ink")
    page.wait_for_selector(".compare")
    click_on(page, 0.5, 0.7)
    got = painted(page, "Stencil", tmp_path / "alpha.png")  # of the background, painted by itself
    assert 0 < (read_rgb(got)[..., 0] == 0).mean() < 1


def test_who_gets_no_style_beside_one_that_has_one_is_left_out(page: Any) -> None:
    page.get_by_text("Take the built-in portrait").click()
    photo_of(page)
    page.get_by_text("A box by numbers").click()
    page.get_by_role("button", name="Find the object").click()
    drawn = page.locator("[aria-label=Objects] button").last
    drawn.get_by_text("as in the photo").wait_for()
    page.get_by_role("button", name="person 1", exact=True).click()
    style(page, "ink")
    page.wait_for_selector(".compare")
    assert page.get_by_text("It could not be painted").count() == 0
    page.get_by_text("This picture is of earlier choices.").wait_for(state="hidden")
    count = page.locator("[aria-label=Objects] button").count()
    drawn.click()
    page.wait_for_function(f"document.querySelectorAll('[aria-label=Objects] button').length === {count - 1}")


def test_another_photo_ends_the_painting(page: Any) -> None:
    page.get_by_text("Take the built-in portrait").click()
    photo_of(page)
    page.get_by_role("button", name="fine", exact=True).click()
    style(page, "ink")
    page.get_by_role("button", name="Paint", exact=True).click()
    page.get_by_role("button", name="Stop").wait_for()
    drop(page, PORTRAIT, "other.jpg")
    page.get_by_text("The painting that was going on was ended").wait_for()
    page.get_by_role("button", name="at once", exact=True).click()
    style(page, "ink")
    page.wait_for_selector(".compare")
    page.get_by_role("button", name="quick", exact=True).click()
    page.get_by_role("button", name="Paint", exact=True).click()
    page.get_by_role("button", name="Refine: default").wait_for()  # the device is free


def test_tabs_do_not_mix(page: Any, studio: tuple[str, Path]) -> None:
    address, _ = studio
    page.get_by_text("Take the built-in portrait").click()
    photo_of(page)
    other = page.context.new_page()
    other.goto(address)
    other.wait_for_selector(".zone")
    assert other.locator(".drawable").count() == 0
    source = page.locator(".drawable img").get_attribute("src")
    assert page.request.get(address.rstrip("/") + source).status == 200
    assert page.request.get(address + "tab/guessed/0-photo.png").status == 404
    for path in ("tab/../../etc/passwd", "tab/x/%2e%2e%2fphotos", "style/99", "text/x/y"):
        assert page.request.get(address + path).status == 404
    other.close()


def test_a_phone_has_no_sideways_scrolling_and_a_keyboard_is_enough(page: Any) -> None:
    page.set_viewport_size({"width": 390, "height": 800})
    page.get_by_role("button", name="Take the built-in portrait").press("Enter")
    photo_of(page)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.get_by_role("button", name="person 1").first.press("Enter")
    page.get_by_role("button", name="person 1: as in the photo").wait_for()
    page.wait_for_function("document.activeElement.dataset.key === 'object-0'")  # it was drawn anew
    page.locator(".strip").get_by_role("button", name=re.compile("^ink")).press("Enter")
    page.wait_for_selector(".compare")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    unnamed = """() => [...document.querySelectorAll("button, input, img, [role=slider]")].filter((element) =>
      element.offsetParent && !(element.innerText || element.alt != null || element.ariaLabel || element.title
      || element.labels?.length || element.closest("[aria-label], [aria-hidden=true]"))).map((e) => e.outerHTML)"""
    assert page.evaluate(unnamed) == []


def test_check_the_data_train_and_use_the_result(page: Any, studio: tuple[str, Path]) -> None:
    _, folder = studio
    bars(folder / "photos" / "bars")
    page.get_by_role("tab", name="Train").click()
    page.get_by_label("Folder, or COCO JSON").fill("/etc")
    page.get_by_role("button", name="Check the data").click()
    page.get_by_text("is not in the folders that may be read").wait_for()
    page.get_by_label("Folder, or COCO JSON").fill("bars")
    page.get_by_role("button", name="Check the data").click()
    page.get_by_text("instances: ").first.wait_for()
    page.locator("img[alt=samples]").wait_for()
    page.get_by_text("Does it run?").click()
    page.get_by_role("button", name="Train", exact=True).click()
    page.get_by_text("Finished: mask AP").wait_for(timeout=180_000)
    page.locator("img[alt='predictions/sheet']").wait_for()
    page.get_by_role("button", name="Use it in Paint").click()
    page.get_by_text("Take the built-in portrait").click()
    photo_of(page)
    page.get_by_role("tab", name="Gallery").click()
    boxes = page.get_by_role("checkbox", name="Compare")
    boxes.first.wait_for()
    for number in range(2):
        boxes.nth(number).click()
    page.get_by_role("button", name="Compare 2").click()
    page.frame_locator("iframe").get_by_text("2 runs").wait_for()


def test_a_sweep_is_opened_in_the_gallery(page: Any, studio: tuple[str, Path]) -> None:
    sweep = studio[1] / "outputs" / "stylize" / "sweeps" / "mine"
    write_json(sweep / SWEEP, {"swept": ["seed"]})
    write_image(sweep / "contact_sheet.png", np.zeros((20, 30, 3), dtype=np.uint8))
    for number in range(2):
        write_bytes(sweep / str(number) / ".hydra" / "overrides.yaml", f"- seed={number + 7}\n".encode())
        write_json(sweep / str(number) / "metrics.json", {"loss": 0.25})
    page.get_by_role("tab", name="Gallery").click()
    shown = page.get_by_role("listitem").filter(has_text="stylize/sweeps/mine")
    shown.get_by_text("2 of 2 finished").wait_for()
    shown.get_by_role("button").click()
    page.locator("img[alt='contact_sheet.png']").wait_for()
    page.get_by_role("row", name="1 8 finished 0.25").wait_for()


def bars(folder: Path) -> None:
    """23 pictures with one or two bright bars, and their masks."""
    rng = np.random.default_rng(0)
    for index in range(23):
        image = rng.integers(0, 70, (96, 96, 3), dtype=np.uint8)
        mask = np.zeros((96, 96), dtype=np.uint8)
        for number, left in enumerate((6, 54)[: 1 + index % 2]):
            area = np.s_[10 : 60 + index, left : left + 24]
            image[area] = rng.integers(150, 255, 3)
            mask[area] = number + 1
        write_image(folder / "images" / f"{index:02d}.png", image)
        write_image(folder / "masks" / f"{index:02d}.png", mask)


def test_what_a_closed_page_had_is_removed(browser: Any, studio: tuple[str, Path]) -> None:
    address, folder = studio
    context = browser.new_context()
    page = context.new_page()
    page.goto(address)
    page.get_by_text("Take the built-in portrait").click()
    photo_of(page)
    token = (page.locator(".drawable img").get_attribute("src") or "").split("/")[2]
    (place,) = folder.glob(f"pochoir-studio-*/{token}")
    context.close()
    until = time.monotonic() + 30
    while place.exists():
        assert time.monotonic() < until
        time.sleep(0.5)


@pytest.mark.parametrize("content", [b"", b"\xff\xd8\xff\xe0 no more", b"<svg onload=alert(1)>"])
def test_what_is_no_picture_is_refused_in_words(page: Any, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "broken.jpg").write_bytes(content)
    page.set_input_files("[data-uploader=photo] input[type=file]", tmp_path / "broken.jpg")
    page.get_by_text("cannot be read as a picture").wait_for()
    buffer = BytesIO()
    Image.new("RGB", (60, 40), "teal").save(buffer, "PNG")
    (tmp_path / "small.png").write_bytes(buffer.getvalue())
    page.set_input_files("[data-uploader=photo] input[type=file]", tmp_path / "small.png")
    photo_of(page)
    page.get_by_text("Nobody was found").wait_for()
