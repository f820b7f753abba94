"""Writes the script by which `floor` makes the state of a scratch host again: see floor.c for its lines.

No more messages than the kernel needs: what a new link, namespace or port has by itself is not set.
"""
import os
import struct
import subprocess

from kernel import (
    ADDRESS, AF_SPEC, ALIAS, APPEND, BRIDGE, BRIDGE_READ_ONLY, BRIDGE_SWITCHES, CREATE, DATA, EXCLUSIVE, GROUP, INET6,
    KIND, LINK, LINKINFO, MASTER, MTU, NAME, NESTED, NEWADDR, NEWLINK, NEWLINKPROP, NEWNEIGH, NEWROUTE, NEWRULE, OURS,
    PERMANENT, PORT_DATA, PORT_KIND, PORT_READ_ONLY, PROPERTIES, REPLACE, SETLINK, STATIC, TABLE, UP, View, attribute,
    attributes, enter, join, libc, string, without)
from scratch import run


class Fresh:
    """What the kernel gives by itself: settings of a new namespace, options of a link and of a bridge's port."""

    def __init__(self):
        own = os.open("/proc/self/ns/net", os.O_RDONLY)
        if libc.unshare(0x40000000):
            raise OSError("unshare")
        for words in ("link set lo up", "link add br0 type bridge",
                      "link add port0 master br0 type veth peer name far0"):
            run("ip", *words.split())
        # Not every kernel has it, and not every manifest needs it.
        subprocess.run("ip link add vx0 type vxlan id 1 dstport 1".split(), stderr=subprocess.DEVNULL)
        view = View()
        enter(own)
        os.close(own)
        self.settings = view.settings
        links = {link.name: link for link in view.links}
        self.options = {link.kind: dict(attributes(link.info[DATA])) for link in view.links if DATA in link.info}
        self.port = dict(attributes(links["port0"].info[PORT_DATA]))


def is_card(path):
    parts = path.split("/")
    return len(parts) == 5 and parts[2] in ("conf", "neigh") and parts[3] not in ("all", "default", "lo")


def changed(view, before):
    """Settings that somebody wrote: of the namespace as a whole, and of cards, which begin with the namespace's."""
    # Writing `default` writes the loopback that is there, too.
    whole = [(path, value) for path, value in view.settings.items()
             if not is_card(path) and before.get(path, value) != value
             and not ("/lo/" in path and value == view.settings.get(path.replace("/lo/", "/default/")))]
    cards = []
    for path, value in view.settings.items():
        parts = path.split("/")
        # What is the link's, and set with it.
        if not is_card(path) or path in before or parts[4] in ("mtu", "addr_gen_mode", "use_tempaddr"):
            continue
        if view.settings.get("/".join(parts[:3] + ["default"] + parts[4:]), value) != value:
            cards.append((path, value))
    # Writing `all` writes the others.
    whole.sort(key=lambda pair: ("/all/" not in pair[0], "/default/" not in pair[0], pair[0]))
    return whole, cards


class Script:
    def __init__(self):
        self.lines = []

    def add(self, *words):
        self.lines.append(" ".join(str(word) for word in words))

    def send(self, space, kind, flags, payload, *patch):
        self.add("send", space, kind, flags, payload.hex(), *patch)


def info(index, flags=0):
    return struct.pack("HHiII", 0, 0, index, flags, flags)


def up(script, space, link):
    script.send(space, SETLINK, 0, info(link.index, UP))


def generation_mode(link):
    """`IFLA_INET6_ADDR_GEN_MODE`, where it is not the one by the MAC."""
    inet6 = dict(attributes(dict(attributes(link.get.get(AF_SPEC, b""))).get(INET6, b"")))
    mode = inet6.get(8, b"\0")
    return [(AF_SPEC | NESTED, attribute(INET6 | NESTED, attribute(8, mode)))] if mode != b"\0" else []


def names_of(link):
    return [(NAME, link.get[NAME])] + ([(GROUP, link.get[GROUP])] if any(link.get[GROUP]) else [])


def make_link(script, fresh, link, far):
    """A link of the host, with the far end of a cable; who owns it stands in the next message."""
    create = names_of(link) + [(ADDRESS, link.get[ADDRESS])]
    mtu = struct.unpack("I", link.get[MTU])[0]
    # A bridge keeps to a MTU only once it was changed.
    create.append((MTU, struct.pack("I", mtu - (link.kind == "bridge"))))
    if MASTER in link.get:
        create.append((MASTER, link.get[MASTER]))
    patch = ()
    kind = attribute(KIND, link.kind.encode())
    if link.kind == "veth":
        space, peer = far
        ends = join(names_of(peer) + [(ADDRESS, peer.get[ADDRESS]), (MTU, peer.get[MTU])])
        # VETH_INFO_PEER, in it IFLA_NET_NS_FD at the end.
        head = info(link.index) + join(create)
        body = attribute(1, info(peer.index) + ends + attribute(28, bytes(4)))
        payload = head + attribute(LINKINFO | NESTED, kind + attribute(DATA | NESTED, body))
        patch = (len(payload) - 4, space)
    else:
        usual = fresh.options.get(link.kind, {})
        data = {k: v for k, v in attributes(link.info.get(DATA, b"")) if usual.get(k) != v}
        if link.kind == "bridge":
            data = {k: v for k, v in data.items() if k not in BRIDGE_READ_ONLY}
            if BRIDGE_SWITCHES in data:
                # Value and mask: only what differs.
                new, old = (struct.unpack("II", d[BRIDGE_SWITCHES])[0] for d in (data, usual))
                data[BRIDGE_SWITCHES] = struct.pack("II", new & (new ^ old), new ^ old)
        if LINK in link.get:
            create.append((LINK, link.get[LINK]))
        body = join(data.items())
        payload = info(link.index) + join(create) + attribute(LINKINFO | NESTED, kind + attribute(DATA | NESTED, body))
    script.send("-", NEWLINK, CREATE | EXCLUSIVE, payload, *patch)
    change = [(ALIAS, link.get[ALIAS])] if ALIAS in link.get else []
    if link.kind == "bridge":
        change.append((MTU, link.get[MTU]))
    port = [(k, v) for k, v in attributes(link.info.get(PORT_DATA, b""))
            if k not in PORT_READ_ONLY and fresh.port.get(k) != v]
    if port:
        change.append((LINKINFO | NESTED, attribute(PORT_KIND, b"bridge") + attribute(PORT_DATA | NESTED, join(port))))
    change += generation_mode(link)
    if change:
        script.send("-", NEWLINK, 0, info(link.index) + join(change))
    if PROPERTIES in link.get:
        script.send("-", NEWLINKPROP, CREATE | EXCLUSIVE | APPEND,
                    info(link.index) + attribute(PROPERTIES | NESTED, link.get[PROPERTIES]))


def is_ours(payload, number):
    return dict(payload).get(number) == bytes([OURS])


def contents(script, space, view):
    """Addresses, routes, neighbours, forwarding entries and rules by which somebody added to what the kernel makes."""
    for body in view.addresses:
        # IFA_CACHEINFO is what the kernel adds.
        if is_ours(attributes(body[8:]), 11):
            script.send(space, NEWADDR, CREATE | EXCLUSIVE, body[:8] + without(body[8:], {6}))
    for body in view.routes:
        if body[5] == OURS:
            # RTA_CACHEINFO, and the flags by which the kernel says what it found.
            script.send(space, NEWROUTE, CREATE | EXCLUSIVE, body[:8] + bytes(4) + without(body[12:], {12, 20}))
    for body in view.rules:
        if is_ours(attributes(body[12:]), 21):
            script.send(space, NEWRULE, CREATE | EXCLUSIVE, body)
    for bodies in (view.neighbours, view.entries):
        for body in bodies:
            pairs = attributes(body[12:])
            state = struct.unpack_from("H", body, 8)[0]
            # The kernel makes permanent forwarding entries for cards, but says of nothing that it lies behind a tunnel
            # (NDA_DST), and makes no static ones.
            if body[0] == BRIDGE and (1 in dict(pairs) or state == STATIC) or body[0] != BRIDGE and state & PERMANENT:
                # NDA_CACHEINFO, NDA_PROBES, NDA_MASTER.
                script.send(space, NEWNEIGH, CREATE | REPLACE, body[:12] + without(body[12:], {3, 4, 9}))


def write(path, state, before, fresh, looks, host_looks):
    """The script that leads from a host as it was before to this state; a plan reads `looks`, paths by namespace."""
    script = Script()
    cables = {}
    for name, space_id in state.ids.items():
        script.add("netns", name, space_id & 0xffffffff)
        for link in state.spaces[name].links:
            if link.kind == "veth":
                # Its other end is in the host, and has the index that it says.
                cables[struct.unpack("I", link.get[LINK])[0]] = name, link
    for name, view in state.spaces.items():
        whole, cards = changed(view, fresh.settings)
        for setting, value in whole:
            script.add("set", name, setting, value.replace("\t", ","))
        for link in view.links:
            if link.flags & UP:
                for change in [generation_mode(link)] if link.kind else []:
                    if change:
                        script.send(name, SETLINK, 0, info(link.index) + join(change))
                up(script, name, link)
        contents(script, name, view)
        for setting, value in cards:
            script.add("set", name, setting, value)
        for setting in looks.get(name, ()):
            script.add("look", name, setting)
    for kind, flags, body in state.rules:
        script.add("nft", kind, flags, body.hex())
        if kind == TABLE[1]:
            script.add("table", body[0], string(dict(attributes(body[4:]))[1]))
    host(script, state.host, before, fresh, cables)
    for setting in host_looks:
        if setting in state.host.settings:
            script.add("look", "-", setting)
    for place, (_, content) in state.files.items():
        if content is None and place != state.folder:
            script.add("folder", place)
        elif content is not None:
            script.add("file", place, content.hex())
    with open(path, "w") as file:
        file.write("\n".join(script.lines) + "\n")


def host(script, view, before, fresh, cables):
    whole, cards = changed(view, before.host.settings)
    for setting, value in whole:
        script.add("set", "-", setting, value)
        script.add("reset", setting, before.host.settings[setting])
    old = {link.name for link in before.host.links}
    for link in view.links:
        if link.name in old:
            continue
        script.add("link", link.index)
        make_link(script, fresh, link, cables.get(link.index))
        # Settings are written before a link goes up, after which the kernel acts upon them.
        for setting, value in cards:
            if setting.split("/")[3] == link.name:
                script.add("set", "-", setting, value)
        if link.flags & UP:
            up(script, "-", link)
    contents(script, "-", view)
