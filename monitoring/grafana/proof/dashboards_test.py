"""Every query of every panel, asked of a real Prometheus that watches a real stack under load."""

import math
import pathlib
import re
import tempfile
import time
import unittest
import xml.etree.ElementTree

import boards
import frames
import render
import yaml
from stack import Stack

SERVERS = {
    "fast": "fashion-fast,flats-price",
    "balanced": "fashion-balanced",
    "accurate": "fashion-accurate",
}
VARIANTS = {"fast", "balanced", "accurate"}

# What each dashboard is asked for: a model that classifies, and one that predicts a number.
CLASSIFIES = {"family": "fashion", "model": "fashion-balanced"}
PREDICTS_A_NUMBER = {"family": "flats", "model": "flats-price", "quality": "r2"}

# Panels, or "panel: legend", that have nothing to show, and why.
NOT_A_NUMBER = "a model that classifies has no predicted values"
NOT_A_CLASS = "a model that predicts a number has no classes"
EMPTY = {
    ("weir-model-detail", "flats"): {
        "Predictions per second, by class": NOT_A_CLASS,
        "Confidence": NOT_A_CLASS,
    },
    ("weir-model-detail", "fashion"): {
        "Predicted values": NOT_A_NUMBER,
        "Predicted values and the marks": NOT_A_NUMBER,
        "Mean prediction": NOT_A_NUMBER,
    },
    ("weir-model-comparison", "flats"): {"What they predict": NOT_A_CLASS},
}
MAY_BE_EMPTY = {
    "Alerts that fire": "nothing is wrong",
    "Alerts": "the marks of alerts: nothing is wrong",
}
# Panels, or legends, that are zero while all is well. In everything else something has to move.
ZERO = {
    "Error ratio", "Error percentage", "failed", "Queue", "Alerts", "Servers that fell silent",
    "Pushes that failed", "refused", "Rules that failed, notifications that were lost",
    "assemble",  # Where a request is the whole batch there is nothing to do.
    "up to 10 million", "10 to 20 million", "above 20 million",  # Together they are 1, see below.
    "blocks on disk",  # The first comes after two hours.
}  # fmt: skip
# Shares that may be above 1, or below 0.
UNBOUNDED = {"p95", "p95 against the objective", "Latency budget left", "Error budget left"}


class DashboardsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.folder.cleanup)
        cls.stack = Stack(cls.folder.name, SERVERS)
        cls.addClassCleanup(cls.stack.end)
        loads = [
            cls.stack.load("--scenarios=loadgen/scenarios", "hello"),
            cls.stack.load("--models=flats-price", "--rate=40", "--duration=1m"),
        ]
        # Prometheus takes five seconds to look for its targets. What is asked for is what it knows
        # once all rules have had a few seconds of load, which tells each second that it goes on,
        # and no scrape was too slow lately: then nothing has a gap.
        known = ("count(count_over_time(model:weir_requests_late:ratio_rate5m[1m]) >= 6) == 4"
                 " and min(min_over_time(up[4s])) == 1")  # fmt: skip
        for second in range(5, 55):
            loads[0].wait_for(rf"\bat={second}\b")
            cls.end = time.time()
            if cls.stack.prometheus.at(known, cls.end):
                break
        for load in loads:
            load.end()

    def ask(self, target, values):
        values = {"__rate_interval": "2s", "__interval": "500ms", "__range": "10s", **values}
        expr = boards.fill(target["expr"], values)
        if target.get("instant"):
            return self.stack.prometheus.at(expr, self.end)
        return self.stack.prometheus.over(expr, self.end - 2, self.end, 0.5)

    def each(self, kind):
        for board in boards.load().values():
            values = boards.choices(board, self.stack.prometheus, kind, self.end)
            for panel in boards.panels(board):
                yield board, panel, values

    def check(self, kind):
        for board, panel, values in self.each(kind):
            empty = EMPTY.get((board["uid"], kind["family"]), {})
            for target in panel["targets"]:
                with self.subTest(board["title"], panel=panel["title"], expr=target["expr"]):
                    result = self.ask(target, values)
                    if panel["title"] in empty:
                        self.assertFalse(result, empty[panel["title"]])
                    elif panel["title"] not in MAY_BE_EMPTY:
                        self.assertTrue(result, "nothing comes of it")
                    legends = [frames.legend_of(target, labels) for labels, _ in result]
                    self.assertNotIn("{{", "".join(legends))
                    if target["format"] != "table":  # There the legend is the name of a column.
                        self.assertEqual(len(set(legends)), len(legends))
                    for legend, (_, samples) in zip(legends, result):
                        self.check_samples(panel, legend, [value for _, value in samples])
                    if result and not {panel["title"], *legends} & ZERO:
                        shown = [value for _, samples in result for _, value in samples]
                        self.assertGreater(max(shown), 0)

    def check_samples(self, panel, legend, values):
        unit = unit_of(panel, legend)
        for value in values:
            self.assertTrue(math.isfinite(value), legend)
            if panel["title"] not in UNBOUNDED:
                self.assertGreaterEqual(value, 0, legend)
            if unit == "percentunit" and panel["title"] not in UNBOUNDED:
                self.assertLessEqual(value, 1, legend)
            if unit == "s":
                self.assertLess(value, 600, legend)

    def test_panels_show_a_model_that_classifies(self):
        self.check(CLASSIFIES)

    def test_panels_show_a_model_that_predicts_a_number(self):
        self.check(PREDICTS_A_NUMBER)

    def test_every_comparison_has_all_variants(self):
        compared = 0
        for board, panel, values in self.each(CLASSIFIES):
            if board["uid"] != "weir-model-comparison" or panel["title"] in MAY_BE_EMPTY:
                continue
            for target in panel["targets"]:
                found = {labels["variant"] for labels, _ in self.ask(target, values)}
                self.assertEqual(found, VARIANTS, f"{panel['title']}: {target['expr']}")
                compared += 1
        self.assertGreater(compared, 20)

    def frames_of(self, title, kind=CLASSIFIES):
        for _, panel, values in self.each(kind):
            if panel["title"] == title:
                return frames.of_panel(panel, lambda target: self.ask(target, values))
        raise LookupError(title)

    def test_the_requests_that_hello_sends_are_the_requests_that_are_shown(self):
        shown = self.frames_of("Request rate")
        self.assertAlmostEqual(sum(frame.fields[1].values[-1] for frame in shown), 100, delta=60)

    def test_the_table_of_variants_has_no_gaps(self):
        (table,) = self.frames_of("Variants now")
        self.assertEqual(set(table.field("variant").values), VARIANTS)
        self.assertEqual(len(table.fields), 12)
        for row in table.rows():
            self.assertNotIn(None, row)

    def test_time_goes_into_the_model(self):
        (table,) = self.frames_of("Where the time goes")
        stages = {field.name: field.values for field in table.fields if field.name != "variant"}
        self.assertEqual(list(stages), ["queue", "assemble", "inference", "respond"])
        for _, assemble, inference, respond in zip(*stages.values()):
            self.assertGreater(inference, assemble + respond)

    def test_each_variant_is_one_point_of_quality_and_p95(self):
        points = {frame.name: frame for frame in self.frames_of("Quality against p95")}
        self.assertEqual(set(points), VARIANTS)
        for frame in points.values():
            self.assertEqual([field.name for field in frame.fields], ["p95", "quality"])
            self.assertEqual(len(frame.fields[0].values), 1)
        quality = {name: frame.fields[1].values[0] for name, frame in points.items()}
        self.assertEqual(sorted(quality, key=quality.get), ["fast", "balanced", "accurate"])

    def test_the_classes_of_a_variant_are_a_whole(self):
        (table,) = self.frames_of("What they predict")
        self.assertEqual([field.name for field in table.fields][0], "class")
        self.assertEqual({field.name for field in table.fields[1:]}, VARIANTS)
        self.assertGreater(len(table.fields[0].values), 5)
        for field in table.fields[1:]:
            self.assertAlmostEqual(sum(value or 0 for value in field.values), 1)

    def test_predicted_values_are_counted_once_each(self):
        (table,) = self.frames_of("Predicted values", PREDICTS_A_NUMBER)
        self.assertEqual([field.name for field in table.fields], ["Up to", "Rows"])
        bounds = table.fields[0].values
        self.assertEqual(bounds, sorted(bounds))
        self.assertLessEqual({1e7, 2e7}, set(bounds))
        shares = self.frames_of("Predicted values and the marks", PREDICTS_A_NUMBER)
        self.assertAlmostEqual(sum(frame.fields[1].values[-1] for frame in shares), 1)
        above = sum(rows for bound, rows in table.rows() if bound > 2e7)
        self.assertGreater(sum(table.fields[1].values), above)

    def test_marks_in_charts_are_where_models_were_loaded(self):
        for board in boards.load().values():
            values = boards.choices(board, self.stack.prometheus, CLASSIFIES, self.end)
            for mark in board["annotations"]["list"]:
                result = self.ask(mark["target"], values)
                if mark["name"] not in MAY_BE_EMPTY:
                    self.assertTrue(result, board["title"])
                for labels, samples in result:
                    self.assertNotIn("{{", frames.legend_of(
                        {"legendFormat": mark["titleFormat"]}, labels))  # fmt: skip
                    if mark["useValueForTime"]:
                        self.assertAlmostEqual(samples[-1][1] / 1000, self.end, delta=600)

    def test_prometheus_has_the_runbooks_that_panels_link_to(self):
        proxy = "/api/datasources/proxy/uid/weir-prometheus"
        links = [link["url"] for board in boards.load().values() for panel in boards.panels(board)
                 for link in panel.get("links", [])]  # fmt: skip
        self.assertGreater(len(links), 30)
        for url in set(links):
            self.assertTrue(url.startswith(proxy), url)
            page = self.stack.prometheus.page(url.removeprefix(proxy))
            self.assertEqual(page.splitlines()[0], f"# {pathlib.PurePath(url).stem}")

    def test_the_alert_rule_knows_every_model(self):
        path = boards.FOLDER.parent / "provisioning/alerting/rules.yaml"
        (group,) = yaml.safe_load(path.read_text(encoding="utf-8"))["groups"]
        models = {"fashion-fast", "fashion-balanced", "fashion-accurate", "flats-price"}
        for query in group["rules"][0]["data"]:
            if query["datasourceUid"] != "__expr__":
                result = self.ask({"expr": query["model"]["expr"], "instant": True}, {})
                self.assertEqual({labels["model"] for labels, _ in result}, models)

    def test_dashboards_can_be_drawn(self):
        for board in boards.load().values():
            span = (self.end - 10, self.end)
            picture = render.picture(board, self.stack.prometheus, CLASSIFIES, span)
            shown = "".join(xml.etree.ElementTree.fromstring(picture).itertext())
            for panel in boards.panels(board):
                self.assertIn(panel["title"], shown)
            self.assertNotIn("No data", shown)


def unit_of(panel, legend):
    """Of a field: a panel's unit, unless the field has its own."""
    names = {legend}
    for step in panel.get("transformations", []):
        renamed = step["options"].get("renameByName", {})
        names |= {renamed.get(f"Value #{legend}", legend)}
    unit = panel["fieldConfig"]["defaults"]["unit"]
    for override in panel["fieldConfig"]["overrides"]:
        matcher = override["matcher"]
        pattern = matcher["options"].strip("/")
        if matcher["id"] == "byName" and pattern in names or (
            matcher["id"] == "byRegexp" and any(re.search(pattern, name) for name in names)
        ):
            for item in override["properties"]:
                unit = item["value"] if item["id"] == "unit" else unit
    return unit


if __name__ == "__main__":
    unittest.main()
