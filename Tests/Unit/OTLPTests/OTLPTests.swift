import JSON
import Testing

@testable import OTLP

private func resolve(_ endpoint: String?, _ environment: [String: String] = [:]) throws -> OTLPSettings? {
    try OTLPSettings.resolve(endpoint: endpoint, environment: environment, version: "1.2.3")
}

struct OTLPSettingsTests {
    @Test(
        arguments: [
            (nil, [:], nil),
            ("http://c:4318", [:], "http://c:4318/v1/logs"),
            ("http://c:4318/", [:], "http://c:4318/v1/logs"),
            ("https://c/otlp/logs", [:], "https://c/otlp/logs"),
            (nil, ["OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4318"], "http://c:4318/v1/logs"),
            (nil, ["OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4318/base"], "http://c:4318/base/v1/logs"),
            (nil, ["OTEL_EXPORTER_OTLP_LOGS_ENDPOINT": "http://l/x", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://c"], "http://l/x"),
            ("http://own", ["OTEL_EXPORTER_OTLP_ENDPOINT": "http://c"], "http://own/v1/logs"),
            ("http://own", ["OTEL_SDK_DISABLED": "true"], nil),
            ("http://own", ["OTEL_LOGS_EXPORTER": "none"], nil),
            (nil, ["OTEL_EXPORTER_OTLP_ENDPOINT": ""], nil),
        ] as [(String?, [String: String], String?)])
    func theEndpoint(_ endpoint: String?, _ environment: [String: String], _ url: String?) throws {
        #expect(try resolve(endpoint, environment)?.url == url)
    }

    @Test func theStandardVariables() throws {
        let settings = try #require(
            try resolve(
                "http://c",
                [
                    "OTEL_EXPORTER_OTLP_HEADERS": "authorization=Bearer%20x, tenant = 7",
                    "OTEL_EXPORTER_OTLP_TIMEOUT": "250", "OTEL_EXPORTER_OTLP_LOGS_TIMEOUT": "300",
                    "OTEL_EXPORTER_OTLP_COMPRESSION": "gzip", "OTEL_EXPORTER_OTLP_PROTOCOL": "http/json",
                    "OTEL_EXPORTER_OTLP_CERTIFICATE": "ca.pem", "OTEL_SERVICE_NAME": "edge",
                    "OTEL_RESOURCE_ATTRIBUTES": "service.name=other,deployment.environment=prod",
                ]))
        #expect(settings.headers == [.init("authorization", "Bearer x"), .init("tenant", "7")])
        #expect(settings.timeoutMilliseconds == 300)
        #expect(settings.compresses)
        #expect(settings.encoding == .json)
        #expect(settings.authorities == "ca.pem")
        #expect(
            settings.resource == [
                .init("service.name", "edge"), .init("deployment.environment", "prod"), .init("service.version", "1.2.3"),
            ])
    }

    @Test(arguments: [
        ["OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"], ["OTEL_EXPORTER_OTLP_TIMEOUT": "5s"],
        ["OTEL_EXPORTER_OTLP_COMPRESSION": "zstd"],
        ["OTEL_EXPORTER_OTLP_HEADERS": "novalue"], ["OTEL_EXPORTER_OTLP_HEADERS": "a=x%0d%0ab: c"],
        ["OTEL_EXPORTER_OTLP_ENDPOINT": "c:4318"],
    ])
    func whatCannotBeUsedIsSaid(_ environment: [String: String]) {
        let name = environment.keys.first!
        #expect {
            try resolve(name.hasSuffix("ENDPOINT") ? nil : "http://c", environment)
        } throws: { "\($0)".hasPrefix(name) }
    }
}

struct OTLPRecordTests {
    static let line = Array(
        #"""
        {"time":"2026-11-22T09:15:03.123456Z","id":"01K","schema":1,"severity":"error","kind":"second_response","message":"twice",
        "protocol":"http/1.1","upstream":{"name":"a","address":"[::1]:3000","connection":8},"client":{"address":"10.0.0.9:51234"},
        "request":{"id":"r","path":"/a?x=1","trace_id":"4bf92f3577b34da6a3ce929d0e0e4736","span_id":"00f067aa0ba902b7"},
        "evidence":{"delay_ms":20.1,"second_fields":["a","b"]},"application":{"first":["at f","at g"],"second":["at h"]}}
        """#.utf8)

    @Test func eachFactHasItsAttribute() throws {
        let record = try #require(OTLPRecord(line: Self.line))
        #expect(record.time == 1_795_338_903_123_456_000)
        #expect(record.severityNumber == 17 && record.body == "twice")
        #expect(record.traceID == "4bf92f3577b34da6a3ce929d0e0e4736" && record.spanID == "00f067aa0ba902b7")
        func value(_ key: String) -> JSON? { record.attributes.first { $0.key == key }?.value }
        #expect(value("error.type") == .string("second_response"))
        #expect(value("network.protocol.version") == .string("1.1"))
        #expect(value("server.address") == .string("::1") && value("server.port") == .number("3000"))
        #expect(value("client.address") == .string("10.0.0.9"))
        #expect(value("url.path") == .string("/a") && value("url.query") == .string("x=1"))
        #expect(value("sendonce.evidence.delay") == .number("20.1"))
        #expect(value("sendonce.evidence.second_fields") == .array([.string("a"), .string("b")]))
        #expect(value("exception.stacktrace") == .string("at h"))
        #expect(value("sendonce.application.first.stacktrace") == .string("at f\nat g"))
        #expect(value("message") == nil && value("sendonce.request.trace_id") == nil)
    }

    @Test func whatIsNoRecordIsLeftOut() {
        #expect(OTLPRecord(line: Array("{}".utf8)) == nil)
        #expect(OTLPRecord(line: Array("half a li".utf8)) == nil)
        #expect(OTLPBatch([Self.line, [0x7B]], resource: [], version: "1").records.count == 1)
    }

    @Test func jsonIsJSON() throws {
        let batch = OTLPBatch([Self.line], resource: [.init("service.name", "sendonce")], version: "1")
        let json = try JSON.parse(batch.json)
        let record = json["resourceLogs"]?.array?[0]["scopeLogs"]?.array?[0]["logRecords"]?.array?[0]
        #expect(record?["timeUnixNano"] == .string("1795338903123456000"))
        #expect(record?["traceId"] == .string("4bf92f3577b34da6a3ce929d0e0e4736"))
    }
}

struct ProtobufTests {
    @Test func whatIsWrittenIsRead() {
        var message = ProtobufText()
        message.varint(1, 300)
        message.fixed64(2, 1)
        message.string(15, "ab")
        #expect(message.bytes == [0x08, 0xAC, 0x02, 0x11, 1, 0, 0, 0, 0, 0, 0, 0, 0x7A, 2, 0x61, 0x62])
        var reader = ProtobufReader(message.bytes[...])
        #expect(reader.next()?.value == .varint(300))
        #expect(reader.next()?.value == .fixed)
        #expect(reader.next()?.value == .data([0x61, 0x62]))
        #expect(reader.next() == nil)
    }

    @Test func anyBytesAreSafe() {
        for length in 0..<64 {
            for seed in 0..<64 {
                var reader = ProtobufReader((0..<length).map { UInt8(truncatingIfNeeded: ($0 + 1) * (seed * 37 + 11)) }[...])
                while reader.next() != nil {}
            }
        }
        var endless = ProtobufReader([UInt8](repeating: 0xFF, count: 32)[...])
        #expect(endless.next() == nil)
    }
}

struct OTLPAnswerTests {
    private func read(_ status: Int, _ body: String = "", after: Int = 0, error: String = "") -> OTLPAnswer {
        OTLPAnswer.read(status: status, retryAfterSeconds: after, body: Array(body.utf8), error: error, encoding: .json)
    }

    @Test func statuses() {
        #expect(read(200) == .taken(rejected: 0, message: ""))
        #expect(
            read(200, #"{"partialSuccess":{"rejectedLogRecords":"3","errorMessage":"no"}}"#)
                == .taken(rejected: 3, message: "no"))
        #expect(read(200, "nonsense") == .taken(rejected: 0, message: ""))
        #expect(read(503, after: 7) == .again(afterMilliseconds: 7000, reason: "status 503"))
        #expect(read(429) == .again(afterMilliseconds: 0, reason: "status 429"))
        #expect(read(0, error: "gone") == .again(afterMilliseconds: 0, reason: "gone"))
        #expect(read(400) == .refused(reason: "status 400"))
        #expect(read(301) == .refused(reason: "status 301"))
    }

    @Test func partialSuccessInProtobuf() {
        var partial = ProtobufText()
        partial.varint(1, 2)
        partial.string(2, "late")
        var response = ProtobufText()
        response.data(1, partial.bytes)
        #expect(
            OTLPAnswer.read(status: 200, retryAfterSeconds: 0, body: response.bytes, error: "", encoding: .protobuf)
                == .taken(rejected: 2, message: "late"))
    }
}

struct BackoffTests {
    @Test func waitsLongerAndLongerAndNeverLessThanAsked() {
        var backoff = Backoff()
        var random = SystemRandomNumberGenerator()
        var step = Backoff.firstMilliseconds
        for _ in 0..<12 {
            #expect((step / 2...step).contains(backoff.wait(atLeast: 0, using: &random)))
            step = min(step * 2, Backoff.lastMilliseconds)
        }
        #expect(backoff.wait(atLeast: 60_000, using: &random) == 60_000)
        backoff.reset()
        #expect(backoff.wait(atLeast: 0, using: &random) <= Backoff.firstMilliseconds)
    }
}
