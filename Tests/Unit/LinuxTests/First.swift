import Testing

@testable import Linux

@Test func placeholder() {}
