"""Finding out what kind of dataset a folder holds, and reading it."""

from pochoir.data.formats.recognition import Parted, open_folder

__all__ = ["Parted", "open_folder"]
