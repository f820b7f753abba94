# What somebody does by hand to a router of bulkhead's.
if [ -e /run/netns/router-red ]; then
    leg=$(ip -n router-red -o link show | sed -n 's/.*: \(to-[a-z]*\)@.*/\1/p')
    ip -n router-red neighbour replace 10.2.0.21 lladdr 02:00:00:00:00:99 nud permanent dev $leg
    ip -n router-red neighbour replace 10.2.0.99 lladdr 02:00:00:00:00:99 nud permanent dev $leg
    ip -n router-red route add default dev $leg
    ip netns exec router-red sysctl -q net.ipv4.conf.gateway.forwarding=0
fi
