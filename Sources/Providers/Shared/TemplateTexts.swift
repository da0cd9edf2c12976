import Core

/// The texts of approved templates, as far as the operator gave them (`template_texts`): what a message of one comes to, in
/// the signs that carriers bill. The clouds are sent a template's code and its parameters, and put the text together.
struct TemplateTexts {
  static let setting = SettingCard(
    "template_texts", .object, "template code to its text, as approved; with price: to count the parts that are billed")

  private let texts: [Verbatim: String]

  init(_ settings: Settings) throws(SettingFault) {
    var texts: [Verbatim: String] = [:]
    for member in settings[Self.setting.name]?.members ?? [] {
      guard let text = member.value.string else {
        throw SettingFault("\(Self.setting.name).\(member.key)", "is not a text")
      }
      texts[Verbatim(member.key)] = text
    }
    self.texts = texts
  }

  /// Parameters as a content holds them: JSON.
  enum Values {
    case named(String?)
    case positional(String?)
  }

  /// What arrives. Without the template's text: what is known of it, which is the least that is billed.
  func text(_ template: String, signature: String?, _ values: Values) -> String {
    let head = signature.map { "【\($0)】" } ?? ""
    let members: [JSON.Member]
    let list: [String]
    switch values {
    case .named(let json):
      members = Self.value(json)?.members ?? []
      list = members.compactMap(\.value.string)
    case .positional(let json):
      members = []
      list = Self.value(json)?.array?.compactMap(\.string) ?? []
    }
    guard let text = texts[Verbatim(template)] else { return head + list.joined() }
    return head + Self.filled(text, members, list)
  }

  private static func value(_ json: String?) -> JSON? { json.flatMap { try? JSONScanner.value(of: Array($0.utf8)) } }

  /// With its places filled: `${name}` by name, `{1}` by number, and any other `${...}` in the list's order.
  private static func filled(_ text: String, _ members: [JSON.Member], _ list: [String]) -> String {
    var filled = ""
    var rest = Substring(text)
    var next = 0
    while let open = rest.firstIndex(of: "{"), let close = rest[open...].firstIndex(of: "}") {
      let name = String(rest[rest.index(after: open)..<close])
      let isDollar = rest[..<open].last == "$"
      let value: String?
      if let member = members.first(where: { Verbatim($0.key) == Verbatim(name) }) {
        value = member.value.string
      } else if !isDollar, let number = Int(name), list.indices.contains(number - 1) {
        value = list[number - 1]
      } else if isDollar, members.isEmpty, list.indices.contains(next) {
        value = list[next]
        next += 1
      } else {
        value = nil
      }
      let before = rest[..<open]
      if let value {
        filled += (isDollar ? before.dropLast() : before) + value
      } else {
        filled += rest[...close]
      }
      rest = rest[rest.index(after: close)...]
    }
    return filled + rest
  }
}
