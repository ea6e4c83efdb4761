import type { Path } from "@xebec/model-schema";
import type { Checker } from "../../rules/checker.ts";
import type { ServerTls } from "./server-tls.ts";

/** What BoringSSL knows by these names. */
export const CIPHER_SUITES: ReadonlySet<string> = new Set([
  ...["ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-RSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES256-GCM-SHA384"],
  ...["ECDHE-RSA-AES256-GCM-SHA384", "ECDHE-ECDSA-CHACHA20-POLY1305", "ECDHE-RSA-CHACHA20-POLY1305"],
  ...["ECDHE-ECDSA-AES128-SHA", "ECDHE-RSA-AES128-SHA", "ECDHE-ECDSA-AES256-SHA", "ECDHE-RSA-AES256-SHA"],
  ...["AES128-GCM-SHA256", "AES256-GCM-SHA384", "AES128-SHA", "AES256-SHA", "DES-CBC3-SHA"],
]);
const MOST_CERTIFICATES = 2;

/**
 * Rules of the TLS of a gateway's server: where its certificates come from, and what goes unheeded
 * (docs/reference/platform.md §3.11).
 */
export function checkServerTls(tls: ServerTls | undefined, path: Path, check: Checker): void {
  if (!tls) return;
  const { mode = "PASSTHROUGH", credentialName, credentialNames = [], tlsCertificates = [], caCrl } = tls;
  checkCiphers(tls, path, check);
  if (credentialNames.length > MOST_CERTIFICATES)
    check.fail(
      [...path, "credentialNames"],
      `has ${credentialNames.length} names; Envoy takes one of RSA and one of ECDSA`,
    );
  const files = tls.serverCertificate || tls.privateKey || tls.caCertificates || tlsCertificates.length > 0;
  const isGiven = files || credentialName || credentialNames.length > 0;
  if (mode === "ISTIO_MUTUAL") {
    if (isGiven) check.fail(path, "mode ISTIO_MUTUAL uses the mesh's own certificates; none can be given");
    return;
  }
  if ((mode === "PASSTHROUGH" || mode === "AUTO_PASSTHROUGH") && (isGiven || caCrl))
    check.warn(path, `mode ${mode} uses no certificates; those that are given have no effect`);
  checkSources(tls, path, check);
  if (mode === "PASSTHROUGH" || mode === "AUTO_PASSTHROUGH") return;
  if (credentialName || credentialNames.length > 0) return;
  checkFiles(tls, mode, path, check);
}

/** The certificate comes from one place. */
function checkSources(tls: ServerTls, path: Path, check: Checker): void {
  const { credentialName, credentialNames = [], tlsCertificates = [] } = tls;
  const sources = [
    Boolean(tls.serverCertificate && tls.privateKey),
    Boolean(credentialName),
    credentialNames.length > 0,
    tlsCertificates.length > 0,
  ].filter(Boolean);
  if (sources.length > 1)
    check.fail(
      path,
      "give one of credentialName, credentialNames, tlsCertificates, and serverCertificate with privateKey",
    );
}

function checkFiles(tls: ServerTls, mode: string, path: Path, check: Checker): void {
  const { tlsCertificates = [], caCrl } = tls;
  if (tlsCertificates.length > MOST_CERTIFICATES)
    check.warn(
      [...path, "tlsCertificates"],
      `has ${tlsCertificates.length} pairs; Envoy uses one of RSA and one of ECDSA`,
    );
  if (tlsCertificates.length === 0 && (!tls.serverCertificate || !tls.privateKey))
    check.fail(path, `mode ${mode} needs credentialName, or serverCertificate and privateKey`);
  for (const [i, { serverCertificate, privateKey }] of tlsCertificates.entries())
    if (!serverCertificate || !privateKey)
      check.fail([...path, "tlsCertificates", i], "needs serverCertificate and privateKey");
  if (mode !== "SIMPLE" && !tls.caCertificates) check.fail([...path, "caCertificates"], `is required for mode ${mode}`);
  if (mode === "SIMPLE" && caCrl)
    check.fail([...path, "caCrl"], "is about client certificates, which mode SIMPLE does not ask for");
}

function checkCiphers(tls: ServerTls, path: Path, check: Checker): void {
  const { cipherSuites = [], minProtocolVersion } = tls;
  if ((minProtocolVersion === "TLSV1_0" || minProtocolVersion === "TLSV1_1") && cipherSuites.length === 0)
    check.warn(
      [...path, "minProtocolVersion"],
      `${minProtocolVersion} needs cipherSuites that it has; the default ones are newer`,
    );
  const seen = new Set<string>();
  for (const [i, suite] of cipherSuites.entries()) {
    const at = [...path, "cipherSuites", i];
    if (!CIPHER_SUITES.has(suite)) check.warn(at, `"${suite}" is not a cipher suite; it is left out`);
    else if (seen.has(suite)) check.warn(at, `"${suite}" is set twice`);
    seen.add(suite);
  }
}
