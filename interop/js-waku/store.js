// Asks a store for the history of a content topic, forwards, backwards and by hash, and writes down what it gets.

import { connect, Protocols, topics } from "./light-client.js";
import { MessagesFile } from "./records.js";

/** Pages a query may have: a store that ignores the cursor would be asked for ever. */
const PAGES_MAX = 1000;

export async function store(args) {
  const messages = new MessagesFile(args.messagesFile);
  const waku = await connect(args, [Protocols.Store]);
  const decoder = waku.createDecoder(topics(args));
  const page = { paginationLimit: args.pageSize };
  const forward = await ask(waku, decoder, { ...page, paginationForward: true });
  const backward = await ask(waku, decoder, { ...page, paginationForward: false });
  const messageHashes = forward.map((message) => message.hash);
  const byHash = messageHashes.length === 0 ? [] : await ask(waku, decoder, { messageHashes, includeData: true });
  for (const [query, found] of Object.entries({ forward, backward, "by-hash": byHash })) {
    for (const message of found) {
      messages.write(message.pubsubTopic, message.proto, `0x${message.hashStr}`, { query });
    }
  }
  await waku.stop();
  messages.close();
}

async function ask(waku, decoder, options) {
  const found = [];
  let pageCount = 0;
  for await (const page of waku.store.queryGenerator([decoder], options)) {
    pageCount += 1;
    if (pageCount > PAGES_MAX) {
      throw new Error(`the store gave more than ${PAGES_MAX} pages`);
    }
    for (const message of await Promise.all(page)) {
      if (message === undefined) {
        throw new Error("js-waku could not decode a message of the store");
      }
      found.push(message);
    }
  }
  return found;
}
