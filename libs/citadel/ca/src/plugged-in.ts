import { createPublicKey, X509Certificate } from "node:crypto";
import { XebecError } from "@xebec/core-errors";
import { parseCertificate, readPrivateKey, splitCertificates } from "@xebec/model-pki";
import type { SigningCa } from "./ca-state.ts";

/**
 * Takes an authority that an operator made (docs/reference/platform.md §1.7, "Plugged in"): the certificate must be a
 * CA, must lead to one of the roots through the chain, and the key must be its own. That root comes first in what is
 * returned, as everybody expects of the one that signs; bundles hold more than one while a root is replaced.
 * @throws XebecError invalid_argument that says which of these fails
 */
export function pluggedIn(files: SigningCa): SigningCa {
  const signing = parseCertificate(files.certificate, "signing certificate");
  if (!signing.ca) throw new XebecError("invalid_argument", "the signing certificate is not a CA certificate");
  const key = readPrivateKey(files.key, "signing key");
  if (!signing.x509.publicKey.equals(createPublicKey(key)))
    throw new XebecError("invalid_argument", "the signing key does not belong to the signing certificate");
  const between = splitCertificates(files.chain).map((each) => new X509Certificate(each));
  const roots = splitCertificates(files.root).map((each) => new X509Certificate(each));
  let at = signing.x509;
  // Each step takes another certificate of the chain, so that the walk ends.
  for (let step = 0; step <= between.length; step++) {
    const reached = lastToEnd(
      roots.filter((root) => root.raw.equals(at.raw) || (at.checkIssued(root) && at.verify(root.publicKey))),
    );
    if (reached) return { ...files, chain: withoutRoots(between, roots), root: inFront(reached, roots) };
    const issuer = between.find((each) => at.checkIssued(each) && at.verify(each.publicKey));
    if (!issuer) break;
    at = issuer;
  }
  throw new XebecError("invalid_argument", "the signing certificate does not lead to the root through the chain");
}

// A root that was renewed with its key stands twice in a bundle.
function lastToEnd(roots: readonly X509Certificate[]): X509Certificate | undefined {
  return roots.toSorted((a, b) => b.validToDate.getTime() - a.validToDate.getTime())[0];
}

// The first root of a bundle is the one that signs; the others are trusted beside it.
function inFront(first: X509Certificate, roots: readonly X509Certificate[]): string {
  return [first, ...roots.filter((each) => each !== first)].map((each) => each.toString()).join("");
}

function withoutRoots(between: readonly X509Certificate[], roots: readonly X509Certificate[]): string {
  return between
    .filter((each) => !roots.some((root) => root.raw.equals(each.raw)))
    .map((each) => each.toString())
    .join("");
}
