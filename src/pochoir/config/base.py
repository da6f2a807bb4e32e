"""What all typed settings share: frozen pydantic models without default values, and types for their fields.

A YAML under `conf/` chooses values; the models say what values may be. Every field is required: what a setting is when
nobody gives it stands in the YAML alone.
"""

from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError
from typing_extensions import Self

from pochoir.assets import PAINTERS, WEIGHTS, known_painters, known_weights, located, painted_styles
from pochoir.config.globs import PREFIX
from pochoir.config.validation import PROBLEMS, checked
from pochoir.errors import ConfigError, suggested_file, suggestion


class Settings(BaseModel):
    """A section of a config. Unknown keys and values of other types are refused; an int is a float to people."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, use_attribute_docstrings=True)

    def problems(self) -> Iterable[str]:
        """Settings that exclude each other, once each is fine by itself: messages that begin with a field's name."""
        return ()

    def lacking(self) -> Iterable[str]:
        """What a task cannot run without, in the same form; Python gives such things as arguments instead."""
        return ()

    @model_validator(mode="after")
    def _sound(self) -> Self:
        if found := list(self.problems()):
            raise PydanticCustomError(PROBLEMS, "settings that exclude each other", {"problems": found})
        return self

    def but(self, **changes: Any) -> Self:
        """A copy with other values, checked as the original was. Raises `ConfigError`."""
        return checked(type(self), {**dict(self), **changes})


def is_folder(path: str | None) -> bool:
    """Whether a setting names a folder."""
    return path is not None and Path(path).expanduser().is_dir()


def problem(message: str) -> PydanticCustomError:
    """An error whose message stands as it is."""
    return PydanticCustomError("pochoir", "{message}", {"message": message})


def existing(value: Any) -> Any:
    """For `ExistingPath`, and for what may be something else besides."""
    if isinstance(value, list):
        raise problem(f"{value} are several; one file or folder is taken")
    if not isinstance(value, str):
        return value
    if not value:
        raise problem("is empty; give a path, or null for none")
    path = _located(value)
    if not Path(path).expanduser().exists():
        raise problem(f"'{value}' does not exist{suggested_file(Path(path).expanduser())}")
    return path


def _located(value: str) -> str:
    if value.startswith(PREFIX):
        folder = Path(value.removeprefix(PREFIX)).parent
        raise problem(
            f"'{value}' is a job for each file and wants the option -m, as the whole value of a setting; without, give "
            f"one file, or the folder {folder} where one is taken"
        )
    try:
        return located(value)
    except ConfigError as error:
        raise problem(str(error)) from None


def _word(value: Any) -> Any:
    """`[person, 7]` are two words: YAML reads numbers where none are meant."""
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


def _several(value: Any) -> Any:
    return [value] if isinstance(value, str | int) else value


def _count_or_share(value: float) -> float:
    if value > 1 and value != round(value):
        raise problem(f"{value:g} is neither a share below 1 nor a whole number")
    return value


def _network(value: Any) -> Any:
    if isinstance(value, str) and value not in WEIGHTS and not Path(_located(value)).expanduser().is_file():
        raise problem(f"'{value}' is no file; {known_weights(value)}")
    return value


def _painter(value: Any) -> Any:
    if isinstance(value, str) and value not in PAINTERS and not Path(_located(value)).expanduser().is_file():
        raise problem(f"'{value}' is no file; {known_painters(value)}")
    return value


def _style(value: Any) -> Any:
    known = painted_styles()
    if value in known:
        return value
    if isinstance(value, str) and value and not Path(_located(value)).expanduser().exists():
        hint = suggested_file(Path(value).expanduser()) or suggestion(value, known)
        raise problem(f"'{value}' does not exist, nor is it a style that painters know: {', '.join(known)}{hint}")
    return existing(value)


Word = Annotated[str, BeforeValidator(_word)]
Words = Annotated[list[Word], BeforeValidator(_several)]
"""Several words; one stands for a list of it."""
ExistingPath = Annotated[str, BeforeValidator(existing), BeforeValidator(_word)]
"""A file or folder that is there; `builtin:<name>` becomes the path of what comes with the project."""
ExistingPaths = Annotated[list[ExistingPath], Field(min_length=1), BeforeValidator(_several)]
"""Several of them; one stands for a list of it."""
StylePath = Annotated[str, BeforeValidator(_style), BeforeValidator(_word)]
"""A picture or folder that is there, or a style that a painter knows which comes with the project."""
PainterWeights = Annotated[str, BeforeValidator(_painter)]
"""A painter: the name of one that comes with the project, or a file."""
TrainedWeights = Annotated[str, BeforeValidator(_network)]
"""A trained network: the name of one that comes with the project, or a file."""
Share = Annotated[float, Field(ge=0, le=1)]
NotNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Natural = Annotated[int, Field(ge=0)]
Count = Annotated[int, Field(ge=1)]
Tiles = Annotated[int, Field(ge=64, le=8192)]
"""Side in pixels of square tiles of a photo, which are looked at beside the whole."""
Seed = Annotated[int, Field(ge=0, le=2**32 - 1)]
"""What all generators take."""
CountOrShare = Annotated[NotNegative, AfterValidator(_count_or_share)]
"""A share below 1, a count from 1 on."""


def _installed(name: str) -> str:
    if name in ("wandb", "mlflow") and find_spec(name) is None:
        raise problem(f"{name} is not installed; pip install '.[{name}]' in the checkout brings it along")
    return name


LoggerName = Annotated[Literal["tensorboard", "csv", "wandb", "mlflow"], AfterValidator(_installed)]
"""What takes the numbers and pictures of a run while it goes on."""
Accelerator = Literal["auto", "cpu", "gpu", "cuda", "mps"]
"""Lightning's words: gpu is whichever GPU there is, auto the best that there is."""
