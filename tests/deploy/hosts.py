"""Several machines inside this one: network namespaces of our own, each with one address, joined by a switch that leads nowhere else.

Needs root and iproute2. `RTMS_REQUIRE=namespaces` makes their absence a failure; CI does that.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import pytest

from tests.conftest import REQUIRED

T = TypeVar("T")
CLONE_NEWNET = 0x40000000
_numbers = iter(range(1, 1000))
_lock = threading.Lock()


def why_not() -> str:
    """Return why there can be no namespaces here, or an empty string."""
    if os.geteuid() != 0:
        return "needs root: only root makes network namespaces"
    if shutil.which("ip") is None:
        return "needs iproute2, which is not installed"
    probe = f"rtms-{os.getpid()}-probe"
    made = subprocess.run(["ip", "netns", "add", probe], capture_output=True, text=True, check=False)
    if made.returncode:
        return f"needs network namespaces, and this machine makes none ({made.stderr.strip()})"
    ip("netns", "del", probe)
    return ""


def ip(*arguments: str) -> str:
    """Run `ip`."""
    done = subprocess.run(["ip", *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, (arguments, done.stderr)
    return done.stdout


class Hosts:
    """Machines by name, each reached by the others at its address."""

    def __init__(self, *names: str) -> None:
        with _lock:
            self.prefix = f"rtms-{os.getpid()}-{next(_numbers)}"
        self.addresses = {name: f"10.199.0.{number}" for number, name in enumerate(names, start=2)}
        self.cut: set[str] = set()

    @property
    def switch(self) -> str:
        return f"{self.prefix}-switch"

    def space(self, name: str) -> str:
        return f"{self.prefix}-{name}"

    def make(self) -> None:
        """Make the switch and plug every machine in."""
        ip("netns", "add", self.switch)
        ip("-n", self.switch, "link", "add", "bridge", "type", "bridge")
        ip("-n", self.switch, "link", "set", "bridge", "up")
        for name, address in self.addresses.items():
            space = self.space(name)
            ip("netns", "add", space)
            ip("-n", self.switch, "link", "add", self.plug(name), "type", "veth", "peer", "name", "eth0", "netns", space)
            ip("-n", self.switch, "link", "set", self.plug(name), "master", "bridge", "up")
            ip("-n", space, "link", "set", "lo", "up")
            ip("-n", space, "link", "set", "eth0", "up")
            ip("-n", space, "address", "add", f"{address}/24", "dev", "eth0")

    def plug(self, name: str) -> str:
        """Return the machine's plug at the switch; 15 characters are the most."""
        return f"to-{name}"[:15]

    def remove(self) -> None:
        """Remove the namespaces; their links go with them."""
        for space in (*map(self.space, self.addresses), self.switch):
            subprocess.run(["ip", "netns", "del", space], capture_output=True, check=False)

    def pull(self, name: str) -> None:
        """Cut a machine off: nobody is told, packets just do not arrive."""
        ip("-n", self.switch, "link", "set", self.plug(name), "down")

    def plug_in(self, name: str) -> None:
        """Let a machine that was cut off back in."""
        ip("-n", self.switch, "link", "set", self.plug(name), "up")

    def at(self, name: str) -> list[str]:
        """Return what in front of a command runs it on a machine."""
        return ["ip", "netns", "exec", self.space(name)]

    def ask(self, name: str, question: Callable[[], T]) -> T:
        """Call a function in a thread that stands on a machine: the sockets it opens are that machine's."""
        with ThreadPoolExecutor(1, initializer=enter, initargs=(self.space(name),)) as there:
            return there.submit(question).result()


def enter(space: str) -> None:
    """Move this thread, and no other, into a namespace."""
    descriptor = os.open(Path("/run/netns") / space, os.O_RDONLY)
    try:
        if ctypes.CDLL(None, use_errno=True).setns(descriptor, CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), "setns")
    finally:
        os.close(descriptor)


@contextmanager
def hosts(*names: str) -> Iterator[Hosts]:
    """Make machines and remove them; skip (where required: fail) if this machine cannot."""
    if reason := why_not():
        if "namespaces" in REQUIRED:
            pytest.fail(f"network namespaces are required: {reason}")
        pytest.skip(f"several hosts: {reason}")
    made = Hosts(*names)
    try:
        made.make()
        yield made
    finally:
        made.remove()
