/** The part of DNS that a cluster's server needs (RFC 1035). */
export const TYPE = { A: 1, NS: 2, CNAME: 5, SOA: 6, PTR: 12, TXT: 16, AAAA: 28, SRV: 33, OPT: 41, ANY: 255 } as const;
export const RCODE = { ok: 0, formatError: 1, serverFailure: 2, noName: 3, notImplemented: 4, refused: 5 } as const;

export interface Question {
  readonly id: number;
  readonly flags: number;
  /** Lower case, without the last dot. */
  readonly name: string;
  readonly type: number;
  /** The bytes of the question as it came. */
  readonly bytes: Buffer;
}

export type Answer =
  | { readonly name: string; readonly type: typeof TYPE.A; readonly address: string }
  | { readonly name: string; readonly type: typeof TYPE.CNAME | typeof TYPE.PTR; readonly target: string }
  | { readonly name: string; readonly type: typeof TYPE.SRV; readonly port: number; readonly target: string };

/** Seconds: pods come and go. */
const TTL = 5;
const MOST_LABELS = 128;

/** Reads the one question of a query. @returns undefined for anything else */
export function parseQuery(bytes: Buffer): Question | undefined {
  if (bytes.length < 17 || bytes.readUInt16BE(4) !== 1 || (bytes.readUInt16BE(2) & 0x8000) !== 0) return undefined;
  const labels: string[] = [];
  let at = 12;
  for (;;) {
    const length = bytes[at];
    if (length === undefined || length > 63 || labels.length > MOST_LABELS) return undefined;
    at++;
    if (length === 0) break;
    labels.push(bytes.toString("latin1", at, at + length));
    at += length;
  }
  if (at + 4 > bytes.length) return undefined;
  return {
    id: bytes.readUInt16BE(0),
    flags: bytes.readUInt16BE(2),
    name: labels.join(".").toLowerCase(),
    type: bytes.readUInt16BE(at),
    bytes: bytes.subarray(12, at + 4),
  };
}

/** Writes an answer. @param most its largest size; what does not fit is left out, and the answer says so */
export function response(question: Question, rcode: number, answers: readonly Answer[], most: number): Buffer {
  const records = answers.map(record);
  let size = 12 + question.bytes.length;
  let count = 0;
  while (count < records.length && size + (records[count] as Buffer).length <= most)
    size += (records[count++] as Buffer).length;
  const truncated = count < records.length;
  const header = Buffer.alloc(12);
  header.writeUInt16BE(question.id, 0);
  // An answer, with authority; recursion as it was asked for.
  header.writeUInt16BE(0x8480 | (question.flags & 0x0100) | (truncated ? 0x0200 : 0) | rcode, 2);
  header.writeUInt16BE(1, 4);
  header.writeUInt16BE(count, 6);
  return Buffer.concat([header, question.bytes, ...records.slice(0, count)]);
}

function record(answer: Answer): Buffer {
  const data = dataOf(answer);
  const fixed = Buffer.alloc(10);
  fixed.writeUInt16BE(answer.type, 0);
  fixed.writeUInt16BE(1, 2);
  fixed.writeUInt32BE(TTL, 4);
  fixed.writeUInt16BE(data.length, 8);
  return Buffer.concat([encodeName(answer.name), fixed, data]);
}

function dataOf(answer: Answer): Buffer {
  if (answer.type === TYPE.A) return Buffer.from(answer.address.split(".").map(Number));
  if (answer.type !== TYPE.SRV) return encodeName(answer.target);
  const fixed = Buffer.alloc(6);
  fixed.writeUInt16BE(100, 2);
  fixed.writeUInt16BE(answer.port, 4);
  return Buffer.concat([fixed, encodeName(answer.target)]);
}

function encodeName(name: string): Buffer {
  const labels = name.split(".").filter(Boolean);
  return Buffer.concat([
    ...labels.flatMap((each) => [Buffer.of(each.length), Buffer.from(each, "latin1")]),
    Buffer.of(0),
  ]);
}
