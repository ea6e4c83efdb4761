import assert from "node:assert/strict";
import { statSync } from "node:fs";
import { after, before, test } from "node:test";
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
  readPublicKeys,
  readSeed,
  renderAuthorization,
} from "./index.ts";
import { inboxOf } from "./nats-link.ts";

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
  await citadel.state("trust").put("roots", Buffer.from("PEM"));
  const seen = new Map<string, string | undefined>();
  const watch = mixer.state("trust").watch({
    entry: (key, value) => seen.set(key, value && Buffer.from(value).toString()),
    synced: () => {},
  });
  await waitFor("the roots", 5_000, () => seen.get("roots") === "PEM");
  await assert.rejects(mixer.state("trust").put("roots", Buffer.from("evil")), { code: "permission_denied" });
  await assert.rejects(mixer.state("config").put("x", Buffer.from("evil")), { code: "permission_denied" });
  await mixer.state("quota").put("mine", Buffer.from("1"));
  await mixer.state("status").put("mine", Buffer.from("1"));
  await citadel.state("trust").put("roots", Buffer.from("PEM 2"));
  await waitFor("the next roots", 5_000, () => seen.get("roots") === "PEM 2");
  watch.close();
});

test("the server cannot be made to write trust for somebody: such entries are not believed", async () => {
  const citadel = await as("citadel");
  const pilot = await as("pilot");
  await citadel.state("trust").put("real", Buffer.from("PEM"));
  const seed = await readSeed(keys.seedFile("mixer-policy"));
  const raw = await connect({
    servers: server.address,
    authenticator: nkeyAuthenticator(new TextEncoder().encode(seed)),
    inboxPrefix: inboxOf("mixer-policy"),
  });
  const told: string[] = [];
  const watch = pilot.state("trust").watch({ entry: (key) => told.push(key), synced: () => {} });
  await waitFor("the real entry", 5_000, () => told.includes("real"));

  const forged = headers();
  forged.set("Xebec-Signature", "AAAA");
  forged.set("Xebec-Time", String(Date.now()));
  await jetstream(raw, { timeout: 1_000 }).publish("$KV.quota.v.evil", "evil", { headers: forged });
  // An answer goes wherever the asker says; the state `trust` stores it.
  raw.publish("$JS.API.DIRECT.GET.KV_quota.$KV.quota.v.evil", "", { reply: "$KV.trust.v.forged" });
  // An old entry that was signed once, played back under its own name and under another one.
  raw.publish("$JS.API.DIRECT.GET.KV_trust.$KV.trust.v.real", "", { reply: "$KV.trust.v.copied" });
  await raw.flush();
  await citadel.state("trust").put("after", Buffer.from("PEM"));
  await waitFor("a later entry", 5_000, () => told.includes("after"));
  assert.deepEqual(
    told.filter((key) => key === "forged" || key === "copied"),
    [],
  );
  assert.equal(await pilot.state("trust").get("forged"), undefined);
  // A forged entry over the real one is put right by the writer, also for who comes later.
  raw.publish("$JS.API.DIRECT.GET.KV_quota.$KV.quota.v.evil", "", { reply: "$KV.trust.v.real" });
  await raw.flush();
  await waitFor("the real entry again", 5_000, async () => {
    const value = await pilot.state("trust").get("real");
    return value && Buffer.from(value).toString() === "PEM";
  });

  for (const subject of ["kv.trust.v.roots", "$JS.API.STREAM.DELETE.KV_trust", "$JS.API.CONSUMER.CREATE.KV_quota.x"])
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

test("requests, adapters and work pass with the rights of their users", async () => {
  const [pilot, cli, mixer, adapter, telemetry] = [
    await as("pilot"),
    await as("cli"),
    await as("mixer-policy"),
    await as("adapter"),
    await as("mixer-telemetry"),
  ];
  pilot.respond("proxies", () => Buffer.from("none"));
  adapter.respond("adapter.list.entry", (data) => data, { queue: "copies" });
  await waitFor(
    "pilot answers",
    5_000,
    async () => (await cli.requestAll("proxies", Buffer.from(""), { timeoutMs: 500 })).length === 1,
  );
  const answer = await waitFor("the adapter answers", 5_000, () =>
    mixer.request("adapter.list.entry", Buffer.from("x"), { timeoutMs: 500 }),
  );
  assert.equal(Buffer.from(answer).toString(), "x");
  await assert.rejects(cli.request("adapter.list.entry", Buffer.from("x"), { timeoutMs: 500 }), {
    code: "permission_denied",
  });
  const done: string[] = [];
  adapter.workQueue("REPORTS").work(async (data) => void done.push(Buffer.from(data).toString()));
  await telemetry.workQueue("REPORTS").add(Buffer.from("batch"));
  await waitFor("the batch", 10_000, () => done.includes("batch"));
  const flows: string[] = [];
  cli.subscribe("telemetry.flows", (data) => flows.push(Buffer.from(data).toString()));
  await waitFor("a flow", 5_000, async () => {
    telemetry.publish("telemetry.flows", Buffer.from("edge"));
    await sleep(20);
    return flows.includes("edge");
  });
});
