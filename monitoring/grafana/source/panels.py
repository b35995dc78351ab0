"""What dashboards are made of: panels, rows, variables, links, as Grafana's JSON.

A panel is told what it shows and what that means: a title, a description, a unit, a legend for each
query, and its limits, or NO_LIMIT. Everything else is decided here, once. Names of options are
those of Grafana's own schema, which ./weir check compares with.
"""

import itertools

GRAFANA = "13.2.2"  # Whose schema this is; README.md and typecheck/package.json name it as well.
DATASOURCE = {"type": "prometheus", "uid": "weir-prometheus"}
# Prometheus shows docs/runbooks (--web.user-assets), and Grafana passes on what is asked of it: so
# the pages need no address of their own, and whoever sees a dashboard can read them.
RUNBOOKS = f"/api/datasources/proxy/uid/{DATASOURCE['uid']}/user/"

# A variant has one colour everywhere; none of them is one that limits have.
VARIANT_COLOURS = {
    "fast": "#5794F2",
    "balanced": "#B877D9",
    "accurate": "#1FB8A6",
    "forest": "#CA9A5B",
}
GOOD, WARNING, CRITICAL = "green", "orange", "red"
NO_LIMIT = [(None, GOOD)]


def above(warning, critical=None):
    """Limits that should not be exceeded."""
    steps = [(None, GOOD), (warning, WARNING)]
    return steps + [(critical, CRITICAL)] if critical is not None else steps


def below(warning, critical):
    """Limits below which it should not fall."""
    return [(None, CRITICAL), (critical, WARNING), (warning, GOOD)]


def at_least(wanted):
    return [(None, CRITICAL), (wanted, GOOD)]


# ---- Queries


def query(expr, legend, ref="A", at_end=False, form="time_series"):
    """One query of a panel: over the time that is shown, or at its end only."""
    return {
        "refId": ref,
        "datasource": DATASOURCE,
        "expr": expr,
        "legendFormat": legend,
        "format": form,
        "instant": at_end,
        "range": not at_end,
        "editorMode": "code",
    }


def queries(*pairs, at_end=False):
    """Several of them: pairs of expression and legend."""
    refs = map(chr, itertools.count(ord("A")))
    return [query(expr, legend, ref, at_end) for ref, (expr, legend) in zip(refs, pairs)]


def columns(**expressions):
    """Queries whose results become columns of one table, by name; see table_of()."""
    return [query(expr, name, name, True, "table") for name, expr in expressions.items()]


# ---- Fields


def override(name, *, pattern=False, **properties):
    """What is special about one field, or those that match a pattern."""
    matcher = {"id": "byRegexp", "options": f"/{name}/"} if pattern else None
    return {
        "matcher": matcher or {"id": "byName", "options": name},
        "properties": [
            {"id": key.replace("__", "."), "value": value} for key, value in properties.items()
        ],
    }


def fixed(colour):
    return {"mode": "fixed", "fixedColor": colour}


def coloured(limits):
    """Properties of a column whose numbers have the colour of their limit."""
    return {
        "thresholds": _thresholds(limits),
        "custom__cellOptions": {"type": "color-text"},
        "color": {"mode": "thresholds"},
    }


def variant_colours():
    """A variant is a word of the legend, whatever else stands there."""
    return [
        override(rf"\b{variant}\b", pattern=True, color=fixed(colour))
        for variant, colour in VARIANT_COLOURS.items()
    ]


def link(title, url):
    """What is no page of Grafana's gets a tab of its own, else Grafana takes it for one."""
    return {"title": title, "url": url, "targetBlank": url.startswith(RUNBOOKS)}


def runbook(alert):
    """Where the runbook of an alert can be read."""
    return f"{RUNBOOKS}{alert}.md"


def _thresholds(limits):
    steps = [{"value": value, "color": colour} for value, colour in limits]
    return {"mode": "absolute", "steps": steps}


def _fields(unit, limits, overrides=(), links=(), **more):
    return {
        "defaults": {
            "unit": unit,
            "color": {"mode": "palette-classic-by-name"},
            "thresholds": _thresholds(limits),
            "links": list(links),
            **more,
        },
        "overrides": list(overrides),
    }


# ---- Panels


def _panel(kind, title, description, targets, fields, options, runbooks=(), **more):
    return {
        "type": kind,
        "title": title,
        "description": description,
        "datasource": DATASOURCE,
        "pluginVersion": GRAFANA,
        "targets": targets,
        "fieldConfig": fields,
        "options": options,
        "runbooks": list(runbooks),  # Names of alerts; dashboard() makes links of them.
        **more,
    }


LAST = {"calcs": ["lastNotNull"], "fields": "", "values": False}
EACH_ROW = {"calcs": [], "fields": "", "values": True}
LEGEND = {"showLegend": True, "displayMode": "list", "placement": "bottom", "calcs": []}
TOOLTIP = {"mode": "multi", "sort": "desc"}


def timeseries(title, description, unit, targets, limits, *, stacked=False, log=False, overrides=(),
               links=(), runbooks=(), numbers=("mean", "max", "lastNotNull"), **field):
    """Lines over time, beside one another or on top of one another; limits are dashed lines."""
    custom = {
        "drawStyle": "line",
        "lineWidth": 1 if stacked else 2,
        "fillOpacity": 55 if stacked else 0,
        "showPoints": "never",
        "spanNulls": False,
        "stacking": {"mode": "normal" if stacked else "none", "group": "A"},
        "scaleDistribution": {"type": "log", "log": 10} if log else {"type": "linear"},
        "thresholdsStyle": {"mode": "dashed" if len(limits) > 1 else "off"},
    }
    if not log:
        custom["axisSoftMin"] = 0
    legend = {**LEGEND, "displayMode": "table", "calcs": list(numbers)}
    return _panel(
        "timeseries", title, description, targets,
        _fields(unit, limits, overrides, links, custom=custom, **field),
        {"legend": legend, "tooltip": TOOLTIP}, runbooks)  # fmt: skip


def stat(title, description, unit, targets, limits, *, runbooks=(), graph=True, links=(), **field):
    """The latest number, large, in the colour of its limit."""
    return _panel(
        "stat", title, description, targets,
        _fields(unit, limits, (), links, **{"color": {"mode": "thresholds"}, **field}),
        {
            "colorMode": "value",
            "graphMode": "area" if graph else "none",
            "justifyMode": "auto",
            "orientation": "auto",
            "percentChangeColorMode": "standard",
            "reduceOptions": LAST,
            "showPercentChange": False,
            "textMode": "auto",
            "wideLayout": True,
        }, runbooks)  # fmt: skip


def bar_gauge(title, description, unit, targets, limits, transformations, *, runbooks=(), **field):
    """A bar for each row of a table of names and numbers, in the colour of its limit."""
    return _panel(
        "bargauge", title, description, targets,
        _fields(unit, limits, **{"color": {"mode": "thresholds"}, **field}),
        {
            "displayMode": "basic",
            "legend": {**LEGEND, "showLegend": False},
            "maxVizHeight": 300,
            "minVizHeight": 16,
            "minVizWidth": 8,
            "namePlacement": "left",
            "orientation": "horizontal",
            "reduceOptions": EACH_ROW,
            "showUnfilled": True,
            "sizing": "auto",
            "valueMode": "color",
        }, runbooks, transformations=transformations)  # fmt: skip


def bar_chart(title, description, unit, targets, limits, x, transformations, *, stacked=False,
              horizontal=False, colour_by=None, overrides=(), runbooks=(), **field):
    """Bars side by side, or on top of one another, for each word, or number, of column `x`."""
    options = {
        "barWidth": 0.9,
        "fullHighlight": False,
        "groupWidth": 0.8,
        "legend": {**LEGEND, "showLegend": colour_by is None},
        "orientation": "horizontal" if horizontal else "vertical",
        "showValue": "never",
        "stacking": "normal" if stacked else "none",
        "tooltip": TOOLTIP,
        "xField": x,
        "xTickLabelMaxLength": 14,
        "xTickLabelRotation": 0,
        "xTickLabelSpacing": 0,
    }
    if colour_by is not None:
        options["colorByField"] = colour_by
    custom = {"fillOpacity": 85, "lineWidth": 0, "axisSoftMin": 0}
    return _panel(
        "barchart", title, description, targets,
        _fields(unit, limits, overrides, custom=custom, **field), options, runbooks,
        transformations=transformations)  # fmt: skip


def heatmap(title, description, unit, targets, limits, *, runbooks=()):
    """Buckets of a histogram over time."""
    return _panel(
        "heatmap", title, description, targets, _fields("short", limits),
        {
            "calculate": False,
            "cellGap": 1,
            "cellValues": {"unit": "short"},
            "color": {
                "mode": "scheme",
                "scheme": "Turbo",
                "scale": "exponential",
                "exponent": 0.5,
                "fill": "dark-orange",
                "reverse": False,
                "steps": 64,
            },
            "exemplars": {"color": "rgba(255,0,255,0.7)"},
            "filterValues": {"le": 1e-9},
            "legend": {"show": True},
            "rowsFrame": {"layout": "auto", "value": "Requests"},
            "showValue": "never",
            "tooltip": {"mode": "single", "yHistogram": True, "showColorScale": True},
            "yAxis": {"axisPlacement": "left", "reverse": False, "unit": unit},
        }, runbooks)  # fmt: skip


def scatter(title, description, unit, targets, limits, x, y, transformations, *, overrides=(),
            **field):
    """A point for each frame that the transformations leave, at its columns `x` and `y`."""
    # It knows no colours by name.
    field = {"color": {"mode": "palette-classic"}, **field}
    custom = {"show": "points", "pointSize": {"fixed": 16}, "pointShape": "circle",
              "pointStrokeWidth": 1, "fillOpacity": 70}  # fmt: skip
    return _panel(
        "xychart", title, description, targets,
        _fields(unit, limits, overrides, custom=custom, **field),
        {
            "legend": LEGEND,
            "mapping": "auto",
            "series": [{"x": {"matcher": {"id": "byRegexp", "options": f"/{x}/"}},
                        "y": {"matcher": {"id": "byRegexp", "options": f"/{y}/"}}}],
            "tooltip": {"mode": "single", "sort": "none"},
        }, transformations=transformations)  # fmt: skip


def table(title, description, unit, targets, limits, transformations, *, overrides=(), sort=None,
          runbooks=(), **field):
    """Words and numbers in rows."""
    custom = {"align": "auto", "cellOptions": {"type": "auto"}, "inspect": False}
    return _panel(
        "table", title, description, targets,
        _fields(unit, limits, overrides, **{"custom": custom, **field}),
        {
            "cellHeight": "sm",
            "frameIndex": 0,
            "showHeader": True,
            "sortBy": [{"displayName": sort, "desc": False}] if sort else [],
        }, runbooks, transformations=transformations)  # fmt: skip


def state_timeline(title, description, targets, limits, mappings, *, runbooks=(), links=()):
    """What was so, and when."""
    custom = {"fillOpacity": 75, "lineWidth": 0}
    return _panel(
        "state-timeline", title, description, targets,
        _fields("short", limits, (), links, custom=custom, color={"mode": "thresholds"},
                mappings=mappings),
        {
            "alignValue": "left",
            "legend": LEGEND,
            "mergeValues": True,
            "rowHeight": 0.8,
            "showValue": "auto",
            "tooltip": {"mode": "single", "sort": "none"},
        }, runbooks)  # fmt: skip


# ---- What happens to results before they are shown


def organize(*names, without=(), **renames):
    """Columns in this order, some left out, some under other names (old=new)."""
    return {
        "id": "organize",
        "options": {
            "excludeByName": {name: True for name in without},
            "indexByName": {name: index for index, name in enumerate(names)},
            "renameByName": renames,
        },
    }


def sort_by(name):
    """Rows in the order of this column: those of a query come in none."""
    return {"id": "sortBy", "options": {"fields": {}, "sort": [{"field": name}]}}


def table_of(labels, values, without=()):
    """Joins columns() into one table: labels, then values, which have names of their own."""
    values = {f"Value #{key}": name for key, name in values.items()}
    return [
        {"id": "merge", "options": {}},
        organize(*labels, *values, without=("Time", *without), **values),
        sort_by(labels[0]),
    ]


# ---- Dashboards


def variable(name, label, expr, *, several=False, default=None):
    """A choice between what `expr` gives; one of them, or several and all to begin with."""
    current = {}
    if several or default:
        current["current"] = {"text": default or "All", "value": default or "$__all"}
    return {
        "name": name,
        "label": label,
        "type": "query",
        "datasource": DATASOURCE,
        "query": {"query": expr, "refId": name, "qryType": 1},
        "refresh": 2,
        "sort": 1,
        "multi": several,
        "includeAll": several,
        **current,
    }


def annotation(name, expr, colour, title, words, time_is_value=False):
    """Marks in all charts: while `expr` has a value, or at the times that are its values."""
    return {
        "name": name,
        "datasource": DATASOURCE,
        "enable": True,
        "iconColor": colour,
        "titleFormat": title,
        "textFormat": words,
        "tagKeys": "model",
        "useValueForTime": "on" if time_is_value else False,
        "target": {"refId": "A", "expr": expr, "interval": "", "legendFormat": words},
    }


def _dashboard_link(title, *, tags=(), url=""):
    """To all dashboards that have the tags, side by side; or to `url`, in a tab of its own."""
    return {
        "title": title,
        "type": "dashboards" if tags else "link",
        "tags": list(tags),
        "url": url,
        "asDropdown": False,
        "icon": "doc",
        "includeVars": bool(tags),
        "keepTime": bool(tags),
        "targetBlank": not tags,
        "tooltip": "",
    }


def dashboard(uid, title, description, rows, *, variables=(), annotations=()):
    """A row is a title and lines; a line is its height and then pairs of a width and a panel."""
    panels, y = [], 0
    for row_title, *lines in rows:
        panels.append({"type": "row", "title": row_title, "collapsed": False, "panels": [],
                       "gridPos": {"x": 0, "y": y, "w": 24, "h": 1}})  # fmt: skip
        y += 1
        for height, *cells in lines:
            x = 0
            for width, panel in cells:
                panels.append({**panel, "gridPos": {"x": x, "y": y, "w": width, "h": height}})
                x += width
            y += height
    for number, panel in enumerate(panels, 1):
        panel["id"] = number
        runbooks = panel.pop("runbooks", [])
        if runbooks:
            panel["links"] = [
                _dashboard_link(f"Runbook: {name}", url=runbook(name)) for name in runbooks
            ]
    return {
        "id": None,
        "uid": uid,
        "title": title,
        "description": description,
        "tags": ["weir"],
        "schemaVersion": 39,
        "version": 1,
        "editable": False,
        "graphTooltip": 1,
        "refresh": "10s",
        "time": {"from": "now-1h", "to": "now"},
        "timezone": "browser",
        "timepicker": {},
        "links": [
            _dashboard_link("weir", tags=["weir"]),
            _dashboard_link("Runbooks", url=RUNBOOKS),
        ],
        "annotations": {"list": list(annotations)},
        "templating": {"list": list(variables)},
        "panels": panels,
    }


