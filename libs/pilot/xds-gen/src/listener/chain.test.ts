import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Resource } from "@xebec/model-resources";
import { Generator } from "../engine/generator.ts";
import { object, proxy, scopeOf, service, snapshotOf } from "../small-mesh.testkit.ts";
import { ANY_TRANSPORT, ANYWHERE, filterChains, PLAINTEXT, TLS_PASSTHROUGH, takesRest } from "./chain.ts";

describe("filter chains", () => {
  const scope = scopeOf(snapshotOf([]));
  const connection = { protocol: "tcp", kind: "outbound", clusters: [] } as const;
  const chains = (matches: Parameters<typeof filterChains>[1]["matches"], transports = ANY_TRANSPORT) =>
    filterChains(scope, { matches, transports, connection, configKeys: ["k"] });

  it("are one for each destination and transport, with the same filters", () => {
    const ports = [{ destinationPort: 1 }, { destinationPort: 2 }];
    const made = chains(ports, [PLAINTEXT, TLS_PASSTHROUGH]);
    assert.deepEqual(
      made.map(({ message }) => message.filterChainMatch),
      ports.flatMap((port) => ["raw_buffer", "tls"].map((transportProtocol) => ({ ...port, transportProtocol }))),
    );
    for (const each of made) assert.equal(each.filters, made[0]?.filters);
    assert.deepEqual(
      made.map(({ configKeys }) => configKeys),
      made.map(() => ["k"]),
    );
  });

  it("without any condition take the rest; without a destination there is none", () => {
    assert.deepEqual(chains(ANYWHERE).map(takesRest), [true]);
    assert.deepEqual(chains(ANYWHERE, [PLAINTEXT]).map(takesRest), [false]);
    assert.deepEqual(chains([]), []);
  });
});

describe("the objects behind a filter chain", () => {
  const entry = (name: string, network: string): Resource =>
    object("ServiceEntry", name, {
      ...{ hosts: [`${name}.example.com`], addresses: [network], resolution: "NONE" },
      ports: [{ number: 3306, name: "tcp", protocol: "TCP" }],
    });
  const key = (kind: string, name: string): string => `networking.istio.io/${kind}/default/${name}`;

  /** The configuration keys of each chain of a listener. */
  function keysOf(listener: string, objects: readonly Resource[], records = service("web")): (readonly string[])[] {
    const generator = new Generator(snapshotOf(objects, records));
    const client = proxy({ LABELS: { app: "web" } });
    const { resources } = generator.resources("listener", client, generator.proxyClass(client));
    return (resources.get(listener)?.parts ?? []).map(({ configKeys }) => configKeys);
  }

  it("are the service, the VirtualService whose rule it is, and the DestinationRule whose settings it has, and no others", () => {
    const route = [{ destination: { host: "a.example.com" } }];
    const objects = [
      ...[entry("a", "10.1.0.0/16"), entry("b", "10.2.0.0/16")],
      object("VirtualService", "rule", {
        ...{ hosts: ["a.example.com"], tcp: [{ match: [{ destinationSubnets: ["10.1.2.0/24"] }], route }] },
      }),
      object("DestinationRule", "settings", {
        ...{ host: "b.example.com", trafficPolicy: { connectionPool: { tcp: { maxConnectionDuration: "9s" } } } },
      }),
      object("DestinationRule", "others", {
        ...{ host: "a.example.com", trafficPolicy: { loadBalancer: { simple: "RANDOM" } } },
      }),
    ];
    assert.deepEqual(keysOf("0.0.0.0_3306", objects), [
      [key("ServiceEntry", "a"), key("VirtualService", "rule")],
      [key("ServiceEntry", "a")],
      [key("ServiceEntry", "b"), key("DestinationRule", "settings")],
      [],
    ]);
  });

  it("are the PeerAuthentication that decides about the chain's port", () => {
    const policy = (name: string, spec: object): Resource => object("PeerAuthentication", name, spec);
    const keys = keysOf("virtualInbound", [
      policy("all", { mtls: { mode: "STRICT" } }),
      policy("port", { selector: { matchLabels: { app: "web" } }, portLevelMtls: { "9080": { mode: "DISABLE" } } }),
    ]);
    const of = (name: string): string[] => [`security.istio.io/PeerAuthentication/default/${name}`];
    assert.deepEqual(keys, [[], of("port"), of("port"), of("all"), of("all"), of("all")]);
  });
});
