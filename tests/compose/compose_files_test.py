"""compose.yaml and deploy/ agree with what they take from the rest of the tree, and confine it."""

import glob
import os
import re
import unittest

import yaml

ROOT = os.path.dirname(os.path.realpath("compose.yaml"))


def read(*path):
    with open(os.path.join(ROOT, *path), encoding="utf-8") as file:
        return file.read()


COMPOSE = read("compose.yaml")
STACK = yaml.safe_load(COMPOSE)
SERVICES = STACK["services"]
BUILT = {name: service for name, service in SERVICES.items() if "build" in service}
DOCKERFILE = read("deploy", "Dockerfile")
STAGES = {stage.split()[-1]: stage + body for stage, body in
          re.findall(r"^(FROM \S+ AS \w+)$(.*?)(?=^FROM|\Z)", DOCKERFILE, re.M | re.S)}
# A port of the machine -> whose it is.
PUBLISHED = {8001: "fast", 8002: "balanced", 8003: "accurate", 9400: "gateway", 9090: "prometheus",
             9093: "alertmanager", 3000: "grafana"}


class ConfinementTest(unittest.TestCase):
    def test_every_service_is_read_only_without_powers_and_has_limits(self):
        for name, service in SERVICES.items():
            with self.subTest(name):
                self.assertIs(service["read_only"], True)
                self.assertEqual(service["cap_drop"], ["ALL"])
                self.assertEqual(service["security_opt"], ["no-new-privileges:true"])
                self.assertIn("max-size", service["logging"]["options"])
                limits = service["deploy"]["resources"]["limits"]
                self.assertEqual(sorted(limits), ["cpus", "memory"])
                restart = "no" if name == "loadgen" else "unless-stopped"
                self.assertEqual(service["restart"], restart)
                self.assertNotIn("privileged", service)
                self.assertNotIn("user", service)

    def test_images_of_weir_have_a_user_with_a_number(self):
        self.assertRegex(STAGES["base"], r"\nUSER [1-9]\d*:[1-9]\d*\n")
        for name, service in BUILT.items():
            stage = STAGES[service["build"]["target"]]
            self.assertTrue(stage.startswith("FROM base AS "), name)
            self.assertNotIn("USER", stage, name)

    def test_only_what_people_use_is_published_and_on_this_machine_alone(self):
        published = {}
        for name, service in SERVICES.items():
            for port in service.get("ports", []):
                address, outside, _ = port.rsplit(":", 2)
                self.assertEqual(address, "${WEIR_PUBLISH_ADDRESS:-127.0.0.1}", name)
                published[int(outside)] = name
        self.assertEqual(published, PUBLISHED)

    def test_no_file_of_the_machine_can_be_written(self):
        for name, service in SERVICES.items():
            for volume in service.get("volumes", []):
                source, target = volume.split(":")[:2]
                if source in STACK["volumes"]:
                    self.assertEqual(volume, f"{source}:{target}", name)
                else:
                    self.assertTrue(volume.endswith(":ro"), f"{name}: {volume}")

    def test_images_from_elsewhere_have_a_version(self):
        for name, service in SERVICES.items():
            if name not in BUILT:
                self.assertRegex(service["image"], r"^[a-z-]+/[a-z-]+:v?\d+\.\d+\.\d+$", name)


class OrderTest(unittest.TestCase):
    def test_a_service_waits_for_the_health_of_those_it_needs(self):
        waits = {name: sorted(service.get("depends_on", {})) for name, service in SERVICES.items()}
        self.assertEqual(waits, {
            "fast": ["gateway"], "balanced": ["gateway"], "accurate": ["gateway"], "gateway": [],
            "loadgen": ["accurate", "balanced", "fast"],
            "prometheus": ["alertmanager", "gateway"], "alertmanager": [],
            "grafana": ["prometheus"], "node-exporter": [],
        })
        for name, service in SERVICES.items():
            for needed, how in service.get("depends_on", {}).items():
                self.assertEqual(how, {"condition": "service_healthy"}, f"{name} needs {needed}")

    def test_every_service_that_stays_has_a_health_check(self):
        for name, service in SERVICES.items():
            if name in BUILT and name != "loadgen":
                stage = STAGES[service["build"]["target"]]
                self.assertIn('CMD ["weir-health", ', stage[stage.index("HEALTHCHECK"):], name)
            elif name not in BUILT:
                self.assertEqual(service["healthcheck"]["test"][0], "CMD", name)


class AgreementTest(unittest.TestCase):
    def test_servers_have_the_models_that_up_gives_them(self):
        services = read("launcher", "services.sh")
        table = re.findall(r'^  "(\w+) +(\d+) +server +(\S+)"$', services, re.M)
        self.assertEqual(len(table), 3)
        for name, port, models in table:
            self.assertIn(f"--models={models}", SERVICES[name]["command"])
            self.assertIn(f"--replica={name}", SERVICES[name]["command"])
            self.assertEqual(PUBLISHED[int(port)], name)

    def test_what_is_mounted_and_built_is_in_the_tree(self):
        sources = [volume.split(":")[0] for service in SERVICES.values()
                   for volume in service.get("volumes", [])]
        sources = [source for source in sources if source.startswith("./")]
        self.assertEqual(len(sources), 6)
        for source in sources:
            self.assertTrue(os.listdir(os.path.join(ROOT, source)), source)
        default = re.fullmatch(r"\$\{\w+:-(.*)\}", STACK["secrets"]["telegram_token"]["file"])[1]
        self.assertEqual(read(default), "")
        for name, service in BUILT.items():
            self.assertIn(service["build"]["target"], STAGES, name)
            self.assertEqual(service["image"], "weir-" + service["build"]["target"], name)

    def test_what_images_are_made_of_passes_dockerignore(self):
        kept = {line[2:] for line in read(".dockerignore").splitlines() if line.startswith("!/")}
        for path in kept:
            self.assertTrue(os.path.exists(os.path.join(ROOT, path)), path)
        copied = re.findall(r"^COPY (?!--from)(.*) \S+$", DOCKERFILE, re.M)
        for path in " ".join(copied).split():
            self.assertTrue(path == "." or path.split("/")[0] in kept, path)

    def test_every_address_that_prometheus_asks_for_has_one_in_the_network(self):
        wanted = set(re.findall(r"targets/(\w+\.yml)", re.sub(r"#.*", "", read(
            "monitoring", "prometheus", "prometheus.yml"))))
        files = glob.glob(os.path.join(ROOT, "deploy", "targets", "*"))
        self.assertEqual({os.path.basename(file) for file in files}, wanted)
        for file in files:
            with open(file, encoding="utf-8") as text:
                (group,) = yaml.safe_load(text)
            for target in group["targets"]:
                self.assertIn(target.split(":")[0], [*SERVICES, "127.0.0.1"])

    def test_grafana_has_every_variable_that_its_files_name(self):
        names = set()
        provisioning = os.path.join(ROOT, "monitoring", "grafana", "provisioning")
        for file in glob.glob(os.path.join(provisioning, "*", "*")):
            with open(file, encoding="utf-8") as text:
                names |= set(re.findall(r"\$((?:WEIR|GF)_[A-Z_]+)", text.read()))
        self.assertIn("WEIR_PROMETHEUS_URL", names)
        self.assertLessEqual(names, set(SERVICES["grafana"]["environment"]))

    def test_alertmanager_has_every_variable_that_its_start_takes(self):
        start = read("monitoring", "alertmanager", "start.sh")
        taken = set(re.findall(r"\$\{(WEIR_[A-Z_]+):-", start))
        self.assertIn("WEIR_TELEGRAM_TOKEN_FILE", taken)
        # The token itself comes as a file only.
        given = set(SERVICES["alertmanager"]["environment"])
        self.assertEqual(taken - {"WEIR_TELEGRAM_TOKEN"}, given)

    def test_the_page_has_every_variable_and_volume(self):
        page = read("docs", "containers.md")
        used = set(re.findall(r"\$\{(\w+)", COMPOSE))
        used |= {name for service in SERVICES.values()
                 for name, value in service.get("environment", {}).items() if value is None}
        rows = re.findall(r"^\| `([\w-]+)` \|", page, re.M)
        self.assertEqual(sorted(rows), sorted([*used, *STACK["volumes"]]))


if __name__ == "__main__":
    unittest.main()
