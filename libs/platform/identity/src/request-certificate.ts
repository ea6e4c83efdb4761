import { readFile } from "node:fs/promises";
import { parseAddress } from "@xebec/core-config";
import { XebecError } from "@xebec/core-errors";
import {
  createCsr,
  joinCertificates,
  type KeyType,
  makeKey,
  parseCertificate,
  privateKeyPem,
  type SubjectNames,
} from "@xebec/model-pki";
import { callUnary } from "@xebec/platform-grpc";
import { decodeCertChain, encodeCertificateRequest } from "./certificate-messages.ts";
import type { StoredIdentity } from "./identity-store.ts";

export interface CertificateOrder {
  /** Citadel, `HOST:PORT`; its certificate must name the host. */
  readonly caAddress: string;
  /** Roots to verify citadel with, PEM file. */
  readonly caRootFile: string;
  /** File with the token that proves who asks; not needed while `previous` is valid. */
  readonly tokenFile?: string | undefined;
  readonly keyType: KeyType;
  /** Lifetime to ask for, in milliseconds; citadel may grant less. */
  readonly ttlMs: number;
  /** Names to ask for; citadel decides which it grants. */
  readonly names: Partial<SubjectNames>;
  /** Roots that citadel named before, PEM; they count beside those of the file. */
  readonly roots: string;
  /** The valid identity until now, which also proves who asks. */
  readonly previous?: StoredIdentity | undefined;
}

/**
 * Makes a new key and lets citadel sign it (docs/reference/platform.md §1.1, CreateCertificate). Files are read anew each time.
 * @throws XebecError failed_precondition for a file that is missing or a certificate that has ended already, else what citadel
 * answered
 */
export async function requestCertificate(order: CertificateOrder, signal: AbortSignal): Promise<StoredIdentity> {
  const { previous } = order;
  const root = await readText(order.caRootFile, "root certificate");
  const token = order.tokenFile ? await readToken(order.tokenFile, previous !== undefined) : undefined;
  if (token === undefined && !previous)
    throw new XebecError("unauthenticated", "neither a token nor a certificate is there to prove who asks");
  const key = await makeKey(order.keyType);
  const issuedAt = Date.now();
  const certChain = decodeCertChain(
    await callUnary(encodeCertificateRequest(createCsr(key, order.names), Math.ceil(order.ttlMs / 1_000)), {
      address: parseAddress(order.caAddress),
      tls: {
        current: () => ({
          ca: joinCertificates([root, order.roots]),
          ...(previous ? { cert: previous.cert, key: previous.key } : {}),
        }),
      },
      path: "/istio.v1.auth.IstioCertificateService/CreateCertificate",
      metadata: token ? { authorization: `Bearer ${token}` } : {},
      ...{ signal, timeoutMs: 10_000, maxMessageBytes: 1 << 20 },
    }),
  );
  const roots = certChain.at(-1);
  const [leaf, ...between] = certChain.slice(0, -1);
  if (leaf === undefined || roots === undefined)
    throw new XebecError("internal", "citadel answered without a certificate");
  const { notBefore, notAfter } = parseCertificate(leaf, "citadel's answer");
  if (notBefore > Date.now())
    throw new XebecError(
      "failed_precondition",
      `citadel's certificate begins at ${new Date(notBefore).toISOString()} only; set the clocks of both machines`,
    );
  if (notAfter <= Date.now())
    throw new XebecError(
      "failed_precondition",
      `citadel's certificate ended at ${new Date(notAfter).toISOString()}, before it came; set the clocks of both machines`,
    );
  return { key: privateKeyPem(key), cert: [leaf, ...between].join(""), roots, issuedAt, notAfter };
}

async function readText(path: string, what: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    throw new XebecError("failed_precondition", `the ${what} ${path} cannot be read`, { cause: error });
  }
}

// Whoever holds a valid certificate can go on without its token.
async function readToken(path: string, optional: boolean): Promise<string | undefined> {
  try {
    return (await readText(path, "token")).trim();
  } catch (error) {
    if (optional) return undefined;
    throw error;
  }
}
