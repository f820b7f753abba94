# The interface below, with the underlay address.
ip link add under type veth peer name under-peer
ip address add 192.0.2.1/24 dev under
ip link set under up
ip link set under-peer up
