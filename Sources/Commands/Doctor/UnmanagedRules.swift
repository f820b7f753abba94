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

    /// The file.
    var text: String {
        switch self {
        case .networkManager:
            """
            # Links of bulkhead are not NetworkManager's.
            [keyfile]
            unmanaged-devices+=interface-name:bh-*;interface-name:ep-*;interface-name:vx-*

            """
        case .networkd:
            """
            # Links of bulkhead are not systemd-networkd's.
            [Match]
            Name=bh-* ep-* vx-*

            [Link]
            Unmanaged=yes

            """
        case .udev:
            """
            # Links of bulkhead keep the MAC and the name that they were made with.
            [Match]
            OriginalName=bh-* ep-* vx-*

            [Link]
            NamePolicy=keep
            MACAddressPolicy=none

            """
        }
    }
}
