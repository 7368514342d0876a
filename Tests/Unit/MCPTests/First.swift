import Testing

@testable import MCP

@Test func placeholder() {}
