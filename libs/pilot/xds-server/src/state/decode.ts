import type { Turns } from "@xebec/core-async";
import { isXebecError } from "@xebec/core-errors";
import { logger } from "@xebec/core-log";

const log = logger("state");

/** Decodes what can be decoded; a value that cannot is logged and left out, and disturbs no other. */
export async function decoded<T>(
  values: ReadonlyMap<string, Uint8Array>,
  decode: (bytes: Uint8Array) => T,
  turns: Turns,
): Promise<T[]> {
  const out: T[] = [];
  for (const [key, bytes] of values) {
    try {
      out.push(decode(bytes));
    } catch (error) {
      if (!isXebecError(error)) throw error;
      log.error({ object: key, err: error }, "a value of the bus cannot be read; it is left out");
    }
    const turn = turns.next();
    if (turn) await turn;
  }
  return out;
}
