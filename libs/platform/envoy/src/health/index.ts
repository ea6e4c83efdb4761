export { healthChecker } from "./health-checker.ts";
export { createHealthReports } from "./health-reports.ts";
export { probeWorkload } from "./probe-workload.ts";
export { readinessProbeOf } from "./readiness-probe.ts";
