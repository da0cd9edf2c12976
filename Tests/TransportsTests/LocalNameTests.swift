import Testing

@testable import Transports

@Suite struct LocalNameTests {
  @Test(arguments: [
    (["vm", "vm.example.com"], "vm.example.com"), (["Mail.Example.com", ""], "mail.example.com"),
    (["vm", "vm"], "[192.0.2.7]"), (["", ""], "[192.0.2.7]"),
    (["vm.localdomain", "localhost.localdomain"], "[192.0.2.7]"),
    (["a b.c", "-x.y"], "[192.0.2.7]"), (["localhost.example.com", "vm.example.com"], "vm.example.com"),
  ])
  func aFullNameOrAnAddress(names: [String], greeting: String) {
    #expect(LocalName.greeting(for: names, addresses: ["2001:db8::7", "192.0.2.7"]) == greeting)
  }

  @Test func withoutAnAddressThereIsThisMachinesOwn() {
    #expect(LocalName.greeting(for: ["vm"], addresses: ["2001:db8::7"]) == "[IPv6:2001:db8::7]")
    #expect(LocalName.greeting(for: ["vm"], addresses: []) == "[127.0.0.1]")
  }

  @Test(arguments: [
    ("smtp://h", "smtp://h/%5B192.0.2.7%5D"), ("smtp://h:25/", "smtp://h:25/%5B192.0.2.7%5D"),
    ("smtps://[::1]:465", "smtps://[::1]:465/%5B192.0.2.7%5D"), ("smtp://h/me.example", "smtp://h/me.example"),
  ])
  func aNameInTheURLStays(url: String, complete: String) {
    #expect(LocalName.url(url, greeting: "[192.0.2.7]") == complete)
  }
}
