import NetlinkClient
import NetlinkCodec
import SystemCalls
import Testing

/// What the client makes of answers, the strange ones above all.
@Suite struct ConnectionTests {
    private static let requests = [1, 2, 3].map { number in
        [Request(.setLink, operation: "set link \(number)", body: MessageWriter())]
    }
    private static let table = Request(.getNamespaceID, .dump, operation: "read table", body: MessageWriter())

    private func rows(_ connection: NetlinkConnection) throws -> [UInt8] {
        try connection.dump(Self.table) { $0.type == .newNamespaceID ? $0.body.first : nil }
    }

    @Test func refusalsAreTheRequestsThatTheyAnswer() throws {
        let connection = NetlinkConnection(
            ScriptedTransport([[.datagram([.ack(0)]), .datagram([.ack(2, error: 17), .ack(1)])]]))
        let results = try connection.perform(Self.requests)
        #expect(results.map { $0?.description } == [nil, nil, "set link 3: EEXIST (File exists)"])
    }

    @Test func anAnswerThatComesTwiceCountsOnce() throws {
        let transport = ScriptedTransport([[.datagram([.ack(0), .ack(0), .ack(1)]), .datagram([.ack(2, error: 1)])]])
        let results = try NetlinkConnection(transport).perform(Self.requests)
        #expect(results[2]?.code == .notPermitted)
    }

    @Test func answersOfOthersAndToOthersAreNone() throws {
        let transport = ScriptedTransport([
            [
                .datagram([.ack(0, error: 1), .ack(1, error: 1), .ack(2, error: 1)], sender: 5),
                .datagram([.ack(0, error: 1, port: 78), .ack(9, error: 1)]),
                .datagram([.ack(0), .ack(1), .ack(2)]),
            ]
        ])
        #expect(try NetlinkConnection(transport).perform(Self.requests) == [nil, nil, nil])
    }

    /// What comes after a lost answer belongs to nothing any more, and is not waited for.
    @Test func afterALostAnswerTheRestIsGivenAway() throws {
        let transport = ScriptedTransport([
            [.datagram([.ack(0)]), .failure(.noBuffers), .datagram([.ack(2)])], [.datagram([.ack(0, error: 1)])],
        ])
        let connection = NetlinkConnection(transport)
        #expect(throws: SystemError.self) { try connection.perform(Self.requests) }
        #expect(throws: NetlinkError.self) { try connection.perform(Self.requests[0][0]) }
    }

    @Test func aQuestionWhoseAnswerWasLostIsAskedAgain() throws {
        let lost: [ScriptedTransport.Answer] = [.failure(.noBuffers)]
        let transport = ScriptedTransport([lost, lost, [.datagram([.row(7), .ack(0)])]])
        let question = Request(.getNamespaceID, operation: "ask", body: MessageWriter())
        #expect(try NetlinkConnection(transport).get(question)?.body.first == 7)
        let other = ScriptedTransport([lost, lost, lost])
        #expect(throws: SystemError.self) { try NetlinkConnection(other).get(question) }
        #expect(other.sent == 3)
    }

    @Test func tablesComeInPartsAndLeaveOutWhatIsNotTheirs() throws {
        let transport = ScriptedTransport([
            [
                .datagram([.row(1), .row(8, port: 78), .row(9, request: 4)]), .datagram([.row(7)], sender: 3),
                .datagram([.row(2), .done()]),
            ]
        ])
        #expect(try rows(NetlinkConnection(transport)) == [1, 2])
    }

    @Test func aTableThatChangedMeanwhileIsReadAgain() throws {
        let transport = ScriptedTransport([
            [.datagram([.row(1, flags: 0x12), .done()])], [.datagram([.row(2), .done()])],
        ])
        #expect(try rows(NetlinkConnection(transport)) == [2])
        #expect(transport.sent == 2)
    }

    @Test func aTableOfWhichPartsWereLostIsReadToItsEndAndThenAgain() throws {
        let transport = ScriptedTransport([
            [.datagram([.row(1)]), .failure(.noBuffers), .datagram([.row(3), .done()])],
            [.datagram([.row(1), .row(2), .row(3), .done()])],
        ])
        #expect(try rows(NetlinkConnection(transport)) == [1, 2, 3])
        #expect(transport.sent == 2)
    }

    @Test func aTableThatNeverComesToRestIsAnError() throws {
        let transport = ScriptedTransport(Array(repeating: [.datagram([.row(1, flags: 0x12), .done()])], count: 20))
        #expect(
            throws: NetlinkError(
                operation: "read table", code: .interrupted,
                text: "the table kept changing while it was read 8 times; try again when it is quieter")
        ) { try rows(NetlinkConnection(transport)) }
        #expect(transport.sent == 8)
    }

    /// Where one namespace shall keep no others from being read.
    @Test func aTableThatNeverComesToRestIsKeptWhereThatIsWanted() throws {
        let transport = ScriptedTransport(
            Array(repeating: [.datagram([.row(1, flags: 0x12), .done()])], count: 8)
                + [[.datagram([.row(2, flags: 0x12), .done()])], [.datagram([.row(3), .done()])]])
        let connection = NetlinkConnection(transport, keepsUnsteady: true)
        #expect(try rows(connection) == [1])
        #expect(transport.sent == 8 && connection.isUnsteady)
        // Nobody waits for the other tables as long.
        #expect(try rows(connection) == [2])
        #expect(try rows(connection) == [3])
        #expect(transport.sent == 10 && connection.isUnsteady)
    }

    @Test func aTableThatIsRefusedSaysWhy() throws {
        let transport = ScriptedTransport([[.datagram([.ack(0, error: 1)])]])
        #expect(throws: NetlinkError(operation: "read table", code: .notPermitted, text: nil)) {
            try rows(NetlinkConnection(transport))
        }
    }
}
