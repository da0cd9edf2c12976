import Core

/// Gives each exchange to the transport of its kind.
package final class RoutedTransport: Transport {
  private let http: CurlTransport
  private let mail: MailTransport
  private let programs: ProgramTransport

  package init(_ policy: CurlTransport.Policy = .init()) {
    http = CurlTransport(policy)
    mail = MailTransport(policy)
    programs = ProgramTransport()
  }

  package func perform(_ errands: [Errand]) {
    var (forHTTP, forMail, forPrograms): ([Errand], [Errand], [Errand]) = ([], [], [])
    for errand in errands {
      switch errand.exchange {
      case .http: forHTTP.append(errand)
      case .mail: forMail.append(errand)
      case .program: forPrograms.append(errand)
      }
    }
    http.perform(forHTTP)
    mail.perform(forMail)
    programs.perform(forPrograms)
  }

  /// See `CurlTransport.shutdown`.
  package func shutdown(_ manner: CurlTransport.Shutdown = .drain) {
    http.shutdown(manner)
    mail.shutdown(manner)
    programs.shutdown(manner)
  }
}
