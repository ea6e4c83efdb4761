export { httpStatusOf } from "./http-status.ts";
export { ISTIO_ADAPTERS } from "./istio-adapters.ts";
export { fullName, resolveReference } from "./references.ts";
export {
  REPORT_ENTRY,
  REPORT_METRICS,
  type ReportEntryKey,
  reportEntryFormats,
  reportLabel,
} from "./report-entry.ts";
export {
  defineTemplate,
  type FieldSpec,
  type FieldSpecs,
  type LeafType,
  type OutputField,
  type OutputSpecs,
  type Template,
  type TemplateField,
  type TemplateSpec,
  type TemplateWire,
  type Variety,
} from "./template.ts";
export {
  apikey,
  authorization,
  checknothing,
  edge,
  ISTIO_TEMPLATES,
  installTemplate,
  kubernetes,
  listentry,
  logentry,
  metric,
  quota,
  reportnothing,
  TEMPLATES,
  templateOfInstance,
  tracespan,
} from "./templates.ts";
