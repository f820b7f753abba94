#!/usr/bin/env python3
"""What policies cost: throughput with 10 000 rules in force, and the time to change one of them.

Run it by `make bench-policies`. It makes a scratch host of its own (network and mount namespace), so nothing of the
machine is touched. All ratios are between numbers of the same run. A machine's speed drifts by more than what is to be
seen, so that each round compares its own halves, which begin in turn; the ratio is the median of those of the rounds.
"""
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

# No folders of bytecode among the sources.
sys.dont_write_bytecode = True

import scenarios  # noqa: E402

BINARY = os.path.abspath(sys.argv[1])
RULES = int(os.environ.get("RULES", "10000"))
ROUNDS = int(os.environ.get("ROUNDS", "6"))
SAMPLES = int(os.environ.get("SAMPLES", "3"))

BASE = """
apiVersion: bulkhead.dev/v1alpha1
kind: Network
metadata: {name: web}
spec: {type: nat, subnets: [{prefix: 10.88.0.0/24}]}
---
apiVersion: bulkhead.dev/v1alpha1
kind: Endpoint
metadata: {name: server, labels: {app: server}}
spec: {network: web, addresses: [10.88.0.10]}
---
apiVersion: bulkhead.dev/v1alpha1
kind: Endpoint
metadata: {name: client, labels: {app: client}}
spec: {network: web, addresses: [10.88.0.11]}
"""


def policy(changed):
    return "---\n" + scenarios.policy(RULES, changed)


def run(*command):
    result = subprocess.run(command, capture_output=True, text=True)
    if result.returncode:
        sys.exit("%s: %s%s" % (" ".join(command), result.stdout[-500:], result.stderr[-500:]))
    return result.stdout


def apply(folder, text):
    with open(folder + "/m.yaml", "w") as file:
        file.write(text)
    start = time.monotonic()
    run(BINARY, "apply", folder + "/m.yaml", "--yes", "--quiet")
    return time.monotonic() - start


def iperf(*options):
    out = run("ip", "netns", "exec", "client", "iperf3", "-c", "10.88.0.10", "-t", "2", "-O", "1", "-J", *options)
    return json.loads(out)["end"]


def throughput():
    return iperf()["sum_received"]["bits_per_second"] / 1e9


def packets():
    total = iperf("-u", "-b", "0", "-l", "64")["sum"]
    return (total["packets"] - total["lost_packets"]) / total["seconds"] / 1e3


def read_ruleset():
    start = time.monotonic()
    run("nft", "-j", "list", "table", "inet", "bulkhead")
    return time.monotonic() - start


def change(folder, text):
    """The firewall's part of a plan by itself: its one transaction, as the saved plan has it, by libnftables."""
    with open(folder + "/m.yaml", "w") as file:
        file.write(text)
    run(BINARY, "plan", folder + "/m.yaml", "--out", folder + "/plan.json")
    with open(folder + "/plan.json") as file:
        commands = next(find_commands(json.load(file)["apply"]))
    with open(folder + "/commands.json", "w") as file:
        json.dump({"nftables": commands}, file)
    start = time.monotonic()
    run("nft", "-j", "-f", folder + "/commands.json")
    return time.monotonic() - start, len(commands)


def find_commands(value):
    """Lists of commands of nftables, wherever the document has them."""
    if isinstance(value, list) and value and all(isinstance(v, dict) and set(v) & {"add", "insert", "delete"} for v in value):
        yield value
    for child in (value.values() if isinstance(value, dict) else value if isinstance(value, list) else []):
        yield from find_commands(child)


def main():
    folder = tempfile.mkdtemp()
    os.environ.update(BULKHEAD_STATE_DIR=folder + "/state", BULKHEAD_NETNS_ETC_DIR=folder + "/etc", FOLDER=folder)
    run("mount", "-t", "tmpfs", "tmpfs", "/run")
    run("ip", "link", "set", "lo", "up")
    apply(folder, BASE)
    server = subprocess.Popen(["ip", "netns", "exec", "server", "iperf3", "-s"], stdout=subprocess.DEVNULL)
    time.sleep(0.5)
    plain = {"tcp": [], "udp": []}
    ruled = {"tcp": [], "udp": []}
    try:
        for number in range(ROUNDS):
            halves = [(plain, BASE), (ruled, BASE + policy(-1))]
            for kind, text in halves if number % 2 == 0 else halves[::-1]:
                apply(folder, text)
                samples = [(throughput(), packets()) for _ in range(SAMPLES)]
                for name, values in zip(("tcp", "udp"), zip(*samples)):
                    kind[name].append(statistics.median(values))
    finally:
        server.terminate()
    reads, transactions, applies, sizes = [], [], [], []
    apply(folder, BASE + policy(-1))
    for number in range(ROUNDS):
        reads.append(read_ruleset())
        seconds, size = change(folder, BASE + policy(RULES // 2 + number))
        transactions.append(seconds)
        sizes.append(size)
        applies.append(apply(folder, BASE + policy(RULES // 3 + number)))
    result = {"rules": RULES, "rounds": ROUNDS}
    for kind, unit in (("tcp", "Gbit/s"), ("udp", "k packets/s")):
        before, after = statistics.median(plain[kind]), statistics.median(ruled[kind])
        ratios = sorted(one / other for one, other in zip(ruled[kind], plain[kind]))
        result[kind] = {"unit": unit, "without": before, "with": after, "ratio": statistics.median(ratios),
                        "ratios": ratios}
    read, transaction, whole = (statistics.median(values) for values in (reads, transactions, applies))
    result["change"] = {"unit": "s", "read": read, "transaction": transaction, "commands": max(sizes), "apply": whole,
                        "ratio": transaction / read, "applyRatio": whole / read}
    for kind in ("tcp", "udp"):
        print("%s: %.2f %s without policies, %.2f with %d rules: ratio %.2f (rounds: %.2f to %.2f)" % (
            kind, result[kind]["without"], result[kind]["unit"], result[kind]["with"], RULES, result[kind]["ratio"],
            result[kind]["ratios"][0], result[kind]["ratios"][-1]))
    print("change of one rule: %.3f s (%d commands), %.3f s to read the ruleset once: ratio %.2f" % (
        transaction, max(sizes), read, transaction / read))
    print("the whole apply of it (plan, change, verify): %.3f s: ratio %.2f" % (whole, whole / read))
    print(json.dumps(result))


main()
