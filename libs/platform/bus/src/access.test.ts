import assert from "node:assert/strict";
import { statSync } from "node:fs";
import { after, before, describe, test } from "node:test";
import { jetstream } from "@nats-io/jetstream";
import { connect, headers, nkeyAuthenticator } from "@nats-io/transport-node";
import { sleep, waitFor } from "@xebec/core-async";
import type { BusUser } from "@xebec/model-bus";
import { type NatsServer, startNatsServer, type TempDir, tempDir } from "@xebec/testing-launch";
import {
  type Bus,
  type BusKeys,
  createBusKeys,
  createNatsBus,
  createRevisionReader,
  createRevisionWriter,
  readPublicKeys,
  readSeed,
  renderAuthorization,
} from "./index.ts";
import { inboxOf } from "./nats-link.ts";

// In a suite, so that its hooks are not those of all files in the process.
describe("access", () => {
  // The real server with the real rights of every service.
  const never = new AbortController().signal;
  let folder: TempDir;
  let keys: BusKeys;
  let server: NatsServer;
  const buses: Bus[] = [];

  async function as(user: BusUser): Promise<Bus> {
    const bus = createNatsBus({
      servers: [server.address],
      name: user,
      seed: await readSeed(keys.seedFile(user)),
      publicKeys: await readPublicKeys(keys.publicKeysFile),
      provision: user === "citadel",
    });
    await bus.start(never);
    buses.push(bus);
    await waitFor(`${user} is connected`, 5_000, () => bus.connected);
    return bus;
  }

  before(async () => {
    folder = tempDir();
    keys = await createBusKeys(folder.path);
    server = await startNatsServer({ config: renderAuthorization(keys.publicKeys) });
  });
  after(async () => {
    for (const bus of buses) await bus.close?.();
    await server.close();
    folder.remove();
  });

  test("seeds are private and stay when they exist", async () => {
    assert.equal(statSync(keys.seedFile("pilot")).mode & 0o777, 0o600);
    assert.deepEqual((await createBusKeys(folder.path)).publicKeys, keys.publicKeys);
    await assert.rejects(readSeed(keys.publicKeysFile), { code: "invalid_argument" });
  });

  test("nobody connects without a key", async () => {
    await assert.rejects(connect({ servers: server.address, reconnect: false }));
  });

  test("mixer-policy reads trust and cannot write it; citadel can", async () => {
    const [citadel, mixer] = [await as("citadel"), await as("mixer-policy")];
    await citadel.bucket("trust").put("roots", Buffer.from("PEM"));
    const seen = new Map<string, string | undefined>();
    const watch = mixer.bucket("trust").watch({
      entry: (key, value) => seen.set(key, value && Buffer.from(value).toString()),
      synced: () => {},
    });
    await waitFor("the roots", 5_000, () => seen.get("roots") === "PEM");
    await assert.rejects(mixer.bucket("trust").put("roots", Buffer.from("evil")), { code: "permission_denied" });
    await assert.rejects(mixer.bucket("config").put("x", Buffer.from("evil")), { code: "permission_denied" });
    await mixer.bucket("status").put("mine", Buffer.from("1"));
    await citadel.bucket("trust").put("roots", Buffer.from("PEM 2"));
    await waitFor("the next roots", 5_000, () => seen.get("roots") === "PEM 2");
    watch.close();
  });

  test("the server cannot be made to write trust for somebody: such entries are not believed", async () => {
    const citadel = await as("citadel");
    const pilot = await as("pilot");
    await citadel.bucket("trust").put("real", Buffer.from("PEM"));
    const seed = await readSeed(keys.seedFile("mixer-policy"));
    const raw = await connect({
      servers: server.address,
      authenticator: nkeyAuthenticator(new TextEncoder().encode(seed)),
      inboxPrefix: inboxOf("mixer-policy"),
    });
    const reported: string[] = [];
    const watch = pilot.bucket("trust").watch({ entry: (key) => reported.push(key), synced: () => {} });
    await waitFor("the real entry", 5_000, () => reported.includes("real"));

    const forged = headers();
    forged.set("Xebec-Signature", "AAAA");
    forged.set("Xebec-Time", String(Date.now()));
    await jetstream(raw, { timeout: 1_000 }).publish("$KV.status.v.evil", "evil", { headers: forged });
    // An answer goes wherever the asker says; the bucket `trust` stores it.
    raw.publish("$JS.API.DIRECT.GET.KV_status.$KV.status.v.evil", "", { reply: "$KV.trust.v.forged" });
    // An old entry that was signed once, played back under its own name and under another one.
    raw.publish("$JS.API.DIRECT.GET.KV_trust.$KV.trust.v.real", "", { reply: "$KV.trust.v.copied" });
    await raw.flush();
    await citadel.bucket("trust").put("after", Buffer.from("PEM"));
    await waitFor("a later entry", 5_000, () => reported.includes("after"));
    assert.deepEqual(
      reported.filter((key) => key === "forged" || key === "copied"),
      [],
    );
    assert.equal(await pilot.bucket("trust").get("forged"), undefined);
    // A forged entry over the real one is put right by the writer, also for who comes later.
    raw.publish("$JS.API.DIRECT.GET.KV_status.$KV.status.v.evil", "", { reply: "$KV.trust.v.real" });
    await raw.flush();
    await waitFor("the real entry again", 5_000, async () => {
      const value = await pilot.bucket("trust").get("real");
      return value && Buffer.from(value).toString() === "PEM";
    });

    for (const subject of ["kv.trust.v.roots", "$JS.API.STREAM.DELETE.KV_trust", "$JS.API.CONSUMER.CREATE.KV_status.x"])
      await assert.rejects(raw.request(subject, "{}", { timeout: 500 }), /ermissions/, subject);
    const spied: string[] = [];
    raw.subscribe("_INBOX_citadel.>", {
      callback: (error, message) => void spied.push(error ? "refused" : message.subject),
    });
    await waitFor("the refusal", 5_000, () => spied.length > 0);
    assert.deepEqual(spied, ["refused"]);
    await raw.close();
    watch.close();
  });

  test("who may write one bucket cannot have the server write into another one", async () => {
    const [galley, pilot, late] = [await as("galley"), await as("pilot"), await as("mixer-policy")];
    const writer = createRevisionWriter({ bus: galley, bucket: "config", source: "galley" });
    await writer.start(never);
    await writer.replace(new Map([["k", Buffer.from("one")]]));
    const reported: string[] = [];
    const bucket = pilot.bucket("config");
    const watch = bucket.watch({
      entry: (key, value) => reported.push(`${key}=${value && Buffer.from(value)}`),
      synced: () => {},
    });
    await waitFor("the entry", 5_000, () => reported.includes("galley:k=one"));

    const seed = await readSeed(keys.seedFile("mixer-telemetry"));
    const raw = await connect({
      servers: server.address,
      authenticator: nkeyAuthenticator(new TextEncoder().encode(seed)),
      inboxPrefix: inboxOf("mixer-telemetry"),
    });
    const stream = jetstream(raw, { timeout: 1_000 });
    const copy = (to: string): void => raw.publish("$JS.API.DIRECT.GET.KV_status.$KV.status.v.evil", "", { reply: to });
    const commit = JSON.stringify({ revision: 9, hash: "0".repeat(64) });
    await stream.publish("$KV.status.v.evil", commit);
    for (const key of ["galley=3Ak", "galley=21", "galley=3Anew", "other=21"]) copy(`$KV.config.v.${key}`);
    // An acknowledgement is an answer, too.
    raw.publish("$KV.status.v.evil", commit, { reply: "$KV.config.v.galley=3Aack" });
    // In the place where the server repeats the entries, with a number that is still to come.
    for (let sequence = 0; sequence < 40; ) {
      sequence = (await stream.publish("$KV.status.v.evil", commit)).seq;
      copy("kv.config.v.galley=3Ak");
    }
    await raw.flush();
    const reader = createRevisionReader({ bus: late, bucket: "config", apply: () => {} });
    await reader.start(never);
    await writer.apply({ puts: new Map([["k", Buffer.from("two")]]), deletes: new Set() });
    await waitFor("the real change", 5_000, () => reported.includes("galley:k=two"));
    await waitFor("a new reader is synced", 15_000, () => reader.synced);
    assert.deepEqual(
      [...reader.entries()].map(([key, value]) => `${key}=${Buffer.from(value)}`),
      ["k=two"],
    );
    assert.deepEqual(
      reported.filter((each) => each.endsWith(`=${commit}`)),
      [],
    );
    await raw.close();
    watch.close();
    await Promise.all([reader.close?.(), writer.close?.()]);
  });

  test("requests pass with the rights of their users, and only with them", async () => {
    const [pilot, supervisor, mixer] = [await as("pilot"), await as("supervisor"), await as("mixer-policy")];
    pilot.respond("proxies", () => Buffer.from("none"));
    const options = { timeoutMs: 500 };
    await waitFor(
      "pilot responds",
      5_000,
      async () => (await supervisor.requestAll("proxies", Buffer.from(""), options)).length === 1,
    );
    await assert.rejects(mixer.requestAll("proxies", Buffer.from(""), options), { code: "permission_denied" });
    const stalls: string[] = [];
    supervisor.subscribe("bus.stalls", (data) => stalls.push(Buffer.from(data).toString()));
    await waitFor("a writer's message", 5_000, async () => {
      mixer.publish("bus.stalls", Buffer.from("status"));
      await sleep(20);
      return stalls.includes("status");
    });
  });
});
