// A Go program that connects as a pilot-agent of Istio 1.29 does, against citadel and pilot.
import assert from "node:assert/strict";
import { createPrivateKey, type KeyObject, sign } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { after, before, describe, it } from "node:test";
import { CitadelConfig, citadelComponents } from "@xebec/citadel-server";
import { waitFor } from "@xebec/core-async";
import { configOf } from "@xebec/core-config";
import { type Component, compose } from "@xebec/core-lifecycle";
import { createMetrics } from "@xebec/core-metrics";
import { generateKey, signToken, TOKEN_AUDIENCE, TOKEN_ISSUER } from "@xebec/model-pki";
import { encodeWorkloadRecord, type WorkloadRecord, workloadKey } from "@xebec/model-workloads";
import { PilotConfig, pilotComponents, todaysNames } from "@xebec/pilot-xds-server";
import { createMemoryBus, createRevisionWriter } from "@xebec/platform-bus";
import { serviceIdentity } from "@xebec/platform-identity";
import { freePorts, tempDir } from "@xebec/testing-launch";
import { goProgram, withoutGo } from "./go.ts";

const SERVICE: WorkloadRecord = {
  ...{ type: "service", namespace: "default", name: "reviews", hostname: "reviews.default.svc.cluster.local" },
  ...{ addresses: ["10.96.0.1"], selector: { app: "reviews" } },
  ports: [{ name: "http", port: 9080, targetPort: 9080, protocol: "TCP" }],
};
const ENDPOINTS: WorkloadRecord = {
  ...{ type: "endpoints", namespace: "default", name: "reviews" },
  subsets: [{ addresses: [{ ip: "10.0.0.7", ready: true }], ports: [{ name: "http", port: 9080 }] }],
};
const REVIEWS = { namespace: "default", serviceAccount: "reviews" };

interface Result {
  readonly error?: string;
  readonly message?: string;
  readonly identity?: string;
  readonly acknowledged?: Readonly<Record<string, number>>;
  readonly debug?: readonly string[];
  readonly controlPlane?: string;
}

describe("a Go agent", { skip: withoutGo }, () => {
  const folder = tempDir();
  const started: Component[] = [];
  let key: KeyObject;
  let agent: (...flags: readonly string[]) => Promise<Result>;
  before(async () => {
    const [ca = 0, secure = 0, http = 0, monitoring = 0] = await freePorts(4, "127.0.0.1");
    const bus = createMemoryBus();
    const dir = folder.file("citadel");
    const citadel = citadelComponents({
      config: configOf(CitadelConfig, { "storage-dir": dir, address: "127.0.0.1", "grpc-port": ca }),
      ...{ bus, withMonitoring: false },
    });
    const workloads = createRevisionWriter({ bus, bucket: "workloads", source: "local" });
    const config = createRevisionWriter({ bus, bucket: "config", source: "galley" });
    const base = compose("base", [bus, ...citadel, workloads, config]);
    await base.start(new AbortController().signal);
    started.push(base);
    key = createPrivateKey(readFileSync(`${dir}/token-key.pem`));
    const own = signToken(key, { namespace: "istio-system", serviceAccount: "istio-pilot-service-account" }, 600);
    writeFileSync(folder.file("pilot.token"), own);
    const flags = configOf(PilotConfig, {
      ...{ caAddr: `127.0.0.1:${ca}`, caRootFile: `${dir}/root-cert.pem`, caTokenFile: folder.file("pilot.token") },
      ...{ grpcAddr: "", secureGrpcAddr: `127.0.0.1:${secure}`, registries: ["Bus"] },
      ...{ httpAddr: `127.0.0.1:${http}`, monitoringAddr: `127.0.0.1:${monitoring}` },
    });
    const tls = serviceIdentity(flags, {
      ...{
        serverName: "istio-pilot.istio-system.svc",
        otherNames: todaysNames("istio-system"),
        metrics: createMetrics(),
      },
    });
    assert.ok(tls);
    const pilot = compose("pilot", [tls, ...pilotComponents({ config: flags, bus, tls })]);
    await pilot.start(new AbortController().signal);
    started.push(pilot);
    await workloads.replace(
      new Map([SERVICE, ENDPOINTS].map((each) => [workloadKey(each), encodeWorkloadRecord(each)])),
    );
    await config.replace(new Map());
    await waitFor("pilot has its certificate and its state", 20_000, () => (pilot.missing?.() ?? []).length === 0);
    const program = await goProgram("agent");
    agent = async (...more) =>
      (await program(`-address=127.0.0.1:${secure}`, `-root=${dir}/root-cert.pem`, ...more)) as Result;
  });
  after(async () => {
    for (const each of started.toReversed()) await each.close?.();
    folder.remove();
  });

  let files = 0;
  const withToken = (token: string): string => {
    const path = folder.file(`token-${++files}`);
    writeFileSync(path, token);
    return `-token=${path}`;
  };
  const valid = (): string => withToken(signToken(key, REVIEWS, 600));
  const now = (): number => Math.floor(Date.now() / 1_000);
  /** A token with any claims, signed as it should be. */
  const tokenOf = (claims: object, by = key): string => {
    const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");
    const sub = "system:serviceaccount:default:reviews";
    const whole = { iss: TOKEN_ISSUER, aud: [TOKEN_AUDIENCE], sub, iat: now(), exp: now() + 600, ...claims };
    const text = `${part({ alg: "ES256", typ: "JWT" })}.${part(whole)}`;
    return `${text}.${sign("sha256", Buffer.from(text), { key: by, dsaEncoding: "ieee-p1363" }).toString("base64url")}`;
  };

  for (const [how, flags] of [
    ["its token", []],
    ["the certificate that it got", ["-with-certificate"]],
  ] as const)
    it(`gets a certificate and acknowledges all types at one address, with ${how}`, async () => {
      const { error, message, identity, acknowledged = {} } = await agent(valid(), ...flags);
      assert.deepEqual([error, message], [undefined, undefined]);
      assert.equal(identity, "spiffe://cluster.local/ns/default/sa/reviews");
      assert.deepEqual(Object.keys(acknowledged).sort(), [
        ...["config.cluster.v3.Cluster", "config.endpoint.v3.ClusterLoadAssignment"],
        ...["config.listener.v3.Listener", "config.route.v3.RouteConfiguration"],
      ]);
      for (const [type, count] of Object.entries(acknowledged)) assert.ok(count > 0, type);
    });

  for (const [what, flags, error, message] of [
    [
      "without a token",
      () => [],
      "Unauthenticated",
      /no client certificate is presented; no bearer token is presented/,
    ],
    ["with no token at all", () => [withToken("abc")], "Unauthenticated", /the token is not a JWT/],
    [
      "with one that has expired",
      () => [withToken(tokenOf({ iat: now() - 900, exp: now() - 300 }))],
      "Unauthenticated",
      /has expired/,
    ],
    [
      "with one that is not valid yet",
      () => [withToken(tokenOf({ nbf: now() + 300 }))],
      "Unauthenticated",
      /is not valid yet/,
    ],
    ["with one for somebody else", () => [withToken(tokenOf({ aud: ["api"] }))], "Unauthenticated", /another audience/],
    [
      "with one of another key",
      () => [withToken(tokenOf({}, generateKey("P-256")))],
      "Unauthenticated",
      /a key that is not known/,
    ],
    [
      "as another account",
      () => [valid(), "-account=ratings"],
      "PermissionDenied",
      /service account ratings.*sa\/reviews/,
    ],
    ["of another namespace", () => [valid(), "-namespace=prod"], "PermissionDenied", /namespace prod/],
  ] as const)
    it(`is refused ${what}`, async () => {
      const result = await agent("-skip-certificate", ...flags());
      assert.equal(result.error, error);
      assert.match(result.message ?? "", message);
    });

  it("is told the state of the proxies as istioctl asks for it, in the namespace of the control plane", async () => {
    const operator = withToken(signToken(key, { namespace: "istio-system", serviceAccount: "operator" }, 600));
    const flags = ["-skip-certificate", "-namespace=istio-system", "-account=operator", operator];
    const { error, debug, controlPlane } = await agent(...flags, "-debug=istio.io/debug/syncz");
    assert.deepEqual([error, debug], [undefined, undefined]);
    assert.equal(JSON.parse(controlPlane ?? "{}").Component, "istiod");
  });

  it("gets no certificate without a token", async () => {
    const result = await agent();
    assert.equal(result.error, "Unauthenticated");
    assert.match(result.message ?? "", /are asked for with a token/);
  });
});
