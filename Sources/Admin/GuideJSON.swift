import Detector
import Explanations
import Report

/// The guide to every kind, as the page reads it: the same source as `sendonce explain`.
enum GuideJSON {
    static var document: [UInt8] {
        var json = JSONText()
        json.object { json in
            json.objects("kinds", Kind.allCases) { json, kind in put(.of(kind), into: &json) }
        }
        return json.bytes
    }

    private static func put(_ explanation: Explanation, into json: inout JSONText) {
        json.string("kind", explanation.kind.rawValue)
        json.string("title", explanation.title)
        json.string("summary", explanation.summary)
        json.string("remedy", explanation.remedy)
        json.strings("wire", explanation.wire)
        json.strings("causes", explanation.causes)
        json.object("example") { json in
            json.string("outcome", explanation.example.outcome)
            json.string("before", explanation.example.before)
            json.string("after", explanation.example.after)
        }
        json.string("client", explanation.client)
        json.strings("practices", explanation.practices)
        json.object("policies") { json in
            json.string("observe", explanation.policies.observe)
            json.string("contain", explanation.policies.contain)
            json.string("fail", explanation.policies.fail)
        }
        json.strings("benign", explanation.benign)
        json.strings("related", explanation.related.map(\.rawValue))
    }
}
