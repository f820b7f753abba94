#!/usr/bin/env python3
"""VXLAN datagrams made by hand, and what passes on the wire."""
import json
import select
import socket
import struct
import sys
import time


def mac_bytes(text):
    return bytes(int(part, 16) for part in text.split(":"))


def mac_text(data):
    return ":".join(f"{byte:02x}" for byte in data)


def checksum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def inner_frame(frame):
    """A UDP datagram with a marker as its content, of either family; or an ARP reply."""
    head = mac_bytes(frame["to_mac"]) + mac_bytes(frame["from_mac"])
    source, target = frame["from"], frame["to"]
    if frame.get("arp"):
        return (head + b"\x08\x06" + struct.pack("!HHBBH", 1, 0x0800, 6, 4, 2)
                + mac_bytes(frame["from_mac"]) + socket.inet_pton(socket.AF_INET, source)
                + mac_bytes(frame["to_mac"]) + socket.inet_pton(socket.AF_INET, target))
    content = frame["marker"].encode()
    length = 8 + len(content)
    if ":" in source:
        ends = socket.inet_pton(socket.AF_INET6, source) + socket.inet_pton(socket.AF_INET6, target)
        udp = struct.pack("!HHHH", 5353, frame.get("port", 9999), length, 0) + content
        pseudo = ends + struct.pack("!II", length, 17)
        udp = udp[:6] + struct.pack("!H", checksum(pseudo + udp) or 0xFFFF) + udp[8:]
        return head + b"\x86\xdd" + struct.pack("!IHBB", 6 << 28, length, 17, 64) + ends + udp
    ends = socket.inet_pton(socket.AF_INET, source) + socket.inet_pton(socket.AF_INET, target)
    ip = struct.pack("!BBHHHBBH", 0x45, 0, 20 + length, 1, 0, 64, 17, 0) + ends
    ip = ip[:10] + struct.pack("!H", checksum(ip)) + ip[12:]
    return head + b"\x08\x00" + ip + struct.pack("!HHHH", 5353, frame.get("port", 9999), length, 0) + content


def send(text):
    """Sends frames, each to a tunnel's end, by an ordinary socket of whoever runs this."""
    for frame in json.loads(text):
        family = socket.AF_INET6 if ":" in frame["end"] else socket.AF_INET
        with socket.socket(family, socket.SOCK_DGRAM) as s:
            if "source" in frame:
                s.bind((frame["source"], 0))
            head = struct.pack("!BBHI", 0x08, 0, 0, frame["vni"] << 8)
            try:
                s.sendto(head + inner_frame(frame), (frame["end"], frame.get("udp", 4789)))
            except OSError as error:
                print(f"{frame['marker']}: {error}", file=sys.stderr)
    print("sent", flush=True)


def frames(text):
    """Sends frames by the card of whoever runs this."""
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as s:
        s.bind(("eth0", 0))
        for frame in json.loads(text):
            s.send(inner_frame(frame))
    print("sent", flush=True)


def watch(interface):
    """Says `MARKER` for every datagram with one that comes in by the interface; ends with a line on standard input, when
    nothing comes any more: what was sent before is on its way through the kernel."""
    s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
    s.bind((interface, 0))
    print("ready", flush=True)
    seen, patience = [], None
    while True:
        ready, _, _ = select.select([s] + ([] if patience else [sys.stdin]), [], [], patience)
        if s in ready:
            data, address = s.recvfrom(65536)
            if address[2] != 4 and b"marker-" in data:
                start = data.index(b"marker-")
                seen.append(data[start:].split(b"\0")[0].decode(errors="replace"))
            elif address[2] != 4 and data[12:14] == b"\x08\x06" and data[20:22] == b"\0\2":
                seen.append("arp-" + socket.inet_ntop(socket.AF_INET, data[28:32]) + "-" + mac_text(data[22:28]))
            continue
        if patience is None:
            sys.stdin.readline()
            patience = 0.3
            continue
        print(json.dumps(seen), flush=True)
        return


def wire(port="4789"):
    """Every VXLAN datagram that a switch sees, as JSON lines, until a line on standard input."""
    s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 24)
    print("ready", flush=True)
    seen = []
    end = None
    while True:
        ready, _, _ = select.select([s] if end else [s, sys.stdin], [], [], 0.2 if end else None)
        if s in ready:
            data, address = s.recvfrom(65536)
            if address[2] != 4:
                seen += datagram(data, int(port))
            continue
        if sys.stdin in ready:
            sys.stdin.readline()
            end = time.monotonic()
            continue
        print(json.dumps(seen), flush=True)
        return


def datagram(data, port):
    kind = data[12:14]
    if kind == b"\x08\x00" and data[23] == 17:
        size = (data[14] & 15) * 4
        ends = (socket.inet_ntop(socket.AF_INET, data[26:30]), socket.inet_ntop(socket.AF_INET, data[30:34]))
        udp = data[14 + size:]
    elif kind == b"\x86\xdd" and data[20] == 17:
        ends = (socket.inet_ntop(socket.AF_INET6, data[22:38]), socket.inet_ntop(socket.AF_INET6, data[38:54]))
        udp = data[54:]
    else:
        return []
    if struct.unpack("!H", udp[2:4])[0] != port:
        return []
    flags, vni = udp[8], struct.unpack("!I", udp[12:16])[0] >> 8
    inner = udp[16:]
    item = {"from": ends[0], "to": ends[1], "flags": flags, "vni": vni, "inner_to": mac_text(inner[:6]),
            "inner_from": mac_text(inner[6:12]), "type": inner[12:14].hex(), "size": len(inner)}
    if item["type"] == "86dd" and inner[20] == 58:
        item["icmpv6"] = inner[54]
    return [item]


if __name__ == "__main__":
    {"send": send, "frames": frames, "watch": watch, "wire": wire}[sys.argv[1]](*sys.argv[2:])
