import Core
import Testing

@Suite struct ShellWordTests {
  @Test func whatAShellTakesAsItIsStaysSo() {
    for word in ["a", "/var/spool/msgspool", "1795338000.4711-1-0a1b2c3d.json~2", "user@host", "报警"] {
      #expect(word.shellWord == word)
    }
  }

  @Test func anythingElseIsQuoted() {
    #expect("#1500".shellWord == "'#1500'")
    #expect("a b".shellWord == "'a b'")
    #expect("".shellWord == "''")
    #expect("~a".shellWord == "'~a'")
    #expect(#"a\xff"#.shellWord == #"'a\xff'"#)
    #expect("it's; rm".shellWord == #"'it'\''s; rm'"#)
    #expect("a'\u{301}".shellWord == "'a'\\''\u{301}'")
  }
}
