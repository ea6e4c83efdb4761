import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Resource, ServiceEntrySpec } from "@xebec/model-resources";
import type { ServiceRecord } from "@xebec/model-workloads";
import { serviceFromRecord } from "./from-kubernetes.ts";
import { endpointsFromEntry, servicesFromEntry } from "./from-service-entry.ts";
import { mergeDefinitions, unmergedParts } from "./merge.ts";
import type { ServiceDefinition } from "./service.ts";

const HOST = "db.shop.svc.cluster.local";
const HTTP = { number: 80, name: "http", protocol: "HTTP" };
const SQL = { number: 3306, name: "sql", protocol: "TCP" };

/** What a ServiceEntry of the namespace `shop` says of the host. */
function entry(name: string, spec: Partial<ServiceEntrySpec>): ServiceDefinition {
  const resource: Resource<ServiceEntrySpec> = {
    ...{ group: "networking.istio.io", version: "v1", kind: "ServiceEntry", namespace: "shop", name },
    spec: { hosts: [HOST], ports: [HTTP], resolution: "STATIC", ...spec },
  };
  const [service] = servicesFromEntry(resource);
  assert.ok(service);
  return { service, endpoints: endpointsFromEntry(resource, HOST) };
}

function kubernetes(more: Partial<ServiceRecord> = {}): ServiceDefinition {
  const service = serviceFromRecord({
    ...{ type: "service", namespace: "shop", name: "db", hostname: HOST, addresses: ["10.96.0.1"] },
    ports: [{ name: "http", port: 80, targetPort: 8080, protocol: "TCP" }],
    ...more,
  });
  const endpoint = { address: "10.0.0.1", ports: { http: 8080 }, labels: {}, locality: "", weight: 1, mtls: false };
  return { service, endpoints: [endpoint] };
}

/** Services as `id resolution ports > endpoints`. */
const merged = (...definitions: ServiceDefinition[]): string[] =>
  mergeDefinitions(definitions).map(
    ({ service, endpoints }) =>
      `${service.id.replace(`${HOST}@`, "")} ${service.ports.map((each) => `${each.name}:${each.number}`).join()} > ` +
      endpoints.map((each) => `${each.address}[${Object.keys(each.ports).join()}]`).join(),
  );
const at = (...addresses: string[]) => ({ endpoints: addresses.map((address) => ({ address })) });
const OLDER = `the older ServiceEntry shop/a`;

describe("several definitions of one host in a namespace", () => {
  for (const [name, definitions, services, found] of [
    ["one alone is what it was", [entry("a", at("1.1.1.1"))], ["shop/a http:80 > 1.1.1.1[http]"], [[]]],
    [
      "add their ports and endpoints to the oldest",
      [entry("a", at("1.1.1.1")), entry("b", { ports: [SQL, HTTP], ...at("2.2.2.2") })],
      ["shop/a http:80,sql:3306 > 1.1.1.1[http],2.2.2.2[sql,http]"],
      [[], []],
    ],
    [
      "count an address once for a port",
      [entry("a", at("1.1.1.1")), entry("b", { ports: [HTTP, SQL], ...at("1.1.1.1") })],
      ["shop/a http:80,sql:3306 > 1.1.1.1[http],1.1.1.1[sql]"],
      [[], []],
    ],
    [
      "keep the older one's port of a number or a name",
      [
        entry("a", at("1.1.1.1")),
        entry("b", {
          ports: [
            { ...HTTP, name: "web" },
            { ...SQL, name: "http" },
          ],
        }),
      ],
      ["shop/a http:80 > 1.1.1.1[http]"],
      [
        [],
        [
          `spec.ports: 80 web HTTP has no effect beside 80 http HTTP of an older ServiceEntry for ${HOST}`,
          `spec.ports: 3306 http TCP has no effect beside 80 http HTTP of an older ServiceEntry for ${HOST}`,
        ],
      ],
    ],
    [
      "keep the oldest's addresses, place and names",
      [
        entry("a", { addresses: ["10.1.0.1"] }),
        entry("b", { addresses: ["10.1.0.2"], location: "MESH_INTERNAL", subjectAltNames: ["x"] }),
      ],
      ["shop/a http:80 > "],
      [
        [],
        ["addresses", "location", "subjectAltNames"].map(
          (field) => `spec.${field}: that of ${OLDER} holds for ${HOST}`,
        ),
      ],
    ],
    [
      "of another resolution stay apart",
      [entry("a", at("1.1.1.1")), entry("b", { resolution: "DNS", ports: [SQL] })],
      ["shop/a http:80 > 1.1.1.1[http]", `shop/b sql:3306 > ${HOST}[sql]`],
      [[], [`spec.resolution: differs from that of ${OLDER}, which has ${HOST} alone; make them equal to merge both`]],
    ],
    [
      "that are exported elsewhere stay apart; those that are exported alike do not",
      [entry("a", { exportTo: ["."] }), entry("b", { exportTo: ["*"] }), entry("c", { ports: [SQL] })],
      ["shop/a http:80 > ", "shop/b http:80,sql:3306 > "],
      [
        [],
        [`spec.exportTo: differs from that of ${OLDER}, which has ${HOST} alone; make them equal to merge both`],
        [`spec.exportTo: differs from that of ${OLDER}, which has ${HOST} alone; make them equal to merge both`],
      ],
    ],
    [
      "with a name that is looked up once have the oldest's only",
      [
        entry("a", { resolution: "DNS_ROUND_ROBIN", ...at("a.example.com") }),
        entry("b", { resolution: "DNS_ROUND_ROBIN", ports: [HTTP, SQL], ...at("b.example.com") }),
      ],
      ["shop/a http:80,sql:3306 > a.example.com[http],b.example.com[sql]"],
      [[], [`spec.endpoints: those of ${OLDER} hold for the port http of ${HOST}`]],
    ],
    [
      "add endpoints to a Kubernetes service's ports, and nothing else",
      [kubernetes(), entry("a", { ports: [HTTP, SQL], ...at("1.1.1.1") })],
      [" http:80 > 10.0.0.1[http],1.1.1.1[http,sql]", "shop/a http:80,sql:3306 > 1.1.1.1[http,sql]"],
      [[], ["spec.ports: the Service shop/db has no port named sql; what is said of it has no effect"]],
    ],
    [
      "by a name add nothing to a Kubernetes service",
      [kubernetes(), entry("a", { resolution: "DNS" })],
      [" http:80 > 10.0.0.1[http]", `shop/a http:80 > ${HOST}[http]`],
      [[], [`spec.hosts: the Service shop/db has ${HOST}; only STATIC endpoints are added to it`]],
    ],
    [
      "add nothing to a headless service",
      [kubernetes({ headless: true }), entry("a", at("1.1.1.1"))],
      [" http:80 > 10.0.0.1[http]", "shop/a http:80 > 1.1.1.1[http]"],
      [[], [`spec.hosts: the Service shop/db has ${HOST}; only STATIC endpoints are added to it`]],
    ],
  ] as const satisfies readonly (readonly [string, ServiceDefinition[], string[], string[][]])[])
    it(name, () => {
      assert.deepEqual(
        merged(...definitions),
        services.map((each) => each.replace(/^ /, "shop ")),
      );
      assert.deepEqual(
        definitions.map((each) => unmergedParts(each, definitions)),
        found,
      );
    });

  it("of a platform registry are named by their id", () => {
    const { service, endpoints } = entry("a", { resolution: "DNS" });
    const consul: ServiceDefinition = { service: { ...service, id: `${HOST}@shop/consul`, configKeys: [] }, endpoints };
    const young = entry("b", {});
    assert.deepEqual(unmergedParts(young, [consul, young]), [
      `spec.resolution: differs from that of the older service ${HOST}@shop/consul of a registry, which has ${HOST} alone; make them equal to merge both`,
    ]);
  });

  it("are named by the service that they became", () => {
    const [only] = mergeDefinitions([entry("a", {}), entry("b", {})]);
    assert.deepEqual(
      only?.service.configKeys,
      ["a", "b"].map((each) => `networking.istio.io/ServiceEntry/shop/${each}`),
    );
  });
});
