import { XebecError } from "@xebec/core-errors";
import {
  createIssuer,
  type Issuer,
  parseCertificate,
  readPrivateKey,
  type SubjectNames,
  splitCertificates,
} from "@xebec/model-pki";
import { BACKDATE_MS, type CaState, trustedRoots } from "./ca-state.ts";

export interface AuthorityOptions {
  /** Lifetime of a certificate whose request asks for none, in milliseconds. */
  readonly defaultTtlMs: number;
  /** Longest lifetime, in milliseconds; a request for more is granted this. */
  readonly maxTtlMs: number;
}

export interface IssueRequest {
  /** Names that the caller was found to be entitled to. */
  readonly names: Partial<SubjectNames>;
  /** SubjectPublicKeyInfo, DER. */
  readonly publicKey: Buffer;
  /** Milliseconds; 0 or less: the default. */
  readonly ttlMs: number;
}

/** A certificate and what leads to its root, all PEM. */
export interface Issued {
  readonly leaf: string;
  /** Intermediates, each a string of its own. */
  readonly intermediates: readonly string[];
  /** All trusted roots as one bundle. */
  readonly roots: string;
}

/** Issues certificates with the authority that is active in its state. */
export interface Authority {
  readonly state: CaState;
  readonly roots: string;
  /** When the signing chain ends, milliseconds since 1970. */
  readonly notAfter: number;
  /** @throws XebecError failed_precondition when the authority's own certificates have ended */
  issue(request: IssueRequest, now: number): Issued;
}

/** Prepares an authority; its state never changes, a rotation makes another one. @throws XebecError invalid_argument */
export function createAuthority(state: CaState, { defaultTtlMs, maxTtlMs }: AuthorityOptions): Authority {
  const { active } = state;
  const issuer: Issuer = createIssuer(active.certificate, readPrivateKey(active.key, "signing key"));
  const intermediates = active.chain || active.certificate !== active.root ? chainOf(active) : [];
  const roots = trustedRoots(state);
  const chain = [active.certificate, active.root, ...intermediates].map((each) => parseCertificate(each));
  const notBefore = Math.max(...chain.map((each) => each.notBefore));
  const notAfter = Math.min(...chain.map((each) => each.notAfter));
  return {
    state,
    roots,
    notAfter,
    issue({ names, publicKey, ttlMs }, now) {
      if (now >= notAfter)
        throw new XebecError("failed_precondition", "the authority's own certificate has expired; replace it");
      if (now < notBefore)
        throw new XebecError(
          "failed_precondition",
          `the authority's own certificate is not valid before ${new Date(notBefore).toISOString()}; set the clock, or replace it`,
        );
      const ttl = Math.min(ttlMs > 0 ? ttlMs : defaultTtlMs, maxTtlMs, notAfter - now);
      const leaf = issuer.issue({ names, publicKey, notBefore: now - BACKDATE_MS, notAfter: now + ttl });
      return { leaf, intermediates, roots };
    },
  };
}

// The signing certificate itself stands between the leaf and the root, unless it is the root.
function chainOf({ certificate, chain, root }: CaState["active"]): string[] {
  const signing = splitCertificates(certificate);
  const known = new Set(splitCertificates(root).map((each) => parseCertificate(each).x509.fingerprint256));
  const all = [...signing.slice(0, 1), ...splitCertificates(chain)];
  const seen = new Set<string>();
  return all.filter((each) => {
    const print = parseCertificate(each).x509.fingerprint256;
    if (known.has(print) || seen.has(print)) return false;
    seen.add(print);
    return true;
  });
}
