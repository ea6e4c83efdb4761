import type { Path } from "@xebec/model-schema";
import type { Checker } from "../../rules/checker.ts";
import type { ClientTls } from "./client-tls.ts";

/** Where the certificates of a client come from (docs/reference/platform.md §3.11). */
export function checkClientTls(tls: ClientTls | undefined, path: Path, check: Checker): void {
  if (!tls) return;
  const { mode, sni, credentialName, clientCertificate, privateKey, caCertificates, caCrl } = tls;
  if (Buffer.byteLength(sni ?? "") > 255) check.fail([...path, "sni"], "is longer than 255 bytes");
  const files = clientCertificate || privateKey || caCertificates;
  if (mode === "ISTIO_MUTUAL") {
    if (files) check.fail(path, "mode ISTIO_MUTUAL uses the mesh's own certificates; files cannot be given");
    return;
  }
  if (mode !== "SIMPLE" && mode !== "MUTUAL") return;
  if (tls.insecureSkipVerify && (caCertificates || caCrl || tls.subjectAltNames?.length))
    check.fail([...path, "insecureSkipVerify"], "cannot be together with caCertificates, caCrl or subjectAltNames");
  if (credentialName) {
    if (files || caCrl)
      check.fail(
        [...path, "credentialName"],
        "cannot be together with files: the Secret has certificates, key and list",
      );
  } else if (mode === "MUTUAL" && (!clientCertificate || !privateKey))
    check.fail(path, "mode MUTUAL needs clientCertificate and privateKey, or credentialName");
}
