#!/bin/sh
# Builds the tests with a sanitizer and runs them, each in a build folder of its own (.build-address, .build-thread), so
# that ordinary builds do not start over.
#
#   Tests/sanitizers.sh [address|thread]... [-- FILTER]
#
# Without arguments: both, over everything that parses, decides or talks to the far end. Exit status: 0 when every run
# passed and no report was written.
set -u
cd "$(dirname "$0")/.." || exit 1

filter='Hostile|Attachment|JSON|MessageFile|HistoryCoding|TailReader|ClaimedFile|Configuration|Conformance|Answer|Wire|Loss|NotSent|Shutdown|Ledger|ChannelRunner'
sanitizers=
while [ $# -gt 0 ]; do
  case $1 in
    address | thread) sanitizers="$sanitizers $1" ;;
    --) shift; filter=${1:?a filter is expected after --} ; break ;;
    *) echo "usage: Tests/sanitizers.sh [address|thread]... [-- FILTER]" >&2; exit 64 ;;
  esac
  shift
done

# Swift's runtime keeps what it once allocated: leaks are not looked for. Synchronization's Mutex is a futex of its own,
# of which the thread sanitizer does not know that it orders anything: see Tests/tsan-suppressions.
here=$(pwd)
export ASAN_OPTIONS="detect_leaks=0:detect_stack_use_after_return=0:${ASAN_OPTIONS-}"
export TSAN_OPTIONS="suppressions=$here/Tests/tsan-suppressions:exitcode=66:${TSAN_OPTIONS-}"
export MSGSPOOL_SANITIZED=1
export SWT_EXPERIMENTAL_MAXIMUM_PARALLELIZATION_WIDTH="${SWT_EXPERIMENTAL_MAXIMUM_PARALLELIZATION_WIDTH:-4}"

status=0
for sanitizer in ${sanitizers:-address thread}; do
  log=".build-$sanitizer/report.txt"
  mkdir -p ".build-$sanitizer"
  echo "== $sanitizer"
  "${SWIFT:-swift}" test --sanitize="$sanitizer" --scratch-path ".build-$sanitizer" --parallel \
    --explicit-target-dependency-import-check error --filter "$filter" > "$log" 2>&1
  result=$?
  reports=$(grep -c 'ERROR: AddressSanitizer\|WARNING: ThreadSanitizer' "$log")
  grep -E '^. Test run with|error:' "$log" | tail -n 5
  echo "$sanitizer: exit status $result, $reports reports ($log)"
  [ "$result" -eq 0 ] && [ "$reports" -eq 0 ] || status=1
done
exit $status
