"""A real stack on free ports of this machine: a gateway, servers, and Prometheus with weir's rules.

Its processes are children that end with this one, whatever ends it. Run in the root of the tree, or
of what a test sees of it.
"""

import contextlib
import ctypes
import pathlib
import random
import re
import signal
import socket
import subprocess
import threading

from prometheus import Prometheus

SECONDS = 60  # For each thing that is waited for.
PROMETHEUS = pathlib.Path("monitoring/prometheus")
_DEATH_SIGNAL = 1  # PR_SET_PDEATHSIG
_LIBC = ctypes.CDLL(None)


class Process:
    """A child and what it prints."""

    def __init__(self, *command):
        self._child = subprocess.Popen(
            list(map(str, command)),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            preexec_fn=lambda: _LIBC.prctl(_DEATH_SIGNAL, signal.SIGKILL),
        )
        self._changed = threading.Condition()
        self._lines, self._ended = [], False
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        for line in self._child.stdout:
            with self._changed:
                self._lines.append(line)
                self._changed.notify_all()
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def wait_for(self, pattern):
        """The match in the first line that has one."""

        def found():
            return next(filter(None, (re.search(pattern, line) for line in self._lines)), None)

        with self._changed:
            self._changed.wait_for(lambda: found() or self._ended, SECONDS)
            return found() or self._fail(f"does not say {pattern}")

    def end(self):
        self._child.terminate()
        self._child.wait(SECONDS)

    def _fail(self, what):
        raise RuntimeError(f"{self._child.args[0]} {what}:\n{''.join(self._lines[-30:])}")


def _free_port():
    """One that the system gives to nobody by itself, so that it is free for a while."""
    while True:
        port = random.randrange(10000, 32000)
        with socket.socket() as taken, contextlib.suppress(OSError):
            taken.bind(("127.0.0.1", port))
            return port


class Stack:
    """`servers` are the models of each server, by its replica. `directory` is an empty one."""

    def __init__(self, directory, servers):
        self._directory = pathlib.Path(directory)
        self._processes = []
        gateway = self._start("gateway/weir-gateway", "--host=127.0.0.1", "--grpc_port=0",
                              "--http_port=0", f"--state_dir={directory}/gateway")  # fmt: skip
        pushes = gateway.wait_for(r"listening for pushes on (\S+)")[1]
        page = gateway.wait_for(r"listening for HTTP on (\S+)")[1]
        running = {
            replica: self._start(
                "server/weir-server", "--host=127.0.0.1", "--port=0", "--enable_fault_injection",
                "--model_repository=models/repository", f"--models={models}",
                f"--gateway={pushes}", "--push_interval=200ms", f"--replica={replica}")
            for replica, models in servers.items()
        }  # fmt: skip
        self.targets = ",".join(
            server.wait_for(r"listening on (\S+)")[1] for server in running.values()
        )
        for replica, models in servers.items():
            for model in models.split(","):
                running[replica].wait_for(f"model {model} ready")
        self.prometheus = self._watch(page)

    def _start(self, *command):
        process = Process(*command)
        self._processes.append(process)
        return process

    def _watch(self, page):
        """Prometheus as weir sets it up, but that it scrapes and evaluates faster."""
        config = (PROMETHEUS / "prometheus.yml").read_text(encoding="utf-8")
        for name, interval in (("scrape_interval", "500ms"), ("scrape_timeout", "500ms"),
                               ("evaluation_interval", "500ms")):  # fmt: skip
            config, changed = re.subn(rf"{name}: \w+", f"{name}: {interval}", config)
            assert changed == 1, name
        rules, targets = self._directory / "rules", self._directory / "targets"
        rules.mkdir()
        targets.mkdir()
        (self._directory / "prometheus.yml").write_text(config, encoding="utf-8")
        for path in (PROMETHEUS / "rules").glob("*.yml"):
            text = re.sub(r"interval: \w+", "interval: 500ms", path.read_text(encoding="utf-8"))
            (rules / path.name).write_text(text, encoding="utf-8")
        address = f"127.0.0.1:{_free_port()}"
        for name, target in ("gateway", page), ("prometheus", address):
            (targets / f"{name}.yml").write_text(f"- targets: ['{target}']\n", encoding="utf-8")
        program = self._start("/usr/bin/prometheus", f"--web.listen-address={address}",
                              f"--config.file={self._directory}/prometheus.yml",
                              f"--storage.tsdb.path={self._directory}/data",
                              "--web.user-assets=docs/runbooks")  # fmt: skip
        program.wait_for("Server is ready to receive web requests")
        return Prometheus(f"http://{address}")

    def load(self, *arguments):
        """The load generator, running."""
        return self._start("loadgen/weir-loadgen", f"--targets={self.targets}", *arguments)

    def end(self):
        for process in reversed(self._processes):
            process.end()
