import CSystemd

/// A call that waits for its answer: the answer, an error, its time and its cancellation are four ends, of which the
/// first one counts.
// Unchecked: touched on the loop's thread only.
@safe final class PendingCall: @unchecked Sendable {
    typealias Answer = Result<BusMessage, BusError>

    private var slot: OpaquePointer?
    private var answer: Answer?
    private var resume: ((Answer) -> Void)?

    /// `message` goes out; from here until the end somebody has to hold this object.
    func send(_ message: BusMessage, over link: BusLink) throws(BusError) {
        let callback: sd_bus_message_handler_t = { message, userdata, _ in
            guard let message = unsafe message, let userdata = unsafe userdata else { return 0 }
            let call = unsafe Unmanaged<PendingCall>.fromOpaque(userdata).takeUnretainedValue()
            let answer = unsafe BusMessage(sharing: message)
            call.end(answer.error.map { .failure($0) } ?? .success(answer))
            return 0
        }
        // How long it may take is our own clock's matter.
        let result = unsafe sd_bus_call_async(
            link.raw, &slot, message.raw, callback, Unmanaged.passUnretained(self).toOpaque(), .max)
        try BusError.checkSent(result)
    }

    func wait(_ resume: @escaping (Answer) -> Void) {
        if let answer { resume(answer) } else { self.resume = resume }
    }

    func end(_ answer: Answer) {
        guard self.answer == nil else { return }
        self.answer = answer
        // Without its slot sd-bus drops what is answered later.
        unsafe sd_bus_slot_unref(slot)
        unsafe slot = nil
        resume?(answer)
        resume = nil
    }
}
