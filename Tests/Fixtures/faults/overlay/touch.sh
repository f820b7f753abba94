# What somebody does by hand to entries of bulkhead's.
if [ -e /sys/class/net/vx-red ]; then
    bridge fdb replace 02:00:00:00:00:99 dev vx-red self permanent dst 192.0.2.9
    bridge fdb append 00:00:00:00:00:00 dev vx-red self permanent dst 192.0.2.9
    ip neigh replace 10.0.0.11 lladdr 02:00:00:00:00:99 nud permanent dev bh-red
    ip neigh replace 10.0.0.99 lladdr 02:00:00:00:00:99 nud permanent dev bh-red
fi
