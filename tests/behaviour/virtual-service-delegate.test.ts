// Rules that a VirtualService takes over from others, and how their conditions, settings and namespaces come together.
import assert from "node:assert/strict";
import { type Case, describeCases, object, to, versions, virtualService } from "./lab/cases.ts";
import { host } from "./lab/mesh.ts";

/** A VirtualService without hosts in a namespace. */
const delegate = (name: string, http: readonly object[], namespace = "default", more: object = {}): object =>
  object("VirtualService", name, { http, ...more }, { namespace });
const root = (name: string, ...http: readonly object[]): object => virtualService(name, { http });
const prefix = (text: string) => ({ uri: { prefix: text } });

const SHOP = host("item", { namespace: "shop" });

const CASES: readonly Case[] = [
  {
    name: "a delegate's rules stand where the root delegates, each under the conditions of both",
    objects: (name) => [
      versions(name),
      root(
        name,
        { match: [prefix("/a"), prefix("/b")], delegate: { name: `${name}-rules` } },
        { match: [prefix("/own")], route: [to(name, "v2")] },
      ),
      delegate(`${name}-rules`, [
        { match: [{ ...prefix("/a/new"), headers: { "x-beta": { exact: "1" } } }], route: [to(name, "v2")] },
        { match: [{ uri: { exact: "/b/one" } }], directResponse: { status: 201 } },
        { match: [prefix("/c")], directResponse: { status: 299 } },
        { match: [{ uri: { regex: "/a/.*" } }], directResponse: { status: 299 } },
        { route: [to(name, "v1")] },
      ]),
    ],
    async check({ call, host: name }) {
      const beta = { headers: { "x-beta": "1" } };
      assert.equal((await call("/a/new", beta)).by, `${name}-v2`);
      assert.equal((await call("/a/new")).by, `${name}-v1`);
      assert.equal((await call("/a/x")).by, `${name}-v1`);
      assert.equal((await call("/b/one")).status, 201);
      assert.equal((await call("/b/two")).by, `${name}-v1`);
      assert.equal((await call("/own")).by, `${name}-v2`);
      // What fits in none of the root's matches never comes in.
      assert.equal((await call("/c/x")).status, 404);
    },
  },
  {
    name: "a delegate's own settings go before the root's, each whole",
    objects: (name) => [
      root(name, {
        delegate: { name: `${name}-rules` },
        timeout: "0.2s",
        rewrite: { uri: "/root" },
        headers: { request: { set: { "x-from": "root", "x-root": "1" } } },
      }),
      delegate(`${name}-rules`, [
        { match: [prefix("/own")], rewrite: { uri: "/delegate" }, timeout: "5s", route: [to(name)] },
        { headers: { request: { set: { "x-from": "delegate" } } }, retries: { attempts: 0 }, route: [to(name)] },
      ]),
    ],
    async check({ call }) {
      const own = await call("/own", { do: "delay:400" });
      assert.deepEqual([own.status, own.got?.path, own.got?.headers["x-from"]], [200, "/delegate", "root"]);
      const taken = await call("/x");
      assert.equal(taken.got?.path, "/rootx");
      assert.deepEqual([taken.got?.headers["x-from"], taken.got?.headers["x-root"]], ["delegate", undefined]);
      assert.equal((await call("/x", { do: "delay:2000" })).status, 504);
    },
  },
  {
    name: "the names in a delegate mean its own namespace, and its exportTo says who may use it",
    objects: (name) => [
      root(
        name,
        { match: [prefix("/shop")], delegate: { name: "items", namespace: "shop" } },
        { match: [prefix("/secret")], delegate: { name: "secret", namespace: "shop" } },
        { match: [prefix("/nowhere")], delegate: { name: "nowhere" } },
        { route: [to(name)] },
      ),
      delegate("items", [{ route: [to("item")] }], "shop"),
      delegate("secret", [{ route: [to("item")] }], "shop", { exportTo: ["."] }),
    ],
    async check({ call, host: name }) {
      assert.match((await call("/shop")).by, /^item-v/);
      for (const path of ["/secret", "/nowhere", "/"]) assert.match((await call(path)).by, new RegExp(`^${name}-v`));
    },
  },
  {
    name: "delegates come, change and go, also behind a gateway",
    objects: (name) => [
      object("Gateway", name, {
        selector: { istio: "ingressgateway" },
        servers: [
          { port: { number: 80, name: "http", protocol: "HTTP" }, hosts: [`${name}.default.svc.cluster.local`] },
        ],
      }),
      virtualService(name, { gateways: ["mesh", name], http: [{ delegate: { name: `${name}-rules` } }] }),
    ],
    async check({ call, lab, host: name }) {
      const statuses = async () => [(await call("/")).status, (await call("/", { to: "gateway" })).status];
      const answering = (status: number) => delegate(`${name}-rules`, [{ directResponse: { status } }]);
      assert.deepEqual(await statuses(), [200, 404]);
      await lab.during([answering(201)], async () => {
        assert.deepEqual(await statuses(), [201, 201]);
        await lab.apply([answering(202)]);
        assert.deepEqual(await statuses(), [202, 202]);
      });
      assert.deepEqual(await statuses(), [200, 404]);
    },
  },
];

describeCases("a VirtualService that delegates", "delegate", CASES, { services: [SHOP] });
