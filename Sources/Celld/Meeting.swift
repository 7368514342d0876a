// Who somebody on the system bus is, asked of the bus and not of cloisterd:
//
//   asked ──cloister-busid says who──▶ pinned by a descriptor ──it asks again, and hears the same──▶ vouched for
//     └──it does not know them, or not in time──▶ refused        └──somebody else, or nobody──▶ refused
//
// celld speaks to no bus: a child does, which has no right and gives its answer in a fixed layout. Where the bus gives no
// descriptor of the process, one is made of the number, and then the bus is asked again: a process that ends takes its
// connection along, and is not there any more then. What is left open stands in docs/threat-model.md.

import Cells
import Linux

final class Meeting {
    let number: UInt32
    let connection: Keeper.Connection
    let deadline: Duration
    private let child: BusChild
    private var first: BusCredentials?
    private var peer: Vouchers.Peer?

    init(_ number: UInt32, _ name: String, for connection: Keeper.Connection) throws(CellRefusal) {
        (self.number, self.connection) = (number, connection)
        deadline = SystemClock.monotonic + .seconds(10)
        do throws(SystemError) {
            child = try BusChild("cloister-busid", [name])
        } catch {
            throw CellRefusal("the bus cannot be asked: \(error)", remedy: Self.remedy)
        }
    }

    func watch(in set: inout PollSet) { set.add(child.channel, .read) }

    /// `nil` while more has to be heard.
    func hear() throws(CellRefusal) -> Vouchers.Peer? {
        let message: UnixSocket.ReceivedMessage?
        let said: BusCredentials
        do {
            message = try UnixSocket.receive(child.channel, atMost: longestCelldMessage)
            guard let message else { return nil }
            guard !message.bytes.isEmpty else { throw Self.unknown }
            said = try BusCredentials(decoding: message.bytes)
        } catch {
            throw error as? CellRefusal
                ?? CellRefusal("cloister-busid says nonsense: \(error)", remedy: Self.remedy)
        }
        guard let first else {
            self.first = said
            peer = try Self.pin(said, message?.takeDescriptor())
            do throws(SystemError) {
                _ = try UnixSocket.send(child.channel, [1] as [UInt8], passing: DescriptorTable())
            } catch {
                throw Self.unknown
            }
            return nil
        }
        guard said == first, let peer, peer.pinned.isThere else { throw CellBuilder.isGone }
        return peer
    }

    /// Its own descriptor, or one of its number. Then the process has to be its user's still, and in its groups.
    private static func pin(
        _ said: BusCredentials, _ given: consuming OwnedFD?
    ) throws(CellRefusal) -> Vouchers.Peer {
        let (pid, isExact) = (Int32(said.pid), given != nil)
        guard let pidfd = given ?? (try? ProcessFD.open(pid)),
            let user = ProcessFacts.user(of: pidfd, pid)
        else { throw CellBuilder.isGone }
        guard user.uid == said.uid, said.groups.contains(user.gid) else {
            throw CellRefusal(
                "the process is not whose the bus says that it is",
                remedy: "call from a process that stays its user's")
        }
        return Vouchers.Peer(
            PeerCredentials(
                uid: said.uid, gid: user.gid, pid: pid, pidfd: pidfd, pidfdIsExact: isExact,
                groups: said.groups))
    }

    private static let remedy = "look at the log of cloister-celld"
    static let unknown = CellRefusal("the bus does not know the client", remedy: "connect again")
    static let late = CellRefusal("the bus does not say in time who the client is", remedy: "try again")
}
