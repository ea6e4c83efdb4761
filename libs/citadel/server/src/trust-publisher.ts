import type { KeyObject } from "node:crypto";
import type { Component } from "@xebec/core-lifecycle";
import { logger } from "@xebec/core-log";
import { splitCertificates } from "@xebec/model-pki";
import { type Bus, createRevisionWriter, type RevisionWriter } from "@xebec/platform-bus";
import type { AuthoritySource } from "./authority-source.ts";

const log = logger("ca");
/** The key of the only entry. */
export const TRUST_KEY = "mesh";

/** What the bucket `trust` says, as JSON. */
export interface TrustRecord {
  readonly trustDomain: string;
  /** Root certificates, PEM, each a string of its own; the one that signs comes first. */
  readonly roots: readonly string[];
  /** Serial numbers in upper-case hexadecimal, sorted. */
  readonly revoked: readonly string[];
  /** Public keys whose tokens citadel takes, PEM: whoever else takes tokens verifies them by these. */
  readonly tokenKeys: readonly string[];
}

/** Keeps the bucket `trust` equal to what citadel trusts. @param tokenKeys those that there are at the start */
export function createTrustPublisher(
  bus: Bus,
  source: AuthoritySource,
  trustDomain: string,
  tokenKeys: readonly KeyObject[],
): Component {
  const writer: RevisionWriter = createRevisionWriter({ bus, bucket: "trust", source: "citadel" });
  let unwatch: (() => void) | undefined;
  let closed = false;
  const publish = (): void => {
    const record: TrustRecord = {
      trustDomain,
      roots: splitCertificates(source.authority().roots),
      revoked: [...source.revoked].sort(),
      tokenKeys: tokenKeys.map((key) => key.export({ type: "spki", format: "pem" }).toString()),
    };
    writer.replace(new Map([[TRUST_KEY, Buffer.from(JSON.stringify(record))]])).catch((error: unknown) => {
      if (!closed) log.error({ err: error }, "the trusted roots could not be published");
    });
  };
  return {
    name: "trust publisher",
    async start(signal) {
      await writer.start(signal);
      unwatch = source.onChange(publish);
      publish();
    },
    async close() {
      closed = true;
      unwatch?.();
      await writer.close?.();
    },
  };
}
