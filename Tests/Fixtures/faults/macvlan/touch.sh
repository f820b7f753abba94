# What somebody changed inside.
ip -n a link set eth0 mtu 1300
