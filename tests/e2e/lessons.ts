import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { request } from "node:https";
import { join } from "node:path";
import { it } from "node:test";
import type { TLSSocket } from "node:tls";
import { waitFor } from "@xebec/core-async";
import { createTestCa } from "@xebec/testing-launch";
import { Load, type Mesh, pageIsWhole, reviewsTo } from "./mesh.ts";

const ONE_SECOND = 1_000;
const ALL_V1 = join(import.meta.dirname, "../../deploy/samples/bookinfo/networking/virtual-service-all-v1.yaml");

/** What a user tries with Bookinfo, on a mesh that runs: the same for six services and for one process. */
export function lessons(mesh: () => Mesh): void {
  it("shows the product page, and all three versions of reviews within 100 requests", async () => {
    const versions = new Set<string>();
    for (let i = 0; i < 100; i++) {
      const answer = await mesh().get("/productpage");
      assert.ok(pageIsWhole(answer), answer.body);
      versions.add(/data-version="(v\d)"/.exec(answer.body)?.[1] ?? "");
    }
    assert.deepEqual([...versions].sort(), ["v1", "v2", "v3"]);
  });

  it("takes a saved VirtualService up within a second, without a failed request", async () => {
    await using load = new Load(mesh());
    await load.more(20);
    mesh().copy("networking/virtual-service-all-v1.yaml", "routes.yaml");
    await allAre("v1");
    mesh().copy("networking/virtual-service-reviews-90-10.yaml", "routes.yaml");
    await waitFor("version 2 appears", 5_000, async () => (await mesh().reviewsVersion()) === "v2");
    const seen = { v1: 0, v2: 0, v3: 0 };
    for (let i = 0; i < 100; i++) seen[(await mesh().reviewsVersion()) as "v1"]++;
    assert.equal(seen.v3, 0);
    assert.ok(seen.v2 >= 1 && seen.v2 <= 30, `of 100 requests ${seen.v2} went to version 2`);
    mesh().copy("networking/virtual-service-reviews-jason-v2.yaml", "routes.yaml");
    // One answer proves nothing: one in ten of the rule before went to version 2 as well.
    await allAre("v2", { cookie: "user=jason" });
    await allAre("v1");
    await load.end();
    assert.deepEqual(load.failures, [], `of ${load.sent} requests`);
  });

  it("takes a VirtualService and a DestinationRule that change together without a failed request", async () => {
    await using load = new Load(mesh());
    await load.more(10);
    for (const version of ["v3", "v2", "v3"]) {
      const subset = `only-${version}-${Math.floor(load.sent)}`;
      mesh().save("routes.yaml", together(subset, version));
      await allAre(version);
      await load.more(30);
    }
    mesh().remove("routes.yaml");
    await waitFor("all versions again", 5_000, async () => (await mesh().reviewsVersion()) === "v1");
    await load.end();
    assert.deepEqual(load.failures, [], `of ${load.sent} requests`);
  });

  it("shows what the Envoy of a pod has, by istioctl's names, and that it is what pilot has sent", async () => {
    mesh().copy("networking/virtual-service-all-v1.yaml", "routes.yaml");
    await allAre("v1");
    const shown = async (...args: string[]): Promise<string> => {
      const { code, out, err } = await mesh().xebec(["proxy-config", ...args]);
      assert.equal(code, 0, err);
      return out.replaceAll(/ {2,}/g, " ");
    };
    const reviews = "reviews.default.svc.cluster.local";
    const clusters = await shown("clusters", "productpage-v1", "--fqdn", "reviews", "--subset", "v1");
    assert.match(clusters, /^SERVICE FQDN PORT SUBSET DIRECTION TYPE DESTINATION RULE$/m);
    assert.match(clusters, new RegExp(`^${reviews} 9080 v1 outbound EDS reviews.default$`, "m"));
    assert.match(await shown("routes", "productpage-v1"), / \/\* reviews\.default$/m);
    assert.match(await shown("listeners", "productpage-v1"), /Route: /);
    const healthy = await shown("ep", "productpage-v1", "--cluster", `outbound|9080|v1|${reviews}`);
    assert.match(healthy, /:9080 HEALTHY OK outbound\|9080\|v1\|/);
    assert.match(await shown("secret", "productpage-v1"), /^default Cert Chain ACTIVE true /m);
    const table = JSON.parse(await shown("routes", "istio-ingressgateway", "-o", "json")) as { name?: string }[];
    assert.ok(table.some(({ name }) => name?.startsWith("http.")));
    // Clusters, listeners, routes and extension configurations, of a sidecar and of a gateway.
    for (const pod of ["productpage-v1", "istio-ingressgateway"])
      await waitFor(`Envoy of ${pod} has what pilot has sent`, 5_000, async () => {
        const { code, out } = await mesh().xebec(["proxy-config", "diff", pod]);
        return code === 0 && out.match(/ Match$/gm)?.length === 4;
      });
    const explained = await mesh().xebec(["explain", "vs", "reviews"]);
    assert.match(explained.out, /in effect\n(.*\n)+productpage-v1.* route +http_proxy +virtualHost reviews\.default/);
    const way = await mesh().xebec(["explain", "request", "--from", "productpage-v1", "--to", "reviews:9080"]);
    assert.match(
      way.out,
      /cluster +outbound\|9080\|v1\|reviews.*\n(.*\n)+.*mutual TLS.*\n(.*\n)+The request passes: reviews-v1/,
    );
    const missing = await mesh().xebec(["proxy-config", "clusters", "nobody"]);
    assert.deepEqual([missing.code, missing.err], [1, 'xebec: no pod "nobody"; "xebec status" lists them\n']);
    mesh().remove("routes.yaml");
  });

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

  it("refuses a broken file with file, line, field and reason, and changes nothing", async () => {
    mesh().copy("networking/virtual-service-all-v1.yaml", "routes.yaml");
    await allAre("v1");
    mesh().save(
      "routes.yaml",
      "apiVersion: networking.istio.io/v1alpha3\nkind: VirtualService\nmetadata:\n  name: reviews\nspec:\n  hosts: [reviews]\n  http:\n  - route:\n    - destination: {host: reviews, subset: v3}\n      wieght: 3\n",
    );
    const refused = await waitFor("the error is reported", 5_000, async () =>
      (await mesh().conditions()).find((each) => each.status === "False"),
    );
    assert.equal(refused.object, "networking.istio.io/VirtualService/default/reviews");
    assert.deepEqual([refused.source, refused.line], ["routes.yaml", 10]);
    assert.match(refused.message, /spec\.http\[0\]\.route\[0\]\.wieght: unknown field; did you mean weight\?/);
    for (let i = 0; i < 10; i++) assert.equal(await mesh().reviewsVersion(), "v1");
    mesh().remove("routes.yaml");
    await waitFor(
      "the error is gone",
      5_000,
      async () => !(await mesh().conditions()).some((each) => each.status === "False"),
    );
    await waitFor("all versions again", 5_000, async () => (await mesh().reviewsVersion()) !== "v1");
  });

  it("carries SPIFFE identities under STRICT, and refuses a plaintext call to a pod's port", async () => {
    const { processes } = await mesh().status();
    const [pod, app] = processes.find((managed) => managed.name.includes("/details-v1"))?.addresses ?? [];
    assert.ok(pod && app);
    assert.equal(
      (await mesh().direct(pod, 9080, "/details/0")).status,
      200,
      "plaintext is accepted while nothing is set",
    );
    mesh().copy("security/mtls-strict.yaml", "strict.yaml");
    await waitFor("plaintext is refused", 5_000, () =>
      mesh()
        .direct(pod, 9080, "/details/0")
        .then(
          () => false,
          () => true,
        ),
    );
    for (let i = 0; i < 10; i++) assert.ok(pageIsWhole(await mesh().get("/productpage")));
    const stats = (await mesh().direct(pod, 15000, "/stats")).body;
    assert.ok(Number(/listener\.[\w.]+_9080\.ssl\.handshake: (\d+)/.exec(stats)?.[1]) > 0, "mutual TLS handshakes");
    const certificates = (await mesh().direct(pod, 15000, "/certs")).body;
    assert.match(certificates, /spiffe:\/\/cluster\.local\/ns\/default\/sa\/bookinfo-details/);
    mesh().remove("strict.yaml");
    await waitFor("plaintext is accepted again", 5_000, () =>
      mesh()
        .direct(pod, 9080, "/details/0")
        .then(
          ({ status }) => status === 200,
          () => false,
        ),
    );
  });

  it("crosses two Envoys on a call between pods", async () => {
    const { processes } = await mesh().status();
    const address = (name: string): string =>
      processes.find((managed) => managed.name.includes(`/${name}`))?.addresses[0] ?? "";
    const counter = async (host: string, pattern: RegExp): Promise<number> =>
      Number(pattern.exec((await mesh().direct(host, 15000, "/stats")).body)?.[1] ?? 0);
    const outbound = /cluster\.outbound\|9080\|\|details\.default\.svc\.cluster\.local;?\.upstream_rq_total: (\d+)/;
    const inbound = /cluster\.inbound\|9080\|\|;?\.upstream_rq_total: (\d+)/;
    const before = [await counter(address("productpage"), outbound), await counter(address("details"), inbound)];
    for (let i = 0; i < 5; i++) await mesh().get("/productpage");
    const after = [await counter(address("productpage"), outbound), await counter(address("details"), inbound)];
    assert.deepEqual([(after[0] ?? 0) - (before[0] ?? 0), (after[1] ?? 0) - (before[1] ?? 0)], [5, 5]);
  });

  it("denies what a denier rule matches, and asks nobody without a rule", async () => {
    const { processes } = await mesh().status();
    const ratings = processes.find((managed) => managed.name.includes("/ratings-v1"))?.addresses[0] ?? "";
    const asks = async (): Promise<boolean> => {
      const dump = (await mesh().direct(ratings, 15000, "/config_dump?resource=ecds_filters")).body;
      return dump.includes("ext_authz.v3.ExtAuthz") && !dump.includes("filter_enabled");
    };
    assert.equal(await asks(), false);
    mesh().save("routes.yaml", together("denied", "v3"));
    await allAre("v3");
    mesh().copy("policy/mixer-rule-deny-label.yaml", "deny.yaml");
    await waitFor("version 3 may not call ratings", ONE_SECOND * 3, async () =>
      (await mesh().get("/productpage")).body.includes("Ratings service is currently unavailable"),
    );
    mesh().save("routes.yaml", together("allowed", "v2"));
    await waitFor(
      "version 2 may",
      5_000,
      async () => pageIsWhole(await mesh().get("/productpage")) && (await mesh().reviewsVersion()) === "v2",
    );
    mesh().remove("deny.yaml");
    await waitFor("nobody asks any more", 5_000, async () => !(await asks()));
    mesh().remove("routes.yaml");
    await waitFor("all versions again", 5_000, async () => (await mesh().reviewsVersion()) === "v1");
  });

  it("says what every service makes of a change: apply, check and delete report rejections and end with 1", async () => {
    const handler = (spec: string): string =>
      `apiVersion: config.istio.io/v1alpha2\nkind: handler\nmetadata: { name: odd }\nspec: ${spec}\n---\n`;
    const rule = `apiVersion: config.istio.io/v1alpha2
kind: rule
metadata: { name: odd }
spec: { actions: [{ handler: nobody, instances: [none] }] }
`;
    // What is wrong in an object itself is refused before anything is written.
    const wrong = await mesh().xebec(["apply", "-f", "-"], handler("{ compiledAdapter: lischecker }") + rule);
    assert.equal(wrong.code, 2, wrong.err);
    assert.match(
      wrong.err,
      /refused, nothing was written\n {2}standard input:4: spec\.compiledAdapter: there is no adapter "lischecker"; did you mean listchecker\?/,
    );
    // What may come later, or what only the service knows, is said by the services.
    const text = handler("{ compiledAdapter: listchecker, params: { providerUrl: 'http://127.0.0.1/list' } }") + rule;
    const applied = await mesh().xebec(["apply", "-f", "-"], text);
    assert.equal(applied.code, 1, applied.err);
    assert.match(
      applied.err,
      /^error: handler default\/odd: refused by mixer-policy: spec\.params\.providerUrl: 127\.0\.0\.1 is a loopback address/m,
    );
    assert.match(
      applied.err,
      /^error: rule default\/odd: refused by mixer-policy, mixer-telemetry: nothing of the rule/m,
    );
    const again = await mesh().xebec(["apply", "-f", "-"], text);
    assert.deepEqual([again.code, /refused by mixer-policy/.test(again.err)], [1, true], again.err);
    const check = await mesh().xebec(["check"]);
    assert.deepEqual([check.code, /^FAILED +objects\/valid/m.test(check.out)], [1, true], check.out);
    const deleted = await mesh().xebec(["delete", "-f", "-"], text);
    assert.deepEqual([deleted.code, deleted.err], [0, ""]);
    await mesh().isGreen();
    const good = await mesh().xebec(["apply", "-f", ALL_V1]);
    assert.deepEqual([good.code, good.err], [0, ""], "with one process, too");
    for (let i = 0; i < 10; i++) assert.equal(await mesh().reviewsVersion(), "v1", "in effect when apply returns");
    const back = await mesh().xebec(["delete", "-f", ALL_V1]);
    assert.deepEqual([back.code, back.err], [0, ""]);
  });

  it("counts exactly the requests that were sent, with the right labels", async () => {
    const metrics = async (): Promise<string> => (await mesh().direct(mesh().address(8), 42422, "/metrics")).body;
    mesh().copy("networking/virtual-service-all-v1.yaml", "routes.yaml");
    await allAre("v1");
    const labels = { source_workload: "productpage-v1", destination_workload: "reviews-v1", response_code: "200" };
    const count = async (reporter: string): Promise<number> =>
      sum(await metrics(), "istio_requests_total", { ...labels, reporter });
    // Access logs are sent once a second: what came before must be counted before.
    const settle = (): Promise<number> =>
      waitFor("counters stand still", 15_000, async () => {
        const before = [await count("source"), await count("destination")];
        await new Promise((resolve) => setTimeout(resolve, 1_600));
        const after = [await count("source"), await count("destination")];
        return before.join() === after.join() ? (after[0] ?? 0) + 1 : undefined;
      });
    await settle();
    const before = { source: await count("source"), destination: await count("destination") };
    for (let i = 0; i < 50; i++) assert.equal(await mesh().reviewsVersion(), "v1");
    await waitFor(
      "50 requests are counted",
      10_000,
      async () =>
        (await count("source")) - before.source >= 50 && (await count("destination")) - before.destination >= 50,
      100,
    );
    await settle();
    assert.deepEqual(
      [(await count("source")) - before.source, (await count("destination")) - before.destination],
      [50, 50],
    );
    const text = await metrics();
    const line = text
      .split("\n")
      .find(
        (each) =>
          each.startsWith("istio_requests_total{") &&
          each.includes('reporter="destination"') &&
          each.includes('destination_workload="reviews-v1"') &&
          each.includes('source_workload="productpage-v1"'),
      );
    for (const label of [
      'connection_security_policy="mutual_tls"',
      'source_principal="cluster.local/ns/default/sa/bookinfo-productpage"',
      'destination_principal="cluster.local/ns/default/sa/bookinfo-reviews"',
      'destination_service="reviews.default.svc.cluster.local"',
      'destination_service_name="reviews"',
      'destination_version="v1"',
      'source_app="productpage"',
      'request_protocol="http"',
      'response_code="200"',
    ])
      assert.ok(line?.includes(label), `${label} in ${line}`);
    for (const name of [
      "istio_request_duration_seconds_bucket",
      "istio_request_bytes_count",
      "istio_response_bytes_sum",
    ])
      assert.ok(text.includes(name), name);
    mesh().remove("routes.yaml");
    await waitFor("all versions again", 5_000, async () => (await mesh().reviewsVersion()) !== "v1");
  });

  /** Waits until twelve requests in a row meet this version: more than chance gives when each version gets its share. */
  async function allAre(version: string, headers: Record<string, string> = {}): Promise<void> {
    await waitFor(`all requests go to ${version}`, 5_000, async () => {
      for (let i = 0; i < 12; i++) if ((await mesh().reviewsVersion(headers)) !== version) return false;
      return true;
    });
  }
}

/** A VirtualService and the DestinationRule with its subset, in one file. */
function together(subset: string, version: string): string {
  return `${reviewsTo(subset)}---
apiVersion: networking.istio.io/v1alpha3
kind: DestinationRule
metadata: {name: reviews-subset}
spec:
  host: reviews
  subsets:
  - {name: ${subset}, labels: {version: ${version}}}
`;
}

/** The sum of the samples of a metric that have these labels. */
function sum(text: string, name: string, labels: Record<string, string>): number {
  let total = 0;
  for (const line of text.split("\n")) {
    if (!line.startsWith(`${name}{`)) continue;
    if (Object.entries(labels).every(([label, value]) => line.includes(`${label}="${value}"`)))
      total += Number(line.slice(line.lastIndexOf(" ") + 1));
  }
  return total;
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
