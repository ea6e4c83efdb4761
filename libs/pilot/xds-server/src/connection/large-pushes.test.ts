import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { keyOf } from "@xebec/model-resources";
import { CLUSTER, entry, mesh, object, synced } from "../server/test-mesh.testkit.ts";
import { LargePushes, type Waiting } from "./large-pushes.ts";

const SIZE = 8 << 20;

/** A stream that tries again when it is woken, and says when it could send. */
function stream(name: string, pushes: LargePushes, sent: string[]): Waiting & { send(bytes?: number): boolean } {
  return {
    send(bytes = SIZE) {
      const may = pushes.take(this, () => bytes);
      if (may) sent.push(name);
      return may;
    },
    wake() {
      this.send();
    },
  };
}

describe("large responses", () => {
  it("go to so many proxies at once, and to the next one when one has answered", () => {
    const pushes = new LargePushes(2);
    const sent: string[] = [];
    const [a, b, c, d] = ["a", "b", "c", "d"].map((name) => stream(name, pushes, sent));
    for (const each of [a, b, c, d]) each?.send();
    assert.deepEqual(sent, ["a", "b"]);
    pushes.done(b as Waiting);
    assert.deepEqual(sent, ["a", "b", "c"]);
    pushes.done(a as Waiting);
    assert.deepEqual(sent, ["a", "b", "c", "d"]);
  });

  it("of one proxy do not wait for each other, and small ones for nobody", () => {
    const pushes = new LargePushes(1);
    const sent: string[] = [];
    const [a, b] = [stream("a", pushes, sent), stream("b", pushes, sent)];
    assert.deepEqual([a.send(), a.send(), b.send(1_000), b.send()], [true, true, true, false]);
  });

  it("wait no longer than two seconds for a proxy that does not answer, and not at all for one that went", (t) => {
    t.mock.timers.enable({ apis: ["setTimeout"] });
    const pushes = new LargePushes(1);
    const sent: string[] = [];
    const [a, b, c] = [stream("a", pushes, sent), stream("b", pushes, sent), stream("c", pushes, sent)];
    for (const each of [a, b, c]) each.send();
    pushes.done(b);
    t.mock.timers.tick(2_000);
    assert.deepEqual(sent, ["a", "c"]);
  });

  it("have no limit by default", () => {
    const pushes = new LargePushes(0);
    const sent: string[] = [];
    for (const name of ["a", "b", "c"]) assert.equal(stream(name, pushes, sent).send(), true);
  });

  it("are large also by what they take away: an Envoy that drops a great table is as busy", async () => {
    const { server, apply } = mesh({ pushThrottle: 1 });
    const http = Array.from({ length: 40 }, (_, i) => ({
      match: [{ uri: { exact: `/${i}` } }],
      route: [{ destination: { host: "svc-1.example.com" }, headers: { request: { set: { x: "v".repeat(30_000) } } } }],
    }));
    const great = object("VirtualService", "great", { hosts: ["svc-1.example.com"], http });
    await apply([entry(1), great]);
    const clients = [await synced(server, [CLUSTER(1)]), await synced(server, [CLUSTER(1)])];
    await apply([], [keyOf(great)]);
    const got = clients.map((each) => each.take().length);
    assert.deepEqual([...got].sort(), [0, 1]);
    clients[got.indexOf(1)]?.send("route", ["80"]);
    assert.equal(clients[got.indexOf(0)]?.take()[0]?.type, "route");
  });
});
