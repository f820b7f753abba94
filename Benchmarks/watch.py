#!/usr/bin/env python3
"""How long `bulkhead watch` takes to repair drift, what waiting costs, and its memory over 100 000 events.

Run it by `make bench-watch`. It makes a scratch host of its own (network and mount namespace), so nothing of the machine is
touched. `in force` is seen from outside, after the command that changed something; `verified` is what the program says: from the
kernel's first word of the change until the repair was read back and written down.
"""
import json
import os
import queue
import statistics
import subprocess
import sys
import tempfile
import threading
import time

BINARY = os.path.abspath(sys.argv[1])
ROUNDS = int(os.environ.get("ROUNDS", "6"))
ENDPOINTS = int(os.environ.get("ENDPOINTS", "20"))
# Milliseconds.
TARGET = 200

NETWORK = """
apiVersion: bulkhead.dev/v1alpha1
kind: Network
metadata: {name: web}
spec: {type: nat, subnets: [{prefix: 10.88.0.0/24}]}
"""
ENDPOINT = """---
apiVersion: bulkhead.dev/v1alpha1
kind: Endpoint
metadata: {name: e%d}
spec: {network: web}
"""
# What somebody does, how a step of the repair begins, and what is true when it is in force again.
CASES = [
    ("address deleted", "ip address del 10.88.0.1/24 dev bh-web", "add address 10.88.0.1/24 to bh-web",
     "ip address show dev bh-web | grep -q 10.88.0.1/24"),
    ("MTU changed", "ip link set bh-web mtu 1400", "change bh-web: mtu 1400", "ip link show bh-web | grep -q 'mtu 1500'"),
    ("ruleset flushed", "nft flush ruleset", "create firewall", "nft list chain inet bulkhead forward | grep -q drop"),
    ("card deleted", "ip link del ep-e1", "create veth ep-e1", "ip link show ep-e1 | grep -q LOWER_UP"),
    ("namespace deleted", "ip netns del e2", "create namespace e2", "ip netns exec e2 ip route | grep -q default"),
    ("route deleted inside", "ip netns exec e3 ip route del default",
     "add route default via 10.88.0.1 on eth0 in e3", "ip netns exec e3 ip route | grep -q default"),
    ("card set down inside", "ip netns exec e4 ip link set eth0 down", "change eth0 in e4: state down",
     "ip netns exec e4 ip route | grep -q default"),
]
STORM = r"""awk 'BEGIN { for (i = 0; i < 10000; i++) { a = "198.18." int(i / 250) "." i % 250 "/32 dev lo table 77"
    print "route add " a; print "route del " a } }' | ip -batch -"""


def sh(line):
    subprocess.run(["sh", "-ec", line], check=True, stdout=subprocess.DEVNULL)


class Watch:
    def __init__(self, folder):
        self.lines = queue.Queue()
        # With the priority that its unit gives it, where that may be.
        nice = ["nice", "-n", "-10"] if os.geteuid() == 0 else []
        self.process = subprocess.Popen(
            nice + [BINARY, "watch", folder, "--output", "json"], stdout=subprocess.PIPE, text=True)
        threading.Thread(target=self.read, daemon=True).start()
        self.wait(lambda line: line["event"] == "ready")

    def read(self):
        for line in self.process.stdout:
            self.lines.put(json.loads(line))

    def wait(self, condition):
        seen = []
        while True:
            try:
                line = self.lines.get(timeout=60)
            except queue.Empty:
                sys.exit("what was waited for did not come, but %s" % seen)
            seen.append(line["message"])
            if condition(line):
                return line

    def repair(self, step):
        return self.wait(lambda line: any(text.startswith(step) for text in line["steps"] if line["event"] == "repaired"))

    def memory(self):
        with open("/proc/%d/status" % self.process.pid) as file:
            return next(int(line.split()[1]) for line in file if line.startswith("VmRSS:"))

    def ticks(self):
        with open("/proc/%d/stat" % self.process.pid) as file:
            fields = file.read().rsplit(")", 1)[1].split()
        return int(fields[11]) + int(fields[12])


def until(condition):
    """Seconds until a line of shell says yes; each question takes some milliseconds itself."""
    start = time.monotonic()
    while subprocess.run(["sh", "-c", condition], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode:
        time.sleep(0.003)
    return time.monotonic() - start


def latency(watch):
    in_force = {case[0]: [] for case in CASES}
    verified = {case[0]: [] for case in CASES}
    for number in range(ROUNDS):
        # Longer than a fight is remembered.
        if number:
            time.sleep(12)
        for name, command, step, condition in CASES:
            sh(command)
            in_force[name].append(until(condition) * 1000)
            verified[name].append(watch.repair(step)["milliseconds"])
            time.sleep(0.5)
    print("%-22s %16s %16s   (ms: median, most; %d rounds, %d endpoints)" % (
        "", "in force", "verified", ROUNDS, ENDPOINTS))
    for name in list(in_force) + ["all"]:
        first = in_force.get(name) or [value for values in in_force.values() for value in values]
        second = verified.get(name) or [value for values in verified.values() for value in values]
        late = "" if max(first) <= TARGET else "   over %d" % TARGET
        print("%-22s %8.0f %7.0f %8.0f %7.0f%s" % (
            name, statistics.median(first), max(first), statistics.median(second), max(second), late))


def rest(watch):
    time.sleep(3)
    before = watch.ticks()
    time.sleep(10)
    print("waiting for 10 s took %d ms of a processor" % ((watch.ticks() - before) * 1000 // os.sysconf("SC_CLK_TCK")))


def memory(watch):
    found = []
    for _ in range(6):
        sh(STORM)
        sh("ip address del 10.88.0.1/24 dev bh-web")
        watch.repair("add address 10.88.0.1/24 to bh-web")
        time.sleep(12)
        found.append(watch.memory())
    print("memory (RSS, kB) after each 20 000 events: %s" % ", ".join(map(str, found)))


def main():
    sh("mount -t tmpfs tmpfs /run; mkdir -p /run/netns /var/lib/bulkhead; mount -t tmpfs tmpfs /var/lib/bulkhead; ip link set lo up")
    os.environ["BULKHEAD_NETNS_ETC_DIR"] = "/run/netns-etc"
    with tempfile.TemporaryDirectory() as folder:
        with open(folder + "/all.yaml", "w") as file:
            file.write(NETWORK + "".join(ENDPOINT % number for number in range(1, ENDPOINTS + 1)))
        watch = Watch(folder)
        try:
            latency(watch)
            rest(watch)
            memory(watch)
        finally:
            watch.process.terminate()
            watch.process.wait()


sys.stdout.reconfigure(line_buffering=True)
main()
