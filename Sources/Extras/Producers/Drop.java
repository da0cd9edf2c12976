// java Drop.java SPOOL CHANNEL TO BODY: drops one message for msgspool and prints its name. Java 11 or later.
import static java.nio.charset.StandardCharsets.UTF_8;
import static java.nio.file.StandardCopyOption.ATOMIC_MOVE;
import static java.nio.file.StandardOpenOption.*;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.*;
import java.security.SecureRandom;
import java.util.Arrays;
import java.util.stream.Collectors;

public class Drop {
  static String drop(Path spool, String json) throws IOException {
    String name = String.format("%d.%d.%08x.json", System.currentTimeMillis() / 1000,
        ProcessHandle.current().pid(), new SecureRandom().nextInt());
    Path aside = spool.resolve("tmp").resolve(name), folder = spool.resolve("new");
    try (FileChannel file = FileChannel.open(aside, WRITE, CREATE_NEW)) { // fails instead of overwriting (O_EXCL)
      for (ByteBuffer bytes = UTF_8.encode(json + "\n"); bytes.hasRemaining();) file.write(bytes);
      file.force(true); // fsync
    }
    Files.move(aside, folder.resolve(name), ATOMIC_MOVE);
    try (FileChannel flushed = FileChannel.open(folder, READ)) {
      flushed.force(true); // the folder too, so that a power cut can't take the new name back
    }
    return name;
  }

  static String quote(String text) {
    return text.chars()
        .mapToObj(c -> c == '"' || c == '\\' ? "\\" + (char) c : c < ' ' ? String.format("\\u%04x", c) : "" + (char) c)
        .collect(Collectors.joining("", "\"", "\""));
  }

  public static void main(String[] arguments) throws IOException {
    if (arguments.length != 4) fail(64, "usage: Drop SPOOL CHANNEL TO[,TO]... BODY");
    // Outside a UTF-8 locale (cron!) Java has already lost every other character by now.
    if (!"UTF-8".equals(System.getProperty("sun.jnu.encoding")) && String.join("", arguments).contains("\uFFFD"))
      fail(64, "Drop: the locale hides this text from Java; set LC_ALL=C.UTF-8");
    Path spool = Path.of(arguments[0]);
    if (!Files.isDirectory(spool.resolve("tmp")) || !Files.isDirectory(spool.resolve("new")))
      fail(66, "Drop: no spool at " + spool + "; run: msgspool init " + spool);
    String to = Arrays.stream(arguments[2].split(",")).filter(one -> !one.isEmpty()).map(Drop::quote)
        .collect(Collectors.joining(","));
    System.out.println(drop(spool, "{\"channel\":" + quote(arguments[1])
        + (to.isEmpty() ? "" : ",\"to\":[" + to + "]") + ",\"body\":" + quote(arguments[3]) + "}"));
  }

  static void fail(int status, String text) {
    System.err.println(text);
    System.exit(status);
  }
}
