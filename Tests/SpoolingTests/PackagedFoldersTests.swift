import Spooling
import TestSupport
import Testing

@Suite("What the Debian package knows of a spool's folders is what there is to know")
struct PackagedFoldersTests {
  @Test("It makes those that every spool has, and that of receipts, into which a web server drops them")
  func made() throws {
    let lines = try Repository.text("Sources/Extras/Packaging/debian/msgspool.tmpfiles")
    let made = lines.matches(of: #/d /var/spool/msgspool/(\w+) /#).map { String($0.1) }
    #expect(Set(made) == Set(Folder.required.map(\.rawValue) + ["receipts"]))
  }

  @Test("Purge keeps a spool with a file in any of them but done/, and with what came in and nobody took")
  func kept() throws {
    let script = try Repository.text("Sources/Extras/Packaging/debian/msgspool.postrm")
    let named = try #require(script.firstMatch(of: #/waiting="([^"]+)"/#)).1.split(separator: " ").map(String.init)
    let received = ["receipts/new", "receipts/tmp", "inbox/new", "inbox/tmp"]
    #expect(Set(named) == Set(Folder.allCases.filter { $0 != .done }.map(\.rawValue) + received))
    #expect(script.matches(of: #/for folder in \$waiting; do/#).count == 2)
  }
}
