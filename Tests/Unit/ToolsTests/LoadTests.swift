import Testing

@testable import Tools

struct LoadTests {
    @Test func `memory is read in bytes`() {
        var load = Load()
        load.readMemory(
            Array(
                """
                MemTotal:       24597676 kB
                MemFree:         1234567 kB
                MemAvailable:   20000000 kB
                Buffers:               1 kB
                SwapCached:            9 kB
                SwapTotal:       2097148 kB
                SwapFree:        1048576 kB
                Dirty:               100 kB
                """.utf8))
        #expect(load.memoryTotal == 24_597_676 * 1024)
        #expect(load.memoryAvailable == 20_000_000 * 1024)
        #expect(load.swapTotal == 2_097_148 * 1024)
        #expect(load.swapFree == 1_048_576 * 1024)
    }

    @Test(arguments: [
        "", "\n\n", "MemTotal:", "MemTotal: lots kB", "MemTotal 5 kB", "Total: 5 kB",
        // More bytes than there are numbers, or fewer than none.
        "MemTotal: 9223372036854775807 kB", "MemTotal: 99999999999999999999 kB", "MemTotal: -1 kB",
    ])
    func `meminfo that says nothing sensible leaves what was there`(text: String) {
        var load = Load()
        load.memoryTotal = 7
        load.readMemory(Array(text.utf8))
        #expect(load.memoryTotal == 7)
    }

    @Test func `a line that is damaged does not hide the others`() {
        var load = Load()
        load.readMemory(Array("MemTotal: ? kB\nMemAvailable: 2 kB\nSwapTotal:\nSwapFree: 4 kB\n".utf8))
        #expect(load.memoryTotal == 0)
        #expect(load.memoryAvailable == 2048)
        #expect(load.swapFree == 4096)
    }

    @Test(arguments: [
        ("0.52 0.58 0.59 1/617 12345\n", [0.52, 0.58, 0.59]),
        ("12.00 3.5 0 9/99 1", [12, 3.5, 0]),
    ])
    func `the load averages are the first three numbers`(text: String, averages: [Double]) {
        var load = Load()
        load.readAverages(text)
        #expect(load.averages == averages)
    }

    @Test(arguments: ["", "\n", "1.0 2.0", "1.0 x 3.0", "nan 1 1", "1 inf 1", "1 1 -1", "a b c"])
    func `loadavg that says nothing sensible leaves what was there`(text: String) {
        var load = Load()
        load.averages = [1, 2, 3]
        load.readAverages(text)
        #expect(load.averages == [1, 2, 3])
    }
}
