"""Penn-Fudan: fetched from a local server, from an archive at hand, and refused when anything is missing."""

import io
import re
import socket
import threading
import time
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from pochoir.data.pennfudan import PHOTO_NAMES, PennFudan, check_pennfudan, fetch_pennfudan
from pochoir.errors import DataError

NOWHERE = "http://127.0.0.1:9/PennFudanPed.zip"  # the discard port: nothing listens


def png(array: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(array).save(buffer, format="PNG")
    return buffer.getvalue()


LABELS = np.array([[0, 0, 1, 1, 0, 3], [0, 3, 1, 1, 0, 0], [0, 0, 0, 1, 0, 3], [0, 0, 0, 0, 0, 3]], np.uint8)
PHOTO = png(np.full((4, 6, 3), 200, np.uint8))
MASK = png(LABELS)


def contents() -> dict[str, bytes]:
    """A small stand-in for the data set: every file name, tiny pictures."""
    photos = {f"PNGImages/{name}": PHOTO for name in PHOTO_NAMES}
    return photos | {f"PedMasks/{name[:-4]}_mask.png": MASK for name in PHOTO_NAMES} | {"readme.txt": b"1. Structure"}


def write_folder(root: Path, files: dict[str, bytes]) -> Path:
    for parent in {(root / name).parent for name in files}:
        parent.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (root / name).write_bytes(content)
    return root


def write_zip(path: Path, files: dict[str, bytes]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w") as file:
        for name, content in files.items():
            file.writestr(f"PennFudanPed/{name}", content)
    return path


def tree(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


class Site:
    """A web site made of one folder, and the paths it was asked for."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.asked = folder, []
        self.cut: int | None = None  # bytes of a file that are sent
        self.together: threading.Barrier | None = None  # so many are answered at the same time
        site = self

        class Handler(SimpleHTTPRequestHandler):
            def __init__(self, *args: object) -> None:
                super().__init__(*args, directory=str(folder))

            def log_message(self, *_: object) -> None:
                site.asked.append(self.path)

            def copyfile(self, source: Any, outputfile: Any) -> None:
                if site.together is not None:
                    site.together.wait()
                outputfile.write(source.read(site.cut))

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/PennFudanPed.zip"

    def offer(self, files: dict[str, bytes]) -> None:
        write_zip(self.folder / "PennFudanPed.zip", files)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    (tmp_path / "site").mkdir()
    site = Site(tmp_path / "site")
    thread = threading.Thread(target=site.server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield site
    site.server.shutdown()
    site.server.server_close()
    thread.join()


@pytest.fixture(scope="session")
def real() -> Path:
    root = Path(__file__).parents[2] / "../shared/data/PennFudanPed"
    if not root.is_dir():
        pytest.skip("the real Penn-Fudan data set is not at ../shared/data/PennFudanPed")
    return root


def fetched(root: Path, **arguments: Any) -> PennFudan:
    fetch_pennfudan(root, **{"url": NOWHERE, **arguments})
    return PennFudan(root)


def failure(root: Path, **arguments: Any) -> str:
    with pytest.raises(DataError) as caught:
        fetched(root, **arguments)
    return str(caught.value)


def test_names_are_those_of_the_archive() -> None:
    assert len(PHOTO_NAMES) == 170
    assert list(PHOTO_NAMES) == sorted(PHOTO_NAMES)
    assert (PHOTO_NAMES[0], PHOTO_NAMES[-1]) == ("FudanPed00001.png", "PennPed00096.png")


def test_absent_root_is_downloaded_once(site: Site, tmp_path: Path) -> None:
    site.offer(contents())
    root = tmp_path / "new" / "data" / "PennFudanPed"
    source = fetched(root, url=site.url)
    assert source.names == PHOTO_NAMES
    assert tree(root) == contents()
    assert {p.name for p in root.parent.iterdir()} == {"PennFudanPed", "PennFudanPed.zip"}
    site.asked.clear()
    fetched(root, url=site.url)
    assert site.asked == []


@pytest.mark.parametrize("name", ["pedestrians.zip", "PennFudanPed.zip"])
def test_archive_at_hand_needs_no_network(tmp_path: Path, name: str) -> None:
    write_zip(tmp_path / name, contents())
    fetched(tmp_path / "pedestrians", download=False)
    assert tree(tmp_path / "pedestrians") == contents()


@pytest.mark.parametrize(
    "download, reason", [(True, f"{NOWHERE}: cannot be downloaded"), (False, "downloading is switched off")]
)
def test_without_network_the_error_says_what_to_put_where(tmp_path: Path, download: bool, reason: str) -> None:
    root = tmp_path / "data" / "PennFudanPed"
    message = failure(root, download=download)
    for part in (reason, f"Fetch {NOWHERE}", f"put the file at {root}.zip", f"unpacked folder at {root}."):
        assert part in message
    for alternative in ("dataset=figures", "dataset=folder", "dataset=coco"):
        assert alternative in message
    assert not root.exists()
    write_zip(Path(f"{root}.zip"), contents())  # the advice is sound
    assert len(fetched(root, download=download).names) == 170


def test_partial_folder_is_reported_and_never_overwritten(site: Site, tmp_path: Path) -> None:
    site.offer(contents())
    files = {k: v for k, v in contents().items() if not (k.startswith("PNG") and Path(k).name in PHOTO_NAMES[100:])}
    del files["PedMasks/FudanPed00007_mask.png"]
    root = write_folder(tmp_path / "PennFudanPed", files)
    write_zip(tmp_path / "PennFudanPed.zip", contents())
    message = failure(root, url=site.url)
    assert f"{root}: is not the complete Penn-Fudan data set" in message
    assert "PNGImages: 100 of 170 photos there; missing: PennPed00027.png, PennPed00028.png" in message
    assert "and 65 more" in message
    assert "PedMasks: 169 of 170 masks there; missing: FudanPed00007_mask.png\n" in message
    assert tree(root) == files
    assert site.asked == []


@pytest.mark.parametrize("folders", [[], ["PNGImages", "PedMasks"]])
def test_empty_folder_is_reported(tmp_path: Path, folders: list[str]) -> None:
    for folder in ["", *folders]:
        (tmp_path / "PennFudanPed" / folder).mkdir()
    assert "PNGImages: 0 of 170 photos" in failure(tmp_path / "PennFudanPed")


def test_root_that_is_a_file_is_reported(tmp_path: Path) -> None:
    (tmp_path / "PennFudanPed").write_text("")
    assert "is not a folder" in failure(tmp_path / "PennFudanPed")


def test_superfluous_files_are_named_but_hidden_ones_ignored(tmp_path: Path) -> None:
    hidden = {"PNGImages/._FudanPed00001.png": b"-", "PNGImages/.DS_Store": b"-"}
    root = write_folder(tmp_path / "PennFudanPed", contents() | hidden)
    fetched(root, download=False)
    write_folder(root, {"PNGImages/holiday.png": PHOTO})
    assert "171 of 170 photos there; not part of the data set: holiday.png" in failure(root)


BROKEN = {
    "a photo too few": (
        {"PNGImages/PennPed00096.png": None},
        "PNGImages: 169 of 170 photos there; missing: PennPed00096.png",
    ),
    "a broken photo": ({"PNGImages/PennPed00003.png": PHOTO[:45]}, "PNGImages/PennPed00003.png: cannot be read"),
    "a broken mask": ({"PedMasks/PennPed00006_mask.png": b"GIF?"}, "PedMasks/PennPed00006_mask.png: cannot be read"),
    "unequal sizes": (
        {"PedMasks/PennPed00004_mask.png": png(LABELS[:, :5])},
        "PedMasks/PennPed00004_mask.png: is 5×4 pixels, its photo is 6×4",
    ),
    "a mask in colour": (
        {"PedMasks/PennPed00005_mask.png": PHOTO},
        "PedMasks/PennPed00005_mask.png: is a colour picture",
    ),
}


def broken(changes: dict[str, bytes | None]) -> dict[str, bytes]:
    return {name: content for name, content in (contents() | changes).items() if content is not None}


@pytest.mark.parametrize("kind", ["a photo too few", "a broken photo"])
def test_bad_download_leaves_nothing_at_root_and_is_moved_away(site: Site, tmp_path: Path, kind: str) -> None:
    changes, problem = BROKEN[kind]
    site.offer(broken(changes))
    root = tmp_path / "data" / "PennFudanPed"
    message = failure(root, url=site.url)
    assert f"\n  - {problem}" in message
    assert f"The archive was moved to {root}.zip.bad." in message
    assert "dataset=figures" in message
    assert {p.name for p in root.parent.iterdir()} == {"PennFudanPed.zip.bad"}


def test_download_that_is_cut_off_is_no_data_set(site: Site, tmp_path: Path) -> None:
    site.offer(contents())
    site.cut = 20_000
    root = tmp_path / "data" / "PennFudanPed"
    assert "no sound zip archive, or not all of it" in failure(root, url=site.url)
    assert {p.name for p in root.parent.iterdir()} == {"PennFudanPed.zip.bad"}


def test_missing_page_is_reported(site: Site, tmp_path: Path) -> None:
    root = tmp_path / "data" / "PennFudanPed"
    assert f"{site.url}: cannot be downloaded: HTTP Error 404" in failure(root, url=site.url)
    assert list(root.parent.iterdir()) == []


def test_two_that_fetch_at_once_do_no_harm(site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    site.offer(contents())
    site.together = threading.Barrier(2, timeout=60)
    monkeypatch.setattr(socket, "setdefaulttimeout", lambda _: None)  # it is a process's own, these are two threads
    root = tmp_path / "data" / "PennFudanPed"
    with ThreadPoolExecutor(2) as both:
        sources = list(both.map(lambda _: fetched(root, url=site.url), range(2)))
    assert [len(source.names) for source in sources] == [170, 170]
    assert tree(root) == contents()
    assert {p.name for p in root.parent.iterdir()} == {"PennFudanPed", "PennFudanPed.zip"}


def test_page_instead_of_the_archive_is_moved_away(site: Site, tmp_path: Path) -> None:
    (site.folder / "PennFudanPed.zip").write_bytes(b"<html>Please log in to the network</html>")
    root = tmp_path / "data" / "PennFudanPed"
    assert "no sound zip archive" in failure(root, url=site.url)
    assert {p.name for p in root.parent.iterdir()} == {"PennFudanPed.zip.bad"}
    site.offer(contents())
    assert len(fetched(root, url=site.url).names) == 170  # not held up by what went wrong before


def test_archive_stays_when_the_disk_is_to_blame(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive = write_zip(tmp_path / "PennFudanPed.zip", contents())

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(zipfile.ZipFile, "extractall", full)
    assert "the disk is full" in failure(tmp_path / "PennFudanPed")
    assert list(tmp_path.iterdir()) == [archive]


def test_root_made_by_a_faster_process_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_zip(tmp_path / "PennFudanPed.zip", contents())
    root = tmp_path / "PennFudanPed"
    rename = Path.rename

    def late(self: Path, target: Path) -> Path:
        if target == root:
            write_folder(root, contents())
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", late)
    assert len(fetched(root, download=False).names) == 170
    assert {p.name for p in tmp_path.iterdir()} == {"PennFudanPed", "PennFudanPed.zip"}


def test_check_lists_all_problems_at_once(tmp_path: Path) -> None:
    changes = {name: content for files, _ in BROKEN.values() for name, content in files.items()}
    root = write_folder(tmp_path / "PennFudanPed", broken(changes))
    with pytest.raises(DataError, match=re.escape(str(root))) as caught:
        check_pennfudan(root)
    for _, problem in BROKEN.values():
        assert f"\n  - {problem}" in str(caught.value)
    write_folder(root, contents())
    check_pennfudan(root)


def test_read_gives_one_mask_per_id_that_has_pixels(tmp_path: Path) -> None:
    source = PennFudan(write_folder(tmp_path / "PennFudanPed", contents()))
    sample = source.read(0)
    assert (sample.image.shape, sample.image.dtype) == ((4, 6, 3), np.uint8)
    assert (sample.image == 200).all()
    assert sample.masks.dtype == bool
    np.testing.assert_array_equal(sample.masks, [LABELS == 1, LABELS == 3])  # there is no 2
    np.testing.assert_array_equal(sample.crowd, [False, False])


def test_read_of_a_photo_without_pedestrians(tmp_path: Path) -> None:
    files = contents() | {"PedMasks/FudanPed00001_mask.png": png(np.zeros((4, 6), np.uint8))}
    sample = PennFudan(write_folder(tmp_path / "PennFudanPed", files)).read(0)
    assert (sample.masks.shape, sample.masks.dtype, sample.crowd.shape) == ((0, 4, 6), bool, (0,))


@pytest.mark.parametrize("kind", [kind for kind in BROKEN if kind != "a photo too few"])
def test_read_names_the_file_that_cannot_be_used(tmp_path: Path, kind: str) -> None:
    changes, problem = BROKEN[kind]
    root = write_folder(tmp_path / "PennFudanPed", broken(changes))
    (name,) = changes
    index = PHOTO_NAMES.index(Path(name).name.replace("_mask", ""))
    with pytest.raises(DataError, match=re.escape(Path(problem.split(":")[0]).name)):
        PennFudan(root).read(index)


def test_real_data_passes_the_full_check(real: Path) -> None:
    check_pennfudan(real)


def test_real_masks_agree_with_the_boxes_annotated(real: Path) -> None:
    source = PennFudan(real)
    for index in range(0, 170, 10):
        annotation = (real / "Annotation" / f"{source.names[index][:-4]}.txt").read_text(errors="replace")
        boxes = re.findall(r"\(Xmax, Ymax\) : \((\d+), (\d+)\) - \((\d+), (\d+)\)", annotation)
        found = []
        for mask in source.read(index).masks:
            y, x = np.nonzero(mask)
            found.append((x.min() + 1, y.min() + 1, x.max() + 1, y.max() + 1))  # the files count from 1
        assert len(found) == len(boxes)
        # Where one pedestrian hides another, the mask ends up to 6 pixels inside the annotated box.
        np.testing.assert_allclose(found, np.array(boxes, int), atol=6, err_msg=source.names[index])


def test_later_starts_are_quick(real: Path) -> None:
    def start() -> float:
        began = time.perf_counter()
        PennFudan(real)
        return time.perf_counter() - began

    assert min(start() for _ in range(5)) < 0.05
