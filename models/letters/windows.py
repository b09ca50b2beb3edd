"""Where things stand on the paper: window envelopes, folds, and the place of what is secret. All in millimetres from the
left and from the top of an A4.

The sheet is folded outwards: what is above the first fold faces the window, and what lies behind the window is the part
below the fold, mirrored in it. Neither may hold a PIN, however the sheet slides: the window may be moved by MOST.
"""

from __future__ import annotations

from typing import NamedTuple

WIDTH, HEIGHT = 210.0, 297.0
MOST = 10.0  # how far an offset may move the window, each way
MARGIN = 5.0  # inside the window, that is kept free


class Box(NamedTuple):
    left: float
    top: float
    width: float
    height: float

    @property
    def right(self) -> float:
        return self.left + self.width

    @property
    def bottom(self) -> float:
        return self.top + self.height

    def moved(self, x: float, y: float) -> Box:
        return self._replace(left=self.left + x, top=self.top + y)

    def grown(self, by: float) -> Box:
        return Box(self.left - by, self.top - by, self.width + 2 * by, self.height + 2 * by)

    def meets(self, other: Box) -> bool:
        return (
            self.left < other.right and other.left < self.right and self.top < other.bottom and other.top < self.bottom
        )


class Window(NamedTuple):
    """`folds` are the heights at which the sheet is folded for this envelope."""

    pane: Box
    folds: tuple[float, ...]

    def moved(self, x: float, y: float) -> Window:
        return self._replace(pane=self.pane.moved(x, y))

    @property
    def text(self) -> Box:
        """Where an address can be read."""
        return self.pane.grown(-MARGIN)

    @property
    def behind(self) -> Box:
        """What lies straight behind the pane once the sheet is folded; of a sheet in three parts all of the second."""
        fold = self.folds[0]
        if len(self.folds) > 1:
            return Box(0, fold, WIDTH, self.folds[1] - fold)
        return self.pane._replace(top=2 * fold - self.pane.bottom)


# C5 is folded once, DL twice. C5 left as it is found in the wild (90 by 40 mm, 45 from the left, 50 from the top).
WINDOWS = {
    "c5_left": Window(Box(45, 50, 90, 40), (148.5,)),
    "c5_right": Window(Box(105, 50, 90, 40), (148.5,)),
    "dl": Window(Box(20, 48, 90, 35), (99.0, 198.0)),
}

HEAD = Box(20, 10, 170, 25)  # the office's letterhead
BODY = Box(20, 106, 170, 147)  # from the date to the closing
SECRET = Box(20, 259, 170, 26)  # PIN or codes, and the code that activates
FOOT = Box(20, 288, 170, 5)


def secret_is_safe(secret: Box = SECRET) -> bool:
    """Whether no window, wherever an offset may put it, shows what is there or has it straight behind."""
    return not any(
        secret.meets(place.grown(MOST) if place.width < WIDTH else place)
        for window in WINDOWS.values()
        for place in (window.pane, window.behind)
    )


def offset(text: str) -> float:
    """Millimetres, of `2`, `-1,5` or `1.5`; '' is 0. Raises ValueError for anything else, or too far."""
    value = float(text.strip().replace(",", ".").removesuffix("mm").strip() or 0)
    if not -MOST <= value <= MOST:
        raise ValueError(text)
    return round(value, 1)
