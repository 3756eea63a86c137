/// A file of the page, carried by the program: `scripts/page` writes `PageFile.all` from the folder Page.
struct PageFile: Sendable {
    /// As it is served, below `/page/`.
    let name: String
    let contentType: String
    let text: StaticString

    var bytes: [UInt8] { text.withUTF8Buffer { unsafe Array($0) } }

    /// Served at `/`, with its marks filled in.
    static let template = "page.html"

    static func named(_ name: some StringProtocol) -> PageFile? { all.first { $0.name == name } }

    /// The same, but what must be filled in first.
    static func served(_ name: some StringProtocol) -> PageFile? { name == template ? nil : named(name) }
}
