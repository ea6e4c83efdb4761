import type { Component } from "@xebec/core-lifecycle";
import { logger } from "@xebec/core-log";
import type { Metrics } from "@xebec/core-metrics";
import type { Bus } from "./bus.ts";
import { createRevisionReader } from "./revision-reader.ts";

const log = logger("bus");

export interface RevokedOptions {
  readonly bus: Bus;
  /** Keeps the last list, so that a restarted service knows it while the bus is down. */
  readonly cacheFile?: string | undefined;
  readonly metrics?: Metrics;
}

/** The serial numbers that citadel has revoked, and the keys of its tokens. */
export interface Revoked extends Component {
  /** @param serial hexadecimal in upper case; zeros before it do not count */
  isRevoked(serial: string): boolean;
  /** Public keys whose tokens citadel takes, PEM; another list when they have changed. */
  readonly tokenKeys: readonly string[];
}

/** Follows the bucket `trust`, which citadel signs. Nothing is revoked while it was never seen. */
export function createRevoked({ bus, cacheFile, metrics }: RevokedOptions): Revoked {
  let serials: ReadonlySet<string> = new Set();
  let tokenKeys: readonly string[] = [];
  const reader = createRevisionReader({
    ...{ bus, bucket: "trust", cacheFile },
    ...(metrics ? { metrics } : {}),
    apply() {
      try {
        const records = [...reader.entries().values()].map(recordOf);
        serials = new Set(records.flatMap(({ revoked }) => revoked.map(bare)));
        const keys = records.flatMap((each) => each.tokenKeys ?? []);
        if (keys.join() !== tokenKeys.join()) tokenKeys = keys;
      } catch (error) {
        log.error({ err: error }, "the bucket trust cannot be read; the revoked serial numbers of before stay");
      }
    },
  });
  return {
    name: "revoked certificates",
    start: (signal) => reader.start(signal),
    close: async () => reader.close?.(),
    get tokenKeys() {
      return tokenKeys;
    },
    isRevoked: (serial) => serials.has(bare(serial)),
  };
}

/** @throws what is wrong with it */
function recordOf(bytes: Uint8Array) {
  return JSON.parse(Buffer.from(bytes).toString()) as {
    readonly revoked: readonly string[];
    /** A citadel of an earlier release publishes none. */
    readonly tokenKeys?: readonly string[];
  };
}

function bare(serial: string): string {
  return serial.replace(/^0+(?=.)/, "");
}
