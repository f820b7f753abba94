# A card with the host's addresses on it, a gateway behind it that answers, and a bridge of somebody else with a port.
ip netns add lan
ip link add eth1 type veth peer name eth0 netns lan
ip -n lan address add 192.0.2.254/24 dev eth0
ip -n lan address add 2001:db8::254/64 dev eth0 nodad
ip -n lan link set eth0 up
ip link set eth1 up
ip link add br0 address 02:00:00:00:00:b0 type bridge
ip link add br0-port type veth peer name br0-peer
ip link set br0-port master br0
for link in br0 br0-port br0-peer; do ip link set "$link" up; done
for link in eth1 br0; do
    until ip -6 address show dev "$link" | grep -q 'fe80::'; do sleep 0.05; done
done
ip address add 192.0.2.1/24 dev eth1
ip address add 192.0.2.2/24 dev eth1
ip address add 2001:db8::1/64 dev eth1 nodad
ip route add default via 192.0.2.254
ip route add 10.9.0.0/16 via 192.0.2.254 metric 7 mtu 1400
ip -6 route add default via 2001:db8::254
while ip -6 address show | grep -q tentative; do sleep 0.05; done
