import JSON
import Report

/// The groups that a legacy application is known for: a file that belongs beside its source.
public enum Baseline {
    public struct Entry: Sendable, Equatable {
        public let group: String
        public let subject: String

        public init(group: String, subject: String) {
            self.group = group
            self.subject = subject
        }
    }

    public struct Malformed: Error, CustomStringConvertible {
        public let description: String
    }

    static let schema = 1

    public static func entries(_ bytes: [UInt8]) throws(Malformed) -> [Entry] {
        let json: JSON
        do throws(JSONFault) { json = try JSON.parse(bytes) } catch { throw Malformed(description: "no JSON: \(error)") }
        guard json["schema"]?.integer == schema, let groups = json["groups"]?.array else {
            throw Malformed(description: "no baseline of this version: it has `schema` \(schema) and `groups`")
        }
        var entries: [Entry] = []
        for group in groups {
            guard let name = group["group"]?.string else { throw Malformed(description: "a group without its name") }
            entries.append(Entry(group: name, subject: group["subject"]?.string ?? ""))
        }
        return entries
    }

    /// A line a group, in the order of their names, so that changes are read and merged like source.
    public static func text(_ findings: Findings) -> [UInt8] {
        var lines: [[UInt8]] = []
        for finding in findings.list.sorted(by: { $0.group < $1.group }) {
            var line = JSONText()
            line.object { json in
                json.string("group", finding.group)
                json.string("kind", finding.kind)
                json.string("subject", finding.subject)
            }
            lines.append(Array("    ".utf8) + line.bytes)
        }
        let groups = lines.joined(separator: Array(",\n".utf8))
        let body = lines.isEmpty ? [] : Array("\n".utf8) + Array(groups) + Array("\n  ".utf8)
        return Array("{\n  \"schema\": \(schema),\n  \"groups\": [".utf8) + body + Array("]\n}\n".utf8)
    }
}
