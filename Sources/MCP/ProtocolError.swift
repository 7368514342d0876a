import JSON

/// The error codes of JSON-RPC and MCP. -32000…-32019 have no shared meaning and are never sent.
package enum ErrorCode: Int, CaseIterable, Sendable {
    case parseError = -32700
    case invalidRequest = -32600
    case methodNotFound = -32601
    case invalidParams = -32602
    case internalError = -32603
    case missingClientCapability = -32021
    case unsupportedProtocolVersion = -32022
}

/// A request that is answered with an error instead of a result.
package struct ProtocolError: Error, Sendable, Equatable {
    package let code: ErrorCode
    package let message: String
    /// The `data` member, as compact JSON.
    package let data: [UInt8]?

    package init(_ code: ErrorCode, _ message: String, data: [UInt8]? = nil) {
        (self.code, self.message, self.data) = (code, message, data)
    }

    static func invalidRequest(_ message: String) -> ProtocolError {
        ProtocolError(.invalidRequest, message)
    }

    package static func invalidParams(_ message: String) -> ProtocolError {
        ProtocolError(.invalidParams, message)
    }

    package static func internalError(_ message: String) -> ProtocolError {
        ProtocolError(.internalError, message)
    }

    static func methodNotFound(_ method: String) -> ProtocolError {
        ProtocolError(.methodNotFound, "method not found: \(method)")
    }

    static func unparsable(_ error: JSONError) -> ProtocolError {
        let data = JSONWriter.bytes {
            $0.object {
                $0.member("reason", error.reason.rawValue)
                $0.member("offset", error.offset)
            }
        }
        return ProtocolError(.parseError, "not JSON: \(error)", data: data)
    }

    static func duplicateKey(at offset: Int) -> ProtocolError {
        ProtocolError(
            .invalidRequest, "an object names a member twice, at byte \(offset)",
            data: JSONWriter.bytes { $0.object { $0.member("offset", offset) } })
    }

    static func lineTooLong(limit: Int) -> ProtocolError {
        ProtocolError(
            .invalidRequest, "a message may have at most \(limit) bytes",
            data: JSONWriter.bytes { $0.object { $0.member("limit", limit) } })
    }

    static func tooMuchInFlight(_ what: String, limit: Int) -> ProtocolError {
        ProtocolError(
            .internalError, "at most \(limit) \(what) may be in flight in one session",
            data: JSONWriter.bytes { $0.object { $0.member("limit", limit) } })
    }

    static func unsupportedVersion(_ requested: String, supported: [Revision]) -> ProtocolError {
        ProtocolError(
            .unsupportedProtocolVersion, "protocol version not supported here: \(requested)",
            data: JSONWriter.bytes {
                $0.object {
                    $0.array("supported") { for each in supported { $0.string(each.rawValue) } }
                    $0.member("requested", requested)
                }
            })
    }

    func writeResponse(to writer: inout JSONWriter, id: RequestID?) {
        writer.object { response in
            response.member("jsonrpc", "2.0")
            response.key("id")
            if let id { response.value(id.value) } else { response.null() }
            response.object("error") { error in
                error.member("code", code.rawValue)
                error.member("message", message)
                if let data {
                    error.key("data")
                    error.written(data)
                }
            }
        }
    }

    /// A whole line, for who has no session: a client that gets none, a bridge without a daemon.
    package func line(answering id: RequestID?) -> [UInt8] {
        JSONWriter.bytes { writeResponse(to: &$0, id: id) } + [0x0A]
    }
}
