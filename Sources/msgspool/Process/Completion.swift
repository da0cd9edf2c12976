import Core

/// What may come next on a command line, told from the commands' guides. Pure, but for what `lookup` knows of the spool.
struct Completion {
  enum Shell: String, CaseIterable { case bash, zsh, fish }

  struct Candidate: Hashable {
    var word: String
    var summary = ""
  }

  enum Answer: Equatable {
    case words([Candidate])
    /// The shell's own business.
    case files, folders
  }

  let guides: [Guide]
  /// The words that a value may be; nothing for those that only the shell knows.
  let lookup: (Guide.Words, _ prefix: String, _ given: Arguments?) -> [String]

  /// - Parameter words: the line from the program's name to the cursor; the last one is begun, and may be empty.
  func answer(_ words: [String]) -> Answer {
    guard words.count > 1 else { return .words([]) }
    let prefix = words[words.count - 1]
    if words.count == 2 { return begun(commands, prefix) }
    if words[1] == "help" { return words.count == 3 ? begun(commands, prefix) : .words([]) }
    guard let guide = guides.first(where: { $0.name == words[1] }) else { return .words([]) }
    return answer(guide, before: Array(words[2..<(words.count - 1)]), prefix)
  }

  private var commands: [Candidate] {
    guides.map { Candidate(word: $0.name, summary: $0.shownSummary) }
  }

  private func answer(_ guide: Guide, before: [String], _ prefix: String) -> Answer {
    var (operands, isRaw) = (0, false)
    var given: Set<String> = []
    var rest = before[...]
    while let word = rest.popFirst() {
      if isRaw || !word.hasPrefix("-") || word == "-" {
        operands += 1
      } else if word == "--" {
        isRaw = true
      } else if let option = guide.allOptions.first(where: { $0.name == (word.halves(at: "=")?.before ?? word) }) {
        given.insert(option.name)
        guard option.value != nil, !word.holds("=") else { continue }
        // The value is what is being written.
        if rest.popFirst() == nil { return value(option.words, prefix, typed: "", guide, Array(before.dropLast())) }
      }
    }
    if !isRaw, let (name, begun) = prefix.halves(at: "="), prefix.hasPrefix("-") {
      guard let option = guide.allOptions.first(where: { $0.name == name && $0.value != nil }) else {
        return .words([])
      }
      return value(option.words, begun, typed: "\(name)=", guide, before)
    }
    if !isRaw, prefix.hasPrefix("-") {
      let options = guide.allOptions.filter { $0.repeats || !given.contains($0.name) }
      return begun(options.map { Candidate(word: $0.name, summary: Guide.shown(option: $0.summary)) }, prefix)
    }
    guard operands < guide.operandCount.upperBound else { return .words([]) }
    return value(guide.operandWords, prefix, typed: "", guide, before)
  }

  /// - Parameter typed: what of the word stands before the value.
  private func value(_ words: Guide.Words, _ prefix: String, typed: String, _ guide: Guide, _ before: [String])
    -> Answer
  {
    switch words {
    case .file: return .files
    case .folder: return .folders
    case .oneOf(let words): return begun(words.map { Candidate(word: typed + $0) }, typed + prefix)
    case .free, .channels, .providers, .services, .recipients, .messages:
      // What stands there already may name another spool or configuration.
      let given = try? Arguments(
        (before + Array(repeating: "x", count: guide.operandCount.lowerBound)).map { Word($0) }, guide)
      return begun(lookup(words, prefix, given).map { Candidate(word: typed + $0) }, typed + prefix)
    }
  }

  private func begun(_ candidates: [Candidate], _ prefix: String) -> Answer {
    .words(candidates.filter { $0.word.utf8.starts(with: prefix.utf8) })
  }

  // MARK: Shells

  /// Bash takes a word apart at = and :, and replaces only the last piece.
  /// - Returns: the words whole, and what of the last one bash keeps by itself.
  static func joined(_ pieces: [String]) -> (words: [String], kept: String) {
    var words: [String] = []
    var (kept, isOpen) = ("", false)
    for piece in pieces {
      let isMark = piece == "=" || piece == ":" || piece == "::"
      if (isMark || isOpen), words.count > 1 {
        if !isMark { kept = words[words.count - 1] }
        words[words.count - 1] += piece
        if isMark { kept = words[words.count - 1] }
        isOpen = isMark
      } else {
        words.append(piece)
        (kept, isOpen) = ("", false)
      }
    }
    return (words, kept)
  }

  static func script(_ shell: Shell) -> String {
    switch shell {
    case .bash:
      #"""
      # Completes msgspool's command line in bash: asks the program itself, so that the two cannot disagree.
      #   source <(msgspool completion bash)      or this file in /usr/share/bash-completion/completions/msgspool
      _msgspool() {
        local line quoted kind=
        COMPREPLY=()
        while IFS= read -r line; do
          if [[ -z $kind ]]; then
            kind=$line
          else
            # Names in a spool are anybody's: quoted, they are words and nothing else.
            printf -v quoted %q "${line%%$'\t'*}"
            COMPREPLY+=("$quoted")
          fi
        done < <("${1:-msgspool}" __complete bash "${COMP_WORDS[@]:0:COMP_CWORD+1}" 2> /dev/null)
        line=${COMP_WORDS[COMP_CWORD]}
        [[ $line != = ]] || line=
        case $kind in
          files) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$line") ;;
          folders) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -d -- "$line") ;;
        esac
      }
      complete -F _msgspool msgspool

      """#
    case .zsh:
      #"""
      #compdef msgspool
      # Completes msgspool's command line in zsh: asks the program itself, so that the two cannot disagree.
      #   source <(msgspool completion zsh)      or this file as _msgspool in a folder of $fpath
      _msgspool() {
        local -a lines values notes
        local line
        lines=("${(@f)$(msgspool __complete zsh "${(@Q)words[1,CURRENT]}" 2> /dev/null)}")
        case $lines[1] in
          files) _files; return ;;
          folders) _files -/; return ;;
        esac
        for line in "${(@)lines[2,-1]}"; do
          [[ -n $line ]] || continue
          values+=("${line%%$'\t'*}")
          if [[ $line == *$'\t'* ]]; then
            notes+=("${line%%$'\t'*}  -- ${line#*$'\t'}")
          else
            notes+=("$line")
          fi
        done
        (( $#values )) && compadd -l -d notes -a -- values
      }
      if [[ $funcstack[1] == _msgspool ]]; then
        _msgspool "$@"
      else
        compdef _msgspool msgspool
      fi

      """#
    case .fish:
      #"""
      # Completes msgspool's command line in fish: asks the program itself, so that the two cannot disagree.
      #   msgspool completion fish | source      or this file in ~/.config/fish/completions/msgspool.fish
      function __msgspool_complete
        set -l words (commandline -opc) (commandline -ct)
        set -l lines (msgspool __complete fish $words 2> /dev/null)
        switch "$lines[1]"
          case files
            __fish_complete_path (commandline -ct)
          case folders
            __fish_complete_directories (commandline -ct)
          case '*'
            test (count $lines) -gt 1; and printf '%s\n' $lines[2..-1]
        end
      end
      complete -c msgspool -f -a '(__msgspool_complete)'

      """#
    }
  }
}
