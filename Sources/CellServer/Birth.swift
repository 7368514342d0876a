import CellSetup
import Cells
import Linux

/// What every process that celld starts begins with: it waits for its order, and is nobody until that has come.
enum Birth {
    /// Where celld put the socket.
    private static let control = 3

    /// `serve` gets the first message as it came, and refuses it or goes on until its work is done.
    static func run(
        endsWithCelld: Bool,
        _ serve: (UnixSocket.ReceivedMessage, borrowing OwnedFD) throws(CellRefusal) -> Void
    ) -> Int32 {
        do {
            let control = try OwnedFD(inherited: control)
            do throws(CellRefusal) {
                try begin(endsWithCelld)
                guard let message = try next(control) else { return 1 }
                try serve(message, control)
            } catch {
                _ = try UnixSocket.send(control, CellAnswer.refused(error).encoded.span)
                return 1
            }
            return 0
        } catch {
            StandardError.write("cloister-cell: \(error)\n")
            return 1
        }
    }

    private static func begin(_ endsWithCelld: Bool) throws(CellRefusal) {
        do throws(SystemError) {
            // celld's end would come too late if it had ended before this; then there is no order to read.
            if endsWithCelld { try Process.dieWithParent() }
            Allocator.keep(CellServer.keptMemory)
            Signals.ignoreBrokenPipes()
            Signals.ignoreFileLimit()
        } catch {
            throw fault("\(error)")
        }
    }

    /// What celld says next; `nil` when it is gone.
    static func next(
        _ control: borrowing OwnedFD
    ) throws(CellRefusal) -> UnixSocket.ReceivedMessage? {
        do throws(SystemError) {
            try control.setBlocking(true)
            let message = try UnixSocket.receive(control, atMost: longestCelldMessage, waiting: true)
            try control.setBlocking(false)
            return message?.bytes.isEmpty == false ? message : nil
        } catch {
            throw fault("\(error)")
        }
    }

    static func fault(_ reason: String) -> CellRefusal {
        CellRefusal(reason, remedy: "this is a fault of Cloister; look at the log of cloister-celld")
    }
}
