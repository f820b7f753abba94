"""A scratch host: network and mount namespace of this process, in which commands are measured."""
import json
import os
import socket
import subprocess
import sys
import time

from kernel import libc

RUN = "/run/bench"
FILES = RUN + "/etc"


class Trouble(Exception):
    pass


class Host:
    def __init__(self, binary, tools):
        self.binary, self.tools = binary, tools
        run("mount", "-t", "tmpfs", "tmpfs", "/run")
        run("ip", "link", "set", "lo", "up")
        # Both sides keep their files in memory, so that no disk is measured.
        for folder in ("/run/netns", FILES, RUN + "/state"):
            os.makedirs(folder)
        os.chmod(FILES, 0o755)
        # What went before has gone.
        settle()
        os.environ.update(BULKHEAD_STATE_DIR=RUN + "/state", BULKHEAD_NETNS_ETC_DIR=FILES)

    def watch(self, *command):
        """Runs it to its end; what it took, as stopwatch.c says it."""
        result = subprocess.run([self.tools + "/stopwatch", *command], capture_output=True, text=True)
        if result.returncode:
            raise Trouble("%s: %s%s" % (" ".join(command), result.stdout[-500:], result.stderr[-2000:]))
        return json.loads(result.stdout)

    def bulkhead(self, verb, path, *more):
        # A plan that is not in sync would be status 2.
        words = ["--detailed-exitcode"] if verb == "plan" else ["--yes", "--quiet"]
        return self.watch(self.binary, verb, path, *words, *more)

    def floor(self, verb, with_shortcuts=False):
        """Plainly, or with what the kernel is quick at, on two threads."""
        how = ["2", "shortcuts"] if with_shortcuts else ["1"]
        return self.watch(self.tools + "/floor", verb, RUN + "/script", *how)


def run(*command):
    result = subprocess.run(command, capture_output=True, text=True)
    if result.returncode:
        raise Trouble("%s: %s%s" % (" ".join(command), result.stdout[-500:], result.stderr[-2000:]))
    return result.stdout


def settle():
    """Until the kernel has removed all namespaces that nobody holds any more.

    It does so behind everybody's back, in batches: one cable into a namespace that goes now is gone when its batch is,
    and a second one is in a later batch.
    """
    for _ in range(2):
        ready, gate = os.pipe(), os.pipe()
        child = os.fork()
        if child == 0:
            os.close(gate[1])
            os._exit(1) if libc.unshare(0x40000000) else os.write(ready[1], b".")
            os.read(gate[0], 1)
            os._exit(0)
        os.read(ready[0], 1)
        run("ip", "link", "add", "marker", "type", "veth", "peer", "name", "marked", "netns", str(child))
        for end in (*ready, *gate):
            os.close(end)
        os.waitpid(child, 0)
        while True:
            try:
                socket.if_nametoindex("marker")
            except OSError:
                break
            time.sleep(0.02)


def save(name, text):
    path = "%s/%s.yaml" % (RUN, name)
    with open(path, "w") as file:
        file.write(text)
    return path


def enter_scratch_host(command):
    """Runs a command in namespaces of its own; as an ordinary user, in which it is root."""
    own = [] if os.geteuid() == 0 else ["-Ur"]
    result = subprocess.run(["unshare", *own, "--net", "--mount", "--propagation", "private", *command],
                            stdout=subprocess.PIPE, text=True)
    if result.returncode:
        # It has said why.
        sys.exit(1)
    return json.loads(result.stdout)
