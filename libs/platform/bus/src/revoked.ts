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

/** The serial numbers that citadel has revoked. */
export interface Revoked extends Component {
  /** @param serial hexadecimal in upper case; zeros before it do not count */
  isRevoked(serial: string): boolean;
}

/** Follows the bucket `trust`, which citadel signs. Nothing is revoked while it was never seen. */
export function createRevoked({ bus, cacheFile, metrics }: RevokedOptions): Revoked {
  let serials: ReadonlySet<string> = new Set();
  const reader = createRevisionReader({
    ...{ bus, bucket: "trust", cacheFile },
    ...(metrics ? { metrics } : {}),
    apply() {
      try {
        serials = new Set([...reader.entries().values()].flatMap(serialsOf));
      } catch (error) {
        log.error({ err: error }, "the bucket trust cannot be read; the revoked serial numbers of before stay");
      }
    },
  });
  return {
    name: "revoked certificates",
    start: (signal) => reader.start(signal),
    close: async () => reader.close?.(),
    isRevoked: (serial) => serials.has(bare(serial)),
  };
}

function serialsOf(bytes: Uint8Array): string[] {
  const { revoked } = JSON.parse(Buffer.from(bytes).toString()) as { readonly revoked: readonly string[] };
  return revoked.map(bare);
}

function bare(serial: string): string {
  return serial.replace(/^0+(?=.)/, "");
}
