import type { XebecError } from "@xebec/core-errors";
import type { Component } from "@xebec/core-lifecycle";
import { logger } from "@xebec/core-log";
import { isObservedKey } from "@xebec/model-resources";
import type { Bus } from "./bus.ts";
import { createRevisionReader } from "./revision-reader.ts";
import { createRevisionWriter } from "./revision-writer.ts";
import type { Subscription } from "./subscription.ts";

const log = logger("bus");
const ANSWER_MS = 1_500;

export interface BridgeOptions {
  /** The bus in the memory of this process. */
  readonly inner: Bus;
  /** The bus that others use too. */
  readonly outer: Bus;
  /** States in revisions that come in from outside. */
  readonly incoming: readonly string[];
  /** Buckets that go out. */
  readonly outgoing: readonly string[];
  /** Requests from outside that are answered inside. */
  readonly requests: readonly string[];
}

/**
 * Joins the memory bus of a process that runs all services to the bus that its registries and the command line use. Each bucket
 * has its writer on one side only.
 */
export function createBridge({ inner, outer, incoming, outgoing, requests }: BridgeOptions): Component {
  const open: Subscription[] = [];
  const relays = incoming.map((bucket) => {
    const writer = createRevisionWriter({ bus: inner, bucket, source: "local" });
    const reader = createRevisionReader({
      bus: outer,
      bucket,
      name: `bridge ${bucket}`,
      apply({ puts, deletes, first }) {
        const done = first ? writer.replace(puts) : writer.apply({ puts, deletes });
        done.catch((error: unknown) => log.error({ err: error, bucket }, "a revision could not be passed on"));
      },
    });
    return { reader, writer };
  });
  return {
    name: "bridge",
    async start(signal) {
      for (const { reader, writer } of relays) {
        await writer.start(signal);
        await reader.start(signal);
      }
      for (const bucket of outgoing) {
        const target = outer.bucket(bucket);
        const failed = (error: unknown): void => log.warn({ err: error, bucket }, "a value could not be passed on");
        const passing = new Set<Promise<void>>();
        const pass = (key: string, value: Uint8Array | undefined): void => {
          const write = (): Promise<void> => (value ? target.put(key, value) : target.delete(key));
          // What a service has observed it says after its conditions, and they shall arrive before it.
          const done = (isObservedKey(key) ? Promise.all(passing).then(write) : write()).catch(failed);
          passing.add(done);
          void done.then(() => passing.delete(done));
        };
        open.push(inner.bucket(bucket).watch({ entry: pass, synced: () => {} }));
      }
      for (const subject of requests)
        open.push(
          outer.respond(subject, async (data) => {
            const errors: XebecError[] = [];
            const failed = (error: XebecError): void => void errors.push(error);
            const answers = await inner.requestAll(subject, data, { timeoutMs: ANSWER_MS, failed });
            if (answers.length === 0 && errors[0]) throw errors[0];
            return answers[0] ?? Buffer.from("[]");
          }),
        );
    },
    missing: () => [...relays.flatMap(({ reader }) => reader.missing?.() ?? []), ...(outer.missing?.() ?? [])],
    async close() {
      for (const each of open) each.close();
      for (const { reader, writer } of relays) {
        await reader.close?.();
        await writer.close?.();
      }
    },
  };
}
