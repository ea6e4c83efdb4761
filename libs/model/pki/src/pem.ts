import { XebecError } from "@xebec/core-errors";

/** Writes a PEM block (RFC 7468) that ends with a line break. */
export function pemBlock(label: string, der: Uint8Array): string {
  const text = Buffer.from(der.buffer, der.byteOffset, der.byteLength).toString("base64");
  let lines = "";
  for (let at = 0; at < text.length; at += 64) lines += `${text.slice(at, at + 64)}\n`;
  return `-----BEGIN ${label}-----\n${lines}-----END ${label}-----\n`;
}

/**
 * The content of the only PEM block of a text.
 * @param labels the labels that are taken
 * @throws XebecError invalid_argument when there is no such block, or something else beside it
 */
export function readPem(text: string, labels: readonly string[]): Buffer {
  const match = /^\s*-----BEGIN ([A-Z0-9 ]+)-----\r?\n([A-Za-z0-9+/=\r\n]+)-----END ([A-Z0-9 ]+)-----\s*$/.exec(text);
  if (!match || match[1] !== match[3] || !labels.includes(match[1] as string))
    throw new XebecError("invalid_argument", `the text is not one PEM block of type ${labels.join(" or ")}`);
  return Buffer.from(match[2] as string, "base64");
}

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----/g;

/** Takes a PEM bundle apart: every certificate as a text of its own that ends with a line break. */
export function splitCertificates(bundle: string): string[] {
  return (bundle.match(CERTIFICATE) ?? []).map((each) => `${each}\n`);
}

/** Joins certificates or bundles to one bundle; a certificate that comes twice is kept once. */
export function joinCertificates(bundles: readonly string[]): string {
  const seen = new Map<string, string>();
  for (const each of bundles.flatMap(splitCertificates)) seen.set(each.replace(/\s/g, ""), each);
  return [...seen.values()].join("");
}
