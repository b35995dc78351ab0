"""Alerts and loads of models: as marks in charts, and as a table with the way to the runbooks."""

from panels import (
    CRITICAL,
    GOOD,
    NO_LIMIT,
    WARNING,
    annotation,
    link,
    organize,
    override,
    query,
    runbook,
    stat,
    table,
)


def _firing(selector):
    return f'ALERTS{{alertstate="firing", {selector}}}'


def alert_marks(selector):
    return annotation("Alerts", _firing(selector), "red", "{{alertname}}", "{{model}}{{replica}}")


def load_marks(selector):
    return annotation(
        "Loads",
        f"1000 * max by (model, version) (weir_model_load_timestamp_seconds{{{selector}}})",
        "blue",
        "{{model}} version {{version}} loaded",
        "{{model}}",
        time_is_value=True,
    )


def alert_count(selector):
    return stat(
        "Alerts",
        "How many alerts fire; below they are listed, each with its runbook.",
        "short",
        [query(f"count({_firing(selector)}) or vector(0)", "firing")],
        [(None, GOOD), (1, CRITICAL)],
    )


def alert_table(selector):
    states = {name: {"color": colour, "text": name} for name, colour in (
        ("critical", CRITICAL), ("warning", WARNING), ("info", "blue"))}  # fmt: skip
    return table(
        "Alerts that fire",
        "Since when each of them is so. The name leads to the runbook.",
        "dateTimeFromNow",
        [query(
            f"1000 * ALERTS_FOR_STATE{{{selector}}} and ignoring (alertstate) {_firing(selector)}",
            "{{alertname}}", at_end=True, form="table",
        )],
        NO_LIMIT,
        [organize(
            "alertname", "severity", "model", "replica", "limit", "Value",
            without=("Time", "scope", "instance", "job"),
            alertname="Alert", severity="Severity", model="Model", replica="Server",
            limit="Limit", Value="Since",
        )],
        overrides=[
            override("Alert", links=[link("Runbook", runbook("${__value.raw}"))]),
            override("Severity", mappings=[{"type": "value", "options": states}],
                     custom__cellOptions={"type": "color-text"}),
        ],
        sort="Severity",
        noValue="No alert fires.",
    )  # fmt: skip
