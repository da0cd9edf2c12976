import Core
import FoundationEssentials
import Glibc
import QRCodes
import Spooling

/// What a login shows: a code, and each phase as it comes, for people or as a line of JSON each.
struct LoginScreen {
  private let channel: String
  private let provider: String
  private let asJSON: Bool
  private let picture: CodePicture?

  init(_ channel: PersonalChannel, asJSON: Bool, _ picture: CodePicture?) {
    self.channel = channel.channel.name
    provider = channel.channel.card.name
    self.asJSON = asJSON
    self.picture = picture
  }

  func show(_ phase: Dialogue.Phase) {
    if case .qr(let url, _) = phase { drawPicture(url) }
    Console.output(asJSON ? json(phase).text + "\n" : text(phase))
  }

  private func json(_ phase: Dialogue.Phase) -> JSON {
    func object(_ name: String, _ members: [JSON.Member] = []) -> JSON {
      .object([.init("phase", .string(name))] + members)
    }
    return switch phase {
    case .qr(let url, let expires):
      object("qr", [.init("url", .string(url)), .init("expires", .integer(expires))])
    case .push: object("push")
    case .scanned: object("scanned")
    case .code(let isRepeated): object("code", isRepeated ? [.init("repeated", .boolean(true))] : [])
    case .redirected: object("redirected")
    case .expired: object("expired")
    case .confirmed: object("confirmed")
    }
  }

  private func text(_ phase: Dialogue.Phase) -> String {
    switch phase {
    case .qr(let url, let expires):
      let code = QRCode(url)?.text(colored: Console.outputIsColored) ?? ""
      let good = TimeSpan.text(Double(expires))
      let how = phrase("Scan this code with WeChat on your phone; it is good for {1}.", good)
      return "\(how)\n\n\(code)\n\(url.safeText)\n\n"
    case .push: return phrase("Confirm the login on your phone.") + "\n"
    case .scanned: return phrase("Scanned. Confirm on your phone.") + "\n"
    case .code(isRepeated: false): return phrase("Your phone shows digits. Type them, then Enter:") + " "
    case .code(isRepeated: true): return phrase("Those did not match. Type the digits that your phone shows:") + " "
    case .redirected: return phrase("WeChat goes on at another host.") + "\n"
    case .expired: return phrase("The code has expired.") + "\n"
    case .confirmed: return phrase("Confirmed.") + "\n"
    }
  }

  private func drawPicture(_ url: String) {
    guard let picture else { return }
    guard let code = QRCode(url), picture.draw(code) else {
      return Console.warn(picture.path, "the code could not be written there", hint: "scan it in the terminal")
    }
  }

  /// The digits that a person types; nil where nothing more comes, or not in time.
  func read(within seconds: Double) -> String? {
    while true {
      guard case .line(let line) = Terminal.line(within: seconds) else { return nil }
      let digits = String(String.UnicodeScalarView(line.unicodeScalars.filter { !$0.properties.isWhitespace }))
      if !digits.isEmpty { return digits }
    }
  }

  func ready(_ session: Session, isNew: Bool) {
    let account = session.account?.name ?? ""
    let contacts = session.contacts?.entries.count ?? 0
    if asJSON {
      Console.output(
        .object([
          .init("phase", .string("ready")), .init("account", .string(account)), .init("contacts", .integer(contacts)),
        ]))
    } else {
      let (name, known) = (account.safeText, counted(contacts, "contact"))
      Console.output(
        (isNew ? phrase("Logged in: {1}, {2}.", name, known) : phrase("Already logged in: {1}, {2}.", name, known))
          + "\n")
    }
  }

  /// - Returns: the failure that the command ends with.
  func failed(_ failure: Dialogue.Failure) -> Failure {
    show(failure.fault)
    return Failure(failure)
  }

  /// The same of what is none of the service's: another login runs, the session can't be written.
  func told(_ failure: Failure) -> Failure {
    show(Fault(.provider, failure.message, hint: failure.hint))
    return failure
  }

  func telling<Result>(_ body: () throws(Failure) -> Result) throws(Failure) -> Result {
    do throws(Failure) { return try body() } catch { throw told(error) }
  }

  private func show(_ fault: Fault) {
    guard asJSON else { return }
    Console.output(.object([.init("phase", .string("failed")), .init("error", JSON(fault))]))
  }
}

/// The code as a picture in a file, which is there only while the command runs: who sees it may log in.
final class CodePicture: Sendable {
  let path: String
  private let isVector: Bool

  init(_ path: String) throws(Failure) {
    let ending = path.lowercased()
    guard ending.hasSuffix(".png") || ending.hasSuffix(".svg") else {
      throw Failure(.usage, "--qr: found \"\(path)\"; expected a name that ends with .png or .svg")
    }
    self.path = path
    isVector = ending.hasSuffix(".svg")
  }

  /// - Returns: false where it can't be written.
  func draw(_ code: QRCode) -> Bool {
    unlink(path)
    let file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
    guard file >= 0 else { return false }
    defer { close(file) }
    let bytes = isVector ? Array(code.svg.utf8) : code.png
    return (try? Syscalls.writeAll(bytes, to: file, path: path)) != nil
  }

  func remove() { unlink(path) }

  /// Also when a signal ends the command.
  func removeWhenStopped() {
    Signals.handle([SIGINT, SIGTERM, SIGHUP]) { [path] number in
      unlink(path)
      _exit(128 + number)
    }
  }
}
