/// What a value may be.
indirect enum ValueType: Sendable {
    case text(TextFormat)
    case integer(ClosedRange<Int>)
    case boolean
    /// A port or a range of ports, written as a number or as text.
    case ports
    /// A list; `minimum` 1 where an empty one would be a condition that nothing fulfils.
    case list(ValueType, minimum: Int)
    /// Any keys, one type of values.
    case map(ValueType)
    case object(ObjectSpec)
    /// The first that fits decides; the words say what is expected.
    case either([ValueType], words: String)
}

/// One field of a manifest: the single declaration behind decoder, JSON Schema, `explain` and reference.
struct FieldSpec: Sendable {
    var key: String
    var type: ValueType
    var isRequired: Bool
    /// What holds where it is left out.
    var defaultText: String?
    /// What it means, in one or two sentences.
    var doc: String
    /// The kernel object it makes, with the `ip` or `nft` equivalent.
    var kernel: String?

    init(
        _ key: String, _ type: ValueType, required: Bool = false, default defaultText: String? = nil, _ doc: String,
        kernel: String? = nil
    ) {
        self.key = key
        self.type = type
        self.isRequired = required
        self.defaultText = defaultText
        self.doc = doc
        self.kernel = kernel
    }
}

/// A mapping with known keys.
struct ObjectSpec: Sendable {
    var fields: [FieldSpec]
    init(_ fields: [FieldSpec]) { self.fields = fields }
    func field(_ key: String) -> FieldSpec? { fields.first { $0.key == key } }
}

/// A kind of document.
struct KindSpec: Sendable {
    var kind: String
    var doc: String
    var spec: ObjectSpec

    /// The whole document.
    var document: ObjectSpec {
        ObjectSpec([
            FieldSpec("apiVersion", .text(.words([Self.apiVersion])), required: true, "Version of this contract."),
            FieldSpec("kind", .text(.words([kind])), required: true, "What the document declares."),
            FieldSpec("metadata", .object(Self.metadata), required: true, "Name and labels."),
            FieldSpec("spec", .object(spec), "What is wanted."),
        ])
    }

    static let apiVersion = "bulkhead.dev/v1alpha1"

    static let metadata = ObjectSpec([
        FieldSpec("name", .text(.name), required: true, "Unique per kind."),
        FieldSpec("labels", .map(.text(.free)), "Kubernetes labels, for selectors."),
        FieldSpec(
            "annotations", .map(.text(.note)),
            "Free notes; `bulkhead.dev/prevent-destroy: \"true\"` makes every plan that would delete the object an error."
        ),
    ])

    static let selector = ObjectSpec([
        FieldSpec("matchLabels", .map(.text(.free)), "Labels that must all be there with these values."),
        FieldSpec(
            "matchExpressions",
            .list(
                .object(
                    ObjectSpec([
                        FieldSpec("key", .text(.free), required: true, "Label key."),
                        FieldSpec(
                            "operator", .text(.words(["In", "NotIn", "Exists", "DoesNotExist"])), required: true,
                            "How it is compared."),
                        FieldSpec("values", .list(.text(.free), minimum: 1), "For In and NotIn."),
                    ])), minimum: 1), "Conditions that must all hold."),
    ])

    static let all: [KindSpec] = [.host, .network, .compartment, .endpoint, .policy]
    static func named(_ kind: String) -> KindSpec? { all.first { $0.kind == kind } }
}
