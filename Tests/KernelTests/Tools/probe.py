#!/usr/bin/env python3
"""Small servers and clients for the kernel tests: each does one thing, says one line, and ends."""
import select
import socket
import sys
import time


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


def serve_dual(address, port):
    """Listens as programs do that know IPv6 only, and serve IPv4 by it."""
    server = socket.socket(socket.AF_INET6, socket.SOCK_STREAM)
    server.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    server.bind((address, port))
    server.listen()
    print("ready", flush=True)
    while True:
        server.accept()[0].close()


def serve_udp_6(address, port):
    """Has a port of IPv6 alone."""
    server = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    server.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    server.bind((address, port))
    print("ready", flush=True)
    while True:
        server.recvfrom(2048)


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
    """One datagram, and another one every two seconds as long as nothing comes back."""
    s = socket.socket(family(address), socket.SOCK_DGRAM)
    end = time.monotonic() + wait
    try:
        while True:
            s.sendto(b"?", (address, port))
            s.settimeout(max(0.01, min(2, end - time.monotonic())))
            try:
                print(s.recvfrom(100)[0].decode())
                return
            except TimeoutError:
                if time.monotonic() >= end:
                    raise
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
    """Says `connected`, then sends a byte when told to on standard input; says whether it came back, in the seconds that
    the line gives, or else in `wait`."""
    with socket.create_connection((address, port), timeout=wait) as s:
        s.settimeout(wait)
        print("connected", flush=True)
        for _ in range(rounds):
            words = sys.stdin.readline().strip()
            s.settimeout(float(words) if words.isdigit() else wait)
            try:
                s.sendall(b"x")
                print("alive" if s.recv(1) else "closed", flush=True)
            except OSError:
                print("cut", flush=True)
                return


def echo_many(address, port):
    """The same for many clients at once."""
    import threading

    def answer(client):
        try:
            while data := client.recv(100):
                client.sendall(data)
        except OSError:
            pass

    server = socket.create_server((address, port), family=family(address), backlog=1000)
    print("ready", flush=True)
    while True:
        client, _ = server.accept()
        threading.Thread(target=answer, args=(client,), daemon=True).start()


def storm(address, port):
    """Opens connections one after the other until told to stop; says how many it got, and how many of the last hundred live on."""
    print("ready", flush=True)
    opened, count = [], 0
    while not select.select([sys.stdin], [], [], 0)[0]:
        s = socket.socket(family(address))
        s.setblocking(False)
        try:
            s.connect((address, port))
        except BlockingIOError:
            pass
        except OSError:
            s.close()
            time.sleep(0.001)
            continue
        _, ready, _ = select.select([], [s], [], 0.005)
        if ready and s.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0:
            count += 1
            opened = opened[-99:] + [s]
        else:
            s.close()
    alive = 0
    for s in opened:
        try:
            s.sendall(b"x")
        except OSError:
            pass
    time.sleep(1)
    for s in opened:
        try:
            alive += s.recv(1) == b"x"
        except OSError:
            pass
    print(count, alive, flush=True)


def send(interface, frames):
    """Sends raw Ethernet frames, given in hexadecimal."""
    s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    s.bind((interface, 0))
    for frame in frames:
        s.send(bytes.fromhex(frame))


def sniff(interface, wait, needles):
    """Says which of the hexadecimal strings were seen in frames from elsewhere, until a line on standard input and for so
    many seconds of silence after it."""
    s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
    s.bind((interface, 0))
    seen, patience = set(), None
    print("ready", flush=True)
    while True:
        ready = select.select([s] + ([] if patience else [sys.stdin]), [], [], patience)[0]
        if not ready:
            break
        if s not in ready:
            patience = wait
            continue
        data, address = s.recvfrom(4096)
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
    elif verb == "serve-dual":
        serve_dual(rest[0], int(rest[1]))
    elif verb == "serve-udp-6":
        serve_udp_6(rest[0], int(rest[1]))
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
    elif verb == "echo-many":
        echo_many(rest[0], int(rest[1]))
    elif verb == "storm":
        storm(rest[0], int(rest[1]))
    elif verb == "send":
        send(rest[0], rest[1:])
    elif verb == "sniff":
        sniff(rest[0], float(rest[1]), rest[2:])


main(sys.argv[1:])
