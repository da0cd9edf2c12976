import Foundation
import TestSupport
import Testing

/// What the comments of a source file cite of the repository's pages: documents by name, and their sections by number.
private struct Citations: Equatable {
  /// A section of a document; the document is nil where neither the comment nor the file's head names one.
  struct Section: Hashable, CustomStringConvertible {
    var document: String?
    var number: String

    init(_ document: String?, _ number: String) {
      self.document = document
      self.number = number
    }

    var description: String { "section \(number) of \(document ?? "a document that is not named")" }
  }

  var documents: Set<String> = []
  var sections: Set<Section> = []

  init(_ source: String) {
    let comments = Self.comments(in: source)
    let head = comments.lazy.compactMap { $0.firstMatch(of: /Section numbers are those of ([\w\/-]+\.md)/) }.first
    for comment in comments {
      for match in comment.matches(of: /[\w\/.-]*\w\.md\b/) { documents.insert(String(match.0)) }
      for match in comment.matches(of: /\b[Cc]ontract,? (\d+)/) {
        sections.insert(Section("contract.md", String(match.1)))
      }
      for match in comment.matches(of: /\b[Ss]ections? (\d+(?:\.\d+)*[a-z]?(?:(?:, | and | to )\d+(?:\.\d+)*[a-z]?)*)/)
      {
        let (before, after) = (comment[..<match.range.lowerBound], comment[match.range.upperBound...])
        // A standard's own.
        if before.contains(/(?:RFC \d+|ECMAScript [\d.]+),? $/) || after.contains(/^ of RFC \d+/) { continue }
        let document: Substring? =
          if before.contains(/\b[Cc]ontract,? $/) {
            "contract.md"
          } else if let named = before.firstMatch(of: /([\w\/-]+\.md),? $/)?.1 {
            named
          } else {
            after.firstMatch(of: /^ of ([\w\/-]+\.md)/)?.1 ?? head?.1
          }
        for number in match.1.matches(of: /\d+(?:\.\d+)*[a-z]?/) {
          sections.insert(Section(document.map(String.init), String(number.0)))
        }
      }
    }
  }

  /// Comments as they are read: the lines of one joined to a text.
  private static func comments(in source: String) -> [String] {
    var comments: [String] = []
    var isOpen = false
    for line in source.split(separator: "\n", omittingEmptySubsequences: false) {
      guard let match = line.firstMatch(of: /^(.*?)(?:^|\s)\/\/+ ?(.*)$/) else {
        isOpen = false
        continue
      }
      if isOpen, !match.1.contains(/\S/) {
        comments[comments.count - 1] += " " + match.2
      } else {
        comments.append(String(match.2))
      }
      isOpen = !match.1.contains(/\S/)
    }
    return comments
  }
}

@Suite("References: what comments and pages cite is there")
struct ReferencesTests {
  private static let documentation = "Sources/Documentation"

  /// A document as comments name it: from Documentation, or from the root.
  private static func path(of document: String) -> String? {
    [documentation + "/" + document, "Sources/" + document, document].first {
      FileManager.default.fileExists(atPath: Repository.file($0).path)
    }
  }

  private static func citations() throws -> [(file: String, citations: Citations)] {
    let files =
      try Repository.files(below: "Sources", ending: ".swift") + Repository.files(below: "Sources", ending: ".h")
      + Repository.files(below: "Tests", ending: ".swift").filter { !$0.hasSuffix("/ReferencesTests.swift") }
    return try files.map { ($0, Citations(try Repository.text($0))) }
  }

  @Test("Every document that a comment names is in the repository")
  func documents() throws {
    var named: Set<String> = []
    for (file, citations) in try Self.citations() {
      for document in citations.documents {
        #expect(Self.path(of: document) != nil, "\(file) names \(document)")
        named.insert(document)
      }
    }
    // A page that no source follows is nobody's.
    for page in try Repository.files(below: "\(Self.documentation)/providers", ending: ".md") {
      let name = String(page.dropFirst(Self.documentation.count + 1))
      #expect(name == "providers/README.md" || named.contains(name), "\(page) is cited nowhere")
    }
  }

  @Test("Every section that a comment cites is in the document it means")
  func sections() throws {
    var headings: [String: Set<String>] = [:]
    var count = 0
    for (file, citations) in try Self.citations() {
      for section in citations.sections {
        count += 1
        guard let document = section.document, let path = Self.path(of: document) else {
          Issue.record("\(file) cites \(section)")
          continue
        }
        if headings[path] == nil {
          let numbers = try Repository.text(path).matches(of: /(?m)^##+ (\d+(?:\.\d+)*[a-z]?)\.\s/)
          headings[path] = Set(numbers.map { String($0.1) })
        }
        #expect(headings[path]?.contains(section.number) == true, "\(file) cites \(section)")
      }
    }
    #expect(count > 80, "comments are written in another way")
  }

  @Test("Every page that a page links to is there")
  func links() throws {
    for page in try ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "spool/README.md"]
      + Repository.files(below: "Sources", ending: ".md")
    {
      let folder = Repository.file(page).deletingLastPathComponent()
      for match in try Repository.text(page).matches(of: /\]\(([^)\s#]+)(?:#[^)]*)?\)/) {
        let target = String(match.1)
        guard !target.contains("://"), !target.hasPrefix("mailto:") else { continue }
        let file = folder.appending(path: target).standardizedFileURL
        #expect(FileManager.default.fileExists(atPath: file.path), "\(page) links to \(target)")
      }
    }
  }

  @Test(
    "A section is that of the document named beside it, else of the one in the file's head; those of standards are none"
  )
  func reading() {
    let citations = Citations(
      """
      /// Section numbers are those of providers/a.md: all of it is
      /// section 2.
      let url = "https://example.com/section 9"  // sections 3 and 4
      // (RFC 8259, section 8.3), (contract, section 5), contract 6 and providers/b.md, section 7.
      /// Sections 1, 2 and 5a of providers/c.md; RFC 5322,
      /// section 3.4.
      """)
    #expect(
      citations.sections == [
        .init("providers/a.md", "2"), .init("providers/a.md", "3"), .init("providers/a.md", "4"),
        .init("contract.md", "5"), .init("contract.md", "6"), .init("providers/b.md", "7"),
        .init("providers/c.md", "1"), .init("providers/c.md", "2"), .init("providers/c.md", "5a"),
      ])
    #expect(citations.documents == ["providers/a.md", "providers/b.md", "providers/c.md"])
    #expect(Citations("// as section 4 says").sections == [.init(nil, "4")])
  }
}
