import Core
import Foundation
import Testing

@testable import Providers

/// What becomes of a text that is too long for its service (`options.long`), provider by provider.
@Suite struct LongTextTests {
  private static let limited = Specimen.all.filter { $0.provider.card.longTexts != nil }

  /// Providers with limits, those with a login too, and a text of so many words that none of them takes.
  private static func makers() throws -> [(name: String, provider: any Provider)] {
    var makers = try limited.map { ($0.provider.card.name, try $0.make()) }
    makers.append(("wechat-ilink", try WeChatILink(settings(WeChatILink.self, [:]))))
    makers.append(("wechat-web", try WeChatWeb(settings(WeChatWeb.self, ["accept_risk": .boolean(true)]))))
    return makers
  }

  private func words(_ count: Int) -> [String] { (0..<count).map { "w\($0)é🚀" } }

  private func long(
    _ mode: String, _ body: String, title: String? = nil, format: Message.Format = .text, url: String? = nil
  )
    -> Message
  {
    Message(body: body, title: title, format: format, url: url, options: [.init("long", .string(mode))])
  }

  /// The field of a content that holds the text: the longest.
  private func text(_ content: Content) -> String {
    content.fields.map(\.value).max { $0.utf8.count < $1.utf8.count } ?? ""
  }

  @Test func everyProviderWithALimitRefusesByDefaultAndTellsHowElse() throws {
    for (name, provider) in try Self.makers() {
      let body = words(16_000).joined(separator: " ")
      for message in [Message(body: body, title: "t"), long("refuse", body, title: "t")] {
        let fault = #expect(throws: MessageFault.self, "\(name)") { try provider.rendered(message) }
        #expect(fault?.field == "body" && fault?.limit != nil, "\(name)")
        #expect(fault?.hint?.contains("options.long") == true, "\(name)")
      }
    }
  }

  @Test func everyProviderSplitsAtWordsAndLosesNone() throws {
    for (name, provider) in try Self.makers() {
      let words = words(name == "pushed" ? 400 : 9_000)
      let content = try provider.rendered(long("split", words.joined(separator: " "), title: "t", url: "https://u.v"))
      let pieces = content.pieces.map(text)
      #expect(pieces.count > 1, "\(name)")
      var found: [String] = []
      for (index, piece) in pieces.enumerated() {
        #expect(piece.contains("(\(index + 1)/\(pieces.count)) "), "\(name)")
        found += piece.split { " \n\",:{}[]".contains($0) }.map(String.init).filter { $0.hasPrefix("w") }
      }
      #expect(found == words, "\(name)")
    }
  }

  @Test func everyProviderCutsAtAWordAndMarksIt() throws {
    for (name, provider) in try Self.makers() {
      let words = words(16_000)
      let content = try provider.rendered(long("cut", words.joined(separator: " "), title: "t"))
      #expect(content.pieces.isEmpty, "\(name)")
      let cut = text(content)
      #expect(cut.contains("…") && !cut.contains("é…w"), "\(name)")
      let found = cut.replacing("…", with: "").split { " \n\",:{}[]".contains($0) }.map(String.init).filter {
        $0.hasPrefix("w")
      }
      #expect(found == Array(words.prefix(found.count)) && found.count > 10, "\(name)")
    }
  }

  @Test(arguments: [JSON.string("Split"), .boolean(true), .integer(1), .strings([])]) func otherWordsAreRefused(
    value: JSON
  ) throws {
    for (name, provider) in try Self.makers() {
      let fault = #expect(throws: MessageFault.self) {
        try provider.rendered(Message(body: "x", title: "t", options: [.init("long", value)]))
      }
      #expect(fault?.field == "options.long", "\(name)")
      #expect(fault?.problem.contains(#""refuse", "cut", "split""#) == true, "\(name)")
    }
  }

  @Test func whatFitsGoesAsItIs() throws {
    for (_, provider) in try Self.makers() {
      for mode in ["refuse", "cut", "split"] {
        let content = try provider.rendered(long(mode, "short", title: "t"))
        #expect(content == (try provider.rendered(Message(body: "short", title: "t"))))
      }
    }
  }

  @Test func onlyServicesWithALimitHaveTheOption() {
    for provider in Catalogue.providers {
      let card = provider.card
      #expect(card.options.contains { $0.name == "long" } == (card.longTexts != nil), "\(card.name)")
    }
  }

  // MARK: Details

  private func telegram() throws -> Telegram { try Telegram(settings(Telegram.self, ["token": .string("1:a")])) }
  private func pushover() throws -> Pushover { try Pushover(settings(Pushover.self, ["token": .string("a")])) }

  @Test func piecesAreAsLongAsTheUnitOfTheServiceAllows() throws {
    // 4096 UTF-16 units, of which a rocket has two.
    let pieces = try telegram().rendered(long("split", String(repeating: "🚀", count: 3_000))).pieces
    #expect(pieces.map { ($0["text"] ?? "").utf16.count } == [4_096, 1_916])
    // 1024 characters.
    let push = try pushover().rendered(long("split", String(repeating: "🚀", count: 1_500))).pieces
    #expect(push.map { ($0["message"] ?? "").unicodeScalars.count } == [1_024, 488])
  }

  @Test func aFamilyIsNotTornApart() throws {
    let family = "👨‍👩‍👧‍👦"
    let pieces = try pushover().rendered(long("split", String(repeating: family, count: 400))).pieces
    let texts = pieces.map { ($0["message"] ?? "").drop { $0 != " " }.dropFirst() }
    #expect(texts.joined() == String(repeating: family, count: 400))
    #expect(texts.allSatisfy { $0.allSatisfy { $0 == Character(family) } })
  }

  @Test func htmlIsCutBetweenTagsAndStaysWhole() throws {
    let body = "<b>" + (0..<900).map { "w\($0)&amp;" }.joined(separator: " ") + "</b>"
    let content = try telegram().rendered(long("split", body, format: .html))
    #expect(content.pieces.count > 1)
    for piece in content.pieces {
      let text = piece["text"] ?? ""
      #expect(text.hasSuffix("</b>") && text.contains(")\n<b>w") && text.hasSuffix("&amp;</b>"))
      #expect(piece["parse_mode"] == "HTML")
    }
    let cut = try telegram().rendered(long("cut", body, format: .html))["text"] ?? ""
    #expect(cut.hasSuffix("&amp;…</b>"))
  }

  @Test func markdownOfTelegramIsNumberedWithEscapes() throws {
    let body = (0..<900).map { "*w\($0)* a\\.b" }.joined(separator: " ")
    let pieces = try telegram().rendered(long("split", body, format: .markdown)).pieces.map { $0["text"] ?? "" }
    #expect(pieces.count > 1 && pieces[0].hasPrefix("\\(1/\(pieces.count)\\)\n*w0*"))
    #expect(pieces.allSatisfy { $0.hasSuffix("*") || $0.hasSuffix("b") })
  }

  @Test func aLinkInTheTextGoesWithTheLastPartAndOneOfItsOwnWithEach() throws {
    let body = words(1_500).joined(separator: " ")
    let chat = try telegram().rendered(long("split", body, url: "https://u.v")).pieces.map { $0["text"] ?? "" }
    #expect(chat.count > 2 && chat.filter { $0.hasSuffix("https://u.v") } == [chat[chat.count - 1]])
    let push = try pushover().rendered(long("split", body, url: "https://u.v")).pieces
    #expect(push.allSatisfy { $0["url"] == "https://u.v" })
  }

  @Test func mediaAndMentionsGoWithTheFirstPart() throws {
    let twilio = try Twilio(settings(Twilio.self, twilioValues))
    var message = long("split", words(400).joined(separator: " "))
    message.options.append(.init("media_url", .strings(["https://a.b/c.png"])))
    let pieces = try twilio.rendered(message).pieces
    #expect(pieces.count > 1 && pieces.map { $0["MediaUrl"] != nil } == [true] + pieces.dropFirst().map { _ in false })
  }

  @Test func aShortMessageOfTheGSMAlphabetStaysOne() throws {
    let twilio = try Twilio(settings(Twilio.self, twilioValues))
    let cut = try twilio.rendered(long("cut", String(repeating: "abc ", count: 500)))["Body"] ?? ""
    #expect(cut.hasSuffix("abc...") && cut.utf16.count <= 1_600)
    #expect(try twilio.rendered(long("cut", String(repeating: "好 ", count: 900)))["Body"]?.hasSuffix("好…") == true)
  }

  @Test func aTitleIsCutButNeverSplit() throws {
    let title = words(80).joined(separator: " ")
    let content = try pushover().rendered(long("cut", words(400).joined(separator: " "), title: title))
    #expect(content["title"]?.hasSuffix("…") == true && (content["title"] ?? "").unicodeScalars.count <= 250)
    #expect(content["message"]?.hasSuffix("…") == true)
    let fault = #expect(throws: MessageFault.self) { try pushover().rendered(long("split", "x", title: title)) }
    #expect(fault?.field == "title" && fault?.hint?.contains("cut") == true)
  }

  @Test func whatHasNoPlaceForACutIsRefused() throws {
    let link = "[a](https://u.v/\(String(repeating: "x", count: 5_000)))"
    for mode in ["cut", "split"] {
      let fault = #expect(throws: MessageFault.self) { try telegram().rendered(long(mode, link, format: .markdown)) }
      #expect(fault?.field == "body" && fault?.hint?.contains("no place") == true)
    }
    let title = String(repeating: "x", count: 4_096)
    #expect(throws: MessageFault.self) { try telegram().rendered(long("split", "a b", title: title)) }
  }

  @Test func moreThan999PartsAreRefused() throws {
    let pushed = try Pushed(settings(Pushed.self, ["app_key": .string("k"), "app_secret": .string("s")]))
    #expect(try pushed.rendered(long("split", String(repeating: "x ", count: 60_000))).pieces.count > 900)
    let fault = #expect(throws: MessageFault.self) {
      try pushed.rendered(long("split", String(repeating: "x ", count: 80_000)))
    }
    #expect(fault?.problem.contains("999 parts") == true)
  }

  @Test func aTextCutIsNeverTooLongWhateverItHolds() throws {
    var random = SystemRandomNumberGenerator()
    let scraps = [
      "<b>", "</b>", "&amp;", "*", "_", "`", "```\n", "[a](b)", "\\*", "好", "é", "🚀", " ", "\n", "word", "> ", "~~",
      "||",
    ]
    for format in Message.Format.allCases {
      for _ in 0..<40 {
        let body = "a" + (0..<2_000).map { _ in scraps.randomElement(using: &random) ?? "" }.joined()
        for mode in ["cut", "split"] {
          for provider in [try telegram(), try Ntfy(settings(Ntfy.self, [:]))] as [any Provider] {
            guard provider is Telegram || format != .html else { continue }
            guard let content = try? provider.rendered(long(mode, body, format: format)) else { continue }
            for piece in content.pieces.isEmpty ? [content] : content.pieces {
              #expect((piece["text"] ?? "").unicodeScalars.count < 9_000)
            }
          }
        }
      }
    }
  }
}
