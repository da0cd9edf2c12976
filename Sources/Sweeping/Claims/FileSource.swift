import Core
import FoundationEssentials
import Spooling
import Threading

/// Claims what is due of the spool's files: finds names (what arrived first, then what fell due, then what a listing
/// shows), claims each by a rename, flushes, reads and decodes. In steps, so that what arrives never waits for a listing.
///
/// Unchecked: all but the inbox is touched by the one thread that calls `step`.
final class FileSource: Source, @unchecked Sendable {
  private struct Candidate {
    var name: FileName
    var origin: Folder
    /// As the listing told, or unknown.
    var kind = Listing.Entry.Kind.unknown
  }

  /// A file that is not to be touched yet: half written, or under two names.
  private struct Patience {
    /// Infinite once it is on its way to be looked at.
    var until: Double
    var pause: Double
    var origin: Folder
  }

  /// Names claimed between two flushes of the folders, at the most: an eighth of what may be in hand, as whose they are
  /// shows only when they are read.
  private static let batch = 1024
  /// Names looked at in one step, claimed or not.
  private static let looks = 1024
  /// Seconds in which a full channel must have settled so many messages to be worth waiting for: long enough for a few of
  /// the settling desk's turns, each of which settles hundreds at once.
  private static let flowPeriod = 0.2
  private static let flow = 200
  /// Files that were left alone are looked at again after so many seconds, doubling up to a minute.
  private static let firstLook = 5.0
  private static let lastLook = 60.0
  /// Names remembered of what was left alone or given back.
  private static let remembered = 100_000

  private let disk: any SpoolDisk
  private let folder: any SweepDisk
  private let share: Share
  private let selection: Selection
  private let clock: @Sendable () -> Moment
  private let post: @Sendable (SourceEvent) -> Void
  let inbox = Inbox<SourceRequest>()

  private var defaultChannel: String?
  private var limit: Int
  private var reader: any MessageReader
  private var arrivals = Queue<Candidate>()
  /// Folders still to be listed in the look that is under way.
  private var folders: [Folder] = []
  private var cursor: (names: any NameCursor, folder: Folder)?
  private var dueTimes = DueTimes()
  private var patience: [FileName: Patience] = [:]
  private var returned: Set<FileName> = []
  private var quota: Int
  private var strays = Strays()
  /// The share is full: it goes on when there is room.
  private var isPaused = false
  private var hasFailed = false
  /// Requests of the engine seen so far.
  private var asked = 0

  init(
    _ disk: any SpoolDisk, _ folder: any SweepDisk, _ share: Share, _ selection: Selection,
    _ configuration: Configuration, clock: @escaping @Sendable () -> Moment,
    post: @escaping @Sendable (SourceEvent) -> Void
  ) {
    self.disk = disk
    self.folder = folder
    self.share = share
    self.selection = selection
    self.clock = clock
    self.post = post
    defaultChannel = configuration.defaultChannel
    limit = configuration.maxMessageBytes
    reader = folder.reader(limit: limit)
    quota = selection.limit ?? .max
    look()
  }

  func ask(_ request: SourceRequest) { inbox.post(request) }
  func stop() { inbox.close() }
  var isDry: Bool { share.isDry }

  func run() {
    while !inbox.isClosed {
      let requests = hasMore ? takeOrAwaitRoom() : inbox.takeAll()
      if inbox.isClosed { return }
      step(requests)
    }
  }

  /// While a full channel's messages flow, there is room for the next sooner than it pays to read them twice: once to see
  /// whose they are, once when they are claimed. When they do not flow, others' messages are looked for among them.
  private func takeOrAwaitRoom() -> [SourceRequest] {
    var requests = inbox.takeNow()
    while requests.isEmpty, arrivals.isEmpty, !inbox.isClosed, share.awaitRoom() {
      requests = inbox.takeAll(within: FileSource.flowPeriod)
      if share.flowed < FileSource.flow { break }
    }
    return requests
  }

  /// Whether the next step has something to do without being asked.
  var hasMore: Bool { !hasFailed && !isPaused && (!arrivals.isEmpty || isLooking) }
  private var isLooking: Bool { cursor != nil || !folders.isEmpty }

  /// Does what was asked, then claims a batch.
  func step(_ requests: [SourceRequest]) {
    if hasFailed { return }
    do throws(SystemFault) {
      for request in requests { absorb(request) }
      if !requests.isEmpty { isPaused = false }
      try claimBatch()
    } catch {
      hasFailed = true
      post(.failed(error))
    }
  }

  // MARK: What to look at

  private func absorb(_ request: SourceRequest) {
    switch request {
    case .room, .due, .returned, .configured: asked += 1
    case .look, .arrived, .created, .deferred: break
    }
    switch request {
    case .look: look()
    case .room: if !isLooking, share.isWanting { look() }
    case .due: takeDue()
    case .arrived(let names):
      for name in names where !SpoolLayout.isIgnored(name) {
        // What this process itself put back has its own time.
        if !isPatient(with: name) { arrivals.append(Candidate(name: name, origin: .new)) }
      }
    case .created(let names):
      // Its writer has it open still, and will be heard of again when it closes it; a link is there at once.
      for name in names where !isPatient(with: name) && disk.facts(of: name, in: .new).map({ $0.size > 0 }) == true {
        arrivals.append(Candidate(name: name, origin: .new))
      }
    case .deferred(let names):
      for name in names where !SpoolLayout.isIgnored(name) { arrivals.append(Candidate(name: name, origin: .deferred)) }
    case .returned(let names):
      if !selection.isEndless, returned.count < FileSource.remembered { returned.formUnion(names) }
    case .configured(let channel, let bytes):
      defaultChannel = channel
      if bytes != limit { reader = folder.reader(limit: bytes) }
      limit = bytes
      look()
    }
  }

  private func look() {
    share.beginLook()
    dueTimes.removeAll()
    cursor = nil
    folders = [.deferred, .new]
  }

  private func takeDue() {
    let now = clock()
    let (names, needsListing) = dueTimes.takeDue(at: now.date)
    for name in names { arrivals.append(Candidate(name: name, origin: .deferred)) }
    for (name, known) in patience.sorted(by: { $0.key < $1.key }) where known.until <= now.steady {
      patience[name]?.until = .infinity
      arrivals.append(Candidate(name: name, origin: known.origin))
    }
    if needsListing, !isLooking { look() }
  }

  /// It is no longer one of those that are not to be touched yet.
  private func forget(_ name: FileName) {
    if !patience.isEmpty { patience[name] = nil }
  }

  private func isPatient(with name: FileName) -> Bool {
    if patience.isEmpty { return false }
    return patience[name].map { $0.until > clock().steady } ?? false
  }

  private func nextCandidate() throws(SystemFault) -> Candidate? {
    if let arrived = arrivals.popFirst() { return arrived }
    while true {
      if cursor == nil {
        guard !folders.isEmpty else { return nil }
        let folder = folders.removeFirst()
        cursor = (try disk.names(in: folder), folder)
      }
      if let (names, folder) = cursor, let entry = try names.next() {
        if isPatient(with: entry.name) || (!returned.isEmpty && returned.contains(entry.name)) { continue }
        return Candidate(name: entry.name, origin: folder, kind: entry.kind)
      }
      cursor = nil
      if folders.isEmpty { share.endLook() }
    }
  }

  // MARK: Claiming

  private func claimBatch() throws(SystemFault) {
    var claimed: [(name: FileName, origin: Folder)] = []
    var looks = 0
    let room = min(share.room(), FileSource.batch, max(1, share.messages / 8), quota)
    let readsFirst = selection.channel != nil || share.isTight
    while claimed.count < room, looks < FileSource.looks, let candidate = try nextCandidate() {
      looks += 1
      guard isDue(candidate), !readsFirst || mayTake(candidate) else { continue }
      guard let name = try claim(candidate) else {
        forget(candidate.name)
        continue
      }
      claimed.append((name, candidate.origin))
    }
    if !claimed.isEmpty {
      quota -= claimed.count
      // Both folders, once for the whole batch: from here on no power cut brings a claimed file back to new/.
      try folder.flush()
      for origin in [Folder.deferred, .new] where claimed.contains(where: { $0.origin == origin }) {
        try disk.flush(origin)
      }
      // A batch that is not full is all that there is for now, or all for a while.
      try read(claimed, isFull: claimed.count >= room)
    }
    rest(hadRoom: room > 0)
  }

  private func rest(hadRoom: Bool) {
    if quota <= 0 {
      // As many as were asked for: the rest is none of this sweep's.
      (arrivals, folders, cursor) = (Queue(), [], nil)
      share.beginLook()
      share.endLook()
    }
    if hasMore, hadRoom { return }
    // Everything seen, and something of it may be claimed by now: a channel whose probe had nothing else, say.
    if !hasMore, quota > 0, share.isWanting, share.room() > 0 { look() }
    if hasMore, share.room() > 0 { return }
    isPaused = hasMore
    tellStrays()
    post(
      .rested(
        after: asked, due: selection.isEndless || !hasMore ? dueTimes.next : nil,
        look: selection.isEndless ? patience.values.map(\.until).filter(\.isFinite).min() : nil))
  }

  /// Whether a deferred message's time has come; otherwise it is remembered.
  private func isDue(_ candidate: Candidate) -> Bool {
    guard candidate.origin == .deferred else { return true }
    if SpoolLayout.isIgnored(candidate.name) { return false }
    guard let facts = disk.facts(of: candidate.name, in: .deferred) else { return false }
    let now = clock().date
    // Deferred at a time that has not come yet: the clock was turned back. Nobody knows how long it has waited since, so
    // it waits no longer; what has a time of its own (send_at, quiet hours) is deferred again by routing.
    if facts.modified <= now || facts.changed > now + 1 { return true }
    dueTimes.add(candidate.name, due: facts.modified)
    return false
  }

  /// Reads a file before it is claimed, to see whose it is.
  private func mayTake(_ candidate: Candidate) -> Bool {
    if SpoolLayout.isIgnored(candidate.name) { return false }
    guard case .message(let file)? = disk.peek(candidate.name, in: candidate.origin, limit: limit) else {
      return selection.channel == nil
    }
    let channel = file.message.channel ?? defaultChannel ?? ""
    if let wanted = selection.channel, channel != wanted { return false }
    return share.admits(candidate.name, of: channel, file.message.priority)
  }

  /// The claimed file's name, or nil for what is not ours to take now.
  private func claim(_ candidate: Candidate) throws(SystemFault) -> FileName? {
    let name = candidate.name
    if SpoolLayout.isIgnored(name) { return nil }
    if candidate.kind != .file, candidate.origin == .new {
      guard let facts = disk.facts(of: name, in: candidate.origin) else { return nil }
      guard facts.isRegular else {
        leave(name, "is no plain file, and was left alone", hint: "move it out of the spool")
        return nil
      }
    }
    do throws(SystemFault) {
      return try folder.claim(name, from: candidate.origin)
    } catch {
      // One file that may not be moved (immutable, say) must not stop the others; a folder that may not be written does.
      guard error.isRefusal, disk.isWritable(candidate.origin) else { throw error }
      leave(name, "may not be moved by the sweeper: \(error)", hint: error.hint)
      return nil
    }
  }

  // MARK: Reading

  private func read(_ claimed: [(name: FileName, origin: Folder)], isFull: Bool) throws(SystemFault) {
    var claims: [Claim] = []
    claims.reserveCapacity(claimed.count)
    for (index, file) in claimed.enumerated() {
      let claim = try read(file.name, from: file.origin)
      if case .left(_, let notice) = claim {
        try putBack(file.name, from: file.origin)
        leave(file.name, notice)
        continue
      }
      forget(file.name)
      share.take(.init(messages: 1, bytes: claim.size), of: claim.channel(byDefault: defaultChannel))
      claims.append(claim)
      // Large messages go on at once, rather than waiting for a thousand of their kind.
      if share.room() == 0, index + 1 < claimed.count {
        post(.claimed(claims, isMore: false))
        claims.removeAll(keepingCapacity: true)
      }
    }
    if !claims.isEmpty { post(.claimed(claims, isMore: hasMore && isFull)) }
  }

  /// One file that can't be read is reported and left; only what would hit every file stops the sweep.
  private func read(_ name: FileName, from origin: Folder) throws(SystemFault) -> Claim {
    do throws(SystemFault) {
      return try reader.read(name, from: origin, now: clock().date)
    } catch {
      if error.isShortage { throw error }
      return .left(name, notice: "could not be read: \(error)")
    }
  }

  /// Back where it came from, to be looked at again later.
  private func putBack(_ name: FileName, from origin: Folder) throws(SystemFault) {
    let pause = patience[name].map { min($0.pause * 2, FileSource.lastLook) } ?? FileSource.firstLook
    if patience.count < FileSource.remembered {
      patience[name] = Patience(until: clock().steady + pause, pause: pause, origin: origin)
    }
    try folder.put(name, into: origin)
  }

  /// What is left alone is told when the look is over, however many there are.
  private func leave(_ name: FileName, _ problem: String?, hint: String? = nil) {
    post(.left)
    if let problem { strays.add(name.display, problem, hint: hint) }
  }

  private func tellStrays() {
    for line in strays.lines { post(.notice(Notice(line.subject, line.problem, hint: line.hint))) }
    strays = Strays()
  }
}

extension Claim {
  /// The bytes of its file, which its message may hold in memory.
  var size: Int {
    switch self {
    case .message(let file, _), .invalid(let file, _): file.size
    case .left: 0
    }
  }

  /// Whose share it is in.
  func channel(byDefault name: String?) -> String {
    if case .message(_, let content) = self { content.message.channel ?? name ?? "" } else { "" }
  }
}
