import assert from "node:assert/strict";
import { test } from "node:test";
import { XebecError } from "@xebec/core-errors";
import type { MeshStatus } from "@xebec/platform-local";
import { conditionOf } from "./conditions.testkit.ts";
import { refusedObjects } from "./refused-objects.ts";

const MESH = { problems: [], unsupported: [] } as unknown as MeshStatus;
const at = (revision: number) => ({ revisions: { galley: revision }, incarnation: "store" });
const published = (policy: number) => ({
  ...{ known: true, position: at(2), hashes: {}, read: {} },
  observed: { pilot: at(2), "mixer-policy": at(policy), "mixer-telemetry": at(2) },
});
const refused = (name: string) =>
  conditionOf("mixer-policy", `config.istio.io/handler/default/${name}`, "InvalidParams", { message: "no" });

test("a mesh that comes up reports what is rejected, once every service has decided", async () => {
  const turns = [published(1), published(1), published(2)];
  const queried: string[] = [];
  const query = async (path: string): Promise<unknown> => {
    queried.push(path);
    return path === "/published" ? (turns.shift() ?? published(2)) : [refused("a"), refused("b")];
  };
  assert.equal(
    await refusedObjects(MESH, query as never, 10_000),
    'refused: handler default/a and 1 more; see "xebec status"',
  );
  assert.deepEqual(queried, ["/published", "/published", "/published", "/conditions"]);
});

test("nothing is reported when nothing is rejected, or when it is unknown", async () => {
  const well = async (path: string): Promise<unknown> => (path === "/published" ? published(2) : []);
  assert.equal(await refusedObjects(MESH, well as never, 0), "");
  const silent = async (): Promise<never> => {
    throw new XebecError("unavailable", "no");
  };
  assert.equal(await refusedObjects(MESH, silent as never, 0), "");
});
