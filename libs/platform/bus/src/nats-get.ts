import type { Msg } from "@nats-io/transport-node";
import { XebecError } from "@xebec/core-errors";
import { chunkSubject, streamOf, valueSubject } from "./bucket-names.ts";
import { joinChunks, readChunksHeader } from "./chunks.ts";
import { type KeyValueEntry, readEntry } from "./entry.ts";
import { ANSWER_MS, type Link } from "./nats-link.ts";
import { permissionError } from "./permission.ts";
import type { EntryVerifier } from "./signature.ts";

/** A value that changes while its chunks are fetched is fetched again. */
const TRIES = 3;

/**
 * Reads one value by direct gets, which need no consumer.
 * @returns undefined when the key has no value that a writer of the bucket made
 * @throws XebecError unavailable, permission_denied
 */
export async function getValue(
  link: Link,
  bucket: string,
  key: string,
  verifier: EntryVerifier | undefined,
): Promise<Uint8Array | undefined> {
  for (let attempt = 0; attempt < TRIES; attempt++) {
    const entry = await fetchLast(link, bucket, valueSubject(bucket, key));
    if (!entry || entry.deleted || entry.copied) return undefined;
    if (verifier && !verifier.accepts(entry.headers, entry.subject, entry.data)) return undefined;
    const info = readChunksHeader(entry.headers);
    if (!info) return entry.data;
    const chunks: (Uint8Array | undefined)[] = [];
    for (let i = 0; i < info.count; i++)
      chunks.push((await fetchLast(link, bucket, chunkSubject(bucket, info.hash, i)))?.data);
    const value = joinChunks(info, (i) => chunks[i]);
    if (value) return value;
  }
  throw new XebecError("unavailable", `the value of "${key}" changes too fast to be read`);
}

async function fetchLast({ connection }: Link, bucket: string, subject: string): Promise<KeyValueEntry | undefined> {
  let message: Msg;
  try {
    message = await connection.request(`$JS.API.DIRECT.GET.${streamOf(bucket)}.${subject}`, "", { timeout: ANSWER_MS });
  } catch (error) {
    throw (
      permissionError(error, bucket, "read") ??
      new XebecError("unavailable", `the bucket "${bucket}" cannot be read`, { cause: error })
    );
  }
  return message.headers?.code ? undefined : readEntry(message, bucket);
}
