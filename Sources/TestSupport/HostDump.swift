internal import Foundation

/// Everything that a host has of networking, one line a thing, for "exactly as before".
///
/// Left out is what may differ between two states that are the same: interface indexes, handles and generations,
/// learned entries, what the kernel makes by itself when a link comes up (link-local addresses, multicast), carrier,
/// counters and times. `identities` holds indexes and inodes, which must be the same where nothing was deleted.
public struct HostDump: Sendable {
    /// All lines, sorted.
    public let lines: [String]
    /// Index of every link by `NAMESPACE NAME`, inode of every named namespace by its name.
    public let identities: [String: String]

    /// Reads a scratch host.
    public init(_ host: ScratchHost) throws {
        let script = host.folder.appendingPathComponent("dump.sh")
        if !FileManager.default.fileExists(atPath: script.path) {
            try Self.script.write(to: script, atomically: true, encoding: .utf8)
        }
        let text = try host.sh("exec sh \(script.path) all host \(host.folder.path)")
        var reader = DumpReader(folder: host.folder.path)
        for section in text.components(separatedBy: "\u{1}").dropFirst() {
            let end = section.firstIndex(of: "\n") ?? section.endIndex
            let head = section[..<end].split(separator: " ").map(String.init)
            guard head.count == 2 else { continue }
            try reader.take(head[0], namespace: head[1], String(section[end...].dropFirst()))
        }
        lines = reader.lines.sorted()
        identities = reader.identities
    }

    /// What differs from an earlier dump, `-` then and `+` now; empty where nothing does.
    public func differences(from earlier: HostDump) -> [String] {
        var counts: [String: Int] = [:]
        for line in lines { counts[line, default: 0] += 1 }
        for line in earlier.lines { counts[line, default: 0] -= 1 }
        return counts.filter { $0.value != 0 }.sorted { $0.key < $1.key }
            .map { "\($0.value > 0 ? "+" : "-") \($0.key)" }
    }

    /// Objects that have another index or inode than before, or are gone; those in `except` are not looked at.
    public func changedIdentities(from earlier: HostDump, except: Set<String> = []) -> [String] {
        earlier.identities.filter { !except.contains($0.key) && identities[$0.key] != $0.value }
            .sorted { $0.key < $1.key }.map { "\($0.key): \($0.value) → \(identities[$0.key] ?? "gone")" }
    }

    /// Sections begin with a byte 1, their kind and their namespace.
    private static let script = #"""
        one() {
          printf '\001link %s\n' "$1"; ip -j -d link show
          printf '\001address %s\n' "$1"; ip -j -d address show
          for f in 4 6; do
            printf '\001route %s\n' "$1"; ip -$f -j -d route show table all
            printf '\001rule %s\n' "$1"; ip -$f -j rule show
            printf '\001neighbour %s\n' "$1"; ip -$f -j neighbour show nud permanent
            printf '\001proxy %s\n' "$1"; ip -$f -j neighbour show proxy
          done
          printf '\001fdb %s\n' "$1"; bridge -j -d fdb show
          printf '\001vlan %s\n' "$1"; bridge -j vlan show 2>/dev/null
          printf '\001qdisc %s\n' "$1"; tc -j qdisc show
          printf '\001class %s\n' "$1"
          for d in $(tc qdisc show | sed -n 's/^qdisc htb .* dev \([^ ]*\) .*/\1/p' | sort -u); do
            tc class show dev $d | sed "s/^/$d /"
          done
          printf '\001filter %s\n' "$1"
          for d in $(tc qdisc show | grep -E '^qdisc (htb|ingress|clsact) ' | sed 's/.* dev \([^ ]*\) .*/\1/' | sort -u); do
            for p in root ingress egress; do tc filter show dev $d $p 2>/dev/null | sed "s/^/$d $p /"; done
          done
          printf '\001nft %s\n' "$1"; nft -j list ruleset
          printf '\001sysctl %s\n' "$1"; grep -rs . /proc/sys/net
        }
        [ "$1" = all ] &&
          { printf '\001ids host\n'; ip netns list-id 2>/dev/null | sed -n 's/^nsid \([0-9]*\) .*name: \(.*\))$/\1 \2/p'; }
        one "$2"
        [ "$1" = all ] || exit 0
        for file in /run/netns/*; do
          [ -e "$file" ] || continue
          name=${file##*/}
          if [ "$(stat -f -c %T "$file")" = nsfs ]; then
            printf '\001inode %s\n' "$name"; stat -c %i "$file"
            nsenter --net="$file" sh "$0" one "$name"
          else
            printf '\001leftover %s\n' "$name"; cat "$file"
          fi
        done
        printf '\001files host\n'
        find "$3/etc" -type d -printf 'folder %P\n' -o -type f -printf 'file %P ' -exec sh -c 'tr "\n" "\036" < "$1"; echo' _ {} \;
        printf '\001original host\n'; if [ -e "$3/state/originals" ]; then tr -d '\n' < "$3/state/originals"; fi
        exit 0
        """#
}
