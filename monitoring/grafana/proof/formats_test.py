"""The files that Grafana loads: of the documented formats, and in agreement with one another."""

import itertools
import pathlib
import re
import subprocess
import sys
import unittest

import boards
import yaml

GRAFANA = pathlib.Path(__file__).absolute().parent.parent
TREE = GRAFANA.parent.parent
SOURCE = GRAFANA / "source"
sys.path[:0] = [str(SOURCE), str(GRAFANA.parent)]
import panels as vocabulary  # noqa: E402
import promql  # noqa: E402

BOARDS = boards.load()
SHOWN = [(board, panel) for board in BOARDS.values() for panel in boards.panels(board)]

# What Grafana itself has.
CORE_PANELS = {"timeseries", "stat", "bargauge", "barchart", "heatmap", "xychart", "state-timeline",
               "table", "row"}  # fmt: skip
GRAFANAS_OWN = {"__rate_interval", "__range", "__interval"}
# Of Prometheus about itself and its scrapes; dashboards_test.py has them from a real one.
OF_PROMETHEUS = re.compile(r"up|ALERTS|ALERTS_FOR_STATE|(scrape|prometheus|process)_\w+")


def provisioned(name):
    return yaml.safe_load((GRAFANA / "provisioning" / name).read_text(encoding="utf-8"))


def recorded():
    """Names of recording rules."""
    return {rule["record"] for rule in rules() if "record" in rule}


def rules():
    for path in sorted((TREE / "monitoring/prometheus/rules").glob("*.yml")):
        for group in yaml.safe_load(path.read_text(encoding="utf-8"))["groups"]:
            yield from group["rules"]


def catalogued():
    return promql.series_of_page((TREE / "docs/metrics.md").read_text(encoding="utf-8"))


def expressions(board):
    for panel in boards.panels(board):
        yield from (target["expr"] for target in panel.get("targets", []))
    yield from (one["target"]["expr"] for one in board["annotations"]["list"])
    yield from (one["query"]["query"] for one in board["templating"]["list"])


def every(key, value):
    """All that stands behind `key`, however deep in `value`."""
    if isinstance(value, dict):
        for name, inner in value.items():
            if name == key:
                yield inner
            yield from every(key, inner)
    elif isinstance(value, list):
        for inner in value:
            yield from every(key, inner)


class DashboardsTest(unittest.TestCase):
    def test_they_are_what_their_source_writes(self):
        program = [sys.executable, "-B", str(SOURCE / "write_dashboards.py"), "--check"]
        done = subprocess.run(program, capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_they_can_be_loaded_as_they_are(self):
        uids = sorted(board["uid"] for board in BOARDS.values())
        self.assertEqual(uids, ["weir-model-comparison", "weir-model-detail", "weir-platform"])
        for path, board in BOARDS.items():
            with self.subTest(path.name):
                self.assertNotIn("__inputs", board)
                self.assertNotIn("__requires", board)
                self.assertIsNone(board["id"])
                self.assertEqual(board["schemaVersion"], 39)

    def test_panels_have_numbers_of_their_own_and_places_of_their_own(self):
        for path, board in BOARDS.items():
            with self.subTest(path.name):
                numbers = [panel["id"] for panel in board["panels"]]
                self.assertEqual(len(set(numbers)), len(numbers))
                taken = {}
                for panel in board["panels"]:
                    grid = panel["gridPos"]
                    self.assertLessEqual(grid["x"] + grid["w"], 24, panel["title"])
                    for place in itertools.product(
                        range(grid["x"], grid["x"] + grid["w"]),
                        range(grid["y"], grid["y"] + grid["h"]),
                    ):
                        self.assertNotIn(place, taken, panel["title"])
                        taken[place] = panel["title"]
                # And no holes.
                self.assertEqual(len(taken), 24 * (max(y for _, y in taken) + 1))

    def test_nothing_needs_a_plug_in(self):
        for board in BOARDS.values():
            self.assertLessEqual({panel["type"] for panel in board["panels"]}, CORE_PANELS)

    def test_every_panel_says_what_it_shows_in_which_unit_and_what_its_limits_are(self):
        for _, panel in SHOWN:
            with self.subTest(panel["title"]):
                self.assertTrue(panel["title"])
                self.assertRegex(panel["description"], r"^[A-Z0-9].{30,}\.$")
                defaults = panel["fieldConfig"]["defaults"]
                self.assertTrue(defaults["unit"])
                steps = [step["value"] for step in defaults["thresholds"]["steps"]]
                self.assertIsNone(steps[0])
                self.assertEqual(steps[1:], sorted(set(steps[1:])))

    def test_every_panel_has_a_legend(self):
        for _, panel in SHOWN:
            with self.subTest(panel["title"]):
                for target in panel["targets"]:
                    self.assertTrue(target["legendFormat"])
                legend = panel["options"].get("legend", {})
                if panel["type"] in ("timeseries", "xychart", "state-timeline"):
                    self.assertTrue(legend["showLegend"])
                elif panel["type"] == "heatmap":
                    self.assertTrue(legend["show"])
                elif panel["type"] == "barchart":
                    # Bars that differ in nothing but their limit have names below them.
                    self.assertEqual(legend["showLegend"], "colorByField" not in panel["options"])

    def test_queries_of_a_panel_have_names_of_their_own(self):
        for _, panel in SHOWN:
            names = [target["refId"] for target in panel["targets"]]
            self.assertEqual(len(set(names)), len(names), panel["title"])

    def test_all_data_come_from_the_data_source_that_is_provisioned(self):
        file = provisioned("datasources/weir.yaml")
        sources = {one["uid"]: one["type"] for one in file["datasources"]}
        for path, board in BOARDS.items():
            for source in every("datasource", board):
                self.assertEqual(sources.get(source["uid"]), source["type"], path.name)

    def test_variables_are_all_there_and_all_used(self):
        for path, board in BOARDS.items():
            with self.subTest(path.name):
                names = {one["name"] for one in board["templating"]["list"]}
                used = set()
                for expr in expressions(board):
                    used |= set(re.findall(r"\$\{?([a-zA-Z_]\w*)", expr))
                self.assertLessEqual(used - GRAFANAS_OWN, names)
                self.assertLessEqual(names, used)

    def test_model_dashboards_are_chosen_by_family_and_model(self):
        for board in BOARDS.values():
            if board["uid"].startswith("weir-model"):
                names = [one["name"] for one in board["templating"]["list"]]
                self.assertEqual(names[:2], ["family", "model"])

    def test_every_metric_is_in_the_catalogue_or_recorded(self):
        known = catalogued() | recorded()
        self.assertGreater(len(known), 60)
        for path, board in BOARDS.items():
            for expr in expressions(board):
                if expr.startswith("label_values("):
                    expr = expr.removeprefix("label_values(").rpartition(",")[0]
                names = promql.metrics(expr)
                self.assertTrue(names, expr)
                for name in names:
                    if not OF_PROMETHEUS.fullmatch(name):
                        self.assertIn(name, known, f"{path.name}: {expr}")

    def test_a_variant_has_one_colour_which_no_limit_has(self):
        configs = (TREE / "models/repository").glob("*/config.pbtxt")
        shipped = set(re.findall(r'weir\.variant" value \{ string_value: "(\w+)"',
                                 "".join(path.read_text() for path in configs)))  # fmt: skip
        self.assertEqual(shipped, set(vocabulary.VARIANT_COLOURS))
        colours = list(vocabulary.VARIANT_COLOURS.values())
        self.assertEqual(len(set(colours)), len(colours))
        limits = {vocabulary.GOOD, vocabulary.WARNING, vocabulary.CRITICAL}
        self.assertFalse(limits & set(colours))
        compared = 0
        for _, panel in SHOWN:
            defaults = panel["fieldConfig"]["defaults"]
            legends = "".join(target["legendFormat"] for target in panel["targets"])
            # Where colours show limits, names stand beside the bars.
            if "{{variant}}" not in legends or defaults["color"]["mode"] == "thresholds":
                continue
            compared += 1
            for override in vocabulary.variant_colours():
                self.assertIn(override, panel["fieldConfig"]["overrides"], panel["title"])
        self.assertGreater(compared, 8)

    def test_links_lead_to_dashboards_that_there_are_and_to_each_runbook(self):
        uids = {board["uid"] for board in BOARDS.values()}
        urls = {url for board in BOARDS.values() for url in every("url", board) if url}
        runbooks = {url.removeprefix(vocabulary.RUNBOOKS) for url in urls
                    if url.startswith(vocabulary.RUNBOOKS)}  # fmt: skip
        pages = {path.name for path in (TREE / "docs/runbooks").glob("*.md")}
        # All of them, and that of the alert in a row of a table.
        self.assertEqual(runbooks, pages | {"", "${__value.raw}.md"})
        others = {re.match(r"/d/([\w-]+)\?", url)[1] for url in urls
                  if not url.startswith(vocabulary.RUNBOOKS)}  # fmt: skip
        self.assertEqual(others, {"weir-model-detail"})
        self.assertLessEqual(others, uids)
        for path, board in BOARDS.items():
            self.assertEqual(board["tags"], ["weir"], path.name)
            self.assertEqual([link["tags"] for link in board["links"]], [["weir"], []], path.name)


class ProvisioningTest(unittest.TestCase):
    def test_the_data_source_is_scraped_as_often_as_it_says(self):
        sources = provisioned("datasources/weir.yaml")
        self.assertEqual(sources["apiVersion"], 1)
        prometheus, alertmanager = sources["datasources"]
        self.assertEqual((prometheus["uid"], prometheus["type"]), ("weir-prometheus", "prometheus"))
        self.assertEqual(prometheus["jsonData"]["alertmanagerUid"], alertmanager["uid"])
        path = TREE / "monitoring/prometheus/prometheus.yml"
        scraped = yaml.safe_load(path.read_text(encoding="utf-8"))["global"]["scrape_interval"]
        self.assertEqual(prometheus["jsonData"]["timeInterval"], scraped)

    def test_dashboards_are_looked_for_where_they_are(self):
        provider = provisioned("dashboards/weir.yaml")["providers"][0]
        self.assertEqual(provider["type"], "file")
        folder = str(GRAFANA / "provisioning")
        path = provider["options"]["path"].replace("$GF_PATHS_PROVISIONING", folder)
        self.assertEqual(pathlib.Path(path).resolve(), boards.FOLDER)
        # Folders of Grafana are those of the tree.
        self.assertTrue(provider["options"]["foldersFromFilesStructure"])
        self.assertFalse(provider["folder"])

    def test_the_rule_is_evaluated_each_minute_for_a_minute(self):
        (group,) = provisioned("alerting/rules.yaml")["groups"]
        (rule,) = group["rules"]
        self.assertEqual((group["interval"], rule["for"]), ("1m", "1m"))
        self.assertIn(group["folder"], {path.parent.name for path in BOARDS})
        self.assertLessEqual(len(rule["uid"]), 40)

    def test_what_the_rule_refers_to_is_there(self):
        (group,) = provisioned("alerting/rules.yaml")["groups"]
        (rule,) = group["rules"]
        queries = {query["refId"]: query for query in rule["data"]}
        self.assertIn(rule["condition"], queries)
        known = catalogued() | recorded()
        for name, query in queries.items():
            self.assertEqual(query["model"]["refId"], name)
            if query["datasourceUid"] == "__expr__":
                self.assertIn(query["model"]["expression"], queries)
            else:
                self.assertEqual(query["datasourceUid"], vocabulary.DATASOURCE["uid"])
                self.assertLessEqual(promql.metrics(query["model"]["expr"]), known)
        for text in rule["annotations"].values():
            self.assertLessEqual(set(re.findall(r"\$values\.(\w+)", text)), set(queries))
        by_uid = {board["uid"]: board for board in BOARDS.values()}
        panel = next(panel for panel in by_uid[rule["dashboardUid"]]["panels"]
                     if panel["id"] == rule["panelId"])  # fmt: skip
        self.assertEqual(panel["title"], "Latency over 5 minutes")
        self.assertEqual(rule["annotations"]["runbook_url"], vocabulary.runbook(rule["title"]))
        points = provisioned("alerting/contact-points.yaml")["contactPoints"]
        names = {point["name"] for point in points}
        self.assertIn(rule["notification_settings"]["receiver"], names)

    def test_the_rule_is_named_and_labelled_as_that_of_prometheus(self):
        (group,) = provisioned("alerting/rules.yaml")["groups"]
        (rule,) = group["rules"]
        other = next(one for one in rules() if one.get("alert") == rule["title"])
        self.assertEqual(rule["labels"], {**other["labels"], "origin": "grafana"})
        self.assertEqual(rule["for"], other["for"])

    def test_contact_points_are_as_documented(self):
        file = provisioned("alerting/contact-points.yaml")
        receivers = [one for point in file["contactPoints"] for one in point["receivers"]]
        uids = [one["uid"] for one in receivers]
        self.assertEqual(len(set(uids)), len(uids))
        settings = {one["type"]: one["settings"] for one in receivers}
        self.assertEqual(set(settings), {"telegram", "prometheus-alertmanager"})
        self.assertEqual(settings["telegram"]["bottoken"], "$WEIR_TELEGRAM_TOKEN")
        self.assertEqual(settings["telegram"]["chatid"], "$WEIR_TELEGRAM_CHAT")
        self.assertTrue(settings["prometheus-alertmanager"]["url"])

    def test_dollars_are_variables_that_the_readme_lists(self):
        readme = (GRAFANA / "README.md").read_text(encoding="utf-8")
        documented = set(re.findall(r"^\| `([A-Z_]+)` \|", readme, re.MULTILINE))
        used = set()
        for path in (GRAFANA / "provisioning").glob("*/*.yaml"):
            loaded = yaml.safe_load(path.read_text(encoding="utf-8"))
            # Grafana leaves annotations, and the queries of rules, as they are.
            for part in itertools.chain(every("annotations", loaded), every("model", loaded)):
                part.clear()
            used |= set(re.findall(r"\$\{?(\w+)", str(loaded)))
        self.assertEqual(used, documented)

    def test_grafana_is_the_same_version_everywhere(self):
        version = vocabulary.GRAFANA
        for name in ("compose.yaml", "monitoring/grafana/README.md",
                     "monitoring/grafana/typecheck/package.json"):  # fmt: skip
            self.assertIn(version, (TREE / name).read_text(encoding="utf-8"), name)


if __name__ == "__main__":
    unittest.main()
