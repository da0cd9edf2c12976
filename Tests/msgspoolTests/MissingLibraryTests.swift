import Foundation
import TestSupport
import Testing

@Suite("The program starts without the libraries that it opens when it needs them, and says which one it misses")
struct MissingLibraryTests {
  /// As on a machine that has not got it: what is found first under its name is no library.
  private static func without(_ library: String, in folder: String) throws -> [String] {
    try "no library".write(toFile: "\(folder)/\(library)", atomically: false, encoding: .utf8)
    return ["env", "LD_LIBRARY_PATH=\(folder)"]
  }

  @Test("libcurl: messages wait, nothing of them is lost, and they go out when it is there")
  func noCurl() async throws {
    try await withStation { station in
      try station.configure(["push": .wxpusher()])
      var cargo = Cargo()
      cargo.add("one", channel: "push", to: ["UID_1"], body: "text")
      try cargo.drop(into: station.spool)
      let swept = try await station.sweep(under: Self.without("libcurl.so.4", in: station.spool.path))
      #expect(swept.status == 0)
      let name = try #require(station.spool.names(in: "deferred").first, "\(swept.stderr)")
      let file = try String(contentsOfFile: "\(station.spool.path)/deferred/\(name)", encoding: .utf8)
      #expect(file.contains("apt install libcurl4"))
      _ = try await station.sweepToTheEnd()
      #expect(try Aftermath(station, cargo).lost.isEmpty)
    }
  }

  @Test("libmicrohttpd: the sandbox says so and ends")
  func noServer() async throws {
    let program = try #require(builtProgram())
    let spool = try TemporarySpool()
    let arguments = try Self.without("libmicrohttpd.so.12", in: spool.path) + [program, "sandbox"]
    let said = try await run(arguments[0], Array(arguments.dropFirst()))
    #expect(said.status != 0)
    #expect(said.stderr.contains("apt install libmicrohttpd12"), "\(said.stderr)")
  }
}
