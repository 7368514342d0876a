// Where a session's cell comes from: made when the first call needs one, and again when it has ended. Calls that
// come meanwhile wait for the same one.
//
// What policy gives is built into a cell: its trees are mounts, its limits the kernel's. So a cell that has more than
// a new policy gives is ended, with all that runs in it, and the next call gets one that has what it should.

import Cells
import EventLoop
import Linux

package actor CellPlace {
    package struct Settings: Sendable {
        package var isEphemeral = false
        package var mayLack: WallSet = []

        package init() {}
    }

    private nonisolated let loop: EventLoop
    private let celld: CelldLink?
    private let commands: CelldLink?
    private let client: SocketStream?
    /// Of a client on the bus: its name there, and by what those who run commands know it. Each celld asks the bus itself.
    private let busName: String?
    private var clientOfCommands: SocketStream?
    private let settings: Settings
    private let policy: SessionPolicy
    /// What the cell that stands, or is being built, was made with.
    private var plan: CellPlan?
    private var application = "unnamed"
    private var cell: Cell? {
        didSet {
            guard (oldValue == nil) != (cell == nil) else { return }
            if cell == nil { keeper?.dropCell() } else { incarnation += 1 }
            onChange()
        }
    }
    /// How many cells have stood here.
    private var incarnation = 0
    private var keeper: SessionKeeper?
    /// A cell stands now, or does not any more.
    private let onChange: @Sendable () -> Void
    private var building: Task<Result<Cell, CellRefusal>, Never>?
    private var isClosed = false

    package nonisolated var unownedExecutor: UnownedSerialExecutor {
        unsafe loop.asUnownedSerialExecutor()
    }

    package init(
        _ celld: CelldLink?, commands: CelldLink? = nil, for client: SocketStream?,
        onBus busName: String? = nil, by policy: SessionPolicy, _ settings: Settings, on loop: EventLoop,
        onChange: @escaping @Sendable () -> Void = {}
    ) {
        self.onChange = onChange
        (self.celld, self.commands, self.client) = (celld, commands ?? celld, client)
        self.busName = busName
        (self.settings, self.loop) = (settings, loop)
        self.policy = policy
    }

    /// What the application says that it is decides which workspace it gets, among those of its user alone.
    package func claim(_ name: String) { application = Self.application(of: name) }

    package func get() async throws(CellRefusal) -> Cell {
        if let cell { return cell }
        guard let celld, let client else {
            throw CellRefusal("this daemon has no cells", remedy: "start cloister-celld.socket")
        }
        guard !isClosed else { throw Self.over }
        let task: Task<Result<Cell, CellRefusal>, Never>
        if let building {
            task = building
        } else {
            let plan = nextPlan()
            self.plan = plan
            task = Task(executorPreference: loop) {
                do throws(CellRefusal) {
                    let cell = try await celld.build(plan, for: client) { [weak self] in
                        self?.assumeIsolated { $0.cell = nil }
                    }
                    return .success(cell)
                } catch {
                    return .failure(error)
                }
            }
            building = task
        }
        let result = await task.value
        building = nil
        let made = try result.get()
        // The session may have ended while it was built.
        guard !isClosed else {
            await made.close()
            throw Self.over
        }
        // So may the policy have changed.
        if let plan, exceeds(plan) {
            await made.close()
            throw Self.withdrawn
        }
        cell = made
        if let keeper, let plan { await made.keep(in: keeper, as: plan) }
        return made
    }

    // MARK: In another process

    /// From here on what stands here is on record.
    func keep(in keeper: SessionKeeper) { self.keeper = keeper }

    /// What there is to say of the cell that stands here.
    var records: [SessionRecord] {
        guard let plan, let cell else { return [] }
        return cell.assumeIsolated { $0.records(plan) }
    }

    func pause() { cell?.assumeIsolated { $0.pause() } }

    /// For the next process.
    func letGo() {
        keeper = nil
        isClosed = true
        cell?.assumeIsolated { $0.letGo() }
    }

    var heldOfCell: Int { cell?.assumeIsolated { $0.held } ?? 0 }

    var standingCell: Cell? { cell }

    /// The cell that a process before us had built, with what goes on in it.
    func resume(_ memory: SessionMemory, over socket: SocketStream?, keeper: SessionKeeper) {
        self.keeper = keeper
        guard let celld, let kept = memory.cell, let socket else { return }
        // What has not come whole, in either direction, ends the cell.
        guard memory.isComplete || !memory.cellIsBehind,
            let adopted = celld.assumeIsolated({ celld in
                try? celld.adopt(.cell, kept.number, kept.report, over: socket) { [weak self] in
                    self?.assumeIsolated { $0.cell = nil }
                }
            })
        else {
            socket.close()
            return keeper.dropCell()
        }
        (plan, cell) = (kept.plan, adopted)
        application = kept.plan.application
        adopted.assumeIsolated { $0.resume(memory, keeper: keeper) }
        // It may have had more than policy gives now.
        policyHasChanged()
    }

    /// Asks for a command outside of the cell, for the same client. Under this number it is to be had.
    func request(_ command: HostCommand, reading input: [UInt8]) async throws(CellRefusal) -> UInt32 {
        guard let commands else {
            throw CellRefusal("this daemon has no celld", remedy: "start cloister-celld.socket")
        }
        guard !isClosed else { throw Self.over }
        guard let client = try await clientOfCommands(commands) else {
            throw CellRefusal("celld does not know this client", remedy: "look at the log of cloister-celld")
        }
        var command = command
        command.mayLack = settings.mayLack
        return try await commands.request(command, reading: input, for: client)
    }

    private func clientOfCommands(_ commands: CelldLink) async throws(CellRefusal) -> SocketStream? {
        guard let busName, commands !== celld else { return client }
        if clientOfCommands == nil { clientOfCommands = try await commands.meet(busName).1 }
        return clientOfCommands
    }

    /// The command that was asked for, when it runs.
    func command(_ number: UInt32) async throws(CellRefusal) -> Cell {
        guard let commands else { throw Self.over }
        let running = try await commands.command(number)
        guard !isClosed else {
            await running.close()
            throw Self.over
        }
        return running
    }

    /// A command that a process before us has asked for: false when it cannot be had.
    func expect(_ number: UInt32) -> Bool { commands?.assumeIsolated { $0.expect(number) } ?? false }

    /// Nobody wants it any more.
    func takeBack(_ number: UInt32) { commands?.assumeIsolated { $0.takeBack(number) } }

    /// A command that a process before us has begun.
    func adopt(_ kept: CommandMemory, _ memory: CallMemory, over socket: SocketStream) -> Cell? {
        guard let commands else { return nil }
        let adopted = commands.assumeIsolated {
            try? $0.adopt(.command, kept.number, kept.report, over: socket)
        }
        adopted?.assumeIsolated { $0.resumeCommand(memory) }
        return adopted
    }

    private func nextPlan() -> CellPlan {
        CellPlan(
            application: application, isEphemeral: settings.isEphemeral || policy.client.isEphemeral,
            limits: policy.client.limits.ofCell, trees: policy.client.trees(at: policy.moment),
            mayLack: settings.mayLack)
    }

    /// Whether a cell that was made so has something that policy does not give any more.
    private func exceeds(_ made: CellPlan) -> Bool {
        let given = nextPlan()
        return made.limits != given.limits || made.isEphemeral != given.isEphemeral
            || !made.trees.allSatisfy { tree in
                given.trees.contains { $0.path == tree.path && ($0.isWritable || !tree.isWritable) }
            }
    }

    /// The cell that stands, and what it was made with.
    var standing: (plan: CellPlan, report: WallReport, incarnation: Int)? {
        guard let plan, let cell else { return nil }
        return (plan, cell.report, incarnation)
    }

    package func policyHasChanged() {
        guard let plan, cell != nil, exceeds(plan) else { return }
        cell?.assumeIsolated { $0.close() }
        cell = nil
    }

    private static let withdrawn = CellRefusal(
        "policy has changed while the cell was built", remedy: "call again")

    private static let over = CellRefusal("the session has ended", remedy: "connect again")

    package func close() {
        isClosed = true
        cell?.assumeIsolated { $0.close() }
        cell = nil
    }

    /// A name as plans have them: lower case, and everything strange becomes a dash.
    static func application(of name: String) -> String {
        var bytes = name.utf8.prefix(CellPlan.longestApplication).map { byte -> UInt8 in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
                UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"):
                byte
            case UInt8(ascii: "A")...UInt8(ascii: "Z"): byte + 32
            default: UInt8(ascii: "-")
            }
        }
        if bytes.first == UInt8(ascii: ".") { bytes[0] = UInt8(ascii: "-") }
        let text = String(decoding: bytes, as: UTF8.self)
        return CellPlan.isApplication(text) ? text : "unnamed"
    }
}
