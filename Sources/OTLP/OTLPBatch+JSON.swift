import JSON
import Report

/// OTLP's JSON: identifiers are hexadecimal, 64-bit integers are strings.
extension OTLPBatch {
    var json: [UInt8] {
        var json = JSONText()
        json.object { json in
            json.array("resourceLogs") { json in
                json.object { json in
                    json.object("resource") { json in
                        json.array("attributes") { json in
                            for pair in resource {
                                Self.write(JSON.Member(key: pair.name, value: .string(pair.value)), into: &json)
                            }
                        }
                    }
                    json.array("scopeLogs") { json in
                        json.object { json in
                            json.object("scope") { json in
                                json.string("name", "sendonce")
                                json.string("version", version)
                            }
                            json.objects("logRecords", records) { Self.write($1, into: &$0) }
                        }
                    }
                }
            }
        }
        return json.bytes
    }

    private static func write(_ record: OTLPRecord, into json: inout JSONText) {
        json.string("timeUnixNano", String(record.time))
        json.string("observedTimeUnixNano", String(record.time))
        json.number("severityNumber", record.severityNumber)
        json.string("severityText", record.severityText)
        json.string("eventName", OTLPRecord.eventName)
        json.object("body") { $0.string("stringValue", record.body) }
        json.array("attributes") { json in
            for attribute in record.attributes { write(attribute, into: &json) }
        }
        json.string("traceId", record.traceID.isEmpty ? nil : record.traceID)
        json.string("spanId", record.spanID.isEmpty ? nil : record.spanID)
    }

    private static func write(_ attribute: JSON.Member, into json: inout JSONText) {
        json.object { json in
            json.string("key", attribute.key)
            json.object("value") { write(attribute.value, into: &$0) }
        }
    }

    /// The members of an AnyValue.
    private static func write(_ value: JSON, into json: inout JSONText) {
        switch value {
        case .null: break
        case .bool(let value): json.bool("boolValue", value)
        case .string(let text): json.string("stringValue", text)
        case .number(let text):
            if Int64(text) != nil { json.string("intValue", text) } else { json.number("doubleValue", Double(text)) }
        case .array(let elements):
            json.object("arrayValue") { json in
                json.objects("values", elements) { write($1, into: &$0) }
            }
        case .object(let members):
            json.object("kvlistValue") { json in
                json.array("values") { json in
                    for member in members { write(member, into: &json) }
                }
            }
        }
    }
}
