import { createHash } from "node:crypto";
import type { Msg, MsgHdrs } from "@nats-io/transport-node";
import { streamOf, subjectsOf } from "./bucket-names.ts";
import { subjectMatches } from "./subject.ts";

/** Header of a value that was split: `<hash>/<number of pieces>/<bytes>`. */
export const PIECES = "Xebec-Pieces";
export const OPERATION = "KV-Operation";
/** A deletion is remembered this long; whoever was away longer reads everything again. */
export const DELETION_TTL = "1h";
export const DELETION_KEPT_MS = 10 * 60_000;

/** One stored entry, as the server tells it. */
export interface StoredEntry {
  readonly subject: string;
  readonly sequence: number;
  readonly headers: MsgHdrs;
  readonly data: Uint8Array;
  readonly deleted: boolean;
  /** The server wrote it, as an answer that somebody had it send here: no writer of this state made it. */
  readonly copied: boolean;
}

/**
 * Reads an entry of a state from a message that carries the server's headers; undefined for anything else, also for what another
 * stream stores. A client may name any subject for an answer, so both forms occur where this state is told: an entry of another
 * stream, and an entry of this one that is such an answer. The server adds its headers behind those that are there: the last
 * ones are always true, and an entry that came as an answer has them twice.
 */
export function readEntry(message: Msg, bucket: string): StoredEntry | undefined {
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

export interface Pieces {
  readonly hash: string;
  readonly count: number;
  readonly bytes: number;
}

export function piecesText({ hash, count, bytes }: Pieces): string {
  return `${hash}/${count}/${bytes}`;
}

/** @returns undefined for a value that was not split */
export function readPieces(headers: MsgHdrs): Pieces | undefined {
  const match = /^([0-9a-f]{32})\/(\d{1,5})\/(\d{1,12})$/.exec(headers.get(PIECES));
  return match ? { hash: match[1] as string, count: Number(match[2]), bytes: Number(match[3]) } : undefined;
}

/** Cuts a value into pieces named by its hash. */
export function split(value: Uint8Array, pieceBytes: number): { pieces: Pieces; parts: Uint8Array[] } {
  const parts: Uint8Array[] = [];
  for (let at = 0; at < value.byteLength; at += pieceBytes) parts.push(value.subarray(at, at + pieceBytes));
  return { pieces: { hash: hashOf(value), count: parts.length, bytes: value.byteLength }, parts };
}

/** Puts pieces together. @returns undefined when one is missing or the whole is not what it should be */
export function join(pieces: Pieces, part: (i: number) => Uint8Array | undefined): Uint8Array | undefined {
  const parts: Uint8Array[] = [];
  for (let i = 0; i < pieces.count; i++) {
    const each = part(i);
    if (!each) return undefined;
    parts.push(each);
  }
  const whole = Buffer.concat(parts);
  return whole.byteLength === pieces.bytes && hashOf(whole) === pieces.hash ? whole : undefined;
}

function hashOf(value: Uint8Array): string {
  return createHash("sha256").update(value).digest("hex").slice(0, 32);
}
