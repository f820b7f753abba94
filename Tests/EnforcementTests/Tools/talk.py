#!/usr/bin/env python3
"""Datagrams between those who may talk, and what others say in between.

    talk.py serve ADDRESS,PORT…   answers `true` to each `?`
    talk.py ask PORT PEER,PORT…   asks every peer from one port, says what each answered

Both say at a line of input what else was said to them (`refused` where an error came), sorted, or `none`. A server without
anybody who asks says `ready` first.
"""
import select
import socket
import sys


def opened(address):
    s = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM)
    if ":" in address:
        s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    return s


def received(s):
    try:
        data, other = s.recvfrom(100)
    except OSError:
        return "refused", None
    return data.decode(), other


def serve(ends):
    sockets, words = [], []
    for end in ends:
        address, port = end.split(",")
        s = opened(address)
        s.bind((address, int(port)))
        sockets.append(s)
    print("ready", flush=True)
    while True:
        ready = select.select(sockets + [sys.stdin], [], [])[0]
        for s in ready:
            if s is sys.stdin:
                continue
            word, other = received(s)
            if word == "?":
                s.sendto(b"true", other)
            elif word != "refused":
                # An error to what was answered to someone made up is none of a conversation.
                words.append(word)
        if ready == [sys.stdin]:
            if not sys.stdin.readline():
                return
            print(" ".join(sorted(words)) or "none", flush=True)
            words.clear()


def ask(port, peers):
    sockets, answers, words = [], [], []
    for peer in peers:
        address, other = peer.split(",")
        s = opened(address)
        s.bind(("", port))
        s.connect((address, int(other)))
        sockets.append(s)
    for s in sockets:
        answer = "silent"
        for _ in range(20):
            try:
                s.send(b"?")
            except OSError:
                pass
            if select.select([s], [], [], 0.5)[0]:
                answer = received(s)[0]
                break
        answers.append(answer)
    print(" ".join(answers), flush=True)
    while sys.stdin.readline():
        while True:
            ready = select.select(sockets, [], [], 0.3)[0]
            if not ready:
                break
            words += [word for word in (received(s)[0] for s in ready) if word != "true"]
        print(" ".join(sorted(words)) or "none", flush=True)
        words.clear()


if sys.argv[1] == "serve":
    serve(sys.argv[2:])
else:
    ask(int(sys.argv[2]), sys.argv[3:])
