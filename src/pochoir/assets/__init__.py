"""Files that come with the project: a photograph with its outline, styles, and trained networks with their cards.

Settings that name a picture take `builtin:<name>` for them, those that name a network its bare name.
"""

import json
from functools import cache
from importlib.metadata import distribution
from pathlib import Path

from pochoir.errors import ConfigError, suggestion

PREFIX = "builtin:"
WEIGHTS = ("person",)
"""Networks: `person` finds people (`segmenter=maskrcnn_lite` trained by `experiment=person`)."""
FOLDER = Path(__file__).parent
FILES = {
    "portrait": Path(str(distribution("matplotlib").locate_file("matplotlib/mpl-data/sample_data/grace_hopper.jpg"))),
    "portrait_outline": FOLDER / "portrait.json",  # COCO
    **{style: FOLDER / "styles" / f"{style}.jpg" for style in ("strokes", "waves", "glass", "ink")},
}
"""The portrait is matplotlib's, in the public domain; the styles were drawn for the project, by programs of its own."""

PAINTERS = tuple(sorted(path.stem for path in (FOLDER / "painters").glob("*.safetensors")))
"""Networks that paint at once: `base` in sixteen styles (trained by `experiment=base`)."""


def located(name: str) -> str:
    """The path of a file, that of `builtin:<name>` included.

    Raises `ConfigError` for a name that does not exist.
    """
    if not name.startswith(PREFIX):
        return name
    word = name.removeprefix(PREFIX)
    if word in WEIGHTS:
        raise ConfigError(f"'{name}' is now called '{word}'")
    if word not in FILES:
        known = ", ".join(PREFIX + known for known in FILES)
        hint = suggestion(word, FILES, PREFIX)
        raise ConfigError(f"'{name}' is none of what comes with the project: {known}{hint}")
    return str(FILES[word])


def known_weights(name: str) -> str:
    """What to say where `name` is neither a file nor one of `WEIGHTS`."""
    return f"networks that come with the project: {', '.join(WEIGHTS)}{suggestion(name, WEIGHTS)}"


def weights_path(name: str) -> Path:
    """The file of a network: of one of `WEIGHTS`, or the file that is named.

    Raises `ConfigError` for a `builtin:` name that does not exist.
    """
    return FOLDER / f"{name}.safetensors" if name in WEIGHTS else Path(located(name)).expanduser()


@cache
def painted_styles() -> tuple[str, ...]:
    """The styles that painters know which come with the project: read from the heads of their files."""
    names: dict[str, None] = {}
    for painter in PAINTERS:
        with painter_path(painter).open("rb") as file:
            told = json.loads(file.read(int.from_bytes(file.read(8), "little")))["__metadata__"]  # safetensors' format
        names.update(dict.fromkeys(json.loads(told["hyper_parameters"])["styles"]))
    return tuple(names)


def known_painters(name: str) -> str:
    """What to say where `name` is neither a file nor one of `PAINTERS`."""
    return f"painters that come with the project: {', '.join(PAINTERS)}{suggestion(name, PAINTERS)}"


def painter_path(name: str) -> Path:
    """The file of a painter: of one of `PAINTERS`, or the file that is named."""
    return FOLDER / "painters" / f"{name}.safetensors" if name in PAINTERS else Path(located(name)).expanduser()
