import Testing

@testable import Firewall
@testable import Reconciler

/// Tables that come and go while they are read.
@Suite struct SteadyReadingTests {
    private static let gone = FirewallError(operation: "read table inet t", reason: "No such file or directory")

    /// What the kernel says of its generation, one answer after the other, and the last one for ever.
    private final class Script {
        private var answers: [UInt32?]
        init(_ answers: [UInt32?]) { self.answers = answers }
        func next() -> UInt32? { answers.count > 1 ? answers.removeFirst() : answers[0] }
    }

    @Test func whatIsGoneIsLookedForAnew() throws {
        let script = Script([1, 2, 2, 3, 3])
        var seen: [UInt32?] = []
        let found = try SteadyReading.read(generation: script.next) { attempt, generation -> String? in
            seen.append(generation)
            guard attempt == 3 else { throw Self.gone }
            return "third"
        }
        #expect(found == "third")
        #expect(seen == [1, 2, 3])
    }

    @Test func whatFailsInOneGenerationIsAnError() {
        let script = Script([1, 2, 2])
        var attempts = 0
        #expect(throws: Self.gone) {
            try SteadyReading.read(generation: script.next) { attempt, _ -> String? in
                attempts = attempt
                throw Self.gone
            }
        }
        #expect(attempts == 2)
    }

    /// A kernel that does not say it: nobody knows whether something changed.
    @Test func withoutAGenerationTheFirstErrorCounts() {
        var attempts = 0
        #expect(throws: Self.gone) {
            try SteadyReading.read(generation: { nil }) { attempt, _ -> String? in
                attempts = attempt
                throw Self.gone
            }
        }
        #expect(attempts == 1)
    }

    @Test func whatNeverRestsIsAnErrorInTheEnd() {
        var (number, attempts): (UInt32, Int) = (0, 0)
        #expect(throws: Self.gone) {
            try SteadyReading.read(
                generation: {
                    number += 1
                    return number
                },
                { attempt, _ -> String? in
                    attempts = attempt
                    throw Self.gone
                })
        }
        #expect(attempts == SteadyReading.attempts)
    }

    @Test func partsOfTwoStatesAreReadAnew() throws {
        let found = try SteadyReading.read(generation: { 7 }) { attempt, _ in attempt == 3 ? attempt : nil }
        #expect(found == 3)
    }

    @Test func otherErrorsAreNotTriedAgain() {
        struct Other: Error {}
        var attempts = 0
        #expect(throws: Other.self) {
            try SteadyReading.read(generation: { 1 }) { attempt, _ -> String? in
                attempts = attempt
                throw Other()
            }
        }
        #expect(attempts == 1)
    }
}
