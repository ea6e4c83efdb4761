export { ISTIO_ADAPTERS } from "./istio-adapters.ts";
export { fullName, resolveReference } from "./references.ts";
export { defineTemplate, type LeafType, type Template, type TemplateField, type Variety } from "./template.ts";
export { TEMPLATES, templateOfInstance } from "./templates.ts";
