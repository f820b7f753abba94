public import JSON
public import Model

/// A plan as a file: the document that people and programs read, with what apply needs behind it, and a digest.
///
/// The digest finds damage and edits. It is no signature: whoever can make plans can make digests. What is applied is
/// safe all the same, because apply plans again from the manifests and refuses a saved plan that differs.
public struct SavedPlan: Hashable, Codable, Sendable {
    /// The plan, operations and inverse operations included.
    public var plan: Plan
    /// The version of bulkhead that made it.
    public var bulkhead: String
    /// The PATHs of the manifests, absolute.
    public var paths: [String]
    /// Whether objects that no manifest declares are deleted.
    public var prunes: Bool
    /// What is taken over (`--adopt`), sorted.
    public var adopts: [ObjectID]

    /// A plan to be saved.
    public init(plan: Plan, bulkhead: String, paths: [String], prunes: Bool, adopts: [ObjectID]) {
        self.plan = plan
        self.bulkhead = bulkhead
        self.paths = paths
        self.prunes = prunes
        self.adopts = adopts
    }

    /// What the document says that it is.
    public static let format = "bulkhead.plan/v1"

    /// The document to be written: `readable` is the plan as `plan --output json` prints it.
    public func document(readable: JSON) throws -> JSON {
        guard case .object(var document) = readable else { return readable }
        document["apply"] = try JSON(encoding: self)
        document["digest"] = nil
        document["digest"] = .string(Self.digest(.object(document)))
        return .object(document)
    }

    /// Whether a file that begins like this is meant to be a saved plan, damaged or not.
    public static func isMeant(_ prefix: some Collection<UInt8>) -> Bool {
        let text = String(decoding: prefix, as: UTF8.self)
        return text.first { !$0.isWhitespace } == "{" && text.contains("bulkhead.plan/")
    }

    /// Reads a saved plan, and refuses whatever was not written by `document` or was changed since.
    public init(reading bytes: [UInt8]) throws(SavedPlanError) {
        let document: JSON
        do throws(JSONError) {
            document = try JSON(parsing: bytes)
        } catch {
            throw SavedPlanError("it is damaged (\(error))")
        }
        guard case .object(var members) = document, let format = document["format"]?.string else {
            throw SavedPlanError("it is no saved plan")
        }
        guard format == Self.format else {
            throw SavedPlanError("its format is '\(format.terminalSafe)', and this bulkhead reads '\(Self.format)'")
        }
        guard let content = document["apply"] else {
            throw SavedPlanError("it is what `plan --output json` prints, which shows a plan but cannot be applied")
        }
        let digest = document["digest"]?.string
        members["digest"] = nil
        guard let digest, digest == Self.digest(.object(members)) else {
            throw SavedPlanError("it was changed after it was saved: its digest does not match")
        }
        do throws(DocumentError) {
            self = try content.decode(SavedPlan.self)
        } catch {
            throw SavedPlanError("it cannot be read: \(error)")
        }
    }

    private static func digest(_ document: JSON) -> String { "sha256:" + SHA256.hex(document.text().utf8) }
}

/// Why a file is not taken as a saved plan.
public struct SavedPlanError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What is wrong with it.
    public let description: String
    init(_ description: String) { self.description = description }
}

extension Plan {
    /// The plan without the places in the manifests, which depend on the folder it was made in: two plans that are
    /// equal so do the same.
    public var withoutPlaces: Plan {
        var plan = self
        plan.warnings = []
        for index in plan.steps.indices { plan.steps[index].source = nil }
        return plan
    }
}
