// drop SPOOL CHANNEL TO BODY: drops one message for msgspool and prints its name. Build: cc -o drop drop.c
#define _GNU_SOURCE
#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

static void quote(FILE *file, const char *text) {
  putc('"', file);
  for (const char *c = text; *c; c++) {
    if (*c == '"' || *c == '\\') fprintf(file, "\\%c", *c);
    else if ((unsigned char)*c < 0x20) fprintf(file, "\\u%04x", *c);
    else putc(*c, file);
  }
  putc('"', file);
}

int main(int count, char **arguments) {
  if (count != 5) errx(EX_USAGE, "usage: drop SPOOL CHANNEL TO[,TO]... BODY");
  char *spool = arguments[1], *channel = arguments[2], *to = arguments[3], *body = arguments[4];
  int tmp = -1, new = -1, root = open(spool, O_RDONLY | O_DIRECTORY);
  if (root >= 0) tmp = openat(root, "tmp", O_RDONLY | O_DIRECTORY);
  if (root >= 0) new = openat(root, "new", O_RDONLY | O_DIRECTORY);
  if (tmp < 0 || new < 0) errx(EX_NOINPUT, "no spool at %s; run: msgspool init %s", spool, spool);

  unsigned random;
  if (getentropy(&random, sizeof random) < 0) err(EX_OSERR, "getentropy");
  char name[64];
  snprintf(name, sizeof name, "%lld.%ld.%08x.json", (long long)time(NULL), (long)getpid(), random);
  int descriptor = openat(tmp, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);  // never over another's file
  FILE *file = descriptor < 0 ? NULL : fdopen(descriptor, "w");
  if (!file) err(EX_CANTCREAT, "%s/tmp/%s", spool, name);

  fputs("{\"channel\":", file);
  quote(file, channel);
  const char *before = ",\"to\":[";
  for (char *one = strtok(to, ","); one; one = strtok(NULL, ","), before = ",") {
    fputs(before, file);
    quote(file, one);
  }
  fputs(before[1] ? ",\"body\":" : "],\"body\":", file);  // no recipient: the field is left out
  quote(file, body);
  fputs("}\n", file);
  // stdio's buffer first, then the disk: fsync knows only what the kernel has. ferror remembers any failed write.
  if (fflush(file) || ferror(file) || fsync(descriptor)) err(EX_IOERR, "%s/tmp/%s", spool, name);
  if (renameat(tmp, name, new, name)) err(EX_CANTCREAT, "%s/new/%s", spool, name);
  if (fsync(new)) err(EX_IOERR, "%s/new", spool);  // so that a power cut can't take the new name back
  puts(name);
}
