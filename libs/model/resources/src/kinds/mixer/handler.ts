import { field, message, type Static, string, struct } from "@xebec/model-schema";

/** A handler of Mixer (docs/reference/mixer.md §7.1). Its parameters are checked by its adapter. */
export const HandlerSpec = message("Handler", {
  compiledAdapter: field(string(), "The adapter, which is part of the service. Required."),
  adapter: field(
    string(),
    "An adapter of its own process. Not read beside compiledAdapter; refused alone: such adapters are not supported.",
  ),
  name: field(string(), "Accepted and not read: the object's own name counts."),
  params: field(struct(), "The adapter's parameters."),
  connection: field(struct(), "The connection to an adapter of its own process."),
});
export type HandlerSpec = Static<typeof HandlerSpec>;
