// Any bytes go in. What must hold of them, whatever they are:
//
//   the parser and the reference agree whether they are JSON; an error stands at a place in the text;
//   a tighter limit refuses or changes nothing; what is written again has the same tokens, and is written
//   the same a third time; a string comes back when it is read and written; two members of one name are
//   noticed exactly when there are two.

import JSON

package func fuzzJSON(_ bytes: [UInt8]) {
    let isJSON = ReferenceJSON.accepts(bytes, depth: JSONLimits.standard.depth)
    let document: JSONDocument
    do throws(JSONError) {
        document = try JSONDocument(bytes)
    } catch {
        require(!isJSON, "refused, but is JSON: \(error)")
        require((0...bytes.count).contains(error.offset), "an error outside the text: \(error)")
        return checkTighterLimits(bytes, error)
    }
    require(isJSON, "accepted, but is not JSON")
    require(document.bytes == bytes, "the sender's bytes were not kept")
    checkTighterLimits(bytes, nil)
    checkRewriting(document)
    var hasDuplicate = false
    check(document.root, within: 0..<bytes.count, &hasDuplicate)
    require(
        hasDuplicate == (document.duplicateKeyOffset != nil),
        "duplicate key: \(hasDuplicate), reported at \(String(describing: document.duplicateKeyOffset))")
    if let offset = document.duplicateKeyOffset {
        require(bytes[offset] == UInt8(ascii: "\""), "a duplicate key that is not one")
    }
}

private func checkTighterLimits(_ bytes: [UInt8], _ expected: JSONError?) {
    for limits in [JSONLimits(depth: 3), JSONLimits(bytes: 32), JSONLimits(values: 5)] {
        do throws(JSONError) {
            _ = try JSONDocument(bytes, limits: limits)
            require(expected == nil, "a tighter limit lets it pass: \(limits)")
        } catch {
            let isLimit = [.tooDeep, .tooLarge, .tooManyValues].contains(error.reason)
            require(
                isLimit || error == expected,
                "\(limits): \(error) instead of \(String(describing: expected))")
            require((0...bytes.count).contains(error.offset), "an error outside the text: \(error)")
        }
    }
}

private func checkRewriting(_ document: JSONDocument) {
    let compact = JSONWriter.bytes { $0.value(document.root) }
    require(!document.isCompact || compact == document.bytes, "compact, but written differently")
    require(compact.count <= document.bytes.count, "written longer than it was sent")
    let again = reparsed(compact)
    require(again.isCompact, "written with white space between the tokens")
    require(JSONWriter.bytes { $0.value(again.root) } == compact, "written differently again")
    requireSameTokens(document.root, again.root)
}

private func reparsed(_ bytes: [UInt8]) -> JSONDocument {
    do {
        return try JSONDocument(bytes)
    } catch {
        fatalError("what we wrote is not JSON: \(error)")
    }
}

private func requireSameTokens(_ one: JSONValue, _ other: JSONValue) {
    require(one.kind == other.kind, "a \(one.kind) became a \(other.kind)")
    switch one.kind {
    case .object:
        let (ours, theirs) = (Array(one.members), Array(other.members))
        require(
            ours.map { Array($0.key.utf8) } == theirs.map { Array($0.key.utf8) }, "other keys: \(theirs)")
        for (our, their) in zip(ours, theirs) { requireSameTokens(our.value, their.value) }
    case .array:
        require(one.count == other.count, "\(one.count) elements became \(other.count)")
        for (our, their) in zip(one.elements, other.elements) { requireSameTokens(our, their) }
    default:
        require(one.bytes.elementsEqual(other.bytes), "\(one.bytes) became \(other.bytes)")
    }
}

/// Every value, from outside in: where it stands, and what its accessors say.
private func check(_ value: JSONValue, within outer: Range<Int>, _ hasDuplicate: inout Bool) {
    let range = value.byteRange
    require(
        !range.isEmpty && outer.contains(range.lowerBound) && range.upperBound <= outer.upperBound,
        "a value outside its container")
    require((value.string != nil) == (value.kind == .string), "a string for a \(value.kind)")
    require((value.double != nil) == (value.kind == .number), "a double for a \(value.kind)")
    require(
        (value.bool != nil) == (value.kind == .true || value.kind == .false), "a bool for a \(value.kind)")
    if let integer = value.integer {
        let isWritten = value.bytes.elementsEqual("\(integer)".utf8)
        require(isWritten || value.bytes.elementsEqual("-0".utf8), "\(value.bytes) is not \(integer)")
    }
    switch value.kind {
    case .string: checkString(value.string ?? "")
    case .array:
        var next = range.lowerBound + 1
        for element in value.elements {
            check(element, within: next..<range.upperBound - 1, &hasDuplicate)
            next = element.byteRange.upperBound
        }
    case .object:
        var (next, names) = (range.lowerBound + 1, Set<[UInt8]>())
        for (name, member) in value.members {
            check(member, within: next..<range.upperBound - 1, &hasDuplicate)
            next = member.byteRange.upperBound
            if !names.insert(Array(name.utf8)).inserted { hasDuplicate = true }
        }
    default: break
    }
}

private func checkString(_ string: String) {
    let again = reparsed(JSONWriter.bytes { $0.string(string) }).root.string
    require(again?.utf8.elementsEqual(string.utf8) == true, "\(string.debugDescription) is lost in writing")
}
