internal import ArgumentParser

/// Ready-made files by which others leave bulkhead's links alone.
enum UnmanagedRules: String, ExpressibleByArgument, CaseIterable {
    case networkManager = "networkmanager"
    case networkd
    case udev

    /// Where it belongs.
    var path: String {
        switch self {
        case .networkManager: "/etc/NetworkManager/conf.d/90-bulkhead.conf"
        case .networkd: "/etc/systemd/network/05-bulkhead.network"
        case .udev: "/etc/systemd/network/05-bulkhead.link"
        }
    }

    /// What such files end in.
    var suffix: String {
        switch self {
        case .networkManager: ".conf"
        case .networkd: ".network"
        case .udev: ".link"
        }
    }

    /// What happens without it.
    var danger: String {
        switch self {
        case .networkManager: "may put addresses and profiles of its own on bulkhead's links, and take them down"
        case .networkd: "may match bulkhead's links with a wide rule, and take away what it did not configure itself"
        case .udev: "may give new links another MAC (MACAddressPolicy=persistent) or name than the manifests say"
        }
    }

    /// Names of all links that bulkhead makes without being told others.
    static let patterns = ["bh-*", "ep-*", "vx-*"]

    /// Those of the links of bulkhead that have other names: taken over, or chosen by `hostInterface`. What could be read as a
    /// pattern, or as the end of a list, stays away from files of others.
    static func others(_ links: [String]) -> [String] {
        let special: Set<Character> = ["?", "[", "]", "!", ";", ",", "#", "'", "=", "$", "~"]
        return links.filter { name in
            !patterns.contains { name.hasPrefix($0.dropLast()) } && !name.contains(where: special.contains)
        }.sorted()
    }

    /// The file, for these links beside those with names that bulkhead gives.
    func text(_ others: [String]) -> String {
        let names = Self.patterns + others
        let list = names.joined(separator: " ")
        switch self {
        case .networkManager:
            return """
                # Links of bulkhead are not NetworkManager's.
                [keyfile]
                unmanaged-devices+=\(names.map { "interface-name:\($0)" }.joined(separator: ";"))

                """
        case .networkd:
            return """
                # Links of bulkhead are not systemd-networkd's.
                [Match]
                Name=\(list)

                [Link]
                Unmanaged=yes

                """
        case .udev:
            return """
                # Links of bulkhead keep the MAC and the name that they were made with.
                [Match]
                OriginalName=\(list)

                [Link]
                NamePolicy=keep
                MACAddressPolicy=none

                """
        }
    }
}
