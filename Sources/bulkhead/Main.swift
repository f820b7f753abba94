internal import Commands

@main
struct Main {
    static func main() { Bulkhead.start() }
}
