import { createPublicKey } from "node:crypto";
import { XebecError } from "@xebec/core-errors";
import {
  createRoot,
  joinCertificates,
  type KeyType,
  parseCertificate,
  privateKeyPem,
  readPrivateKey,
} from "@xebec/model-pki";

/** A certificate that signs others, all texts PEM. */
export interface SigningCa {
  readonly certificate: string;
  readonly key: string;
  /** Certificates between `certificate` and the root; empty when the root signs itself. */
  readonly chain: string;
  readonly root: string;
}

/** Everything that an authority must keep. Points in time are milliseconds since 1970. */
export interface CaState {
  readonly active: SigningCa;
  /** The authority that takes over at `promoteAt`; its root is trusted already. */
  readonly next?: SigningCa & { readonly promoteAt: number };
  /** Roots that signed before and are trusted until their certificates have ended. */
  readonly retired: readonly { readonly root: string; readonly until: number }[];
}

/** Where an authority keeps its state, for example a file or a Kubernetes secret. */
export interface CaStorage {
  load(): Promise<string | undefined>;
  save(text: string): Promise<void>;
}

export interface SelfSignedOptions {
  readonly trustDomain: string;
  readonly keyType: KeyType;
  /** Lifetime of a root in milliseconds. */
  readonly rootTtlMs: number;
}

/** How far a certificate begins before its time, for clocks that are late, in milliseconds (docs/reference/platform.md §1.6). */
export const BACKDATE_MS = 120_000;
/** The same for a root, which nothing replaces when a clock is set back. */
export const ROOT_BACKDATE_MS = 86_400_000;

/** Makes a root that signs for itself. @param now milliseconds since 1970 */
export function createSelfSigned({ trustDomain, keyType, rootTtlMs }: SelfSignedOptions, now: number): SigningCa {
  const { certificate, key } = createRoot({
    keyType,
    organization: trustDomain,
    notBefore: now - ROOT_BACKDATE_MS,
    notAfter: now + rootTtlMs,
  });
  return { certificate, key: privateKeyPem(key), chain: "", root: certificate };
}

/** The roots that the mesh trusts now, as one PEM bundle; the active one comes first. */
export function trustedRoots(state: CaState): string {
  return joinCertificates([
    state.active.root,
    ...(state.next ? [state.next.root] : []),
    ...state.retired.map(({ root }) => root),
  ]);
}

export function encodeCaState(state: CaState): string {
  return `${JSON.stringify(state, undefined, 2)}\n`;
}

/** @param where names the storage in the error. @throws XebecError data_loss when it is not what `encodeCaState` wrote */
export function decodeCaState(text: string, where: string): CaState {
  try {
    const state = JSON.parse(text) as CaState;
    for (const each of [state.active, ...(state.next ? [state.next] : [])]) {
      parseCertificate(each.root);
      if (typeof each.chain !== "string") throw new TypeError("the chain is missing");
      const key = createPublicKey(readPrivateKey(each.key, "key"));
      if (!parseCertificate(each.certificate).x509.publicKey.equals(key))
        throw new TypeError("the key is another certificate's");
    }
    for (const { root } of state.retired) parseCertificate(root);
    return state;
  } catch (error) {
    throw new XebecError(
      "data_loss",
      `${where} holds no state of a certificate authority; restore it, or remove it to begin with a new root`,
      { cause: error },
    );
  }
}
