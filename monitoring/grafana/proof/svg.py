"""The few shapes of which pictures are made, and axes."""

import html
import math

COLOURS = {
    "green": "#73BF69", "orange": "#FF9830", "red": "#F2495C", "blue": "#5794F2",
    "purple": "#B877D9", "yellow": "#FADE2A", "dark-orange": "#FF780A", "dark-red": "#C4162A",
}  # fmt: skip
PALETTE = ["#73BF69", "#FADE2A", "#8AB8FF", "#FF9830", "#F2495C", "#5794F2", "#B877D9", "#E0A8F5",
           "#37872D", "#E0B400", "#1F60C4", "#C4162A", "#8F3BB8", "#96D98D", "#CA95E5"]  # fmt: skip
TEXT, FAINT, PAGE, CARD, LINE = "#CCCCDC", "#8E8EA0", "#111217", "#181B1F", "#2C3235"


def colour(name):
    return COLOURS.get(name, name)


def by_name(name):
    return PALETTE[sum(ord(one) * (place + 7) for place, one in enumerate(name)) % len(PALETTE)]


def rect(x, y, width, height, fill, **more):
    width, height = max(width, 0), max(height, 0)
    return (f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}"'
            f' fill="{fill}"{_attributes(more)}/>')  # fmt: skip


def line(x1, y1, x2, y2, stroke, **more):
    return (f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{stroke}"'
            f"{_attributes(more)}/>")  # fmt: skip


def path(points, **more):
    """Through all points; a point that is None leaves a gap."""
    words, pen = [], "M"
    for point in points:
        if point is None:
            pen = "M"
            continue
        words.append(f"{pen}{point[0]:.1f} {point[1]:.1f}")
        pen = "L"
    return f'<path d="{"".join(words)}"{_attributes({"fill": "none", **more})}/>'


def circle(x, y, radius, fill, **more):
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius}" fill="{fill}"{_attributes(more)}/>'


def words(x, y, text, size=11, fill=TEXT, anchor="start", **more):
    return (f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" fill="{fill}"'
            f' text-anchor="{anchor}"{_attributes(more)}>{html.escape(str(text))}'
            "</text>")  # fmt: skip


def width_of(text, size=11):
    """About."""
    return len(str(text)) * size * 0.56


def _attributes(more):
    return "".join(f' {name.replace("_", "-")}="{value}"' for name, value in more.items())


def ticks(low, high, wanted=5):
    """Round numbers from `low` to `high`."""
    if not high > low:
        return [low]
    rough = (high - low) / wanted
    size = 10 ** math.floor(math.log10(rough))
    step = next(size * factor for factor in (1, 2, 2.5, 5, 10) if size * factor >= rough)
    first = math.ceil(low / step - 1e-9)
    return [step * place for place in range(first, math.floor(high / step + 1e-9) + 1)]


class Box:
    """A place on the page, with scales from values to it."""

    def __init__(self, x, y, width, height):
        self.x, self.y, self.width, self.height = x, y, width, height

    def inner(self, left=0, top=0, right=0, bottom=0):
        return Box(self.x + left, self.y + top, self.width - left - right,
                   self.height - top - bottom)  # fmt: skip

    def scale_x(self, low, high):
        return lambda value: self.x + self.width * (value - low) / ((high - low) or 1)

    def scale_y(self, low, high):
        return lambda value: self.y + self.height * (1 - (value - low) / ((high - low) or 1))
