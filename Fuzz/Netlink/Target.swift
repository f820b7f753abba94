import NetlinkCodec

/// One input of libFuzzer through every decoder of netlink: as a datagram of messages, and as the body of each kind of
/// message. Whatever comes, it ends, without a trap and without reading past the input.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzNetlink(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let bytes = Array(UnsafeBufferPointer(start: start, count: count))
    var reader = MessageReader(bytes[...])
    while let message = try? reader.next() {
        decodeAll(message.body)
        _ = try? Acknowledgement(message)
        _ = try? FirewallNotice(decoding: message)
        _ = try? ChangeNotice.concerns(message, keepers: [1])
    }
    decodeAll(bytes[...])
    walk(AttributeReader(bytes[...]), depth: 0)
    return 0
}

private func decodeAll(_ body: ArraySlice<UInt8>) {
    _ = try? LinkMessage(decoding: body)
    _ = try? AddressMessage(decoding: body)
    _ = try? NamespaceIDMessage(decoding: body)
    _ = try? NextHopMessage(decoding: body)
    _ = try? SetElementMessage(decoding: body)
    _ = try? TableMessage(decoding: body)
    _ = try? RuleMessage(decoding: body)
    _ = try? QdiscMessage(decoding: body)
    _ = try? FilterMessage(decoding: body)
    if let route = try? RouteMessage(decoding: body) {
        // Routes of others are made again by what the kernel said of them.
        let value = RouteMessage.Value(
            destination: route.destination, gateway: route.gateway, link: route.link ?? 0,
            metric: route.metric, table: route.table, origin: route.origin, type: route.type,
            preferredSource: route.preferredSource,
            body: route.body)
        for replacing in [false, true] { _ = RouteMessage.add(value, replacing: replacing, operation: "fuzz") }
        _ = RouteMessage.remove(value, operation: "fuzz")
    }
    if let neighbour = try? NeighbourMessage(decoding: body), let address = neighbour.address {
        // What was decoded can be written again, and says the same.
        let entry = NeighbourMessage.Entry(link: neighbour.link, address: address, mac: neighbour.mac)
        let again = NeighbourMessage.add(entry, operation: "fuzz")
        let decoded = try? NeighbourMessage(decoding: again.body[...])
        precondition(decoded?.address == address && decoded?.mac == neighbour.mac && decoded?.link == neighbour.link)
    }
    if let tracked = try? ConntrackMessage(decoding: body) { _ = tracked.removal(operation: "fuzz") }
}

/// Attributes within attributes, as far as they go.
private func walk(_ attributes: AttributeReader, depth: Int) {
    guard depth < 8 else { return }
    var attributes = attributes
    while let attribute = try? attributes.next() {
        _ = attribute.text
        _ = try? attribute.uint32("fuzz")
        walk(attribute.nested, depth: depth + 1)
    }
}

/// libFuzzer's own loop (`FuzzerDriver`). The package manager gives the program's `main` the target's name, so that
/// libFuzzer's is not taken.
@_silgen_name("LLVMFuzzerRunDriver")
private func runDriver(
    _ count: UnsafeMutablePointer<CInt>,
    _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?>,
    _ test: @convention(c) (UnsafePointer<UInt8>?, Int) -> CInt
) -> CInt

/// The program.
@_cdecl("FuzzNetlink_main")
public func start(_ count: CInt, _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?) -> CInt {
    var count = count
    var arguments = arguments
    return runDriver(&count, &arguments) { fuzzNetlink($0, $1) }
}
