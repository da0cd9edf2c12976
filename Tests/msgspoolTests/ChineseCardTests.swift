import Core
import Providers
import TestSupport
import Testing

@testable import msgspool

/// What `msgspool providers` tells, held against its tables.
@Suite("What cards and presets say has a line in Chinese, and the tables have no other")
struct ChineseCardTests {
  private static let cards = Catalogue.providers.map { $0.card }
  private static let names = cards.map(\.name) + Presets.all.map(\.name)

  /// All that a card says in sentences.
  private static func lines(of card: ProviderCard) -> [String] {
    let comments = card.example.split(separator: "\n").map(String.init).filter { $0.hasPrefix("//") }
    return card.settings.map(\.summary) + card.options.map(\.summary) + card.targetKinds.map(\.summary) + card.notes
      + comments
  }

  /// Providers by the folder of the file that has their card, which names the file of their lines.
  private static func rooms() throws -> [String: String] {
    var rooms: [String: String] = [:]
    for path in try Repository.files(below: "Sources/Providers", ending: ".swift") {
      let text = try Repository.text(path)
      guard let name = text.firstMatch(of: /ProviderCard\(\s*name: "([^"]+)"/)?.1 else { continue }
      rooms[String(name)] = path.split(separator: "/").dropLast().last.map(String.init)
    }
    return rooms
  }

  @Test("Each setting, option, kind of recipient and note of each provider")
  func cardLines() throws {
    let rooms = try Self.rooms()
    #expect(Set(rooms.keys) == Set(Self.cards.map(\.name)) && Set(rooms.values) == Set(Chinese.cardTables.keys))
    let shared = Set(Chinese.cardsShared.map(\.key))
    var said: [String: Set<String>] = [:]
    for card in Self.cards {
      let room = try #require(rooms[card.name])
      let known = Set((Chinese.cardTables[room] ?? []).flatMap { $0.map(\.key) })
      for line in Self.lines(of: card) {
        said[room, default: []].insert(line)
        #expect(
          shared.contains(line) || known.contains(line),
          "Sources/msgspool/Views/Chinese/ChineseCards\(room).swift lacks \(card.name)'s: \(line)")
      }
    }
    for (room, tables) in Chinese.cardTables {
      let stale = Set(tables.flatMap { $0.map(\.key) }).subtracting(said[room] ?? [])
      #expect(stale.isEmpty, "No card says what ChineseCards\(room).swift has: \(stale.sorted())")
    }
    let stale = shared.subtracting(said.values.reduce([]) { $0.union($1) })
    #expect(stale.isEmpty, "No card says what ChineseCards.swift has: \(stale.sorted())")
  }

  @Test("Each step of each preset")
  func steps() {
    let steps = Set(Presets.all.flatMap(\.steps))
    let known = Set(Chinese.presets.map(\.key))
    #expect(known == steps, "Sources/msgspool/Views/Chinese/ChinesePresets.swift: \(known.symmetricDifference(steps))")
  }

  @Test("Each limit by its name and what it is counted in")
  func limits() {
    let units = Set(Self.cards.flatMap { $0.limits.map(\.unit) })
    #expect(Set(Chinese.units.keys) == units, "\(units.symmetricDifference(Chinese.units.keys).sorted())")
    // What is written in a message is written so in every language.
    let typed = ["body", "title", "url", "priority"] + Message.Format.allCases.map(\.rawValue)
    let names = Set(
      Self.cards.flatMap { card in card.limits.map(\.name).filter { name in !card.options.contains { $0.name == name } }
      }
    ).subtracting(typed)
    #expect(Set(Chinese.limits.keys) == names, "\(names.symmetricDifference(Chinese.limits.keys).sorted())")
  }

  @Test("A line is there once, is Chinese, and keeps what one types")
  func quality() {
    let tables = Chinese.cardTables.values.flatMap { $0 } + [Chinese.cardsShared, Chinese.presets]
    let keys = tables.flatMap { $0.map(\.key) }
    #expect(keys.count > 300 && Set(keys).count == keys.count, "\(keys.filter { key in keys.count { $0 == key } > 1 })")
    for (english, chinese) in tables.flatMap({ Array($0) }) {
      #expect(hasHan(chinese) && ChineseTests.english(in: chinese).isEmpty, "\(chinese)")
      // A full stop of the one language in the text of the other is a slip.
      #expect(!chinese.contains(/\p{Han}[,;:?!]/) && !chinese.contains(/\p{Han}\.(?:$|\s)/), "\(chinese)")
      let plain = english.replacing(/([0-9]),([0-9])/, with: { "\($0.1)\($0.2)" })
      // Names with an underscore, numbers, addresses, and a word in quotes or braces.
      let typed = plain.matches(
        of: /[A-Za-z]+(?:_[A-Za-z]+)+|[0-9]{2,}|https?:\/\/[A-Za-z0-9.\/:]*[a-z0-9]|"[^" ]+"|\{[a-z.]+\}/
      )
      for word in typed.map({ String($0.0) }) {
        #expect(chinese.contains(word), "\(word) of \(english) is not in \(chinese)")
      }
    }
  }

  @Test("Nothing of it is left in English, and it fits into 80 columns, in both languages", arguments: names)
  func shown(name: String) async throws {
    let program = try #require(builtProgram(), "swift build makes msgspool")
    for isChinese in [true, false] {
      let ran = try await run(
        program, ["providers", name], env: ["PATH": "/usr/bin:/bin", "MSGSPOOL_LANG": isChinese ? "zh" : "en"],
        timeout: patience)
      #expect(ran.status == 0 && ran.stdout.hasPrefix("\(name)\(isChinese ? " —— " : ": ")"), "\(ran.stdout)")
      // An address stays whole.
      for line in ran.stdout.split(separator: "\n") where !line.contains("https://") {
        #expect(width(line) <= 80, "\(line)")
      }
      guard isChinese else { continue }
      // The channel to copy is the same in every language.
      let words = try #require(ran.stdout.split(separator: /\n[^\n]*配置里 channels 的一项\n/).first)
      #expect(ChineseTests.english(in: String(words)).isEmpty, "\(ChineseTests.english(in: String(words))): \(words)")
      for line in words.split(separator: "\n") {
        #expect(!line.contains(/\p{Han}[,;:?!]/), "\(line)")
      }
    }
  }
}
