"""Which series queries name, and which there are: for the tests of rules and of dashboards."""

import re

_WORDS = {"and", "or", "unless", "bool", "offset", "by", "without", "on", "ignoring", "group_left",
          "group_right", "inf", "nan"}  # fmt: skip


def metrics(expr):
    """Names of series: words that are neither functions, nor labels, nor of the language."""
    expr = re.sub(r"#.*", "", expr)
    expr = re.sub(r'"(?:[^"\\]|\\.)*"', "", expr)
    expr = re.sub(r"\{[^}]*\}|\[[^]]*\]", "", expr)
    expr = re.sub(r"\b(by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)", "", expr)
    found = re.findall(r"(?<![\w:.])[a-zA-Z_:][\w:]*(?!\s*\(|[\w:])", expr)
    return {word for word in found if word.lower() not in _WORDS}


def series_of_page(text):
    """The series that docs/metrics.md promises; //tests:metrics_doc_test holds it to the catalogue."""
    series = set()
    for section in re.split(r"^### ", text, flags=re.MULTILINE)[1:]:
        name, _, rest = section.partition("\n")
        if not name.startswith("weir_"):
            continue
        if rest.lstrip().startswith("histogram"):
            suffixes = ["_bucket", "_count"] + ["_sum"] * ("It has no `_sum`" not in rest)
            series |= {name + suffix for suffix in suffixes}
        else:
            series.add(name)
    return series
