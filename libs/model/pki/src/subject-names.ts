import { XebecError } from "@xebec/core-errors";
import { DerReader, der } from "./der.ts";

/** What a certificate stands for (RFC 5280, section 4.2.1.6). */
export interface SubjectNames {
  readonly uris: readonly string[];
  readonly dns: readonly string[];
  /** Addresses as text. */
  readonly ips: readonly string[];
}

const DNS_TAG = 0x82;
const URI_TAG = 0x86;
const IP_TAG = 0x87;
/** Most names that a request may hold. */
const MOST_NAMES = 100;

/** Encodes the value of the extension subjectAltName. @throws XebecError invalid_argument for characters beyond ASCII */
export function encodeNames({ uris = [], dns = [], ips = [] }: Partial<SubjectNames>): Buffer {
  return der(
    0x30,
    ...uris.map((uri) => der(URI_TAG, asciiBytes(uri))),
    ...dns.map((name) => der(DNS_TAG, asciiBytes(name))),
    ...ips.map((ip) => der(IP_TAG, addressBytes(ip))),
  );
}

/**
 * Reads the value of the extension subjectAltName; names of other kinds are left out.
 * @throws XebecError invalid_argument
 */
export function decodeNames(bytes: Buffer): SubjectNames {
  const outer = new DerReader(bytes);
  const names = new DerReader(outer.next(0x30).content);
  outer.end();
  const uris: string[] = [];
  const dns: string[] = [];
  const ips: string[] = [];
  for (let count = 0; !names.done; count++) {
    if (count === MOST_NAMES) throw new XebecError("invalid_argument", `more than ${MOST_NAMES} subject names`);
    const { tag, content } = names.next();
    if (tag === URI_TAG) uris.push(printable(content));
    else if (tag === DNS_TAG) dns.push(printable(content));
    else if (tag === IP_TAG) ips.push(addressText(content));
  }
  return { uris, dns, ips };
}

// A byte of a wider character would be another character, and so another name.
function asciiBytes(text: string): Buffer {
  if (!/^[\x21-\x7e]+$/.test(text))
    throw new XebecError("invalid_argument", `"${text.slice(0, 100)}" cannot be a name in a certificate`);
  return Buffer.from(text, "latin1");
}

function printable(content: Buffer): string {
  const text = content.toString("latin1");
  if (!/^[\x21-\x7e]+$/.test(text)) throw new XebecError("invalid_argument", "a subject name has unusual characters");
  return text;
}

/** The bytes of an address: 4 or 16. @throws XebecError invalid_argument */
function addressBytes(text: string): Buffer {
  if (/^\d+\.\d+\.\d+\.\d+$/.test(text)) {
    const parts = text.split(".").map(Number);
    if (parts.every((part) => part < 256)) return Buffer.from(parts);
  }
  // The URL parser writes an IPv6 address in hexadecimal groups, with at most one gap.
  const url = text.includes(":") ? URL.parse(`http://[${text}]/`) : null;
  if (!url) throw new XebecError("invalid_argument", `"${text.slice(0, 100)}" is not an IP address`);
  const [left = "", right] = url.hostname.slice(1, -1).split("::") as [string, string?];
  const head = left.split(":").filter(Boolean);
  const tail = (right ?? "").split(":").filter(Boolean);
  const groups = [...head, ...Array<string>(8 - head.length - tail.length).fill("0"), ...tail];
  return Buffer.from(groups.map((group) => group.padStart(4, "0")).join(""), "hex");
}

function addressText(bytes: Buffer): string {
  if (bytes.length === 4) return [...bytes].join(".");
  if (bytes.length !== 16) throw new XebecError("invalid_argument", "an IP address has neither 4 nor 16 bytes");
  const groups = Array.from({ length: 8 }, (_, i) => bytes.readUInt16BE(2 * i).toString(16));
  return new URL(`http://[${groups.join(":")}]/`).hostname.slice(1, -1);
}
