// floor SPOOL: the least that the file system asks for a message, and nothing else. For every file in new/: list, rename
// to cur/, open, read, append a line of history, close, rename to done/. No flush, no parsing, no network.
// Prints: messages seconds
#define _GNU_SOURCE
#include <dirent.h>
#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static int folder(int root, const char *name) {
  int descriptor = openat(root, name, O_RDONLY | O_DIRECTORY);
  if (descriptor < 0) err(1, "%s", name);
  return descriptor;
}

int main(int count, char **arguments) {
  if (count != 2) errx(64, "usage: floor SPOOL");
  int root = open(arguments[1], O_RDONLY | O_DIRECTORY);
  if (root < 0) err(1, "%s", arguments[1]);
  int new = folder(root, "new"), cur = folder(root, "cur"), done = folder(root, "done");
  char line[300], text[4096];
  memset(line, 'x', sizeof line);
  line[sizeof line - 1] = '\n';

  struct timespec start, end;
  clock_gettime(CLOCK_MONOTONIC, &start);
  long messages = 0;
  DIR *listing = fdopendir(new);
  if (!listing) err(1, "new");
  for (struct dirent *entry; (entry = readdir(listing));) {
    const char *name = entry->d_name;
    if (name[0] == '.') continue;
    if (renameat(new, name, cur, name)) err(1, "rename %s", name);
    int file = openat(cur, name, O_RDWR | O_APPEND);
    if (file < 0) err(1, "open %s", name);
    if (read(file, text, sizeof text) <= 0) err(1, "read %s", name);
    if (write(file, line, sizeof line) != sizeof line) err(1, "write %s", name);
    close(file);
    if (renameat(cur, name, done, name)) err(1, "rename %s", name);
    messages++;
  }
  clock_gettime(CLOCK_MONOTONIC, &end);
  printf("%ld %.6f\n", messages, end.tv_sec - start.tv_sec + (end.tv_nsec - start.tv_nsec) / 1e9);
}
