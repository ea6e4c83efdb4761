import { bool, defineAdapter, defineTemplate, field, list, message, RPC, string } from "@xebec/mixer-sdk";
import { describe } from "./describe.ts";

const keyuse = defineTemplate({
  name: "keyuse",
  variety: "check",
  fields: { key: "STRING", caller_ip: "IP_ADDRESS" },
});

export default defineAdapter({
  name: "keyring",
  description: "lets known keys pass",
  templates: [keyuse],
  metrics: { refused: { type: "counter", help: "Keys that are not known." } },
  config: message("keyring.Params", {
    keys: field(list(string({ minLength: 1 })), "Keys that may pass."),
    strict: field(bool(), "Whether an absent key is refused."),
  }),
  defaults: { keys: [], strict: true },
  create: ({ keys = [], strict = true }, { metrics }) => ({
    check({ key }) {
      const ok = key === undefined || key === "" ? !strict : keys.includes(key);
      if (!ok) metrics.add("refused");
      return { code: ok ? RPC.OK : RPC.UNAUTHENTICATED, message: describe(key), validMs: 1000, validUses: 10 };
    },
  }),
});
