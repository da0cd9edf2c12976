#include <curl/curl.h>
#include "../lazy.h"

#define CURL_LIBRARY "libcurl.so.4"
#define CURL_LAZY(result, name, parameters, arguments) MSGSPOOL_LAZY(CURL_LIBRARY, result, name, parameters, arguments)

// Whether the library is on this machine; asked before anything else of it.
static inline _Bool msgspool_curl_opens(void) { return MSGSPOOL_OPEN(CURL_LIBRARY) != NULL; }

CURL_LAZY(CURLcode, curl_global_init, (long flags), (flags))
CURL_LAZY(CURL *, curl_easy_init, (void), ())
CURL_LAZY(void, curl_easy_cleanup, (CURL * easy), (easy))
CURL_LAZY(CURLcode, curl_easy_perform, (CURL * easy), (easy))
CURL_LAZY(const char *, curl_easy_strerror, (CURLcode code), (code))
CURL_LAZY(CURLM *, curl_multi_init, (void), ())
CURL_LAZY(CURLMcode, curl_multi_cleanup, (CURLM * multi), (multi))
CURL_LAZY(CURLMcode, curl_multi_add_handle, (CURLM * multi, CURL *easy), (multi, easy))
CURL_LAZY(CURLMcode, curl_multi_remove_handle, (CURLM * multi, CURL *easy), (multi, easy))
CURL_LAZY(CURLMcode, curl_multi_perform, (CURLM * multi, int *running), (multi, running))
CURL_LAZY(CURLMcode, curl_multi_poll,
          (CURLM * multi, struct curl_waitfd *extra, unsigned int count, int milliseconds, int *ready),
          (multi, extra, count, milliseconds, ready))
CURL_LAZY(CURLMcode, curl_multi_wakeup, (CURLM * multi), (multi))
CURL_LAZY(CURLMsg *, curl_multi_info_read, (CURLM * multi, int *left), (multi, left))
CURL_LAZY(const char *, curl_multi_strerror, (CURLMcode code), (code))
CURL_LAZY(struct curl_slist *, curl_slist_append, (struct curl_slist * list, const char *text), (list, text))
CURL_LAZY(void, curl_slist_free_all, (struct curl_slist * list), (list))
CURL_LAZY(curl_mime *, curl_mime_init, (CURL * easy), (easy))
CURL_LAZY(void, curl_mime_free, (curl_mime * mime), (mime))
CURL_LAZY(curl_mimepart *, curl_mime_addpart, (curl_mime * mime), (mime))
CURL_LAZY(CURLcode, curl_mime_name, (curl_mimepart * part, const char *name), (part, name))
CURL_LAZY(CURLcode, curl_mime_filename, (curl_mimepart * part, const char *name), (part, name))
CURL_LAZY(CURLcode, curl_mime_type, (curl_mimepart * part, const char *type), (part, type))
CURL_LAZY(CURLcode, curl_mime_data_cb,
          (curl_mimepart * part, curl_off_t size, curl_read_callback read, curl_seek_callback seek,
           curl_free_callback release, void *context),
          (part, size, read, seek, release, context))

// libcurl's setters and getters are variadic, which Swift cannot call: one typed function per kind of argument.
MSGSPOOL_FIND(CURL_LIBRARY, curl_easy_setopt)
MSGSPOOL_FIND(CURL_LIBRARY, curl_easy_getinfo)
MSGSPOOL_FIND(CURL_LIBRARY, curl_multi_setopt)

static inline CURLcode curl_set_long(CURL *easy, CURLoption option, long value) {
  return msgspool_find_curl_easy_setopt()(easy, option, value);
}

static inline CURLcode curl_set_offset(CURL *easy, CURLoption option, curl_off_t value) {
  return msgspool_find_curl_easy_setopt()(easy, option, value);
}

static inline CURLcode curl_set_string(CURL *easy, CURLoption option, const char *_Nullable value) {
  return msgspool_find_curl_easy_setopt()(easy, option, value);
}

static inline CURLcode curl_set_pointer(CURL *easy, CURLoption option, const void *_Nullable value) {
  return msgspool_find_curl_easy_setopt()(easy, option, value);
}

static inline CURLcode curl_set_list(CURL *easy, CURLoption option, struct curl_slist *_Nullable value) {
  return msgspool_find_curl_easy_setopt()(easy, option, value);
}

static inline CURLcode curl_set_writer(CURL *easy, CURLoption option, curl_write_callback value) {
  return msgspool_find_curl_easy_setopt()(easy, option, value);
}

static inline CURLcode curl_set_prerequest(CURL *easy, curl_prereq_callback value) {
  return msgspool_find_curl_easy_setopt()(easy, CURLOPT_PREREQFUNCTION, value);
}

static inline CURLcode curl_set_opener(CURL *easy, curl_opensocket_callback value) {
  return msgspool_find_curl_easy_setopt()(easy, CURLOPT_OPENSOCKETFUNCTION, value);
}

static inline CURLcode curl_set_reader(CURL *easy, curl_read_callback value) {
  return msgspool_find_curl_easy_setopt()(easy, CURLOPT_READFUNCTION, value);
}

static inline CURLcode curl_set_progress(CURL *easy, curl_xferinfo_callback value) {
  return msgspool_find_curl_easy_setopt()(easy, CURLOPT_XFERINFOFUNCTION, value);
}

static inline CURLcode curl_set_debug(CURL *easy, curl_debug_callback value) {
  return msgspool_find_curl_easy_setopt()(easy, CURLOPT_DEBUGFUNCTION, value);
}

static inline CURLcode curl_set_mime(CURL *easy, curl_mime *_Nullable value) {
  return msgspool_find_curl_easy_setopt()(easy, CURLOPT_MIMEPOST, value);
}

static inline long curl_get_long(CURL *easy, CURLINFO info) {
  long value = 0;
  msgspool_find_curl_easy_getinfo()(easy, info, &value);
  return value;
}

static inline CURLMcode curl_multi_set_long(CURLM *multi, CURLMoption option, long value) {
  return msgspool_find_curl_multi_setopt()(multi, option, value);
}

// Renamed with libcurl 8.2.0, which took an L out of it; the number is the same.
#define CURL_MAIL_RCPT_ALLOWFAILS ((CURLoption)(CURLOPTTYPE_LONG + 290))

static inline CURLcode curl_set_allow_refused_recipients(CURL *easy, long value) {
  return msgspool_find_curl_easy_setopt()(easy, CURL_MAIL_RCPT_ALLOWFAILS, value);
}

// CURL_GLOBAL_ALL is a macro with a cast, which Swift does not see.
static inline CURLcode curl_start(void) {
  return msgspool_curl_global_init(CURL_GLOBAL_ALL);
}
