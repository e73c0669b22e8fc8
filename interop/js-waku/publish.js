// Pushes numbered messages on a schedule and logs each attempt.

import { messageHash } from "@waku/core";

import { nowNs } from "./clock.js";
import { connect, Protocols, serviceNodeId, topics, VERSION } from "./light-client.js";
import { encode } from "./numbered-message.js";
import { EventLog, MessagesFile } from "./records.js";

const NS_PER_MS = 1_000_000n;
const STATUS_OK = 200;

export async function publish(args) {
  const log = new EventLog(args.eventLog);
  const messages = new MessagesFile(args.messagesFile);
  const intervalNs = BigInt(args.intervalMs) * NS_PER_MS;
  log.runStarted("publisher", args, VERSION, {
    messages: args.messageCount,
    interval_ns: Number(intervalNs),
  });
  const sender = `${args.nodeName}/0`;
  const waku = await connect(args, [Protocols.LightPush]);
  log.write("client_started", { client: 0, name: sender, peer_id: waku.peerId.toString() });
  log.write("connected", { client: 0, service_node: serviceNodeId(args), address: args.serviceNode });
  const encoder = waku.createEncoder(topics(args));
  const startedAtNs = nowNs();
  let previousNs = startedAtNs;
  for (let index = 1; index <= args.messageCount; index++) {
    const intendedNs = startedAtNs + BigInt(index - 1) * intervalNs;
    await until(intendedNs);
    const sentNs = nowNs();
    const message = { sender, index, count: args.messageCount, startedAtNs, previousNs, sentNs, intendedNs, run: args.runId };
    await pushOne(args, waku, encoder, message, log, messages);
    previousNs = sentNs;
  }
  await waku.stop();
  messages.close();
  log.runEnded("completed");
}

async function pushOne(args, waku, encoder, message, log, messages) {
  const payload = encode(message, args.sizeBytes);
  const toSend = { payload, timestamp: new Date(Number(message.sentNs / NS_PER_MS)) };
  const onWire = await encoder.toProtoObj(toSend);
  const hash = `0x${Buffer.from(messageHash(encoder.pubsubTopic, onWire)).toString("hex")}`;
  messages.write(encoder.pubsubTopic, onWire, hash);
  const attempt = {
    sender: message.sender,
    index: message.index,
    attempt: 1,
    hash,
    size_bytes: payload.length,
    service_node: serviceNodeId(args),
  };
  const times = { intended: message.intendedNs, sent: message.sentNs };
  const where = { pubsub_topic: encoder.pubsubTopic, content_topic: args.contentTopic };
  log.write("publish_attempt", { ...attempt, ...where, ...times });
  const { successes, failures } = await waku.lightPush.send(encoder, toSend, { useLegacy: args.lightpush === "v2" });
  const answeredNs = nowNs();
  if (successes.length > 0) {
    // js-waku keeps the node's status code to itself.
    log.write("published", { ...attempt, ...times, acked: answeredNs, status: STATUS_OK });
  } else {
    const error = failures.map((failure) => failure.error).join(", ") || "js-waku gave no reason";
    log.write("publish_failed", { ...attempt, ...times, failed: answeredNs, outcome: "no_answer", error, retry: false });
  }
}

/** Waits for a moment of the schedule. */
async function until(ns) {
  const waitMs = Number(ns - nowNs()) / 1e6;
  if (waitMs > 0) {
    await new Promise((resolve) => setTimeout(resolve, waitMs));
  }
}
