# A card with the host's addresses on it, which hears router advertisements, a machine behind it that answers, and a proxy
# entry of somebody else.
ip netns add lan
ip link add eth1 type veth peer name eth0 netns lan
ip -n lan address add 192.0.2.254/24 dev eth0
ip -n lan address add 2001:db8::254/64 dev eth0 nodad
ip -n lan link set eth0 up
ip link set eth1 up
sysctl -qw net.ipv6.conf.eth1.accept_ra=1
ip address add 192.0.2.1/24 dev eth1
ip address add 2001:db8::1/64 dev eth1 nodad
ip route add default via 192.0.2.254
ip -6 route add default via 2001:db8::254
ip neigh add proxy 192.0.2.90 dev eth1
while ip -6 address show | grep -q tentative; do sleep 0.05; done
until ip -6 address show dev eth1 | grep -q 'fe80::'; do sleep 0.05; done
