/// An ExportLogsServiceRequest: some records of one resource, to be encoded as either form of OTLP over HTTP.
struct OTLPBatch {
    var resource: [OTLPSettings.Header]
    var version: String
    var records: [OTLPRecord]

    /// Lines that are no records are left out.
    init(_ lines: [[UInt8]], resource: [OTLPSettings.Header], version: String) {
        self.resource = resource
        self.version = version
        records = lines.compactMap(OTLPRecord.init(line:))
    }
}
