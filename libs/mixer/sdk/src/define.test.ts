import assert from "node:assert/strict";
import { test } from "node:test";
import { field, message, string } from "@xebec/model-schema";
import { defineAdapter } from "./adapter.ts";
import { defineTemplate, templates } from "./index.ts";
import { startHandler } from "./testkit.ts";

const Params = message("geo.Params", { home: field(string(), "The country that is home.") });

test("an adapter is defined in one piece: instances and output have the types of its templates", async () => {
  const geo = defineTemplate({
    name: "geo",
    variety: "attributes",
    fields: { source_ip: "IP_ADDRESS", hints: ["STRING"], near: { port_number: "INT64" } },
    output: { country_code: "STRING", is_home: "BOOL" },
  });
  const adapter = defineAdapter({
    name: "geo",
    description: "finds the country of an address",
    templates: [geo, templates.listentry, "metric"],
    config: Params,
    defaults: { home: "DE" },
    create: ({ home = "" }) => ({
      attributes({ sourceIp, near }) {
        const address: Uint8Array | undefined = sourceIp;
        const port: number | bigint | undefined = near?.portNumber;
        // @ts-expect-error: the template has no such output
        const wrong: ReturnType<typeof this.attributes> = { country: "DE" };
        assert.ok(wrong);
        return { countryCode: address?.[0] === 10 ? home : "XX", isHome: port === 80 };
      },
      check: ({ value }) => ({ code: value === home ? 0 : 7, message: "", validMs: 0, validUses: 0 }),
    }),
  });
  assert.deepEqual(adapter.templates, ["geo", "listentry", "metric"]);
  assert.deepEqual(adapter.ownTemplates, [geo]);
  const handler = await startHandler(adapter, {});
  const instance = { name: "i", types: {}, sourceIp: Uint8Array.of(10, 0, 0, 1), near: { portNumber: 80 } };
  assert.deepEqual(await handler.attributes?.(instance, "geo"), { countryCode: "DE", isHome: true });
});

test("what cannot be a template or an adapter is refused where it is defined", () => {
  assert.throws(() => defineTemplate({ name: "a-b", variety: "check", fields: {} }), /must be letters and digits/);
  assert.throws(() => defineTemplate({ name: "a", variety: "check", fields: { name: "STRING" } }), /a field "name"/);
  assert.throws(
    () => defineTemplate({ name: "a", variety: "report", fields: {}, output: { x: "BOOL" } }),
    /has no output/,
  );
  assert.throws(
    () => defineAdapter({ name: "a", description: "", templates: ["nothing"], config: Params, create: () => ({}) }),
    /takes the template nothing, which is not known/,
  );
});
