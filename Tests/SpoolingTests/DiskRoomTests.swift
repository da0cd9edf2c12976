import Spooling
import Testing

@Suite struct DiskRoomTests {
  private func room(_ bytes: Int, of all: Int, files: Int = 100_000, of allFiles: Int = 1_000_000) -> DiskRoom {
    DiskRoom(bytes: bytes, allBytes: all, files: files, allFiles: allFiles)
  }

  @Test func aTwentiethIsLittleUnlessItIsPlenty() {
    #expect(room(1 << 20, of: 100 << 20).isShortOfBytes)
    #expect(!room(6 << 20, of: 100 << 20).isShortOfBytes)
    #expect(!room(2 << 30, of: 1 << 40).isShortOfBytes)
    #expect(room(0, of: 1 << 40).isShortOfBytes)
    // A small disk with nothing on it.
    #expect(!room(10 << 20, of: 10 << 20).isShortOfBytes)
  }

  @Test func soAreFilesWhereTheirNumberIsLimited() {
    #expect(room(1 << 30, of: 1 << 30, files: 0, of: 1000).isShortOfFiles)
    #expect(!room(1 << 30, of: 1 << 30, files: 60, of: 1000).isShortOfFiles)
    #expect(!room(1 << 30, of: 1 << 30, files: 20_000, of: 10_000_000).isShortOfFiles)
    #expect(!room(1 << 30, of: 1 << 30, files: 0, of: 0).isShortOfFiles)
  }

  @Test func bytesAreToldInTheUnitThatFits() {
    #expect(DiskRoom.text(0) == "0 bytes" && DiskRoom.text(300 << 10) == "300 KiB")
    #expect(DiskRoom.text(17 << 20) == "17 MiB" && DiskRoom.text(4 << 40) == "4096 GiB")
  }
}
