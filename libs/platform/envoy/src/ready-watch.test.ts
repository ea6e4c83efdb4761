import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { createInterface } from "node:readline";
import { Readable } from "node:stream";
import { test } from "node:test";
import { waitFor } from "@xebec/core-async";
import { ReadyWatch } from "./ready-watch.ts";

test("whoever watches is told at once what is missing, each change once, and is let go in the end", async () => {
  let missing: string[] = ["no certificate yet"];
  let asked = 0;
  const watch = new ReadyWatch(async () => {
    asked++;
    return missing;
  });
  const server = createServer((_request, response) => watch.serve(response));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const lines: string[] = [];
  let ended = false;
  const follow = async (signal?: AbortSignal): Promise<void> => {
    const answer = await fetch(`http://127.0.0.1:${port}/`, signal ? { signal } : {});
    for await (const line of createInterface(Readable.fromWeb(answer.body as never))) lines.push(line);
    ended = true;
  };
  const leaving = new AbortController();
  const left = follow(leaving.signal).catch(() => undefined);
  await waitFor("the first line", 2_000, () => lines.length === 1);
  leaving.abort();
  await left;
  lines.length = 0;
  const following = follow();
  await waitFor("the first line of the second caller", 2_000, () => lines.length === 1);
  missing = [];
  watch.changed();
  await waitFor("the change", 2_000, () => lines.length === 2);
  watch.changed();
  const before = asked;
  missing = ["Envoy does not run"];
  watch.changed();
  await waitFor("the next change", 2_000, () => lines.length === 3);
  assert.ok(asked > before);
  assert.deepEqual(lines, [
    '{"ready":false,"missing":["no certificate yet"]}',
    '{"ready":true,"missing":[]}',
    '{"ready":false,"missing":["Envoy does not run"]}',
  ]);
  watch.close();
  await following;
  assert.ok(ended);
  server.close();
});
