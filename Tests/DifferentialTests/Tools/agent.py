#!/usr/bin/env python3
"""Stands in one network namespace: answers whoever asks by any protocol, and asks others when told to.

Each line on standard input is a JSON list of probes; the answer is one line, a JSON object from the probe's id to
`ok`, `refused`, `silent` or `error: …`. Everything of one list runs at once.
"""
import errno
import json
import os
import selectors
import socket
import struct
import sys
import time

PORTS = range(int(sys.argv[1]), int(sys.argv[2]) + 1)
OTHERS = range(150, 250)  # protocols without ports that nothing in the kernel knows
SCTP = 132
IP_PKTINFO = 8  # Python's socket has no name for it
FAMILIES = {4: socket.AF_INET, 6: socket.AF_INET6}
REFUSALS = {errno.ECONNREFUSED, errno.EHOSTUNREACH, errno.EACCES, errno.ENETUNREACH, errno.EPERM, errno.EHOSTDOWN}
loop = selectors.DefaultSelector()


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def sctp(source, target, tag, kind, own):
    """An SCTP packet with one INIT (1) or INIT ACK (2)."""
    chunk = struct.pack("!BBHIIHHI", kind, 0, 20, own, 65536, 1, 1, 1)
    if kind == 2:
        chunk = chunk[:2] + struct.pack("!H", 28) + chunk[4:] + struct.pack("!HH4s", 7, 8, b"abcd")
    head = struct.pack("!HHI", source, target, tag)
    return head + struct.pack("<I", crc32c(head + bytes(4) + chunk)) + chunk


def checksum(data):
    total = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    total = (total >> 16) + (total & 0xFFFF)
    return ~(total + (total >> 16)) & 0xFFFF


class Probe:
    """One question, and what became of it."""

    def __init__(self, ask, pending):
        self.id, self.kind, self.pending = ask["id"], ask["kind"], pending
        self.family = FAMILIES[ask["family"]]
        self.source, self.target, self.port = ask["src"], ask["dst"], ask.get("port", 0)
        self.type = ask.get("type", 0)
        self.protocol = ask.get("protocol", 0)
        self.socket = None
        try:
            getattr(self, "start_" + self.kind)()
        except OSError as error:
            self.fail(error)

    def open(self, kind, protocol=0):
        self.socket = socket.socket(self.family, kind | socket.SOCK_NONBLOCK, protocol)
        self.socket.bind((self.source, 0))

    def watch(self, events):
        loop.register(self.socket, events, self.ready)

    def end(self, result):
        if self.id in self.pending:
            del self.pending[self.id]
            results[self.id] = result
        if self.socket:
            try:
                loop.unregister(self.socket)
            except (KeyError, ValueError):
                pass
            self.socket.close()
            self.socket = None

    def fail(self, error):
        self.end("refused" if error.errno in REFUSALS else "error: %s" % error)

    def start_tcp(self):
        self.open(socket.SOCK_STREAM)
        result = self.socket.connect_ex((self.target, self.port))
        if result not in (0, errno.EINPROGRESS):
            raise OSError(result, os.strerror(result))
        self.watch(selectors.EVENT_WRITE)

    def start_udp(self):
        self.open(socket.SOCK_DGRAM)
        self.socket.connect((self.target, self.port))
        self.socket.send(b"?")
        self.watch(selectors.EVENT_READ)

    def start_icmp(self):
        self.mark = os.urandom(4)
        if self.family == socket.AF_INET:
            self.open(socket.SOCK_RAW, socket.IPPROTO_ICMP)
            body = bytes([self.type, 0, 0, 0]) + self.mark + bytes(12)
            body = body[:2] + struct.pack("!H", checksum(body)) + body[4:]
        else:
            self.open(socket.SOCK_RAW, socket.IPPROTO_ICMPV6)
            body = bytes([self.type, 0, 0, 0]) + self.mark + bytes(8)
        self.socket.sendto(body, (self.target, 0))
        self.watch(selectors.EVENT_READ)

    def start_other(self):
        self.mark = os.urandom(8)
        self.open(socket.SOCK_RAW, self.protocol)
        self.socket.sendto(b"ask " + self.mark, (self.target, 0))
        self.watch(selectors.EVENT_READ)

    def start_sctp(self):
        self.own = struct.unpack("!I", os.urandom(4))[0] | 1
        self.local = 20000 + int.from_bytes(os.urandom(2), "big") % 40000
        self.open(socket.SOCK_RAW, SCTP)
        self.socket.sendto(sctp(self.local, self.port, 0, 1, self.own), (self.target, 0))
        self.watch(selectors.EVENT_READ)

    def ready(self, _):
        try:
            if self.kind == "tcp":
                result = self.socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
                if result:
                    raise OSError(result, os.strerror(result))
                return self.end("ok")
            data, peer = self.socket.recvfrom(2048)
        except BlockingIOError:
            return
        except OSError as error:
            return self.fail(error)
        if self.kind != "udp" and self.family == socket.AF_INET:
            data = data[(data[0] & 15) * 4:]
        if self.answers(data):
            self.end("ok")

    def answers(self, data):
        if self.kind == "icmp":
            reply = {8: 0, 13: 14, 128: 129}[self.type]
            return data[:1] == bytes([reply]) and data[4:8] == self.mark
        if self.kind == "other":
            return data == b"say " + self.mark
        if self.kind == "sctp":
            return len(data) > 12 and data[12] == 2 and struct.unpack("!I", data[4:8])[0] == self.own \
                and struct.unpack("!H", data[2:4])[0] == self.local
        return True


def accept(server):
    try:
        server.accept()[0].close()
    except OSError:
        pass


def listen(family, kind, protocol=0):
    """A socket that is told to which of its addresses something came."""
    server = socket.socket(family, kind | socket.SOCK_NONBLOCK, protocol)
    if family == socket.AF_INET:
        server.setsockopt(socket.IPPROTO_IP, IP_PKTINFO, 1)
    else:
        server.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO, 1)
    return server


def receive(server):
    """What came, from whom, and how to answer from the address it came to: a machine may have several."""
    data, ancillary, _, peer = server.recvmsg(2048, 256)
    own = []
    for level, kind, value in ancillary:
        if (level, kind) == (socket.IPPROTO_IP, IP_PKTINFO):
            own.append((level, kind, struct.pack("@i4s4s", 0, value[4:8], bytes(4))))
        elif (level, kind) == (socket.IPPROTO_IPV6, socket.IPV6_PKTINFO):
            own.append((level, kind, value[:16] + bytes(4)))
    return data, peer, own


def echo(server):
    try:
        _, peer, own = receive(server)
        server.sendmsg([b"!"], own, 0, peer)
    except OSError:
        pass


def answer_other(server):
    try:
        data, peer, own = receive(server)
        if server.family == socket.AF_INET:
            data = data[(data[0] & 15) * 4:]
        if data[:4] == b"ask ":
            server.sendmsg([b"say " + data[4:]], own, 0, peer)
    except OSError:
        pass


def answer_sctp(server):
    try:
        data, peer, own = receive(server)
        if server.family == socket.AF_INET:
            data = data[(data[0] & 15) * 4:]
        if len(data) > 20 and data[12] == 1:
            source, target = struct.unpack("!HH", data[:4])
            if target in PORTS:
                answer = sctp(target, source, struct.unpack("!I", data[16:20])[0], 2, 77)
                server.sendmsg([answer], own, 0, (peer[0], 0))
    except OSError:
        pass


def serve():
    for family, any_address in ((socket.AF_INET, "0.0.0.0"), (socket.AF_INET6, "::")):
        for port in PORTS:
            tcp = socket.create_server((any_address, port), family=family, backlog=500)
            udp = listen(family, socket.SOCK_DGRAM)
            if family == socket.AF_INET6:
                udp.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            udp.bind((any_address, port))
            for server, answer in ((tcp, accept), (udp, echo)):
                server.setblocking(False)
                loop.register(server, selectors.EVENT_READ, lambda s, a=answer: a(s))
        for protocol, answer in [(other, answer_other) for other in OTHERS] + [(SCTP, answer_sctp)]:
            raw = listen(family, socket.SOCK_RAW, protocol)
            loop.register(raw, selectors.EVENT_READ, lambda s, a=answer: a(s))


def run(probes, wait):
    pending = {}
    alive = []
    for ask in probes:
        pending[ask["id"]] = True
        alive.append(Probe(ask, pending))
        turn(0)
    end = time.monotonic() + wait
    while pending and time.monotonic() < end:
        turn(max(0, min(0.05, end - time.monotonic())))
    for probe in alive:
        probe.end("silent")


def turn(wait):
    for key, _ in loop.select(wait):
        key.data(key.fileobj)


serve()
print("ready", flush=True)
os.set_blocking(0, False)
loop.register(0, selectors.EVENT_READ, lambda _: None)
text = b""
while True:
    turn(1)
    try:
        data = os.read(0, 1 << 20)
        if not data:
            break
        text += data
    except BlockingIOError:
        continue
    while b"\n" in text:
        line, text = text.split(b"\n", 1)
        order = json.loads(line)
        results = {}
        loop.unregister(0)
        run(order["probes"], order["wait"])
        loop.register(0, selectors.EVENT_READ, lambda _: None)
        print(json.dumps(results), flush=True)
