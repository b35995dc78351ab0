"""The services of compose.yaml, run by podman-compose, and questions to them."""

import json
import os
import re
import time
import urllib.error
import urllib.parse
import urllib.request

import yaml

PROJECT = "weir-test"


class Stack:
    """`root` is the tree of weir; `address` one of loopback, at which ports are published."""

    def __init__(self, podman, root, address, variables):
        self.podman = podman
        self.root = root
        self.address = address
        podman.environment.update(variables, WEIR_PUBLISH_ADDRESS=address)
        with open(os.path.join(root, "compose.yaml"), encoding="utf-8") as file:
            services = yaml.safe_load(file)["services"]
        self.built = {name: service for name, service in services.items() if "build" in service}
        self.upstream = {name: service["image"] for name, service in services.items()
                         if "build" not in service and name != "grafana"}
        # podman-compose 1.0 knows no profiles: what has one is left out by name.
        self.names = [name for name in [*self.built, *self.upstream]
                      if "profiles" not in services[name]]

    def compose(self, *arguments):
        """The command line of docker compose, for podman-compose."""
        return ("podman-compose", "--project-name", PROJECT, "--podman-build-args=--network=host",
                "-f", os.path.join(self.root, "compose.yaml"),
                "-f", os.path.join(self.root, "deploy", "without-grafana.yaml"), *arguments)

    def container(self, name):
        return f"{PROJECT}_{name}_1"

    def build(self):
        """The images of weir, each once, and the ones that stand in for upstream's."""
        once = {service["image"]: name for name, service in self.built.items()}
        status, said = self.podman.shell(*self.compose("build", *once.values()), timeout=3000)
        print(said[-6000:], flush=True)
        for image in once:  # podman-compose builds on after a failure and tells nobody.
            self.podman.run("image", "inspect", image)
        assert status == 0
        dockerfile = os.path.join(self.root, "tests", "compose", "upstream.Dockerfile")
        for name, image in self.upstream.items():
            self.podman.build(f"--tag={image}", f"--file={dockerfile}", f"--target={name}",
                              os.path.dirname(dockerfile), timeout=900)

    def up(self):
        status, said = self.podman.shell(*self.compose("up", "--detach", "--no-build", *self.names),
                                         timeout=300)
        assert status == 0, said

    def inspect(self, name):
        return json.loads(self.podman.run("inspect", self.container(name)))[0]

    def await_health(self, name, seconds=90):
        """Waits until the service's own check of its health succeeds. Where systemd runs, podman
        asks by itself; elsewhere nobody else does."""
        def is_healthy():
            status, said = self.podman.shell("podman", "healthcheck", "run", self.container(name))
            return status == 0, said
        try:
            wait_until(is_healthy, seconds)
        except TimeoutError as error:
            log = self.podman.shell("podman", "logs", "--tail=30", self.container(name))[1]
            raise AssertionError(f"{name} is not healthy: {error}\n{log}") from error

    def get(self, port, path):
        with urllib.request.urlopen(f"http://{self.address}:{port}{path}", timeout=10) as answer:
            return answer.read().decode()

    def api(self, port, path):
        return json.loads(self.get(port, path))

    def query(self, expression):
        """What Prometheus answers now."""
        query = urllib.parse.urlencode({"query": expression})
        return self.api(9090, f"/api/v1/query?{query}")["data"]["result"]

    def answered(self):
        """How many requests of each model the gateway says were answered."""
        counts = {}
        sample = r'^weir_requests_total{model="([^"]+)",[^}]*code="OK"[^}]*} (\d+)$'
        for model, count in re.findall(sample, self.get(9400, "/metrics"), re.M):
            counts[model] = counts.get(model, 0) + int(count)
        return counts

    def start_load(self, *arguments):
        """docker compose run --rm loadgen ARGUMENTS..."""
        run = ("run", "--rm", "-T", "--no-deps", "loadgen")
        return self.podman.start(*self.compose(*run, *arguments))

    def await_counts(self, wanted, seconds=30):
        """Waits until the gateway has counted exactly so many answers; servers push each second."""
        def has_them():
            counts = self.answered()
            return counts == wanted, f"{counts}, not {wanted}"
        wait_until(has_them, seconds)


def loaded(report):
    """From the table that weir-loadgen ends with: model -> (sent, answered, failed)."""
    rows = re.findall(r"^([a-z]+-[a-z]+) +([\d,]+) +([\d,]+) +([\d,]+) +[\d.]", report, re.M)
    return {model: tuple(int(count.replace(",", "")) for count in counts)
            for model, *counts in rows}


def wait_until(condition, seconds):
    """Waits until condition() is (True, ...); fails with what it says last after so many seconds."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            done, said = condition()
        except (urllib.error.URLError, ConnectionError, TimeoutError) as error:
            done, said = False, str(error)
        if done:
            return
        if time.monotonic() > deadline:
            raise TimeoutError(f"after {seconds} s: {said}")
        time.sleep(0.2)
