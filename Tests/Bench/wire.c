// wire ADDRESS COUNT: the least that HTTP asks for so many calls, and nothing else: libcurl with 64 in flight on kept-alive
// connections, against the sandbox's Twilio. No files, no parsing, no ledger.
// Prints: calls seconds cpu-seconds
#include <curl/curl.h>
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static size_t ignore(char *bytes, size_t size, size_t count, void *data) {
  (void)bytes, (void)data;
  return size * count;
}

static double seconds(clockid_t clock) {
  struct timespec now;
  clock_gettime(clock, &now);
  return now.tv_sec + now.tv_nsec / 1e9;
}

int main(int count, char **arguments) {
  if (count != 3) errx(64, "usage: wire ADDRESS COUNT");
  long wanted = atol(arguments[2]), started = 0, done = 0;
  char url[512];
  snprintf(url, sizeof url, "%s/2010-04-01/Accounts/AC00000000000000000000000000000000/Messages.json", arguments[1]);
  curl_global_init(CURL_GLOBAL_ALL);
  CURLM *multi = curl_multi_init();
  if (!multi) errx(71, "libcurl could not be started");
  curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, 64L);

  double start = seconds(CLOCK_MONOTONIC);
  for (; started < 64 && started < wanted; started++) {
    CURL *easy = curl_easy_init();
    curl_easy_setopt(easy, CURLOPT_URL, url);
    curl_easy_setopt(easy, CURLOPT_USERPWD, "AC00000000000000000000000000000000:bench");
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, "To=%2B12125550100&From=%2B15005550006&Body=The+build+has+failed");
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, ignore);
    curl_multi_add_handle(multi, easy);
  }
  while (done < wanted) {
    int running, left;
    curl_multi_perform(multi, &running);
    long before = done;
    for (CURLMsg *message; (message = curl_multi_info_read(multi, &left));) {
      CURL *easy = message->easy_handle;
      long status = 0;
      curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
      if (message->data.result != CURLE_OK || status != 201) errx(1, "a call ended with status %ld", status);
      done++;
      curl_multi_remove_handle(multi, easy);
      if (started < wanted) {
        curl_multi_add_handle(multi, easy);
        started++;
      }
    }
    if (done == before) curl_multi_poll(multi, NULL, 0, 1000, NULL);
  }
  printf("%ld %.6f %.6f\n", done, seconds(CLOCK_MONOTONIC) - start, seconds(CLOCK_PROCESS_CPUTIME_ID));
}
