"""A static picture of a panel: what Grafana would show of these frames, near enough to judge it."""

import at_end
import over_time
import svg

_KINDS = {
    "timeseries": over_time.timeseries,
    "heatmap": over_time.heatmap,
    "state-timeline": over_time.state_timeline,
    "stat": at_end.stat,
    "bargauge": at_end.bar_gauge,
    "barchart": at_end.bar_chart,
    "xychart": at_end.xychart,
    "table": at_end.table,
}


def draw(panel, frames, box, span):
    """SVG of a panel; `span` is the time that is shown."""
    card = [svg.rect(box.x, box.y, box.width, box.height, svg.CARD, rx=3, stroke=svg.LINE),
            svg.words(box.x + 10, box.y + 20, panel["title"], 13, font_weight=600)]  # fmt: skip
    inner = box.inner(10, 32, 10, 8)
    if not any(field.values for frame in frames for field in frame.fields):
        text = panel["fieldConfig"]["defaults"].get("noValue", "No data")
        return card + [svg.words(box.x + box.width / 2, box.y + box.height / 2, text, 12, svg.FAINT,
                                 "middle")]  # fmt: skip
    return card + _KINDS[panel["type"]](panel, frames, inner, span)
