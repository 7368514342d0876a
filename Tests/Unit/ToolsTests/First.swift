import Testing

@testable import Tools

@Test func placeholder() {}
