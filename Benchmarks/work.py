"""What is measured inside a scratch host: bulkhead and the floor, in turn, on equal states."""
import json
import time

import kernel
import replay
from scenarios import Endpoints
from scratch import FILES, RUN, Trouble, run, save, settle

# How often what changes nothing is run in a round.
READS = 3
HOST_LOOKS = ["net/ipv4/conf/all/forwarding", "net/ipv6/conf/all/forwarding", "net/bridge/bridge-nf-call-iptables",
              "net/bridge/bridge-nf-call-ip6tables"]


def expect_same(what, one, other):
    found = kernel.differences(one, other)
    if found:
        raise Trouble("%s: not the same state:\n%s" % (what, "\n".join(found)))


def looks(host, manifest, arguments):
    """Settings that bulkhead reads in each compartment: those that its plan from nothing names."""
    run(host.binary, "plan", manifest, "--out", RUN + "/plan.json", *arguments)
    with open(RUN + "/plan.json") as file:
        steps = json.load(file)["steps"]
    # That one comes with the links.
    return {step["id"].split("/")[1]: [path for path in step["after"] if path != "net/ipv6/conf/lo/disable_ipv6"]
            for step in steps if step["kind"] == "namespace"}


def leave_out(words):
    """Without the first line of the script that begins with these words."""
    with open(RUN + "/script") as file:
        lines = file.read().splitlines()
    place = next((place for place, line in enumerate(lines) if line.startswith(words + " ")), None)
    if place is None:
        raise Trouble("no line of the script begins with %s" % words)
    del lines[place]
    with open(RUN + "/script", "w") as file:
        file.write("\n".join(lines) + "\n")


def equal_states(host, scenario, left_out=""):
    """Makes the floor's script from what bulkhead made, and sees that both make the same and remove it."""
    manifest, arguments = save("base", scenario.text()), scenario.arguments
    fresh = replay.Fresh()
    settle()
    before = kernel.State(FILES)
    paths = looks(host, manifest, arguments)
    host.bulkhead("apply", manifest, *arguments)
    # What the kernel does a moment after a link is up.
    time.sleep(2)
    made = kernel.State(FILES, paths)
    replay.write(RUN + "/script", made, before, fresh, paths, HOST_LOOKS)
    if left_out:
        leave_out(left_out)
    host.bulkhead("destroy", manifest, *arguments)
    settle()
    expect_same("after bulkhead's destroy", before, kernel.State(FILES))
    host.floor("up")
    time.sleep(2)
    expect_same("bulkhead's apply and the floor", made, kernel.State(FILES, paths))
    run(host.binary, "plan", manifest, "--detailed-exitcode", *arguments)
    host.floor("read", True)
    host.floor("down")
    settle()
    expect_same("after the floor's down", before, kernel.State(FILES))
    return {"objects": len(made.lines()), "namespaces": len(made.spaces), "rules": len(made.rules)}


def in_turn(number, *works):
    """In this order or the other one, by turns; what comes second finds other caches."""
    for work in works if number % 2 == 0 else works[::-1]:
        work()


def compare(host, scenario, rounds):
    """Samples by name; those of one name and place are of one round."""
    samples = {}
    scenario.prepare()
    found = equal_states(host, scenario)
    base, arguments = save("base", scenario.text()), scenario.arguments
    others = {change: save(change, scenario.text(change)) for change in ("mtu", "address")}

    def keep(name, result):
        samples.setdefault(name, []).append(result)
        return result

    def best(name, results):
        """The median run of those that change nothing."""
        results.sort(key=lambda result: result["seconds"])
        keep(name, results[len(results) // 2])

    def read(number):
        runs = {"plan": [], "read": [], "best read": []}
        for turn in range(READS):
            in_turn(number + turn, lambda: runs["plan"].append(host.bulkhead("plan", base, *arguments)),
                    lambda: runs["read"].append(host.floor("read")),
                    lambda: runs["best read"].append(host.floor("read", True)))
        for name, results in runs.items():
            best(name, results)

    def ours(number):
        keep("apply", host.bulkhead("apply", base, *arguments))
        read(number)
        for change, path in others.items():
            keep("change " + change, host.bulkhead("apply", path, *arguments))
            host.bulkhead("apply", base, *arguments)
        keep("destroy", host.bulkhead("destroy", base, *arguments))
        settle()

    def floors(with_shortcuts):
        prefix = "best " if with_shortcuts else ""
        keep(prefix + "up", host.floor("up", with_shortcuts))
        keep(prefix + "first read", host.floor("read", with_shortcuts))
        keep(prefix + "down", host.floor("down", with_shortcuts))
        settle()

    for number in range(rounds):
        in_turn(number, lambda: ours(number), lambda: floors(False), lambda: floors(True))
    return {"found": found, "samples": samples}


def first_byte(host, rounds):
    """From the start of a plan of a small manifest to the first byte that it prints."""
    path = save("small", Endpoints(2, 1).text())
    return {"samples": {"small plan": [host.watch(host.binary, "plan", path) for _ in range(rounds * 4)]}}
