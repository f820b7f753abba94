# Settings by hand: where IPv6 goes with a small MTU, undoing puts them back.
for link in bh-web ep-web-1; do
    [ -e "/proc/sys/net/ipv6/conf/$link" ] || continue
    sysctl -qw "net.ipv6.conf.$link.hop_limit=63"
done
if [ -e /run/netns/web-1 ] && ip netns exec web-1 test -e /proc/sys/net/ipv6/conf/eth0; then
    ip netns exec web-1 sysctl -qw net.ipv6.conf.eth0.hop_limit=62
fi
