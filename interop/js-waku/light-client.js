// A js-waku light client that is connected to one service node and to nothing else.

import { readFileSync } from "node:fs";

import { multiaddr } from "@multiformats/multiaddr";
import { createLightNode, Protocols } from "@waku/sdk";

/** How long connecting may take; js-waku gives up by itself only much later. */
const CONNECT_TIMEOUT_MS = 30_000;

export const VERSION = (() => {
  const path = new URL("node_modules/@waku/sdk/package.json", import.meta.url);
  return `js-waku ${JSON.parse(readFileSync(path, "utf8")).version}`;
})();

/** Connects, and returns once the node's protocols are known. */
export async function connect(args, protocols) {
  const waku = await createLightNode({
    networkConfig: args.shardsInNetwork
      ? { clusterId: args.clusterId, numShardsInCluster: args.shardsInNetwork }
      : { clusterId: args.clusterId },
    // No traffic but to the service node given.
    defaultBootstrap: false,
    discovery: { dns: false, peerExchange: false, peerCache: false },
    bootstrapPeers: [],
    libp2p: { filterMultiaddrs: false, hideWebSocketInfo: true },
    // One message is one request: what the event log says must be what went over the wire.
    lightPush: { autoRetry: false, numPeersToUse: 1 },
    userAgent: VERSION,
  });
  await waku.start();
  // Waiting begins before the dial: after it, but before identify, js-waku returns at once and every send fails.
  const ready = waku.waitForPeers(protocols, CONNECT_TIMEOUT_MS);
  await waku.libp2p.dial(multiaddr(args.serviceNode));
  await ready;
  return waku;
}

/** The peer id at the end of the service node's address. */
export function serviceNodeId(args) {
  return args.serviceNode.slice(args.serviceNode.lastIndexOf("/") + 1);
}

/** Topics as js-waku wants them. */
export function topics(args) {
  return { contentTopic: args.contentTopic, shardId: args.shard };
}

export { Protocols };
