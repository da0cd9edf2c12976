import Glibc

/// Seconds of a clock that nobody sets.
func monotonicSeconds() -> Double {
  var now = timespec()
  clock_gettime(CLOCK_MONOTONIC, &now)
  return Double(now.tv_sec) + Double(now.tv_nsec) / 1e9
}

/// libcurl's milliseconds; never its 0, which means for ever.
func milliseconds(_ seconds: Double) -> Int {
  seconds > 0.001 ? Int(min(seconds * 1000, Double(Int32.max))) : 1
}
