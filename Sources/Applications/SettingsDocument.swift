/// A text of settings that was understood. It says which bytes to change, and keeps all others as they are.
protocol SettingsDocument: Sendable {
    init(_ text: SettingsText) throws(SettingsFault)

    /// Whether there is something under this path.
    func has(_ path: [String]) throws(SettingsFault) -> Bool

    /// What the entry under this path says, as far as it is text or lists of text; `nil` where there is no entry.
    func fields(at path: [String]) throws(SettingsFault) -> [String: EntryValue]?

    /// For an entry that is not there.
    func adding(_ fields: [EntryField], at path: [String]) throws(SettingsFault) -> [TextEdit]

    /// For one that is there, and for fields that it does not have, or not so.
    func changing(_ fields: [EntryField], at path: [String]) throws(SettingsFault) -> [TextEdit]

    /// For one that is there.
    func removing(_ path: [String]) throws(SettingsFault) -> [TextEdit]
}

package enum SettingsLanguage: Sendable {
    /// With comments and commas behind the last member, which many applications allow.
    case json, toml, yaml

    func read(_ bytes: [UInt8]) throws(SettingsFault) -> any SettingsDocument {
        let text = try SettingsText(bytes)
        switch self {
        case .json: return try JSONSettings(text)
        case .toml: return try TOMLSettings(text)
        case .yaml: return try YAMLSettings(text)
        }
    }
}
