import Core
import Signing

/// Where a webhook's requests go: an address that may have places in its path and query.
struct WebhookAddress: Sendable {
  private let pieces: [Places.Piece]
  /// The places' names.
  let places: Set<String>

  private static let known: Set<String> = ["to", "call"]

  init(_ text: String) throws(SettingFault) {
    let pieces: [Places.Piece]
    do throws(TemplateProblem) { pieces = try Places.pieces(of: text) } catch {
      throw SettingFault("url", error.text)
    }
    var places: Set<String> = []
    for case .place(let name) in pieces { places.insert(name) }
    if let unknown = places.sorted().first(where: { !WebhookAddress.known.contains($0) }) {
      throw SettingFault("url", "has an unknown place {\(unknown)}; known are {to} and {call}")
    }
    // With something else in each place the rest is an address like any other.
    let checked = try WebhookAddress.checked(WebhookAddress.joined(pieces) { _ in "0" })
    if places.isEmpty {
      self.pieces = [.fixed(checked)]
    } else {
      // Whoever writes a message does not choose the host that gets the channel's secrets.
      guard case .fixed(let head) = pieces[0], head.utf8.dropFirst("https://".utf8.count).contains(UInt8(ascii: "/"))
      else { throw SettingFault("url", "has a place before its path") }
      self.pieces = pieces
    }
    self.places = places
  }

  private static func checked(_ url: String) throws(SettingFault) -> String {
    let query = url.firstIndex(of: "?").map { url[$0...] } ?? ""
    do throws(SettingFault) {
      let endpoint = try Endpoint(Settings(endpoint: String(url.dropLast(query.count)), values: [:]))
      guard query.utf8.allSatisfy({ (0x21...0x7E).contains($0) && $0 != UInt8(ascii: "#") }) else {
        throw SettingFault("url", "has a query with characters that must be percent-encoded")
      }
      return endpoint.base + (endpoint.path.isEmpty ? "/" : "") + query
    } catch {
      throw SettingFault("url", error.problem)
    }
  }

  /// Checks what would stand in the place of the recipient.
  func check(_ address: String) throws(RecipientFault) {
    guard places.contains("to") else { return }
    if address.isEmpty { throw RecipientFault("is missing: the channel's url has a place for it") }
    // A part of a path that is nothing but dots leads elsewhere, encoded or not.
    if address.utf8.allSatisfy({ $0 == UInt8(ascii: ".") }) { throw RecipientFault("is nothing but dots") }
  }

  /// - Parameter value: of a place; it goes percent-encoded.
  func filled(_ value: (String) -> String) -> String {
    WebhookAddress.joined(pieces) { PercentEncoding.encode(value($0)) }
  }

  private static func joined(_ pieces: [Places.Piece], _ value: (String) -> String) -> String {
    pieces.map { piece in
      switch piece {
      case .fixed(let text): text
      case .place(let name): value(name)
      }
    }.joined()
  }
}
