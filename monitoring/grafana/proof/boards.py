"""The dashboards as they stand in their files, and their queries as Grafana would send them."""

import json
import pathlib
import re

FOLDER = pathlib.Path(__file__).absolute().parent.parent / "dashboards"


def load():
    """All dashboards, by the path of their file."""
    return {
        path: json.loads(path.read_text(encoding="utf-8"))
        for path in sorted(FOLDER.glob("*/*.json"))
    }


def panels(board):
    """Its panels, without rows."""
    return [panel for panel in board["panels"] if panel["type"] != "row"]


def choices(board, prometheus, wanted, end):
    """A value for each variable: the wanted one where there is such, else the first, or all."""
    values = {}
    for variable in board["templating"]["list"]:
        options = prometheus.label_values(fill(variable["query"]["query"], values), end)
        if not options:
            raise LookupError(f"${variable['name']} has nothing to choose from")
        if variable["multi"]:
            values[variable["name"]] = options
        else:
            value = wanted.get(variable["name"], variable.get("current", {}).get("value"))
            values[variable["name"]] = value if value in options else options[0]
    return values


def _as_pattern(word):
    """That matches only `word`, within quotes."""
    return re.sub(r"[\\^$.*+?()\[\]{}|]", r"\\\\\g<0>", word)


def fill(expr, values):
    """`expr` with its $variables: words as they are, lists as alternatives of a pattern. What has a
    number for a name belongs to Prometheus."""

    def value_of(match):
        name = match[1] or match[2]
        if name not in values:
            raise LookupError(f"nobody gives ${name} a value: {expr}")
        value = values[name]
        if isinstance(value, list):
            return "(" + "|".join(map(_as_pattern, value)) + ")"
        return value

    return re.sub(r"\$(?:\{([a-zA-Z_]\w*)\}|([a-zA-Z_]\w*))", value_of, expr)
