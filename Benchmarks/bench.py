#!/usr/bin/env python3
"""As fast as the kernel allows? Bulkhead beside the floor: the same made, read and removed by system calls alone.

Run it by `make bench`. All of it happens in scratch hosts (network and mount namespaces, files in memory); nothing of
the machine is touched. Whatever is compared ran in turn, and a ratio is the median of those of the rounds: seconds of
different machines, or of one machine at different times, mean nothing. That both sides end in the same state is not
believed but looked at, in the kernel's own messages, and a benchmark whose states differ fails.
"""
import argparse
import json
import math
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile

# No folders of bytecode among the sources.
sys.dont_write_bytecode = True

import peers  # noqa: E402
import scenarios  # noqa: E402
import scratch  # noqa: E402
import work  # noqa: E402

FOLDER = os.path.dirname(os.path.abspath(__file__))
PARTS = ("floor", "rules", "overlay", "peers", "start", "pure")
# What is measured, over what, and how much it may be at a thousand endpoints.
RATIOS = [
    ("apply from nothing", ("apply",), ("up", "first read"), 1.3),
    ("plan in sync", ("plan",), ("read",), 1.2),
    ("destroy", ("destroy",), ("down",), 1.2),
]


# With their networks the largest are 100 000 objects.
PURE = (1000, 10_000, 98_000)
# Endpoints in whose planning instructions are counted: valgrind takes its time.
COUNTED = 500


def options():
    def setting(name, value):
        return os.environ.get("BENCH_" + name) or value

    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("binary", help="bulkhead, a release build")
    parser.add_argument("--endpoints", default=setting("ENDPOINTS", "50,200,1000"),
                        help="BENCH_ENDPOINTS (%(default)s)")
    parser.add_argument("--networks", type=int, default=int(setting("NETWORKS", "10")),
                        help="BENCH_NETWORKS (%(default)s)")
    parser.add_argument("--peer-endpoints", type=int, default=int(setting("PEER_ENDPOINTS", "200")),
                        help="BENCH_PEER_ENDPOINTS (%(default)s)")
    parser.add_argument("--rounds", type=int, default=int(setting("ROUNDS", "5")), help="BENCH_ROUNDS (%(default)s)")
    parser.add_argument("--remote", type=int, default=int(setting("REMOTE", "10000")),
                        help="remote endpoints of the part `overlay`: BENCH_REMOTE (%(default)s)")
    parser.add_argument("--rules", type=int, default=int(setting("RULES", "10000")), help="BENCH_RULES (%(default)s)")
    parser.add_argument("--plans", help="program of the part `pure`, which plans without a kernel")
    parser.add_argument("--parts", default=setting("PARTS", ",".join(PARTS)), help="BENCH_PARTS (%(default)s)")
    parser.add_argument("--json", default=setting("JSON", ".build/bench.json"), help="BENCH_JSON (%(default)s)")
    parser.add_argument("--check", action="store_true", help="only see that bulkhead and the floor end in equal states")
    parser.add_argument("--leave-out", metavar="WORDS", default="",
                        help="with --check: without the first line of the floor's script that begins so")
    parser.add_argument("--inside", help=argparse.SUPPRESS)
    parser.add_argument("--tools", help=argparse.SUPPRESS)
    return parser.parse_args()


def compile_tools(folder):
    compiler = os.environ.get("CC") or shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if not compiler and shutil.which("swift"):
        # Toolchains of Swift have one beside it.
        compiler = shutil.which("clang", path=os.path.dirname(os.path.realpath(shutil.which("swift"))))
    if not compiler:
        sys.exit("bench: no C compiler: install gcc, or set CC")
    for name in ("floor", "stopwatch"):
        subprocess.run([compiler, "-O2", "-Wall", "-Wextra", "-pthread", "-o", folder + "/" + name,
                        "%s/%s.c" % (FOLDER, name)], check=True)


class Table:
    """Rows as they come, and all of them for the file."""

    def __init__(self):
        self.rows = []

    def head(self, text):
        print("\n%s\n%s" % (text, "-" * len(text)), flush=True)

    def row(self, what, value, unit="", low=None, high=None, target=None, note="", **more):
        """A target is an upper bound, unless the row says `atLeast`."""
        met = None if target is None or value is None else (value >= target if more.get("atLeast") else value <= target)
        self.rows.append({"what": what, "value": value, "unit": unit, "low": low, "high": high, "target": target,
                          "met": met, "note": note, **more})
        spread = "" if low is None else "(%s to %s)" % (number(low), number(high))
        goal = "" if met is None else "%s %g%s: %s" % (
            "at least" if more.get("atLeast") else "at most", target, unit and " " + unit, "met" if met else "NOT MET")
        print("%-52s %9s %-5s %-18s %-26s %s" % (what, number(value), unit, spread, goal, note), flush=True)


def number(value):
    if value is None:
        return "-"
    return ("%.0f" if abs(value) >= 100 else "%.2f" if abs(value) >= 1 else "%.3f") % value


def sums(samples, names, key="seconds"):
    return [sum(values) for values in zip(*([sample[key] for sample in samples[name]] for name in names))]


def ratio(table, samples, what, ours, floors, target=None, **more):
    one, other = sums(samples, ours), sums(samples, floors)
    ratios = sorted(a / b for a, b in zip(one, other))
    note = "%s over %s s" % (number(statistics.median(one)), number(statistics.median(other)))
    table.row(what, statistics.median(ratios), "x", ratios[0], ratios[-1], target, note, **more)


def show(table, what, result, goal=False):
    samples, found = result["samples"], result["found"]
    table.head("%s: %d namespaces, %d messages of nftables, %d lines of state compared: equal" % (
        what, found["namespaces"], found["rules"], found["objects"]))
    more = {"of": what}
    for what, ours, floors, target in RATIOS:
        ratio(table, samples, what + " / floor", ours, floors, target if goal else None, **more)
    for what, ours, floors, _ in RATIOS:
        ratio(table, samples, what + " / floor with shortcuts, 2 threads", ours, ["best " + name for name in floors],
              **more)
    for change in ("mtu", "address"):
        extra = sorted(1000 * (a - b) for a, b in zip(sums(samples, ["change " + change]), sums(samples, ["plan"])))
        table.row("change of one endpoint's %s, over plan" % change, statistics.median(extra), "ms",
                  extra[0], extra[-1], 15 if goal else None, **more)
    memory = sorted(value / 1024 for value in sums(samples, ["plan"], "kilobytes"))
    table.row("most memory, plan in sync", statistics.median(memory), "MB", memory[0], memory[-1],
              60 if goal else None, **more)
    for name in ("apply", "plan", "destroy", "up", "read", "down", "best read"):
        seconds, system, user = (statistics.median(sums(samples, [name], key)) for key in ("seconds", "system", "user"))
        side = "" if name in ("apply", "plan", "destroy") else "floor "
        table.row("of %s%s: processor inside system calls" % (side, name), system / max(system + user, 1e-9) * 100, "%",
                  note="%s s, %s s of them in the program itself" % (number(system + user), number(user)), **more)


def growth(table, results):
    """Exponents: 1 is linear."""
    if len(results) < 2:
        return
    table.head("Growth over %s endpoints: exponent by least squares, 1 is linear" % ", ".join(map(str, results)))
    for name in ("apply", "plan", "change mtu", "destroy", "up", "read", "down"):
        points = {size: statistics.median(sums(result["samples"], [name])) for size, result in results.items()}
        table.row(("floor " if name in ("up", "read", "down") else "") + name, slope(points), note="exponent")


def slope(points):
    """The exponent by which a time grows with a size."""
    pairs = [(math.log(size), math.log(seconds)) for size, seconds in points.items()]
    x, y = (statistics.mean(values) for values in zip(*pairs))
    return sum((a - x) * (b - y) for a, b in pairs) / sum((a - x) ** 2 for a, _ in pairs)


def beside_peers(table, arguments, enter):
    """Each run is in a scratch host of its own, since peers leave something behind."""
    table.head("%d endpoints on %d networks from nothing: how much longer others take than bulkhead, which filters, "
               "verifies and can undo" % (arguments.peer_endpoints, peers.NETWORKS))
    for name, (target, find, remedy, _) in peers.PEERS.items():
        if not find():
            table.row(name, None, note="not installed: " + remedy)
            continue
        ours, theirs = [], []

        def bulkhead():
            ours.extend(enter("ours", arguments.peer_endpoints)["samples"]["bulkhead"])

        def peer():
            theirs.extend(enter("peers", arguments.peer_endpoints, 0, name)["samples"][name])

        # The slowest takes minutes.
        for turn in range(1 if name == "ifstate" else min(3, arguments.rounds)):
            work.in_turn(turn, bulkhead, peer)
        ratio(table, {"peer": theirs, "ours": ours}, name, ("peer",), ("ours",), target, atLeast=True)


def pure(table, arguments, tools):
    """Planning without a kernel, in the sizes of PURE."""
    table.head("Without a kernel: %d to %d endpoints on networks of fifty" % (PURE[0], PURE[-1]))
    times = {}
    for size in PURE:
        output = tools + "/plans"
        result = subprocess.run([tools + "/stopwatch", "-o", output, arguments.plans, str(size)],
                                stdout=subprocess.PIPE, text=True, check=True)
        memory = json.loads(result.stdout)["kilobytes"] / 1024
        is_largest = size == PURE[-1]
        with open(output) as file:
            for line in file:
                seconds, name = line.strip().split(" ", 1)
                times.setdefault(name, {})[size] = float(seconds)
                table.row("%s, %d endpoints" % (name, size), float(seconds), "s",
                          target=2 if is_largest and name in ("plan from nothing", "plan in sync") else None)
        table.row("most memory, all of it, %d endpoints" % size, memory, "MB", target=500 if is_largest else None)
    for name, points in times.items():
        table.row("growth of: " + name, slope(points), note="exponent")
    table.head("Without a kernel: instructions and allocations for each of %d endpoints, by valgrind" % COUNTED)
    if not shutil.which("valgrind"):
        table.row("instructions", None, note="not installed: apt-get install valgrind")
        return
    once = count(arguments.plans, tools, "none")
    for name in times:
        twice = count(arguments.plans, tools, name)
        instructions, allocations = ((b - a) / COUNTED for a, b in zip(once, twice))
        table.row(name, instructions / 1000, "k", note="%.1f allocations" % allocations)


def count(program, tools, phase):
    """Instructions and allocated blocks of one run, in which a phase runs once more."""
    output = tools + "/dhat.json"
    subprocess.run(["valgrind", "--quiet", "--tool=dhat", "--dhat-out-file=" + output, program, str(COUNTED), phase],
                   check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    with open(output) as file:
        result = json.load(file)
    return result["te"], sum(point["tbk"] for point in result["pps"])


def inside(arguments):
    """In the scratch host: one part, its result as JSON on standard output."""
    what = json.loads(arguments.inside)
    try:
        host = scratch.Host(os.path.abspath(arguments.binary), arguments.tools)
        scenario = (scenarios.Overlay(arguments.remote) if what["part"] == "overlay" else
                    scenarios.Endpoints(what["endpoints"], arguments.networks, what["rules"]))
        if what["part"] == "peers":
            result = peers.wire(host, what["name"], what["endpoints"])
        elif what["part"] == "ours":
            path = scratch.save("base", scenarios.Endpoints(what["endpoints"], peers.NETWORKS).text())
            result = {"samples": {"bulkhead": [host.bulkhead("apply", path)]}}
        elif what["part"] == "start":
            result = work.first_byte(host, arguments.rounds)
        elif arguments.check:
            scenario.prepare()
            result = {"found": work.equal_states(host, scenario, arguments.leave_out)}
        else:
            result = work.compare(host, scenario, arguments.rounds)
    except scratch.Trouble as trouble:
        sys.exit("bench: %s" % trouble)
    json.dump(result, sys.stdout)


def main():
    arguments = options()
    if arguments.inside:
        return inside(arguments)
    sizes = sorted(int(size) for size in arguments.endpoints.split(","))
    parts = arguments.parts.split(",")
    unknown = set(parts) - set(PARTS)
    if unknown:
        sys.exit("bench: no part %s; there are %s" % (", ".join(sorted(unknown)), ", ".join(PARTS)))
    if "pure" in parts and not arguments.plans and not arguments.check:
        sys.exit("bench: the part `pure` needs --plans; `make bench` builds that program")
    if not arguments.check:
        version = subprocess.run([arguments.binary, "--version"], stdout=subprocess.PIPE, text=True, check=True).stdout
        print("%s, Linux %s, %d processors, load %.1f, %d rounds: median (least to most)" % (
            version.strip(), platform.release(), os.cpu_count(), os.getloadavg()[0], arguments.rounds))
    table = Table()
    samples = {}
    with tempfile.TemporaryDirectory() as tools:
        compile_tools(tools)

        def enter(part, endpoints=0, rules=0, name=""):
            what = json.dumps({"part": part, "endpoints": endpoints, "rules": rules, "name": name})
            result = scratch.enter_scratch_host(
                [sys.executable, __file__, *sys.argv[1:], "--inside", what, "--tools", tools])
            for sample, values in result.get("samples", {}).items():
                samples.setdefault("%s %s %d %d" % (part, sample, endpoints, rules), []).extend(values)
            return result

        if arguments.check:
            for size in sizes:
                found = enter("floor", size, arguments.rules)["found"]
                print("%d endpoints, %d rules: equal states of %d lines" % (size, arguments.rules, found["objects"]))
            if arguments.remote:
                found = enter("overlay")["found"]
                print("%d remote endpoints: equal states of %d lines" % (arguments.remote, found["objects"]))
            return
        if "floor" in parts:
            results = {}
            for size in sizes:
                results[size] = enter("floor", size)
                show(table, "%d endpoints" % size, results[size], size == 1000)
            growth(table, results)
        if "peers" in parts:
            beside_peers(table, arguments, enter)
        if "rules" in parts:
            show(table, "%d endpoints, %d rules" % (sizes[-1], arguments.rules),
                 enter("rules", sizes[-1], arguments.rules))
        if "overlay" in parts:
            show(table, "10 endpoints, %d remote ones on an overlay" % arguments.remote, enter("overlay"))
        if "start" in parts:
            first = sorted(1000 * value for value in sums(enter("start")["samples"], ["small plan"], "first"))
            table.head("Start")
            table.row("to the first byte of a small plan", statistics.median(first), "ms", first[0], first[-1], 15)
        if "pure" in parts:
            pure(table, arguments, tools)
    save(arguments, table, samples)


def save(arguments, table, samples):
    machine = {"kernel": platform.release(), "processors": os.cpu_count(), "load": os.getloadavg()}
    os.makedirs(os.path.dirname(os.path.abspath(arguments.json)), exist_ok=True)
    with open(arguments.json, "w") as file:
        json.dump({"machine": machine, "rounds": arguments.rounds, "rows": table.rows, "samples": samples}, file,
                  indent=1)
    missed = [row["what"] for row in table.rows if row["met"] is False]
    print("\n%s of %s; %s" % (
        "%d targets met" % sum(row["met"] is True for row in table.rows),
        sum(row["met"] is not None for row in table.rows), arguments.json))
    for what in missed:
        print("not met: " + what)


if __name__ == "__main__":
    main()
