"""Every rule is complete: it has a test, asks for what there is, and an alert has all that people need.

That the rules do what they should is what promtool finds out with tests/*.yml; this counts.
"""

import collections
import os
import re
import subprocess
import sys
import tempfile
import unittest

import yaml

HERE = os.path.dirname(os.path.abspath(__file__))
DOCS = os.path.join(HERE, "..", "..", "docs")
sys.path.insert(0, os.path.join(HERE, ".."))
import promql  # noqa: E402

SEVERITIES = {"critical", "warning", "info"}
SCOPES = {"model": "model", "server": "replica", "gateway": "instance"}  # And the label of its subject.
OF_PROMETHEUS = {"up", "ALERTS", "scrape_duration_seconds"}
SECTIONS = ["Meaning", "Likely causes", "What to look at", "What to do"]

# Their value is that there is none.
WITHOUT_VALUE = {
    "GatewayDown",
    "JournalNotWritable",
    "ModelNotLoaded",
    "NoRequestsToModel",
    "ServerDown",
}


def read(*path):
    with open(os.path.join(*path), encoding="utf-8") as file:
        return file.read()


def documents(folder):
    """What is in the YAML files of a folder, by file name."""
    folder = os.path.join(HERE, folder)
    return {
        name: yaml.safe_load(read(folder, name))
        for name in sorted(os.listdir(folder))
        if name.endswith(".yml")
    }


RULES = [
    rule
    for document in documents("rules").values()
    for group in document["groups"]
    for rule in group["rules"]
]
RECORDED = {rule["record"]: rule for rule in RULES if "record" in rule}
ALERTS = {rule["alert"]: rule for rule in RULES if "alert" in rule}
TESTS = documents("tests")
CASES = [case for document in TESTS.values() for case in document["tests"]]
PLANNED = set(read(HERE, "planned_metrics.txt").split())
LABELS = promql.labels_of_page(read(DOCS, "metrics.md"))  # Of each series whose labels are known.
EXPOSED = set(LABELS)
KNOWN = EXPOSED | PLANNED | set(RECORDED) | OF_PROMETHEUS
LABELS |= {name: set(name.split(":")[0].split("_")) for name in RECORDED}


def seconds(text):
    """A duration of Prometheus as a number."""
    unit = {"s": 1, "m": 60, "h": 3600, "d": 86400}
    parts = re.findall(r"(\d+)([smhd])", str(text))
    assert "".join(n + u for n, u in parts) == str(text), text
    return sum(int(n) * unit[u] for n, u in parts)


def expectations(case):
    """For each alert of a test case: (seconds, whether it fires), in the order of time."""
    found = collections.defaultdict(list)
    for check in case.get("alert_rule_test", []):
        fires = bool(check.get("exp_alerts"))
        found[check["alertname"]].append((seconds(check["eval_time"]), fires))
    return {alert: sorted(checks) for alert, checks in found.items()}


def unknown_labels(expr):
    """Labels by which `expr` chooses and which its series do not have."""
    chosen = promql.selectors(expr)
    return {label for name, labels in chosen for label in labels - LABELS.get(name, labels)}


class RuleTest(unittest.TestCase):
    def test_the_files_are_read_as_they_are(self):
        self.assertEqual(len(RECORDED) + len(ALERTS), len(RULES), "a name stands twice")
        listed = {name for document in TESTS.values() for name in document["rule_files"]}
        self.assertEqual(listed, {f"../rules/{name}" for name in documents("rules")})

    def test_each_alert_is_seen_to_begin_and_to_resolve(self):
        for alert in ALERTS:
            with self.subTest(alert):
                resolved, gaps = False, []
                for document in TESTS.values():
                    step = seconds(document["evaluation_interval"])
                    for case in document["tests"]:
                        checks = expectations(case).get(alert, [])
                        for (before, fired), (at, fires) in zip(checks, checks[1:]):
                            resolved |= fired and not fires
                            gaps += [(at - before) // step] * (fires and not fired)
                self.assertTrue(resolved, "no test sees it resolve")
                self.assertEqual(min(gaps, default=None), 1, "no test knows when it begins")

    def test_each_alert_is_seen_to_be_silent_in_a_case_of_its_own(self):
        for alert in ALERTS:
            with self.subTest(alert):
                checks = [expectations(case).get(alert, []) for case in CASES]
                quiet = [c for c in checks if c and not any(fires for _, fires in c)]
                self.assertTrue(quiet, "no test has it silent just below its threshold")

    def test_what_an_alert_says_is_tested_word_by_word(self):
        for case in CASES:
            for check in case.get("alert_rule_test", []):
                for expected in check.get("exp_alerts") or []:
                    with self.subTest(case["name"]):
                        rule = ALERTS[check["alertname"]]
                        self.assertEqual(set(expected["exp_annotations"]), set(rule["annotations"]))

    def test_each_recording_rule_has_a_test_that_expects_samples_of_it(self):
        asked = set()
        for case in CASES:
            for check in case.get("promql_expr_test", []):
                if check.get("exp_samples"):
                    asked |= promql.metrics(check["expr"])
        self.assertEqual(set(RECORDED) - asked, set())

    def test_recording_rules_are_called_level_metric_operation(self):
        for name, rule in RECORDED.items():
            with self.subTest(name):
                self.assertRegex(name, r"^(model|model_[a-z]+|replica):weir_[a-z_]+:[a-z0-9_]+$")

    def test_rules_ask_for_what_there_is(self):
        for rule in RULES:
            with self.subTest(rule.get("alert") or rule.get("record")):
                self.assertEqual(promql.metrics(rule["expr"]) - KNOWN, set())
                self.assertEqual(unknown_labels(rule["expr"]), set())

    def test_what_is_planned_is_not_there_yet_and_is_waited_for(self):
        self.assertEqual(PLANNED & EXPOSED, set(), "strike it out of planned_metrics.txt")
        asked = set().union(*(promql.metrics(rule["expr"]) for rule in RULES))
        self.assertEqual(PLANNED - asked, set())


class AlertTest(unittest.TestCase):
    def test_each_has_a_severity_and_the_label_of_what_it_is_about(self):
        for name, rule in ALERTS.items():
            with self.subTest(name):
                self.assertEqual(set(rule["labels"]), {"severity", "scope"})
                self.assertIn(rule["labels"]["severity"], SEVERITIES)
                self.assertIn(rule["labels"]["scope"], SCOPES)

    def test_each_says_what_is_the_matter_with_whom_and_how_much(self):
        for name, rule in ALERTS.items():
            with self.subTest(name):
                texts = rule["annotations"]
                self.assertEqual(set(texts), {"summary", "description", "runbook_url"})
                subject = f"$labels.{SCOPES[rule['labels']['scope']]}"
                self.assertIn(subject, texts["description"])
                self.assertEqual("$value" in texts["description"], name not in WITHOUT_VALUE)

    def test_what_annotations_ask_for_is_there(self):
        for name, rule in ALERTS.items():
            for text in rule["annotations"].values():
                for series in re.findall(r'"([\w:]+)\{[^"]*"', text):
                    with self.subTest(name):
                        self.assertIn(series, KNOWN)


class RunbookTest(unittest.TestCase):
    def pages(self):
        names = sorted(os.listdir(os.path.join(DOCS, "runbooks")))
        return {n[:-3]: read(DOCS, "runbooks", n) for n in names if n.endswith(".md")}

    def test_each_alert_has_its_page_and_each_page_its_alert(self):
        self.assertEqual(set(self.pages()), set(ALERTS))
        for name, rule in ALERTS.items():
            self.assertEqual(rule["annotations"]["runbook_url"], f"docs/runbooks/{name}.md")

    def test_the_overview_has_each_alert_with_its_severity_and_duration(self):
        row = r"^\| \[(\w+)\]\(runbooks/\1\.md\) \| (\w+) \| .* \| (\w*) ?\|$"
        told = re.findall(row, read(DOCS, "alerts.md"), re.MULTILINE)
        is_so = [(n, r["labels"]["severity"], r.get("for", "")) for n, r in ALERTS.items()]
        self.assertEqual(sorted(told), sorted(is_so))

    def test_each_page_has_the_same_parts(self):
        for name, page in self.pages().items():
            with self.subTest(name):
                self.assertTrue(page.startswith(f"# {name}\n"), page[:40])
                self.assertEqual(re.findall(r"^## (.*)$", page, re.MULTILINE), SECTIONS)
                self.assertIn(ALERTS[name]["labels"]["severity"], page.split("## ")[0])

    def test_queries_of_the_pages_are_read_by_prometheus_and_ask_for_what_there_is(self):
        rules = []
        for name, page in self.pages().items():
            queries = re.findall(r"```promql\n(.*?)```", page, re.DOTALL)
            with self.subTest(name):
                self.assertTrue(queries, "nothing to look at")
                for query in queries:
                    self.assertEqual(promql.metrics(query) - KNOWN, set())
                    self.assertEqual(unknown_labels(query), set())
                    for names in re.findall(r'__name__=~"([^"]*)"', query):
                        self.assertTrue(any(re.fullmatch(names, known) for known in KNOWN), names)
            rules += [{"record": f"page:{name}:query{i}", "expr": q} for i, q in enumerate(queries)]
        with tempfile.NamedTemporaryFile("w", suffix=".yml") as file:
            yaml.safe_dump({"groups": [{"name": "pages", "rules": rules}]}, file)
            file.flush()
            checked = subprocess.run(
                ["promtool", "check", "rules", file.name], capture_output=True, text=True
            )
        self.assertEqual(checked.returncode, 0, checked.stdout + checked.stderr)

    def test_links_of_the_pages_lead_somewhere(self):
        for name, page in self.pages().items():
            for target in re.findall(r"\]\(([^)#]+)", page):
                with self.subTest(name):
                    self.assertTrue(os.path.exists(os.path.join(DOCS, "runbooks", target)), target)


class NamesTest(unittest.TestCase):
    """What counts above can tell a metric from all else."""

    def test_names_of_series_are_found(self):
        for expr, names in {
            'sum by (model, le) (rate(a_bucket{x="b_total"}[5m] offset 1h)) > bool c': "a_bucket c",
            "a / on (model) group_left (family) b": "a b",
            "l:a:rate5m and on () up == 1 or absent(b) unless ignoring (x) c": "l:a:rate5m up b c",
            'count_values by (m) ("le", a) # and b': "a",
            "1e3 * 0.5 + -Inf": "",
            "max_over_time(a[1d:1m]) - time()": "a",
        }.items():
            with self.subTest(expr):
                self.assertEqual(promql.metrics(expr), set(names.split()))

    def test_labels_by_which_series_are_chosen_are_found(self):
        chosen = promql.selectors('a{x="y=z", l!~"m"} / b{} + {__name__=~"c.*"} + d')
        self.assertEqual(list(chosen), [("a", {"x", "l"}), ("b", set()), ("", {"__name__"})])
        self.assertEqual(unknown_labels('weir_requests_total{code="OK", kode="OK"}'), {"kode"})
        self.assertEqual(unknown_labels('model_code:weir_requests:rate5m{code="", le=""}'), {"le"})

    def test_series_of_the_page_are_found(self):
        self.assertIn("weir_requests_total", EXPOSED)
        self.assertIn("weir_request_duration_seconds_bucket", EXPOSED)
        self.assertNotIn("weir_request_duration_seconds", EXPOSED)
        self.assertIn("weir_prediction_value_count", EXPOSED)
        self.assertNotIn("weir_prediction_value_sum", EXPOSED)


if __name__ == "__main__":
    unittest.main()
