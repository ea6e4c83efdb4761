import { X509Certificate } from "node:crypto";
import { type ConfigDump, type DumpedSecret, type Json, object, string } from "./dump.ts";
import type { Shown } from "./table.ts";

/**
 * `istioctl proxy-config secret` (docs/reference/pilot.md §8.2). Envoy redacts private keys in its dump.
 * @param now milliseconds since 1970
 */
export function showSecrets({ secrets, sections }: ConfigDump, now: number): Shown {
  return {
    header: ["RESOURCE NAME", "TYPE", "STATUS", "VALID CERT", "SERIAL NUMBER", "NOT AFTER", "NOT BEFORE"],
    rows: secrets.flatMap((each) => rowsOf(each, now)),
    type: "envoy.admin.v3.SecretsConfigDump",
    resources: sections.get("SecretsConfigDump") ?? {},
  };
}

function rowsOf({ name, status, secret }: DumpedSecret, now: number): string[][] {
  const chain = object(object(secret?.tls_certificate)?.certificate_chain);
  const roots = object(object(secret?.validation_context)?.trusted_ca);
  const source = chain ?? roots;
  const head = [name, chain ? "Cert Chain" : roots ? "CA" : "", status];
  const pem = source && pemOf(source);
  const [first] = pem?.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? [];
  const certificate = first && parsed(first);
  if (!certificate) return [[...head, "false", "", "", ""]];
  const [from, to] = [Date.parse(certificate.validFrom), Date.parse(certificate.validTo)];
  return [
    [
      ...head,
      String(from <= now && now < to),
      certificate.serialNumber.toLowerCase(),
      new Date(to).toISOString().replace(".000", ""),
      new Date(from).toISOString().replace(".000", ""),
    ],
  ];
}

/** @returns undefined for what is not a certificate */
function parsed(pem: string): X509Certificate | undefined {
  try {
    return new X509Certificate(pem);
  } catch {
    return undefined;
  }
}

function pemOf(source: Json): string {
  if (source.inline_string !== undefined) return string(source.inline_string);
  return Buffer.from(string(source.inline_bytes), "base64").toString();
}

/** The roots that a proxy trusts, PEM; empty when it has none. For `rootca-compare`. */
export function rootsOf({ secrets }: ConfigDump): string {
  const root = secrets.find(({ name }) => name === "ROOTCA");
  const source = object(object(root?.secret?.validation_context)?.trusted_ca);
  return source ? pemOf(source).trim() : "";
}

/** The SPIFFE identity of a proxy's own certificate; empty when it has none. */
export function identityOf({ secrets }: ConfigDump): string {
  const own = secrets.find(({ name, secret }) => name === "default" && secret?.tls_certificate !== undefined);
  const chain = object(object(own?.secret?.tls_certificate)?.certificate_chain);
  const names = (chain && parsed(pemOf(chain))?.subjectAltName) ?? "";
  return /URI:(spiffe:\/\/[^,\s]+)/.exec(names)?.[1] ?? "";
}
