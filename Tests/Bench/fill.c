// fill SPOOL KIND COUNT: writes COUNT messages straight into new/, which nobody sweeps meanwhile. KIND is wxpusher (one
// content for all, one UID each), twilio (one number and one text each).
#define _GNU_SOURCE
#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int main(int count, char **arguments) {
  if (count != 4) errx(64, "usage: fill SPOOL wxpusher|twilio COUNT");
  int isTwilio = !strcmp(arguments[2], "twilio");
  long messages = atol(arguments[3]);
  char path[4096];
  snprintf(path, sizeof path, "%s/new", arguments[1]);
  int new = open(path, O_RDONLY | O_DIRECTORY);
  if (new < 0) err(1, "%s", path);
  for (long number = 0; number < messages; number++) {
    char name[64], text[512];
    snprintf(name, sizeof name, "1790000000.%d.%08lx.json", (int)getpid(), number);
    int length =
        isTwilio
            ? snprintf(text, sizeof text,
                       "{\"channel\":\"twilio\",\"to\":\"+49151%08ld\",\"body\":\"Your parcel %08ld is at the shop at "
                       "the corner until Friday. Bring this message and a document with your name on it.\"}\n",
                       number, number)
            : snprintf(text, sizeof text,
                       "{\"channel\":\"wxpusher\",\"to\":\"UID_%028ld\",\"title\":\"Lift 2\",\"body\":\"Lift 2 is out "
                       "of service until 14:00. The technician is on the way; please take the stairs or lift 3.\"}\n",
                       number);
    int file = openat(new, name, O_WRONLY | O_CREAT | O_EXCL, 0666);
    if (file < 0 || write(file, text, length) != length || close(file)) err(1, "%s", name);
  }
}
