# An interface of somebody else that will be put on a bridge of bulkhead's.
ip link add foreign type veth peer name foreign-peer
ip link set foreign up
ip link set foreign-peer up
