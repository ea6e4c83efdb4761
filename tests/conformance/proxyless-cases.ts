// What gRPC's own clients and servers do in a mesh, whatever language they are in.
import assert from "node:assert/strict";
import { it } from "node:test";
import type { WorkloadRecord } from "@xebec/model-workloads";
import type { GrpcMesh } from "./proxyless-mesh.ts";

/** What came of some calls. */
export interface Outcome {
  /** Answers by `SERVER IDENTITY-OF-THE-CLIENT`. */
  readonly by: Readonly<Record<string, number>>;
  /** Calls without one by their status, in capitals. */
  readonly errors: Readonly<Record<string, number>>;
}

export interface Calls {
  readonly count: number;
  /** Goes on until there were so many different answers. */
  readonly until?: number;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Makes calls to a target as the account `client`, one after the other. */
export type MakeCalls = (target: string, calls: Calls) => Promise<Outcome>;

/** Servers v1 and v2 of a service. A library's server may take its port on every address, so each has one of its own. */
export interface EchoServer {
  readonly ip: string;
  readonly port: number;
}

/** The port of the service `echo`. */
export const SERVICE_PORT = 7070;

/** The records of the service `echo` with these servers, v1 and v2, which run as the account `echo`. */
export function echoRecords(servers: readonly EchoServer[]): WorkloadRecord[] {
  const pods = servers.map(({ ip, port }, i) => ({ ip, port, name: `echo-v${i + 1}`, version: `v${i + 1}` }));
  return [
    {
      ...{ type: "service", namespace: "default", name: "echo", hostname: "echo.default.svc.cluster.local" },
      ...{ addresses: ["10.96.0.9"], selector: { app: "echo" } },
      ports: [{ name: "grpc", port: SERVICE_PORT, targetPort: "grpc", protocol: "TCP" }],
    },
    ...pods.map(
      ({ ip, port, name, version }): WorkloadRecord => ({
        ...{ type: "pod", namespace: "default", name, uid: "", ip, ready: true, labels: { app: "echo", version } },
        ...{ serviceAccount: "echo", ports: [{ name: "grpc", containerPort: port, protocol: "TCP" }] },
        workload: { kind: "Deployment", name: "echo" },
      }),
    ),
    {
      ...{ type: "endpoints", namespace: "default", name: "echo" },
      subsets: pods.map(({ ip, port, name }) => ({
        addresses: [{ ip, ready: true, pod: `default/${name}` }],
        ports: [{ name: "grpc", port }],
      })),
    },
  ];
}

const CLIENT = "spiffe://cluster.local/ns/default/sa/client";

export function cases(mesh: () => GrpcMesh, call: MakeCalls): void {
  const service = "echo";
  const port = SERVICE_PORT;
  const target = `${service}.default.svc.cluster.local:${port}`;
  const rule = (policy = ""): string => `
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: ${service}, namespace: default }
spec:
  host: ${service}
  ${policy && `trafficPolicy: ${policy}`}
  subsets: [{ name: v1, labels: { version: v1 } }, { name: v2, labels: { version: v2 } }]
---
`;
  const routes = (http: string): string => `
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: ${service}, namespace: default }
spec:
  hosts: [${service}]
  http: ${http}
---
`;
  const STRICT = `
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: { name: strict, namespace: default }
spec: { mtls: { mode: STRICT } }
---
`;
  const to = (subset: string): string => `route: [{ destination: { host: ${service}, subset: ${subset} } }]`;

  for (const name of [target, `${service}:${port}`, service])
    it(`shares calls to ${name} out to all servers, without any object`, async () => {
      const { by, errors } = await call(name, { count: 20, until: 2 });
      assert.deepEqual(errors, {});
      assert.deepEqual(Object.keys(by).sort(), ["v1 plaintext", "v2 plaintext"]);
    });

  it("shares calls out by weight", async () => {
    const weights = `[{ route: [{ destination: { host: ${service}, subset: v1 }, weight: 80 }, { destination: { host: ${service}, subset: v2 }, weight: 20 }] }]`;
    await mesh().during(`${rule()}${routes(weights)}`, async () => {
      const { by, errors } = await call(target, { count: 300 });
      assert.deepEqual(errors, {});
      const second = by["v2 plaintext"] ?? 0;
      // 60 are expected, and the standard deviation is 7.
      assert.ok(second > 20 && second < 110, JSON.stringify(by));
      assert.equal(second + (by["v1 plaintext"] ?? 0), 300);
    });
  });

  it("chooses by headers, also by their absence, and by the method", async () => {
    const http = `
    - { match: [{ headers: { user: { exact: jason } } }], ${to("v2")} }
    - { match: [{ uri: { exact: /grpc.health.v1.Health/Check }, withoutHeaders: { user: { exact: eve } } }], ${to("v1")} }
    - { match: [{ queryParams: { a: { exact: b } } }], ${to("v1")} }
    - { ${to("v2")} }`;
    await mesh().during(`${rule()}${routes(http)}`, async () => {
      const by = async (headers: Readonly<Record<string, string>>): Promise<unknown> =>
        (await call(target, { count: 4, headers })).by;
      assert.deepEqual(await by({ user: "jason" }), { "v2 plaintext": 4 });
      assert.deepEqual(await by({}), { "v1 plaintext": 4 });
      assert.deepEqual(await by({ user: "ann" }), { "v1 plaintext": 4 });
      assert.deepEqual(await by({ user: "eve" }), { "v2 plaintext": 4 });
    });
  });

  it("injects faults", async () => {
    const http = `[{ fault: { abort: { grpcStatus: RESOURCE_EXHAUSTED, percentage: { value: 100 } } }, ${to("v1")} }]`;
    await mesh().during(`${rule()}${routes(http)}`, async () => {
      assert.deepEqual(await call(target, { count: 3 }), { by: {}, errors: { RESOURCE_EXHAUSTED: 3 } });
    });
  });

  it("speaks mutual TLS where a DestinationRule and a PeerAuthentication ask for it", async () => {
    await mesh().during(`${rule("{ tls: { mode: ISTIO_MUTUAL } }")}${STRICT}`, async () => {
      const { by, errors } = await call(target, { count: 4, until: 2 });
      assert.deepEqual(errors, {});
      assert.deepEqual(Object.keys(by).sort(), [`v1 ${CLIENT}`, `v2 ${CLIENT}`]);
    });
  });

  it("takes no plaintext where a PeerAuthentication is strict", async () => {
    await mesh().during(STRICT, async () => {
      const { by, errors } = await call(target, { count: 1 });
      assert.deepEqual([by, errors], [{}, { UNAVAILABLE: 1 }]);
    });
  });

  it("takes no server of another name", async () => {
    const names = `{ tls: { mode: ISTIO_MUTUAL, subjectAltNames: ["spiffe://cluster.local/ns/default/sa/other"] } }`;
    await mesh().during(`${rule(names)}${STRICT}`, async () => {
      const { by, errors } = await call(target, { count: 1 });
      assert.deepEqual([by, errors], [{}, { UNAVAILABLE: 1 }]);
    });
  });

  it("obeys AuthorizationPolicies of who calls and of what is called", async () => {
    const policy = (name: string, spec: string): string => `
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: { name: ${name}, namespace: default }
spec: ${spec}
---
`;
    const mutual = `${rule("{ tls: { mode: ISTIO_MUTUAL } }")}${STRICT}`;
    const selector = `selector: { matchLabels: { app: ${service} } }`;
    const [allowed, denied] = ["", "PERMISSION_DENIED"];
    const from = (account: string): string =>
      `from: [{ source: { principals: [cluster.local/ns/default/sa/${account}] } }]`;
    const policies = [
      ["only-other", `{ ${selector}, rules: [{ ${from("other")} }] }`, denied],
      ["only-client", `{ ${selector}, rules: [{ ${from("client")} }] }`, allowed],
      ["not-client", `{ ${selector}, action: DENY, rules: [{ ${from("client")} }] }`, denied],
      [
        "paths",
        `{ ${selector}, action: DENY, rules: [{ to: [{ operation: { paths: ["/grpc.health.v1.Health/{*}"] } }] }] }`,
        denied,
      ],
      [
        "other-paths",
        `{ ${selector}, action: DENY, rules: [{ to: [{ operation: { paths: ["/a/{*}"] } }] }] }`,
        allowed,
      ],
      // Nobody can be asked.
      [
        "custom",
        `{ ${selector}, action: CUSTOM, provider: { name: nobody }, rules: [{ to: [{ operation: { paths: ["/*"] } }] }] }`,
        denied,
      ],
    ] as const;
    await mesh().during(mutual, async () => {
      for (const [name, spec, expected] of policies)
        await mesh().during(policy(name, spec), async () => {
          const { by, errors } = await call(target, { count: 2 });
          assert.equal(Object.keys(errors).join(), expected, name);
          assert.equal(Object.keys(by).length > 0, expected === "", name);
        });
    });
  });
}
