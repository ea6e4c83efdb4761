import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { request } from "node:https";
import { join } from "node:path";
import { it } from "node:test";
import type { TLSSocket } from "node:tls";
import { waitFor } from "@xebec/core-async";
import { createTestCa } from "@xebec/testing-launch";
import { Load, type Mesh } from "../mesh.ts";

/** HTTPS at the ingress. */
export function httpsLessons(mesh: () => Mesh): void {
  it("serves HTTPS with the certificate of a Secret, which is renewed without a cut and stands in no log", async () => {
    const ca = createTestCa("lesson");
    const { port } = new URL((await mesh().status()).secureIngress);
    const peer = async (): Promise<string> => (await secureStatus(Number(port), ca.cert)).join(" ");
    const secret = (name: string): string => {
      const { cert, key } = ca.issue({ commonName: name, dns: ["shop.example.com"] });
      mesh().save("secret.yaml", JSON.stringify(tlsSecret("shop-credential", cert, key)));
      return key;
    };
    mesh().save("secure.yaml", SECURE_GATEWAY);
    await waitFor("the condition names the Secret", 5_000, async () =>
      (await mesh().conditions()).some(({ message }) => message.includes("no Secret istio-system/shop-credential")),
    );
    const keys = [secret("first")];
    await waitFor("HTTPS is served", 10_000, async () => (await peer()) === "200 first");
    await using load = new Load(mesh());
    await load.more(5);
    keys.push(secret("second"));
    await waitFor("the new certificate is served", 5_000, async () => (await peer()) === "200 second");
    await load.end();
    assert.deepEqual(load.failures, []);
    const logs = join(mesh().runDir, "logs");
    // As it stands in PEM, and as it stands in the Secret.
    const secrets = keys.flatMap((key) => [
      key.split("\n")[5] as string,
      Buffer.from(key).toString("base64").slice(200, 260),
    ]);
    for (const file of readdirSync(logs)) {
      const text = readFileSync(join(logs, file), "utf8");
      for (const each of secrets) assert.ok(!text.includes(each), `${file} has a private key`);
    }
    for (const file of ["secure.yaml", "secret.yaml"]) mesh().remove(file);
  });
}

const SECURE_GATEWAY = `
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: { name: secure }
spec:
  selector: { istio: ingressgateway }
  servers:
    - port: { number: 443, name: https, protocol: HTTPS }
      hosts: [shop.example.com]
      tls: { mode: SIMPLE, credentialName: shop-credential }
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: secure }
spec:
  hosts: [shop.example.com]
  gateways: [secure]
  http:
    - route: [{ destination: { host: productpage, port: { number: 9080 } } }]
`;

function tlsSecret(name: string, cert: string, key: string): object {
  const metadata = { name, namespace: "istio-system" };
  const data = { "tls.crt": Buffer.from(cert).toString("base64"), "tls.key": Buffer.from(key).toString("base64") };
  return { apiVersion: "v1", kind: "Secret", type: "kubernetes.io/tls", metadata, data };
}

/** Asks for the product page by HTTPS. @returns the status and the name in the server's certificate; nothing when it is refused */
function secureStatus(port: number, ca: string): Promise<(string | number)[]> {
  return new Promise((resolve) => {
    const servername = "shop.example.com";
    const options = { host: "127.0.0.1", port, servername, ca, path: "/productpage", agent: false };
    request({ ...options, headers: { host: servername } }, (res) => {
      const { subject } = (res.socket as TLSSocket).getPeerCertificate();
      res.resume().on("end", () => resolve([res.statusCode ?? 0, String(subject.CN)]));
    })
      .on("error", () => resolve([]))
      .end();
  });
}
