// What a VirtualService does with a request: where it goes, and how it and its answer are changed.
import assert from "node:assert/strict";
import { type Case, describeCases, object, to, versions, virtualService } from "./lab/cases.ts";
import { host } from "./lab/mesh.ts";

const OTHER = host("other", { ports: { http: 80, "http-alt": 8080 } });

/** One rule for everything. */
const rule = (name: string, http: object): object[] => [
  versions(name),
  virtualService(name, { http: [{ route: [to(name)], ...http }] }),
];
const all = { percentage: { value: 100 } };

const CASES: readonly Case[] = [
  {
    name: "a destination is a host, a version of it, and a port",
    objects: (name) => [
      versions("other"),
      virtualService(name, {
        http: [
          { match: [{ uri: { prefix: "/subset" } }], route: [to("other", "v2")] },
          {
            match: [{ uri: { prefix: "/port" } }],
            route: [{ destination: { host: "other", port: { number: 8080 } } }],
          },
          { match: [{ uri: { prefix: "/long" } }], route: [to("other.default.svc.cluster.local")] },
          { route: [to("other")] },
        ],
      }),
    ],
    async check({ call, lab }) {
      assert.match((await call("/")).by, /^other-v/);
      assert.match((await call("/long")).by, /^other-v/);
      for (let i = 0; i < 5; i++) assert.equal((await call("/subset")).by, "other-v2");
      for (const at of ["10.101", "10.102"])
        await lab.serve({ name: "at 8080", at: `${at}.${OTHER.address?.split(".").slice(2).join(".")}:8080` });
      assert.equal((await call("/port")).by, "at 8080");
    },
  },
  {
    name: "weights share requests out; none takes none",
    objects: (name) => [
      versions(name),
      virtualService(name, {
        http: [
          {
            match: [{ uri: { prefix: "/three" } }],
            route: [
              { ...to(name, "v1"), weight: 3 },
              { ...to(name, "v2"), weight: 1 },
            ],
          },
          { match: [{ uri: { prefix: "/one" } }], route: [{ ...to(name, "v2"), weight: 0 }] },
          {
            route: [
              { ...to(name, "v1"), weight: 100 },
              { ...to(name, "v2"), weight: 0 },
            ],
          },
        ],
      }),
    ],
    async check({ call, host }) {
      const count = async (path: string, times: number): Promise<number> => {
        const answers = await Promise.all(Array.from({ length: times }, () => call(path)));
        return answers.filter(({ by }) => by === `${host}-v2`).length;
      };
      // 200 times a quarter: outside of 20 to 90 once in 10^9 runs.
      const share = await count("/three", 200);
      assert.ok(share > 20 && share < 90, `${share} of 200`);
      assert.equal(await count("/none", 20), 0);
      assert.equal(await count("/one", 3), 3);
    },
  },
  {
    name: "the headers of a rule are set, added and removed, of requests and of answers",
    objects: (name) =>
      rule(name, {
        headers: {
          request: { set: { "x-set": "new" }, add: { "x-add": "two" }, remove: ["x-gone"] },
          response: { set: { "x-answer": "new" }, add: { "x-more": "two" }, remove: ["x-hidden"] },
        },
      }),
    async check({ call }) {
      const { got, headers } = await call("/", {
        headers: { "x-set": "old", "x-add": "one", "x-gone": "1" },
        do: "header:x-answer=old+header:x-more=one+header:x-hidden=1",
      });
      assert.equal(got?.headers["x-set"], "new");
      assert.equal(got?.headers["x-add"], "one, two");
      assert.equal(got?.headers["x-gone"], undefined);
      assert.equal(headers["x-answer"], "new");
      assert.equal(headers["x-more"], "one, two");
      assert.equal(headers["x-hidden"], undefined);
    },
  },
  {
    name: "the headers of Istio 1.1's own fields are added and removed, of a rule and of a destination",
    objects: (name) => {
      const fields = (from: string) => ({
        appendRequestHeaders: { "x-add": from },
        removeRequestHeaders: [`x-gone-${from}`],
        appendResponseHeaders: { "x-more": from },
        removeResponseHeaders: [`x-hidden-${from}`],
      });
      return rule(name, {
        ...{ appendHeaders: { "x-old": "1" }, ...fields("rule") },
        route: [{ ...to(name), ...fields("destination") }],
      });
    },
    async check({ call }) {
      const { got, headers } = await call("/", {
        headers: { "x-add": "client", "x-gone-rule": "1", "x-gone-destination": "1", "x-kept": "1" },
        do: "header:x-more=server+header:x-hidden-rule=1+header:x-hidden-destination=1",
      });
      assert.deepEqual([got?.headers["x-add"], got?.headers["x-old"]], ["client, rule, destination", "1"]);
      assert.deepEqual(
        Object.keys(got?.headers ?? {}).filter((each) => /gone|kept/.test(each)),
        ["x-kept"],
      );
      assert.equal(headers["x-more"], "server, rule, destination");
      assert.ok(!Object.keys(headers).some((each) => each.startsWith("x-hidden")));
    },
  },
  {
    name: "a port may be given by its name, as in Istio 1.1",
    service: { ports: { http: 80, "http-other": 8081 } },
    objects: (name) => [
      virtualService(name, { http: [{ route: [{ destination: { host: name, port: { name: "http-other" } } }] }] }),
      object("DestinationRule", name, {
        host: name,
        trafficPolicy: {
          portLevelSettings: [
            { port: { name: "http-other" }, connectionPool: { http: { h2UpgradePolicy: "UPGRADE" } } },
          ],
        },
      }),
    ],
    async check({ call }) {
      const { got, status } = await call("/");
      assert.deepEqual([status, got?.protocol], [200, "HTTP/2"]);
    },
  },
  {
    name: "the headers of one of several destinations are set, added and removed, of requests and of answers",
    objects: (name) => [
      versions(name),
      virtualService(name, {
        http: [
          {
            route: [
              {
                ...to(name, "v1"),
                weight: 1,
                headers: {
                  request: { set: { "x-set": "v1" }, add: { "x-add": "v1" }, remove: ["x-gone"] },
                  response: { set: { "x-answer": "v1" }, add: { "x-more": "v1" }, remove: ["x-hidden"] },
                },
              },
              { ...to(name, "v2"), weight: 1 },
            ],
          },
        ],
      }),
    ],
    async check({ call, host }) {
      const seen = new Set<string>();
      while (seen.size < 2) {
        const { got, headers, by } = await call("/", {
          headers: { "x-set": "old", "x-add": "one", "x-gone": "1" },
          do: "header:x-answer=old+header:x-more=one+header:x-hidden=1",
        });
        seen.add(by);
        const edited = by === `${host}-v1`;
        assert.equal(got?.headers["x-set"], edited ? "v1" : "old");
        assert.equal(got?.headers["x-add"], edited ? "one, v1" : "one");
        assert.equal(got?.headers["x-gone"], edited ? undefined : "1");
        assert.equal(headers["x-answer"], edited ? "v1" : "old");
        assert.equal(headers["x-more"], edited ? "one, v1" : "one");
        assert.equal(headers["x-hidden"], edited ? undefined : "1");
      }
    },
  },
  {
    name: "what a single destination sets holds before what its rule sets",
    objects: (name) =>
      rule(name, {
        headers: { request: { set: { "x-who": "rule" } } },
        route: [{ ...to(name), headers: { request: { set: { "x-who": "destination" } } } }],
      }),
    check: async ({ call }) => assert.equal((await call()).got?.headers["x-who"], "destination"),
  },
  {
    name: "a host among the headers to set or to add is the request's host",
    objects: (name) => [
      versions(name),
      virtualService(name, {
        http: [
          {
            match: [{ uri: { prefix: "/set" } }],
            route: [to(name)],
            headers: { request: { set: { Host: "set.example.com" } } },
          },
          {
            match: [{ uri: { prefix: "/add" } }],
            route: [to(name)],
            headers: { request: { add: { host: "add.example.com" } } },
          },
          {
            match: [{ uri: { prefix: "/one" } }],
            route: [{ ...to(name), headers: { request: { set: { host: "one.example.com" } } } }],
          },
          {
            route: ["v1", "v2"].map((version) => ({
              ...{ ...to(name, version), weight: 1 },
              headers: { request: { set: { host: `${version}.example.com` } } },
            })),
          },
        ],
      }),
    ],
    async check({ call }) {
      for (const each of ["set", "add", "one"])
        assert.equal((await call(`/${each}`)).got?.headers.host, `${each}.example.com`);
      const { got, by } = await call("/");
      assert.equal(got?.headers.host, `${by.slice(-2)}.example.com`);
    },
  },
  {
    name: "rewrite.authority goes before a destination's host",
    objects: (name) => [
      versions(name),
      virtualService(name, {
        http: [
          {
            match: [{ uri: { prefix: "/one" } }],
            rewrite: { authority: "rule.example.com" },
            route: [{ ...to(name), headers: { request: { set: { host: "destination.example.com" } } } }],
          },
          {
            rewrite: { authority: "rule.example.com" },
            route: ["v1", "v2"].map((version) => ({
              ...{ ...to(name, version), weight: 1 },
              headers: { request: { set: { host: "destination.example.com" } } },
            })),
          },
        ],
      }),
    ],
    async check({ call }) {
      for (const path of ["/one", "/several"])
        assert.equal((await call(path)).got?.headers.host, "rule.example.com", path);
    },
  },
  {
    name: "rewrite.uri replaces what was matched",
    objects: (name) => [
      virtualService(name, {
        http: [
          { match: [{ uri: { exact: "/exact" } }], rewrite: { uri: "/new" }, route: [to(name)] },
          { match: [{ uri: { prefix: "/prefix/" } }], rewrite: { uri: "/new/" }, route: [to(name)] },
          { match: [{ uri: { regex: "/regex/.*" } }], rewrite: { uri: "/new" }, route: [to(name)] },
        ],
      }),
    ],
    async check({ call }) {
      assert.equal((await call("/exact?x=1")).got?.path, "/new?x=1");
      assert.equal((await call("/prefix/a?x=1")).got?.path, "/new/a?x=1");
      assert.equal((await call("/regex/a")).got?.path, "/new");
    },
  },
  {
    name: "rewrite.uriRegexRewrite replaces what its expression matches",
    objects: (name) =>
      rule(name, { rewrite: { uriRegexRewrite: { match: "/item/([0-9]+)/(.*)", rewrite: "/\\2/of/\\1" } } }),
    async check({ call }) {
      assert.equal((await call("/item/7/price?x=1")).got?.path, "/price/of/7?x=1");
      assert.equal((await call("/other")).got?.path, "/other");
    },
  },
  {
    name: "a mirror gets a copy and its answer goes nowhere",
    objects: (name) => [
      versions(name),
      versions("other"),
      virtualService(name, {
        http: [
          { match: [{ uri: { prefix: "/version" } }], route: [to(name, "v1")], mirror: { host: name, subset: "v2" } },
          {
            match: [{ uri: { prefix: "/port" } }],
            route: [to(name, "v1")],
            mirror: { host: "other", subset: "v1", port: { number: 8080 } },
          },
          { route: [to(name, "v1")], mirror: { host: "other", subset: "v2" } },
        ],
      }),
    ],
    async check({ call, lab, host }) {
      for (const [path, mirror] of [
        ["/version", `${host}-v2`],
        ["/host", "other-v2"],
      ] as const) {
        const answer = await call(path, { method: "POST", body: "copy me" });
        assert.equal(answer.by, `${host}-v1`);
        const copies = await lab.arrivals(answer, 2);
        assert.deepEqual(copies.map(({ server }) => server).sort(), [`${host}-v1`, mirror].sort());
        for (const copy of copies) assert.deepEqual([copy.body, copy.headers.host], ["copy me", host]);
      }
      await lab.serve({ name: "mirror at 8080", at: `${OTHER.pods[0]?.ip}:8080` });
      const answer = await call("/port");
      const servers = (await lab.arrivals(answer, 2)).map(({ server }) => server);
      assert.ok(servers.includes("mirror at 8080"), servers.join());
    },
  },
  {
    name: "a mirror's percentage, new and old",
    objects: (name) => [
      versions(name),
      virtualService(name, {
        http: [
          ["all", { mirrorPercentage: { value: 100 } }],
          ["old", { mirrorPercent: 100 }],
          ["none", { mirrorPercentage: { value: 0 } }],
          ["oldnone", { mirrorPercent: 0 }],
        ].map(([path, share]) => ({
          match: [{ uri: { exact: `/${path}` } }],
          route: [to(name, "v1")],
          mirror: { host: name, subset: "v2" },
          ...(share as object),
        })),
      }),
    ],
    async check({ call, lab }) {
      for (const path of ["/all", "/old"]) await lab.arrivals(await call(path), 2);
      const none = [await call("/none"), await call("/oldnone")];
      // Whatever they sent has arrived before this one's copy.
      await lab.arrivals(await call("/all"), 2);
      for (const each of none) assert.equal((await lab.arrivals(each)).length, 1);
    },
  },
  {
    name: "several mirrors get a copy each, by their percentages",
    objects: (name) => [
      versions(name),
      versions("other"),
      virtualService(name, {
        http: [
          {
            route: [to(name, "v1")],
            mirrors: [
              to(name, "v2"),
              { ...to("other", "v1"), ...all },
              { destination: { host: "other", subset: "v2", port: { number: 80 } }, percentage: { value: 0 } },
              { destination: { host: "other", subset: "v2", port: { number: 80 } }, ...all },
            ],
          },
        ],
      }),
    ],
    async check({ call, lab, host }) {
      const answer = await call("/");
      const servers = (await lab.arrivals(answer, 4)).map(({ server }) => server).sort();
      assert.deepEqual(servers, [`${host}-v1`, `${host}-v2`, "other-v1", "other-v2"].sort());
    },
  },
];

describeCases("a VirtualService's routes", "route", CASES, { services: [OTHER] });
