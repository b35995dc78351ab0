"""Pictures of what is shown over time."""

import math
import time

import svg
import units
from look import Look

_REDUCERS = {
    "mean": ("Mean", lambda values: sum(values) / len(values)),
    "max": ("Max", max),
    "min": ("Min", min),
    "lastNotNull": ("Last", lambda values: values[-1]),
}


def _time_axis(box, span):
    scale = box.scale_x(*span)
    step = next(s for s in (10, 30, 60, 120, 300, 600, 1800, 3600, 7200, 1e9)
                if (span[1] - span[0]) / s <= max(box.width / 70, 2))  # fmt: skip
    first = math.ceil(span[0] / step) * step
    marks = [first + step * place for place in range(int((span[1] - first) / step) + 1)]
    shapes = []
    for mark in marks:
        label = time.strftime("%H:%M:%S" if step < 60 else "%H:%M", time.gmtime(mark))
        shapes += [svg.line(scale(mark), box.y, scale(mark), box.y + box.height, svg.LINE),
                   svg.words(scale(mark), box.y + box.height + 14, label, 10, svg.FAINT, "middle")]
    return scale, shapes  # fmt: skip


def value_axis(box, low, high, unit, log=False):
    """Lines and numbers at round values; what is up to 0 has no place on a logarithmic one."""
    if log:
        inner = box.scale_y(math.log10(low), math.log10(high))
        powers = range(math.ceil(math.log10(low)), math.ceil(math.log10(high)))
        marks = [10.0**power for power in powers]

        def scale(value):
            return inner(math.log10(max(value, low)))

    else:
        scale, base = box.scale_y(low, high), 1
        while unit == "bytes" and high >= 1024 * base:
            base *= 1024
        marks = svg.ticks(low / base, high / base, max(box.height / 40, 2))
        marks = [base * mark for mark in marks]
    shapes = []
    for mark in marks:
        label = units.write(mark, unit)
        shapes += [svg.line(box.x, scale(mark), box.x + box.width, scale(mark), svg.LINE),
                   svg.words(box.x - 6, scale(mark) + 4, label, 10, svg.FAINT, "end")]
    return scale, shapes


def timeseries(panel, frames, box, span):
    series = [(frame.fields[1], frame.fields[0].values) for frame in frames]
    looks = [Look(panel, field.shown, place) for place, (field, _) in enumerate(series)]
    rows = min(len(series), max(int(box.height * 0.35 / 18) - 1, 1))
    plot = box.inner(56, 4, 6, 18 * (rows + 1) + 26)
    custom = looks[0].of["custom"]
    lines = _lines(series, custom["stacking"]["mode"] != "none")
    values = [high for points in lines for _, high in points.values()] or [0.0]
    if custom["scaleDistribution"]["type"] == "log":
        low, high, log = min(values) / 1.5, max(values) * 1.5, True
    else:
        low, log = min(0.0, *values), False
        high = looks[0].of.get("max") or max(values) * 1.05 or 1
    y, shapes = value_axis(plot, low, high, looks[0].unit, log)
    x, more = _time_axis(plot, span)
    shapes += more
    step = min((b - a for _, times in series for a, b in zip(times, times[1:])), default=1)
    for look, points in zip(looks, lines):
        shapes += _line(look, points, step, x, y)
    if custom["thresholdsStyle"]["mode"] != "off":
        for limit in looks[0].of["thresholds"]["steps"][1:]:
            if low <= limit["value"] <= high:
                height = y(limit["value"])
                shapes.append(svg.line(plot.x, height, plot.x + plot.width, height,
                                       svg.colour(limit["color"]), stroke_dasharray="10 8"))
    return shapes + _legend(panel, series, looks, box, plot.y + plot.height + 36, rows)


def _lines(series, stacked):
    """For each series its points: from where to where it reaches, by time."""
    lines, base = [], {}
    for field, times in series:
        points = {}
        for moment, value in zip(times, field.values):
            if not math.isnan(value):
                low = base.get(moment, 0.0)
                points[moment] = (low, low + value)
        if stacked:
            base.update({moment: high for moment, (_, high) in points.items()})
        lines.append(points)
    return lines


def _line(look, points, step, x, y):
    """Its line, with gaps where there was nothing, and what is filled below it."""
    top, bottom, last = [], [], None
    for moment, (low, high) in points.items():
        if last is not None and moment - last > step * 1.5:
            top.append(None)
        top.append((x(moment), y(high)))
        bottom.append((x(moment), y(low)))
        last = moment
    custom = look.of["custom"]
    shapes = []
    if custom["fillOpacity"] and None not in top:
        shapes.append(svg.path(top + bottom[::-1], fill=look.colour(),
                               fill_opacity=custom["fillOpacity"] / 100))  # fmt: skip
    dash = {"stroke_dasharray": "8 6"} if "lineStyle" in custom else {}
    width = custom["lineWidth"] * 0.8
    return [*shapes, svg.path(top, stroke=look.colour(), stroke_width=width, **dash)]


def _legend(panel, series, looks, box, y, rows):
    columns = [_REDUCERS[name] for name in panel["options"]["legend"]["calcs"]]
    right = box.x + box.width
    shapes = [
        svg.words(right - 76 * (len(columns) - 1 - place), y, name, 10, svg.colour("blue"), "end")
        for place, (name, _) in enumerate(columns)
    ]
    for row, ((field, _), look) in enumerate(zip(series[:rows], looks)):
        middle = y + 18 * (row + 1)
        shapes += [svg.rect(box.x, middle - 7, 14, 4, look.colour(), rx=2),
                   svg.words(box.x + 20, middle, look.name)]  # fmt: skip
        values = [value for value in field.values if not math.isnan(value)]
        for place, (_, reduce) in enumerate(columns):
            if values:
                shapes.append(svg.words(right - 76 * (len(columns) - 1 - place), middle,
                                        look.write(reduce(values)), anchor="end"))  # fmt: skip
    if len(series) > rows:
        shapes.append(svg.words(right, y + 18 * (rows + 1) - 2, f"… {len(series) - rows} more", 9,
                                svg.FAINT, "end"))  # fmt: skip
    return shapes


def heatmap(panel, frames, box, span):
    times, rows = frames[0].fields[0].values, frames[0].fields[1:]
    plot = box.inner(56, 4, 6, 20)
    x, shapes = _time_axis(plot, span)
    unit = panel["options"]["yAxis"]["unit"]
    most = max(max(row.values) for row in rows) or 1
    width = plot.width / max(len(times), 1)
    height = plot.height / len(rows)
    for place, row in enumerate(rows):
        y = plot.y + plot.height - height * (place + 1)
        if place % max(1, round(16 / height)) == 0:
            label = units.write(float(row.name), unit)
            shapes.append(svg.words(plot.x - 6, y + 4, label, 9, svg.FAINT, "end"))
        for moment, value in zip(times, row.values):
            if value > 1e-9:
                heat = (value / most) ** 0.5
                fill = f"hsl({260 - 240 * heat:.0f},85%,{35 + 20 * heat:.0f}%)"
                left = max(x(moment) - width, plot.x)
                shapes.append(svg.rect(left, y, x(moment) - left, height - 1, fill))
    return shapes


def state_timeline(panel, frames, box, span):
    longest = max(svg.width_of(frame.fields[1].shown) for frame in frames)
    plot = box.inner(longest + 16, 4, 6, 44)
    x, shapes = _time_axis(plot, span)
    height = plot.height / len(frames)
    for place, frame in enumerate(frames):
        look, y = Look(panel, frame.fields[1].shown), plot.y + height * place
        samples = list(zip(frame.fields[0].values, frame.fields[1].values))
        shapes.append(svg.words(plot.x - 6, y + height / 2 + 4, look.name, anchor="end"))
        start = 0
        for end in range(1, len(samples) + 1):
            if end == len(samples) or samples[end][1] != samples[start][1]:
                left, right = x(samples[start][0]), x(samples[min(end, len(samples) - 1)][0])
                value = samples[start][1]
                shapes.append(svg.rect(left, y + height * 0.1, right - left, height * 0.8,
                                       look.colour(value), fill_opacity=0.75))  # fmt: skip
                if svg.width_of(look.write(value)) + 12 < right - left:
                    shapes.append(svg.words(left + 6, y + height / 2 + 4, look.write(value)))
                start = end
    return shapes
