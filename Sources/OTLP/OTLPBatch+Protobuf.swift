import JSON

/// OTLP's protobuf, by the numbers of opentelemetry-proto's `logs/v1` and `common/v1`.
extension OTLPBatch {
    var protobuf: [UInt8] {
        var request = ProtobufText()
        request.message(1) { logs in
            logs.message(1) { resource in
                for pair in self.resource {
                    Self.write(JSON.Member(key: pair.name, value: .string(pair.value)), 1, into: &resource)
                }
            }
            logs.message(2) { scoped in
                scoped.message(1) { scope in
                    scope.string(1, "sendonce")
                    scope.string(2, version)
                }
                for record in records { scoped.message(2) { Self.write(record, into: &$0) } }
            }
        }
        return request.bytes
    }

    private static func write(_ record: OTLPRecord, into message: inout ProtobufText) {
        message.fixed64(1, record.time)
        message.varint(2, UInt64(record.severityNumber))
        message.string(3, record.severityText)
        message.message(5) { $0.string(1, record.body) }
        for attribute in record.attributes { write(attribute, 6, into: &message) }
        message.data(9, Hex.bytes(record.traceID))
        message.data(10, Hex.bytes(record.spanID))
        message.fixed64(11, record.time)
        message.string(12, OTLPRecord.eventName)
    }

    /// A KeyValue.
    private static func write(_ member: JSON.Member, _ field: UInt64, into message: inout ProtobufText) {
        message.message(field) { pair in
            pair.string(1, member.key)
            pair.message(2) { write(member.value, into: &$0) }
        }
    }

    /// The members of an AnyValue.
    private static func write(_ value: JSON, into message: inout ProtobufText) {
        switch value {
        case .null: break
        case .string(let text): message.string(1, text)
        case .bool(let value): message.varint(2, value ? 1 : 0)
        case .number(let text):
            if let integer = Int64(text) {
                message.varint(3, UInt64(bitPattern: integer))
            } else {
                message.fixed64(4, (Double(text) ?? 0).bitPattern)
            }
        case .array(let elements):
            message.message(5) { list in
                for element in elements { list.message(1) { write(element, into: &$0) } }
            }
        case .object(let members):
            message.message(6) { list in
                for member in members { write(member, 1, into: &list) }
            }
        }
    }
}
