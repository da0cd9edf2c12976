// measure COMMAND ARGUMENT...: runs it and prints, as the last line of standard error:
// measure: seconds user system peak-KiB
#define _GNU_SOURCE
#include <err.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double seconds(struct timeval time) { return time.tv_sec + time.tv_usec / 1e6; }

int main(int count, char **arguments) {
  if (count < 2) errx(64, "usage: measure COMMAND [ARGUMENT]...");
  struct timespec start, end;
  clock_gettime(CLOCK_MONOTONIC, &start);
  // vfork, so that a child's peak does not begin with a copy of ours.
  pid_t child = vfork();
  if (child == 0) {
    execvp(arguments[1], arguments + 1);
    _exit(127);
  }
  int status;
  struct rusage usage;
  if (child < 0 || wait4(child, &status, 0, &usage) != child) err(1, "%s", arguments[1]);
  clock_gettime(CLOCK_MONOTONIC, &end);
  fprintf(stderr, "measure: %.6f %.3f %.3f %ld\n", end.tv_sec - start.tv_sec + (end.tv_nsec - start.tv_nsec) / 1e9,
          seconds(usage.ru_utime), seconds(usage.ru_stime), usage.ru_maxrss);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
