"""Grafana's rule fires when that of Prometheus does: both, in promtool, on the same numbers."""

import pathlib
import subprocess
import tempfile
import unittest

import yaml

GRAFANA = pathlib.Path(__file__).absolute().parent.parent
RULES = GRAFANA.parent / "prometheus" / "rules"

SLOW, WITHIN, NONE = 0.08, 0.04, "NaN"
MODELS = {
    # Its objective, p95 minute by minute, and late answers in a minute.
    "slow": (0.05, [WITHIN] * 2 + [SLOW] * 4 + [WITHIN] * 3, 6),
    "within": (0.1, [SLOW] * 9, 6),
    "one late answer": (0.05, [SLOW] * 9, 0.1),
    "idle": (0.05, [NONE] * 9, 0),
    "slow by default": (None, [1.2] * 9, 6),
    "within by default": (None, [0.9] * 9, 6),
}
FIRING = {"slow": (3, 4, 5), "slow by default": range(9)}


def of_grafana():
    """The rule as one of Prometheus: an expression, a condition, and times."""
    path = GRAFANA / "provisioning/alerting/rules.yaml"
    (group,) = yaml.safe_load(path.read_text(encoding="utf-8"))["groups"]
    (rule,) = group["rules"]
    models = {query["refId"]: query["model"] for query in rule["data"]}
    condition = models[rule["condition"]]
    (one,) = condition["conditions"]
    assert one["evaluator"]["type"] == "gt", one
    (limit,) = one["evaluator"]["params"]
    expr = f"({models[condition['expression']]['expr']}) > {limit}"
    return {"name": "grafana", "interval": group["interval"],
            "rules": [{"alert": "OfGrafana", "expr": expr, "for": rule["for"]}]}  # fmt: skip


def series():
    def one(name, model, values, **labels):
        labels = {"model": model, **labels}
        text = ",".join(f'{key}="{value}"' for key, value in labels.items())
        return {"series": f"{name}{{{text}}}", "values": values}

    for model, (objective, p95, late) in MODELS.items():
        yield one("weir_model_loaded", model, "1+0x40")
        if objective is not None:
            yield one("weir_model_slo_latency_seconds", model, f"{objective}+0x40")
        values = " ".join(f"{value} {value} {value} {value}" for value in p95)
        yield one("weir_request_duration_quantile_seconds", model, values,
                  quantile="0.95", window="1m")  # fmt: skip
        yield one("weir_request_duration_seconds_count", model, "0+10x40")
        yield one("weir_request_duration_seconds_bucket", model, f"0+{10 - late / 4}x40",
                  le=objective or 1)  # fmt: skip


def expectations():
    """Who fires, at times when both have been evaluated: the slow one from the third minute on."""
    for alert in ("OfGrafana", "LatencySLOViolated"):
        for minute in range(2, 9):
            firing = [model for model, minutes in FIRING.items() if minute in minutes]
            yield {
                "expr": f'count by (model) (ALERTS{{alertname="{alert}", alertstate="firing"}})',
                "eval_time": f"{minute}m30s",
                "exp_samples": [{"labels": f'{{model="{model}"}}', "value": 1} for model in firing],
            }


class AlertRuleTest(unittest.TestCase):
    def test_it_fires_when_that_of_prometheus_does(self):
        with tempfile.TemporaryDirectory() as folder:
            groups = [of_grafana()]
            for path in sorted(RULES.glob("*.yml")):
                groups += yaml.safe_load(path.read_text(encoding="utf-8"))["groups"]
            rules, tests = pathlib.Path(folder) / "rules.yml", pathlib.Path(folder) / "tests.yml"
            rules.write_text(yaml.safe_dump({"groups": groups}), encoding="utf-8")
            case = {
                "interval": "15s",
                "input_series": list(series()),
                "promql_expr_test": list(expectations()),
            }
            test = {"rule_files": [str(rules)], "evaluation_interval": "15s", "tests": [case]}
            tests.write_text(yaml.safe_dump(test), encoding="utf-8")
            done = subprocess.run(["promtool", "test", "rules", str(tests)], capture_output=True,
                                  text=True, check=False)  # fmt: skip
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)


if __name__ == "__main__":
    unittest.main()
