import Cells
import Linux

// Clients of the system bus.
extension Keeper {
    private static let mostMeetings = 64

    func meet(_ number: UInt32, _ name: String, for connection: Connection) {
        do throws(CellRefusal) {
            guard meetings.count < Self.mostMeetings, builder.vouchers.all.count < Vouchers.most else {
                throw CellRefusal("there are too many clients of the bus", remedy: "try again")
            }
            meetings.append(try Meeting(number, name, for: connection))
        } catch {
            reply(.refused(cell: number, error), to: connection)
        }
    }

    func hear(_ meeting: Meeting) {
        guard meetings.contains(where: { $0 === meeting }) else { return }
        do throws(CellRefusal) {
            guard let peer = try meeting.hear() else { return }
            let identity = try builder.identity(of: peer.pinned)
            meetings.removeAll { $0 === meeting }
            do throws(SystemError) {
                var passed = DescriptorTable()
                try passed.add(try builder.vouchers.vouch(for: peer))
                reply(.met(client: meeting.number, identity), to: meeting.connection, passing: passed)
            } catch {
                throw CellRefusal(
                    "there is no voucher to be had: \(error)", remedy: "look at the log of cloister-celld")
            }
        } catch {
            refuse(meeting, error)
        }
    }

    func refuse(_ meeting: Meeting, _ refusal: CellRefusal) {
        meetings.removeAll { $0 === meeting }
        reply(.refused(cell: meeting.number, refusal), to: meeting.connection)
    }
}
