# Two cards to other machines; the first has an address of the host.
for number in 1 2; do
    ip link add eth$number type veth peer name wall$number
    ip link set eth$number up
    ip link set wall$number up
done
ip address add 192.0.2.1/24 dev eth1
