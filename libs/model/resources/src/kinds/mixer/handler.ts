import { field, message, type Static, string, struct } from "@xebec/model-schema";
import { Connection } from "./adapter.ts";

/** A handler of Mixer (docs/reference/mixer.md §7.1). Its parameters are checked by its adapter. */
export const HandlerSpec = message("Handler", {
  compiledAdapter: field(string(), "The adapter, which is part of the service. Required."),
  adapter: field(
    string(),
    "An adapter of its own process: `NAME` or `NAME.NAMESPACE` of an object of kind adapter. Not read beside compiledAdapter.",
  ),
  name: field(string(), "Accepted and not read: the object's own name counts."),
  params: field(struct(), "The adapter's parameters."),
  connection: field(
    Connection,
    "Where the adapter runs: required for an adapter of its own process; without it one of the service runs in it.",
  ),
});
export type HandlerSpec = Static<typeof HandlerSpec>;
