internal import ArgumentParser
internal import Model
internal import Reconciler
internal import SystemCalls

/// `bulkhead exec`.
struct Exec: Verb {
    static let configuration = CommandConfiguration(
        commandName: "exec",
        abstract: "Run a command inside a compartment, with its resolv.conf and hosts.",
        discussion:
            "The status is the command's own; 125 bulkhead failed, 126 not executable, 127 not found, 128+n signal.")

    @Argument(
        help: ArgumentHelp("A compartment, or endpoint/NAME.", valueName: "compartment"),
        completion: .shellCommand("ls /run/netns 2>/dev/null"))
    var place: String

    @Argument(
        parsing: .postTerminator, help: ArgumentHelp("The command and its arguments, after --.", valueName: "command"))
    var command: [String] = []

    @OptionGroup var global: GlobalOptions

    func validate() throws {
        guard !command.isEmpty else {
            throw ValidationError("give a command after --, such as `bulkhead exec web-1 -- ip address`")
        }
    }

    func run() throws {
        do {
            try Comparison.requireRights()
            let inventory = try Inventory.read(global)
            let compartment = try find(inventory)
            let target = try NamespaceEntry.open(compartment.path)
            let files = try compartment.files(try global.folders().namespaceFiles)
            let (status, error) = Execution.become(command, in: target.descriptor, binding: files)
            Terminal.err("bulkhead: \(error)\n")
            throw ExecFinish(status: status)
        } catch let error as ExecFinish {
            throw error
        } catch {
            Terminal.err("bulkhead: \(Failures.text(error))\n")
            throw ExecFinish(status: 125)
        }
    }

    private func find(_ inventory: Inventory) throws -> Inventory.Compartment {
        if place.hasPrefix("endpoint/") || place.hasPrefix("Endpoint/") {
            let name = String(place.dropFirst(9))
            guard let endpoint = inventory.endpoints.first(where: { $0.name == name }) else {
                throw Complaint("no endpoint '\(name.terminalSafe)' in scope \(global.scope.terminalSafe)")
            }
            if let kind = endpoint.machineKind {
                throw Complaint(
                    "endpoint '\(name.terminalSafe)' is the card of a virtual machine (\(kind) \(endpoint.outer.name.terminalSafe)) and "
                        + "in no compartment; run the command in the machine")
            }
            guard let found = inventory.compartments.first(where: { $0.name == endpoint.compartment }) else {
                throw Complaint(
                    "the compartment of endpoint '\(name.terminalSafe)' is in no namespace that the netns folder or the manifests in force name"
                )
            }
            return found
        }
        let name =
            place.hasPrefix("compartment/") || place.hasPrefix("Compartment/") ? String(place.dropFirst(12)) : place
        guard let found = inventory.compartments.first(where: { $0.name == name }) else {
            let known = inventory.compartments.map(\.name).prefix(10).joined(separator: ", ")
            throw Complaint(
                "no compartment '\(name.terminalSafe)' in scope \(global.scope.terminalSafe)\(known.isEmpty ? "" : "; there are \(known)")"
            )
        }
        return found
    }
}

/// Ends `exec` where no command took over.
struct ExecFinish: Error {
    let status: Int32
}

/// A namespace to be entered.
enum NamespaceEntry {
    static func open(_ path: String) throws -> SharedDescriptor {
        guard let found = try Namespaces.open(path) else {
            throw Complaint("\(path.terminalSafe) is no network namespace")
        }
        return found
    }
}
