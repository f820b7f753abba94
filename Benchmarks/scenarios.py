"""What is wired: manifests of a size, and of the same with one endpoint changed."""
import time

from scratch import run


def document(kind, name, spec, labels=""):
    return ("apiVersion: bulkhead.dev/v1alpha1\nkind: %s\nmetadata: {name: %s%s}\nspec: {%s}\n"
            % (kind, name, ", labels: {%s}" % labels if labels else "", spec))


class Endpoints:
    """Endpoints on networks behind NAT, all of one host; with rules, a policy for one of them."""

    arguments = ()

    def __init__(self, endpoints, networks, rules=0):
        self.endpoints, self.networks, self.rules = endpoints, min(networks, endpoints), rules

    def prepare(self):
        """What the host has beforehand."""

    def text(self, change=""):
        texts = [document("Network", "n%d" % k, "type: nat, subnets: [{prefix: 10.88.%d.0/24}]" % k)
                 for k in range(self.networks)]
        for k in range(self.endpoints):
            net, number, more = k % self.networks, 2 + k // self.networks, ""
            if k == 0 and change == "address":
                number = 254
            if k == 0 and change == "mtu":
                more = ", mtu: 1400"
            labels = ("app: server" if k == 0 else "app: client" if k == 1 else "") if self.rules else ""
            texts.append(document("Endpoint", "e%d" % k, "network: n%d, addresses: [10.88.%d.%d]%s" % (
                net, net, number, more), labels))
        if self.rules:
            texts.append(policy(self.rules))
        return "---\n".join(texts)


class Overlay:
    """One host's share of an overlay: ten endpoints of its own, and remote ones on ten other hosts."""

    arguments = ("--host", "node0")

    def __init__(self, remote):
        self.remote = remote

    def prepare(self):
        for words in ("link add eth0 type veth peer name wire", "link set eth0 addrgenmode none up",
                      "link set wire addrgenmode none up", "address add 192.0.2.1/24 dev eth0"):
            run("ip", *words.split())
        # Until the kernel has seen that the wire is plugged in.
        time.sleep(2)

    def text(self, change=""):
        texts = [document("Host", "node%d" % k, "underlay: {address: 192.0.2.%d}" % (k + 1)) for k in range(11)]
        texts.append(document("Network", "red", "type: overlay, vxlan: {vni: 4096}, subnets: [{prefix: 10.0.0.0/16}]"))
        for k in range(10 + self.remote):
            node = 0 if k < 10 else 1 + k % 10
            number = 65000 if k == 10 and change == "address" else k + 2
            more = ", mtu: 1400" if k == 0 and change == "mtu" else ""
            texts.append(document("Endpoint", "e%d" % k, "network: red, host: node%d, addresses: [10.0.%d.%d]%s" % (
                node, number >> 8, number & 255, more)))
        return "---\n".join(texts)


def policy(rules, changed=None):
    """One policy whose rules all have to be asked for the first packet; the last one lets it through. One is another than
    without `changed`, its number."""
    rule = "    - {name: rule-%d, action: deny, from: [{cidr: %d.%d.%d.0/24}], protocols: [{protocol: tcp, ports: [%d]}]}"
    lines = [rule % (n, 100 + n // 65536, n // 256 % 256, n % 256, 1001 if n == changed else 1000) for n in range(rules)]
    return """apiVersion: bulkhead.dev/v1alpha1
kind: Policy
metadata: {name: many}
spec:
  appliesTo: {endpoints: {matchLabels: {app: server}}}
  ingress:
    default: deny
    rules:
%s
    - {name: last, action: allow, from: [{endpoints: {matchLabels: {app: client}}}]}
""" % "\n".join(lines)
