"""compose.yaml as it is, but for Grafana, run by podman: is it well, and as confined as it says?

  compose_test.py [--folder=DIRECTORY]   DIRECTORY keeps the images from one run to the next

Without a folder everything is made anew, which takes twenty minutes, and deleted. Where
podman cannot run containers, the tests are skipped and say why.
"""

import os
import random
import socket
import stat
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import containers  # noqa: E402
import results  # noqa: E402
from stack import Stack, loaded, wait_until  # noqa: E402

ROOT = os.path.dirname(os.path.realpath("compose.yaml"))
FASHION = ["fashion-accurate", "fashion-balanced", "fashion-fast"]
TOKEN = "123456:the-token-of-a-test"
# The generator's own: a machine that others use too may not keep up with the rate.
RAN_OR_COULD_NOT_KEEP_UP = (0, 4)

FOLDER = None
podman = None
stack = None


def setUpModule():
    global podman, stack
    podman = containers.Podman(FOLDER)
    unittest.addModuleCleanup(podman.close)
    try:
        podman.make_base()
    except containers.CannotRun as reason:
        raise unittest.SkipTest(f"podman cannot run containers here: {reason}") from None
    token = os.path.join(podman.folder, "token")
    with open(token, "w", encoding="utf-8") as file:
        file.write(TOKEN + "\n")
    os.chmod(podman.folder, 0o755)
    address = "127." + ".".join(str(random.randint(1, 254)) for _ in range(3))
    stack = Stack(podman, ROOT, address, {
        "GRAFANA_ADMIN_PASSWORD": "not used",
        "WEIR_TELEGRAM_TOKEN_FILE": token,
        "WEIR_TELEGRAM_CHAT": "1",
        "WEIR_TELEGRAM_API": "http://127.0.0.1:9",  # Nobody, wherever it is asked.
        "WEIR_REVISION": "of-a-test",
    })
    stack.build()
    stack.up()
    for name in stack.names:
        stack.await_health(name)


class ComposeTest(unittest.TestCase):
    def test_every_service_has_become_healthy(self):
        self.assertEqual(len(stack.names), 7)
        for name in stack.names:
            state = stack.inspect(name)["State"]
            health = state.get("Health") or state["Healthcheck"]
            self.assertEqual((state["Status"], health["Status"]), ("running", "healthy"), name)

    def count_load(self, before, load):
        """Waits for the end of a load on the three models of fashion, and until the gateway has
        counted every answer once; all counts then."""
        report = load.communicate(timeout=120)[0][-3000:]  # podman-compose says a lot first.
        self.assertIn(load.returncode, RAN_OR_COULD_NOT_KEEP_UP, report)
        self.assertEqual(sorted(loaded(report)), FASHION, report)
        counts = dict(before)
        for model, (sent, answered, failed) in loaded(report).items():
            self.assertEqual((answered, failed), (sent, 0), report)
            counts[model] = counts.get(model, 0) + answered
        stack.await_counts(counts)
        return counts

    def test_hello_runs(self):
        before = stack.answered()
        after = self.count_load(before, stack.start_load("hello", "--duration=10s"))
        self.assertGreater(sum(after.values()), sum(before.values()) + 500)

    def test_prometheus_finds_every_target_and_has_all_rules(self):
        def all_up():
            targets = stack.api(9090, "/api/v1/targets?state=active")["data"]["activeTargets"]
            health = sorted((target["labels"]["job"], target["health"]) for target in targets)
            jobs = ("alertmanager", "node", "prometheus", "weir-gateway")
            return health == [(job, "up") for job in jobs], health
        wait_until(all_up, 60)
        groups = stack.api(9090, "/api/v1/rules")["data"]["groups"]
        rules = [rule for group in groups for rule in group["rules"]]
        self.assertGreater(len(rules), 20)
        self.assertEqual([rule["name"] for rule in rules if rule["health"] == "err"], [])

        def knows_alertmanager():
            known = stack.api(9090, "/api/v1/alertmanagers")["data"]["activeAlertmanagers"]
            urls = [each["url"] for each in known]
            return urls == ["http://alertmanager:9093/api/v2/alerts"], urls
        wait_until(knows_alertmanager, 60)

    def test_prometheus_shows_the_runbooks(self):
        page = stack.get(9090, "/user/ServerDown.md")
        self.assertTrue(page.startswith("# ServerDown\n"), page)

    def test_prometheus_answers_for_three_models(self):
        before = stack.answered()
        counts = self.count_load(before, stack.start_load("hello", "--duration=5s"))
        wanted = {model: counts[model] for model in FASHION}

        def has_them():
            answer = stack.query('sum by (model)'
                                 ' (weir_requests_total{code="OK",model=~"fashion-.*"})')
            got = {each["metric"]["model"]: int(each["value"][1]) for each in answer}
            return got == wanted, f"{got}, not {wanted}"
        wait_until(has_them, 30)

    def test_a_restart_of_the_gateway_loses_nothing(self):
        before = stack.answered()
        boot = stack.inspect("gateway")["State"]["Pid"]
        load = stack.start_load("hello", "--duration=20s")
        some = sum(before.values()) + 200
        wait_until(lambda: (sum(stack.answered().values()) > some, "no load"), 60)
        status, said = podman.shell(*stack.compose("restart", "gateway"))
        self.assertEqual(status, 0, said)
        self.assertIsNone(load.poll(), "the load ended before the gateway was back")
        self.assertNotEqual(stack.inspect("gateway")["State"]["Pid"], boot)
        after = self.count_load(before, load)
        self.assertGreater(sum(after.values()), sum(before.values()) + 1000)
        stack.await_health("gateway")

    def test_no_process_is_root_or_can_become_it(self):
        for name in stack.names:
            status = process_status(stack.inspect(name)["State"]["Pid"])
            self.assertNotIn("0", status["Uid"].split() + status["Gid"].split(), name)
            self.assertEqual((int(status["CapEff"], 16), int(status["CapBnd"], 16)), (0, 0), name)
            self.assertEqual(status["NoNewPrivs"], "1", name)

    def test_root_file_systems_are_read_only(self):
        for name in stack.names:
            pid = stack.inspect(name)["State"]["Pid"]
            with open(f"/proc/{pid}/mountinfo", encoding="utf-8") as file:
                options = [line.split()[5] for line in file if line.split()[4] == "/"]
            self.assertEqual([each.split(",")[0] for each in options], ["ro"], name)
            # Not even for root, whom no permission stops.
            touch = ("exec", "--user=0", stack.container(name), "touch", "/x")
            self.assertIn("Read-only file system", podman.shell("podman", *touch)[1], name)

    def test_the_token_is_seen_by_alertmanager_alone(self):
        pid = stack.inspect("alertmanager")["State"]["Pid"]
        file = f"/proc/{pid}/root/tmp/alertmanager/alertmanager.yml"
        with open(file, encoding="utf-8") as text:
            self.assertIn(TOKEN, text.read())
        self.assertEqual(stat.S_IMODE(os.stat(file).st_mode), 0o600)
        with open(f"/proc/{pid}/environ", encoding="utf-8") as text:
            self.assertNotIn("TELEGRAM_TOKEN", text.read())
        for name in stack.names:
            container = stack.container(name)
            self.assertNotIn(TOKEN, podman.run("inspect", container), name)
            self.assertNotIn(TOKEN, podman.shell("podman", "logs", container)[1], name)

    def test_images_have_labels_and_nothing_to_compile_with(self):
        images = {service["image"] for service in stack.built.values()}
        self.assertEqual(images, {"weir-server", "weir-gateway", "weir-loadgen"})
        for image in images:
            labels = podman.run("inspect", "--format={{json .Config.Labels}}", image)
            self.assertIn(f'"org.opencontainers.image.title":"{image}"', labels)
            self.assertIn('"org.opencontainers.image.revision":"of-a-test"', labels)
            compilers = podman.run(
                "run", "--rm", "--net=none", "--entrypoint=/bin/sh", image, "-c",
                "for tool in cc c++ gcc g++ clang ld as make bazel protoc; do"
                " command -v $tool; done; :")
            self.assertEqual(compilers, "", image)
            print(image, podman.run("inspect", "--format={{.Size}}", image), "bytes")

    def test_upstream_images_are_pinned_to_the_versions_that_tests_run(self):
        for name, image in stack.upstream.items():
            said = podman.run("run", "--rm", "--net=none", image, "--version")
            self.assertIn(f"version {image.split(':v')[1]}", said, name)

    def test_the_client_in_the_image_asks_a_server(self):
        counts = stack.answered()
        predict = stack.compose("run", "--rm", "-T", "--no-deps", "--entrypoint=weir-predict",
                                "loadgen", "--address=fast:8001", "--model=fashion-fast", "0")
        self.assertIn("Ankle boot", podman.shell(*predict)[1])
        counts["fashion-fast"] = counts.get("fashion-fast", 0) + 1
        stack.await_counts(counts)

    def test_servers_answer_at_their_published_ports(self):
        for port in (8001, 8002, 8003):
            with socket.create_connection((stack.address, port), timeout=10) as connection:
                # gRPC is HTTP/2: each side begins with its settings.
                settings = bytes(3) + b"\x04" + bytes(5)
                connection.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + settings)
                self.assertEqual(connection.recv(9)[3], 4, port)


def process_status(pid):
    with open(f"/proc/{pid}/status", encoding="utf-8") as file:
        return dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)


if __name__ == "__main__":
    if len(sys.argv) > 1 and sys.argv[1].startswith("--folder="):
        FOLDER = sys.argv.pop(1).split("=", 1)[1]
    unittest.main(testRunner=results.Runner(verbosity=2))
