/// What goes on the wire for one call, and what came back. Values only: Transports performs them.

/// One request to a provider, complete: nothing is added to it on the way but transport headers.
package enum Exchange: Sendable, Hashable {
  case http(HTTPRequest)
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

  package init(_ method: Method, _ url: String, headers: [HTTPHeader] = [], body: [UInt8] = []) {
    self.method = method
    self.url = url
    self.headers = headers
    self.body = body
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
