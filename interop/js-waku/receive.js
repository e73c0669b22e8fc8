// Subscribes by filter and logs every message that arrives.

import { nowNs } from "./clock.js";
import { connect, Protocols, serviceNodeId, topics, VERSION } from "./light-client.js";
import { decode } from "./numbered-message.js";
import { EventLog, MessagesFile } from "./records.js";

export async function receive(args, stopped) {
  const log = new EventLog(args.eventLog);
  const messages = new MessagesFile(args.messagesFile);
  log.runStarted("receiver", args, VERSION, {});
  const waku = await connect(args, [Protocols.Filter]);
  log.write("client_started", { client: 0, name: `${args.nodeName}/0`, peer_id: waku.peerId.toString() });
  log.write("connected", { client: 0, service_node: serviceNodeId(args), address: args.serviceNode });
  const decoder = waku.createDecoder(topics(args));
  const seen = new Set();
  let enough;
  const complete = new Promise((resolve) => (enough = resolve));
  const arrived = (message) => {
    const timeNs = nowNs();
    const hash = `0x${message.hashStr}`;
    messages.write(message.pubsubTopic, message.proto, hash);
    logArrival(args, log, message, hash, timeNs);
    seen.add(hash);
    if (seen.size >= args.messageCount) {
      enough("completed");
    }
  };
  if (!(await waku.filter.subscribe(decoder, arrived))) {
    throw new Error("the service node refused the subscription");
  }
  log.write("subscribed", {
    client: 0,
    service_node: serviceNodeId(args),
    pubsub_topic: decoder.pubsubTopic,
    content_topics: 1,
    renewed: false,
  });
  const reason = await Promise.race([complete, stopped.then(() => "signal")]);
  await waku.filter.unsubscribe(decoder);
  await waku.stop();
  messages.close();
  log.runEnded(reason);
}

function logArrival(args, log, message, hash, timeNs) {
  const common = { client: 0, hash, size_bytes: message.payload.length, service_node: serviceNodeId(args) };
  try {
    const numbered = decode(message.payload);
    log.write(
      "received",
      {
        ...common,
        sender: numbered.sender,
        index: numbered.index,
        attempt: numbered.attempt,
        content_topic: message.contentTopic,
        ...(numbered.run === args.runId ? {} : { run: numbered.run }),
        intended: numbered.intendedNs,
        sent: numbered.sentNs,
      },
      timeNs,
    );
  } catch (error) {
    log.write("foreign_received", { ...common, content_topic: message.contentTopic, reason: error.message }, timeNs);
  }
}
