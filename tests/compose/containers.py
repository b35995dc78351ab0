"""A podman of its own: storage, networks and settings in one folder, nothing of which outlives it.

The machine needs neither systemd nor a registry: the base of all images is made from Debian's
packages.
"""

import os
import shutil
import subprocess
import tempfile

BASE = "debian:bookworm-slim"

# Limits of processes that a container may set itself are those of the machine.
CONTAINERS_CONF = """
[containers]
default_ulimits = ["nofile=20000:20000", "nproc=1000:1000"]
log_driver = "k8s-file"
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
lock_type = "file"
static_dir = "{folder}/state"
tmp_dir = "{folder}/run/libpod"
[network]
network_backend = "netavark"
network_config_dir = "{folder}/networks"
"""

STORAGE_CONF = """
[storage]
driver = "overlay"
graphroot = "{folder}/storage"
runroot = "{folder}/run"
"""


class CannotRun(Exception):
    """Why podman cannot run containers on this machine."""


class Podman:
    """Runs podman and podman-compose. `close` ends and deletes everything, but for the images in a
    folder that was given."""

    def __init__(self, folder=None):
        self._keeps = folder is not None
        self.folder = folder or tempfile.mkdtemp(prefix="weir-containers-", dir="/var/tmp")
        for name in ("tmp", "networks"):
            os.makedirs(os.path.join(self.folder, name), exist_ok=True)
        self.environment = dict(
            os.environ,
            PATH="/usr/sbin:/usr/bin:/sbin:/bin",
            HOME=self.folder,
            TMPDIR=os.path.join(self.folder, "tmp"),  # Also what builds keep from one to the next.
            CONTAINERS_CONF=self._write("containers.conf", CONTAINERS_CONF),
            CONTAINERS_STORAGE_CONF=self._write("storage.conf", STORAGE_CONF),
            BUILDAH_FORMAT="docker",  # The other format has no health checks.
        )

    def _write(self, name, text):
        path = os.path.join(self.folder, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text.format(folder=self.folder))
        return path

    def start(self, *command):
        """Starts a command; both its outputs are in the pipe of what is returned."""
        return subprocess.Popen(command, env=self.environment, text=True, stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

    def shell(self, *command, timeout=120):
        """Runs a command; its exit status, and what it said on both outputs."""
        done = subprocess.run(command, env=self.environment, text=True, timeout=timeout,
                              check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        return done.returncode, done.stdout

    def run(self, *arguments, timeout=120):
        """podman ARGUMENTS...: what it printed. Fails with that if podman does."""
        done = subprocess.run(("podman",) + arguments, env=self.environment, text=True,
                              timeout=timeout, check=False, capture_output=True)
        if done.returncode != 0:
            raise RuntimeError(f"podman {' '.join(arguments)}: {done.stdout}{done.stderr}")
        return done.stdout.strip()

    def build(self, *arguments, timeout):
        """podman build ARGUMENTS..., with the output where that of the test goes."""
        subprocess.run(("podman", "build", "--network=host") + arguments, env=self.environment,
                       timeout=timeout, check=True)

    def make_base(self):
        """Makes sure that there is an image BASE, and that containers can be run of it."""
        if os.geteuid() != 0:
            raise CannotRun("only root can make the base image")
        for program in ("podman", "podman-compose", "debootstrap", "runc"):
            if not shutil.which(program, path=self.environment["PATH"]):
                raise CannotRun(f"{program} is not installed (./weir deps containers installs it)")
        status, said = self.shell("podman", "info")
        if status != 0:
            raise CannotRun(said.strip())
        if self.shell("podman", "image", "exists", BASE)[0] != 0:
            self._import_base()
        network = "probe"
        self.shell("podman", "network", "create", network)
        status, said = self.shell("podman", "run", "--rm", f"--net={network}", "--memory=64m",
                                  "--cpus=0.5", BASE, "true")
        self.shell("podman", "network", "rm", network)
        if status != 0:
            raise CannotRun(said.strip())

    def _import_base(self):
        root = os.path.join(self.folder, "base")
        archive = root + ".tar"
        status, said = self.shell("debootstrap", "--variant=minbase", "bookworm", root, timeout=900)
        if status != 0:
            raise RuntimeError(f"debootstrap: {said[-2000:]}")
        subprocess.run(["tar", "--create", "--file", archive, "--directory", root, "."], check=True)
        self.run("import", archive, BASE, timeout=300)
        os.remove(archive)
        shutil.rmtree(root)

    def close(self):
        self.shell("podman", "rm", "--force", "--all", "--time=1")
        self.shell("podman", "volume", "rm", "--all", "--force")
        self.shell("podman", "network", "prune", "--force")
        if not self._keeps:
            self.shell("podman", "rmi", "--all", "--force", timeout=600)
            # Layers belong to the users of containers; podman is through with all of them.
            self.shell("umount", os.path.join(self.folder, "storage", "overlay"))
            shutil.rmtree(self.folder)
