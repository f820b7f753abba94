#!/usr/bin/env python3
"""Raw frames for the attack tests.

    attack.py send INTERFACE FILE   sends the frames of a JSON file: a list of lists of hexadecimal frames
    attack.py sniff INTERFACE MARKER…   says `ready`, and at a line of input which markers came in
    attack.py listen PORT MARKER…       the same for datagrams to a UDP port
    attack.py craft KIND PEOPLE         prints the attacks: name, frames, marker, whether it may pass

Every frame carries the marker of its attack somewhere, so that whoever sees it knows which one it is.
"""
import errno
import hashlib
import json
import select
import socket
import struct
import sys
import time


def mac(text):
    return bytes.fromhex(text.replace(":", ""))


def ip4(text):
    return socket.inet_pton(socket.AF_INET, text)


def ip6(text):
    return socket.inet_pton(socket.AF_INET6, text)


def checksum(data):
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    while total >> 16:
        total = (total >> 16) + (total & 0xFFFF)
    return ~total & 0xFFFF


def ethernet(target, source, kind, body):
    return mac(target) + mac(source) + struct.pack("!H", kind) + body


def ipv4(source, target, protocol, body, offset=0, more=False, ident=7, options=b""):
    head = struct.pack(
        "!BBHHHBBH4s4s", 0x45 + len(options) // 4, 0, 20 + len(options) + len(body), ident,
        (0x2000 if more else 0) | offset // 8, 64, protocol, 0, ip4(source), ip4(target)) + options
    return head[:10] + struct.pack("!H", checksum(head)) + head[12:] + body


def ipv6(source, target, following, body, hops=255):
    return struct.pack("!IHBB16s16s", 0x60000000, len(body), following, hops, ip6(source), ip6(target)) + body


def pseudo(source, target, protocol, body):
    if ":" in source:
        return ip6(source) + ip6(target) + struct.pack("!II", len(body), protocol) + body
    return ip4(source) + ip4(target) + struct.pack("!HH", protocol, len(body)) + body


def udp(source, target, sport, dport, data):
    body = struct.pack("!HHHH", sport, dport, 8 + len(data), 0) + data
    return body[:6] + struct.pack("!H", checksum(pseudo(source, target, 17, body)) or 0xFFFF) + body[8:]


def tcp(source, target, sport, dport, flags, data=b""):
    body = struct.pack("!HHIIBBHHH", sport, dport, 1, 1, 0x50, flags, 8192, 0, 0) + data
    return body[:16] + struct.pack("!H", checksum(pseudo(source, target, 6, body))) + body[18:]


def icmp(kind, code, body):
    body = struct.pack("!BBH", kind, code, 0) + body
    return body[:2] + struct.pack("!H", checksum(body)) + body[4:]


def icmp6(source, target, kind, code, body):
    body = struct.pack("!BBH", kind, code, 0) + body
    return body[:2] + struct.pack("!H", checksum(pseudo(source, target, 58, body))) + body[4:]


def arp(operation, sender_mac, sender_ip, target_mac, target_ip, marker):
    return struct.pack("!HHBBH", 1, 0x800, 6, 4, operation) + mac(sender_mac) + ip4(sender_ip) + mac(target_mac) \
        + ip4(target_ip) + marker


def option(marker):
    """A neighbour discovery option that nobody knows (nonce is 14; 253 is for experiments), 16 bytes."""
    return bytes([253, 2]) + marker.ljust(14, b"\0")


def padding(following, count=8):
    """A destination or hop-by-hop options header of that many bytes, of padding alone."""
    return bytes([following, count // 8 - 1, 1, count - 4]) + bytes(count - 4)


def fragments6(source, target, following, body, first):
    """IPv6 fragments: the first one with that many bytes."""
    def fragment(offset, more, part):
        return ipv6(source, target, 44, struct.pack("!BBHI", following, 0, offset | more, 77) + part)
    return [fragment(0, 1, body[:first]), fragment(first, 0, body[first:])]


class Attacks:
    def __init__(self, people):
        self.p = people
        self.list = []

    def add(self, name, frames, passes=False):
        self.list.append({"name": name, "frames": [f.hex() for f in frames], "marker": self.marker(name).hex(),
                          "passes": passes})

    @staticmethod
    def marker(name):
        return hashlib.sha256(name.encode()).digest()[:8]

    def udp4(self, name, source=None, target=None, source_mac=None, target_mac=None, sport=4000, dport=7000, passes=False,
             kind=0x800, before=b"", options=b""):
        p = self.p
        source, target = source or p["own4"], target or p["victim4"]
        body = ipv4(source, target, 17, udp(source, target, sport, dport, self.marker(name)), options=options)
        self.add(name, [ethernet(target_mac or p["victim"], source_mac or p["own"], kind, before + body)], passes)

    def udp6(self, name, source=None, target=None, target_mac=None, sport=4000, dport=7000, passes=False):
        p = self.p
        source, target = source or p["own6"], target or p["victim6"]
        body = ipv6(source, target, 17, udp(source, target, sport, dport, self.marker(name)))
        self.add(name, [ethernet(target_mac or p["victim"], p["own"], 0x86DD, body)], passes)

    def spoofing(self):
        p, m = self.p, self.marker
        self.udp4("control udp4", passes=True)
        self.udp6("control udp6", passes=True)
        self.udp4("forged mac", source_mac="02:de:ad:00:00:01")
        self.udp4("mac of a sibling", source_mac=p["sibling"])
        self.udp4("mac of the gateway", source_mac=p["gateway"])
        self.udp4("address of a sibling", source=p["sibling4"])
        self.udp4("address of the gateway", source=p["gateway4"])
        self.udp4("foreign address", source="198.51.100.9")
        self.udp4("loopback as source", source="127.0.0.1")
        self.udp4("no address, not for dhcp", source="0.0.0.0")
        self.udp6("ipv6 address of a sibling", source=p["sibling6"])
        self.udp6("ipv6 address of the gateway", source=p["gateway6"])
        self.udp6("ipv6 foreign address", source="2001:db8::9")
        self.udp6("link-local address of the gateway", source=p["gatewayLocal"])
        self.udp6("link-local address of a sibling", source=p["siblingLocal"])
        self.udp6("no ipv6 address, no discovery", source="::")
        self.udp6("its own link-local address", source=p["ownLocal"], target=p["victimLocal"], passes=True)
        self.udp4("dhcp request", source="0.0.0.0", target="255.255.255.255", target_mac="ff:ff:ff:ff:ff:ff", sport=68,
                  dport=67, passes=True)
        self.udp4("dhcp answer", sport=67, dport=68)
        self.udp6("dhcpv6 answer", sport=547, dport=546)
        broadcast, nobody = "ff:ff:ff:ff:ff:ff", "00:00:00:00:00:00"
        for name, sender_mac, sender_ip, passes in [
                ("control arp", p["own"], p["own4"], True), ("arp for a sibling", p["own"], p["sibling4"], False),
                ("arp for the gateway", p["own"], p["gateway4"], False),
                ("arp with another mac inside", p["gateway"], p["own4"], False),
                ("arp probe", p["own"], "0.0.0.0", True)]:
            self.add(name, [ethernet(broadcast, p["own"], 0x806,
                                     arp(1, sender_mac, sender_ip, nobody, p["victim4"], m(name)))], passes)
        name = "arp reply for the gateway"
        self.add(name, [ethernet(p["victim"], p["own"], 0x806,
                                 arp(2, p["own"], p["gateway4"], p["victim"], p["victim4"], m(name)))])

    def discovery(self):
        p = self.p

        def nd(name, kind, body, source=None, target=None, passes=False, wrap=None):
            source, target = source or p["ownLocal"], target or "ff02::1"
            message = icmp6(source, target, kind, 0, body + option(self.marker(name)))
            packets = wrap(source, target, message) if wrap else [ipv6(source, target, 58, message)]
            self.add(name, [ethernet("33:33:00:00:00:01", p["own"], 0x86DD, packet) for packet in packets], passes)

        def behind(header):
            return lambda source, target, message: [ipv6(source, target, header, padding(58) + message)]

        def atomic(source, target, message):
            return [ipv6(source, target, 44, struct.pack("!BBHI", 58, 0, 0, 78) + message)]

        def tiny(source, target, message):
            # The first fragment holds options alone, the message begins in the second.
            return fragments6(source, target, 60, padding(58) + message, 8)

        advert = struct.pack("!BBHII", 64, 0, 1800, 0, 0)
        claim = struct.pack("!I", 0xA0000000)
        nd("advertisement of its own address", 136, claim + ip6(p["own6"]), source=p["own6"], passes=True)
        for name, target in [("gateway", p["gateway6"]), ("sibling", p["sibling6"]), ("gateway's local", p["gatewayLocal"])]:
            nd("advertisement for the " + name, 136, claim + ip6(target))
        nd("detection of its own address", 135, bytes(4) + ip6(p["own6"]), source="::", passes=True)
        nd("detection of the gateway's address", 135, bytes(4) + ip6(p["gateway6"]), source="::")
        nd("router advertisement", 134, advert)
        for name, wrap in [("hop-by-hop options", behind(0)), ("destination options", behind(60)),
                           ("an atomic fragment", atomic), ("a tiny first fragment", tiny)]:
            nd("router advertisement behind " + name, 134, advert, wrap=wrap)
            nd("advertisement for the gateway behind " + name, 136, claim + ip6(p["gateway6"]), wrap=wrap)
        nd("redirect", 137, bytes(4) + ip6(p["own6"]) + ip6("2001:db8::1"))
        for name, kind, code in [("ipv4 redirect", 5, 1), ("ipv4 router advertisement", 9, 0)]:
            body = icmp(kind, code, ip4(p["own4"]) + self.marker(name))
            self.add(name, [ethernet(p["victim"], p["own"], 0x800, ipv4(p["own4"], p["victim4"], 1, body))])

    def frames(self):
        p, m = self.p, self.marker
        for name, before in [("vlan 0", "0000"), ("vlan 5", "0005")]:
            self.udp4(name, kind=0x8100, before=bytes.fromhex(before + "0800"))
            self.udp4("802.1ad " + name, kind=0x88A8, before=bytes.fromhex(before + "0800"))
        self.udp4("two tags", kind=0x8100, before=bytes.fromhex("0000810000000800"))
        for name, kind in [("lldp", 0x88CC), ("pppoe", 0x8863), ("wake on lan", 0x842), ("mpls", 0x8847), ("eapol", 0x888E)]:
            self.add(name, [ethernet("ff:ff:ff:ff:ff:ff", p["own"], kind, m(name) * 6)])
        self.add("spanning tree", [ethernet("01:80:c2:00:00:00", p["own"], 38, bytes.fromhex("424203") + m("spanning tree") * 4)])
        self.add("llc", [ethernet("ff:ff:ff:ff:ff:ff", p["own"], 46, bytes.fromhex("e0e003") + m("llc") * 5)])

    def policies(self):
        """The victim takes UDP to 7000 from the attacker, and nothing else from anybody."""
        p, m = self.p, self.marker
        everybody = "ff:ff:ff:ff:ff:ff"
        group, group6 = "01:00:5e:00:00:fb", "33:33:00:00:00:fb"
        self.udp4("allowed port", passes=True)
        self.udp6("allowed port, ipv6", passes=True)
        self.udp6("allowed port, link-local", source=p["ownLocal"], target=p["victimLocal"], passes=True)
        self.udp4("denied port", dport=7001)
        self.udp6("denied port, ipv6", dport=7001)
        self.udp6("denied port, link-local", source=p["ownLocal"], target=p["victimLocal"], dport=7001)
        for kind, target4, target_mac in [("multicast", "224.0.0.251", group), ("broadcast", "255.255.255.255", everybody),
                                          ("subnet broadcast", p["broadcast4"], everybody)]:
            self.udp4("allowed " + kind, target=target4, target_mac=target_mac, passes=True)
            self.udp4("denied " + kind, target=target4, target_mac=target_mac, dport=7001)
            self.udp4("denied %s to its mac alone" % kind, target=target4, dport=7001)
        self.udp6("allowed ipv6 multicast", target="ff02::fb", target_mac=group6, passes=True)
        self.udp6("denied ipv6 multicast", target="ff02::fb", target_mac=group6, dport=7001)
        self.udp6("denied ipv6 multicast to its mac alone", target="ff02::fb", dport=7001)
        self.udp4("its address in a multicast frame", target_mac=group, dport=7001)
        self.udp4("its address in a broadcast frame", target_mac=everybody, dport=7001)
        # The kernel confirms the connection of such a frame when the host has had its copy: the next one must fail all
        # the same.
        self.udp4("its address in a multicast frame, once more to it alone", dport=7001)
        self.udp6("its ipv6 address in a multicast frame", target_mac=group6, dport=7001)
        self.udp6("its ipv6 address in a multicast frame, once more to it alone", dport=7001)
        self.udp4("an address of nobody at its mac", target="10.88.0.200")
        self.udp4("a foreign address at its mac", target="198.51.100.1")
        self.udp4("a loopback address at its mac", target="127.0.0.1")
        self.udp6("an ipv6 address of nobody at its mac", target="fd00:88::200")
        self.udp6("a link-local address that nobody uses, at its mac", source=p["ownLocal"], target="fe80::dead")
        self.udp6("a link-local address that it uses", source=p["ownLocal"], target="fe80::beef", passes=True)
        self.udp6("denied port, a link-local address that it uses", source=p["ownLocal"], target="fe80::beef", dport=7001)
        self.udp6("a link-local address that it uses, at the sibling's mac", source=p["ownLocal"], target="fe80::beef",
                  target_mac=p["sibling"], sport=4003)
        self.udp6("denied port, by way of the host", source=p["ownLocal"], target="fe80::dead", target_mac=p["gateway"],
                  dport=7001)
        self.udp6("a link-local address of nobody at the sibling's mac", source=p["ownLocal"], target="fe80::dead",
                  target_mac=p["sibling"])
        self.udp6("the sibling's link-local address at its mac", source=p["ownLocal"], target=p["siblingLocal"])
        for name, flags in [("syn", 2), ("ack of no connection", 16), ("rst of no connection", 4), ("christmas tree", 63),
                            ("syn ack of no connection", 18), ("no flags", 0)]:
            segment = tcp(p["own4"], p["victim4"], 4001, 7000, flags, m(name))
            self.add(name, [ethernet(p["victim"], p["own"], 0x800, ipv4(p["own4"], p["victim4"], 6, segment))])
        name = "icmp error of no connection"
        inner = ipv4(p["victim4"], p["own4"], 17, udp(p["victim4"], p["own4"], 9, 9, m(name)))
        self.add(name, [ethernet(p["victim"], p["own"], 0x800, ipv4(p["own4"], p["victim4"], 1, icmp(3, 3, bytes(4) + inner)))])
        name = "echo reply of no request"
        self.add(name, [ethernet(p["victim"], p["own"], 0x800, ipv4(p["own4"], p["victim4"], 1, icmp(0, 0, bytes(4) + m(name))))])
        for name, dport, passes in [("allowed port in fragments", 7000, True), ("denied port in fragments", 7001, False)]:
            whole = udp(p["own4"], p["victim4"], 4002, dport, m(name) * 4)
            parts = [ipv4(p["own4"], p["victim4"], 17, whole[:8], 0, True, 55 + dport),
                     ipv4(p["own4"], p["victim4"], 17, whole[8:], 8, False, 55 + dport)]
            self.add(name, [ethernet(p["victim"], p["own"], 0x800, part) for part in parts], passes)
        name = "second fragment without a first"
        self.add(name, [ethernet(p["victim"], p["own"], 0x800, ipv4(p["own4"], p["victim4"], 17, m(name) * 2, 8, False, 99))])
        name = "denied ipv6 port behind a tiny first fragment"
        whole = padding(17) + udp(p["own6"], p["victim6"], 4002, 7001, m(name) * 3)
        self.add(name, [ethernet(p["victim"], p["own"], 0x86DD, part)
                        for part in fragments6(p["own6"], p["victim6"], 60, whole, 8)])
        for name, source, target, target_mac, passes in [
            ("listener report to a group", p["ownLocal"], "ff02::fb", group6, True),
            ("listener report to it alone", p["ownLocal"], p["victim6"], None, False),
            ("listener report to its link-local address", p["ownLocal"], p["victimLocal"], None, False),
            ("listener report by a link-local address that it uses", p["ownLocal"], "fe80::beef", None, False),
        ]:
            report = icmp6(source, target, 131, 0, bytes(4) + ip6("ff02::fb") + m(name))
            self.add(name, [ethernet(target_mac or p["victim"], p["own"], 0x86DD, ipv6(source, target, 58, report))], passes)
        name = "gre"
        self.add(name, [ethernet(p["victim"], p["own"], 0x800, ipv4(p["own4"], p["victim4"], 47, bytes(4) + m(name)))])

    def egress(self):
        """The attacker itself may send UDP to 7000 only, whoever it is for; everything is sent twice."""
        group, group6, everybody = "01:00:5e:00:00:fb", "33:33:00:00:00:fb", "ff:ff:ff:ff:ff:ff"
        for again in ("", " again"):
            self.udp4("egress control" + again, passes=True)
            self.udp4("egress to one" + again, dport=7001)
            self.udp4("egress to a group allowed" + again, target="224.0.0.251", target_mac=group, passes=True)
            self.udp4("egress to a group" + again, target="224.0.0.251", target_mac=group, dport=7001)
            self.udp4("egress to all" + again, target="255.255.255.255", target_mac=everybody, dport=7001)
            self.udp6("egress to an ipv6 group" + again, target="ff02::fb", target_mac=group6, dport=7001)
            self.udp6("egress by an invented link-local address" + again, source="fe80::f00d",
                      target=self.p["victimLocal"], dport=7001)
            self.udp6("egress by an invented link-local address to a group" + again, source="fe80::f00d",
                      target="ff02::fb", target_mac=group6, dport=7001)

    def errors(self):
        """ICMP errors to the victim about what it has sent to the sibling (UDP 5000 to 6000)."""
        p, m = self.p, self.marker
        for name, kind, code in [("unreachable", 3, 1), ("port unreachable", 3, 3), ("fragmentation needed", 3, 4),
                                 ("source quench", 4, 0), ("time exceeded", 11, 0), ("parameter problem", 12, 0)]:
            quoted = ipv4(p["victim4"], p["sibling4"], 17, udp(p["victim4"], p["sibling4"], 5000, 6000, m(name)))
            message = icmp(kind, code, struct.pack("!HH", 0, 600) + quoted)
            self.add(name, [ethernet(p["victim"], p["own"], 0x800, ipv4(p["own4"], p["victim4"], 1, message))])
        name = "fragmentation needed, in fragments"
        quoted = ipv4(p["victim4"], p["sibling4"], 17, udp(p["victim4"], p["sibling4"], 5000, 6000, m(name) * 4))
        whole = icmp(3, 4, struct.pack("!HH", 0, 600) + quoted)
        self.add(name, [ethernet(p["victim"], p["own"], 0x800, part) for part in [
            ipv4(p["own4"], p["victim4"], 1, whole[:8], 0, True, 4321), ipv4(p["own4"], p["victim4"], 1, whole[8:], 8, False, 4321)]])
        for name, kind, code in [("ipv6 port unreachable", 1, 4), ("packet too big", 2, 0), ("ipv6 time exceeded", 3, 0),
                                 ("ipv6 parameter problem", 4, 0), ("ipv6 error of a type that nobody knows", 100, 0)]:
            message = self.quote6(kind, code, name)
            self.add(name, [ethernet(p["victim"], p["own"], 0x86DD, ipv6(p["own6"], p["victim6"], 58, message))])
        name = "packet too big behind destination options"
        body = padding(58) + self.quote6(2, 0, name)
        self.add(name, [ethernet(p["victim"], p["own"], 0x86DD, ipv6(p["own6"], p["victim6"], 60, body))])
        name = "packet too big in fragments"
        body = padding(58) + self.quote6(2, 0, name)
        self.add(name, [ethernet(p["victim"], p["own"], 0x86DD, part)
                        for part in fragments6(p["own6"], p["victim6"], 60, body, 16)])

    def quote6(self, kind, code, name):
        p = self.p
        quoted = ipv6(p["victim6"], p["sibling6"], 17, udp(p["victim6"], p["sibling6"], 5000, 6000, self.marker(name)))
        return icmp6(p["own6"], p["victim6"], kind, code, struct.pack("!I", 1280) + quoted)

    def routed(self):
        """An ICMP error to somebody outside about what he has sent to the sibling (UDP 6000 to 5000), by way of the host."""
        p, m, name = self.p, self.marker, "error to outside"
        quoted = ipv4(p["outside4"], p["sibling4"], 17, udp(p["outside4"], p["sibling4"], 6000, 5000, m(name)))
        message = icmp(3, 4, struct.pack("!HH", 0, 600) + quoted)
        self.add(name, [ethernet(p["gateway"], p["own"], 0x800, ipv4(p["own4"], p["outside4"], 1, message))])

    def impersonation(self):
        """The attacker has no address of its own and takes those of others."""
        p, m = self.p, self.marker
        broadcast, nobody = "ff:ff:ff:ff:ff:ff", "00:00:00:00:00:00"
        self.udp4("an address that nobody has", source="10.88.0.77", passes=True)
        self.udp6("an ipv6 address that nobody has", source="fd00:88::77", passes=True)
        self.udp6("its own link-local address", source=p["ownLocal"], target=p["victimLocal"], passes=True)
        self.udp6("a link-local address of its choice", source="fe80::77", target=p["victimLocal"], passes=True)
        for role in ["sibling", "gateway", "victim"]:
            self.udp4("the %s's address" % role, source=p[role + "4"])
            self.udp6("the %s's ipv6 address" % role, source=p[role + "6"])
            self.udp6("the %s's link-local address" % role, source=p[role + "Local"], target=p["victimLocal"])
            for operation in (1, 2):
                name = "arp %d for the %s" % (operation, role)
                self.add(name, [ethernet(broadcast, p["own"], 0x806,
                                         arp(operation, p["own"], p[role + "4"], nobody, p["victim4"], m(name)))])
            for address in (role + "6", role + "Local"):
                name = "advertisement for %s" % address
                claim = struct.pack("!I", 0xA0000000) + ip6(p[address]) + option(m(name))
                self.add(name, [ethernet("33:33:00:00:00:01", p["own"], 0x86DD, ipv6(
                    p["ownLocal"], "ff02::1", 58, icmp6(p["ownLocal"], "ff02::1", 136, 0, claim)))])
        for name, operation, address, passes in [
                ("arp for an address that nobody has", 1, "10.88.0.77", True), ("arp probe", 1, "0.0.0.0", True)]:
            self.add(name, [ethernet(broadcast, p["own"], 0x806,
                                     arp(operation, p["own"], address, nobody, p["victim4"], m(name)))], passes)
        for name, address, passes in [("advertisement for its own link-local address", p["ownLocal"], True),
                                      ("advertisement for an address that nobody has", "fd00:88::77", True),
                                      ("advertisement for a link-local address of its choice", "fe80::77", True)]:
            claim = struct.pack("!I", 0xA0000000) + ip6(address) + option(m(name))
            self.add(name, [ethernet("33:33:00:00:00:01", p["own"], 0x86DD, ipv6(
                p["ownLocal"], "ff02::1", 58, icmp6(p["ownLocal"], "ff02::1", 136, 0, claim)))], passes)
        name = "error about what the victim sent to the sibling"
        quoted = ipv4(p["victim4"], p["sibling4"], 17, udp(p["victim4"], p["sibling4"], 5000, 6000, m(name)))
        self.add(name, [ethernet(p["victim"], p["own"], 0x800, ipv4(
            "10.88.0.77", p["victim4"], 1, icmp(3, 4, struct.pack("!HH", 0, 600) + quoted)))])

    def dhcp(self):
        """DHCP in all forms, as a client and as a server."""
        p, nobody, all4 = self.p, "0.0.0.0", "255.255.255.255"
        broadcast = "ff:ff:ff:ff:ff:ff"
        self.udp4("discovery by broadcast", source=nobody, target=all4, target_mac=broadcast, sport=68, dport=67, passes=True)
        self.udp4("renewal by the address it has", target=all4, target_mac=broadcast, sport=68, dport=67, passes=True)
        self.udp4("renewal to a server by its address", sport=68, dport=67, passes=True)
        self.udp4("discovery to one MAC", source=nobody, target=all4, sport=68, dport=67)
        self.udp4("discovery to one address", source=nobody, sport=68, dport=67)
        self.udp4("discovery to one address by broadcast", source=nobody, target_mac=broadcast, sport=68, dport=67)
        self.udp4("discovery to the network's broadcast address", source=nobody, target=p["broadcast4"],
                  target_mac=broadcast, sport=68, dport=67)
        self.udp4("no address, to the server's port from another", source=nobody, target=all4, target_mac=broadcast,
                  sport=1068, dport=67)
        self.udp4("no address, to another port", source=nobody, target=all4, target_mac=broadcast, sport=68, dport=7000)
        for form, target, mac_ in [("to one", None, None), ("by broadcast", all4, broadcast),
                                   ("by the network's broadcast", p["broadcast4"], broadcast)]:
            self.udp4("offer " + form, target=target, target_mac=mac_, sport=67, dport=68)
            self.udp4("offer from another port " + form, target=target, target_mac=mac_, sport=1067, dport=68)
            self.udp4("answer to a relay " + form, target=target, target_mac=mac_, sport=67, dport=67)
            self.udp4("offer from the gateway's address " + form, source=p["gateway4"], target=target, target_mac=mac_,
                      sport=67, dport=68)
        self.udp6("dhcpv6 solicitation", source=p["ownLocal"], target="ff02::1:2", target_mac="33:33:00:01:00:02",
                  sport=546, dport=547, passes=True)
        self.udp6("dhcpv6 solicitation from no address", source="::", target="ff02::1:2",
                  target_mac="33:33:00:01:00:02", sport=546, dport=547)
        self.udp6("dhcpv6 reply", source=p["ownLocal"], target=p["victimLocal"], sport=547, dport=546)
        self.udp6("dhcpv6 reply from another port", source=p["ownLocal"], target=p["victimLocal"], sport=1547, dport=546)
        self.udp6("dhcpv6 reply from its address", sport=547, dport=546)
        self.udp6("dhcpv6 reply to all", source=p["ownLocal"], target="ff02::1", target_mac="33:33:00:00:00:01",
                  sport=547, dport=546)
        self.udp6("dhcpv6 relay reply", source=p["ownLocal"], target=p["victimLocal"], sport=547, dport=547)
        name = "offer in fragments"
        whole = udp(p["own4"], p["victim4"], 67, 68, self.marker(name) * 4)
        self.add(name, [ethernet(p["victim"], p["own"], 0x800, part) for part in [
            ipv4(p["own4"], p["victim4"], 17, whole[:8], 0, True, 4322), ipv4(p["own4"], p["victim4"], 17, whole[8:], 8, False, 4322)]])
        name = "dhcpv6 reply behind a tiny first fragment"
        whole = padding(17) + udp(p["own6"], p["victim6"], 547, 546, self.marker(name))
        self.add(name, [ethernet(p["victim"], p["own"], 0x86DD, part)
                        for part in fragments6(p["own6"], p["victim6"], 60, whole, 8)])

    def siblings(self):
        """Everything from one endpoint to another of its network; none of it may arrive where intraNetwork is denied."""
        p, m = self.p, self.marker
        broadcast, group, group6 = "ff:ff:ff:ff:ff:ff", "01:00:5e:00:00:fb", "33:33:00:00:00:fb"
        macs = [("to its mac", None), ("to the gateway's mac", p["gateway"]), ("to a mac of nobody", "02:de:ad:00:00:02"),
                ("to the sibling's mac", p["sibling"]), ("to its own mac", p["own"]), ("by broadcast", broadcast),
                ("by multicast", group), ("by ipv6 multicast", group6), ("to no mac", "00:00:00:00:00:00"),
                ("to the bridge group", "01:80:c2:00:00:0e")]
        for where, mac_ in macs:
            self.udp4("ipv4 " + where, target_mac=mac_)
            self.udp6("ipv6 " + where, target_mac=mac_)
            self.udp6("link-local " + where, source=p["ownLocal"], target=p["victimLocal"], target_mac=mac_)
            self.udp6("invented link-local " + where, source="fe80::f00d", target=p["victimLocal"], target_mac=mac_)
        for name, target, mac_ in [("multicast", "224.0.0.251", group), ("all systems", "224.0.0.1", "01:00:5e:00:00:01"),
                                   ("broadcast", "255.255.255.255", broadcast), ("subnet broadcast", p["broadcast4"], broadcast)]:
            self.udp4("group: " + name, target=target, target_mac=mac_)
            self.udp4("group, to its mac: " + name, target=target)
        self.udp6("group: ipv6", target="ff02::fb", target_mac=group6)
        self.udp6("group: ipv6, link-local", source=p["ownLocal"], target="ff02::1", target_mac="33:33:00:00:00:01")
        self.udp6("group: ipv6, to its mac", target="ff02::fb")
        name = "tcp"
        self.add(name, [ethernet(p["victim"], p["own"], 0x800, ipv4(
            p["own4"], p["victim4"], 6, tcp(p["own4"], p["victim4"], 4001, 7000, 2, m(name))))])
        for name, header in [("hop-by-hop options", 0), ("destination options", 60), ("routing header", 43)]:
            head = padding(17) if header != 43 else bytes([17, 0, 253, 0, 0, 0, 0, 0])
            body = head + udp(p["own6"], p["victim6"], 4000, 7000, m(name))
            self.add(name, [ethernet(p["victim"], p["own"], 0x86DD, ipv6(p["own6"], p["victim6"], header, body))])
        name = "fragments"
        whole = udp(p["own4"], p["victim4"], 4002, 7000, m(name) * 4)
        self.add(name, [ethernet(p["victim"], p["own"], 0x800, part) for part in [
            ipv4(p["own4"], p["victim4"], 17, whole[:8], 0, True, 77), ipv4(p["own4"], p["victim4"], 17, whole[8:], 8, False, 77)]])
        whole = padding(17) + udp(p["own6"], p["victim6"], 4002, 7000, m("ipv6 fragments") * 3)
        for name, first in [("ipv6 fragments", 16), ("ipv6 fragments, a tiny one first", 8)]:
            self.add(name, [ethernet(p["victim"], p["own"], 0x86DD, part)
                            for part in fragments6(p["own6"], p["victim6"], 60, whole, first)])
        name = "second fragment alone"
        self.add(name, [ethernet(p["victim"], p["own"], 0x800, ipv4(p["own4"], p["victim4"], 17, m(name) * 2, 8, False, 99))])
        for name, route in [("loose source route by the gateway", p["gateway4"]), ("loose source route by itself", p["victim4"])]:
            options = bytes([131, 7, 4]) + ip4(p["victim4"]) + b"\0"
            self.udp4(name, target=route, target_mac=p["gateway"], options=options)
        name = "gre"
        self.add(name, [ethernet(p["victim"], p["own"], 0x800, ipv4(p["own4"], p["victim4"], 47, bytes(4) + m(name)))])
        name = "echo reply of no request"
        self.add(name, [ethernet(p["victim"], p["own"], 0x800, ipv4(p["own4"], p["victim4"], 1, icmp(0, 0, bytes(4) + m(name))))])

    def blacklist(self):
        """The victim denies the attacker by name and takes all others; whatever address the attacker uses, it is denied."""
        p = self.p
        group6 = "33:33:00:00:00:fb"
        self.udp4("by its address")
        self.udp6("by its ipv6 address")
        self.udp6("by its link-local address", source=p["ownLocal"], target=p["victimLocal"])
        self.udp6("by its link-local address to a global one", source=p["ownLocal"])
        self.udp6("by its address to a link-local one", target=p["victimLocal"])
        own = p["own4"].split(".")[-1]
        for number, address in enumerate(["fe80::f00d", "fe80::1", "febf::2", "fe80:0:0:1::3", "fe80::200:ff:fe00:9900"]):
            address = address[:-2] + own if number == 4 else address + ":" + own
            self.udp6("by an invented link-local address %d" % number, source=address, target=p["victimLocal"])
            self.udp6("by an invented link-local address to a global one %d" % number, source=address)
            self.udp6("by an invented link-local address to a group %d" % number, source=address, target="ff02::fb",
                      target_mac=group6)
        for role in ("gateway", "sibling"):
            self.udp6("to a link-local address by the mac of the " + role, source=p["ownLocal"], target=p["victimLocal"],
                      target_mac=p[role], sport=4004)
            self.udp6("to an invented link-local address by the mac of the " + role, source=p["ownLocal"],
                      target="fe80::beef", target_mac=p[role])
        self.udp6("to an invented link-local address", source=p["ownLocal"], target="fe80::beef")
        self.udp6("from and to invented link-local addresses", source="fe80::f00d:" + own, target="fe80::beef")

    def past(self):
        """To the host by the MACs that a bridge does not forward; `hosts` are addresses of the host."""
        p = self.p
        for last in range(16):
            for address in p["hosts"]:
                name = "to %s by 01:80:c2:00:00:%02x" % (address, last)
                send = self.udp6 if ":" in address else self.udp4
                send(name, target=address, target_mac="01:80:c2:00:00:%02x" % last)

    def port(self):
        """To the host and to another network by the MAC of the sender's own port, as a packet of a connection that
        was let through on the switch: the same went to a MAC that nobody has, and so to every port."""
        p = self.p
        for number, address in enumerate(p["hosts"]):
            send = self.udp6 if ":" in address else self.udp4
            for target in ("02:de:ad:00:00:77", p["port"], p["port"], p["port"]):
                send("to %s by its own port" % address, target=address, target_mac=target, sport=4200 + number)
            frames = [a["frames"][0] for a in self.list[-4:]]
            self.list[-4:] = [dict(self.list[-1], frames=frames)]

    def learn(self):
        """The MAC of the victim and others, as the source of frames to link-local protocols."""
        for last in range(16):
            for name, source in (("victim", self.p["victim"]), ("nobody", "02:de:ad:00:01:%02x" % last)):
                name = "mac of %s to 01:80:c2:00:00:%02x" % (name, last)
                self.add(name, [ethernet("01:80:c2:00:00:%02x" % last, source, 0x88CC, self.marker(name) + b"x" * 40)])

    def private(self):
        """Everything to the host of a private network, by every address it has."""
        p, m = self.p, self.marker
        for place, address in p["host4"].items():
            self.udp4("to the host by " + place, target=address, target_mac=p["gateway"])
            name = "arp for the host's " + place
            self.add(name, [ethernet("ff:ff:ff:ff:ff:ff", p["own"], 0x806,
                                     arp(1, p["own"], p["own4"], "00:00:00:00:00:00", address, m(name)))])
        for place, address in p["host6"].items():
            self.udp6("to the host by ipv6 " + place, target=address, target_mac=p["gateway"])
        self.udp4("broadcast to the host", target="255.255.255.255", target_mac="ff:ff:ff:ff:ff:ff")
        self.udp6("multicast to the host", target="ff02::1", target_mac="33:33:00:00:00:01")


def send(interface, frames):
    s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    s.bind((interface, 0))
    for group in frames:
        for frame in group:
            try:
                s.send(bytes.fromhex(frame).ljust(60, b"\0"))
            except OSError as error:
                # A frame that is dropped on its way out of this machine is an error for who sends it.
                if error.errno != errno.ENOBUFS:
                    raise
            time.sleep(0.002)


def watch(s, is_meant, markers):
    """Says `ready`; when told to on standard input, takes what is still on its way and says which markers came."""
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
    print("ready", flush=True)
    seen, patience = set(), None
    while True:
        ready, _, _ = select.select([s] + ([] if patience else [sys.stdin]), [], [], patience)
        if s in ready:
            data, address = s.recvfrom(65536)
            if is_meant(address):
                seen.update(marker for marker in markers if bytes.fromhex(marker) in data)
        elif sys.stdin in ready:
            patience = 0.5
        else:
            break
    print(json.dumps(sorted(seen)))


def sniff(interface, markers):
    s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
    if interface != "any":
        s.bind((interface, 0))
    watch(s, lambda address: address[2] != socket.PACKET_OUTGOING, markers)


def listen(port, markers):
    s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    s.bind(("::", port))
    watch(s, lambda address: True, markers)


if __name__ == "__main__":
    if sys.argv[1] == "craft":
        attacks = Attacks(json.loads(sys.argv[3]))
        getattr(attacks, sys.argv[2])()
        print(json.dumps(attacks.list))
    elif sys.argv[1] == "send":
        with open(sys.argv[3]) as file:
            send(sys.argv[2], json.load(file))
    elif sys.argv[1] == "listen":
        listen(int(sys.argv[2]), sys.argv[3:])
    else:
        sniff(sys.argv[2], sys.argv[3:])
