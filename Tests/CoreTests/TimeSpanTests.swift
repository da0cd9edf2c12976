import Core
import Testing

@Suite struct TimeSpanTests {
  @Test(arguments: [
    ("45s", 45.0), ("30m", 1800), ("12h", 43_200), ("7d", 604_800), ("2w", 1_209_600), ("1.5h", 5400), ("0.5s", 0.5),
    ("0s", 0), ("007d", 604_800),
  ])
  func spansAreRead(text: String, seconds: Double) {
    #expect(TimeSpan.seconds(text) == seconds)
  }

  @Test(arguments: [
    "", "s", "d", "7 d", " 7d", "7d ", "-1", "-1d", "+7d", "7D", "7y", "7dd", "d7", "1h30m", "nan", "inf", "infinity",
    "nand", "infd", "1e3", "1e3d", "0x10", "0x1d", "0x1p4s", "1_000", "1,5h", "½d", "٧d", ".", ".d", "1.", ".5h",
    "1..5", "0", "7", "0.5",
    "99999999999999999999", "1e400",
  ])
  func whatIsNoSpanIsRefused(text: String) {
    #expect(TimeSpan.seconds(text) == nil)
  }

  @Test(arguments: [("7", "7 what? write 7d, 7h, 7m or 7s"), ("0.5", "0.5 what? write 0.5d, 0.5h, 0.5m or 0.5s")])
  func aNumberWithoutItsUnitIsAskedForIt(text: String, question: String) {
    #expect(TimeSpan.question(text) == question)
  }

  @Test(arguments: ["7d", "week", "", "-1", "1e3"]) func nothingElseIsAskedForAUnit(text: String) {
    #expect(TimeSpan.question(text) == nil)
  }

  @Test(arguments: [
    (0.0, "0s"), (0.4, "0s"), (0.6, "1s"), (59, "59s"), (60, "1m"), (61, "1m 1s"), (3600, "1h"), (3601, "1h"),
    (3660, "1h 1m"), (86_400, "1d"), (86_460, "1d"), (90_000, "1d 1h"), (273_600, "3d 4h"), (-5, "0s"),
    (1e300, "115740d 17h"),
  ])
  func peopleSeeTheTwoLargestUnits(seconds: Double, text: String) {
    #expect(TimeSpan.text(seconds) == text)
  }
}
