import CIDN2

/// A domain name as DNS and mail servers take it: in ASCII and lower case. Names in other scripts become `xn--` labels by
/// IDNA 2008 with the mapping of UTS 46 (non-transitional), for which libidn2 has the tables: what is typed, pasted or
/// composed in another way is the same name here as everywhere else.
package struct Domain: Sendable, Hashable {
  package let text: String

  package init(_ name: String) throws(DomainProblem) {
    // An `xn--` label stays as it was written.
    text = try name.utf8.allSatisfy { $0 < 0x80 } ? name.lowercased() : Domain.converted(name)
    let labels = text.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
    guard text.utf8.count <= 253, labels.allSatisfy(Domain.isLabel) else {
      throw DomainProblem("is no domain name: expected letters, digits and hyphens between dots")
    }
  }

  /// Of more than one label, and so perhaps known beyond its own network.
  package var isQualified: Bool { text.utf8.contains(UInt8(ascii: ".")) }

  private static func converted(_ name: String) throws(DomainProblem) -> String {
    // For a C library the text would end there.
    guard !name.utf8.contains(0) else { throw DomainProblem("has a NUL") }
    var result: UnsafeMutablePointer<UInt8>?
    defer { idn2_free(result) }
    let flags = IDN2_NONTRANSITIONAL.rawValue | IDN2_NFC_INPUT.rawValue
    let code = Array((name + "\0").utf8).withUnsafeBufferPointer {
      idn2_lookup_u8($0.baseAddress, &result, Int32(flags))
    }
    guard code == IDN2_OK.rawValue, let result else {
      throw DomainProblem("is no domain name by IDNA 2008: \(String(cString: idn2_strerror(code)))")
    }
    return String(cString: result)
  }

  private static func isLabel(_ label: Substring.UTF8View) -> Bool {
    (1...63).contains(label.count) && label.first != UInt8(ascii: "-") && label.last != UInt8(ascii: "-")
      && label.allSatisfy { byte in
        switch byte {
        // The underscore is no host's, but there are mail domains with one.
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"),
          UInt8(ascii: "_"):
          true
        default: false
        }
      }
  }
}

package struct DomainProblem: Error, Sendable, Hashable {
  /// What follows "the domain".
  package var text: String

  package init(_ text: String) { self.text = text }
}
