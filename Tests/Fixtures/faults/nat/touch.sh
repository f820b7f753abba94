# What somebody does by hand to links of bulkhead's: it is neither kept nor lost by accident.
bridge=$(ip -o link show type bridge | sed -n 's/^[0-9]*: \(bh-[a-z]*\):.*/\1/p' | sort | tail -n 1)
ip link set foreign master "$bridge"
for link in "$bridge" $(ip -o link show type veth | sed -n 's/^[0-9]*: \(ep-[^@:]*\)[@:].*/\1/p'); do
    ip link property add dev "$link" altname "by-hand-$link" 2>/dev/null || true
    sysctl -qw "net.ipv4.conf.$link.rp_filter=1" "net.ipv4.conf.$link.send_redirects=0" "net.ipv6.conf.$link.hop_limit=63"
done
for name in web-1 moves pod other; do
    [ -e "/run/netns/$name" ] || continue
    card=$(ip -n "$name" -o link show type veth | sed -n 's/^[0-9]*: \([^@:]*\)[@:].*/\1/p' | head -n 1)
    [ -n "$card" ] || continue
    ip -n "$name" link set "$card" alias by-hand
    ip -n "$name" neighbour replace 10.88.0.99 lladdr 02:00:00:00:00:99 nud permanent dev "$card"
    ip -n "$name" route replace 10.99.0.0/16 via 10.88.0.98 dev "$card" table 77
    ip netns exec "$name" sysctl -qw "net.ipv4.conf.$card.rp_filter=2"
done
