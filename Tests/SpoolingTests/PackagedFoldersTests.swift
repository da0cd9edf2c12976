import Spooling
import TestSupport
import Testing

@Suite("What the Debian package knows of a spool's folders is what there is to know")
struct PackagedFoldersTests {
  @Test("It makes those that every spool has")
  func made() throws {
    let lines = try Repository.text("Sources/Extras/Packaging/debian/msgspool.tmpfiles")
    let made = lines.matches(of: #/d /var/spool/msgspool/(\w+) /#).map { String($0.1) }
    #expect(Set(made) == Set(Folder.required.map(\.rawValue)))
  }

  @Test("Purge keeps a spool with a file in any of them but done/")
  func kept() throws {
    let script = try Repository.text("Sources/Extras/Packaging/debian/msgspool.postrm")
    let loops = script.matches(of: #/for folder in ([\w ]+); do/#).map {
      Set($0.1.split(separator: " ").map(String.init))
    }
    #expect(loops.count == 2)
    for folders in loops { #expect(folders == Set(Folder.allCases.filter { $0 != .done }.map(\.rawValue))) }
  }
}
