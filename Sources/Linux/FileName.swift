import Glibc

/// A name or a path as the kernel takes it: bytes without NUL, which need not be UTF-8.
package struct FileName: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// With the NUL that ends it, ready to be handed over.
    private let terminated: [UInt8]

    /// `nil` when there is a NUL in it.
    package init?(_ bytes: some Collection<UInt8>) {
        guard !bytes.contains(0) else { return nil }
        self.init(unchecked: bytes)
    }

    init(unchecked bytes: some Collection<UInt8>) {
        var terminated: [UInt8] = []
        terminated.reserveCapacity(bytes.count + 1)
        terminated.append(contentsOf: bytes)
        terminated.append(0)
        self.terminated = terminated
    }

    package init(_ literal: StaticString) {
        self.init(unchecked: Array(literal.description.utf8))
    }

    package var bytes: ArraySlice<UInt8> { terminated.dropLast() }
    package var count: Int { terminated.count - 1 }
    package var first: UInt8? { bytes.first }

    package var description: String { String(decoding: bytes, as: UTF8.self) }

    package static func < (left: FileName, right: FileName) -> Bool {
        unsafe left.terminated.withUnsafeBufferPointer { left in
            unsafe right.terminated.withUnsafeBufferPointer { right in
                // Up to the shorter one's NUL, which is less than any other byte.
                unsafe memcmp(left.baseAddress!, right.baseAddress!, min(left.count, right.count)) < 0
            }
        }
    }

    func withCString<Result>(_ body: (UnsafePointer<CChar>) -> Result) -> Result {
        unsafe terminated.withUnsafeBytes {
            unsafe body($0.baseAddress!.assumingMemoryBound(to: CChar.self))
        }
    }
}
