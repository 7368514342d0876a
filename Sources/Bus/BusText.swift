/// Texts whose length a client chose. A bus cuts off whoever sends it a message that is too long for it, and with us all
/// of its clients would lose their sessions.
package enum BusText {
    /// Half of what every bus takes.
    package static let longest = 16 << 20
    /// Of one property: all questions' together still fit.
    private static let longestProperty = 32 << 10
    /// Of an error.
    static let longestFault = 4000

    package static func fitting(_ text: String, otherwise: String) throws(BusFault) -> String {
        guard text.utf8.count <= longest else {
            throw BusFault(
                .limitsExceeded,
                "the answer has \(text.utf8.count) bytes, too many for a message of the bus; use \(otherwise)"
            )
        }
        return text
    }

    /// Its beginning, and that it is no more than that.
    package static func cut(_ text: String, to most: Int = longestProperty) -> String {
        guard text.utf8.count > most else { return text }
        return String(decoding: text.utf8.prefix(most), as: UTF8.self)
            + "… (\(text.utf8.count) bytes)"
    }
}
