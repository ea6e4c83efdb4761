import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parseCertificate, splitCertificates } from "@xebec/model-pki";
import { requestCertificate } from "@xebec/platform-identity";
import { print } from "../output.ts";

/** `xebec ca certificate`: a certificate for whom a token stands, to see whether citadel works. */
export async function caCertificate(options: {
  /** `HOST:PORT`. */
  readonly caAddr: string;
  readonly root: string;
  readonly token: string;
  /** Seconds. */
  readonly lifetime: number;
  readonly output?: string;
}): Promise<number> {
  const signed = await requestCertificate(
    {
      ...{ caAddress: options.caAddr, caRootFile: options.root, tokenFile: options.token },
      ...{ keyType: "P-256", ttlMs: options.lifetime * 1_000, names: {}, roots: "" },
    },
    AbortSignal.timeout(30_000),
  );
  const [own = ""] = splitCertificates(signed.cert);
  const { x509 } = parseCertificate(own, "the certificate of citadel");
  print(`${x509.subjectAltName}, valid until ${new Date(signed.notAfter).toISOString()}`);
  const { output } = options;
  if (!output) return 0;
  await mkdir(output, { recursive: true, mode: 0o700 });
  await writeFile(join(output, "key.pem"), signed.key, { mode: 0o600 });
  await writeFile(join(output, "cert-chain.pem"), signed.cert);
  await writeFile(join(output, "root-cert.pem"), signed.roots);
  return 0;
}
