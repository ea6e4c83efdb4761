import { readFile } from "node:fs/promises";
import { logger } from "@xebec/core-log";
import { parseSpiffe } from "@xebec/model-names";

const log = logger("identity");

/** Whom citadel will sign for, as far as it is known before citadel was asked. */
export interface Expected {
  /** The SPIFFE ID, from what the pod knows of itself. */
  readonly spiffeId?: string | undefined;
  /** The token's subject, `system:serviceaccount:NAMESPACE:SERVICE-ACCOUNT`. */
  readonly subject?: string | undefined;
}

/**
 * Reads whom a token speaks for. It is not verified: that is citadel's to do.
 * @returns undefined when there is no token, or none that says it
 */
export async function tokenSubject(path: string): Promise<string | undefined> {
  try {
    const [, claims = ""] = (await readFile(path, "utf8")).split(".");
    const { sub } = JSON.parse(Buffer.from(claims, "base64url").toString()) as { sub?: unknown };
    return typeof sub === "string" && sub.startsWith("system:serviceaccount:") ? sub : undefined;
  } catch (error) {
    log.debug({ err: error, file: path }, "the token does not say whom it speaks for");
    return undefined;
  }
}

/** Says why a certificate's identity is not the expected one. @returns undefined when it is, or nothing is known */
export function mismatch(found: string | undefined, { spiffeId, subject }: Expected): string | undefined {
  if (spiffeId !== undefined && found !== spiffeId) return `it is for ${found ?? "nobody"}, and this is ${spiffeId}`;
  const identity = parseSpiffe(found ?? "");
  const own = identity && `system:serviceaccount:${identity.namespace}:${identity.serviceAccount}`;
  return subject !== undefined && own !== subject
    ? `it is for ${found ?? "nobody"}, and the token for ${subject}`
    : undefined;
}
