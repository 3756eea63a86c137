import Glibc
import Records

/// Finds one incident by its id: in an admin endpoint's memory, or in a log and the files that it was rotated into.
public enum IncidentLookup {
    /// Whether a text may be an incident's id: a ULID.
    public static func isID(_ text: String) -> Bool {
        text.utf8.count == 26 && text.utf8.allSatisfy { $0 >= 0x30 && $0 <= 0x39 || $0 >= 0x41 && $0 <= 0x5A }
    }

    /// In a file, or where there is no such file, at an admin endpoint.
    public static func find(_ id: String, in place: String) throws -> Record? {
        let isEndpoint = try access(place, F_OK) != 0 && AdminAddress(place) != nil
        return isEndpoint ? try find(id, atAdmin: place) : try find(id, inLog: place)
    }

    /// In what an admin endpoint remembers. Nil when it knows no such incident.
    public static func find(_ id: String, atAdmin address: String) throws -> Record? {
        guard let place = try AdminAddress(address) else { throw UsageFault("\(address): no address of an admin endpoint") }
        let source = try AdminSource(place, wantsPast: true, follows: false, waits: false, notice: { _ in })
        while let line = try source.nextPast() {
            if let record = record(id, line) { return record }
        }
        return nil
    }

    /// In a log, then in what it was rotated into: `.1`, `.2` and so on, compressed ones too.
    public static func find(_ id: String, inLog path: String) throws -> Record? {
        if let record = try find(id, inFile: path) { return record }
        var number = 1
        while let rotated = ["\(path).\(number)", "\(path).\(number).gz"].first(where: { (name: String) in
            access(name, F_OK) == 0
        }) {
            if let record = try find(id, inFile: rotated) { return record }
            number += 1
        }
        return nil
    }

    private static func find(_ id: String, inFile path: String) throws -> Record? {
        let reader = try LogReader(path)
        var splitter = LineSplitter()
        while case let bytes = try reader.read(), !bytes.isEmpty {
            for line in splitter.receive(bytes) {
                if let record = record(id, line) { return record }
            }
        }
        return splitter.end().flatMap { record(id, $0) }
    }

    private static func record(_ id: String, _ line: [UInt8]) -> Record? {
        guard let record = Record(line: line), record.json["id"]?.string == id else { return nil }
        return record
    }
}
