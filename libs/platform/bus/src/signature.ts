import { fromPublic, fromSeed, type KeyPair } from "@nats-io/nkeys";
import type { MsgHdrs } from "@nats-io/transport-node";
import { CHUNKS } from "./chunks.ts";
import { OPERATION } from "./entry.ts";

const SIGNATURE = "Xebec-Signature";
const TIME = "Xebec-Time";
const SIGNATURE_BYTES = 64;

/**
 * Signs entries. The server lets a client name any subject for an answer, so that whoever may read one bucket could have the
 * server write its content into another one; a signed bucket does not believe what its writer did not sign.
 */
export class EntrySigner {
  readonly #pair: KeyPair;
  #last = 0;

  constructor(seed: string) {
    this.#pair = fromSeed(new TextEncoder().encode(seed));
  }

  sign(headers: MsgHdrs, subject: string, data: Uint8Array): void {
    this.#last = Math.max(Date.now(), this.#last + 1);
    const time = String(this.#last);
    headers.set(TIME, time);
    headers.set(SIGNATURE, Buffer.from(this.#pair.sign(signedBytes(subject, time, headers, data))).toString("base64"));
  }
}

/** Checks entries against the public keys of the users that may write them, and against being played back later. */
export class EntryVerifier {
  readonly #keys: readonly KeyPair[];
  readonly #latest = new Map<string, number>();

  constructor(publicKeys: readonly string[]) {
    this.#keys = publicKeys.map((key) => fromPublic(key));
  }

  /** @returns false for an entry that no writer signed for this subject, or that is older than one seen before */
  accepts(headers: MsgHdrs | undefined, subject: string, data: Uint8Array): boolean {
    const [signature, time] = [headers?.get(SIGNATURE), headers?.get(TIME)];
    if (!headers || !signature || !time || Number(time) < (this.#latest.get(subject) ?? 0)) return false;
    const bytes = signedBytes(subject, time, headers, data);
    const given = Buffer.from(signature, "base64");
    // The library throws at a signature of another size.
    if (given.byteLength !== SIGNATURE_BYTES || !this.#keys.some((key) => key.verify(bytes, given))) return false;
    this.#latest.set(subject, Number(time));
    return true;
  }
}

function signedBytes(subject: string, time: string, headers: MsgHdrs, data: Uint8Array): Uint8Array {
  const meta = [subject, time, headers.get(OPERATION), headers.get(CHUNKS)].join("\n");
  return Buffer.concat([Buffer.from(`${meta}\n\n`), data]);
}
