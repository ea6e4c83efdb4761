import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { anyOf, durationOf } from "@xebec/api-envoy";
import { LuaSchema } from "@xebec/api-envoy/envoy/extensions/filters/http/lua/v3/lua";
import type { BuiltFilterChain, BuiltHttpFilter, BuiltRoute } from "../build/built.ts";
import type { Generator } from "../engine/generator.ts";
import type { Json } from "../small-mesh.testkit.ts";
import { cluster, generatorWith, host, json, KEY, patchOf, resource } from "./patch.testkit.ts";
import type { PatchPlace } from "./patch.ts";

const lua: BuiltHttpFilter = {
  name: "my.lua",
  message: { configType: { case: "typedConfig", value: anyOf(LuaSchema, {}) } },
  configKeys: [],
};
const maintenance: BuiltRoute = {
  message: {
    name: "maintenance",
    match: { pathSpecifier: { case: "prefix", value: "/admin" } },
    action: { case: "directResponse", value: { status: 503 } },
  },
  configKeys: [],
};
const last: BuiltFilterChain = { name: "last", message: {}, filters: [], configKeys: [] };

const RATINGS = `${host("ratings")}:9080`;
const LISTENER = "0.0.0.0_9080";
const hostsOf = (generator: Generator): Json[] => json(generator, "route", "9080").virtual_hosts;
const hostOf = (generator: Generator): Json => hostsOf(generator).find((each) => each.name === RATINGS);
const chainsOf = (generator: Generator, name = LISTENER): Json[] => {
  const { filter_chains: chains, default_filter_chain: byDefault } = json(generator, "listener", name);
  return [...(chains ?? []), ...(byDefault ? [byDefault] : [])];
};
/** The HTTP connection managers of a listener. */
const managersOf = (generator: Generator, name = LISTENER): Json[] =>
  chainsOf(generator, name).flatMap((each) =>
    (each.filters ?? []).flatMap(({ typed_config }: Json) => (typed_config?.http_filters ? [typed_config] : [])),
  );
const filterNames = (manager: Json): string[] => manager.http_filters.map((each: Json) => each.name);

describe("a patch of a cluster", () => {
  const slow = patchOf({
    cluster: (_scope, built) =>
      built.name === cluster("ratings")
        ? { ...built, message: { ...built.message, connectTimeout: durationOf(77_000) } }
        : built,
  });

  it("changes the cluster alone, and is among the objects behind it", () => {
    const generator = generatorWith(slow);
    assert.equal(json(generator, "cluster", cluster("ratings")).connect_timeout, "77s");
    assert.deepEqual(resource(generator, "cluster", cluster("ratings"))?.configKeys, [KEY]);
    assert.equal(json(generator, "cluster", cluster("other")).connect_timeout, "10s");
    assert.deepEqual(resource(generator, "cluster", cluster("other"))?.configKeys, []);
  });

  it("removes it", () => {
    const generator = generatorWith(
      patchOf({ cluster: (_scope, built) => (built.name === cluster("ratings") ? undefined : built) }),
    );
    assert.equal(resource(generator, "cluster", cluster("ratings")), undefined);
    assert.ok(resource(generator, "cluster", cluster("other")));
  });

  it("reaches inbound and standard clusters, too", () => {
    const generator = generatorWith(
      patchOf({ cluster: (_scope, built) => ({ ...built, message: { ...built.message, altStatName: "patched" } }) }),
    );
    for (const name of ["inbound|9080||", "PassthroughCluster", cluster("db", 27017)])
      assert.equal(json(generator, "cluster", name).alt_stat_name, "patched", name);
  });
});

describe("a patch of a virtual host", () => {
  const ofRatings = (change: Parameters<typeof patchOf>[0]["virtualHost"]) =>
    generatorWith(
      patchOf({
        virtualHost: (scope, built, place) => (built.name === RATINGS ? change?.(scope, built, place) : built),
      }),
    );

  it("changes it, and adds routes", () => {
    const generator = ofRatings((_scope, built) => ({
      ...built,
      domains: [...built.domains, "ratings.example.com"],
      routes: [maintenance, ...built.routes],
    }));
    const { domains, routes } = hostOf(generator);
    assert.equal(domains.at(-1), "ratings.example.com");
    assert.deepEqual(
      routes.map((each: Json) => each.name),
      ["maintenance", "default"],
    );
  });

  it("removes it", () => {
    assert.equal(hostOf(ofRatings(() => undefined)), undefined);
  });

  it("knows the table that it is for", () => {
    const places: PatchPlace[] = [];
    const generator = ofRatings((_scope, built, place) => {
      places.push(place);
      return built;
    });
    hostOf(generator);
    assert.deepEqual(places, [{ routeConfiguration: "9080" }]);
  });

  it("reaches the virtual host of a listener's own routes", () => {
    const generator = generatorWith(
      patchOf({
        virtualHost: (_scope, built, { listener }) =>
          listener?.name === "virtualInbound" ? { ...built, routes: [maintenance, ...built.routes] } : built,
      }),
    );
    for (const manager of managersOf(generator, "virtualInbound"))
      assert.equal(manager.route_config.virtual_hosts[0].routes[0].name, "maintenance");
    assert.equal(hostOf(generator).routes.length, 1);
  });
});

describe("a patch of a route", () => {
  const ofRatings = (change: Parameters<typeof patchOf>[0]["route"]) =>
    generatorWith(
      patchOf({
        route: (scope, built, place) => (place.virtualHost?.name === RATINGS ? change?.(scope, built, place) : built),
      }),
    );

  it("changes it, and is among the objects behind it and its virtual host alone", () => {
    const generator = ofRatings((_scope, built) => ({
      ...built,
      message: { ...built.message, responseHeadersToRemove: ["server"] },
    }));
    assert.deepEqual(hostOf(generator).routes[0].response_headers_to_remove, ["server"]);
    const parts = resource(generator, "route", "9080")?.parts ?? [];
    assert.deepEqual(
      parts.filter((each) => each.configKeys.includes(KEY)).map((each) => [each.name, each.parts?.[0]?.configKeys]),
      [[RATINGS, [KEY]]],
    );
  });

  it("removes it, which is due to the virtual host", () => {
    const generator = ofRatings(() => undefined);
    assert.deepEqual(hostOf(generator).routes ?? [], []);
    const part = resource(generator, "route", "9080")?.parts?.find((each) => each.name === RATINGS);
    assert.deepEqual(part?.configKeys, [KEY]);
  });

  it("reaches what another patch has added", () => {
    const generator = generatorWith(
      patchOf({
        virtualHost: (_scope, built) => ({ ...built, routes: [maintenance, ...built.routes] }),
        route: (_scope, built) => ({ ...built, message: { ...built.message, statPrefix: "all" } }),
      }),
    );
    assert.deepEqual(
      hostOf(generator).routes.map((each: Json) => each.stat_prefix),
      ["all", "all"],
    );
  });
});

describe("a patch of a route table", () => {
  it("changes what is not its virtual hosts", () => {
    const generator = generatorWith(
      patchOf({
        routeConfiguration: (_scope, built) =>
          built.name === "9080" ? { ...built, message: { ...built.message, internalOnlyHeaders: ["x-mine"] } } : built,
      }),
    );
    assert.deepEqual(json(generator, "route", "9080").internal_only_headers, ["x-mine"]);
    assert.equal(json(generator, "route", "80").internal_only_headers, undefined);
    assert.ok(hostOf(generator));
  });

  it("cannot remove it, and is blamed", () => {
    const generator = generatorWith(patchOf({ routeConfiguration: () => undefined }));
    assert.ok(hostOf(generator));
    assert.deepEqual(
      resource(generator, "route", "9080")?.patchErrors?.map(({ configKey, target }) => [configKey, target]),
      [[KEY, "9080"]],
    );
  });
});

describe("a patch of a listener", () => {
  it("changes it, and adds a filter chain", () => {
    const generator = generatorWith(
      patchOf({
        listener: (_scope, built) =>
          built.name === LISTENER
            ? {
                ...built,
                message: { ...built.message, statPrefix: "mine" },
                filterChains: [...built.filterChains, last],
              }
            : built,
      }),
    );
    assert.equal(json(generator, "listener", LISTENER).stat_prefix, "mine");
    assert.ok(chainsOf(generator).some((each) => each.name === "last"));
    assert.equal(json(generator, "listener", "virtualOutbound").stat_prefix, undefined);
  });

  it("removes it", () => {
    const generator = generatorWith(
      patchOf({ listener: (_scope, built) => (built.name === LISTENER ? undefined : built) }),
    );
    assert.equal(resource(generator, "listener", LISTENER), undefined);
  });
});

describe("a patch of a filter chain", () => {
  it("changes those of a listener, the default one too", () => {
    const generator = generatorWith(
      patchOf({
        filterChain: (_scope, built, { listener }) =>
          listener?.name === LISTENER ? { ...built, name: `patched-${built.name}` } : built,
      }),
    );
    const chains = chainsOf(generator);
    assert.ok(chains.length > 1);
    for (const each of chains) assert.match(each.name, /^patched-/);
    for (const each of chainsOf(generator, "virtualInbound")) assert.doesNotMatch(each.name ?? "", /^patched-/);
  });

  it("is among the objects behind that chain alone", () => {
    const generator = generatorWith(
      patchOf({
        filterChain: (_scope, built) => (built.name === "PassthroughFilterChain" ? { ...built, name: "mine" } : built),
      }),
    );
    const parts = resource(generator, "listener", LISTENER)?.parts ?? [];
    assert.deepEqual(
      parts.filter((each) => each.configKeys.includes(KEY)).map((each) => each.name),
      ["mine"],
    );
    assert.ok(parts.length > 1);
  });

  it("removes it, which is due to the listener", () => {
    const generator = generatorWith(
      patchOf({ filterChain: (_scope, built) => (built.name === "PassthroughFilterChain" ? undefined : built) }),
    );
    assert.equal(json(generator, "listener", LISTENER).default_filter_chain, undefined);
    assert.ok(resource(generator, "listener", LISTENER)?.configKeys.includes(KEY));
  });
});

describe("a patch of a network filter", () => {
  it("changes one of bytes", () => {
    const generator = generatorWith(
      patchOf({
        networkFilter: (_scope, built) =>
          built.name === "envoy.filters.network.tcp_proxy" ? { ...built, name: "bytes" } : built,
      }),
    );
    assert.deepEqual(
      chainsOf(generator, "10.96.0.1_27017").flatMap((each) => each.filters.map(({ name }: Json) => name)),
      ["bytes"],
    );
  });

  it("changes a connection manager, and adds HTTP filters", () => {
    const generator = generatorWith(
      patchOf({
        networkFilter: (_scope, built) =>
          built.http
            ? {
                ...built,
                http: {
                  ...built.http,
                  manager: { ...built.http.manager, serverName: "mine" },
                  httpFilters: [lua, ...built.http.httpFilters],
                },
              }
            : built,
      }),
    );
    const managers = [...managersOf(generator), ...managersOf(generator, "virtualInbound")];
    assert.ok(managers.length > 1);
    for (const each of managers) assert.deepEqual([each.server_name, filterNames(each)[0]], ["mine", "my.lua"]);
  });

  it("removes it", () => {
    const generator = generatorWith(
      patchOf({
        networkFilter: (_scope, { http, ...built }, { listener }) =>
          http && listener?.name === LISTENER ? undefined : { ...built, ...(http ? { http } : {}) },
      }),
    );
    assert.deepEqual(managersOf(generator), []);
  });
});

describe("a patch of an HTTP filter", () => {
  const FAULT = "envoy.filters.http.fault";

  it("changes it, and knows what is around it", () => {
    const places = new Set<string>();
    const generator = generatorWith(
      patchOf({
        httpFilter: (_scope, built, { listener, filterChain, networkFilter }) => {
          if (built.name !== FAULT) return built;
          places.add([listener?.name, filterChain !== undefined, networkFilter?.name].join());
          return { ...built, message: { ...built.message, isOptional: true } };
        },
      }),
    );
    for (const { http_filters } of managersOf(generator))
      assert.equal(http_filters.find((each: Json) => each.name === FAULT).is_optional, true);
    assert.ok(places.has(`${LISTENER},true,envoy.filters.network.http_connection_manager`));
  });

  it("removes it", () => {
    const generator = generatorWith(
      patchOf({ httpFilter: (_scope, built) => (built.name === FAULT ? undefined : built) }),
    );
    const managers = managersOf(generator);
    assert.ok(managers.length > 0);
    for (const each of managers) assert.equal(filterNames(each).includes(FAULT), false);
  });
});

describe("several patches of an object", () => {
  it("apply in their order, each on what the one before made", () => {
    const append = (text: string, key: string) =>
      patchOf(
        {
          cluster: (_scope, built) => ({
            ...built,
            message: { ...built.message, altStatName: `${built.message.altStatName}${text}` },
          }),
        },
        key,
      );
    const generator = generatorWith(append("a", "first"), append("b", "second"));
    assert.match(json(generator, "cluster", cluster("ratings")).alt_stat_name, /ab$/);
    assert.deepEqual(resource(generator, "cluster", cluster("ratings"))?.configKeys, ["first", "second"]);
  });
});
