import { rawDuplex, rawUnary } from "./index.ts";

/** Methods that send back what they get. */
export const echo = rawUnary("/t.T/Echo", (bytes) => bytes);
export const talk = rawDuplex("/t.T/Talk", (stream) => {
  stream.onMessage((bytes) => stream.write(bytes));
  stream.onEnd(() => stream.end());
});
