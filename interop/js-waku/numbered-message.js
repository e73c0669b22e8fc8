// The numbered test message of docs/event-log.md, written and read without the tester's own code: one JSON object, a
// space, a NUL byte, padding up to the size the object declares.

import { randomFillSync } from "node:crypto";

const SEPARATOR = " \0";

/** The payload of one message. Times are BigInt nanoseconds, which JSON.stringify cannot write. */
export function encode(message, wantedBytes) {
  // The size stands in the JSON and counts its own digits, so it is found by trying.
  for (let sizeBytes = wantedBytes; ; ) {
    const head = Buffer.from(json(message, sizeBytes) + SEPARATOR);
    if (head.length <= sizeBytes) {
      const payload = Buffer.alloc(sizeBytes);
      randomFillSync(payload, head.length);
      head.copy(payload);
      return payload;
    }
    sizeBytes = head.length;
  }
}

function json(m, sizeBytes) {
  const fields = {
    sender: JSON.stringify(m.sender),
    index: m.index,
    count: m.count,
    startedAt: m.startedAtNs,
    sinceStart: m.sentNs - m.startedAtNs,
    sincePrev: m.sentNs - m.previousNs,
    size: sizeBytes,
    run: JSON.stringify(m.run),
    attempt: 1,
    intendedAt: m.intendedNs,
    sentAt: m.sentNs,
  };
  return `{${Object.entries(fields).map(([name, value]) => `"${name}":${value}`).join(",")}}`;
}

/** The fields of a payload, times as BigInt; an error when it is no numbered message. */
export function decode(payload) {
  const end = Buffer.from(payload).indexOf(SEPARATOR);
  if (end < 0) {
    throw new Error("no separator in the payload");
  }
  const text = Buffer.from(payload).toString("utf8", 0, end);
  const fields = JSON.parse(text);
  // Numbers beyond 2^53 lose digits in JSON.parse; the times are read from the text.
  const time = (name) => BigInt(new RegExp(`"${name}":(\\d+)`).exec(text)?.[1] ?? 0n);
  return { ...fields, intendedNs: time("intendedAt"), sentNs: time("sentAt") };
}
