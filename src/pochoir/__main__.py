"""`python -m pochoir <task>`: the command, where its script cannot be found."""

from pochoir.cli import main

main()
