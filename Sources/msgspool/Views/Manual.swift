import Configuring
import Core
import Spooling

/// msgspool(1), msgspool(5) and msgspool.conf(5).
struct Manual {
  enum Page: String, CaseIterable {
    case commands = "1"
    case formats = "5"
    case configuration = "conf"
  }

  let commands: [Guide]
  let cards: [ProviderCard]

  subscript(page: Page) -> String {
    switch page {
    case .commands: commandPage
    case .formats: formatPage
    case .configuration: configurationPage
    }
  }

  // MARK: msgspool(1)

  private var commandPage: String {
    var page = Mdoc("msgspool", section: "1", date: Program.date, summary: "batch message spooler")
    page.section("SYNOPSIS")
    page.macro(".Nm")
    page.macro(".Ar COMMAND")
    page.macro(".Op Ar options")
    page.macro(".Nm")
    page.macro(".Cm help")
    page.macro(".Op Ar COMMAND")
    page.section("DESCRIPTION")
    page.prose(
      """
      Programs drop messages as files into a spool, in any language. A sweep takes what is due, sends it through \
      providers in the fullest calls that they allow, tries again what is worth it, and appends to each file what became \
      of it. msgspool(5) tells how a message and a spool look, msgspool.conf(5) how channels are configured.
      """)
    page.section("COMMANDS")
    for guide in commands { command(guide, &page) }
    page.section("OPTIONS OF ALL COMMANDS")
    page.list(Guide.common.map { (Mdoc.head($0), sentence($0.summary)) })
    page.section("ENVIRONMENT")
    page.list(Surroundings.variables.map { ("Ev \($0.name)", $0.summary) })
    page.section("FILES")
    page.list(Surroundings.files.map { ("Pa \(Mdoc.escaped($0.path))", $0.summary) })
    page.section("EXIT STATUS")
    page.list(ExitStatus.allCases.map { ("\\&\($0.rawValue)", $0.meaning) })
    page.section("SEE ALSO")
    page.prose("msgspool(5), msgspool.conf(5), crontab(5), systemd.timer(5)")
    return page.text
  }

  private func command(_ guide: Guide, _ page: inout Mdoc) {
    page.subsection("msgspool \(guide.name)")
    page.usage(guide)
    page.prose(sentence(guide.summary))
    if !guide.details.isEmpty { page.paragraph(guide.details) }
    if !guide.options.isEmpty {
      page.list(guide.options.map { (Mdoc.head($0), sentence($0.summary)) })
    }
    page.paragraph(guide.examples.count == 1 ? "For example:" : "Examples:")
    page.literal(guide.examples.map { "# \($0.summary)\n\($0.line)" }.joined(separator: "\n"))
  }

  // MARK: msgspool(5)

  private var formatPage: String {
    var page = Mdoc("msgspool", section: "5", date: Program.date, summary: "message and spool format")
    page.section("DESCRIPTION")
    page.prose(
      """
      A message is one JSON object (RFC 8259, UTF-8) in one file. A producer writes the file in tmp/, flushes it (fsync), \
      and renames it into new/. Any name will do that is new, does not start with a dot, and does not end in .tmp, .part \
      or a tilde. msgspool send does that. The bytes that were dropped never change; what happened is appended.
      """)
    page.literal(#"{"channel": "alerts", "to": ["UID_a", "UID_b"], "body": "95 % full"}"#)
    page.section("MESSAGE")
    page.prose(
      """
      An unknown field is an error that names the nearest known one; null is the same as absent. msgspool schema prints \
      this section as JSON Schema.
      """)
    page.list(
      MessageField.allCases.map { field in
        ("Cm \(Mdoc.arguments(field.rawValue))", "\(field.summary)\n\nThe value is \(field.shape.expected).")
      })
    page.section("TEMPLATES")
    page.prose(
      """
      templates/NAME.json in a spool is a message with places, which are written {place} in its texts; a brace of its own \
      is {{ or }}. A producer fills them:
      """)
    page.literal(
      #"""
      templates/disk.json:
      {"channel": "alerts", "to": "team", "format": "markdown",
       "title": "Disk {host}", "body": "**{host}** is {percent} % full"}

      a message:
      {"use": "disk", "params": {"host": "db_1", "percent": 95}}
      """#)
    page.paragraph(
      """
      Other fields of the message go before the template's. A place without a value, a value without a place and a name \
      without a template are errors. What a value holds is shown and never obeyed: in a body it is escaped as the \
      body's format has it, in a link it is percent-encoded. A template is read each time that a message is claimed; the \
      dropped file does not change.
      """)
    page.section("SPOOL")
    page.list(
      Folder.allCases.map { ("Pa \($0.rawValue)/", $0.summary) }
        + SpoolLayout.files.map { ("Pa \($0.name)", $0.summary) })
    page.paragraph(
      """
      A file keeps its name from new/ to done/ or failed/; where the name is taken, ~2, ~3 and so on are appended. Every \
      move is one rename, so a message is in exactly one place at any instant.
      """)
    page.section("HISTORY LINES")
    page.prose("One line of JSON is appended each time a message leaves cur/, the newest last:")
    page.literal(
      #"""
      {"msgspool":1,"at":"2026-11-22T09:00:00.123Z","state":"done",
       "channel":"alerts","provider":"wxpusher","attempt":1,
       "recipients":{"accepted":2},"calls":["..."],
       "results":[{"to":"UID_a","state":"accepted","id":"5000044"}]}
      """#)
    page.list([
      ("Cm state", "One of \(MessageState.allCases.map(\.rawValue).joined(separator: ", "))."),
      (
        "Cm results",
        "An entry for each recipient of this attempt: to, state (\(RecipientState.allCases.map(\.rawValue).joined(separator: ", "))), the provider's id, and when it was not accepted its code and reason."
      ),
      (
        "Cm error",
        "When the state is not done: kind (\(ErrorKind.allCases.map(\.rawValue).joined(separator: ", "))), code, message and hint."
      ),
      ("Cm due", "Of a deferred message: when the next try is."),
    ])
    page.section("SEE ALSO")
    page.prose("msgspool(1), msgspool.conf(5)")
    return page.text
  }

  // MARK: msgspool.conf(5)

  private var configurationPage: String {
    var page = Mdoc("msgspool.conf", section: "5", date: Program.date, summary: "configuration of msgspool")
    page.section("SYNOPSIS")
    page.literal(Surroundings.configurations.joined(separator: "\n"))
    page.section("DESCRIPTION")
    page.prose(
      """
      JSON5: comments and trailing commas are welcome. msgspool init writes a commented one, msgspool init --provider NAME \
      one with a channel of that provider, and msgspool check tells what is missing. A span has a unit (30s, 10m, 12h, 7d).
      """)
    page.section("SETTINGS")
    page.list(ConfigurationKey.top.map(item))
    page.section("CHANNELS")
    page.prose("Each entry of channels is an object with these settings, and with those of its provider.")
    page.list(ConfigurationKey.channel.map(item))
    page.section("SECRETS")
    page.prose(
      """
      A secret is a string, or { env: "NAME" }, { file: "PATH" } or { credential: "NAME" }, which systemd hands to a \
      service. A file that holds one and that everybody may read is refused. No secret is ever shown or recorded.
      """)
    page.section("PROVIDERS")
    for card in cards { provider(card, &page) }
    page.section("SEE ALSO")
    page.prose("msgspool(1), msgspool(5)")
    return page.text
  }

  private func item(_ key: ConfigurationKey) -> (head: String, text: String) {
    let fallback = key.fallback.map { " Without it: \($0)." } ?? ""
    return ("Cm \(Mdoc.arguments(key.name)) Ar \(Mdoc.arguments(key.form))", key.summary + fallback)
  }

  private func provider(_ card: ProviderCard, _ page: inout Mdoc) {
    page.subsection(card.name)
    page.prose("\(sentence(card.summary)) \(card.document)")
    let settings = card.settings.map { setting -> (head: String, text: String) in
      let marks = [setting.required ? "required" : nil, setting.secret ? "secret" : nil].compactMap { $0 }
      let mark = marks.isEmpty ? "" : " (\(marks.joined(separator: ", ")))"
      return (
        "Cm \(Mdoc.arguments(setting.name)) Ar \(Mdoc.arguments(setting.kind.rawValue))",
        sentence(setting.summary + mark)
      )
    }
    if !settings.isEmpty {
      page.list(settings)
    }
    if !card.options.isEmpty {
      page.paragraph("Options of a message:")
      page.list(
        card.options.map {
          ("Cm \(Mdoc.arguments($0.name)) Ar \(Mdoc.arguments($0.kind.rawValue))", sentence($0.summary))
        })
    }
    if !card.targetKinds.isEmpty {
      page.paragraph("Kinds of recipient:")
      page.list(card.targetKinds.map { ("Cm \(Mdoc.arguments($0.kind)) Ns \\&: Ns Ar VALUE", sentence($0.summary)) })
    }
    for note in card.notes { page.paragraph(sentence(note)) }
    page.literal(card.exampleEntry)
  }

  /// With a capital and a full stop, as a page has sentences where help has notes.
  private func sentence(_ note: String) -> String {
    guard let first = note.first else { return note }
    let begin = first.isLowercase && !note.hasPrefix("msgspool") ? first.uppercased() + note.dropFirst() : note
    return note.utf8.last.map { Array(".?!:".utf8).contains($0) } == true ? begin : begin + "."
  }
}
