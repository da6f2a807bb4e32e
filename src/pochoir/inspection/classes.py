"""Average precision by class, for the terminal and the log."""

import logging
from collections.abc import Mapping, Sequence

COLUMNS = ("mask_ap", "mask_ap50", "mask_ap75", "box_ap", "box_ap50", "box_ap75")

log = logging.getLogger(__name__)


def log_classes(metrics: Mapping[str, float], classes: Sequence[str], *, title: str = "by class") -> None:
    """A line for each of several classes, blank for one without objects.

    metrics: as `evaluate` gives them. title: what they are of.
    """
    if len(classes) == 1:
        return
    width = max(len(name) for name in (title, *classes))
    log.info("%s", f"{title:{width}}" + "".join(f"{column:>11}" for column in COLUMNS))
    for name in classes:
        values = [metrics.get(f"{column}/{name}") for column in COLUMNS]
        cells = "".join(f"{'' if value is None else f'{value:.3f}':>11}" for value in values)
        log.info("%s", f"{name:{width}}{cells}")
