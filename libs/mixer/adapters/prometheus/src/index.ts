export { createPrometheus, type Prometheus, TEXT_FORMAT } from "./prometheus.ts";
