internal import Glibc
internal import Synchronization

/// A thread of its own that runs closures inside network namespaces.
///
/// Namespaces belong to threads; a thread that entered one must never serve anything else. So the thread is private
/// to the worker, works one closure at a time, and ends with the worker.
public final class NamespaceWorker: Sendable {
    private let desk: Desk
    private let thread: pthread_t
    private let isRunning: Bool

    /// Starts the thread; `EAGAIN` where there is no memory for it, or too many run.
    public init() throws(SystemError) {
        let desk = Desk()
        self.desk = desk
        var thread: pthread_t = 0
        let box = unsafe Unmanaged.passRetained(desk)
        let code = unsafe pthread_create(
            &thread, nil,
            { argument in
                if let argument = unsafe argument {
                    unsafe Unmanaged<Desk>.fromOpaque(argument).takeRetainedValue().loop()
                }
                return nil
            }, unsafe box.toOpaque())
        self.thread = thread
        isRunning = code == 0
        guard isRunning else {
            unsafe box.release()
            throw SystemError("start thread", "", Errno(rawValue: code))
        }
    }

    deinit {
        guard isRunning else { return }
        desk.end()
        pthread_join(thread, nil)
    }

    /// Runs the closure on the worker's thread inside the namespace and waits for it.
    public func run<Value: Sendable>(in namespace: Int32, _ body: () throws -> Value) throws -> Value {
        try perform {
            try Namespaces.enter(namespace)
            return try body()
        }
    }

    /// Starts a closure on the worker's thread and goes on; the worker must not be given anything else until `wait`
    /// was called on the result.
    public func start<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) -> Started<Value> {
        let results = Results<Value>()
        desk.begin {
            let result = Result { try body() }
            results.list.withLock { $0.append((0, result)) }
        }
        return Started(worker: self, results: results)
    }

    /// Work that goes on in another thread.
    public struct Started<Value: Sendable> {
        fileprivate let worker: NamespaceWorker
        fileprivate let results: Results<Value>

        /// Waits for the end of it; to be called once, and never left out.
        public consuming func wait() throws -> Value {
            worker.desk.wait()
            guard let result = results.list.withLock({ $0.first?.1 }) else {
                throw SystemError("run", "namespace worker", .invalid)
            }
            return try result.get()
        }
    }

    /// Makes a network namespace that only the descriptor holds.
    public func createNamespace() throws -> SharedDescriptor {
        try perform { SharedDescriptor(try Namespaces.create()) }
    }

    /// Runs the closure once for every position, inside the namespace that belongs to it, spread over the workers, and
    /// waits for all. Results are in the order of the positions.
    public static func concurrently<Value: Sendable>(
        _ workers: [NamespaceWorker], namespaces: [Int32], _ body: @escaping @Sendable (Int) throws -> Value
    ) -> [Result<Value, any Error>] {
        let results = Results<Value>()
        let used = workers.prefix(namespaces.count)
        for (offset, worker) in used.enumerated() {
            let step = used.count
            worker.desk.begin {
                for index in stride(from: offset, to: namespaces.count, by: step) {
                    let result = Result {
                        try Namespaces.enter(namespaces[index])
                        return try body(index)
                    }
                    results.list.withLock { $0.append((index, result)) }
                }
            }
        }
        for worker in used { worker.desk.wait() }
        return results.list.withLock { list in list.sorted { $0.0 < $1.0 }.map(\.1) }
    }

    private func perform<Value: Sendable>(_ body: () throws -> Value) throws -> Value {
        var result: Result<Value, any Error>?
        // The closure does not outlive this call: it returns only when the thread is done with it.
        withoutActuallyEscaping(body) { body in
            desk.submit { result = Result { try body() } }
        }
        guard let result else { throw SystemError("run", "namespace worker", .invalid) }
        return try result.get()
    }
}

/// What several workers found, by position.
fileprivate final class Results<Value: Sendable>: Sendable {
    let list = Mutex<[(Int, Result<Value, any Error>)]>([])
}

/// Where work is handed over: everything in it is guarded by the mutex.
@safe private final class Desk: @unchecked Sendable {
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let changed = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    private var job: (() -> Void)?
    private var isDone = false
    private var isEnding = false

    init() {
        unsafe pthread_mutex_init(mutex, nil)
        unsafe pthread_cond_init(changed, nil)
    }

    deinit {
        unsafe pthread_cond_destroy(changed)
        unsafe pthread_mutex_destroy(mutex)
        unsafe changed.deallocate()
        unsafe mutex.deallocate()
    }

    func submit(_ work: @escaping () -> Void) {
        begin(work)
        wait()
    }

    func begin(_ work: @escaping () -> Void) {
        locked {
            job = work
            isDone = false
            unsafe pthread_cond_broadcast(changed)
        }
    }

    func wait() {
        locked {
            while !isDone { unsafe pthread_cond_wait(changed, mutex) }
        }
    }

    func loop() {
        while runNext() {
            locked {
                isDone = true
                unsafe pthread_cond_broadcast(changed)
            }
        }
    }

    /// Runs one closure; false where there will be none any more. The closure is let go of before whoever waits for it
    /// is told, because it may not outlive their call: hence a function of its own that is never inlined.
    @inline(never) private func runNext() -> Bool {
        guard let work = next() else { return false }
        work()
        return true
    }

    func end() {
        locked {
            isEnding = true
            unsafe pthread_cond_broadcast(changed)
        }
    }

    private func next() -> (() -> Void)? {
        locked {
            while !isEnding && job == nil { unsafe pthread_cond_wait(changed, mutex) }
            defer { job = nil }
            return isEnding ? nil : job
        }
    }

    private func locked<Value>(_ body: () -> Value) -> Value {
        unsafe pthread_mutex_lock(mutex)
        defer { unsafe pthread_mutex_unlock(mutex) }
        return body()
    }
}
