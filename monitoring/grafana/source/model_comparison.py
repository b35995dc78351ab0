"""Model comparison: the variants of one family side by side."""

from events import alert_marks, alert_table, load_marks
from panels import (
    NO_LIMIT,
    above,
    bar_chart,
    bar_gauge,
    below,
    coloured,
    columns,
    dashboard,
    fixed,
    link,
    organize,
    override,
    queries,
    query,
    scatter,
    sort_by,
    table,
    table_of,
    timeseries,
    variable,
    variant_colours,
)

MODELS = 'model=~"$model"'
STAGES = {"queue": "#FF9830", "assemble": "#FADE2A", "inference": "#5794F2", "respond": "#73BF69"}


def detail_of(model, name):
    return link(
        f"{name} in detail",
        f"/d/weir-model-detail?var-family=${{family}}&var-model={model}&${{__url_time_range}}",
    )


def by_variant(expr):
    """`expr`, which has a series for each model, with the variant beside the model."""
    return (
        f"({expr})\n"
        "  * on (model) group_left (variant)"
        ' group by (model, variant) (weir_model_info{family="$family"})'
    )


def per_variant(expr):
    return queries((by_variant(expr), "{{variant}}"))


def chart(*arguments, **options):
    """A line for each variant, which leads to its details."""
    detail = detail_of("${__field.labels.model}", "${__field.labels.variant}")
    return timeseries(*arguments, overrides=variant_colours(), links=[detail], **options)


def rate(metric, window="$__rate_interval"):
    return f"sum by (model) (rate({metric}{{{MODELS}}}[{window}]))"


def latency(quantile, window="1m"):
    return (
        "max by (model) (weir_request_duration_quantile_seconds"
        f'{{{MODELS}, quantile="{quantile}", window="{window}"}}) >= 0'
    )


def share_over_range(part, whole):
    return (
        f"sum by (model) (increase({part}{{{MODELS}}}[$__range]))\n"
        f"  / (sum by (model) (increase({whole}{{{MODELS}}}[$__range])) > 0)"
    )


LATE = share_over_range("model_le:weir_requests_late:sum", "model_le:weir_requests_answered:sum")
FAILED = share_over_range("model:weir_requests_failed:sum", "model:weir_requests_judged:sum")
QUALITY = f'max by (model) (weir_model_quality_ratio{{{MODELS}, metric="$quality"}})'
LATENCY_LIMITS = above(5, 10)


def now():
    names = {
        "rate": "Requests",
        "failed": "Failed",
        "p50": "p50",
        "p95": "p95",
        "p99": "p99",
        "objective": "Objective",
        "in_time": "In time",
        "batch": "Rows in a batch",
        "busy": "Busy",
        "quality": "Quality",
    }
    ratio = {"unit": "percentunit", "decimals": 2}
    return table(
        "Variants now",
        "One row for each variant: what it does now, and the quality that was measured when it was "
        "made. Latencies are those of the last minute, failures those of the last five; the "
        "objective is the latency that requests shall meet.",
        "s",
        columns(
            rate=by_variant(rate("weir_requests_total", "1m")),
            failed=by_variant(f"model:weir_requests_failed:ratio_rate5m{{{MODELS}}}"),
            p50=by_variant(latency("0.5")),
            p95=by_variant(latency("0.95")),
            p99=by_variant(latency("0.99")),
            objective=by_variant(f"model:weir_slo_latency_seconds:threshold{{{MODELS}}}"),
            in_time=by_variant(f"1 - model:weir_requests_late:ratio_rate5m{{{MODELS}}}"),
            batch=by_variant(
                f"{rate('weir_batch_rows_sum', '1m')} / ({rate('weir_batches_total', '1m')} > 0)"
            ),
            busy=by_variant(
                f"{rate('weir_instance_busy_seconds_total', '1m')}"
                f" / sum by (model) (weir_instances{{{MODELS}}})"
            ),
            quality=by_variant(QUALITY),
        ),
        NO_LIMIT,
        table_of(["variant", "model"], names),
        overrides=[
            override("variant", displayName="Variant"),
            override("model", displayName="Model",
                     links=[detail_of("${__value.raw}", "${__value.raw}")]),
            override("Requests", unit="reqps", decimals=1),
            override("Failed", **ratio, **coloured(above(0.1, 0.2))),
            override("p95", **coloured(LATENCY_LIMITS)),
            override("In time", **ratio, **coloured(below(0.99, 0.95))),
            override("Rows in a batch", unit="short", decimals=1),
            override("Busy", **ratio, **coloured(above(0.8, 0.95))),
            override("Quality", unit="percentunit", decimals=1),
        ],
        runbooks=["LatencySLOViolated"],
    )  # fmt: skip


def traffic():
    return [
        chart(
            "Request rate",
            "Requests that were answered, whatever the answer was.",
            "reqps",
            per_variant(rate("weir_requests_total")),
            NO_LIMIT,
            runbooks=["NoRequestsToModel"],
        ),
        chart(
            "Error ratio",
            "The share of requests that failed through no fault of their callers, over the last "
            "five minutes. Alerts fire above 10 % and above 20 %.",
            "percentunit",
            per_variant(f"model:weir_requests_failed:ratio_rate5m{{{MODELS}}}"),
            above(0.1, 0.2),
            runbooks=["HighErrorRate", "CriticalErrorRate"],
        ),
        chart(
            "Queue",
            "How full the queue is. When it is full, requests are refused; an alert fires above "
            "80 %.",
            "percentunit",
            per_variant(f"model:weir_queue_rows:ratio{{{MODELS}}}"),
            above(0.8, 1),
            runbooks=["QueueSaturated", "RequestsRejected"],
        ),
    ]


def latencies():
    return [
        chart(
            f"Latency, {name}",
            f"{words} of the last minute, as the gateway knows it, exact to 1.6 %. From a "
            "request's receipt to its answer, of requests that were answered with OK.",
            "s",
            per_variant(latency(quantile)),
            LATENCY_LIMITS,
            log=True,
            runbooks=runbooks,
        )
        for name, quantile, words, runbooks in (
            ("p50", "0.5", "What half of the requests stayed within", []),
            ("p95", "0.95", "What 95 % of the requests stayed within",
             ["LatencySLOViolated", "HighInferenceTime", "CriticalInferenceTime"]),
            ("p99", "0.99", "What 99 % of the requests stayed within", []),
        )
    ]  # fmt: skip


def stage(name):
    total = f'weir_stage_duration_seconds_sum{{{MODELS}, stage="{name}"}}'
    requests = rate("weir_request_duration_seconds_count", "$__range")
    return by_variant(f"sum by (model) (rate({total}[$__range]))\n  / ({requests} > 0)")


def work():
    return [
        chart(
            "Rows in a batch",
            "The mean of the batches that the model ran. Batches grow when requests wait for one "
            "another: larger ones cost less per row.",
            "short",
            per_variant(f"{rate('weir_batch_rows_sum')} / ({rate('weir_batches_total')} > 0)"),
            NO_LIMIT,
        ),
        bar_chart(
            "Where the time goes",
            "The mean time of a request in each stage, over the time that is shown: the wait for a "
            "batch, the making of its tensors, the model, the making of the answer.",
            "s",
            columns(**{name: stage(name) for name in STAGES}),
            NO_LIMIT,
            "variant",
            table_of(["variant"], {name: name for name in STAGES}, without=["model"]),
            stacked=True,
            horizontal=True,
            overrides=[override(name, color=fixed(colour)) for name, colour in STAGES.items()],
        ),
        chart(
            "Processor time for 1000 predictions",
            "Time that the model's instances spent with batches, for 1000 rows. An instance has "
            "one thread unless INTRA_OP_THREAD_COUNT says otherwise.",
            "s",
            per_variant(
                f"1000 * {rate('weir_instance_busy_seconds_total')}"
                f" / ({rate('weir_rows_total')} > 0)"
            ),
            NO_LIMIT,
            runbooks=["HighCPUUsage"],
        ),
    ]


def quality():
    predictions = f"increase(weir_predictions_total{{{MODELS}}}[$__range])"
    return [
        scatter(
            "Quality against p95",
            "One point for each variant: how good it is on held-out data, and what 95 % of its "
            "requests stayed within in the last five minutes. Up and to the left is better.",
            "percentunit",
            columns(p95=by_variant(latency("0.95", "5m")), quality=by_variant(QUALITY)),
            NO_LIMIT,
            "p95",
            "quality",
            [
                *table_of(["variant"], {"p95": "p95", "quality": "quality"}, without=["model"]),
                {"id": "partitionByValues",
                 "options": {"fields": ["variant"], "keepFields": False}},
            ],
            overrides=[
                *variant_colours(),
                override("p95", pattern=True, unit="s", custom__axisLabel="p95"),
                override("quality", pattern=True, custom__axisLabel="quality"),
            ],
        ),
        bar_chart(
            "What they predict",
            "How often each class was found, over the time that is shown. Variants that get the "
            "same inputs should agree; where one stands out it is either better or wrong. Of "
            "models that classify.",
            "percentunit",
            [query(
                by_variant(
                    f"sum by (model, class) ({predictions})\n"
                    f"  / on (model) group_left () (sum by (model) ({predictions}) > 0)"
                ),
                "{{variant}} {{class}}",
                at_end=True,
            )],
            NO_LIMIT,
            "class",
            [
                {"id": "labelsToFields", "options": {
                    "mode": "columns", "valueLabel": "variant", "keepLabels": ["class", "variant"],
                }},
                {"id": "merge", "options": {}},
                organize("class", without=["Time"]),
                sort_by("class"),
            ],
            overrides=variant_colours(),
            noValue="No model of this family classifies.",
        ),
    ]  # fmt: skip


def share_of_range(title, description, expr, limits, runbooks, decimals=0):
    return bar_gauge(
        title,
        description,
        "percentunit",
        [query(by_variant(expr), "{{variant}}", at_end=True, form="table")],
        limits,
        [organize("variant", "Value", without=("Time", "model")), sort_by("variant")],
        runbooks=runbooks,
        min=0,
        max=1,
        decimals=decimals,
    )


def objectives():
    return [
        share_of_range(
            "Answered in time",
            "The share of answers within the latency objective of the model, over the time that is "
            "shown. The objective is 99 % unless the model has another.",
            f"1 - {LATE}",
            below(0.99, 0.95),
            ["LatencySLOViolated", "LatencyBudgetBurnFast", "LatencyBudgetBurnSlow"],
            decimals=2,
        ),
        share_of_range(
            "Latency budget left",
            "What is left of the answers that may be late, over the time that is shown; below zero "
            "the objective is missed.",
            f"1 - {LATE}\n  / on (model) (1 - model:weir_slo_latency_ratio:threshold)",
            below(0.25, 0),
            ["LatencyBudgetBurnFast", "LatencyBudgetBurnSlow"],
        ),
        share_of_range(
            "Error budget left",
            "What is left of the requests that may fail, over the time that is shown; below zero "
            "the objective is missed. It is 99.9 % unless the model has another.",
            f"1 - {FAILED}\n  / on (model) (1 - model:weir_slo_availability_ratio:threshold)",
            below(0.25, 0),
            ["ErrorBudgetBurnFast", "ErrorBudgetBurnSlow"],
        ),
        chart(
            "p95 against the objective",
            "1 is the latency objective of the model: variants with different ones can be "
            "compared. An alert fires when it is above 1 for a minute.",
            "percentunit",
            per_variant(
                f"({latency('0.95')}) / on (model) model:weir_slo_latency_seconds:threshold"
            ),
            above(0.8, 1),
            runbooks=["LatencySLOViolated"],
        ),
    ]


def build():
    rate_chart, errors, queue = traffic()
    batch, stages, processor = work()
    scatter_chart, mix = quality()
    in_time, late_left, failed_left, against = objectives()
    return dashboard(
        "weir-model-comparison",
        "Model comparison",
        "The variants of one family side by side: what they are asked, how fast and how good they "
        "are, what they cost, and whether they meet their objectives.",
        [
            ("Now", [6, (24, now())]),
            ("Requests", [9, (8, rate_chart), (8, errors), (8, queue)],
             [9, *((8, panel) for panel in latencies())]),
            ("What it takes", [9, (8, batch), (8, stages), (8, processor)]),
            ("How good they are", [10, (10, scatter_chart), (14, mix)]),
            ("Objectives", [6, (8, in_time), (8, late_left), (8, failed_left)], [8, (24, against)]),
            ("Alerts", [6, (24, alert_table(MODELS))]),
        ],
        variables=[
            variable("family", "Family", "label_values(weir_model_info, family)",
                     default="fashion"),
            variable("model", "Models", 'label_values(weir_model_info{family="$family"}, model)',
                     several=True),
            variable("quality", "Quality",
                     'label_values(weir_model_quality_ratio{model=~"$model"}, metric)',
                     default="accuracy"),
        ],
        annotations=[alert_marks(MODELS), load_marks(MODELS)],
    )  # fmt: skip
