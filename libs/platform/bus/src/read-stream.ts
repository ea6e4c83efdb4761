import { createInbox } from "@nats-io/transport-node";
import { XebecError } from "@xebec/core-errors";
import { streamOf } from "./bucket-names.ts";
import { type KeyValueEntry, readEntry } from "./entry.ts";
import { ANSWER_MS, inboxOf, type Link } from "./nats-link.ts";

const BATCH = 500;
const BATCH_BYTES = 4 << 20;

/**
 * Reads what a stream stores from a sequence number on, in order. It uses the direct read of JetStream: no consumer is made,
 * so that a reader needs no right that could be turned against another bucket.
 * @returns the last sequence number read, `from - 1` when there was nothing
 * @throws XebecError unavailable when the server does not answer
 */
export async function readStream(
  link: Link,
  name: string,
  bucket: string,
  from: number,
  take: (entry: KeyValueEntry) => void,
): Promise<number> {
  let last = from - 1;
  for (;;) {
    const { read, pending } = await readBatch(link, name, bucket, last + 1, (entry) => {
      last = Math.max(last, entry.sequence);
      take(entry);
    });
    if (read === 0 || pending === 0) return last;
  }
}

function readBatch(
  { connection }: Link,
  name: string,
  bucket: string,
  seq: number,
  take: (entry: KeyValueEntry) => void,
): Promise<{ read: number; pending: number }> {
  return new Promise((resolve, reject) => {
    const inbox = createInbox(inboxOf(name));
    let read = 0;
    const end = (finish: () => void): void => {
      clearTimeout(timer);
      subscription.unsubscribe();
      finish();
    };
    const silent = (): void =>
      end(() => reject(new XebecError("unavailable", `the bus does not send the bucket "${bucket}"`)));
    let timer = setTimeout(silent, ANSWER_MS);
    const subscription = connection.subscribe(inbox, {
      callback(error, message) {
        const code = message.headers?.code ?? 0;
        if (error || (code !== 0 && code !== 204 && code !== 404)) {
          end(() =>
            reject(
              new XebecError("unavailable", `the bus refuses to send the bucket "${bucket}"`, {
                cause: error,
                detail: `status ${code}`,
              }),
            ),
          );
          return;
        }
        if (code !== 0) {
          const pending = Number(message.headers?.last("Nats-Num-Pending") ?? 0);
          end(() => resolve({ read, pending: code === 404 ? 0 : pending }));
          return;
        }
        clearTimeout(timer);
        timer = setTimeout(silent, ANSWER_MS);
        const entry = readEntry(message, bucket);
        if (!entry) return;
        read++;
        take(entry);
      },
    });
    const request = { seq, batch: BATCH, max_bytes: BATCH_BYTES, next_by_subj: ">" };
    connection.publish(`$JS.API.DIRECT.GET.${streamOf(bucket)}`, JSON.stringify(request), { reply: inbox });
  });
}
