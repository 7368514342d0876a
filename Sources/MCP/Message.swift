import JSON

/// What a line says, by its shape alone.
package enum Message: Sendable {
    case request(Request)
    case notification(method: String, params: JSONValue?)
    /// An answer to a request of ours; an error has no result.
    case response(id: RequestID, result: JSONValue?)
    /// A notification that is not well-formed: nobody waits for an answer, so there is none.
    case malformedNotification
    case invalid(id: RequestID?, ProtocolError)

    package init(_ value: JSONValue) {
        guard value.isObject else {
            self = .invalid(id: nil, .invalidRequest("a message is an object"))
            return
        }
        let idValue = value["id"]
        let id = idValue.flatMap { RequestID($0) }
        guard let method = value["method"] else {
            if value["result"] != nil || value["error"] != nil {
                // One that cannot be matched to anything is dropped, whatever its id was.
                self =
                    id.map { .response(id: $0, result: value["error"] == nil ? value["result"] : nil) }
                    ?? .malformedNotification
            } else {
                self = .invalid(id: id, .invalidRequest("a message has a method, a result or an error"))
            }
            return
        }
        let params = value["params"]
        let fault: String? =
            if value["jsonrpc"]?.isString("2.0") != true {
                "jsonrpc must be \"2.0\""
            } else if method.kind != .string {
                "method must be a string"
            } else if let params, !params.isObject {
                "params must be an object, or absent"
            } else if idValue != nil, id == nil {
                "id must be a string or an integer"
            } else {
                nil
            }
        switch (fault, idValue, id, method.string) {
        case (nil, nil, _, let name?):
            self = .notification(method: name, params: params)
        case (nil, _, let id?, let name?):
            self = .request(Request(id: id, method: name, params: params, json: value))
        case (_, nil, _, _?):
            self = .malformedNotification
        default:
            self = .invalid(id: id, .invalidRequest(fault ?? "not a message"))
        }
    }
}

package struct Request: Sendable {
    package let id: RequestID
    package let method: String
    package let params: JSONValue?
    /// The whole of it, as it was sent.
    package let json: JSONValue

    /// The modern era's envelope, when this request carries its marker.
    var envelope: Envelope? { params?["_meta"].flatMap { Envelope(meta: $0) } }
}
