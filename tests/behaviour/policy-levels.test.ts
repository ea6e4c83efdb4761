import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { type Lab, openLab } from "./lab/lab.ts";
import { host } from "./lab/mesh.ts";

type Policy = Readonly<Record<string, object>>;

const rule = (
  name: string,
  spec: { readonly host: string; readonly [field: string]: unknown },
  metadata: object = {},
) => ({
  apiVersion: "networking.istio.io/v1",
  kind: "DestinationRule",
  metadata: {
    name: `${spec.host}-${name}`,
    namespace: "default",
    creationTimestamp: "2026-01-01T00:00:00Z",
    ...metadata,
  },
  spec,
});
const YOUNGER = { creationTimestamp: "2026-02-01T00:00:00Z" };
/** Each part of a policy in two forms that the servers can distinguish. */
const h2 = { connectionPool: { http: { h2UpgradePolicy: "UPGRADE" } } };
const h1 = { connectionPool: { http: { h2UpgradePolicy: "DO_NOT_UPGRADE" } } };
const sticky = { loadBalancer: { consistentHash: { httpHeaderName: "x-user" } } };
const spread = { loadBalancer: { simple: "ROUND_ROBIN" } };

/** What a rule says on its four levels, and what then becomes of requests to port 80 of the subset. */
const LEVELS: readonly (readonly [
  string,
  { rule?: Policy; port?: Policy; subset?: Policy; subsetPort?: Policy },
  string,
])[] = [
  ["nothing is said", {}, "HTTP/1.1 to all"],
  ["the rule speaks", { rule: { ...h2, ...sticky } }, "HTTP/2 to one"],
  ["its port speaks, and leaves nothing of it", { rule: { ...h1, ...sticky }, port: h2 }, "HTTP/2 to all"],
  ["the subset speaks over the rule, part by part", { rule: { ...h1, ...sticky }, subset: h2 }, "HTTP/2 to one"],
  ["the subset speaks over the rule's port", { port: h1, subset: h2 }, "HTTP/2 to all"],
  ["the rule's port has a part that the subset has not", { port: { ...h1, ...sticky }, subset: h2 }, "HTTP/2 to one"],
  [
    "the subset has a part, and the rule's port leaves nothing of the rule beside it",
    { rule: { ...h2, ...sticky }, port: spread, subset: h2 },
    "HTTP/2 to all",
  ],
  [
    "the subset's port speaks, and leaves nothing of all others",
    { rule: { ...h1, ...sticky }, port: { ...h1, ...sticky }, subset: { ...h1, ...sticky }, subsetPort: h2 },
    "HTTP/2 to all",
  ],
];

/** A policy of what is said for all ports and for port 80. */
const policyOf = (all: Policy = {}, port?: Policy): object => {
  const list = port ? { portLevelSettings: [{ port: { number: 80 }, ...port }] } : {};
  const trafficPolicy = { ...all, ...list };
  return Object.keys(trafficPolicy).length > 0 ? { trafficPolicy } : {};
};

const pods = (name: string, i: number) =>
  ["a", "b"].map((each, j) => ({ name: `${name}-${each}`, ip: `10.30.${i}.${j + 1}`, labels: { version: "v1" } }));
const levelHosts = LEVELS.map((_, i) => host(`level${i}`, { pods: pods(`level${i}`, i) }));

/** Several rules for one host. */
const MERGED: readonly (readonly [string, object[], string])[] = [
  [
    "a subset of a younger rule is there with the older's policy",
    [
      rule("b", { host: "merged0", subsets: [{ name: "v1", labels: { version: "v1" } }] }, YOUNGER),
      rule("a", { host: "merged0", trafficPolicy: h2 }),
    ],
    "HTTP/2 to all",
  ],
  [
    "a subset of both has the older's labels and policy",
    [
      rule("b", { host: "merged1", subsets: [{ name: "v1", trafficPolicy: { ...h1, ...sticky } }] }, YOUNGER),
      rule("a", { host: "merged1", subsets: [{ name: "v1", labels: { version: "v1" }, trafficPolicy: h2 }] }),
    ],
    "HTTP/2 to all",
  ],
  [
    "a younger rule that is exported elsewhere does not merge",
    [
      rule("b", { host: "merged2", exportTo: ["*"], trafficPolicy: h2 }, YOUNGER),
      rule("a", {
        ...{ host: "merged2", exportTo: [".", "shop"] },
        subsets: [{ name: "v1", labels: { version: "v1" } }],
      }),
    ],
    "HTTP/1.1 to all",
  ],
  [
    "a rule for these workloads is alone, though another one is older",
    [
      rule(
        "b",
        {
          ...{ host: "merged3", workloadSelector: { matchLabels: { app: "client" } } },
          subsets: [{ name: "v1", labels: { version: "v1" } }],
        },
        YOUNGER,
      ),
      rule("a", { host: "merged3", trafficPolicy: h2 }),
    ],
    "HTTP/1.1 to all",
  ],
];
const mergedHosts = MERGED.map((_, i) => host(`merged${i}`, { pods: pods(`merged${i}`, 100 + i) }));

const toSubset = (name: string) => ({
  ...{ apiVersion: "networking.istio.io/v1", kind: "VirtualService", metadata: { name, namespace: "default" } },
  spec: { hosts: [name], http: [{ route: [{ destination: { host: name, subset: "v1" } }] }] },
});

describe("through a real Envoy the policies of a DestinationRule layer as in Istio, when", () => {
  let lab: Lab;
  before(async () => {
    lab = await openLab({
      proxies: { client: { kind: "captured", ip: "10.1.0.1", labels: { app: "client" } } },
      services: [...levelHosts, ...mergedHosts],
      objects: [
        ...[...levelHosts, ...mergedHosts].map(({ name }) => toSubset(name)),
        ...MERGED.flatMap(([, objects]) => objects),
        ...LEVELS.map(([, said], i) =>
          rule(`level${i}`, {
            ...{ host: `level${i}`, ...policyOf(said.rule, said.port) },
            subsets: [
              {
                ...{ name: "v1", labels: { version: "v1" } },
                ...policyOf(said.subset, said.subsetPort),
              },
            ],
          }),
        ),
      ],
    });
  });
  after(() => lab.close());

  /** How requests of one user arrive. A balancer that does not look at the user finds both pods sooner or later. */
  const seen = async (name: string): Promise<string> => {
    const found = new Set<string>();
    let protocol = "";
    for (let i = 0; i < 24 && found.size < 2; i++) {
      const { by, got } = await lab.http({ through: "client", url: `http://${name}/`, headers: { "x-user": "u" } });
      found.add(by);
      protocol = got?.protocol ?? "no answer";
    }
    return `${protocol} to ${found.size === 1 ? "one" : "all"}`;
  };

  for (const [i, [name, , expected]] of LEVELS.entries())
    it(name, async () => assert.equal(await seen(`level${i}`), expected));
  for (const [i, [name, , expected]] of MERGED.entries())
    it(name, async () => assert.equal(await seen(`merged${i}`), expected));
});
