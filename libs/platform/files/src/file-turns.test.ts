import assert from "node:assert/strict";
import { test } from "node:test";
import { FileTurns } from "./index.ts";

test("what is reported of files is dealt with in its order, and of a file only the newest form", async () => {
  const turns = new FileTurns();
  const done: string[] = [];
  let open = (): void => {};
  const gate = new Promise<void>((resolve) => {
    open = resolve;
  });
  turns.take("a", async (isLatest) => {
    await gate;
    if (isLatest()) done.push("a, old");
  });
  turns.take("b", () => void done.push("b, old"));
  turns.take("b", () => void done.push("b"));
  turns.take("a", () => void done.push("a"));
  turns.take("c", () => {
    throw new Error("no");
  });
  const last = new Promise<void>((resolve) => turns.take("", resolve as () => void));
  await Promise.resolve();
  open();
  await last;
  assert.deepEqual(done, ["b", "a"]);
  turns.take("d", () => void done.push("d"));
  await turns.close();
  assert.deepEqual(done, ["b", "a"]);
});
