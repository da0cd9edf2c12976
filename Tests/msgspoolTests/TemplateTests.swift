import Foundation
import TestSupport
import Testing

@Suite("Templates of the spool's own: filled when a message is claimed, and the dropped bytes stay")
struct TemplateTests {
  @Test("A producer names a template and its values; the sweep sends what it says")
  func sent() async throws {
    try await withSandbox { yard in
      try FileManager.default.createDirectory(atPath: yard.path("templates"), withIntermediateDirectories: false)
      try yard.put("templates/disk.json", #"{"to":"UID_1","title":"Disk {host}","body":"{percent} % full"}"#)
      let dropped = #"{"use":"disk","params":{"host":"db1","percent":95}}"#
      try yard.put("new/good", dropped)
      try yard.put("new/bad", #"{"use":"dsik","params":{}}"#)
      #expect(
        try await yard.msgspool("send", "--use", "disk", "--param", "host=web", "--param", "percent=80").status == 0)
      let slip = try await yard.msgspool("send", "--use", "disk", "--param", "hots=web", "--param", "percent=80")
      #expect(slip.status == 64 && slip.stderr.contains("params.host: is missing"), "\(slip.stderr)")
      let dry = try await yard.msgspool("sweep", "--dry-run", "--json")
      #expect(dry.stdout.contains("\"invalid\":1"), "\(dry.stdout)")
      #expect(try await yard.msgspool("show", "good").stdout.contains("UID_1"))
      _ = try await yard.msgspool("sweep")
      #expect(try yard.text(of: "done/good").hasPrefix(dropped + "\n{\"msgspool\":1"))
      #expect(try yard.names("done").count == 2)
      let requests = try String(contentsOfFile: yard.root + "/requests", encoding: .utf8)
      #expect(
        requests.contains("95 % full") && requests.contains("Disk db1") && requests.contains("Disk web"), "\(requests)")
      let failed = try yard.text(of: "failed/bad")
      #expect(failed.contains("\"state\":\"invalid\"") && failed.contains("did you mean \\\"disk\\\"?"), "\(failed)")
      // Mended, it goes.
      try yard.put("templates/dsik.json", #"{"to":"UID_2","body":"x"}"#)
      _ = try await yard.msgspool("retry", "bad")
      _ = try await yard.msgspool("sweep")
      #expect(yard.exists("done/bad"))
    }
  }
}
