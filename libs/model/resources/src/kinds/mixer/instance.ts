import { field, map, message, type Static, string, struct } from "@xebec/model-schema";

/** An instance of Mixer (docs/reference/mixer.md §7.1). Its parameters are checked by its template. */
export const InstanceSpec = message("Instance", {
  compiledTemplate: field(string(), "The template, which is part of the service. Required, or `template`."),
  template: field(
    string(),
    "A template of adapters of their own process: `NAME` or `NAME.NAMESPACE` of an object of kind template.",
  ),
  name: field(string(), "Accepted and not read: the object's own name counts."),
  params: field(struct(), "Expressions for the template's fields."),
  attributeBindings: field(
    map(string()),
    "Expressions for attributes, of the output of an attribute-generating adapter.",
  ),
});
export type InstanceSpec = Static<typeof InstanceSpec>;
