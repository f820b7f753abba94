#!/usr/bin/env bash
# Shows bulkhead at work, on this folder's manifests. `make demo` runs it; by hand: BULKHEAD=/path/to/bulkhead ./demo.sh
#
# All of it happens on a throw-away host: a network and a mount namespace of their own, which vanish with this script.
# The machine's own network is neither used nor changed. Root is not needed where the kernel allows user namespaces.
# Every step is checked; the first that does not behave ends the demo with status 1.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

if [ "${1:-}" != --inside ]; then
    binary=$(command -v "${BULKHEAD:-bulkhead}") || {
        echo "demo: no bulkhead found; 'make demo' builds one, or say BULKHEAD=/path/to/bulkhead" >&2
        exit 1
    }
    user=(); [ "$(id -u)" = 0 ] || user=(--user --map-root-user)
    unshare "${user[@]}" --net --mount true 2>/dev/null || {
        echo "demo: this kernel does not let $(id -un) make network namespaces; run it as root" >&2
        exit 1
    }
    export BULKHEAD=$binary SWIFT_BACKTRACE=enable=no
    exec unshare "${user[@]}" --net --mount --propagation private bash "$PWD/demo.sh" --inside
fi

# ---------------------------------------------------------------------------------------------------- how it is shown
bold=; dim=; green=; plain=
if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then bold=$'\e[1m'; dim=$'\e[2m'; green=$'\e[32m'; plain=$'\e[0m'; fi

part=0
heading() { part=$((part + 1)); printf '\n%s%d. %s%s\n' "$bold" "$part" "$1" "$plain"; }
say() { printf '%s   %s%s\n' "$dim" "$1" "$plain"; }
failed() { printf '\ndemo: FAILED: %s\n' "$1" >&2; exit 1; }

# attempt STATUS COMMAND…: shows a command and what it prints, and wants that exit status.
attempt() {
    local wanted=$1 status=0
    shift
    printf '   %s$ %s%s\n' "$bold" "$*" "$plain"
    bash -c "set -o pipefail; $*" >"$scratch/output" 2>&1 </dev/null || status=$?
    sed 's/^/     /' "$scratch/output"
    [ "$status" = "$wanted" ] || failed "that ended with $status, not with $wanted"
}
works() { attempt 0 "$@"; }
# blocked COMMAND…: a connection that must not come about. `greet` and `ping` end with 1 where nobody answers, and with
# 1 or 2 where there is no way; any other status means that it was not tried at all.
blocked() {
    local status=0
    printf '   %s$ %s%s\n' "$bold" "$*" "$plain"
    bash -c "$*" >"$scratch/output" 2>&1 </dev/null || status=$?
    case $status in
        1 | 2) printf '     %sno answer, as it should be%s\n' "$green" "$plain" ;;
        0) cat "$scratch/output"; failed "that must not get through, but it did" ;;
        *) cat "$scratch/output"; failed "that could not be tried: status $status" ;;
    esac
}

# ------------------------------------------------------------------------------------------------ the throw-away host
mount -t tmpfs tmpfs /run
scratch=/run/demo
mkdir -p /run/netns "$scratch/bin" "$scratch/state" "$scratch/etc"
mount -t sysfs sysfs /sys 2>/dev/null || true
trap 'kill $(jobs -p) 2>/dev/null || true' EXIT
ln -s "$BULKHEAD" "$scratch/bin/bulkhead"
export PATH="$scratch/bin:$PATH:/usr/sbin:/sbin" BULKHEAD_STATE_DIR=$scratch/state BULKHEAD_NETNS_ETC_DIR=$scratch/etc
unset SSH_CONNECTION BULKHEAD_NETNS_DIR

# hello PORT TEXT: a server that greets whoever connects, by address.
cat >"$scratch/bin/hello" <<'PYTHON'
#!/usr/bin/env python3
import socket, sys
port, text = int(sys.argv[1]), sys.argv[2]
server = socket.create_server(("::", port), family=socket.AF_INET6, dualstack_ipv6=True)
print("ready", flush=True)
while True:
    connection, peer = server.accept()
    with connection:
        connection.sendall(f"{text} greets {peer[0].removeprefix('::ffff:')}\n".encode())
PYTHON
# greet ADDRESS PORT: connects and prints the greeting.
cat >"$scratch/bin/greet" <<'PYTHON'
#!/usr/bin/env python3
import socket, sys
try:
    with socket.create_connection((sys.argv[1], int(sys.argv[2])), timeout=2) as connection:
        print(connection.recv(200).decode(), end="")
except OSError as error:
    sys.exit(f"no connection: {error}")
PYTHON
chmod +x "$scratch"/bin/{hello,greet}
# serve COMMAND…: starts a server and waits until it listens.
serve() {
    local ready
    exec {ready}< <(exec "$@" </dev/null 2>&1)
    read -r -t 20 -u "$ready" line && [ "$line" = ready ] || failed "the server did not start: ${line:-no answer}"
}

# The host has a card `eth0` to the outside world: a second network namespace, which bulkhead knows nothing of.
ip link set lo up
ip netns add world
ip link add eth0 type veth peer name eth0 netns world
ip address add 192.0.2.1/24 dev eth0
ip address add 2001:db8::1/64 dev eth0 nodad
ip link set eth0 addrgenmode none up
ip -n world link set lo up
ip -n world address add 192.0.2.254/24 dev eth0
ip -n world address add 2001:db8::254/64 dev eth0 nodad
ip -n world address add 203.0.113.80/32 dev lo
ip -n world link set eth0 up
ip route add default via 192.0.2.254
ip route add default via 2001:db8::254
# The worst neighbour: it knows the way to our private addresses and tries them directly.
ip -n world route add 10.88.0.0/15 via 192.0.2.1

# host_state: what can be compared before and after. Indexes, counters and learned entries are left out.
host_state() {
    ip -oneline link show | sed -E 's/^[0-9]+: //'
    ip -oneline address show | sed -E 's/^[0-9]+: //; s/(valid|preferred)_lft .*//'
    ip route show table all; ip -6 route show table all
    ip netns list | sed 's/ (id.*//'
    nft list ruleset
    sysctl -a 2>/dev/null | grep -E '^net\.ipv[46]\.(ip_forward|conf\.)|^net\.bridge\.'
    find "$scratch/etc" -mindepth 1
}
host_state >"$scratch/before"

# ----------------------------------------------------------------------------------------------------------- the show
echo "${bold}Bulkhead on a throw-away host.${plain} Its card eth0 leads to 'world', the outside; nothing else is here yet."

heading 'What is wanted: two networks, three containers'
works 'cat web.yaml db.yaml'
works 'bulkhead validate .'

heading 'The plan: what would be done, in order; nothing is changed yet'
works 'bulkhead plan .'
say 'A script can ask as well: status 2 means that there are differences.'
attempt 2 'bulkhead plan . --detailed-exitcode | tail -n 1'

heading 'Apply: do it, read the kernel again, and succeed only if nothing is left to do'
works 'bulkhead apply . --yes | tail -n 1'
works 'bulkhead show'
attempt 0 'bulkhead plan . --detailed-exitcode | tail -n 1'

heading 'Real packets'
serve ip netns exec web-1 hello 80 web-1
serve ip netns exec db-1 hello 5432 db-1
serve ip netns exec world hello 443 world
say 'Containers of one network reach each other, by name, over IPv4 and IPv6:'
works 'bulkhead exec client -- ping -c 1 -W 2 10.88.0.10 | grep received'
works 'bulkhead exec client -- ping -c 1 -W 2 fd00:88::10 | grep received'
works 'bulkhead exec client -- greet web-1 80'
say 'Out to the world through NAT: the world sees the address of the host.'
works 'bulkhead exec client -- greet 203.0.113.80 443 | grep "greets 192.0.2.1$"'
works 'bulkhead exec client -- greet 2001:db8::254 443 | grep "greets 2001:db8::1$"'
say 'In from the world through the published port 8080, and web-1 sees the real client:'
works 'ip netns exec world greet 192.0.2.1 8080 | grep "greets 192.0.2.254$"'
works 'ip netns exec world greet 2001:db8::1 8080 | grep "greets 2001:db8::254$"'
say 'The host itself uses it as well:'
works 'greet 127.0.0.1 8080'

heading 'What must not pass'
say 'web-1 has published 80 only as 8080, so the world, which knows the way, finds its own address closed:'
blocked 'ip netns exec world greet 10.88.0.10 80'
blocked 'ip netns exec world greet 192.0.2.1 80'
say 'db is an internal network: no way in from other networks or from the world, and no way out.'
database=$(bulkhead show endpoint/db-1 | sed -nE 's|^addresses +([^/]*)/.*|\1|p')
works "greet $database 5432"
blocked "bulkhead exec client -- greet $database 5432"
blocked "ip netns exec world greet $database 5432"
blocked 'bulkhead exec db-1 -- ping -c 1 -W 1 192.0.2.254'
say 'A container that gives itself another address is not heard (anti-spoofing):'
ip -n client address add 10.88.0.99/24 dev eth0
blocked 'bulkhead exec client -- ping -c 1 -W 1 -I 10.88.0.99 10.88.0.10'

heading 'Drift: somebody changes things by hand'
say 'That address is still there. And then:'
works 'ip address del 10.88.0.1/24 dev bh-web'
works 'nft flush map inet bulkhead published4'
blocked 'ip netns exec world greet 192.0.2.1 8080'
attempt 2 'bulkhead drift .'
say 'Apply changes just that, in place:'
works 'bulkhead apply . --yes | tail -n 1'
works 'ip netns exec world greet 192.0.2.1 8080'
works 'bulkhead drift .'

heading 'Destroy: everything of ours goes, nothing else'
works 'bulkhead destroy . --yes'
works 'bulkhead show'
works 'ip -brief link'
host_state >"$scratch/after"
works "diff $scratch/before $scratch/after && echo 'The host is exactly as it was: links, addresses, routes, rules, settings, files.'"

printf '\n%sThe demo is over: %d parts, every step behaved.%s The throw-away host goes with this line.\n' \
    "$bold$green" "$part" "$plain"
