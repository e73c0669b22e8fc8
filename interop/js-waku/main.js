// One js-waku light client of the interop suite. It ends when its work is done, on SIGTERM, or when its standard input
// is closed - so that it never outlives the suite.

import { readArguments, UsageError } from "./arguments.js";
import { publish } from "./publish.js";
import { receive } from "./receive.js";
import { store } from "./store.js";

const EXIT_USAGE = 64;
const EXIT_INTERNAL = 70;

const stopped = new Promise((resolve) => {
  process.once("SIGTERM", resolve);
  process.stdin.once("end", resolve).once("error", resolve).resume();
});

try {
  const args = readArguments(process.argv.slice(2));
  const work = { publish, receive, store }[args.command](args, stopped);
  if (args.command === "receive") {
    await work;
  } else {
    await Promise.race([work, stopped.then(() => Promise.reject(new Error("told to end before the work was done")))]);
  }
  process.exit(0);
} catch (error) {
  process.stderr.write(`js-waku client: ${error instanceof UsageError ? error.message : error.stack}\n`);
  process.exit(error instanceof UsageError ? EXIT_USAGE : EXIT_INTERNAL);
}
