import Core
import Testing

@testable import Providers

@Suite struct InstapushTests {
  @Test func itsChannelIsRefusedWithWhatToUseInstead() {
    let fault = #expect(throws: SettingFault.self) {
      try Instapush(settings(Instapush.self, ["appid": .string("a"), "appsecret": .string("b")]))
    }
    #expect(fault?.setting == "provider")
    #expect(fault?.problem.contains("November 2018") == true && fault?.problem.contains("pushover") == true)
    #expect(Catalogue.named("instapush")?.card.summary.contains("closed") == true)
  }

  /// Nothing is sent, so no recorded request is matched; their settings are still known, for a telling refusal.
  @Test func theRecordedRequestsHadTheSettingsThatAreKnown() {
    let recorded = GoldenCase.load("instapush")
    #expect(recorded.count == 2)
    for golden in recorded {
      for name in ["appid", "appsecret"] {
        #expect(golden.input[name]?.string == golden.headers["x-instapush-\(name)"])
        #expect(Instapush.card.settings.contains { $0.name == name })
      }
    }
  }
}
