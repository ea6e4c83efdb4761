import assert from "node:assert/strict";
import { test } from "node:test";
import { Progress } from "./progress.ts";

function run(isTTY: boolean): string {
  let text = "";
  const progress = new Progress({
    isTTY,
    write: (chunk: string | Uint8Array) => {
      text += chunk.toString();
      return true;
    },
  });
  for (const [step, done] of [
    ["services ready", 1],
    ["services ready", 1],
    ["services ready", 2],
    ["pods ready", 0],
    ["services ready", 2],
    ["pods ready", 2],
  ] as const)
    progress.show(step, done, 2);
  progress.finish();
  return text;
}

test("elsewhere than on a terminal each change is a line, and nothing is said twice", () => {
  assert.equal(run(false), "services ready 1/2\nservices ready 2/2\npods ready 0/2\npods ready 2/2\n");
});

test("on a terminal a step is one line that counts up", () => {
  assert.equal(
    run(true).replaceAll("\u001b[K", ""),
    "\rservices ready 1/2\rservices ready 2/2\n\rpods ready 0/2\rpods ready 2/2\n",
  );
});
