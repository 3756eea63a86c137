/// One step of a YAML document, with its position.
struct YAMLEvent {
    enum Content {
        /// `width` is what the scalar takes up on its line, quotes included; nil when it spans several lines.
        case scalar(text: String, isPlain: Bool, width: Int?)
        case sequenceStart
        case mappingStart
        /// The end of a sequence or of a mapping.
        case end
        case alias(String)
        case documentStart
        case documentEnd
        case streamEnd
    }

    let content: Content
    let mark: Mark
    var anchor: String?
    var tag: String?
}
