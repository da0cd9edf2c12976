import FoundationEssentials

/// What a rule made of a message, complete: it needs neither the rule nor the message any more.
package struct ReplyWork: Sendable, Hashable {
  package enum Kind: Sendable, Hashable {
    /// The text to answer with.
    case text(String)
    /// A program, its standard input, and the seconds it may take; what it prints is the answer.
    case run([String], input: String, timeout: Double)
    /// A message for another channel, with these files of the inbox.
    case forward(channel: String, to: [String], text: String, files: [File])
  }

  /// What came with the message.
  package struct File: Sendable, Hashable {
    package var name: String
    package var type: String
    /// Below the spool.
    package var path: String

    package init(name: String, type: String, path: String) {
      self.name = name
      self.type = type
      self.path = path
    }
  }

  package var kind: Kind
  /// When the message came that it answers; an answer that is late is none.
  package var expires: Date
  /// Whom it goes to (`Correspondent.user`): answers to one are counted.
  package var user: String

  package init(_ kind: Kind, expires: Date, user: String) {
    self.kind = kind
    self.expires = expires
    self.user = user
  }
}

extension ReplyWork {
  /// As the ledger keeps it.
  package var json: JSON {
    var members: [JSON.Member] = [
      .init("expires", .string(RFC3339.string(expires))), .init("user", .string(user)),
    ]
    switch kind {
    case .text(let text): members.append(.init("text", .string(text)))
    case .run(let command, let input, let timeout):
      members += [
        .init("run", .strings(command)), .init("input", .string(input)), .init("timeout", .number(String(timeout))),
      ]
    case .forward(let channel, let to, let text, let files):
      members += [
        .init("forward", .string(channel)), .init("to", .strings(to)), .init("text", .string(text)),
        .init(
          "files",
          .array(
            files.map { file in
              .object([
                .init("name", .string(file.name)), .init("type", .string(file.type)), .init("path", .string(file.path)),
              ])
            })),
      ]
    }
    return .object(members)
  }

  package init?(_ value: JSON) {
    guard let expires = value["expires"]?.string.flatMap(RFC3339.date), let user = value["user"]?.string else {
      return nil
    }
    if let command = value["run"]?.array {
      kind = .run(
        command.compactMap(\.string), input: value["input"]?.string ?? "", timeout: value["timeout"]?.number ?? 10)
    } else if let channel = value["forward"]?.string {
      let files = (value["files"]?.array ?? []).compactMap { file -> File? in
        guard let name = file["name"]?.string, let path = file["path"]?.string else { return nil }
        return File(name: name, type: file["type"]?.string ?? "", path: path)
      }
      kind = .forward(
        channel: channel, to: (value["to"]?.array ?? []).compactMap(\.string), text: value["text"]?.string ?? "",
        files: files)
    } else if let text = value["text"]?.string {
      kind = .text(text)
    } else {
      return nil
    }
    (self.expires, self.user) = (expires, user)
  }
}
