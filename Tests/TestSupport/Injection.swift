/// Makes chosen system calls of a program fail, or kill it: strace does it, at a chosen occurrence in any of its threads.
package enum Injection {
  package static let isMissing = find(program: "strace") == nil

  /// The command line that wraps the program's.
  /// - Parameters:
  ///   - what: `error=ENOSPC`, `signal=KILL`.
  ///   - when: `3` is the third call of a thread, `3+` that and all later ones.
  ///   - trace: a file that tells whether it came to that.
  package static func strace(_ call: String, _ what: String, when: String, trace: String = "/dev/null") -> [String] {
    ["strace", "-f", "-o", trace, "-e", "trace=\(call)", "-e", "inject=\(call):\(what):when=\(when)"]
  }
}
