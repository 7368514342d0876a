// Where policy files are, and which of them count. As systemd does it: of several files of one name the one in the
// strongest place is read, and one that is a link to /dev/null, or empty, takes those below away.
//
// A policy is what somebody with the right to decide wrote. So a file that anybody else could change is an error, and
// so is a directory in which anybody else could put one.

import Linux
import Policy

package struct PolicyDirectories: Sendable {
    /// The strongest first.
    package let places: [String]
    /// Who may own files beside root.
    private let owner: UInt32?
    /// For a daemon that runs where nothing was installed: read as the weakest of all.
    private let builtIn: (name: String, text: String)?

    package static let system = PolicyDirectories(
        places: ["/etc", "/run", "/usr/lib"].map { $0 + "/cloister/policy.d" }, owner: nil, builtIn: nil)

    /// Of a daemon that keeps everything under a directory of its user's.
    package static func standalone(_ directory: String) -> PolicyDirectories {
        PolicyDirectories(
            places: [directory + "/policy.d"], owner: Process.userID,
            builtIn: (VendorPolicy.name, VendorPolicy.text))
    }

    /// These and no others, of root and of whoever runs the daemon.
    package static func only(_ places: [String]) -> PolicyDirectories {
        PolicyDirectories(places: places, owner: Process.userID, builtIn: nil)
    }

    /// What is shipped, where there are no files at all.
    package static let builtIn = PolicyDirectories(
        places: [], owner: nil, builtIn: (VendorPolicy.name, VendorPolicy.text))

    init(places: [String], owner: UInt32?, builtIn: (name: String, text: String)?) {
        (self.places, self.owner, self.builtIn) = (places, owner, builtIn)
    }

    /// What was found: a policy, or everything that is wrong.
    package struct Reading: Sendable {
        package let set: PolicySet?
        /// The paths of the files that were read, by name.
        package let files: [String]
        package let faults: [PolicyFault]
    }

    /// Expectations are part of it: a policy that does not say what its files expect is not accepted.
    package func read(at now: Moment) -> Reading {
        var (files, paths, faults): ([PolicyFile], [String], [PolicyFault]) = ([], [], [])
        for (name, path) in chosen(&faults).sorted(by: { $0.key < $1.key }) {
            do throws(PolicyFault) {
                guard let bytes = try content(path, name) else { continue }
                files.append(try PolicyFile.read(bytes, named: path ?? name))
                paths.append(path ?? "\(name) (built in)")
            } catch {
                faults.append(error)
            }
        }
        guard faults.isEmpty else { return Reading(set: nil, files: paths, faults: faults) }
        do throws(PolicyFault) {
            let set = try PolicySet(files)
            let broken = set.brokenExpectations(at: now)
            return Reading(set: broken.isEmpty ? set : nil, files: paths, faults: broken)
        } catch {
            return Reading(set: nil, files: paths, faults: [error])
        }
    }

    /// By name the path that counts; no path for what is built in.
    private func chosen(_ faults: inout [PolicyFault]) -> [String: String?] {
        var chosen: [String: String?] = [:]
        for place in places {
            do throws(SystemError) {
                let directory = try File.open(place, .directory)
                guard isTrusted(try directory.status()) else {
                    faults.append(PolicyFault(place, nil, "\(Self.untrusted): \(remedy)"))
                    continue
                }
                for name in try directory.entryNames()
                where name.hasSuffix(".yaml") && !name.hasPrefix(".") && chosen[name] == nil {
                    chosen[name] = .some("\(place)/\(name)")
                }
            } catch {
                if error.errno != .notFound, error.errno != .notADirectory {
                    faults.append(PolicyFault(place, nil, "\(error)"))
                }
            }
        }
        if let builtIn, chosen[builtIn.name] == nil { chosen[builtIn.name] = .some(nil) }
        return chosen
    }

    /// `nil` for a file that says nothing, on purpose or because it went meanwhile.
    private func content(_ path: String?, _ name: String) throws(PolicyFault) -> [UInt8]? {
        guard let path else { return builtIn.map { Array($0.text.utf8) } }
        let found: Found
        do throws(SystemError) {
            found = try find(path)
        } catch {
            if error.errno == .notFound, File.kind(of: path) == nil { return nil }
            throw PolicyFault(path, nil, "it cannot be read: \(error)")
        }
        switch found {
        case .nothing: return nil
        case .bytes(let bytes): return bytes
        case .wrong(let problem): throw PolicyFault(path, nil, problem)
        }
    }

    private enum Found {
        case nothing
        case bytes([UInt8])
        case wrong(String)
    }

    private func find(_ path: String) throws(SystemError) -> Found {
        // A pipe would keep us waiting for who writes it.
        let file = try File.open(path, [.readOnly, .nonBlocking, .noTerminal])
        let status = try file.status()
        if status.kind == .characterDevice, (try? File.readLink(path)) == "/dev/null" { return .nothing }
        guard status.kind == .regular else { return .wrong("it is not a file") }
        guard isTrusted(status) else { return .wrong("\(Self.untrusted): \(remedy)") }
        guard status.size <= PolicyFile.mostBytes else { return .wrong("it is larger than a megabyte") }
        return .bytes(try file.readBytes(PolicyFile.mostBytes + 1, at: 0))
    }

    private func isTrusted(_ status: FileStatus) -> Bool {
        (status.uid == 0 || status.uid == owner) && status.mode & 0o022 == 0
    }

    private static let untrusted = "others than its owner could change it"
    private var remedy: String {
        owner == nil ? "chown root:root and chmod go-w" : "chown to yourself and chmod go-w"
    }
}
