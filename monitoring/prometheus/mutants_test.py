"""The tests of the rules can fail: whatever is changed in a rule, one of them does.

A rule is changed in one place at a time: a number, a comparison, a window, a selector, an operand, how
long it has to hold, a label. Only what depends on it is evaluated, so that it takes minutes, not hours.
"""

import collections
import concurrent.futures
import copy
import os
import re
import subprocess
import sys
import tempfile
import unittest

import yaml

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, ".."))
import promql  # noqa: E402

KINDS = ("alert_rule_test", "promql_expr_test")
STRING, SELECTOR, RANGE = r'"[^"]*"', r"\{[^}]*\}", r"\[[^]]*\]"

# What nobody can notice, by rule: no quantile is 0, and no burn rate exactly 14.4, 6, 3 or 1.
EQUAL = {
    f"model:weir_request_duration_seconds:{quantile}_rate{window}": [">= -> >"]
    for quantile in ("p50", "p95", "p99")
    for window in ("5m", "30m", "1h")
}
EQUAL |= {
    f"{budget}BudgetBurn{speed}": ["> -> >="] * 4
    for budget in ("Error", "Latency")
    for speed in ("Fast", "Slow")
}


def documents(folder):
    """What is in the YAML files of a folder, by file name; 0x60 is a series, not a number."""
    found = {}
    for name in sorted(os.listdir(os.path.join(HERE, folder))):
        if not name.endswith(".yml"):
            continue
        with open(os.path.join(HERE, folder, name), encoding="utf-8") as file:
            text = re.sub(r"(?<=values: )0x\d+(?= })", r"'\g<0>'", file.read())
        found[name] = yaml.safe_load(text)
    return found


RULES, TESTS = documents("rules"), documents("tests")


def name_of(rule):
    return rule.get("record") or rule["alert"]


def rules_of(document):
    return [rule for group in document["groups"] for rule in group["rules"]]


def asked_by(rule):
    templates = "".join(rule.get("annotations", {}).values())
    return promql.metrics(rule["expr"]) | set(re.findall(r'"([\w:]+)\{', templates))


ALL = {name_of(rule): rule for document in RULES.values() for rule in rules_of(document)}
ASKED = {name: asked_by(rule) & set(ALL) for name, rule in ALL.items()}


def behind(name):
    """The rule and all that it depends on."""
    found, new = set(), {name}
    while new:
        found |= new
        new = set().union(*(ASKED[n] for n in new)) - found
    return found


BEHIND = {name: behind(name) for name in ALL}


def doubled(duration, by):
    number, unit = re.fullmatch(r"(\d+)([smhd])", duration).groups()
    return f"{int(int(number) * by * {'s': 1, 'm': 60, 'h': 3600, 'd': 86400}[unit])}s"


def changed_expressions(expr):
    """What else could stand there."""

    def change(pattern, others):
        hidden = expr
        for other in {STRING, SELECTOR, RANGE} - {pattern}:
            hidden = re.sub(other, lambda found: "~" * len(found[0]), hidden)
        for found in re.finditer(pattern, hidden):
            was = expr[found.start() : found.end()]
            for other in others(was):
                yield f"{was} -> {other}", expr[: found.start()] + other + expr[found.end() :]

    def other_numbers(text):
        number = float(text)
        if number == 0:
            return []
        step = 1 if number >= 3 and number == int(number) else number * 0.03
        return [repr(number + step), repr(number - step)]

    def other_selectors(text):
        matchers = re.findall(r'(\w+[=!~]+)"([^"]*)"', text)
        for i, (label, value) in enumerate(matchers):
            words = value.split("|")
            for fewer in [words[:n] + words[n + 1 :] for n in range(len(words))]:
                here = [(label, "|".join(fewer))] if fewer else []
                left = matchers[:i] + here + matchers[i + 1 :]
                yield "{" + ", ".join(f'{name}"{what}"' for name, what in left) + "}"

    yield from change(r"(?<![\w.:])\d+(?:\.\d+)?(?![\w.:])", other_numbers)
    yield from change(r"(?<= )[<>]=?(?= )", lambda was: [was[:1] if "=" in was else was + "="])
    yield from change(RANGE, lambda was: [f"[{doubled(was[1:-1], by)}]" for by in (2, 0.5)])
    yield from change(SELECTOR, other_selectors)
    # An operand, with what is indented below it.
    for found in re.finditer(r"^( *)(and|or|unless) .*\n?(\1 +.*\n?)*", expr, re.MULTILINE):
        yield f"without {found[0].strip()}", expr[: found.start()] + expr[found.end() :]


def changed_rules(rule):
    for what, expr in changed_expressions(rule["expr"]):
        yield what, {**rule, "expr": expr}
    for label in rule.get("labels", {}):
        yield label, {**rule, "labels": {**rule["labels"], label: "other"}}
    if "for" in rule:
        for by in (2, 0.5):
            yield f"for x {by}", {**rule, "for": doubled(rule["for"], by)}


def reduced(document, name):
    """A test file without what a rule cannot change, and the rules that are needed."""
    document, needed = copy.deepcopy(document), set()
    changing = {n for n in ALL if name in BEHIND[n]}
    for case in document["tests"]:
        for kind in KINDS:
            checks = []
            for check in case.pop(kind, []):
                asked = {check.get("alertname")} & set(ALL) or promql.metrics(check["expr"])
                asked = set(ALL) if asked & {"ALERTS"} else asked & set(ALL)
                if asked & changing:
                    checks.append(check)
                    needed = needed.union(*(BEHIND[n] for n in asked))
            if checks:
                case[kind] = checks
    document["tests"] = [case for case in document["tests"] if set(KINDS) & set(case)]
    return document, needed


def noticed(name, rule):
    """Whether a test fails with this rule of that name."""
    file_name = next(f for f, document in RULES.items() if ALL[name] in rules_of(document))
    files = [t for t, d in TESTS.items() if f"../rules/{file_name}" in d["rule_files"]]
    for file in sorted(files, key=lambda f: (f.startswith(("days", "hours")), f)):
        document, needed = reduced(TESTS[file], name)
        if not document["tests"]:
            continue
        with tempfile.TemporaryDirectory() as folder:
            os.mkdir(os.path.join(folder, "rules"))
            os.mkdir(os.path.join(folder, "tests"))
            for path in [f[3:] for f in document["rule_files"]]:
                rules = copy.deepcopy(RULES[os.path.basename(path)])
                for group in rules["groups"]:
                    kept = [r for r in group["rules"] if name_of(r) in needed]
                    group["rules"] = [rule if name_of(r) == name else r for r in kept]
                with open(os.path.join(folder, path), "w", encoding="utf-8") as out:
                    yaml.safe_dump(rules, out, allow_unicode=True)
            path = os.path.join(folder, "tests", file)
            with open(path, "w", encoding="utf-8") as out:
                yaml.safe_dump(document, out, allow_unicode=True)
            command = ["promtool", "test", "rules", path]
            run = subprocess.run(command, capture_output=True, text=True)
            if run.returncode != 0:
                # It failed, and not because Prometheus does not take the rule.
                assert "exp:" in run.stdout + run.stderr, (name, rule, run)
                return True
    return False


class MutantsTest(unittest.TestCase):
    def test_each_change_of_a_rule_is_noticed(self):
        changes = [(n, what, rule) for n, r in ALL.items() for what, rule in changed_rules(r)]
        self.assertGreater(len(changes), 5 * len(ALL))
        unnoticed = collections.defaultdict(list)
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            outcomes = pool.map(lambda change: noticed(change[0], change[2]), changes)
            for (name, what, _), outcome in zip(changes, outcomes):
                if not outcome:
                    unnoticed[name].append(what)
                    print(f"nothing notices {name}: {what}", flush=True)
        self.assertEqual(dict(unnoticed), EQUAL)

    def test_what_is_left_as_it_is_passes(self):
        for name in ("HighErrorRate", "ModelNotLoaded", "model_le:weir_requests_late:sum"):
            with self.subTest(name):
                self.assertFalse(noticed(name, ALL[name]))


if __name__ == "__main__":
    unittest.main()
