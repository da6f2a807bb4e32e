"""Paint chosen objects of a film: python scripts/film.py content=clip.mp4 style=strokes"""

from pochoir.cli import main

if __name__ == "__main__":
    main("film")
