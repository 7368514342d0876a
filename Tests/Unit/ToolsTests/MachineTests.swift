import Testing

@testable import Tools

/// What is read of files whose form others decide.
struct MachineTests {
    @Test(arguments: [
        ("ID=debian", ["ID": "debian"]),
        ("NAME=\"Debian GNU/Linux\"", ["NAME": "Debian GNU/Linux"]),
        ("NAME='Arch Linux'", ["NAME": "Arch Linux"]),
        ("NAME=\"\"\nID=''", ["NAME": "", "ID": ""]),
        ("NAME=", ["NAME": ""]),
        // Only a pair of quotes is one.
        ("NAME=\"half", ["NAME": "\"half"]),
        ("NAME=\"", ["NAME": "\""]),
        ("NAME=\"one'", ["NAME": "\"one'"]),
        // A value may contain what separates names from values.
        ("HOME_URL=\"https://a/?b=c\"", ["HOME_URL": "https://a/?b=c"]),
        // As a shell would read it.
        (#"NAME="a \"b\" \\ \$c \`d\`""#, ["NAME": #"a "b" \ $c `d`"#]),
        (#"NAME="ends with \\""#, ["NAME": #"ends with \"#]),
        (#"NAME='a \ b'"#, ["NAME": #"a \ b"#]),
        ("# ID=comment\nID=debian\n#ID=comment", ["ID": "debian"]),
        ("\n\nID=debian\n\n\nNAME=Debian\n", ["ID": "debian", "NAME": "Debian"]),
        ("ID=first\nID=last", ["ID": "last"]),
        ("nothing here", [:]),
        ("", [:]),
    ])
    func `os-release is read as a shell would read it`(text: String, fields: [String: String]) {
        #expect(Machine.fields(ofRelease: text) == fields)
    }

    @Test func `a whole os-release is read`() {
        let text = """
            PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"
            NAME="Debian GNU/Linux"
            VERSION_ID="12"
            # a comment
            ID=debian
            HOME_URL="https://www.debian.org/"
            """
        let fields = Machine.fields(ofRelease: text)
        #expect(fields.count == 5)
        #expect(fields["ID"] == "debian")
        #expect(fields["PRETTY_NAME"] == "Debian GNU/Linux 12 (bookworm)")
        #expect(fields["VERSION_ID"] == "12")
    }

    @Test func `a machine without os-release is a Linux`() {
        #expect(Machine().distributionID == "linux")
        #expect(Machine().distributionName == "Linux")
    }

    @Test(arguments: [
        // x86, several CPUs.
        (
            "processor\t: 0\nmodel\t\t: 85\nmodel name\t: Intel(R) Xeon(R) @ 2.00GHz\nflags\t\t: fpu\n\n"
                + "processor\t: 1\nmodel name\t: another\n",
            "Intel(R) Xeon(R) @ 2.00GHz"
        ),
        // ARM, old kernels: the CPU itself.
        ("processor\t: 0\nmodel name\t: ARMv7 Processor rev 4 (v7l)\n", "ARMv7 Processor rev 4 (v7l)"),
        // ARM 64: only the board at the end.
        (
            "processor\t: 0\nBogoMIPS\t: 108.00\nCPU implementer\t: 0x41\n\n"
                + "Hardware\t: BCM2835\nRevision\t: c03111\nModel\t\t: Raspberry Pi 4 Model B Rev 1.1\n",
            "Raspberry Pi 4 Model B Rev 1.1"
        ),
        ("model name\t: with: a colon\n", "with: a colon"),
        ("processor\t: 0\nBogoMIPS\t: 50.00\n", nil),
        ("model\t\t: 85\n", nil),
        ("model name\n", nil),
        ("model name\t:\n", nil),
        ("model name\t: \n", nil),
        (":\n: \n::\n", nil),
        ("", nil),
    ])
    func `the CPU's model is what the kernel calls it, if it does`(cpuinfo: String, model: String?) {
        #expect(Machine.cpuModel(in: cpuinfo) == model)
    }

    @Test(
        arguments: [
            ("/usr/share/zoneinfo/Europe/Paris", nil, "Europe/Paris"),
            ("../usr/share/zoneinfo/America/Argentina/Buenos_Aires", nil, "America/Argentina/Buenos_Aires"),
            ("/usr/share/zoneinfo/UTC", "Europe/Paris\n", "UTC"),
            (nil, "Europe/Paris\n", "Europe/Paris"),
            (nil, "Europe/Paris", "Europe/Paris"),
            ("/etc/some/file", "Europe/Paris\n", "Europe/Paris"),
            ("/usr/share/zoneinfo/", "Europe/Paris\n", "Europe/Paris"),
            ("/etc/some/file", nil, nil),
            (nil, "", nil),
            (nil, "\n", nil),
            (nil, nil, nil),
        ] as [(String?, String?, String?)])
    func `the time zone is where the link points, or what the file says`(
        link: String?, file: String?, name: String?
    ) {
        #expect(Machine.timeZoneName(link: link, file: file) == name)
    }
}
