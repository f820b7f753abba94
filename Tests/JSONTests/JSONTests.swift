import JSON
import Testing

@Suite struct JSONTests {
    @Test func keepsTheOrderOfMembers() throws {
        let text = #"{"z":1,"a":[true,false,null,-5,"x"],"m":{"b":1.5}}"#
        #expect(try JSON(parsing: text).text() == text)
    }

    @Test func indentsByTwo() {
        let value: JSON = ["a": 1, "b": ["x", []], "c": [:]]
        #expect(
            value.text(pretty: true) == """
                {
                  "a": 1,
                  "b": [
                    "x",
                    []
                  ],
                  "c": {}
                }

                """)
    }

    @Test func escapesWhatATerminalWouldObey() throws {
        let value = JSON.string("a\u{1b}[31m\u{9b}\u{7f}\u{202e}\"\\\n")
        #expect(value.text() == #""a\u001b[31m\u009b\u007f\u202e\"\\\n""#)
        #expect(try JSON(parsing: value.text()) == value)
    }

    @Test(arguments: [
        ("", "line 1, column 0: '[' or '{' expected near end of file"),
        ("{\"a\":1,\"a\":2}", "line 1, column 10: duplicate object key near '\"a\"'"),
        ("[1] x", "line 1, column 5: end of file expected near 'x'"),
    ]) func namesWhatIsWrong(text: String, message: String) {
        let error = #expect(throws: JSONError.self) { try JSON(parsing: text) }
        #expect(text.isEmpty || error?.description == message)
    }

    @Test func refusesEndlessNesting() {
        #expect(throws: JSONError.self) { try JSON(parsing: String(repeating: "[", count: 100_000)) }
    }

    @Test func everyValueSurvivesTheRoundTrip() throws {
        var state: UInt64 = 7
        func next(_ bound: UInt64) -> UInt64 {
            state &+= 0x9e37_79b9_7f4a_7c15
            var mixed = state
            mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
            mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
            return (mixed ^ (mixed >> 31)) % bound
        }
        func value(_ depth: Int) -> JSON {
            switch next(depth > 4 ? 4 : 6) {
            case 0: return .null
            case 1: return .bool(next(2) == 0)
            case 2: return .int(Int64(bitPattern: next(.max)))
            case 3:
                return .string(
                    String(
                        String.UnicodeScalarView(
                            (0..<next(8)).map { _ in
                                Unicode.Scalar(UInt32(next(0xd7ff) + 1)) ?? "x"
                            })))
            case 4: return .array((0..<next(5)).map { _ in value(depth + 1) })
            case _: return .object(JSONObject((0..<next(5)).map { .init(key: "k\($0)", value: value(depth + 1)) }))
            }
        }
        for _ in 0..<500 {
            let original = value(0)
            #expect(try JSON(parsing: original.text()) == original)
            #expect(try JSON(parsing: original.text(pretty: true)) == original)
        }
    }
}
