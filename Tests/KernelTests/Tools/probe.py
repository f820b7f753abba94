#!/usr/bin/env python3
"""Small servers and clients for the kernel tests: each does one thing, says one line, and ends."""
import socket
import sys


def family(address):
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def serve_tcp(address, port):
    """Answers every connection with the address of its client."""
    server = socket.create_server((address, port), family=family(address))
    print("ready", flush=True)
    while True:
        client, peer = server.accept()
        client.sendall(peer[0].encode())
        client.close()


def serve_udp(address, port):
    server = socket.socket(family(address), socket.SOCK_DGRAM)
    server.bind((address, port))
    print("ready", flush=True)
    while True:
        _, peer = server.recvfrom(2048)
        server.sendto(peer[0].encode(), peer)


def serve_ends(address, port):
    """Answers over TCP and UDP with the client's address, the client's port and its own port."""
    import threading
    server = socket.create_server((address, port), family=family(address))
    datagrams = socket.socket(family(address), socket.SOCK_DGRAM)
    datagrams.bind((address, port))

    def answer():
        while True:
            _, peer = datagrams.recvfrom(2048)
            datagrams.sendto(f"{peer[0]} {peer[1]} {port}".encode(), peer)

    threading.Thread(target=answer, daemon=True).start()
    print("ready", flush=True)
    while True:
        client, peer = server.accept()
        client.sendall(f"{peer[0]} {peer[1]} {port}".encode())
        client.close()


def tcp(address, port, wait):
    try:
        with socket.create_connection((address, port), timeout=wait) as s:
            s.settimeout(wait)
            print(s.recv(100).decode() or "closed")
    except OSError as error:
        print("refused" if isinstance(error, ConnectionRefusedError) else "silent")


def udp(address, port, wait):
    s = socket.socket(family(address), socket.SOCK_DGRAM)
    s.settimeout(wait)
    try:
        s.sendto(b"?", (address, port))
        print(s.recvfrom(100)[0].decode())
    except OSError as error:
        print("refused" if isinstance(error, ConnectionRefusedError) else "silent")


def echo_tcp(address, port):
    """Sends back what a client sends, as long as the connection lives."""
    server = socket.create_server((address, port), family=family(address))
    print("ready", flush=True)
    while True:
        client, _ = server.accept()
        while data := client.recv(100):
            client.sendall(data)
        client.close()


def talk_tcp(address, port, rounds, wait):
    """Says `connected`, then sends a byte when told to on standard input; says whether it came back."""
    with socket.create_connection((address, port), timeout=wait) as s:
        s.settimeout(wait)
        print("connected", flush=True)
        for _ in range(rounds):
            sys.stdin.readline()
            try:
                s.sendall(b"x")
                print("alive" if s.recv(1) else "closed", flush=True)
            except OSError:
                print("cut", flush=True)
                return


def send(interface, frames):
    """Sends raw Ethernet frames, given in hexadecimal."""
    s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    s.bind((interface, 0))
    for frame in frames:
        s.send(bytes.fromhex(frame))


def sniff(interface, wait, needles):
    """Says which of the hexadecimal strings were seen in frames from elsewhere."""
    s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
    s.bind((interface, 0))
    s.settimeout(wait)
    seen = set()
    print("ready", flush=True)
    import time
    end = time.monotonic() + wait
    while time.monotonic() < end:
        s.settimeout(max(0.01, end - time.monotonic()))
        try:
            data, address = s.recvfrom(4096)
        except OSError:
            break
        if address[2] == socket.PACKET_OUTGOING:
            continue
        text = data.hex()
        seen.update(n for n in needles if n in text)
    print(" ".join(n for n in needles if n in seen) or "nothing")


def main(arguments):
    verb, rest = arguments[0], arguments[1:]
    if verb == "serve-tcp":
        serve_tcp(rest[0], int(rest[1]))
    elif verb == "serve-udp":
        serve_udp(rest[0], int(rest[1]))
    elif verb == "serve-ends":
        serve_ends(rest[0], int(rest[1]))
    elif verb == "tcp":
        tcp(rest[0], int(rest[1]), float(rest[2]))
    elif verb == "udp":
        udp(rest[0], int(rest[1]), float(rest[2]))
    elif verb == "echo-tcp":
        echo_tcp(rest[0], int(rest[1]))
    elif verb == "talk-tcp":
        talk_tcp(rest[0], int(rest[1]), int(rest[2]), float(rest[3]))
    elif verb == "send":
        send(rest[0], rest[1:])
    elif verb == "sniff":
        sniff(rest[0], float(rest[1]), rest[2:])


main(sys.argv[1:])
