import JSON
import MCP

/// `system_info`: what machine this is and how it is doing. Reads what every user may read.
package enum SystemInfo {
    package static func registered() -> RegisteredTool {
        let machine = Machine.current()
        return RegisteredTool(tool) { arguments, _ in
            do throws(Arguments.Fault) {
                _ = try Arguments(arguments, known: [])
            } catch {
                return .failure(error.description)
            }
            return report(machine, Load.current())
        }
    }

    static func report(_ machine: Machine, _ load: Load) -> ToolResult {
        .structured { info in
            info.object("kernel") {
                $0.member("name", machine.kernelName)
                $0.member("release", machine.kernelRelease)
                $0.member("machine", machine.architecture)
            }
            info.object("distribution") {
                $0.member("id", machine.distributionID)
                $0.member("name", machine.distributionName)
            }
            info.object("cpus") {
                $0.member("online", load.onlineCPUs)
                $0.optionalMember("model", machine.cpuModel)
            }
            info.object("memory") {
                $0.member("total_bytes", load.memoryTotal)
                $0.member("available_bytes", load.memoryAvailable)
                $0.member("swap_total_bytes", load.swapTotal)
                $0.member("swap_free_bytes", load.swapFree)
            }
            info.array("load") { for average in load.averages { $0.double(average) } }
            info.member("uptime_seconds", load.uptimeSeconds)
            info.object("time_zone") {
                $0.optionalMember("name", machine.timeZone)
                $0.member("utc_offset_seconds", load.utcOffsetSeconds)
            }
        }
    }

    private static let tool = Tool(
        name: "system_info",
        title: "System information",
        description: """
            Describes the Linux machine that the tools run on: kernel, distribution, CPUs, memory and \
            swap in bytes, load averages over 1, 5 and 15 minutes, uptime, time zone.
            """,
        inputSchema: JSONDocument(literal: #"{"type":"object","additionalProperties":false}"#),
        outputSchema: outputSchema,
        annotations: Tool.Annotations(
            readOnly: true, destructive: false, idempotent: true, openWorld: false))

    private static let outputSchema = JSONDocument(
        literal: """
            {
              "type": "object",
              "properties": {
                "kernel": {
                  "type": "object",
                  "properties": {
                    "name": {"type": "string"},
                    "release": {"type": "string"},
                    "machine": {"type": "string", "description": "The architecture, such as x86_64"}
                  },
                  "required": ["name", "release", "machine"]
                },
                "distribution": {
                  "type": "object",
                  "properties": {
                    "id": {"type": "string", "description": "ID of os-release, such as debian"},
                    "name": {"type": "string"}
                  },
                  "required": ["id", "name"]
                },
                "cpus": {
                  "type": "object",
                  "properties": {
                    "online": {"type": "integer", "minimum": 1},
                    "model": {"type": "string"}
                  },
                  "required": ["online"]
                },
                "memory": {
                  "type": "object",
                  "properties": {
                    "total_bytes": {"type": "integer", "minimum": 0},
                    "available_bytes": {"type": "integer", "minimum": 0},
                    "swap_total_bytes": {"type": "integer", "minimum": 0},
                    "swap_free_bytes": {"type": "integer", "minimum": 0}
                  },
                  "required": ["total_bytes", "available_bytes", "swap_total_bytes", "swap_free_bytes"]
                },
                "load": {
                  "type": "array",
                  "description": "Averages over 1, 5 and 15 minutes",
                  "items": {"type": "number", "minimum": 0},
                  "minItems": 3,
                  "maxItems": 3
                },
                "uptime_seconds": {"type": "number", "minimum": 0},
                "time_zone": {
                  "type": "object",
                  "properties": {
                    "name": {"type": "string", "description": "The IANA name, such as Europe/Paris"},
                    "utc_offset_seconds": {"type": "integer"}
                  },
                  "required": ["utc_offset_seconds"]
                }
              },
              "required": [
                "kernel", "distribution", "cpus", "memory", "load", "uptime_seconds", "time_zone"
              ]
            }
            """)
}
