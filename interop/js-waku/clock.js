// Wall-clock time in nanoseconds. Node tells it in milliseconds; the origin of its monotonic clock is known to
// microseconds, and latencies between processes of one host need them.

const NS_PER_US = 1_000n;
const NS_PER_S = 1_000_000_000n;

/** Nanoseconds since the Unix epoch, exact to microseconds. */
export function nowNs() {
  return BigInt(Math.round((performance.timeOrigin + performance.now()) * 1_000)) * NS_PER_US;
}

/** RFC 3339 in UTC with nine fractional digits, as the event log has it. */
export function rfc3339(ns) {
  const seconds = new Date(Number(ns / NS_PER_S) * 1_000).toISOString().slice(0, 19);
  return `${seconds}.${String(ns % NS_PER_S).padStart(9, "0")}Z`;
}
