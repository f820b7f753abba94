internal import Addressing
internal import JSON
internal import Model
internal import Reconciler

/// What `show` says of an overlay that learns by BGP EVPN.
enum ShowRouting {
    /// Members of the network's document.
    static func members(_ routing: Inventory.Routing) -> [JSONObject.Member] {
        let sessions = (routing.sessions ?? []).map { session -> JSON in
            ["peer": .string(session.peer.description), "state": .string(session.state)]
        }
        let learnt = routing.learnt.map { entry -> JSON in
            [
                "mac": .string(entry.mac.description), "host": .string(entry.tunnelEnd.description),
                "addresses": .array(entry.addresses.map { .string($0.description) }),
            ]
        }
        return [
            JSONObject.Member(key: "sessions", value: .array(sessions)),
            JSONObject.Member(key: "learnt", value: .array(learnt)),
        ]
    }

    /// What is wrong with the sessions; nil where nothing is.
    static func problem(_ routing: Inventory.Routing) -> String? {
        guard let sessions = routing.sessions else { return "bgpd does not say which sessions it has" }
        if sessions.isEmpty { return "bgpd has no session of bulkhead's" }
        let lost = sessions.filter { !$0.isEstablished }
        guard let first = lost.first else { return nil }
        return lost.count == 1
            ? "the session with \(first.peer) is \(first.state)"
            : "\(lost.count) of \(sessions.count) sessions are not established"
    }
}
