#!/usr/bin/env python3
"""Writes what this kernel answers to dumps of a small network, one line of hexadecimal digits a message.

Run in a namespace of its own:  unshare --net --mount python3 Tests/Fixtures/netlink/capture.py
The expected values stand in Tests/NetlinkTests/CaptureTests.swift.
"""
import os
import socket
import struct
import subprocess

SETUP = """
mount -t tmpfs none /run
ip netns add far
ip netns set far 5
ip link set lo up
ip link add br0 index 10 address 02:00:00:00:00:10 mtu 1400 type bridge stp_state 1 mcast_snooping 0 group_fwd_mask 8 nf_call_iptables 1
ip link add ep0 index 11 address 02:00:00:00:00:11 type veth peer name eth0 index 21 address 02:00:00:00:00:21 netns far
ip link set ep0 master br0 alias bulkhead:default/Endpoint/ep0 up
ip link set ep0 type bridge_slave hairpin on guard on isolated on learning off flood off mcast_flood off bcast_flood off
ip link property add dev ep0 altname ep-a-long-name-of-an-endpoint
ip link add lan0 index 12 address 02:00:00:00:00:12 type veth peer name lan1 index 13 address 02:00:00:00:00:13
ip link set lan1 addrgenmode none up
ip link set lan0 addrgenmode none up
ip link set br0 addrgenmode none up
ip link add link lan0 name mac0 index 14 address 02:00:00:00:00:14 type macvlan mode private
ip address add 10.9.0.1/24 brd + dev lan0
ip address add 10.9.0.2 peer 10.9.0.3/32 dev lan0
ip -6 address add fd00:9::1/64 dev lan0 nodad
ip -6 address add fd00:9::2/64 dev lan0 nodad valid_lft 100000 preferred_lft 90000
ip route add 172.16.0.0/16 via 10.9.0.9 metric 50 proto 98
ip route add default via 10.9.0.8 proto static
ip route add 172.17.0.0/16 nexthop via 10.9.0.9 dev lan0 weight 1 nexthop dev br0 weight 2
ip route add blackhole 172.18.0.0/16 table 1000
ip -6 route add fd00:77::/64 via fd00:9::9 metric 7 proto 98
ip neighbour add 10.9.0.20 lladdr 02:00:00:00:00:20 dev lan0 nud permanent
ip -6 neighbour add fd00:9::20 lladdr 02:00:00:00:00:20 dev lan0 nud permanent
ip neighbour add proxy 10.9.0.30 dev lan0
ip neighbour add proxy 10.9.0.31 dev lan0 protocol 98
bridge fdb add 02:00:00:00:00:44 dev ep0 master static
"""


def dump(kind, body):
    """The messages that answer one dump, without the final one."""
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE) as link:
        link.bind((0, 0))
        link.send(struct.pack("=IHHII", 16 + len(body), kind, 0x301, 1, 0) + body)
        while True:
            data = link.recv(1 << 20)
            while data:
                size, message = struct.unpack_from("=IH", data)
                if message == 3:
                    return
                # The sequence and port of the request are none of the answer's business.
                yield data[:8] + b"\0" * 8 + data[16:size]
                data = data[(size + 3) & ~3 :]


for line in SETUP.strip().splitlines():
    subprocess.run(line.split(), check=True)
FOLDER = os.path.dirname(os.path.abspath(__file__))
REQUESTS = {
    "links": [(18, b"\0" * 16 + struct.pack("=HHI", 8, 29, 8))],
    "addresses": [(22, b"\0" * 8)],
    "routes": [(26, bytes([2]) + b"\0" * 11), (26, bytes([10]) + b"\0" * 11)],
    "neighbours": [(30, b"\0" * 12), (30, b"\0" * 10 + b"\x08\0"), (30, bytes([7]) + b"\0" * 11)],
}
# What limits bandwidth, behind the dumps of links, which know nothing of it.
LIMITS = """
ip link add bw0 index 15 address 02:00:00:00:00:15 type ifb
tc qdisc add dev bw0 root tbf rate 100mbit burst 250000 limit 875000
tc qdisc add dev ep0 root tbf rate 80gbit burst 200mb limit 300mb
tc qdisc add dev lan0 root tbf rate 10mbit burst 20000 limit 30000 peakrate 20mbit mtu 1600
tc qdisc add dev ep0 ingress
tc filter add dev ep0 parent ffff: protocol all prio 1 u32 match u32 0 0 action mirred egress redirect dev bw0
tc filter add dev ep0 parent ffff: protocol ip prio 2 u32 match u32 0 0 action mirred egress redirect dev bw0
tc filter add dev ep0 parent ffff: protocol all prio 3 u32 match u32 1 1 at 0 action mirred egress redirect dev bw0
tc filter add dev ep0 parent ffff: protocol all prio 4 u32 match u32 0 0 action mirred egress mirror dev bw0
"""
# The same for taps, and a device without Ethernet headers.
TAPS = """
ip tuntap add tap0 mode tap user 7 group 8 multi_queue
ip tuntap add tap1 mode tap vnet_hdr
ip tuntap add tun0 mode tun user 7
"""
# IFLA_LINKINFO with IFLA_INFO_KIND: links of one kind.
KIND = struct.pack("=HHHH4s", 12, 18, 8, 1, b"tun")
TAP_REQUESTS = {"taps": [(18, b"\0" * 16 + KIND)]}
LIMIT_REQUESTS = {
    "qdiscs": [(38, b"\0" * 20)],
    "filters": [(46, struct.pack("=IiIII", 0, 11, 0, 0xFFFF0000, 0))],
}


def write(all_requests):
    """One file a name."""
    for name, requests in all_requests.items():
        with open(f"{FOLDER}/{name}.hex", "w", encoding="ascii") as file:
            for kind, body in requests:
                for message in dump(kind, body):
                    file.write(message.hex() + "\n")


write(REQUESTS)
for line in LIMITS.strip().splitlines():
    subprocess.run(line.split(), check=True)
write(LIMIT_REQUESTS)
for line in TAPS.strip().splitlines():
    subprocess.run(line.split(), check=True)
write(TAP_REQUESTS)
