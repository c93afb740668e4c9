"""Places of names beside points, so that none lies over another."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

Box = tuple[float, float, float, float]  # left, low, right, high

# plotly's textposition -> where the middle of the name lies from the point, in halves of its size
_PLACES = {
    "top center": (0, 1),
    "bottom center": (0, -1),
    "middle right": (1, 0),
    "middle left": (-1, 0),
    "top right": (1, 1),
    "top left": (-1, 1),
    "bottom right": (1, -1),
    "bottom left": (-1, -1),
}
_WIDE, _HIGH = 0.68, 1.3  # of a letter, in sizes of the font
_APART = 3  # pixels between two names


def place_labels(
    points: Mapping[str, np.ndarray],
    sizes: Mapping[str, float],
    radii: Mapping[str, float],
    pixels: tuple[float, float],
) -> dict[str, str]:
    """Where each name stands (plotly's ``textposition``); "" where it would lie over another name or a point.

    Parameters
    ----------
    points
        Name -> (x, y) of its point, the most important first: these choose first.
    sizes, radii
        Name -> size of its font and radius of its point (pixels).
    pixels
        Width and height that the points are drawn in.
    """
    if not points:
        return {}
    xy = np.array(list(points.values()), dtype=float)
    least, span = xy.min(axis=0), np.ptp(xy, axis=0)
    scaled = (xy - least) / np.where(span > 0, span, 1.0) * np.array(pixels)
    where = dict(zip(points, scaled, strict=True))

    # A name may not lie over a point, its own included: names stand outside of it.
    taken: list[Box] = [
        _box(x, y, radii[name], radii[name]) for name, (x, y) in where.items()
    ]
    found = {}
    for name in points:
        half = (_WIDE * sizes[name] * len(name) / 2, _HIGH * sizes[name] / 2)
        found[name] = ""
        for place, (right, up) in _PLACES.items():
            x = where[name][0] + right * (radii[name] + half[0] + 1)
            y = where[name][1] + up * (radii[name] + half[1] + 1)
            box = _box(x, y, *half)
            if not any(_overlap(box, other) for other in taken):
                left, low, right_end, high = box
                taken.append((left - _APART, low, right_end + _APART, high))
                found[name] = place
                break
    return found


def _box(x: float, y: float, wide: float, high: float) -> Box:
    return x - wide, y - high, x + wide, y + high


def _overlap(one: Box, other: Box) -> bool:
    return (
        one[0] < other[2]
        and other[0] < one[2]
        and one[1] < other[3]
        and other[1] < one[3]
    )
