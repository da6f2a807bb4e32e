"""Finding out what kind of dataset a folder holds, and reading it."""

from pochoir.data.formats.found import Choice
from pochoir.data.formats.recognition import Parted, open_folder

__all__ = ["Choice", "Parted", "open_folder"]
