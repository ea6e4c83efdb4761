import { httpsLessons } from "./lessons/https.ts";
import { metricsLessons } from "./lessons/metrics.ts";
import { routingLessons } from "./lessons/routing.ts";
import { securityLessons } from "./lessons/security.ts";
import { toolLessons } from "./lessons/tools.ts";
import { verdictLessons } from "./lessons/verdicts.ts";
import type { Mesh } from "./mesh.ts";

/** What a user tries with Bookinfo, on a mesh that runs: the same for six services and for one process. */
export function lessons(mesh: () => Mesh): void {
  routingLessons(mesh);
  toolLessons(mesh);
  httpsLessons(mesh);
  verdictLessons(mesh);
  securityLessons(mesh);
  metricsLessons(mesh);
}
