// Istio's templates, for `defineAdapter`: `templates.metric`.
export {
  apikey,
  authorization,
  checknothing,
  edge,
  kubernetes,
  listentry,
  logentry,
  metric,
  quota,
  reportnothing,
  tracespan,
} from "@xebec/model-mixer";
