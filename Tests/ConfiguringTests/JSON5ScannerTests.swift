import Core
import Foundation
import TestSupport
import Testing

@testable import Configuring

func scan(_ text: String) throws(ConfigurationFault) -> JSON { try scan(Array(text.utf8)) }

func scan(_ bytes: [UInt8]) throws(ConfigurationFault) -> JSON {
  try JSON5Scanner.value(of: bytes, file: "c.json")
}

/// What is wrong with the text, without the file's name; nil for nothing.
private func complaint(_ text: String) -> String? { complaint(Array(text.utf8)) }

private func complaint(_ bytes: [UInt8]) -> String? {
  do throws(ConfigurationFault) {
    _ = try scan(bytes)
    return nil
  } catch {
    #expect(error.place.isEmpty && error.message.hasPrefix("c.json:") && error.hint?.isEmpty == false)
    return String(error.message.dropFirst("c.json:".count))
  }
}

@Suite struct JSON5ScannerTests {
  // MARK: What is JSON5

  /// https://spec.json5.org, in the order of its sections.
  private static let examples: [(text: String, json: String)] = [
    (
      #"""
      {
        // comments
        unquoted: 'and you can quote me on that',
        singleQuotes: 'I can use "double quotes" here',
        lineBreaks: "Look, Mom! \
      No \\n's!",
        hexadecimal: 0xdecaf,
        leadingDecimalPoint: .8675309, andTrailing: 8675309.,
        positiveSign: +1,
        trailingComma: 'in objects', andIn: ['arrays',],
        "backwardsCompatible": "with JSON",
      }
      """#,
      #"""
      {"unquoted":"and you can quote me on that","singleQuotes":"I can use \"double quotes\" here",
       "lineBreaks":"Look, Mom! No \\n's!","hexadecimal":912559,"leadingDecimalPoint":0.8675309,"andTrailing":8675309,
       "positiveSign":1,"trailingComma":"in objects","andIn":["arrays"],"backwardsCompatible":"with JSON"}
      """#
    ),
    ("{}", "{}"), ("{ width: 1920, height: 1080, }", #"{"width":1920,"height":1080}"#),
    ("{ image: { 'aspect-ratio': '16:9', } }", #"{"image":{"aspect-ratio":"16:9"}}"#),
    ("[]", "[]"), ("[ 1, true, 'three', ]", #"[1,true,"three"]"#),
    ("[ [1, true, 'three'], [4, \"five\", 0x6], ]", #"[[1,true,"three"],[4,"five",6]]"#),
    ("'Lorem ipsum dolor sit amet, \\\nconsectetur'", #""Lorem ipsum dolor sit amet, consectetur""#),
    (#"'\A\C\/\D\C'"#, #""AC/DC""#), ("[123, 123.456, .456, 123e-456, 123e4]", "[123,123.456,0.456,0,1230000]"),
    ("[0xdecaf, -0xC0FFEE]", "[912559,-12648430]"), ("// This is a single line comment.\n1", "1"),
    ("/* This is a multi-\n   line comment. */1", "1"), ("null", "null"), ("[true, false]", "[true,false]"),
  ]

  @Test(arguments: examples.indices) func theExamplesOfTheSpecificationMeanWhatItSays(index: Int) throws {
    let example = Self.examples[index]
    #expect(try scan(example.text) == JSONScanner.value(of: Array(example.json.utf8)))
  }

  @Test(arguments: [
    (#"'\'\"\\\b\f\n\r\t\v\0'"#, "'\"\\\u{8}\u{C}\n\r\t\u{B}\0"), (#""\x41\xe9\xFF""#, "Aéÿ"),
    (#""\u0041\u4e2D""#, "A中"),
    (#""\ud83d\ude00""#, "😀"), ("'a\\\nb\\\r\nc\\\rd\\\u{2028}e\\\u{2029}f'", "abcdef"), (#"'\0a\0'"#, "\0a\0"),
    ("'\u{2028}\u{2029}'", "\u{2028}\u{2029}"), ("'\t\u{1}\u{7F}'", "\t\u{1}\u{7F}"), (#"'\q\é\😀'"#, "qé😀"),
    (#"'"'"#, "\""), (#""'""#, "'"), ("'\\\n'", ""), ("'//'", "//"), ("'/*'", "/*"), ("'\u{FEFF}'", "\u{FEFF}"),
  ])
  func stringsMayHoldEveryEscapeAndEveryCharacterButTheEndOfALine(text: String, value: String) throws {
    let string = try #require(try scan(text).string)
    #expect(string.hasSameBytes(as: value))
  }

  @Test(arguments: [
    ("0", "0"), ("-0", "-0"), ("+0", "0"), ("7", "7"), ("+7", "7"), (".5", "0.5"), ("-.5", "-0.5"), ("5.", "5"),
    ("5.e1", "50"), (".5E+1", "5"), ("1e3", "1000"), ("1.50", "1.5"), ("1E-2", "0.01"), ("0x0", "0"), ("0XfF", "255"),
    ("+0x10", "16"), ("-0x8000000000000000", "-9223372036854775808"), ("0x8000000000000000", "9.223372036854776e+18"),
    ("12345678901234567890", "12345678901234567890"), ("1e-999", "0"), ("0.0", "0"), ("0e5", "0"),
  ])
  func numbersBecomeJSONsAndWholeOnesKeepAllTheirDigits(text: String, digits: String) throws {
    #expect(try scan(text) == .number(digits))
    #expect(try scan("[\(text)]") == .array([.number(digits)]))
    #expect(try scan("{a:\(text)/**/,}") == .object([.init("a", .number(digits))]))
  }

  @Test(arguments: [
    ("a", "a"), ("$", "$"), ("_a1", "_a1"), ("été", "été"), ("中文", "中文"), ("null", "null"), ("true", "true"),
    ("Infinity", "Infinity"), (#"\u0061b"#, "ab"), (#"a\u0062"#, "ab"), (#"\ud801\udc00"#, "\u{10400}"),
    ("'a b'", "a b"),
    ("\"\"", ""), ("a\u{301}", "a\u{301}"), ("a\u{200D}b", "a\u{200D}b"), ("Ⅷ", "Ⅷ"), ("a٣", "a٣"), ("a‿b", "a‿b"),
  ])
  func keysAreNamesOrStrings(text: String, key: String) throws {
    let found = try #require(try scan("{\(text):1}").members?.first?.key)
    #expect(found.hasSameBytes(as: key))
  }

  @Test func allWhiteSpaceOfJSON5IsSkipped() throws {
    let space = "\t\n\u{B}\u{C}\r \u{A0}\u{1680}\u{2000}\u{200A}\u{202F}\u{205F}\u{3000}\u{FEFF}\u{2028}\u{2029}\r\n"
    let all = "\(space)//\u{2028}\(space)/***/\(space)/*/ */\(space)"
    #expect(
      try scan("\(all){\(all)a\(all):\(all)[\(all)1\(all),\(all)]\(all),\(all)}\(all)//")
        == .object([.init("a", .array([.number("1")]))]))
    #expect(complaint("\u{200B}1") != nil && complaint("\u{180E}1") != nil && complaint("\u{85}1") != nil)
  }

  @Test func membersStayInTheOrderInWhichTheyStand() throws {
    #expect(try scan("{b:1,a:2,'c':3}").members?.map(\.key) == ["b", "a", "c"])
  }

  // MARK: What is not, and where

  private static let faults: [(text: String, complaint: String)] = [
    ("", "1:1: found the end of the file; expected a value"), ("\n // x\n", "3:1: found the end of the file; expected"),
    ("1 2", "1:3: found \"2\"; expected the end of the file"),
    ("{}}", "1:3: found \"}\"; expected the end of the file"),
    ("{a:}", "1:4: found \"}\"; expected a value"), ("[,]", "1:2: found \",\"; expected a value"),
    ("[1,,]", "1:4: found \",\"; expected a value"), ("{,}", "1:2: found \",\"; expected a key or \"}\""),
    ("{a 1}", "1:4: found \"1\"; expected \":\" after the key"), ("{1:2}", "1:2: found \"1\"; expected a key or \"}\""),
    ("{\n  a: 1\n  b: 2\n}", "3:3: found \"b\"; expected \",\" or \"}\""),
    ("{a:1]", "1:5: found \"]\"; expected \",\" or \"}\""),
    ("[1 2]", "1:4: found \"2\"; expected \",\" or \"]\""),
    ("{a:1,", "1:6: found the end of the file; expected a key or \"}\""),
    ("{\n a: [1", "2:7: found the end of the file; expected \",\" or \"]\" for the \"[\" at 2:5"),
    ("{\r a:\r\n 1", "3:3: found the end of the file; expected \",\" or \"}\" for the \"{\" at 1:1"),
    ("{a:nope}", "1:4: found \"n\"; expected a value (a text needs quotes)"),
    ("True", "1:1: found \"T\"; expected a value"),
    ("[é]", "1:2: found \"é\"; expected a value (a text needs quotes)"), ("[#]", "1:2: found \"#\"; expected a value"),
    ("[/]", "1:2: found \"/\"; expected a value"), ("\u{0}", "1:1: found U+0000; expected a value"),
    ("[\u{202E}]", "1:2: found U+202E; expected a value"), ("{\u{301}:1}", "1:2: found U+0301; expected a key"),
    ("{a-b:1}", "1:3: found \"-\"; expected \":\" after the key"), ("{'a'b:1}", "1:5: found \"b\"; expected \":\""),
    ("[\"中文é😀\" x]", "1:9: found \"x\"; expected \",\""), ("\u{FEFF}x", "1:1: found \"x\"; expected a value"),
    ("\n'a\nb'", "2:1: a string begins here and does not end on its line; expected '"),
    ("['a', \"b]", "1:7: a string begins here and does not end; expected \""), ("'\\'", "1:1: a string begins here"),
    ("'a\rb'", "1:1: a string begins here"), ("'a\\", "1:1: a string begins here and does not end"),
    ("1/*\n", "1:2: a comment begins here and does not end; expected */"), ("/*/", "1:1: a comment begins here"),
    (#"'\x4g'"#, "1:5: found \"g\"; expected a hexadecimal digit"),
    (#"'\u12'"#, "1:6: found \"'\"; expected a hexadecimal"),
    (#"'\u１234'"#, "1:4: found \"１\"; expected a hexadecimal"),
    (#"'a\1'"#, "1:3: found an escaped digit; expected \\0"),
    (#"'\01'"#, "1:2: found an escaped digit"), (#"'\9'"#, "1:2: found an escaped digit"),
    (#"'\ud800'"#, "1:2: found half of a surrogate pair; expected both"),
    (#"'a\udc00'"#, "1:3: found half of a surrogate"),
    (#"'\ud800\ud800'"#, "1:2: found half"), (#"'\ud800\n'"#, "1:2: found half"),
    (#"'\ud800\u0041'"#, "1:2: found half"),
    (#"{a\x41:1}"#, "1:4: found \"x\"; expected u and four hexadecimal"),
    (#"{\u0031a:1}"#, "1:2: found an escape for what a key"),
    (#"{a\u0020:1}"#, "1:3: found an escape for what a key without quotes can't have; expected quotes"),
    (#"{\ud800:1}"#, "1:2: found half of a surrogate"), ("01", "1:2: found \"1\"; expected no digit behind a 0"),
    ("-00", "1:3: found \"0\"; expected no digit"), ("+", "1:2: found the end of the file; expected a digit"),
    (".", "1:2: found the end of the file; expected a digit"), ("-.e1", "1:3: found \"e\"; expected a digit"),
    ("1e", "1:3: found the end of the file; expected a digit"), ("1e+x", "1:4: found \"x\"; expected a digit"),
    ("0x", "1:3: found the end of the file; expected a hexadecimal digit"),
    ("0xg", "1:3: found \"g\"; expected a hexa"),
    ("+ 1", "1:2: found \" \"; expected a digit"), ("--1", "1:2: found \"-\"; expected a digit"),
    ("1.2.3", "1:4: found \".\"; expected the end"), ("[10px]", "1:4: found \"p\"; expected \",\""),
    ("1e400", "1:1: found a number too large"), ("[-1e400]", "1:2: found a number too large; expected one below 1e308"),
    ("[Infinity]", "1:2: found Infinity; expected a number that has digits"), ("-Infinity", "1:2: found Infinity"),
    ("NaN", "1:1: found NaN; expected a number that has digits"), ("+NaN", "1:2: found NaN"),
    ("-No", "1:2: found \"N\""),
  ]

  @Test func everyFaultNamesLineColumnTheFoundAndTheExpected() throws {
    for fault in Self.faults {
      let found = try #require(complaint(fault.text), "\(fault.text)")
      #expect(found.hasPrefix(fault.complaint), "\(fault.text): \(found)")
    }
  }

  @Test func aNumberOfTooManyDigitsIsTooLarge() {
    #expect(complaint(String(repeating: "9", count: 308)) == nil)
    for text in [String(repeating: "9", count: 310), "0x1" + String(repeating: "0", count: 256)] {
      #expect(complaint(text)?.hasPrefix("1:1: found a number too large") == true)
    }
  }

  @Test(arguments: [
    ("{a:1,\n a:2}", "2:2: the key \"a\" stands here for the second time; the first is at 1:2"),
    ("{a:1,'a':1}", "1:6: the key \"a\" stands"), (#"{a:1,"\x61":1}"#, "1:6: the key \"a\" stands"),
    (#"{a:1,\u0061:1}"#, "1:6: the key \"a\" stands"), ("[{b:{x:1,y:2,x:3}}]", "1:14: the key \"x\" stands"),
    ("{'\\n':1,'\\n':2}", "1:9: the key \"\\n\" stands"),
  ])
  func aRepeatedKeyIsAFaultAtAnyLevel(text: String, message: String) throws {
    #expect(try #require(complaint(text)).hasPrefix(message))
  }

  @Test func keysAreTheSameOnlyWhenTheirBytesAre() throws {
    #expect(try scan("{\u{E9}:1,e\u{301}:2,E\u{301}:3}").members?.count == 3)
    #expect(try scan("{a:{a:{a:1}},b:[{a:1},{a:2}]}").members?.count == 2)
  }

  @Test(
    arguments: [
      ([0xFF], "1:1: found the byte 0xff"), (Array("{\n 'é".utf8) + [0xC3], "2:4: found the byte 0xc3"),
      ([0x27, 0xED, 0xA0, 0x80, 0x27], "1:2: found the byte 0xed"),
      ([0xEF, 0xBB, 0xBF, 0x80], "1:1: found the byte 0x80"),
      ([0x2F, 0x2F, 0xC0, 0x80], "1:3: found the byte 0xc0"),
    ] as [([UInt8], String)])
  func bytesThatAreNoTextAreNamedWithTheirPlace(bytes: [UInt8], message: String) throws {
    let found = try #require(complaint(bytes))
    #expect(found.hasPrefix(message) && found.hasSuffix("in no character; expected UTF-8 text"), "\(found)")
  }

  @Test(arguments: [("[", "]", ""), ("{a:", "}", "1")]) func nestingIsBounded(open: String, close: String, core: String)
  {
    func nested(_ depth: Int) -> String {
      String(repeating: open, count: depth) + core + String(repeating: close, count: depth)
    }
    let most = JSONScanner.maximumDepth
    #expect(complaint(nested(most)) == nil)
    #expect(complaint(nested(most + 1)) == "1:\(most * open.count + 1): nested deeper than \(most) levels")
    #expect(complaint("[" + String(repeating: "[],", count: 1000) + "]") == nil)
  }

  @Test func aFaultShowsOneCharacterOrAShortKeyAndNothingElse() throws {
    let secret = "s3cretTOKEN"
    for text in [
      "{a:\(secret)}", "{a '\(secret)'}", "{\(secret) 1}", "{a:'\(secret)}", "{a:'x'\(secret)'}", "[1\(secret)]",
      "{'\(secret)'}", "\(secret)", "{a:1}\(secret)", "{a:'\\u\(secret)'}", "{a:/*\(secret)}", "{\(secret)#:1}",
    ] {
      #expect(try #require(complaint(text)).contains("s3c") == false)
    }
    let key = String(repeating: "k", count: 100_000)
    #expect(try #require(complaint("{\(key):1,\(key):2}")).utf8.count < 200)
  }

  @Test(.timeLimit(.minutes(1))) func heapsOfAccentsAreRefusedBeforeAnybodySortsThem() {
    let heap = "a" + String(repeating: "\u{301}\u{316}", count: 100_000)
    for text in [
      "{\(heap):1}", "{'\(heap)':1}", "['\(heap)']", "['\(String(repeating: "\\u0301\\u0316", count: 999))']",
    ] {
      #expect(complaint(text)?.contains("accents") == true)
    }
  }
}
