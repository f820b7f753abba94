"""The same wiring by what a user would take instead: bridges with gateways, and namespaces with a card, an address and
a default route each. None of them filters, checks or undoes anything."""
import json
import os
import shutil

from scratch import RUN, Trouble, run

NETWORKS = 10


def address(number):
    return "10.88.%d.%d" % (number % NETWORKS, 2 + number // NETWORKS)


def write(name, text):
    path = RUN + "/" + name
    with open(path, "w") as file:
        file.write(text)
    return path


def ip_batch(endpoints, _):
    """One batch for the host, one for each namespace: what somebody writes who knows iproute2 well."""
    lines = []
    for k in range(NETWORKS):
        lines += ["link add br%d up type bridge" % k, "address add 10.88.%d.1/24 dev br%d" % (k, k)]
    lines += ["netns add e%d" % k for k in range(endpoints)]
    # Namespaces that are made in a batch are no argument of `link` in it.
    cables = ["link add v%d up master br%d type veth peer name eth0 netns e%d" % (k, k % NETWORKS, k)
              for k in range(endpoints)]
    batches = {"host": lines, "cables": cables}
    script = ["ip -batch " + write(name, "\n".join(batch) + "\n") for name, batch in batches.items()]
    for k in range(endpoints):
        inside = "link set lo up\nlink set eth0 up\naddress add %s/24 dev eth0\nroute add default via 10.88.%d.1\n" % (
            address(k), k % NETWORKS)
        script.append("ip -n e%d -batch %s" % (k, write("inside%d" % k, inside)))
    return ["sh", "-e", write("script", "\n".join(script) + "\n")]


def cni(endpoints, folder):
    """The reference plugin, once for each container, as a runtime calls it."""
    script = ["export CNI_COMMAND=ADD CNI_IFNAME=eth0 CNI_PATH=" + folder]
    for k in range(NETWORKS):
        write("net%d" % k, json.dumps({
            "cniVersion": "0.4.0", "name": "net%d" % k, "type": "bridge", "bridge": "br%d" % k, "isGateway": True,
            "ipMasq": False, "ipam": {
                "type": "host-local", "dataDir": RUN + "/cni", "routes": [{"dst": "0.0.0.0/0"}],
                "ranges": [[{"subnet": "10.88.%d.0/24" % k}]]}}))
    for k in range(endpoints):
        script += ["ip netns add e%d" % k,
                   "CNI_CONTAINERID=c%d CNI_NETNS=/run/netns/e%d %s/bridge <%s/net%d >%s/out" % (
                       k, k, folder, RUN, k % NETWORKS, RUN)]
    return ["sh", "-e", write("script", "\n".join(script) + "\n")]


def netavark(endpoints, program):
    """Podman's, once for each container."""
    script = []
    for k in range(endpoints):
        net = k % NETWORKS
        write("c%d" % k, json.dumps({
            "container_id": "c%d" % k, "container_name": "c%d" % k,
            "networks": {"net%d" % net: {"interface_name": "eth0", "static_ips": [address(k)]}},
            "network_info": {"net%d" % net: {
                "name": "net%d" % net, "id": "%064x" % (net + 1), "driver": "bridge", "network_interface": "br%d" % net,
                "subnets": [{"subnet": "10.88.%d.0/24" % net, "gateway": "10.88.%d.1" % net}], "ipv6_enabled": False,
                "internal": False, "dns_enabled": False, "ipam_options": {"driver": "host-local"}}}}))
        script += ["ip netns add e%d" % k,
                   "%s --config %s/netavark setup /run/netns/e%d <%s/c%d >%s/out" % (program, RUN, k, RUN, k, RUN)]
    os.makedirs(RUN + "/netavark")
    return ["sh", "-e", write("script", "\n".join(script) + "\n")]


def ifstate(endpoints, program):
    """Declarative as bulkhead is, in one run."""
    spaces, links = {}, {}
    for k in range(NETWORKS):
        links["br%d" % k] = {"addresses": ["10.88.%d.1/24" % k], "link": {"kind": "bridge", "state": "up"}}
    for k in range(endpoints):
        links["v%d" % k] = {"link": {"kind": "veth", "state": "up", "peer": "eth0", "peer_netns": "e%d" % k,
                                     "master": "br%d" % (k % NETWORKS)}}
        spaces["e%d" % k] = {
            "interfaces": {"eth0": {
                "addresses": [address(k) + "/24"],
                "link": {"kind": "veth", "state": "up", "peer": "v%d" % k, "peer_netns": None}}},
            "routing": {"routes": [{"to": "0.0.0.0/0", "via": "10.88.%d.1" % (k % NETWORKS), "dev": "eth0"}]}}
    # JSON is YAML.
    return [program, "-q", "-c", write("ifstate.yml", json.dumps({"namespaces": spaces, "interfaces": links})), "apply"]


def first(*paths):
    return next((path for path in paths if path and os.access(path, os.X_OK)), None)


# How much faster bulkhead shall be, what there must be, how it is got, and what is run.
PEERS = {
    "ip -batch": (2, lambda: shutil.which("ip"), "apt-get install iproute2", ip_batch),
    "CNI bridge": (8, lambda: (lambda path: path and os.path.dirname(path))(
        first("/usr/lib/cni/bridge", "/opt/cni/bin/bridge")), "apt-get install containernetworking-plugins", cni),
    "netavark": (20, lambda: first(
        shutil.which("netavark"), "/usr/lib/podman/netavark", "/usr/libexec/podman/netavark"),
                 "apt-get install netavark", netavark),
    "ifstate": (200, lambda: os.environ.get("BENCH_IFSTATE") or shutil.which("ifstatecli"),
                "pip install ifstate in a virtual environment, and BENCH_IFSTATE=…/bin/ifstatecli", ifstate),
}


def wire(host, name, endpoints):
    """One run of a peer from nothing; some of what must be there afterwards is looked for."""
    _, find, _, prepare = PEERS[name]
    result = host.watch(*prepare(endpoints, find()))
    for number in (0, endpoints - 1):
        found = run("ip", "-n", "e%d" % number, "-4", "address", "show", "dev", "eth0", "up")
        routes = run("ip", "-n", "e%d" % number, "route", "show", "default")
        if " 10.88.%d." % (number % NETWORKS) not in found or "via 10.88.%d.1" % (number % NETWORKS) not in routes:
            raise Trouble("%s did not wire e%d: %s%s" % (name, number, found, routes))
    return {"samples": {name: [result]}}
