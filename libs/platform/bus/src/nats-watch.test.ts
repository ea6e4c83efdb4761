import assert from "node:assert/strict";
import { test } from "node:test";
import { waitFor } from "@xebec/core-async";
import { startNatsServer } from "@xebec/testing-launch";
import { never, text } from "./bus.testkit.ts";
import { createNatsBus } from "./index.ts";
import { type Link, NatsLink } from "./nats-link.ts";
import { NatsWatch } from "./nats-watch.ts";

/** A link whose answers about streams are handed out after `held`. */
class SlowAnswers extends NatsLink {
  asked = 0;
  held: () => Promise<void> = async () => {};

  override async ready(): Promise<Link> {
    const link = await super.ready();
    const { streams } = link.manager;
    const slow = Object.create(streams, {
      info: {
        value: async (name: string) => {
          const info = await streams.info(name);
          this.asked++;
          await this.held();
          return info;
        },
      },
    });
    return { ...link, manager: Object.create(link.manager, { streams: { value: slow } }) };
  }
}

test("entries that arrive while the server answers are no sign of a lost store", async () => {
  await using server = await startNatsServer();
  const writing = createNatsBus({ servers: [server.address], name: "galley", provision: true });
  await writing.start(never);
  const bucket = writing.bucket("config");
  await bucket.put("k0", text("0"));
  const seen = new Set<string>();
  let lost = 0;
  const link = new SlowAnswers({ servers: [server.address], name: "pilot" });
  await link.ready();
  const watch = new NatsWatch(link, "config", {
    entry: (key) => seen.add(key),
    synced: () => {},
    lost: () => lost++,
  });
  await waitFor("the first entry", 5_000, () => seen.has("k0"));
  let written = 0;
  link.held = async () => {
    const key = `k${++written}`;
    await bucket.put(key, text("1"));
    await waitFor("the entry is there before the answer", 5_000, () => seen.has(key));
  };
  const { asked } = link;
  watch.refresh();
  await waitFor("three answers", 15_000, () => link.asked >= asked + 3 && seen.has(`k${written}`));
  assert.equal(lost, 0);
  link.held = async () => {};
  watch.close();
  await Promise.all([link.close(), writing.close?.()]);
});
