// What the suite asks of a light client, from the command line.

import { parseArgs } from "node:util";

const TEXT = { type: "string" };

const OPTIONS = {
  "service-node": TEXT, // a WebSocket multiaddr that ends in /p2p/PEER-ID
  "cluster-id": TEXT,
  shard: TEXT, // static sharding
  "shards-in-network": TEXT, // autosharding: the shard follows from the content topic
  "content-topic": TEXT,
  "run-id": TEXT,
  "node-name": TEXT,
  "event-log": TEXT, // role publisher and receiver: JSON lines as docs/event-log.md says
  "messages-file": TEXT, // every message with the hash js-waku computed, one JSON object a line
  messages: TEXT, // publish: how many to send; receive: how many to wait for; store: how many to expect
  "interval-ms": TEXT,
  "size-bytes": TEXT,
  lightpush: TEXT, // v3 or v2
  "page-size": TEXT,
};

const REQUIRED = ["service-node", "cluster-id", "content-topic", "messages", "messages-file"];

/** A command line that makes no sense; its text says what to change. */
export class UsageError extends Error {}

/** Reads `<command> --option value …`; numbers come back as numbers. */
export function readArguments(argv) {
  const { values, positionals } = parseArgs({ args: argv, options: OPTIONS, allowPositionals: true });
  for (const name of REQUIRED) {
    if (values[name] === undefined) {
      throw new UsageError(`--${name} is missing`);
    }
  }
  if ((values.shard === undefined) === (values["shards-in-network"] === undefined)) {
    throw new UsageError("give either --shard or --shards-in-network");
  }
  const command = positionals[0];
  if (positionals.length !== 1 || !["publish", "receive", "store"].includes(command)) {
    throw new UsageError("the first word must be publish, receive or store");
  }
  return {
    command,
    serviceNode: values["service-node"],
    clusterId: wholeNumber(values, "cluster-id"),
    shard: wholeNumber(values, "shard"),
    shardsInNetwork: wholeNumber(values, "shards-in-network"),
    contentTopic: values["content-topic"],
    runId: values["run-id"],
    nodeName: values["node-name"],
    eventLog: values["event-log"],
    messagesFile: values["messages-file"],
    messageCount: wholeNumber(values, "messages"),
    intervalMs: wholeNumber(values, "interval-ms") ?? 50,
    sizeBytes: wholeNumber(values, "size-bytes") ?? 1024,
    lightpush: values.lightpush ?? "v3",
    pageSize: wholeNumber(values, "page-size") ?? 7,
  };
}

function wholeNumber(values, name) {
  const text = values[name];
  if (text === undefined) {
    return undefined;
  }
  if (!/^\d{1,15}$/.test(text)) {
    throw new UsageError(`--${name} ${JSON.stringify(text)} is not a whole number`);
  }
  return Number(text);
}
