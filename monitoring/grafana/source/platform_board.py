"""Platform: servers, their pushes, the gateway, and Prometheus itself."""

from events import alert_count, alert_marks, alert_table, load_marks
from panels import (
    CRITICAL,
    GOOD,
    NO_LIMIT,
    WARNING,
    above,
    at_least,
    dashboard,
    fixed,
    override,
    queries,
    stat,
    state_timeline,
    timeseries,
    variant_colours,
)

GATEWAY = 'job="weir-gateway"'
PROMETHEUS = 'job="prometheus"'
QUANTILE_COLOURS = [
    override("p50", color=fixed("#8AB8FF")),
    override("p99", color=fixed("#B877D9")),
]


def words(**texts):
    """What stands for 0, 1 .. of a state, in which colour."""
    options = {key[1:]: {"text": text, "color": colour} for key, (text, colour) in texts.items()}
    return [{"type": "value", "options": options}]


def now():
    return [
        stat(
            "Gateway",
            "Whether Prometheus can read the gateway's page. While it cannot, models go on serving "
            "and nothing that they count is lost, but nobody sees it.",
            "short",
            queries((f"max(up{{{GATEWAY}}})", "gateway")),
            at_least(1),
            graph=False,
            mappings=words(_0=("down", CRITICAL), _1=("up", GOOD)),
            runbooks=["GatewayDown"],
        ),
        stat(
            "Journal",
            "Whether the last write to the gateway's journal succeeded; while it has not, pushes "
            "are refused, and servers keep what they count.",
            "short",
            queries(("min(weir_gateway_journal_writable)", "journal")),
            at_least(1),
            graph=False,
            mappings=words(_0=("not writable", CRITICAL), _1=("writable", GOOD)),
            runbooks=["JournalNotWritable"],
        ),
        stat(
            "Servers that push",
            "How many servers the gateway hears of.",
            "short",
            queries(("sum(weir_gateway_sources)", "servers")),
            at_least(1),
            runbooks=["ServerDown"],
        ),
        stat(
            "Servers that fell silent",
            "How many servers push no more and did not say that they end.",
            "short",
            queries(("sum(weir_gateway_source_up == bool 0)", "servers")),
            [(None, GOOD), (1, CRITICAL)],
            runbooks=["ServerDown"],
        ),
        stat(
            "Models ready",
            "How many models at least one server has ready.",
            "short",
            queries(("count(model:weir_model_loaded:sum > 0)", "models")),
            at_least(1),
            runbooks=["ModelNotLoaded"],
        ),
        alert_count(""),
    ]


def of_servers(*arguments, **options):
    """A line for each server; one that is called as a variant has its colour."""
    return timeseries(*arguments, overrides=variant_colours(), **options)


def sources():
    return [
        state_timeline(
            "Servers",
            "When each server pushed and when it was silent. One that was told to end says so "
            "and is gone from here; one that fell silent stays for an hour.",
            queries(("max by (replica) (weir_gateway_source_up)", "{{replica}}")),
            at_least(1),
            words(_0=("silent", CRITICAL), _1=("pushes", GOOD)),
            runbooks=["ServerDown"],
        ),
        of_servers(
            "Since the last push",
            "How long ago each server pushed. They do once a second; after three the gauges of a "
            "server that is silent leave the page.",
            "s",
            queries((
                "clamp_min(time() - max by (replica)"
                " (weir_gateway_source_last_push_timestamp_seconds), 0)",
                "{{replica}}",
            )),
            above(3, 10),
            runbooks=["ServerDown"],
        ),
        timeseries(
            "Pushes, by result",
            "Pushes that came to the gateway: new ones, repetitions of what it had, and refused "
            "ones, of which its log says why.",
            "cps",
            queries(("sum by (result) (rate(weir_gateway_pushes_total[$__rate_interval]))",
                     "{{result}}")),
            NO_LIMIT,
            overrides=[
                override("applied", color=fixed("green")),
                override("duplicate", color=fixed("blue")),
                override("rejected", color=fixed("red")),
            ],
            runbooks=["PushesRejected"],
        ),
        of_servers(
            "Pushes that failed",
            "Pushes that servers could not deliver, at the first try or a later one. They are "
            "pushed again; this comes with the first that is taken.",
            "cps",
            queries(("sum by (replica) (rate(weir_push_failures_total[$__rate_interval]))",
                     "{{replica}}")),
            above(0.1, 0.5),
            runbooks=["PushesRejected", "JournalNotWritable"],
        ),
    ]  # fmt: skip


def servers():
    return [
        of_servers(
            "Processors, of what servers may use",
            "By the limit of the server's cgroup and its affinity. An alert fires above 80 % for "
            "five minutes.",
            "percentunit",
            queries(("replica:weir_process_cpu:ratio_rate5m", "{{replica}}")),
            above(0.8),
            runbooks=["HighCPUUsage"],
        ),
        of_servers(
            "Memory, of what servers may hold",
            "By the limit of the server's cgroup, else the memory of the machine. Alerts fire "
            "above 85 % and above 95 %.",
            "percentunit",
            queries(("replica:weir_process_memory:ratio", "{{replica}}")),
            above(0.85, 0.95),
            runbooks=["HighMemoryUsage", "CriticalMemoryUsage"],
        ),
        of_servers(
            "Since the start of servers",
            "How long each server has run: a line that falls to zero is one that began anew.",
            "s",
            queries((
                "time() - max by (replica) (weir_process_start_time_seconds)", "{{replica}}",
            )),
            NO_LIMIT,
            numbers=("min", "lastNotNull"),
            runbooks=["ServerDown"],
        ),
    ]  # fmt: skip


def quantiles(metric):
    buckets = f"sum by (le) (rate({metric}_bucket[$__rate_interval]))"
    return queries(*(
        (f"histogram_quantile({quantile}, {buckets}) >= 0", f"p{quantile * 100:.0f}")
        for quantile in (0.5, 0.99)
    ))  # fmt: skip


def gateway():
    return [
        timeseries(
            "Series of the page",
            "What the gateway exposes, and what it refused because there would be too many. The "
            "first should level out, since labels are bounded; the second should be none.",
            "short",
            queries(
                ("sum(weir_gateway_series)", "exposed"),
                ("sum(increase(weir_gateway_series_dropped_total[$__rate_interval]))", "refused"),
            ),
            NO_LIMIT,
            overrides=[
                override("exposed", color=fixed("#3274D9")),
                override("refused", color=fixed("red")),
            ],
            runbooks=["SeriesDropped"],
        ),
        timeseries(
            "Journal on disk",
            "Its size. It rises with every push and falls when the journal is compacted.",
            "bytes",
            queries(("sum(weir_gateway_journal_bytes)", "journal")),
            NO_LIMIT,
            overrides=[override("journal", color=fixed("#3274D9"))],
            runbooks=["JournalNotWritable"],
        ),
        timeseries(
            "Until pushes are safe",
            "How long it took until pushes were safe in the journal; a push is acknowledged then.",
            "s",
            quantiles("weir_gateway_journal_sync_seconds"),
            above(0.1, 1),
            overrides=QUANTILE_COLOURS,
            runbooks=["JournalNotWritable"],
        ),
        timeseries(
            "Time to write the page",
            "How long it took to write /metrics, compression included.",
            "s",
            quantiles("weir_gateway_scrape_duration_seconds"),
            above(0.5, 2),
            overrides=QUANTILE_COLOURS,
            runbooks=["GatewayDown"],
        ),
    ]


def of_prometheus(counter):
    """By how much a counter rose; zero where there is none, as without an Alertmanager."""
    increase = f"increase(prometheus_{counter}_total{{{PROMETHEUS}}}[$__rate_interval])"
    return f"sum({increase}) or vector(0)"


def prometheus():
    return [
        state_timeline(
            "What Prometheus reaches",
            "Whether the last scrape of each target succeeded.",
            queries(("up", "{{job}} {{instance}}")),
            at_least(1),
            words(_0=("down", CRITICAL), _1=("up", GOOD)),
            runbooks=["GatewayDown"],
        ),
        timeseries(
            "Scrapes",
            "How long each scrape took. Prometheus gives up after 4 s.",
            "s",
            queries(("scrape_duration_seconds", "{{job}} {{instance}}")),
            above(1, 4),
            runbooks=["GatewayDown"],
        ),
        timeseries(
            "Series",
            "How many series each target shows, and how many Prometheus keeps, with those that it "
            "records and those of the last two hours that have ended.",
            "short",
            queries(
                ("scrape_samples_scraped", "{{job}} {{instance}}"),
                (f"sum(prometheus_tsdb_head_series{{{PROMETHEUS}}})", "all that Prometheus keeps"),
            ),
            NO_LIMIT,
        ),
        timeseries(
            "Rules",
            "How long each group of rules took last. Groups are evaluated every 15 s, long windows "
            "every minute.",
            "s",
            queries((
                "max by (rule_group) (label_replace("
                f"prometheus_rule_group_last_duration_seconds{{{PROMETHEUS}}},"
                ' "rule_group", "$1", "rule_group", ".*;(.*)"))',
                "{{rule_group}}",
            )),
            above(5, 15),
            numbers=("mean", "max"),
            color={"mode": "palette-classic"},  # There are more groups than names tell apart.
        ),
        timeseries(
            "Rules that failed, notifications that were lost",
            "Evaluations of rules that ended in an error, and alerts that Alertmanager did not "
            "take. Both should be none: what is lost here nobody is told of.",
            "short",
            queries(
                (of_prometheus("rule_evaluation_failures"), "rules that failed"),
                (of_prometheus("notifications_errors"), "notifications that failed"),
                (of_prometheus("notifications_dropped"), "notifications that were dropped"),
            ),
            [(None, GOOD), (1, WARNING)],
            overrides=[
                override("rules that failed", color=fixed("red")),
                override("notifications that failed", color=fixed("orange")),
                override("notifications that were dropped", color=fixed("purple")),
            ],
        ),
        timeseries(
            "What Prometheus holds",
            "Its memory, and what it has on disk but for the last two hours, which it keeps in "
            "memory.",
            "bytes",
            queries(
                (f"sum(process_resident_memory_bytes{{{PROMETHEUS}}})", "memory"),
                (f"sum(prometheus_tsdb_storage_blocks_bytes{{{PROMETHEUS}}})", "blocks on disk"),
            ),
            NO_LIMIT,
            overrides=[
                override("memory", color=fixed("#3274D9")),
                override("blocks on disk", color=fixed("#1FB8A6")),
            ],
        ),
    ]  # fmt: skip


def build():
    states, age, pushes, failures = sources()
    reached, scrapes, samples, rules, lost, held = prometheus()
    return dashboard(
        "weir-platform",
        "Platform",
        "What carries the models: servers, their pushes, the gateway, and Prometheus itself.",
        [
            ("Now", [4, *((4, panel) for panel in now())]),
            ("Alerts", [6, (24, alert_table(""))]),
            ("Sources", [8, (12, states), (12, age)], [8, (12, pushes), (12, failures)]),
            ("Servers", [8, *((8, panel) for panel in servers())]),
            ("Gateway", [8, *((6, panel) for panel in gateway())]),
            ("Prometheus", [9, (8, reached), (8, scrapes), (8, samples)],
             [11, (8, rules), (8, lost), (8, held)]),
        ],
        annotations=[alert_marks('scope=~"gateway|server"'), load_marks('model!=""')],
    )  # fmt: skip
