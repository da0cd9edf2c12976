import Foundation
import TestSupport
import Testing

@Suite("One recipient's trouble stops nobody, and the channel's trouble fails nobody")
struct WhoseTroubleTests {
  /// Sweeps messages of mail on a server that answers as told.
  /// - Parameter answer: to a command, and how many recipients were taken before; nil for the ordinary one.
  private func sweepMail(
    _ messages: [String], _ answer: @escaping @Sendable (_ command: String, _ taken: Int) -> String?,
    _ look: @Sendable (Station.Swept, Station) async throws -> Void
  ) async throws {
    let server = try ScriptedServer { peer in
      var taken = 0
      var isOpen = peer.write("220 mx.example.invalid\r\n")
      while isOpen, let command = peer.readLine() {
        let usual = command.hasPrefix("DATA") ? "354 go" : "250 ok"
        let said = answer(command, taken) ?? usual
        if command.hasPrefix("MAIL") { taken = 0 }
        if command.hasPrefix("RCPT"), said.hasPrefix("2") { taken += 1 }
        isOpen = peer.write("\(said)\r\n") && !command.hasPrefix("QUIT")
        guard isOpen, said.hasPrefix("354") else { continue }
        while let line = peer.readLine(), line != "." {}
        isOpen = peer.write("\(answer(".", taken) ?? "250 2.0.0 ok")\r\n")
      }
    }
    try await withStation { station in
      try station.configure(
        text: #"{ default_channel: "mail", channels: { mail: { provider: "email", security: "none", concurrency: 1, "#
          + "from: \"alerts@example.com\", url: \"smtp://127.0.0.1:\(server.port)\" } } }")
      for (index, message) in messages.enumerated() {
        try station.spool.drop("m\(index < 10 ? "0" : "")\(index)", message)
      }
      let swept = try await station.sweep()
      try await look(swept, station)
    }
    _ = server.finish()
  }

  private static func mail(_ to: String, _ more: String = "") -> String {
    #"{"to":"\#(to)@example.org","title":"\#(to)","body":"x"\#(more)}"#
  }

  @Test(
    "An unknown mailbox at the head of the queue fails alone, whatever words follow",
    arguments: [
      "550 5.1.1 <relay@example.org>: Recipient address rejected: User unknown in virtual mailbox table",
      "550 User unknown in relay recipient table",
    ])
  func unknownMailbox(text: String) async throws {
    let messages = ["a", "b", "c"].map { Self.mail($0) } + [Self.mail("relay", #","priority":"high""#)]
    try await sweepMail(messages, { command, _ in command.contains("<relay@") ? text : nil }) { swept, station in
      #expect(swept["done"] == 3 && swept["failed"] == 1, "\(swept.stderr)")
      let line = try station.spool.last("failed/m03")
      #expect(line["error"]?["kind"]?.text == "recipient")
    }
  }

  @Test("A copy that is refused is that copy's trouble: the others get the mail, with it in the header")
  func copies() async throws {
    let message =
      #"{"to":"a@example.org","title":"t","body":"x","options":{"cc":["Gone <gone@example.org>","c@example.org"],"bcc":"d@example.org"}}"#
    let gone = "550 5.1.1 <gone@example.org>: no such user"
    try await sweepMail([message], { command, _ in command.contains("<gone@") ? gone : nil }) { swept, station in
      #expect(swept["failed"] == 1 && swept["calls"] == 1 && swept["recipients"] == 4, "\(swept.stderr)")
      let line = try station.spool.last("failed/m00")
      let results = line["results"]?.array.map { [$0["to"]?.text, $0["state"]?.text] }
      #expect(
        results == [
          ["a@example.org", "accepted"], ["Gone <gone@example.org>", "rejected"], ["c@example.org", "accepted"],
          ["d@example.org", "accepted"],
        ])
      #expect(line["error"]?["kind"]?.text == "recipient")
    }
  }

  @Test("Relaying that is denied to one puts off that one; to a second one, it is the channel's trouble")
  func relayDenied() async throws {
    let denied = "554 5.7.1 <x>: Relay access denied"
    let messages = ["a", "b", "c"].map { Self.mail($0) } + [Self.mail("far", #","priority":"high""#)]
    try await sweepMail(messages, { command, _ in command.contains("<far@") ? denied : nil }) { swept, _ in
      #expect(swept["done"] == 3 && swept["deferred"] == 1, "\(swept.stderr)")
    }
    try await sweepMail(messages, { command, _ in command.hasPrefix("RCPT") ? denied : nil }) { swept, _ in
      #expect(swept["failed"] == 0 && swept["left"] ?? 0 >= 2 && swept["calls"] == 2, "\(swept.stderr)")
    }
  }

  @Test("A sender that is refused at one recipient stops nobody; at a second one, the channel, and the backlog stays")
  func senderRefused() async throws {
    let refused = "553 5.7.1 <a@b>: Sender address rejected: not owned by user x"
    let messages = ["a", "b", "c"].map { Self.mail($0) } + [Self.mail("far", #","priority":"high""#)]
    try await sweepMail(messages, { command, _ in command.contains("<far@") ? refused : nil }) { swept, _ in
      #expect(swept["done"] == 3 && swept["deferred"] == 1, "\(swept.stderr)")
    }
    try await sweepMail(messages, { command, _ in command.hasPrefix("RCPT") ? refused : nil }) { swept, _ in
      #expect(swept["failed"] == 0 && swept["left"] ?? 0 >= 2 && swept["calls"] == 2, "\(swept.stderr)")
    }
  }

  @Test(
    "What is the client's or the sender's trouble stops the channel, and the backlog stays",
    arguments: [
      ("RCPT", "504 5.5.2 <vm>: Helo command rejected: need fully-qualified hostname"),
      ("RCPT", "554 5.7.1 <unknown[192.0.2.1]>: Client host rejected: Access denied"),
      ("MAIL", "550 5.7.60 Not permitted to send as this sender"), (".", "550 5.4.5 Daily user sending limit exceeded"),
      ("RCPT", "550 5.4.5 Daily user sending limit exceeded"),
    ])
  func channelsTrouble(verb: String, text: String) async throws {
    let messages = (0..<12).map { Self.mail("u\($0)") }
    try await sweepMail(messages, { command, _ in command.hasPrefix(verb) ? text : nil }) { swept, station in
      #expect(swept["left"] == 12 && swept["failed"] == 0 && swept["calls"] == 1, "\(swept.stderr)")
      // A day's limit lasts until the day ends; with anything else the next sweep tries one.
      let next = try await station.sweep()
      #expect(next["calls"] == (text.contains("Daily") ? 0 : 1))
      #expect(station.spool.names(in: "new").count == 12)
    }
  }

  @Test(
    "Whom a server has no room for goes with the next mails, in the same attempt",
    arguments: ["452 4.5.3 Too many recipients", "552 Too many recipients", "550 5.5.3 Too many recipients"])
  func tooManyRecipients(text: String) async throws {
    let to = (0..<35).map { "\"u\($0)@example.org\"" }.joined(separator: ",")
    let message = #"{"to":[\#(to)],"title":"t","body":"x"}"#
    try await sweepMail([message], { command, taken in command.hasPrefix("RCPT") && taken >= 10 ? text : nil }) {
      swept, station in
      #expect(swept["done"] == 1 && swept["calls"] == 4, "\(swept.stderr)")
      let line = try station.spool.last("done/m00")
      #expect(line["attempt"] == 1 && line["recipients"]?["accepted"] == 35)
    }
  }

  @Test("A server that announces how many recipients it takes is never named more")
  func announcedLimit() async throws {
    let to = (0..<35).map { "\"u\($0)@example.org\"" }.joined(separator: ",")
    let answer = { @Sendable (command: String, taken: Int) -> String? in
      if command.hasPrefix("EHLO") { return "250-mx.example.invalid\r\n250 LIMITS RCPTMAX=10" }
      return command.hasPrefix("RCPT") && taken >= 10 ? "554 5.7.1 you were told" : nil
    }
    try await sweepMail([#"{"to":[\#(to)],"title":"t","body":"x"}"#], answer) { swept, station in
      #expect(swept["done"] == 1 && swept["calls"] == 4, "\(swept.stderr)")
      let line = try station.spool.last("done/m00")
      #expect(line["attempt"] == 1 && line["recipients"]?["accepted"] == 35)
    }
  }

  @Test("A number that a trial account has not verified is put off, alone or in a call of many, and the others go out")
  func unverifiedNumber() async throws {
    let faults = [
      "recipient:provider=twilio,to=+12125550103,code=21608",
      "recipient:provider=aliyun-sms,to=13800138003,code=isv.SMS_TEST_NUMBER_LIMIT",
    ]
    try await withStation(faults: faults) { station in
      try station.configure(["text": .twilio("concurrency: 1"), "sms": .aliyun()])
      for number in 0..<6 {
        let first = number == 3 ? #","priority":"high""# : ""
        try station.spool.drop("t\(number)", #"{"channel":"text","to":"+1212555010\#(number)","body":"x"\#(first)}"#)
        try station.spool.drop("s\(number)", #"{"channel":"sms","to":"1380013800\#(number)","params":{"a":"1"}}"#)
      }
      let swept = try await station.sweep()
      #expect(swept["done"] == 10 && swept["deferred"] == 2 && swept["left"] == 0, "\(swept.stderr)")
      #expect(station.spool.names(in: "deferred") == ["s3", "t3"])
    }
  }

  @Test("A gateway that gave up waiting leaves the message unconfirmed; an outage uses up no attempt")
  func nobodyKnows() async throws {
    try await withStation(faults: ["status:provider=wxpusher,http=504"]) { station in
      try station.configure([
        "push": .wxpusher(), "text": .twilio("endpoint: \"http://127.0.0.1:9\", retry: {attempts: 1}"),
      ])
      try station.spool.drop("p", #"{"channel":"push","to":"UID_a","body":"hi"}"#)
      try station.spool.drop("t", #"{"channel":"text","to":"+12125550101","body":"hi"}"#)
      let swept = try await station.sweep()
      #expect(swept["unconfirmed"] == 1 && swept["deferred"] == 1)
      var waits: [Double] = []
      for _ in 0..<3 {
        let line = try station.spool.last("deferred/t")
        #expect(line["attempt"] == 0 && line["error"]?["kind"]?.text == "network")
        if let due = line["due"]?.date, let at = line["at"]?.date { waits.append(due.timeIntervalSince(at)) }
        try station.spool.letDeferredFallDue()
        #expect(try await station.sweep()["deferred"] == 1)
      }
      #expect(waits.count == 3 && zip(waits, waits.dropFirst()).allSatisfy { $1 > $0 * 1.5 }, "\(waits)")
    }
  }
}
