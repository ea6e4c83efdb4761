import assert from "node:assert/strict";
import { test } from "node:test";
import { usageError } from "./usage-error.ts";

const reported = (text: string, ...args: string[]): string => usageError(text, args, new Set(["get", "up"]));

test("a usage error is one line that says where to read on", () => {
  assert.equal(
    reported("error: missing required argument 'kind'\n", "get"),
    `xebec: missing required argument 'kind'; see "xebec get --help"\n`,
  );
  assert.equal(
    reported("error: unknown command 'gte'\n(Did you mean get?)\n", "gte"),
    `xebec: unknown command 'gte'; did you mean get?; see "xebec --help"\n`,
  );
  assert.equal(reported("error: it is wrong.\n", "--x", "up"), `xebec: it is wrong; see "xebec up --help"\n`);
});
