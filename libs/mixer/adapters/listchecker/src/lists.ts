import { readYaml } from "@xebec/core-yaml";
import { formatIp, parseIp } from "@xebec/mixer-sdk";
import { RE2JS } from "re2js";

export const ENTRY_TYPES = ["STRINGS", "CASE_INSENSITIVE_STRINGS", "IP_ADDRESSES", "REGEX"] as const;
export type EntryType = (typeof ENTRY_TYPES)[number];

/** A list that is asked whether it has a value. */
export interface EntryList {
  /** @throws Error when the value cannot be looked up, such as a string that is not an address */
  has(value: string): boolean;
}

/** Most entries of one list. */
const MAX_ENTRIES = 1_000_000;

/**
 * Makes a list of entries.
 * @throws Error naming an entry that is not an address, network or regular expression
 */
export function listOf(type: EntryType, entries: readonly string[]): EntryList {
  if (entries.length > MAX_ENTRIES) throw new Error(`the list has more than ${MAX_ENTRIES} entries`);
  if (type === "IP_ADDRESSES") return networks(entries);
  if (type === "REGEX") {
    const patterns = entries.map((entry) => {
      try {
        return RE2JS.compile(entry);
      } catch (error) {
        throw new Error(`"${entry}" is not a valid regular expression: ${(error as Error).message}`, { cause: error });
      }
    });
    return { has: (value) => patterns.some((pattern) => pattern.matcher(value).find()) };
  }
  // An empty entry is none: it does not match an attribute that is empty.
  const texts = entries.filter((each) => each !== "");
  if (type === "CASE_INSENSITIVE_STRINGS") {
    const known = new Set(texts.map(upperCase));
    return { has: (value) => known.has(upperCase(value)) };
  }
  const known = new Set(texts);
  return { has: (value) => known.has(value) };
}

/** The upper case of each character by itself, as in Go: `ß` stays what it is. */
function upperCase(text: string): string {
  return Array.from(text, (character) => {
    const upper = character.toUpperCase();
    return Array.from(upper).length === 1 ? upper : character;
  }).join("");
}

/**
 * The entries in what a provider served: lines, or for addresses a YAML document with a list under `whitelist`.
 * @throws Error when the document is not of that form
 */
export function readEntries(type: EntryType, body: string): string[] {
  if (type !== "IP_ADDRESSES") return body.split("\n").filter((line) => line !== "");
  const document: unknown = readYaml(body);
  const list: unknown =
    typeof document === "object" && document !== null ? Reflect.get(document, "whitelist") : undefined;
  if (!Array.isArray(list) || !list.every((each) => typeof each === "string"))
    throw new Error("the document has no list of strings under `whitelist`");
  return list;
}

/** Networks by the length of their prefix, so that a lookup costs one step per length in use. */
function networks(entries: readonly string[]): EntryList {
  const byLength = new Map<number, Set<string>>();
  for (const entry of entries) {
    const [address = "", prefix] = entry.trim().split("/", 2) as [string, string?];
    const bytes = parseIp(address);
    const four = !address.includes(":");
    const longest = four ? 32 : 128;
    const length = prefix === undefined ? longest : /^\d{1,3}$/.test(prefix) ? Number(prefix) : -1;
    if (!bytes || length < 0 || length > longest) throw new Error(`"${entry}" is not an IP address or network`);
    const bits = length + (four ? 96 : 0);
    const known = byLength.get(bits) ?? new Set<string>();
    byLength.set(bits, known.add(masked(bytes, bits)));
  }
  return {
    has(value) {
      const bytes = parseIp(value);
      if (!bytes) throw new Error(`${JSON.stringify(value.slice(0, 100))} is not an IP address`);
      for (const [bits, known] of byLength) if (known.has(masked(bytes, bits))) return true;
      return false;
    },
  };
}

function masked(bytes: Uint8Array, bits: number): string {
  const out = Uint8Array.from(bytes);
  for (let i = 0; i < 16; i++) {
    const keep = Math.max(0, Math.min(8, bits - i * 8));
    out[i] = (out[i] as number) & (0xff00 >> keep) & 0xff;
  }
  return formatIp(out);
}
