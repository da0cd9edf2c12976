import Core
import Sandbox

/// The providers' stand-in that a configuration with `sandbox: PORT` means. It comes with a sweep and goes with it, so that
/// a first message needs no other program.
struct StandIn: ~Copyable {
  private let server: SandboxServer?

  /// Starts one, which is said, unless the port is taken: then somebody runs it already, and may want to see what comes.
  init(_ configuration: Configuration) {
    guard let port = configuration.sandboxPort.flatMap(UInt16.init(exactly:)) else {
      server = nil
      return
    }
    let server = SandboxServer(port: port)
    do throws(SandboxError) {
      try server.start()
      self.server = server
      Console.note(
        phrase("sandbox: a stand-in takes the messages at {1}, and nobody gets them", "127.0.0.1:\(port)"))
    } catch {
      self.server = nil
      Console.detail("sandbox: \(error)")
    }
  }

  deinit { server?.stop() }
}
