#!/usr/bin/env python3
"""Plays a virtual machine: opens a tap, and passes frames between it and the card of a network stack of its own.

guest.py TAP NAMESPACE MAC ADDRESS… [--queues] [--macvtap]: says `open`, and goes on until it is killed.
"""
import argparse
import ctypes
import errno
import fcntl
import glob
import os
import select
import socket
import stat
import struct
import subprocess
import tempfile

arguments = argparse.ArgumentParser()
arguments.add_argument("tap")
arguments.add_argument("namespace")
arguments.add_argument("mac")
arguments.add_argument("addresses", nargs="*")
arguments.add_argument("--queues", action="store_true")
arguments.add_argument("--macvtap", action="store_true")
arguments.add_argument("--gateway", action="append", default=[])
given = arguments.parse_args()


def ip(*words):
    subprocess.run(["ip", "-n", given.namespace, *words], check=True)


subprocess.run(["ip", "netns", "add", given.namespace], check=True)
ip("link", "set", "lo", "up")
ip("link", "add", "eth0", "address", given.mac, "type", "veth", "peer", "name", "wire")
# Nothing but what the guest sends itself is to go over the wire.
ip("link", "set", "wire", "addrgenmode", "none", "up")
ip("link", "set", "eth0", "up")
for address in given.addresses:
    ip("address", "add", address, "dev", "eth0", *(["nodad"] if ":" in address else []))
for gateway in given.gateway:
    ip("route", "add", "default", "via", gateway)

libc = ctypes.CDLL(None, use_errno=True)
host = os.open("/proc/self/ns/net", os.O_RDONLY)
guest = os.open(f"/run/netns/{given.namespace}", os.O_RDONLY)
assert libc.setns(guest, 0x40000000) == 0
wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
wire.bind(("wire", 0))
# ETHTOOL_STXCSUM off: a card that does sums would leave them undone.
value = ctypes.create_string_buffer(struct.pack("=II", 0x17, 0))
fcntl.ioctl(wire, 0x8946, struct.pack("16sP", b"eth0", ctypes.addressof(value)))
assert libc.setns(host, 0x40000000) == 0


def macvtap():
    """Opens the file of the link, which need not be in this /dev, nor be the only one of its name there."""
    (file,) = glob.glob(f"/sys/class/net/{given.tap}/tap*/dev")
    with open(file) as numbers:
        major, minor = map(int, numbers.read().split(":"))
    with tempfile.TemporaryDirectory() as folder:
        os.mknod(f"{folder}/tap", 0o600 | stat.S_IFCHR, os.makedev(major, minor))
        return os.open(f"{folder}/tap", os.O_RDWR)


tap = macvtap() if given.macvtap else os.open("/dev/net/tun", os.O_RDWR)
# IFF_TAP | IFF_NO_PI, and IFF_MULTI_QUEUE; without IFF_VNET_HDR, which a macvtap has from the beginning.
flags = 0x1002 | (0x100 if given.queues else 0)
fcntl.ioctl(tap, 0x400454CA, struct.pack("16sH22x", given.tap.encode(), flags))
print("open", flush=True)
while True:
    for ready in select.select([tap, wire], [], [])[0]:
        if ready == tap:
            frame = os.read(tap, 70000)
            try:
                wire.send(frame)
            except OSError:
                pass
        else:
            frame, origin = wire.recvfrom(70000)
            # PACKET_OUTGOING is what was just sent.
            if origin[2] != 4:
                try:
                    os.write(tap, frame)
                except OSError as error:
                    # A link that was set down takes none.
                    if error.errno != errno.EIO:
                        raise
