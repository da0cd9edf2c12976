import Core
import Testing

@Suite("The text of HTML")
struct HTMLTextTests {
  @Test("HTML becomes lines as a browser shows them, with where links lead, and nothing of scripts")
  func lines() {
    let text = HTMLText.text(
      """
      <html><head><title>t</title><style>p { color: red }</style></head><body><!-- a > b -->
      <h1>Backup&nbsp;failed</h1><p>Disk   is <b>95&#160;%</b> full &lt;sda&gt; &#x4E2D;&#25991; &bogus; &amp;</p>
      <ul><li>one</li><li>two <a href="https://example.org/?a=1&amp;b=2">here</a></li></ul>
      <table><tr><td>a</td><td>b</td></tr></table><script>alert("<p>no</p>")</script>last<br>line</body>
      """)
    #expect(
      text == """
        Backup failed

        Disk is 95 % full <sda> 中文 &bogus; &

        - one
        - two here <https://example.org/?a=1&b=2>

        a b

        last
        line
        """)
  }
}
