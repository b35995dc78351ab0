"""Pictures of what is shown as it is at the end of a time."""

import math

import svg
import units
from look import Look, matches
from over_time import value_axis


def _last(field):
    values = [value for value in field.values if value is not None and not math.isnan(value)]
    return values[-1] if values else math.nan


def stat(panel, frames, box, _):
    field = frames[0].fields[1]
    look, value = Look(panel, field.shown), _last(field)
    shapes = []
    if panel["options"]["graphMode"] == "area" and len(field.values) > 1:
        plot = box.inner(top=box.height * 0.55)
        values = [v for v in field.values if not math.isnan(v)]
        x, y = plot.scale_x(0, len(values) - 1), plot.scale_y(min(values), max(values))
        points = [(x(place), y(one)) for place, one in enumerate(values)]
        shapes.append(svg.path([(plot.x, plot.y + plot.height), *points,
                                (plot.x + plot.width, plot.y + plot.height)],
                               fill=look.colour(value), fill_opacity=0.2))  # fmt: skip
    text = look.write(value)
    size = min(30, 30 * box.width / svg.width_of(text, 34))
    return [*shapes, svg.words(box.x + box.width / 2, box.y + box.height * 0.5, text, round(size),
                               look.colour(value), "middle", font_weight=600)]  # fmt: skip


def bar_gauge(panel, frames, box, _):
    rows = frames[0].rows()
    height, shapes = min(box.height / len(rows), 60), []
    for place, (name, value) in enumerate(rows):
        look, y = Look(panel, name), box.y + height * place
        low, high = look.of.get("min", 0), look.of.get("max", max(v for _, v in rows) or 1)
        bar = box.inner(90, 0, 80)
        share = min(max((value - low) / (high - low), 0), 1)
        top, thick = y + height * 0.12, height * 0.76
        shapes += [
            svg.words(bar.x - 8, y + height / 2 + 4, name, 12, anchor="end"),
            svg.rect(bar.x, top, bar.width, thick, svg.LINE),
            svg.rect(bar.x, top, bar.width * share, thick, look.colour(value)),
            svg.words(bar.x + bar.width + 8, y + height / 2 + 5, look.write(value), 14,
                      look.colour(value)),
        ]  # fmt: skip
    return shapes


def bar_chart(panel, frames, box, _):
    frame, options = frames[0], panel["options"]
    key = frame.field(options["xField"])
    bars = [field for field in frame.fields if field is not key and field.is_number()]
    looks = [Look(panel, field.shown, place) for place, field in enumerate(bars)]
    across = options["orientation"] == "horizontal"
    stacked = options["stacking"] != "none"
    totals = [[field.values[row] or 0 for field in bars] for row in range(len(key.values))]
    high = max((sum(row) if stacked else max(row)) for row in totals) * 1.05 or 1
    plot = box.inner(70, 4, 10, 42 if options["legend"]["showLegend"] else 22)
    shapes, key_look = [], Look(panel, key.shown)
    if across:
        along = plot.scale_x(0, high)
        for mark in svg.ticks(0, high):
            shapes += [svg.line(along(mark), plot.y, along(mark), plot.y + plot.height, svg.LINE),
                       svg.words(along(mark), plot.y + plot.height + 14,
                                 units.write(mark, looks[0].unit), 10, svg.FAINT, "middle")]
    else:
        along, shapes = value_axis(plot, 0, high, looks[0].unit)
    room = (plot.height if across else plot.width) / len(key.values)
    for row, word in enumerate(key.values):
        start, below = (plot.y if across else plot.x) + room * row, 0.0
        name = key_look.write(word)
        if across:
            shapes.append(svg.words(plot.x - 8, start + room / 2 + 4, name, anchor="end"))
        elif row % max(1, math.ceil(svg.width_of(name, 10) / room)) == 0:
            name = name[: options["xTickLabelMaxLength"]]
            shapes.append(svg.words(start + room / 2, plot.y + plot.height + 14, name, 10,
                                    svg.FAINT, "middle"))  # fmt: skip
        thick = room * 0.8 / (1 if stacked else len(bars))
        for place, (field, look) in enumerate(zip(bars, looks)):
            value = field.values[row] or 0
            side = start + room * 0.1 + (0 if stacked else thick * place)
            fill = key_look.colour(word) if "colorByField" in options else look.colour()
            low, top = along(below), along(below + value)
            shapes.append(svg.rect(low, side, top - low, thick * 0.9, fill) if across else
                          svg.rect(side, top, thick * 0.9, low - top, fill))  # fmt: skip
            below += value if stacked else 0
    if options["legend"]["showLegend"]:
        shapes += _names(looks, box)
    return shapes


def _names(looks, box):
    shapes, x, y = [], box.x, box.y + box.height - 4
    for look in looks:
        shapes += [svg.rect(x, y - 7, 14, 4, look.colour(), rx=2), svg.words(x + 20, y, look.name)]
        x += 34 + svg.width_of(look.name)
    return shapes


def _range(values):
    """Of an axis: a little more than the values need."""
    room = 0.1 * (max(values) - min(values) or abs(values[0]) or 1)
    return min(values) - room, max(values) + room


def xychart(panel, frames, box, _):
    (series,) = panel["options"]["series"]
    points = []
    for place, frame in enumerate(frames):
        shown = {f"{frame.name} {field.name}".strip(): field for field in frame.fields}
        x, y = (next(name for name in shown if matches(series[axis]["matcher"], name))
                for axis in ("x", "y"))  # fmt: skip
        points.append((frame.name, Look(panel, x), Look(panel, y, place), shown[x].values[0],
                       shown[y].values[0]))  # fmt: skip
    xs, ys = [p[3] for p in points], [p[4] for p in points]
    plot = box.inner(60, 8, 20, 58)
    low, high = _range(ys)
    y, shapes = value_axis(plot, low, high, points[0][2].unit)
    left, right = _range(xs)
    x = plot.scale_x(left, right)
    for mark in svg.ticks(left, right):
        shapes += [svg.line(x(mark), plot.y, x(mark), plot.y + plot.height, svg.LINE),
                   svg.words(x(mark), plot.y + plot.height + 14,
                             units.write(mark, points[0][1].unit), 10, svg.FAINT, "middle")]
    label = points[0][1].of["custom"].get("axisLabel", "")
    shapes.append(svg.words(plot.x + plot.width / 2, plot.y + plot.height + 28, label, 10,
                            svg.FAINT, "middle"))  # fmt: skip
    looks = []
    for name, _, look, across, up in points:
        shapes.append(svg.circle(x(across), y(up), 8, look.colour(), fill_opacity=0.7))
        look.name = name
        looks.append(look)
    return shapes + _names(looks, box)


def table(panel, frames, box, _):
    fields = frames[0].fields
    looks = [Look(panel, field.shown) for field in fields]
    width, shapes = box.width / len(fields), []
    for place, (field, look) in enumerate(zip(fields, looks)):
        right = field.is_number()
        x = box.x + width * (place + right) - (12 if right else 0)
        anchor = "end" if right else "start"
        shapes.append(svg.words(x, box.y + 14, look.name, 12, svg.colour("blue"), anchor))
        for row, value in enumerate(field.values[: int((box.height - 20) / 28)]):
            y = box.y + 40 + 28 * row
            tinted = look.of["custom"].get("cellOptions", {}).get("type") == "color-text"
            fill = look.colour(value) if tinted and right and value is not None else svg.TEXT
            shapes.append(svg.words(x, y, look.write(value), 12, fill, anchor))
            if place == 0:
                shapes.append(svg.line(box.x, y - 18, box.x + box.width, y - 18, svg.LINE))
    return shapes
