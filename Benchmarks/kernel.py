"""What a scratch host consists of, read from the kernel's own messages: to be compared, and to be made again.

Nothing here knows of bulkhead, but for the number by which it marks what it puts on links of others (`OURS`). What
differs between two states that are the same for all purposes is left out of a comparison: indexes, handles, counters,
timers, learned neighbours.
"""
import ctypes
import os
import socket
import stat
import struct

ROUTE, NETFILTER = 0, 12
NEWLINK, GETLINK, SETLINK, NEWADDR, GETADDR, NEWROUTE, GETROUTE = 16, 18, 19, 20, 22, 24, 26
NEWNEIGH, GETNEIGH, NEWRULE, GETRULE, GETQDISC, GETNSID, NEWLINKPROP = 28, 30, 32, 34, 38, 90, 108
REQUEST, DUMP, CREATE, EXCLUSIVE, APPEND, REPLACE = 0x1, 0x300, 0x400, 0x200, 0x800, 0x100
NFTABLES = 10 << 8
OURS = 98
INET, BRIDGE, INET6 = 2, 7, 10
UP = 1
PERMANENT, STATIC = 0x80, 0x40

# IFLA_*
ADDRESS, NAME, MTU, LINK, MASTER, LINKINFO, ALIAS, AF_SPEC, GROUP, NSID_OF_LINK, PROPERTIES = (
    1, 3, 4, 5, 10, 18, 20, 26, 27, 37, 52)
KIND, DATA, PORT_KIND, PORT_DATA = 1, 2, 4, 5
NESTED = 0x8000
# Changes by itself, or says again what other attributes say: operational state once more, carrier changes, counters.
LINK_NOISE = {7, 23, 35, 45, 47, 48}
# Timers, whom it hears, and how many addresses it has learned.
BRIDGE_NOISE = {16, 17, 18, 19, 47, 48}
BRIDGE_SWITCHES = 46
BRIDGE_READ_ONLY = set(range(10, 20)) | {21, 47, 48}
PORT_TIMERS = {19, 20, 21, 22, 23}
PORT_READ_ONLY = {1} | set(range(13, 25)) | {26, 38, 41}

libc = ctypes.CDLL(None, use_errno=True)


def enter(descriptor):
    """The network namespace of this process, which has one thread."""
    if libc.setns(descriptor, 0x40000000):
        raise OSError(ctypes.get_errno(), "setns")


def attribute(kind, payload):
    text = struct.pack("HH", 4 + len(payload), kind) + payload
    return text + bytes(-len(text) % 4)


def attributes(data):
    """Pairs of number, without its flags, and payload."""
    found, place = [], 0
    while place + 4 <= len(data):
        size, kind = struct.unpack_from("HH", data, place)
        found.append((kind & 0x3fff, data[place + 4:place + size]))
        place += max(4, (size + 3) & ~3)
    return found


def join(pairs):
    return b"".join(attribute(kind, payload) for kind, payload in pairs)


def without(data, numbers):
    return join(pair for pair in attributes(data) if pair[0] not in numbers)


def string(payload):
    return payload.rstrip(b"\0").decode()


class Socket:
    def __init__(self, family):
        self.socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, family)
        self.socket.bind((0, 0))
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        # NETLINK_GET_STRICT_CHK
        self.socket.setsockopt(270, 12, 1)

    def dump(self, kind, payload, flags=DUMP):
        self.socket.send(struct.pack("IHHII", 16 + len(payload), kind, REQUEST | flags, 1, 0) + payload)
        found = []
        while True:
            data, place = self.socket.recv(1 << 18), 0
            while place < len(data):
                size, what, how, _, _ = struct.unpack_from("IHHII", data, place)
                body = data[place + 16:place + size]
                if what == 3:
                    return found
                if what == 2:
                    raise OSError(-struct.unpack_from("i", body)[0], "netlink request %d" % kind)
                if how & 0x10:
                    raise OSError("interrupted dump")
                found.append(body)
                if flags != DUMP:
                    return found
                place += (size + 3) & ~3

    def close(self):
        self.socket.close()


class Link:
    def __init__(self, body):
        self.index, self.flags = struct.unpack_from("iI", body, 4)
        self.type = body[2:4]
        self.all = attributes(body[16:])
        self.get = dict(self.all)
        self.name = string(self.get[NAME])
        self.info = dict(attributes(self.get.get(LINKINFO, b"")))
        self.kind = string(self.info.get(KIND, b""))

    def line(self, names):
        parts = []
        for kind, payload in self.all:
            if kind in LINK_NOISE:
                continue
            if kind in (LINK, MASTER):
                number = struct.unpack("I", payload)[0]
                # The other end of a cable is in another namespace.
                payload = names.get(number, "?").encode() if kind == MASTER or NSID_OF_LINK not in self.get else b"."
            elif kind == LINKINFO:
                payload = join((k, without(v, BRIDGE_NOISE) if k == DATA and self.kind == "bridge" else
                                without(v, PORT_TIMERS) if k == PORT_DATA else v)
                               for k, v in attributes(payload) if k != 3)
            elif kind == AF_SPEC:
                # Without counters (3, 6) and times (5) of IPv6.
                payload = join((k, without(v, {3, 5, 6}) if k == INET6 else v) for k, v in attributes(payload))
            parts.append("%d=%s" % (kind, payload.hex()))
        return "link %s flags=%x %s" % (self.name, self.flags, " ".join(parts))


def lines_of(bodies, size, place, noise, oif, names, what):
    """One line a message: its header, without the index at a place in it, and attributes, without some."""
    for body in bodies:
        header, link = bytearray(body[:size]), ""
        if place is not None:
            link = names.get(struct.unpack_from("i", header, place)[0], "?")
            header[place:place + 4] = bytes(4)
        parts = []
        for kind, payload in attributes(body[size:]):
            if kind in noise:
                continue
            if kind in oif:
                payload = names.get(struct.unpack("i", payload)[0], "?").encode()
            parts.append("%d=%s" % (kind, payload.hex()))
        yield "%s %s %s %s" % (what, link, header.hex(), " ".join(parts))


class View:
    """What is in one network namespace, that of this process, with some of its settings or all."""

    def __init__(self, paths=None):
        s = Socket(ROUTE)
        # RTEXT_FILTER_SKIP_STATS
        self.links = [Link(body) for body in s.dump(GETLINK, bytes(16) + attribute(29, struct.pack("I", 8)))]
        self.addresses = s.dump(GETADDR, bytes(8))
        self.routes = [r for f in (INET, INET6) for r in s.dump(GETROUTE, struct.pack("B11x", f))]
        self.rules = s.dump(GETRULE, bytes(12))
        self.neighbours = s.dump(GETNEIGH, bytes(12))
        self.entries = s.dump(GETNEIGH, struct.pack("B11x", BRIDGE)) if any(l.kind for l in self.links) else []
        self.qdiscs = s.dump(GETQDISC, bytes(20))
        s.close()
        self.names = {link.index: link.name for link in self.links}
        self.settings = values(paths or settings(self.names.values()))

    def lines(self):
        for link in self.links:
            yield link.line(self.names)
        yield from lines_of(self.addresses, 8, 4, {6}, (), self.names, "address")
        yield from lines_of(self.routes, 12, None, {12}, (4,), self.names, "route")
        yield from lines_of(self.rules, 12, None, set(), (), self.names, "rule")
        yield from lines_of(self.qdiscs, 20, 4, {3, 4, 7}, (), self.names, "qdisc")
        # What was learned comes and goes.
        for what, bodies, states in (
                ("neighbour", self.neighbours, PERMANENT), ("entry", self.entries, PERMANENT | STATIC)):
            kept = [body for body in bodies if struct.unpack_from("H", body, 8)[0] & states]
            yield from lines_of(kept, 12, 4, {3, 4}, (8, 9), self.names, what)
        for path, value in self.settings.items():
            yield "setting %s %s" % (path, value)


_trees = {}


def settings(names):
    """Files below `/proc/sys/net` in this namespace, but for what is one for all namespaces, or counts."""
    names = tuple(sorted(names))
    if names not in _trees:
        _trees[names] = [
            folder[10:] + "/" + name for top in ("ipv4", "ipv6", "netfilter", "bridge")
            for folder, _, files in os.walk("/proc/sys/net/" + top) for name in files
            if name not in ("nf_conntrack_count", "stable_secret", "flush")]
    return _trees[names]


def values(paths):
    found = {}
    for path in paths:
        try:
            file = os.open("/proc/sys/" + path, os.O_RDONLY)
        except OSError:
            continue
        try:
            found[path] = os.read(file, 4096).decode().strip()
        except OSError:
            pass
        finally:
            os.close(file)
    return found


# Kinds of messages of nftables: GET, NEW, attributes that are the kernel's own (handles, use counts).
TABLE, CHAIN, RULE, SET, ELEMENT, OBJECT, FLOWTABLE = (
    (1, 0, {3, 4, 6, 7}), (4, 3, {2, 6, 8}), (7, 6, {3, 6}), (10, 9, {16, 19, 20}), (13, 12, set()), (19, 18, {5, 6}),
    (23, 22, {4, 5}))


def ruleset():
    """Messages that make the ruleset, as (type, flags, payload), in an order in which the kernel takes them."""
    s = Socket(NETFILTER)
    made, number = [], 0

    def read(kind, payload=bytes(4), extra=0):
        get, new, own = kind
        for body in s.dump(NFTABLES | get, payload):
            # The generation's number lies in the header.
            made.append((new, CREATE | extra, body[:2] + bytes(2) + zeroed(without(body[4:], own))))

    read(TABLE)
    read(CHAIN)
    read(OBJECT)
    read(FLOWTABLE)
    start = len(made)
    read(SET)
    for place in range(start, len(made)):
        kind, flags, body = made[place]
        number += 1
        made[place] = kind, flags, body + attribute(10, struct.pack(">I", number))
        keys = join(pair for pair in attributes(body[4:]) if pair[0] in (1, 2))
        read(ELEMENT, body[:4] + keys)
    read(RULE, extra=APPEND)
    s.close()
    return made


_counter = attribute(1, b"counter\0")


def zeroed(data):
    """With counters at zero: number of bytes and of packets, behind the name of the expression."""
    place = data.find(_counter)
    if place < 0:
        return data
    data = bytearray(data)
    while place >= 0:
        values = place + len(_counter) + 4
        data[values + 4:values + 12] = data[values + 16:values + 24] = bytes(8)
        place = data.find(_counter, values)
    return bytes(data)


def rule_lines(messages):
    """With elements one by one: the kernel lists them in any order."""
    numbers = {}
    for kind, _, body in messages:
        names = dict(attributes(body[4:]))
        if kind == ELEMENT[1]:
            for _, element in attributes(names[3]):
                yield "element %s %s %s %s" % (body[0], string(names[1]), string(names[2]), element.hex())
            continue
        place = ""
        if kind == RULE[1]:
            chain = body[0], names[1], names[2]
            place = numbers[chain] = numbers.get(chain, 0) + 1
        yield "nft %d %s %s" % (kind, place, (body[:4] + without(body[4:], {10} if kind == SET[1] else ())).hex())


class State:
    """The host, its named namespaces, its rules, and a folder of files.

    All settings are read in the host and in ten namespaces, else those that are asked for: the kernel makes an object
    of each file that is opened, and takes longer to remove a namespace that has many. Settings of single cards are
    among the attributes of links, too.
    """

    def __init__(self, folder, looks={}):
        self.folder = folder
        own = os.open("/proc/self/ns/net", os.O_RDONLY)
        self.host = View()
        self.spaces, self.ids = {}, {}
        s = Socket(ROUTE)
        for name in sorted(os.listdir("/run/netns")) if os.path.isdir("/run/netns") else []:
            inside = os.open("/run/netns/" + name, os.O_RDONLY)
            # NETNSA_NSID, asked for by NETNSA_FD.
            answer = s.dump(GETNSID, bytes(4) + attribute(3, struct.pack("I", inside)), 0)[0]
            self.ids[name] = struct.unpack("i", dict(attributes(answer[4:]))[1])[0]
            enter(inside)
            self.spaces[name] = View(looks.get(name) if len(self.spaces) >= 10 else None)
            enter(own)
            os.close(inside)
        s.close()
        os.close(own)
        self.rules = ruleset()
        self.files = {}
        for place, _, names in os.walk(folder):
            self.files[place] = (stat.S_IMODE(os.stat(place).st_mode), None)
            for name in names:
                path = place + "/" + name
                with open(path, "rb") as file:
                    self.files[path] = (stat.S_IMODE(os.stat(path).st_mode), file.read())

    def lines(self):
        found = ["host " + line for line in self.host.lines()]
        for name, view in self.spaces.items():
            found.append("namespace %s %d" % (name, self.ids[name]))
            found += ["%s %s" % (name, line) for line in view.lines()]
        found += rule_lines(self.rules)
        for path, (mode, content) in self.files.items():
            found.append("file %s %o %s" % (path, mode, "" if content is None else content.hex()))
        return sorted(found)


def differences(one, other, limit=20):
    """Lines that only one of two states has."""
    left, right = one.lines(), other.lines()
    only, more = set(left) - set(right), set(right) - set(left)
    found = ["- " + line for line in sorted(only)] + ["+ " + line for line in sorted(more)]
    if not found and len(left) != len(right):
        found = ["%d lines, and %d" % (len(left), len(right))]
    found = sorted(found, key=lambda line: line[2:])[:limit]
    return [brief(line, found[place - 1] if place % 2 else found[place + 1] if place + 1 < len(found) else "")
            for place, line in enumerate(found)]


def brief(line, other):
    """From where it differs from its counterpart, if that is what the other line is."""
    head = " ".join(line.split()[1:4])
    same = len(os.path.commonprefix([line[2:], other[2:]]))
    if not other[2:].startswith(head) or same < 300:
        return line[:600]
    return "%s %s …%s" % (line[0], head, line[2 + same - 100:][:300])
