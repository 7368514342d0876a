// What the drivers of libFuzzer call, which are C. It promises that `count` bytes are readable.

@_cdecl("cloister_fuzz_json")
func fuzzJSON(_ bytes: UnsafePointer<UInt8>, _ count: Int) {
    fuzzJSON(unsafe Array(UnsafeBufferPointer(start: bytes, count: count)))
}

@_cdecl("cloister_fuzz_session")
func fuzzSession(_ bytes: UnsafePointer<UInt8>, _ count: Int) {
    fuzzSession(unsafe Array(UnsafeBufferPointer(start: bytes, count: count)))
}

@_cdecl("cloister_fuzz_cells")
func fuzzCells(_ bytes: UnsafePointer<UInt8>, _ count: Int) {
    fuzzCells(unsafe Array(UnsafeBufferPointer(start: bytes, count: count)))
}

@_cdecl("cloister_fuzz_audit")
func fuzzAudit(_ bytes: UnsafePointer<UInt8>, _ count: Int) {
    fuzzAudit(unsafe Array(UnsafeBufferPointer(start: bytes, count: count)))
}

@_cdecl("cloister_fuzz_policy")
func fuzzPolicy(_ bytes: UnsafePointer<UInt8>, _ count: Int) {
    fuzzPolicy(unsafe Array(UnsafeBufferPointer(start: bytes, count: count)))
}
