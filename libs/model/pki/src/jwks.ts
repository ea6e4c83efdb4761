import { createPublicKey, type JsonWebKeyInput } from "node:crypto";
import { XebecError } from "@xebec/core-errors";

/** Most characters of a key set. It becomes part of the configuration of every proxy that verifies tokens by it. */
export const LONGEST_JWKS = 256 << 10;
const MOST_KEYS = 100;
/** Members of a key that verify signatures (RFC 7517, 7518, 8037). Private parts and certificates go no further. */
const MEMBERS = ["kty", "use", "key_ops", "alg", "kid", "n", "e", "crv", "x", "y"] as const;

type Key = Readonly<Record<string, unknown>>;

/**
 * Reads a JSON Web Key Set (RFC 7517, section 5). Keys of a type or a curve that is not known are left out, as the RFC says.
 * @returns the set as JSON with the members that verify signatures, the same text for the same keys
 * @throws XebecError invalid_argument for a text that is not a key set, or that has no usable key
 */
export function readJwks(text: string): string {
  if (text.length > LONGEST_JWKS) throw bad(`is longer than ${LONGEST_JWKS} characters`);
  const { keys } = objectOf(text);
  if (!Array.isArray(keys)) throw bad('has no list "keys"; write {"keys": [KEY, ...]}');
  if (keys.length > MOST_KEYS) throw bad(`has more than ${MOST_KEYS} keys`);
  const faults: string[] = [];
  const usable = keys.flatMap((key: unknown, i): Key[] => {
    try {
      return [publicKey(key)];
    } catch (error) {
      faults.push(`keys[${i}]: ${(error as Error).message}`);
      return [];
    }
  });
  if (usable.length === 0) throw bad(["has no usable key", ...faults.slice(0, 3)].join("; "));
  return JSON.stringify({ keys: usable });
}

function objectOf(text: string): Key {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // The error of JSON.parse repeats parts of the text.
    throw bad("is not JSON");
  }
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Key;
  throw bad("is not JSON object");
}

/** @throws Error when the key cannot be used */
function publicKey(value: unknown): Key {
  if (typeof value !== "object" || value === null) throw new Error("is not a key");
  const key = value as Key;
  if (key.use !== undefined && key.use !== "sig") throw new Error(`has the use ${String(key.use)}, not sig`);
  const members: readonly string[] = key.kty === "oct" ? [...MEMBERS, "k"] : MEMBERS;
  const bare = Object.fromEntries(members.flatMap((name) => (key[name] === undefined ? [] : [[name, key[name]]])));
  if (key.kty !== "oct") createPublicKey({ key: bare, format: "jwk" } as JsonWebKeyInput);
  else if (typeof key.k !== "string" || key.k === "") throw new Error('has no "k"');
  return bare;
}

function bad(why: string): XebecError {
  return new XebecError("invalid_argument", `the key set ${why}`);
}
