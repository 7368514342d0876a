import YAML

/// A YAML text as it was written: a scalar is the text that stands there, and what it means is for whoever reads it
/// to say. `no` is a word of two letters.
struct YAMLNode {
    enum Content {
        case scalar(String)
        case list([YAMLNode])
        case map([Member])
    }

    struct Member {
        let key: String
        let place: TextPlace
        let value: YAMLNode
    }

    let content: Content
    let place: TextPlace

    var kind: String {
        switch content {
        case .scalar: "a word"
        case .list: "a list"
        case .map: "a mapping"
        }
    }
}
