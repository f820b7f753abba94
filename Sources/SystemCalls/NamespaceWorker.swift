internal import CLinuxShims
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

    /// Runs the closure on the worker's thread, wherever that is, and waits for it.
    func visit(_ body: () throws -> Void) throws { try perform(body) }

    /// Runs the closure on the worker's thread inside the namespace and waits for it.
    public func run<Value: Sendable>(in namespace: Int32, _ body: () throws -> Value) throws -> Value {
        try perform {
            try Namespaces.enter(namespace)
            return try body()
        }
    }

    /// Starts to run the closure once for every position below `count`, on all workers, each taking the next position
    /// when it is done with one, and goes on; the workers must not be given anything else until `wait` was called on the
    /// result. Each worker makes one value of `tools`, by its own number, which it lends to all that it runs. The last
    /// argument of the closure lets its thread enter a namespace, where it stays until it enters another.
    public static func start<Tools, Value: Sendable>(
        _ workers: [NamespaceWorker], count: Int, tools: @escaping @Sendable (Int) -> Tools,
        _ body: @escaping @Sendable (Int, Tools, Entrance) throws -> Value
    ) -> Started<Value> {
        let results = Results<Value>()
        let used = Array(workers.prefix(count))
        for (number, worker) in used.enumerated() {
            worker.desk.begin {
                let tools = tools(number)
                while let position = results.next(below: count) {
                    let result = Result { try body(position, tools, Entrance()) }
                    results.list.withLock { $0.append((position, result)) }
                }
            }
        }
        return Started(workers: used, results: results)
    }

    /// The right to enter namespaces, which only a worker's thread has.
    public struct Entrance {
        fileprivate init() {}

        /// Enters the namespace open as a descriptor (`setns(2)`).
        public func enter(_ namespace: Int32) throws(SystemError) { try Namespaces.enter(namespace) }
    }

    /// Work that goes on in other threads.
    public struct Started<Value: Sendable>: Sendable {
        fileprivate let workers: [NamespaceWorker]
        fileprivate let results: Results<Value>

        /// Waits for the end of it all; to be called once, and never left out. Results are in the order of the positions.
        public consuming func wait() -> [Result<Value, any Error>] {
            for worker in workers { worker.desk.wait() }
            return results.list.withLock { list in list.sorted { $0.0 < $1.0 }.map(\.1) }
        }
    }

    /// Makes a network namespace that only the descriptor holds.
    public func createNamespace() throws -> SharedDescriptor {
        try perform { SharedDescriptor(try Namespaces.create()) }
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
    private let position = Mutex(0)

    /// The next position that nobody took.
    func next(below count: Int) -> Int? {
        position.withLock { position in
            guard position < count else { return nil }
            defer { position += 1 }
            return position
        }
    }
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
        bulkhead_keep_thread_memory()
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
