import type { Path } from "@xebec/model-schema";
import type { Checker } from "../../rules/checker.ts";
import type { GatewayServer } from "./schema.ts";

/** What BoringSSL knows by these names. */
const CIPHERS = new Set([
  ...["ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-RSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES256-GCM-SHA384"],
  ...["ECDHE-RSA-AES256-GCM-SHA384", "ECDHE-ECDSA-CHACHA20-POLY1305", "ECDHE-RSA-CHACHA20-POLY1305"],
  ...["ECDHE-ECDSA-AES128-SHA", "ECDHE-RSA-AES128-SHA", "ECDHE-ECDSA-AES256-SHA", "ECDHE-RSA-AES256-SHA"],
  ...["AES128-GCM-SHA256", "AES256-GCM-SHA384", "AES128-SHA", "AES256-SHA", "DES-CBC3-SHA"],
]);

/**
 * Rules of the TLS of a gateway's server: where its certificates come from, and what goes unheeded
 * (docs/reference/platform.md §3.11).
 */
export function checkServerTls(tls: GatewayServer["tls"], path: Path, check: Checker): void {
  if (!tls) return;
  const { mode = "PASSTHROUGH", credentialName, serverCertificate, privateKey, caCertificates } = tls;
  checkCiphers(tls, path, check);
  const files = serverCertificate || privateKey || caCertificates;
  if (mode === "ISTIO_MUTUAL") {
    if (credentialName || files)
      check.fail(path, "mode ISTIO_MUTUAL uses the mesh's own certificates; none can be given");
    return;
  }
  if (mode === "PASSTHROUGH" || mode === "AUTO_PASSTHROUGH") {
    if (credentialName || files)
      check.warn(path, `mode ${mode} uses no certificates; those that are given have no effect`);
    if (credentialName && serverCertificate && privateKey) failBoth(path, check);
    return;
  }
  if (credentialName) {
    if (serverCertificate && privateKey) failBoth(path, check);
    return;
  }
  if (!serverCertificate || !privateKey)
    check.fail(path, `mode ${mode} needs credentialName, or serverCertificate and privateKey`);
  if (mode !== "SIMPLE" && !caCertificates) check.fail([...path, "caCertificates"], `is required for mode ${mode}`);
}

function failBoth(path: Path, check: Checker): void {
  check.fail(path, "give credentialName, or serverCertificate and privateKey, not both");
}

function checkCiphers(tls: NonNullable<GatewayServer["tls"]>, path: Path, check: Checker): void {
  const { cipherSuites = [], minProtocolVersion } = tls;
  if ((minProtocolVersion === "TLSV1_0" || minProtocolVersion === "TLSV1_1") && cipherSuites.length === 0)
    check.warn(
      [...path, "minProtocolVersion"],
      `${minProtocolVersion} needs cipherSuites that it has; the default ones are newer`,
    );
  const seen = new Set<string>();
  for (const [i, suite] of cipherSuites.entries()) {
    const at = [...path, "cipherSuites", i];
    // Operators of OpenSSL's lists are not taken apart.
    const isName = /^[A-Za-z0-9]/.test(suite) && suite !== "ALL";
    if (isName && !CIPHERS.has(suite)) check.warn(at, `"${suite}" is not a cipher suite; it is left out`);
    else if (seen.has(suite)) check.warn(at, `"${suite}" is set twice`);
    seen.add(suite);
  }
}
