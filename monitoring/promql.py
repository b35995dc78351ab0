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


def selectors(expr):
    """What chooses by labels: the name of the series, which may be empty, and the labels."""
    expr = re.sub(r"#.*", "", expr)
    for name, matchers in re.findall(r"([a-zA-Z_:][\w:]*)?\{([^}]*)\}", expr):
        yield name, set(re.findall(r"(\w+)\s*[=!]", re.sub(r'"(?:[^"\\]|\\.)*"', "", matchers)))


def series_of_page(text):
    return set(labels_of_page(text))


def labels_of_page(text):
    """The series that docs/metrics.md promises, each with its labels and those that a scrape adds.

    //tests:metrics_doc_test holds the page to the catalogue.
    """
    series = {}
    for section in re.split(r"^### ", text, flags=re.MULTILINE)[1:]:
        name, _, rest = section.partition("\n")
        if not name.startswith("weir_"):
            continue
        kind, labels, _ = rest.lstrip().split(" · ", 2)
        labels = {"job", "instance", *re.findall(r"`(\w+)`", labels)}
        if kind == "histogram":
            suffixes = ["_count"] + ["_sum"] * ("It has no `_sum`" not in rest)
            series |= {name + suffix: labels for suffix in suffixes}
            series[name + "_bucket"] = labels | {"le"}
        else:
            series[name] = labels
    return series
