import Spooling
import Testing

@Suite struct StraysTests {
  @Test func oneIsToldAsItIs() {
    var strays = Strays()
    strays.add("pipe", "is no plain file", hint: "move it")
    let line = strays.lines.first
    #expect(strays.lines.count == 1 && line?.subject == "pipe" && line?.problem == "is no plain file")
    #expect(line?.hint == "move it")
  }

  @Test func aThousandAreOneLineWithTheNumberAndTheFirstNames() {
    var strays = Strays()
    for number in 1...1002 { strays.add("pipe\(number)", "is no plain file") }
    #expect(strays.count == 1002)
    #expect(strays.lines.map(\.subject) == ["pipe1, pipe2, pipe3, pipe4, pipe5 and 997 more"])
    #expect(strays.lines.map(\.problem) == ["1002 files, of which each is no plain file"])
  }

  @Test func everyReasonHasALineOfItsOwn() {
    var strays = Strays()
    for name in ["a", "b", "c", "d"] { strays.add(name, name == "c" ? "is a link" : "is no plain file") }
    #expect(strays.lines.map(\.subject) == ["a, b, d", "c"])
  }

  @Test func neverThereAreMoreThanAFewLines() {
    var strays = Strays()
    for number in 1...500 { strays.add("m\(number)", "could not be read: reason \(number)") }
    #expect(strays.lines.count == 11 && strays.lines.last?.subject == "490 more")
    #expect(Strays().lines.isEmpty && Strays().isEmpty)
  }
}
