"""Model detail: everything about one model."""

from events import alert_count, alert_marks, alert_table, load_marks
from panels import (
    NO_LIMIT,
    above,
    at_least,
    bar_chart,
    below,
    dashboard,
    fixed,
    heatmap,
    organize,
    override,
    queries,
    query,
    stat,
    timeseries,
    variable,
    variant_colours,
)

MODEL = 'model="$model"'
LATENCY_LIMITS = above(5, 10)
# Of prices, in roubles.
MARK_LOW, MARK_HIGH = 10_000_000, 20_000_000
VALUE_LIMITS = above(MARK_LOW, MARK_HIGH)
NO_VALUES = "This model does not predict a number, or has no weir.value_buckets."
NO_CLASSES = "This model does not classify."
# An answer of the caller's making is no failure of the model.
CODE_COLOURS = {
    "OK": "green",
    "CANCELLED": "#8E8E8E",
    "INVALID_ARGUMENT": "#C4B05B",
    "NOT_FOUND": "#9B8746",
    "RESOURCE_EXHAUSTED": "orange",
    "DEADLINE_EXCEEDED": "dark-orange",
    "UNAVAILABLE": "purple",
    "INTERNAL": "red",
    "UNKNOWN": "dark-red",
}


def rate(metric, window="$__rate_interval", by="", **labels):
    more = "".join(f', {label}="{value}"' for label, value in labels.items())
    return f"sum by ({by or 'model'}) (rate({metric}{{{MODEL}{more}}}[{window}]))"


def latency(quantile, window):
    return (
        "max by (model) (weir_request_duration_quantile_seconds"
        f'{{{MODEL}, quantile="{quantile}", window="{window}"}}) >= 0'
    )


def now():
    return [
        stat(
            "Requests per minute",
            "Requests that were answered, whatever the answer was.",
            "reqpm",
            queries((f"60 * {rate('weir_requests_total')}", "requests per minute")),
            NO_LIMIT,
            runbooks=["NoRequestsToModel"],
        ),
        stat(
            "Total predictions",
            "Rows of requests that were answered with OK, since the gateway's journal begins.",
            "locale",
            queries((f"sum by (model) (weir_rows_total{{{MODEL}}})", "predictions")),
            NO_LIMIT,
            decimals=0,
        ),
        stat(
            "p95, of the objective",
            "What 95 % of the requests of the last minute stayed within, as a share of the model's "
            "objective. An alert fires when it is above 100 % for a minute.",
            "percentunit",
            queries((
                f"({latency('0.95', '1m')})\n"
                f"  / on (model) model:weir_slo_latency_seconds:threshold{{{MODEL}}}",
                "of the objective",
            )),
            above(0.8, 1),
            decimals=0,
            runbooks=["LatencySLOViolated"],
        ),
        stat(
            "Answered in time",
            "The share of answers of the last five minutes within the model's latency objective.",
            "percentunit",
            queries((f"1 - model:weir_requests_late:ratio_rate5m{{{MODEL}}}", "in time")),
            below(0.99, 0.95),
            decimals=2,
            runbooks=["LatencyBudgetBurnFast"],
        ),
        stat(
            "Servers",
            "How many servers have a version of the model ready.",
            "short",
            queries((f"model:weir_model_loaded:sum{{{MODEL}}}", "servers")),
            at_least(1),
            runbooks=["ModelNotLoaded", "ModelLoadFailing"],
        ),
        alert_count(MODEL),
    ]  # fmt: skip


def requests():
    return [
        timeseries(
            "Requests per second, by code",
            "Requests by the gRPC status code of their answer. Codes that never came are left out.",
            "reqps",
            queries((f"{rate('weir_requests_total', by='code')} > 0", "{{code}}")),
            NO_LIMIT,
            stacked=True,
            overrides=[
                override(code, color=fixed(colour)) for code, colour in CODE_COLOURS.items()
            ],
        ),
        timeseries(
            "Error percentage",
            "The share of requests of the last five minutes that failed through no fault of their "
            "callers, and that were turned away before the model ran. Alerts fire above 10 % and "
            "above 20 % failed, and above 1 % turned away.",
            "percentunit",
            queries(
                (f"model:weir_requests_failed:ratio_rate5m{{{MODEL}}}", "failed"),
                (f"model:weir_rejections:ratio_rate5m{{{MODEL}}}", "turned away"),
            ),
            above(0.1, 0.2),
            overrides=[
                override("failed", color=fixed("red")),
                override("turned away", color=fixed("orange")),
            ],
            runbooks=["HighErrorRate", "CriticalErrorRate", "RequestsRejected"],
        ),
    ]


def inference_mean(window):
    return (
        f"{rate('weir_stage_duration_seconds_sum', window, stage='inference')}"
        f" / ({rate('weir_stage_duration_seconds_count', window, stage='inference')} > 0)"
    )


def latencies():
    dashed = {"fill": "dash", "dash": [8, 6]}
    return [
        timeseries(
            "Latency over 5 minutes",
            "What half, 95 % and 99 % of the requests of the last five minutes stayed within, "
            "exact to 1.6 %, and the model's objective, which 95 % should stay within: an alert "
            "compares the two for the last minute. Others fire above 5 s and above 10 s.",
            "s",
            queries(
                (latency("0.5", "5m"), "p50"),
                (latency("0.95", "5m"), "p95"),
                (latency("0.99", "5m"), "p99"),
                (f"model:weir_slo_latency_seconds:threshold{{{MODEL}}}", "objective"),
            ),
            LATENCY_LIMITS,
            log=True,
            overrides=[
                override("p50", color=fixed("#8AB8FF")),
                override("p95", color=fixed("#3274D9")),
                override("p99", color=fixed("#B877D9")),
                override("objective", color=fixed("red"), custom__lineStyle=dashed,
                         custom__lineWidth=1),
            ],
            runbooks=["LatencySLOViolated", "HighInferenceTime", "CriticalInferenceTime"],
        ),
        timeseries(
            "Average inference time",
            "The mean time that requests spent in the model, over windows of 5 to 30 minutes: "
            "short ones show what changed, long ones what is usual.",
            "s",
            queries(*(
                (inference_mean(f"{minutes}m"), f"{minutes} minutes") for minutes in (5, 10, 15, 30)
            )),
            LATENCY_LIMITS,
            overrides=[
                override(f"{minutes} minutes", color=fixed(colour))
                for minutes, colour in (
                    (5, "#8AB8FF"), (10, "#5794F2"), (15, "#3274D9"), (30, "#1F60C4"))
            ],
            runbooks=["HighInferenceTime", "CriticalInferenceTime"],
        ),
        heatmap(
            "Latency heat map",
            "How many requests took how long: a row is a bucket, whose upper bound is written at "
            "it. Two bands are two kinds of requests; a band that climbs is a queue.",
            "s",
            [query(
                f"sum by (le) (increase(weir_request_duration_seconds_bucket{{{MODEL}}}"
                "[$__rate_interval]))",
                "{{le}}",
                form="heatmap",
            )],
            NO_LIMIT,
            runbooks=["LatencyBudgetBurnFast", "LatencyBudgetBurnSlow"],
        ),
    ]  # fmt: skip


def classes():
    confidence = "weir_prediction_confidence_ratio"
    quantile = f"sum by (model, le) (rate({confidence}_bucket{{{MODEL}}}[$__rate_interval]))"
    return [
        timeseries(
            "Predictions per second, by class",
            "Rows by the class that the model found. When the shares shift, the inputs have "
            "changed, or the model.",
            "cps",
            queries((rate("weir_predictions_total", by="class"), "{{class}}")),
            NO_LIMIT,
            color={"mode": "palette-classic"},  # There are more classes than names tell apart.
            stacked=True,
            numbers=("mean", "lastNotNull"),
            runbooks=["PredictionDrift", "AccuracyDropped"],
            noValue=NO_CLASSES,
        ),
        timeseries(
            "Confidence",
            "The score of the class that the model found: the mean, the median, and what nine of "
            "ten rows exceed. It falls when inputs leave what the model was trained on.",
            "percentunit",
            queries(
                (f"{rate(confidence + '_sum')} / ({rate(confidence + '_count')} > 0)", "mean"),
                (f"histogram_quantile(0.5, {quantile}) >= 0", "median"),
                (f"histogram_quantile(0.1, {quantile}) >= 0", "nine of ten exceed"),
            ),
            below(0.7, 0.5),
            max=1,
            overrides=[
                override("mean", color=fixed("#3274D9")),
                override("median", color=fixed("#8AB8FF")),
                override("nine of ten exceed", color=fixed("#B877D9")),
            ],
            runbooks=["PredictionDrift"],
            noValue=NO_CLASSES,
        ),
    ]


def marked_share(low, high):
    """The share of predicted values above bound `low` and not above `high`."""

    def up_to(bound):
        return rate("weir_prediction_value_bucket", "5m", le=bound)

    whole = rate("weir_prediction_value_count", "5m")
    part = up_to(high) if high else whole
    return f"({part} - {up_to(low)}) / ({whole} > 0)" if low else f"{part} / ({whole} > 0)"


def values():
    bucket = "weir_prediction_value_bucket"
    buckets = f"sum by (model, le) (rate({bucket}{{{MODEL}}}[5m]))"
    low, high = str(MARK_LOW), str(MARK_HIGH)  # As the gateway writes bounds.
    marks = [("up to 10 million", "green"), ("10 to 20 million", "orange"),
             ("above 20 million", "red")]  # fmt: skip
    mark_colours = [override(name, color=fixed(colour)) for name, colour in marks]
    return [
        bar_chart(
            "Predicted values",
            "How many rows got a value up to this bound and above the one before, over the time "
            "that is shown. Up to 10 million, to 20 million, and above; what is beyond the last "
            "bound is not drawn.",
            "short",
            [query(
                f'sum by (le) (increase({bucket}{{{MODEL}, le!="+Inf"}}[$__range]))',
                "{{le}}", at_end=True, form="heatmap",
            )],
            NO_LIMIT,
            "Up to",
            [
                {"id": "reduce", "options": {"mode": "seriesToRows", "reducers": ["lastNotNull"]}},
                {"id": "convertFieldType", "options": {
                    "conversions": [{"targetField": "Field", "destinationType": "number"}],
                }},
                organize("Field", "Last *", **{"Field": "Up to", "Last *": "Rows"}),
            ],
            colour_by="Up to",
            overrides=[override(
                "Up to", unit="short", color={"mode": "thresholds"},
                thresholds=thresholds_above_bounds(VALUE_LIMITS),
            )],
            runbooks=["PredictionOutOfRange"],
            noValue=NO_VALUES,
        ),
        timeseries(
            "Predicted values and the marks",
            "The share of values up to 10 million, up to 20 million, and above, over the last "
            "five minutes. An alert fires when more is above a mark than the model's "
            "configuration says.",
            "percentunit",
            queries(
                (marked_share(None, low), marks[0][0]),
                (marked_share(low, high), marks[1][0]),
                (marked_share(high, None), marks[2][0]),
            ),
            NO_LIMIT,
            stacked=True,
            max=1,
            overrides=mark_colours,
            runbooks=["PredictionOutOfRange"],
            noValue=NO_VALUES,
        ),
        timeseries(
            "Mean prediction",
            "The mean of the predicted values of the last fifteen minutes, and the median and the "
            "upper tenth of the last five. The lines are 10 and 20 million.",
            "short",
            queries(
                (f"model:weir_prediction_value:mean_rate15m{{{MODEL}}}", "mean"),
                (f"histogram_quantile(0.5, {buckets}) >= 0", "median"),
                (f"histogram_quantile(0.9, {buckets}) >= 0", "one in ten exceeds"),
            ),
            VALUE_LIMITS,
            overrides=[
                override("mean", color=fixed("#3274D9")),
                override("median", color=fixed("#8AB8FF")),
                override("one in ten exceeds", color=fixed("#B877D9")),
            ],
            runbooks=["PredictionOutOfRange", "PredictionDrift"],
            noValue=NO_VALUES,
        ),
    ]  # fmt: skip


def thresholds_above_bounds(limits):
    """The upper bound of a bucket is still within a limit that it is equal to."""
    steps = [
        {"value": None if value is None else value + 1, "color": colour} for value, colour in limits
    ]
    return {"mode": "absolute", "steps": steps}


def resources():
    replica = 'replica=~"$replica"'
    return [
        timeseries(
            "Processors, of the model",
            "How many instances of the model were busy, on average, and how many it has. When "
            "all of them are busy, requests wait.",
            "short",
            queries(
                (rate("weir_instance_busy_seconds_total"), "busy"),
                (f"sum by (model) (weir_instances{{{MODEL}}})", "instances"),
            ),
            NO_LIMIT,
            overrides=[
                override("busy", color=fixed("#3274D9")),
                override("instances", color=fixed("#8E8E8E"),
                         custom__lineStyle={"fill": "dash", "dash": [8, 6]}),
            ],
            runbooks=["QueueSaturated"],
        ),
        timeseries(
            "Processors, of servers",
            "Processors that each server kept busy, with all the models that it has: which "
            "server has which model is not recorded, so choose above. An alert fires above 80 % "
            "of what it may use; see Platform.",
            "short",
            queries((
                f"sum by (replica) (rate(weir_process_cpu_seconds_total{{{replica}}}"
                "[$__rate_interval]))",
                "{{replica}}",
            )),
            NO_LIMIT,
            overrides=variant_colours(),
            runbooks=["HighCPUUsage"],
        ),
        timeseries(
            "Memory, of servers",
            "Memory that each server holds, with all the models that it has. Alerts fire above "
            "85 % and above 95 % of what it may hold; see Platform.",
            "bytes",
            queries((
                f"sum by (replica) (weir_process_resident_memory_bytes{{{replica}}})",
                "{{replica}}",
            )),
            NO_LIMIT,
            overrides=variant_colours(),
            runbooks=["HighMemoryUsage", "CriticalMemoryUsage"],
        ),
    ]  # fmt: skip


def build():
    p_latency, inference, heat = latencies()
    return dashboard(
        "weir-model-detail",
        "Model detail",
        "Everything about one model: what it is asked and answers, how long that takes and where "
        "the time goes, what it predicts, what it needs.",
        [
            ("Now", [4, *((4, panel) for panel in now())]),
            ("Requests", [9, *((12, panel) for panel in requests())]),
            ("Latency", [9, (12, p_latency), (12, inference)], [10, (24, heat)]),
            ("Predictions: classes", [11, *((12, panel) for panel in classes())]),
            ("Predictions: values", [10, *((8, panel) for panel in values())]),
            ("What it needs", [9, *((8, panel) for panel in resources())]),
            ("Alerts", [6, (24, alert_table(MODEL))]),
        ],
        variables=[
            variable("family", "Family", "label_values(weir_model_info, family)",
                     default="fashion"),
            variable("model", "Model", 'label_values(weir_model_info{family="$family"}, model)'),
            variable("replica", "Servers",
                     "label_values(weir_process_start_time_seconds, replica)", several=True),
        ],
        annotations=[alert_marks(MODEL), load_marks(MODEL)],
    )  # fmt: skip
