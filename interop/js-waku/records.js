// What a light client leaves behind: its event log, and the messages it saw.

import fs from "node:fs";
import os from "node:os";

import { nowNs, rfc3339 } from "./clock.js";

const SCHEMA_VERSION = 1;

/** An event log as docs/event-log.md defines it. Lines are written at once, so a killed client leaves whole lines. */
export class EventLog {
  #file;
  #counters = {};

  constructor(path) {
    this.#file = fs.openSync(path, "wx");
  }

  /** Logs one event; times in `fields` are BigInt nanoseconds. */
  write(event, fields, timeNs = nowNs()) {
    const line = { v: SCHEMA_VERSION, event, time: rfc3339(timeNs), ...fields };
    const text = JSON.stringify(line, (_, value) => (typeof value === "bigint" ? rfc3339(value) : value));
    fs.writeSync(this.#file, text + "\n");
    this.#counters[event] = (this.#counters[event] ?? 0) + 1;
  }

  runStarted(role, args, version, more) {
    this.write("run_started", {
      role,
      run: args.runId,
      node: args.nodeName,
      host: os.hostname(),
      boot: fs.readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim(),
      pid: process.pid,
      version,
      clients: 1,
      ...more,
      config: { "service-node": args.serviceNode, "content-topic": args.contentTopic, lightpush: args.lightpush },
    });
  }

  runEnded(reason) {
    this.write("run_ended", { reason, counters: this.#counters });
    fs.fsyncSync(this.#file);
    fs.closeSync(this.#file);
  }
}

/** Messages with the hash js-waku computed. The suite hashes the bytes again: equal hashes are equal payloads. */
export class MessagesFile {
  #file;

  constructor(path) {
    this.#file = fs.openSync(path, "wx");
  }

  write(pubsubTopic, message, hash, more = {}) {
    const line = {
      hash,
      pubsub_topic: pubsubTopic,
      content_topic: message.contentTopic,
      // A string of digits: the number would lose its last ones.
      timestamp_ns: "@",
      payload: Buffer.from(message.payload).toString("base64"),
      meta: message.meta ? Buffer.from(message.meta).toString("base64") : null,
      ephemeral: Boolean(message.ephemeral),
      ...more,
    };
    fs.writeSync(this.#file, JSON.stringify(line).replace('"@"', String(message.timestamp)) + "\n");
  }

  close() {
    fs.closeSync(this.#file);
  }
}
