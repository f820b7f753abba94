#if BULKHEAD_FAULTS
    internal import NetlinkClient
    internal import NetlinkCodec
    internal import SystemCalls

    /// Faults that tests ask for in `BULKHEAD_FAULT`, as `KIND:STEP[:OPERATION[:REQUEST]]`, several with commas between.
    /// Steps and operations are positions in the plan. A release build has none of this.
    ///
    /// - `refuse`: the kernel refuses the operation, or one request of it; what travels behind it arrives.
    /// - `refuse-undo`: the same for an operation of the step's inverse.
    /// - `kill-before`, `kill-after`: SIGKILL when all before, or all up to it, is done; so for an operation.
    /// - `stop-before`: SIGSTOP, until the test sends SIGCONT.
    /// - `term-before`: SIGTERM.
    /// - `list`: writes `fault-point STEP OPERATION REQUESTS` to standard error for every operation.
    struct Faults {
        private struct Fault {
            var kind: Substring
            var numbers: [Int]

            func isAt(_ place: Executor.Place) -> Bool {
                guard numbers.first == place.step else { return false }
                return numbers.count < 2 || numbers[1] == place.operation
            }
        }

        private let faults: [Fault]
        private let lists: Bool

        init() {
            let text = Host.environment("BULKHEAD_FAULT") ?? ""
            lists = text == "list"
            faults = text.split(separator: ",").map { item in
                let parts = item.split(separator: ":")
                return Fault(kind: parts[0], numbers: parts.dropFirst().compactMap { Int($0) })
            }
        }

        /// Before an operation is put in the queue.
        func reach(_ place: Executor.Place, _ isUndoing: Bool, flush: () -> Void) throws {
            guard !isUndoing else { return }
            for fault in faults where fault.isAt(place) && (fault.numbers.count > 1 || place.operation == 0) {
                switch fault.kind {
                case "kill-before": signal(9, flush)
                case "term-before": signal(15, flush)
                case "stop-before": signal(19, flush)
                case _: break
                }
            }
        }

        /// After an operation was put in the queue.
        func leave(_ place: Executor.Place, _ isUndoing: Bool, flush: () -> Void) {
            guard !isUndoing else { return }
            for fault in faults where fault.kind == "kill-after" && fault.numbers.count > 1 && fault.isAt(place) {
                signal(9, flush)
            }
        }

        /// After all operations of a step were put in the queue.
        func leave(step: Int, flush: () -> Void) {
            for fault in faults where fault.kind == "kill-after" && fault.numbers == [step] { signal(9, flush) }
        }

        private func signal(_ number: Int32, _ flush: () -> Void) {
            flush()
            Host.signalSelf(number)
        }

        private func refusal(_ place: Executor.Place, _ isUndoing: Bool) -> Fault? {
            faults.first { $0.kind == (isUndoing ? "refuse-undo" : "refuse") && $0.isAt(place) }
        }

        private func list(_ place: Executor.Place, _ isUndoing: Bool, _ requests: Int) {
            guard lists, !isUndoing else { return }
            try? Host.write("fault-point \(place.step) \(place.operation) \(requests)\n", to: 2)
        }

        /// Throws where an operation that is no netlink request is to fail.
        func refuse(_ place: Executor.Place, _ isUndoing: Bool) throws {
            list(place, isUndoing, 1)
            if refusal(place, isUndoing) != nil { throw SystemError("injected fault", "", .notPermitted) }
        }

        /// The path of a setting, or one that no kernel has.
        func path(_ path: String, at place: Executor.Place, _ isUndoing: Bool) -> String {
            list(place, isUndoing, 1)
            return refusal(place, isUndoing) == nil ? path : "net/injected-fault"
        }

        /// The requests, of which one or all are such that the kernel refuses them.
        func requests(_ group: [Request], at place: Executor.Place, _ isUndoing: Bool) -> [Request] {
            list(place, isUndoing, group.count)
            guard let fault = refusal(place, isUndoing) else { return group }
            return group.enumerated().map { number, request in
                guard fault.numbers.count < 3 || fault.numbers[2] == number else { return request }
                // No kernel knows this type: EOPNOTSUPP.
                return Request(
                    MessageType(rawValue: 0xfff0), operation: "injected fault: \(request.operation)",
                    body: MessageWriter())
            }
        }
    }
#else
    internal import NetlinkCodec

    /// Nothing: faults are injected in debug builds only.
    struct Faults {
        func reach(_ place: Executor.Place, _ isUndoing: Bool, flush: () -> Void) throws {}
        func leave(_ place: Executor.Place, _ isUndoing: Bool, flush: () -> Void) {}
        func leave(step: Int, flush: () -> Void) {}
        func refuse(_ place: Executor.Place, _ isUndoing: Bool) throws {}
        func path(_ path: String, at place: Executor.Place, _ isUndoing: Bool) -> String { path }
        func requests(_ group: [Request], at place: Executor.Place, _ isUndoing: Bool) -> [Request] { group }
    }
#endif
