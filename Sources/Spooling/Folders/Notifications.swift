import Glibc

/// What inotify has to tell, as the kernel packs it.
enum Notifications {
  /// Hands over everything there is, without waiting.
  static func drain(_ descriptor: Int32, _ visit: (inotify_event, FileName) -> Void) {
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 64 << 10, alignment: 8)
    defer { buffer.deallocate() }
    while true {
      let count = read(descriptor, buffer.baseAddress, buffer.count)
      if count <= 0 { return }
      var position = 0
      while position + MemoryLayout<inotify_event>.size <= count {
        let event = buffer.loadUnaligned(fromByteOffset: position, as: inotify_event.self)
        let start = position + MemoryLayout<inotify_event>.size
        visit(event, FileName(bytes: buffer[start..<start + Int(event.len)].prefix { $0 != 0 }))
        position = start + Int(event.len)
      }
    }
  }
}
