import JSON

/// Changes of the tool list: unasked for in the legacy era, through `subscriptions/listen` in the modern.
extension ServerSession {
    mutating func listen(
        _ request: Request, _ revision: Revision, _ out: inout Outbox
    ) throws(ProtocolError) {
        guard let filter = request.params?["notifications"], filter.isObject else {
            throw .invalidParams("notifications must be an object")
        }
        for name in ["toolsListChanged", "promptsListChanged", "resourcesListChanged"] {
            guard filter.members.allSatisfy({ $0.key != name || $0.value.bool != nil }) else {
                throw .invalidParams("notifications.\(name) must be true or false")
            }
        }
        if let uris = filter["resourceSubscriptions"] {
            guard uris.kind == .array, uris.elements.allSatisfy({ $0.kind == .string }) else {
                throw .invalidParams("notifications.resourceSubscriptions must be an array of strings")
            }
        }
        let wantsTools = filter["toolsListChanged"]?.bool == true
        _ = try register(
            request, revision, .listen(toolsListChanged: wantsTools), progressToken: nil,
            logLevel: nil, batch: nil)
        // The subset that is honoured; it is the first thing sent for this request.
        notify("notifications/subscriptions/acknowledged", &out) { params in
            params.object("_meta") { $0.member(MetaKey.subscriptionID, request.id.value) }
            params.object("notifications") {
                if wantsTools { $0.member("toolsListChanged", true) }
            }
        }
    }

    /// From here on the client sees these tools.
    package mutating func setTools(_ tools: ToolCatalogue, _ out: inout Outbox) {
        catalogue = tools
        announceListChanged(&out)
    }

    mutating func announceListChanged(_ out: inout Outbox) {
        switch phase {
        case .undecided:
            break
        case .legacy:
            // Before the client is ready it may not be notified; it is told as soon as it is.
            owesListChanged = !isInitialized
            if isInitialized { notify("notifications/tools/list_changed", &out) { _ in } }
        case .modern:
            for listener in listeners where listener.toolsListChanged {
                notify("notifications/tools/list_changed", &out) { params in
                    params.object("_meta") {
                        $0.member(MetaKey.subscriptionID, listener.request.value)
                    }
                }
            }
        }
    }

    /// The session takes no more requests: subscriptions end now, calls may still be answered.
    package mutating func beginClosing(_ out: inout Outbox) {
        isClosing = true
        for listener in listeners {
            _ = forget(listener.call)
            // The result says that it ended in order; the cancellation is what stream clients are owed.
            answer(listener.request, .v2026_07_28, batch: nil, &out, subscription: listener.request) {
                _ in
            }
            notify("notifications/cancelled", &out) { params in
                params.member("requestId", listener.request.value)
                params.member("reason", "cloisterd is closing this session")
                params.object("_meta") {
                    $0.member(MetaKey.subscriptionID, listener.request.value)
                }
            }
        }
    }

    private var listeners: [(call: CallID, request: RequestID, toolsListChanged: Bool)] {
        inFlight.compactMap { call, entry in
            guard case .listen(let toolsListChanged) = entry.kind else { return nil }
            return (call, entry.request, toolsListChanged)
        }
        .sorted { $0.call.number < $1.call.number }
    }
}
