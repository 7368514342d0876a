/// What a file is, by the first bytes of it.
enum MediaType {
    static func of(_ bytes: ArraySlice<UInt8>) -> String? {
        if bytes.starts(with: "RIFF".utf8), bytes.dropFirst(8).starts(with: "WEBP".utf8) {
            return "image/webp"
        }
        return beginnings.first { bytes.starts(with: $0.bytes) }?.type
    }

    private static let beginnings: [(bytes: [UInt8], type: String)] = [
        ([0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A], "image/png"),
        ([0xFF, 0xD8, 0xFF], "image/jpeg"),
        (Array("GIF87a".utf8), "image/gif"),
        (Array("GIF89a".utf8), "image/gif"),
        (Array("%PDF-".utf8), "application/pdf"),
        ([0x50, 0x4B, 0x03, 0x04], "application/zip"),
        ([0x1F, 0x8B], "application/gzip"),
        ([0x7F, 0x45, 0x4C, 0x46], "application/x-executable"),
    ]
}
