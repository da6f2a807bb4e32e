"""Paint photos in the style of paintings: python scripts/stylize.py content=photo.jpg style=painting.jpg"""

from pochoir.cli import main

if __name__ == "__main__":
    main("stylize")
