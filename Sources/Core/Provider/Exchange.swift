/// What goes on the wire for one call, and what came back. Values only: Transports performs them.

/// One request to a provider, complete: nothing is added to it on the way but transport headers.
package enum Exchange: Sendable, Hashable {
  case http(HTTPRequest)
  case mail(MailRequest)
  case program(ProgramRequest)
}

/// An HTTP/1.1 request. Header values that hold control characters are refused by the transport
/// (`Reply.notSent`), so no provider can be talked into header injection.
package struct HTTPRequest: Sendable, Hashable {
  package enum Method: String, Sendable { case get = "GET", post = "POST", put = "PUT", delete = "DELETE" }

  package var method: Method
  /// Scheme, host, port, path and query, percent-encoded exactly as it goes on the wire.
  package var url: String
  /// Without Host, Content-Length, Connection and User-Agent, which the transport sets.
  package var headers: [HTTPHeader]
  package var body: [UInt8]
  /// Not empty: a multipart/form-data body of these parts, streamed; `body` is then empty, and the transport adds the
  /// Content-Type with its boundary.
  package var parts: [FormPart] = []

  package init(
    _ method: Method, _ url: String, headers: [HTTPHeader] = [], body: [UInt8] = [], parts: [FormPart] = []
  ) {
    self.method = method
    self.url = url
    self.headers = headers
    self.body = body
    self.parts = parts
  }
}

/// One part of a multipart/form-data body.
package struct FormPart: Sendable, Hashable {
  package var name: String
  /// Given for files, absent for plain fields.
  package var fileName: String?
  package var type: String?
  package var source: ByteSource

  package init(_ name: String, fileName: String? = nil, type: String? = nil, _ source: ByteSource) {
    self.name = name
    self.fileName = fileName
    self.type = type
    self.source = source
  }
}

/// Bytes, or where the transport reads them while it sends.
package enum ByteSource: Sendable, Hashable {
  case bytes([UInt8])
  case file(AttachmentFile)
}

/// A file that a message may attach: it lies below a directory that the configuration allows, and is opened beneath
/// that directory without following symbolic links.
package struct AttachmentFile: Sendable, Hashable {
  package var directory: String
  /// Below the directory: no leading slash, no `..`.
  package var path: String

  package init(directory: String, path: String) {
    self.directory = directory
    self.path = path
  }

  /// By bytes, as the file system has it: names that look alike are two files.
  package static func == (one: AttachmentFile, other: AttachmentFile) -> Bool {
    Verbatim(one.directory) == Verbatim(other.directory) && Verbatim(one.path) == Verbatim(other.path)
  }
}

/// A mail to the recipients of one call (RFC 5321, 5322, MIME).
package struct MailRequest: Sendable, Hashable {
  package enum Security: String, Sendable, CaseIterable {
    /// smtps://, or STARTTLS, or nothing is sent.
    case required
    /// STARTTLS where the server offers it.
    case opportunistic
    case none
  }

  /// smtp://host:port or smtps://host:port; a path is the name given with EHLO, else the transport finds one.
  package var url: String
  package var security: Security
  package var username: String?
  package var password: String?
  /// The envelope's sender and recipients: bare addresses.
  package var sender: String
  package var recipients: [String]
  /// Complete header lines, encoded (RFC 2047) and without line breaks: From, To, Subject, Date, Message-ID...
  package var headers: [HTTPHeader]
  /// The text in its alternatives, plainest first: media type and UTF-8 bytes.
  package var bodies: [Body]
  package var attachments: [FormPart]

  /// An address in the envelope or in a header has letters beyond ASCII: only a server with SMTPUTF8 (RFC 6531) may get it.
  package var needsUTF8: Bool {
    ([sender] + recipients + headers.map(\.value)).contains { !$0.utf8.allSatisfy { $0 < 0x80 } }
  }

  package struct Body: Sendable, Hashable {
    package var type: String
    package var text: String

    package init(type: String, text: String) {
      self.type = type
      self.text = text
    }
  }

  package init(
    url: String, security: Security, username: String?, password: String?, sender: String, recipients: [String],
    headers: [HTTPHeader], bodies: [Body], attachments: [FormPart]
  ) {
    self.url = url
    self.security = security
    self.username = username
    self.password = password
    self.sender = sender
    self.recipients = recipients
    self.headers = headers
    self.bodies = bodies
    self.attachments = attachments
  }
}

/// A run of a program on this machine: no shell, a clean environment, input and output bounded.
package struct ProgramRequest: Sendable, Hashable {
  /// Absolute path and arguments.
  package var command: [String]
  package var input: [UInt8]
  /// All the program gets, beside PATH, HOME and LANG.
  package var environment: [String: String]
  /// Bytes of standard output taken; more is cut off and the program killed.
  package var outputLimit: Int

  package init(command: [String], input: [UInt8], environment: [String: String] = [:], outputLimit: Int = 1 << 20) {
    self.command = command
    self.input = input
    self.environment = environment
    self.outputLimit = outputLimit
  }
}

package struct HTTPHeader: Sendable, Hashable {
  package var name: String
  package var value: String

  package init(_ name: String, _ value: String) {
    self.name = name
    self.value = value
  }
}

/// What is known after an exchange. "Nothing came back" is an answer too.
package enum Reply: Sendable, Hashable {
  case http(HTTPResponse)
  case mail(MailResponse)
  case program(ProgramResponse)
  /// No byte of the request can have reached the provider (name not resolved, refused, TLS not agreed...).
  case notSent(TransportFailure)
  /// The request was sent, wholly or in part, and no complete answer came. It may have been carried out.
  case lost(TransportFailure)
}

package struct TransportFailure: Sendable, Hashable {
  /// Short machine word: `timeout`, `refused`, `resolve`, `tls`, `reset`, `truncated`, `too-large`, `malformed` (no
  /// HTTP), `invalid` (the request), `closed` and `abandoned` (by a shutdown), `failed` (anything else).
  package var code: String
  /// One sentence for people, without secrets (never the URL's query).
  package var message: String

  package init(code: String, message: String) {
    self.code = code
    self.message = message
  }
}

package struct HTTPResponse: Sendable, Hashable {
  package var status: Int
  /// Names in lower case, in wire order.
  package var headers: [HTTPHeader]
  package var body: [UInt8]

  package init(status: Int, headers: [HTTPHeader] = [], body: [UInt8] = []) {
    self.status = status
    self.headers = headers
    self.body = body
  }

  /// The first header of that (lower-case) name.
  package func header(_ name: String) -> String? {
    headers.first { $0.name == name }?.value
  }
}

/// What a mail server said.
package struct MailResponse: Sendable, Hashable {
  package struct Line: Sendable, Hashable {
    /// 250, 451, 550...
    package var code: Int
    package var text: String

    package init(code: Int, text: String) {
      self.code = code
      self.text = text
    }
  }

  /// The answer to each RCPT, in the recipients' order; nil for those that were not reached.
  package var recipients: [Line?]
  /// The answer to the whole: after the final dot, or the refusal that ended the dialogue before (greeting, AUTH, MAIL,
  /// DATA). Nil when the connection went before the final dot was sent.
  package var final: Line?
  /// The message was handed over whole: `final` answers the final dot.
  package var wasSent: Bool
  /// The most recipients of one mail that the server announced (RFC 9422); those beyond were not named to it.
  package var capacity: Int?
  /// The mail needs SMTPUTF8 and the server has it not: nobody was named to it.
  package var lacksUTF8: Bool

  package init(
    recipients: [Line?], final: Line?, wasSent: Bool, capacity: Int? = nil, lacksUTF8: Bool = false
  ) {
    self.lacksUTF8 = lacksUTF8
    self.recipients = recipients
    self.final = final
    self.wasSent = wasSent
    self.capacity = capacity
  }
}

/// How a program ended.
package struct ProgramResponse: Sendable, Hashable {
  /// Its exit status; nil when a signal ended it.
  package var status: Int32?
  package var output: [UInt8]
  /// The end of what it wrote to standard error, bounded.
  package var errors: String

  package init(status: Int32?, output: [UInt8], errors: String) {
    self.status = status
    self.output = output
    self.errors = errors
  }
}
