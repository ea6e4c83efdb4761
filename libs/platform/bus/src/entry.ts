import type { Msg, MsgHdrs } from "@nats-io/transport-node";
import { streamOf, subjectsOf } from "./bucket-names.ts";
import { subjectMatches } from "./subject.ts";

export const OPERATION = "KV-Operation";
/** A deletion is remembered this long; whoever was away longer reads everything again. */
export const DELETION_TTL = "1h";
export const DELETION_KEPT_MS = 10 * 60_000;

/** One stored entry, as the server sends it. */
export interface KeyValueEntry {
  readonly subject: string;
  readonly sequence: number;
  readonly headers: MsgHdrs;
  readonly data: Uint8Array;
  readonly deleted: boolean;
  /** The server wrote it, as an answer that somebody had it send here: no writer of this bucket made it. */
  readonly copied: boolean;
}

/**
 * Reads an entry of a bucket from a message that carries the server's headers; undefined for anything else, also for what another
 * stream stores. A client may name any subject for an answer, so both forms occur where this bucket is reported: an entry of another
 * stream, and an entry of this one that is such an answer. The server adds its headers behind those that are there: the last
 * ones are always true, and an entry that came as an answer has them twice.
 */
export function readEntry(message: Msg, bucket: string): KeyValueEntry | undefined {
  const { headers } = message;
  const subject = headers?.last("Nats-Subject");
  const sequence = Number(headers?.last("Nats-Sequence"));
  if (!headers || !subject || !Number.isSafeInteger(sequence) || sequence <= 0) return undefined;
  if (headers.last("Nats-Stream") !== streamOf(bucket) || !subjectMatches(subjectsOf(bucket), subject))
    return undefined;
  const deleted = ["DEL", "PURGE"].includes(headers.get(OPERATION));
  const copied = headers.values("Nats-Subject").length !== 1;
  return { subject, sequence, headers, data: message.data, deleted, copied };
}
