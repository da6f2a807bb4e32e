"""Paint chosen objects of a photo: python scripts/partial.py content=photo.jpg style=painting.jpg"""

from pochoir.cli import main

if __name__ == "__main__":
    main("partial")
