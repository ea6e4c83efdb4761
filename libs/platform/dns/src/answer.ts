import { decode, encode, type Packet } from "dns-packet";
import type { FoundName, NameTable } from "./name-table.ts";

/** Short, so that clients see changes. In seconds. */
const TTL = 30;
/** What every client takes by UDP, in bytes, and what is sent at most where it says that it takes more. */
const SMALLEST_UDP = 512;
const LARGEST_UDP = 4096;
/** Flags of a header: an answer by who knows, and one whose end is missing. */
const AUTHORITATIVE = 1 << 10;
const TRUNCATED = 1 << 9;
const RECURSION_DESIRED = 1 << 8;
const RECURSION_AVAILABLE = 1 << 7;
/** A longer question is none: 255 bytes of a name, and some options. */
const MOST_QUESTION_BYTES = 4096;
const HEADER_BYTES = 12;

export const FORMAT_ERROR = 1;
export const SERVER_FAILURE = 2;
const NOT_IMPLEMENTED = 4;

/** What becomes of a question. */
export type Verdict =
  | { readonly what: "answer"; readonly bytes: Buffer }
  /** Somebody else must answer. */
  | { readonly what: "forward" }
  /** It is no question. */
  | { readonly what: "drop" };

/**
 * Answers a question from a table, or says that somebody else must.
 * @param table undefined while there is none
 * @param udp false over TCP, where an answer of any size fits
 */
export function answerFrom(table: NameTable | undefined, query: Buffer, udp: boolean): Verdict {
  if (query.length < HEADER_BYTES || isResponse(query)) return { what: "drop" };
  if (((query[2] ?? 0) >> 3) & 0b1111) return { what: "answer", bytes: failure(query, NOT_IMPLEMENTED) };
  let packet: Packet;
  try {
    if (query.length > MOST_QUESTION_BYTES) throw new RangeError("the question is too long");
    packet = decode(query);
  } catch {
    return { what: "answer", bytes: failure(query, FORMAT_ERROR) };
  }
  const [question, ...more] = packet.questions ?? [];
  if (!question) return { what: "answer", bytes: failure(query, FORMAT_ERROR) };
  if (!table) return { what: "answer", bytes: failure(query, SERVER_FAILURE) };
  const isAddress = question.type === "A" || question.type === "AAAA";
  if (more.length > 0 || !isAddress || (question.class ?? "IN") !== "IN") return { what: "forward" };
  const found = table.find(question.name.toLowerCase().replace(/\.$/, ""));
  if (!found) return { what: "forward" };
  return { what: "answer", bytes: answer(packet, question.type as "A" | "AAAA", question.name, found, udp) };
}

/** The answer of a host that is known: without an address of the family it is empty, so that nobody else is asked. */
function answer(query: Packet, type: "A" | "AAAA", name: string, found: FoundName, udp: boolean): Buffer {
  const addresses = shuffled(type === "A" ? found.ipv4 : found.ipv6);
  const option = query.additionals?.find((each) => each.type === "OPT");
  const limit = udp ? Math.min(Math.max(option?.udpPayloadSize ?? 0, SMALLEST_UDP), LARGEST_UDP) : 65_535;
  const owner = found.alias ?? name;
  const alias =
    found.alias && addresses.length > 0 ? [{ name, type: "CNAME" as const, ttl: TTL, data: found.alias }] : [];
  const encoded = (count: number): Buffer =>
    encode({
      type: "response",
      id: query.id ?? 0,
      flags:
        ((query.flags ?? 0) & RECURSION_DESIRED) |
        AUTHORITATIVE |
        RECURSION_AVAILABLE |
        (count < addresses.length ? TRUNCATED : 0),
      questions: query.questions ?? [],
      answers: [
        ...alias,
        ...addresses.slice(0, count).map((data) => ({ name: owner, type, ttl: TTL, class: "IN" as const, data })),
      ],
      ...(option
        ? {
            additionals: [
              {
                ...{ type: "OPT" as const, name: ".", udpPayloadSize: LARGEST_UDP },
                extendedRcode: 0,
                ednsVersion: 0,
                flags: 0,
                flag_do: false,
                options: [],
              },
            ],
          }
        : {}),
    });
  let count = addresses.length;
  let bytes = encoded(count);
  while (bytes.length > limit && count > 0) {
    count = Math.floor((count * limit) / bytes.length);
    bytes = encoded(count);
  }
  return bytes;
}

/** Clients take the first: each gets another one. */
function shuffled(addresses: readonly string[]): readonly string[] {
  const list = addresses.slice();
  for (let i = list.length - 1; i > 0; i--) {
    const j = Math.floor(Math.random() * (i + 1));
    [list[i], list[j]] = [list[j] as string, list[i] as string];
  }
  return list;
}

function isResponse(message: Buffer): boolean {
  return ((message[2] ?? 0) & 0x80) !== 0;
}

/** An answer with an error: the question as it came, where it is there, and nothing else. */
export function failure(query: Buffer, rcode: number): Buffer {
  const end = endOfQuestion(query);
  const bytes = Buffer.alloc(end ?? HEADER_BYTES);
  query.copy(bytes, 0, 0, bytes.length);
  bytes[2] = ((query[2] ?? 0) & 0b0111_1001) | 0x80;
  bytes[3] = 0x80 | rcode;
  bytes.fill(0, 4, HEADER_BYTES);
  if (end !== undefined) bytes.writeUInt16BE(1, 4);
  return bytes;
}

/** Where the first question of a message ends; undefined where there is none, or its name is not written out. */
export function endOfQuestion(message: Buffer): number | undefined {
  if (message.length < HEADER_BYTES || message.readUInt16BE(4) === 0) return undefined;
  let at = HEADER_BYTES;
  for (let length = message[at]; length; length = message[at]) {
    if (length > 63) return undefined;
    at += length + 1;
  }
  const end = at + 5;
  return end <= message.length ? end : undefined;
}
